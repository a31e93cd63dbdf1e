//! What a run owes beyond its capability's mail: what is expected of it, and how that looked at some moment.
//! Parsed at the edge of `turn run` and `turn adopt`; `seam` fills the looks, `judge` compares two of them, `state` keeps the first.
//! Nothing here reads the world.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::clock::Stamp;
use crate::id::TurnId;
use crate::model::{MailType, StoryKey, TruthSeen};
use crate::words::words;

words! {
    /// What can be expected of a run.
    pub enum ExpectKind {
        /// A mail of a type.
        Mail = "mail",
        /// A file with new content.
        File = "file",
        /// A file with a JSON object whose status says how the work ended.
        Result = "result",
        /// A git ref that moves.
        Git = "git",
        /// A story's file, whose status becomes another.
        Story = "story",
        /// A story's line in the sprint file, whose status becomes another.
        Sprint = "sprint",
    }
}

words! {
    /// What was found where something is expected.
    pub enum Found {
        /// The mail so far.
        Mail = "mail",
        /// Nothing.
        Absent = "absent",
        /// A file.
        File = "file",
        /// Something that is no file.
        Other = "other",
        /// A ref.
        Ref = "ref",
        /// What truth files said, or why they said nothing.
        Truth = "truth",
        /// It could not be looked at.
        Unknown = "unknown",
    }
}

words! {
    /// What became of something that was expected.
    pub enum Reach {
        /// It is there, and it was not so when the attempt began.
        Reached = "reached",
        /// It is not there, or it is as it was.
        NotReached = "not_reached",
        /// It is there, and says that the work failed.
        Contradicted = "contradicted",
        /// It cannot be told.
        Unknown = "unknown",
    }
}

/// A status that a story is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Milestone {
    /// `KEY=STATUS`.
    pub text: String,
    /// The project's folder.
    pub root: PathBuf,
}

impl Milestone {
    /// The story: its key, or the path of its file.
    #[must_use]
    pub fn key(&self) -> &str {
        self.text.rsplit_once('=').map_or(&self.text, |(key, _)| key)
    }

    /// The story, by its key; of a file that of its name.
    #[must_use]
    pub fn story(&self) -> StoryKey {
        StoryKey::of_file(self.key()).unwrap_or_else(|| StoryKey::of(self.key()))
    }

    /// The status that it is to have.
    #[must_use]
    pub fn status(&self) -> &str {
        self.text.rsplit_once('=').map_or("done", |(_, status)| status)
    }
}

/// What is expected of a run: the same wherever one stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// A mail of this type, sent by the run.
    Mail(MailType),
    /// The file at this absolute path.
    File(PathBuf),
    /// The result at this absolute path.
    Result(PathBuf),
    /// A ref.
    Git {
        /// Its name, full or short.
        name: String,
        /// The folder that git calls its own: of the worktree, where there are several.
        repository: PathBuf,
    },
    /// The status of a story, in its file.
    Story(Milestone),
    /// The status of a story, in the sprint file.
    Sprint(Milestone),
}

/// How something that is expected looks at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "snake_case")]
pub enum Look {
    /// As a baseline the newest mail of all; later the newest that counts. None: there is none.
    Mail {
        /// Its number.
        mail: Option<i64>,
    },
    /// There is nothing.
    Absent,
    /// There is a file.
    File(FileSeen),
    /// There is something, and it is no file.
    Other {
        /// What it is: `a folder`.
        what: String,
    },
    /// There is a ref.
    Ref {
        /// The object it stands for.
        object: String,
    },
    /// What truth files say.
    Truth(TruthSeen),
    /// It could not be looked at.
    Unknown {
        /// Why.
        why: String,
    },
}

impl Look {
    /// The word for what was found.
    #[must_use]
    pub const fn found(&self) -> Found {
        match self {
            Self::Mail { .. } => Found::Mail,
            Self::Absent => Found::Absent,
            Self::File(_) => Found::File,
            Self::Other { .. } => Found::Other,
            Self::Ref { .. } => Found::Ref,
            Self::Truth(_) => Found::Truth,
            Self::Unknown { .. } => Found::Unknown,
        }
    }
}

/// A file as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSeen {
    /// Its length in bytes.
    pub size: u64,
    /// Its last change, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// SHA-256 of its content, or of its first part where it is longer than the bound; none where it cannot be read.
    pub sha256: Option<String>,
    /// The hash is of all of it.
    pub whole: bool,
    /// Why it cannot be read.
    pub unread: Option<String>,
    /// What it says, where it is a result.
    pub said: Option<Said>,
}

/// What a result says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// Its status.
    Status(String),
    /// It has none that can be read: why.
    Nothing(String),
}

/// What a run owes, and how that looked when the attempt began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// What.
    pub expectation: Expectation,
    /// How it looked then.
    pub baseline: Look,
    /// The turn at whose start that was; none for a run that was adopted.
    pub turn: Option<TurnId>,
    /// When.
    pub taken_at: Stamp,
}

/// What became of one expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fulfilment {
    /// What was expected.
    pub kind: ExpectKind,
    /// What became of it.
    pub reach: Reach,
    /// In words; none where it is simply there.
    pub why: Option<String>,
}

impl Expectation {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> ExpectKind {
        match self {
            Self::Mail(_) => ExpectKind::Mail,
            Self::File(_) => ExpectKind::File,
            Self::Result(_) => ExpectKind::Result,
            Self::Git { .. } => ExpectKind::Git,
            Self::Story(_) => ExpectKind::Story,
            Self::Sprint(_) => ExpectKind::Sprint,
        }
    }

    /// What is expected, in the bytes of its name.
    #[must_use]
    pub fn target(&self) -> &OsStr {
        match self {
            Self::Mail(kind) => OsStr::new(kind.word()),
            Self::File(path) | Self::Result(path) => path.as_os_str(),
            Self::Git { name, .. } => OsStr::new(name),
            Self::Story(milestone) | Self::Sprint(milestone) => OsStr::new(&milestone.text),
        }
    }

    /// The repository of a ref.
    #[must_use]
    pub fn repository(&self) -> Option<&Path> {
        match self {
            Self::Git { repository, .. } => Some(repository),
            _ => None,
        }
    }

    /// The status of a story.
    #[must_use]
    pub const fn milestone(&self) -> Option<&Milestone> {
        match self {
            Self::Story(milestone) | Self::Sprint(milestone) => Some(milestone),
            _ => None,
        }
    }

    /// The folder of the project whose story it is.
    #[must_use]
    pub fn root(&self) -> Option<&Path> {
        self.milestone().map(|milestone| milestone.root.as_path())
    }

    /// The folder in which the target is looked for, where it is no path of its own: a repository, a project.
    #[must_use]
    pub fn place(&self) -> Option<&Path> {
        self.repository().or_else(|| self.root())
    }

    /// The expectation of these parts, as they are stored; none where they make none.
    #[must_use]
    pub fn of(kind: ExpectKind, target: Vec<u8>, place: Vec<u8>) -> Option<Self> {
        let path = |bytes| PathBuf::from(OsString::from_vec(bytes));
        let milestone = |target, place| Some(Milestone { text: String::from_utf8(target).ok()?, root: path(place) });
        Some(match kind {
            ExpectKind::Mail => Self::Mail(MailType::from_word(std::str::from_utf8(&target).ok()?)?),
            ExpectKind::File => Self::File(path(target)),
            ExpectKind::Result => Self::Result(path(target)),
            ExpectKind::Git => Self::Git { name: String::from_utf8(target).ok()?, repository: path(place) },
            ExpectKind::Story => Self::Story(milestone(target, place)?),
            ExpectKind::Sprint => Self::Sprint(milestone(target, place)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn parts_that_are_stored_make_the_same_again() {
        let milestone = || Milestone { text: "1-2=review".into(), root: "/x".into() };
        assert_eq!((milestone().key(), milestone().status()), ("1-2", "review"));
        let all = [
            Expectation::File(OsString::from_vec(b"a\xffb".to_vec()).into()),
            Expectation::Git { name: "main".into(), repository: "/r".into() },
            Expectation::Story(milestone()),
            Expectation::Sprint(milestone()),
        ];
        for one in all {
            let place = one.place().unwrap_or(Path::new("")).as_os_str().as_bytes().to_vec();
            let again = Expectation::of(one.kind(), one.target().as_bytes().to_vec(), place);
            assert_eq!(again, Some(one));
        }
    }
}
