//! What a run owes beyond its capability's mail: what is expected of it, and how that looked at some moment.
//! Parsed at the edge of `turn run` and `turn adopt`; `seam` fills the looks, `judge` compares two of them, `state` keeps the first.
//! Nothing here reads the world.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::clock::Stamp;
use crate::id::TurnId;
use crate::model::MailType;
use crate::words::words;

/// Kinds that have a name and are not known yet.
const LATER: &[&str] = &["story", "sprint"];

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

/// What `--expect KIND:TARGET` asks for, as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A mail of this type.
    Mail(MailType),
    /// This file, changed.
    File(PathBuf),
    /// This file, changed, with a good status.
    Result(PathBuf),
    /// This ref, moved.
    Git(String),
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

impl Wanted {
    /// Reads `KIND:TARGET`.
    ///
    /// # Errors
    /// What is wrong with it, with the kinds that there are.
    pub fn parse(text: &OsStr) -> Result<Self, String> {
        let bytes = text.as_bytes();
        let known = || ExpectKind::ALL.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ");
        let Some(colon) = bytes.iter().position(|byte| *byte == b':') else {
            return Err(format!("it has the form KIND:TARGET; known kinds are: {}", known()));
        };
        let (kind, target) = (String::from_utf8_lossy(&bytes[..colon]), &bytes[colon + 1..]);
        if LATER.contains(&&*kind) {
            return Err(format!("the kind '{kind}' is not known yet; known kinds are: {}", known()));
        }
        let Some(kind) = ExpectKind::from_word(&kind) else {
            return Err(format!("no kind '{kind}'; known kinds are: {}", known()));
        };
        if target.is_empty() {
            return Err(format!("{kind}: needs a target; known kinds are: {}", known()));
        }
        let path = || PathBuf::from(OsString::from_vec(target.to_vec()));
        Ok(match kind {
            ExpectKind::Mail => Self::Mail(String::from_utf8_lossy(target).parse()?),
            ExpectKind::File => Self::File(path()),
            ExpectKind::Result => Self::Result(path()),
            ExpectKind::Git => Self::Git(ref_name(target)?),
        })
    }
}

/// A ref's name, by the rules of git-check-ref-format(1): a revision such as `main~2` never moves by itself.
fn ref_name(bytes: &[u8]) -> Result<String, String> {
    let name = std::str::from_utf8(bytes).map_err(|_| "a ref's name is UTF-8".to_owned())?;
    let wrong = name.contains("..")
        || name.contains("@{")
        || name == "@"
        || name.chars().any(|c| c.is_control() || " ~^:?*[\\".contains(c))
        || name.starts_with('-')
        || name.ends_with('.')
        || name.split('/').any(|part| part.is_empty() || part.starts_with('.') || part.ends_with(".lock"));
    match wrong {
        true => Err(format!("'{name}' is not the name of a ref")),
        false => Ok(name.to_owned()),
    }
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
        }
    }

    /// What is expected, in the bytes of its name.
    #[must_use]
    pub fn target(&self) -> &OsStr {
        match self {
            Self::Mail(kind) => OsStr::new(kind.word()),
            Self::File(path) | Self::Result(path) => path.as_os_str(),
            Self::Git { name, .. } => OsStr::new(name),
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

    /// The expectation of these parts, as they are stored; none where they make none.
    #[must_use]
    pub fn of(kind: ExpectKind, target: Vec<u8>, repository: Vec<u8>) -> Option<Self> {
        let path = |bytes| PathBuf::from(OsString::from_vec(bytes));
        Some(match kind {
            ExpectKind::Mail => Self::Mail(MailType::from_word(std::str::from_utf8(&target).ok()?)?),
            ExpectKind::File => Self::File(path(target)),
            ExpectKind::Result => Self::Result(path(target)),
            ExpectKind::Git => Self::Git { name: String::from_utf8(target).ok()?, repository: path(repository) },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expectations_are_read_at_the_edge() {
        let good = [
            ("mail:merge_ready", Wanted::Mail(MailType::MergeReady)),
            ("file:a:b", Wanted::File("a:b".into())),
            ("result:/x/result.json", Wanted::Result("/x/result.json".into())),
            ("git:feature/x", Wanted::Git("feature/x".into())),
            ("git:HEAD", Wanted::Git("HEAD".into())),
        ];
        for (text, wanted) in good {
            assert_eq!(Wanted::parse(OsStr::new(text)), Ok(wanted), "{text}");
        }
        let bad = [
            ("", "known kinds are: mail, file, result, git"),
            ("x", "known kinds are: mail, file, result, git"),
            ("files:x", "no kind 'files'; known kinds are: mail"),
            ("File:x", "no kind 'File'"),
            (":x", "no kind ''"),
            ("story:1-2", "'story' is not known yet"),
            ("sprint:1=done", "'sprint' is not known yet"),
            ("file:", "file: needs a target"),
            ("git:", "git: needs a target"),
            ("mail:", "mail: needs a target"),
            ("mail:spam", "known are: status, question"),
        ];
        for (text, words) in bad {
            let said = Wanted::parse(OsStr::new(text)).unwrap_err();
            assert!(said.contains(words), "{text}: {said}");
        }
        for name in
            ["a b", "a..b", "main~1", "main^", "a:b", "x?", "x*", "x[", "x\\y", "@", "a@{1}", "-x", "/x", "x/", "x//y"]
        {
            assert!(Wanted::parse(OsStr::new(&format!("git:{name}"))).is_err(), "{name}");
        }
        for name in [".x", "x/.y", "x.lock", "x.lock/y", "x.", "a\u{1}"] {
            assert!(Wanted::parse(OsStr::new(&format!("git:{name}"))).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_path_that_is_not_utf8_stays_what_it_is() {
        let Ok(Wanted::File(path)) = Wanted::parse(OsStr::from_bytes(b"file:a\xffb")) else { panic!() };
        assert_eq!(path.as_os_str().as_bytes(), b"a\xffb");
        let again = Expectation::of(ExpectKind::File, b"a\xffb".to_vec(), vec![]).unwrap();
        assert_eq!(again, Expectation::File(path));
    }
}
