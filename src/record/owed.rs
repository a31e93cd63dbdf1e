//! What a run owes, inside other records: how it looked when the attempt began, and what became of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Stamp;
use crate::id::{MailId, TurnId};
use crate::model::{ExpectKind, FileSeen, Found, Fulfilment, Look, Owed, Reach, Said, Says, TruthSeen};

/// Something that a run owes, with its baseline: how it looked when the attempt began.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OwedRecord {
    /// What kind of thing.
    pub kind: ExpectKind,
    /// What: a type of mail, an absolute path, a ref, `KEY=STATUS`.
    pub target: String,
    /// The path is not UTF-8 and the text stands for it.
    pub target_lossy: bool,
    /// The repository of a ref: the folder that git calls its own.
    pub repository: Option<String>,
    /// Its name is not UTF-8 and the text stands for it.
    pub repository_lossy: bool,
    /// The project's folder, of a story or a sprint key.
    pub root: Option<String>,
    /// Its name is not UTF-8 and the text stands for it.
    pub root_lossy: bool,
    /// The turn at whose start the baseline was taken.
    pub since: Option<TurnId>,
    /// When that was.
    pub taken_at: Stamp,
    /// What was there.
    pub found: Found,
    /// The newest mail of all.
    pub mail: Option<MailId>,
    /// The length of a file.
    pub size: Option<u64>,
    /// Its last change.
    pub modified_at: Option<Stamp>,
    /// SHA-256 of its content, or of its first 64 MiB.
    pub sha256: Option<String>,
    /// The status in a result, or of a story: the normal word.
    pub status: Option<String>,
    /// The object of a ref.
    pub object: Option<String>,
    /// What it was instead, or why it could not be read.
    pub why: Option<String>,
}

/// What became of something that was expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExpectedRecord {
    /// What kind of thing.
    pub kind: ExpectKind,
    /// What: a type of mail, an absolute path, a ref, `KEY=STATUS`.
    pub target: String,
    /// The path is not UTF-8 and the text stands for it.
    pub target_lossy: bool,
    /// What became of it.
    pub state: Reach,
    /// Why, in words.
    pub why: Option<String>,
}

impl From<&Owed> for OwedRecord {
    fn from(owed: &Owed) -> Self {
        let what = &owed.expectation;
        let bare = Self {
            kind: what.kind(),
            target: what.target().to_string_lossy().into_owned(),
            target_lossy: what.target().to_str().is_none(),
            repository: what.repository().map(|path| path.to_string_lossy().into_owned()),
            repository_lossy: what.repository().is_some_and(|path| path.to_str().is_none()),
            root: what.root().map(|path| path.to_string_lossy().into_owned()),
            root_lossy: what.root().is_some_and(|path| path.to_str().is_none()),
            since: owed.turn,
            taken_at: owed.taken_at,
            found: owed.baseline.found(),
            mail: None,
            size: None,
            modified_at: None,
            sha256: None,
            status: None,
            object: None,
            why: None,
        };
        match owed.baseline.clone() {
            Look::Absent => bare,
            Look::Mail { mail } => Self { mail: mail.map(MailId), ..bare },
            Look::Ref { object } => Self { object: Some(object), ..bare },
            Look::Other { what: why } | Look::Unknown { why } => Self { why: Some(why), ..bare },
            Look::File(seen) => bare.with(seen),
            Look::Truth(seen) => bare.truth(seen),
        }
    }
}

impl OwedRecord {
    fn with(self, seen: FileSeen) -> Self {
        let (status, nothing) = match seen.said {
            Some(Said::Status(status)) => (Some(status), None),
            Some(Said::Nothing(why)) => (None, Some(why)),
            None => (None, None),
        };
        Self {
            size: Some(seen.size),
            modified_at: Some(Stamp::from_nanos(seen.modified_ns)),
            sha256: seen.sha256,
            status,
            why: seen.unread.or(nothing),
            ..self
        }
    }

    fn truth(self, seen: TruthSeen) -> Self {
        let (status, why) = match seen.says {
            Says::Status(status) => (Some(status.word), None),
            Says::Nothing(silence) => (None, Some(silence.words())),
        };
        let modified_at = seen.modified_ns.map(Stamp::from_nanos);
        Self { size: seen.size, modified_at, sha256: seen.sha256, status, why, ..self }
    }
}

impl ExpectedRecord {
    /// The record of a finding about what is owed.
    #[must_use]
    pub fn of(owed: &Owed, finding: &Fulfilment) -> Self {
        let target = owed.expectation.target();
        Self {
            kind: finding.kind,
            target: target.to_string_lossy().into_owned(),
            target_lossy: target.to_str().is_none(),
            state: finding.reach,
            why: finding.why.clone(),
        }
    }
}
