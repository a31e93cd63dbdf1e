//! The names of what a clean-up leaves beside a marker file for a moment, and may leave for longer if it is killed. Only
//! words: who made one, and what is in it, stands in its name.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use hmac_sha256::Hash;

/// Between the name of the marker file and the rest.
const OURS: &[u8] = b".refloat-";
/// What is moved out of the way has this in its name.
const ASIDE: &[u8] = b".unreadable-";
/// The letters of an id.
const ID: usize = 32;

/// A file that a clean-up has made or put away: `.NAME.refloat-ID-WAY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The name of the marker file.
    pub of: OsString,
    /// The removal that it belongs to.
    pub id: String,
    /// What it is.
    pub way: Way,
}

/// What a file of ours is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// A new content that is not whole yet.
    Part,
    /// The new content with this hash; or the old one, once the two have changed places.
    Swap(String),
    /// The old file, which goes.
    Gone,
    /// The old file, which is moved out of the way.
    Aside,
}

impl Leftover {
    pub(super) fn new(of: &OsStr, id: &str, way: Way) -> Self {
        Self { of: of.to_owned(), id: id.to_owned(), way }
    }

    pub(super) fn name(&self) -> OsString {
        let way = match &self.way {
            Way::Part => "part",
            Way::Swap(hash) => hash,
            Way::Gone => "gone",
            Way::Aside => "aside",
        };
        let rest = [OURS, self.id.as_bytes(), b"-", way.as_bytes()].concat();
        OsString::from_vec([b".", self.of.as_bytes(), &rest].concat())
    }

    /// What a name says; none where it is no name of ours.
    #[must_use]
    pub fn read(name: &OsStr) -> Option<Self> {
        let name = name.as_bytes().strip_prefix(b".")?;
        let at = memchr::memmem::rfind(name, OURS)?;
        let rest = std::str::from_utf8(&name[at + OURS.len()..]).ok()?;
        let (id, way) = rest.split_once('-').filter(|(id, _)| id.len() == ID && is_hex(id))?;
        let way = match way {
            "part" => Way::Part,
            "gone" => Way::Gone,
            "aside" => Way::Aside,
            hash if hash.len() == 16 && is_hex(hash) => Way::Swap(hash.to_owned()),
            _ => return None,
        };
        Some(Self { of: OsString::from_vec(name[..at].to_owned()), id: id.to_owned(), way })
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a name is of something that a clean-up has made or moved: never a marker file itself.
pub(super) fn is_ours(name: &OsStr) -> bool {
    Leftover::read(name).is_some() || memchr::memmem::find(name.as_bytes(), ASIDE).is_some()
}

/// The name of what was moved out of the way then: `20261120T073102Z`, and a number where that is taken.
pub(super) fn aside(of: &OsStr, at: crate::clock::Stamp, number: usize) -> OsString {
    let text = at.to_string();
    let time: String = text.chars().take(19).filter(|c| c.is_ascii_digit() || *c == 'T').collect();
    let number = if number == 0 { String::new() } else { format!("-{number}") };
    OsString::from_vec([of.as_bytes(), ASIDE, time.as_bytes(), b"Z", number.as_bytes()].concat())
}

/// What a content is told by in a name.
pub(super) fn hash(bytes: &[u8]) -> String {
    Hash::hash(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Stamp;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        let id = "0123456789abcdef0123456789abcdef";
        for way in [Way::Part, Way::Gone, Way::Aside, Way::Swap(hash(b"x"))] {
            for of in ["m.json", ".a.refloat-b", "\u{e9}"] {
                let one = Leftover::new(OsStr::new(of), id, way.clone());
                assert_eq!(Leftover::read(&one.name()), Some(one.clone()));
                assert!(is_ours(&one.name()));
            }
        }
        for other in ["m", ".m", ".m.refloat-", ".m.refloat-12-gone", &format!(".m.refloat-{id}-x"), "m.refloat"] {
            assert_eq!(Leftover::read(OsStr::new(other)), None, "{other}");
        }
    }

    #[test]
    fn what_is_moved_aside_has_the_time_in_its_name() {
        let at: Stamp = "2026-11-20T07:31:02.123Z".parse().unwrap();
        assert_eq!(aside(OsStr::new("m"), at, 0), "m.unreadable-20261120T073102Z");
        assert_eq!(aside(OsStr::new("m"), at, 2), "m.unreadable-20261120T073102Z-2");
        assert!(is_ours(OsStr::new("m.unreadable-20261120T073102Z")));
    }
}
