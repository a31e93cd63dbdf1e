//! What `--expect KIND:TARGET` asks for, read at the edge of `turn run` and `turn adopt`. `owed` makes expectations of it:
//! absolute paths, and refs and stories with the folder that they belong to. Nothing here reads the world.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use super::{ExpectKind, MailType, StoryKey, StoryName, typed_status};

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
    /// This status of a story, in its file: `KEY=STATUS`.
    Story(String),
    /// This status of a story, in the sprint file: `KEY=STATUS`.
    Sprint(String),
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
            ExpectKind::Story => Self::Story(milestone(kind, target)?),
            ExpectKind::Sprint => Self::Sprint(milestone(kind, target)?),
        })
    }
}

/// `KEY` or `KEY=STATUS`, with the status as its normal word.
fn milestone(kind: ExpectKind, bytes: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the key of a story is UTF-8".to_owned())?;
    let (key, status) = text.rsplit_once('=').unwrap_or((text, "done"));
    match kind {
        ExpectKind::Story => StoryName::typed(OsStr::new(key)).map(drop)?,
        _ => StoryKey::typed(key).map(drop)?,
    }
    Ok(format!("{key}={}", typed_status(status)?))
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
            ("story:1-2", Wanted::Story("1-2=done".into())),
            ("story:1.6a=In Review", Wanted::Story("1.6a=review".into())),
            ("story:docs/a=b.md=done", Wanted::Story("docs/a=b.md=done".into())),
            ("sprint:epic-1=in_progress", Wanted::Sprint("epic-1=in-progress".into())),
        ];
        for (text, wanted) in good {
            assert_eq!(Wanted::parse(OsStr::new(text)), Ok(wanted), "{text}");
        }
        let bad = [
            ("", "known kinds are: mail, file, result, git, story, sprint"),
            ("x", "known kinds are: mail, file, result, git, story, sprint"),
            ("files:x", "no kind 'files'; known kinds are: mail"),
            ("File:x", "no kind 'File'"),
            (":x", "no kind ''"),
            ("story:", "story: needs a target"),
            ("story:=done", "is not the key of a story"),
            ("story:1-2=", "a status is a word"),
            ("sprint:a/b", "is not the key of a story"),
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
    }
}
