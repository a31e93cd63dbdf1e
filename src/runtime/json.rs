//! One JSON value looked at where it lies: no tree is built, so a line of any shape costs no memory.
//! Called by the reading of lines and by the matchers. Must never recurse: depth is the agent's to choose.
//!
//! The shortcut, exactly. [`Raw::object`] accepts what is one object whose own members are `"key": value`
//! separated by commas, whose strings are closed and whose brackets balance. It finds the members of every
//! valid object, and also accepts some that are not valid: nonsense *between* the strings and brackets of
//! nested values, unknown escapes, brackets of the wrong kind. [`Raw::is_valid`] is the whole grammar.

use std::borrow::Cow;

use memchr::memchr2;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The bytes of one JSON value, without space around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw<'a>(&'a [u8]);

impl<'a> Raw<'a> {
    /// The object that fills `bytes`, its members handed to `see` on the way; none if there is no such object.
    pub(super) fn object(bytes: &'a [u8], see: impl FnMut(&'a [u8], Raw<'a>)) -> Option<Self> {
        let raw = Self(bytes);
        raw.members(see)?;
        Some(raw)
    }

    /// The object that `bytes` begin with, whatever follows it; none if they begin with none.
    pub(super) fn first(bytes: &'a [u8]) -> Option<Self> {
        (bytes.first()? == &b'{').then(|| nested_end(bytes, 0))?.map(|end| Self(&bytes[..end]))
    }

    /// Whether this is JSON by the whole grammar (of any depth).
    pub(super) fn is_valid(self) -> bool {
        serde_json::from_slice::<IgnoredAny>(self.0).is_ok()
    }

    /// The value at a path of keys and indices. Of members with the same key the last one counts, as in most
    /// readers; a key written with escapes is not found (no program writes its field names so).
    pub(super) fn at(self, path: &[String]) -> Option<Self> {
        path.iter().try_fold(self, |value, step| value.step(step))
    }

    fn step(self, step: &str) -> Option<Self> {
        let mut found = None;
        match self.0.first()? {
            b'{' => self.members(|key, value| {
                if key == step.as_bytes() {
                    found = Some(value);
                }
            })?,
            b'[' => {
                let wanted: usize = step.parse().ok()?;
                let mut index = 0;
                self.elements(|value| {
                    if index == wanted {
                        found = Some(value);
                    }
                    index += 1;
                })?;
            }
            _ => {}
        }
        found
    }

    /// Shows each member of an object; none if this is no object, or its outline is broken.
    fn members(self, mut see: impl FnMut(&'a [u8], Raw<'a>)) -> Option<()> {
        let bytes = self.0;
        let mut at = enter(bytes, b'{')?;
        if bytes.get(at)? == &b'}' {
            return (at + 1 == bytes.len()).then_some(());
        }
        loop {
            let key_end = string_end(bytes, at)?;
            let key = &bytes[at + 1..key_end - 1];
            at = skip_space(bytes, key_end);
            (bytes.get(at)? == &b':').then_some(())?;
            let start = skip_space(bytes, at + 1);
            let end = value_end(bytes, start)?;
            see(key, Raw(&bytes[start..end]));
            match next(bytes, end, b'}')? {
                Next::Member(start) => at = start,
                Next::End => return Some(()),
            }
        }
    }

    /// Shows each element of an array; none if this is no array, or its outline is broken.
    pub(super) fn elements(self, mut see: impl FnMut(Raw<'a>)) -> Option<()> {
        let bytes = self.0;
        let mut at = enter(bytes, b'[')?;
        if bytes.get(at)? == &b']' {
            return (at + 1 == bytes.len()).then_some(());
        }
        loop {
            let end = value_end(bytes, at)?;
            see(Raw(&bytes[at..end]));
            match next(bytes, end, b']')? {
                Next::Member(start) => at = start,
                Next::End => return Some(()),
            }
        }
    }

    /// The text of a string.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        let inner = self.0.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        if memchr::memchr(b'\\', inner).is_none() {
            return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
        }
        serde_json::from_slice(self.0).ok().map(Cow::Owned)
    }

    /// A scalar of the wanted type, or none.
    pub(super) fn scalar<T: Deserialize<'a>>(self) -> Option<T> {
        serde_json::from_slice(self.0).ok()
    }

    /// Whether this is `null`.
    pub(super) fn is_null(self) -> bool {
        self.0 == b"null"
    }
}

enum Next {
    Member(usize),
    End,
}

/// What follows a member that ended at `end`: another one, or the end of the whole.
fn next(bytes: &[u8], end: usize, close: u8) -> Option<Next> {
    let at = skip_space(bytes, end);
    match *bytes.get(at)? {
        b',' => Some(Next::Member(skip_space(bytes, at + 1))),
        byte if byte == close && at + 1 == bytes.len() => Some(Next::End),
        _ => None,
    }
}

fn enter(bytes: &[u8], open: u8) -> Option<usize> {
    (bytes.first()? == &open).then(|| skip_space(bytes, 1))
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

/// Where the value that starts at `at` ends.
fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => string_end(bytes, at),
        b'{' | b'[' => nested_end(bytes, at),
        _ => scalar_end(bytes, at),
    }
}

/// Numbers and words: at least one byte of their alphabet.
fn scalar_end(bytes: &[u8], at: usize) -> Option<usize> {
    let length =
        bytes[at..].iter().take_while(|b| matches!(b, b'+' | b'-' | b'.') || b.is_ascii_alphanumeric()).count();
    (length > 0).then_some(at + length)
}

/// Behind the bracket that closes the one at `at`.
fn nested_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match *bytes.get(at)? {
            b'"' => {
                at = string_end(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

/// Behind the quote that closes the string at `at`.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at)? != &b'"' {
        return None;
    }
    let mut at = at + 1;
    loop {
        at = quote_or_backslash(bytes, at)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Where the next quote or backslash stands. Eight bytes at a time, while strings are short: a call of a vector
/// search costs more than most names and words are long.
fn quote_or_backslash(bytes: &[u8], mut at: usize) -> Option<usize> {
    for _ in 0..SHORT / 8 {
        let Some(eight) = bytes.get(at..at + 8).and_then(|slice| slice.try_into().ok()) else { break };
        let word = u64::from_le_bytes(eight);
        let hits = zero_bytes(word ^ (ONES * b'"' as u64)) | zero_bytes(word ^ (ONES * b'\\' as u64));
        if hits != 0 {
            return Some(at + hits.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    Some(at + memchr2(b'"', b'\\', bytes.get(at..)?)?)
}

/// Bytes of a string that are searched without the vector search.
const SHORT: usize = 32;
const ONES: u64 = 0x0101_0101_0101_0101;

/// The high bit of each byte that is zero; the lowest such bit is exact (Warren, Hacker's Delight, 6-1).
const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & (ONES << 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split('/').skip(1).map(str::to_owned).collect()
    }

    #[test]
    fn finds_what_serde_finds() {
        let text =
            r#" {"a":1,"b":{"c":[true,null,{"d":"x\"y"}],"e":"}"},"\u0061":0,"f":"","a":2, "g" : [ ] ,"h":-1.5e3} "#
                .trim();
        let tree: serde_json::Value = serde_json::from_str(text).unwrap();
        let raw = Raw::object(text.as_bytes(), |_, _| {}).unwrap();
        for pointer in ["/b/c/0", "/b/c/2/d", "/b/e", "/f", "/g", "/h", "/b/c/3", "/nope", "/b/c/x", "/f/x"] {
            let found = raw.at(&path(pointer)).map(|raw| serde_json::from_slice::<serde_json::Value>(raw.0).unwrap());
            assert_eq!(found.as_ref(), tree.pointer(pointer), "{pointer}");
        }
        assert_eq!(raw.at(&path("/a")).and_then(Raw::scalar::<i64>), Some(2), "the last of two equal keys counts");
    }

    #[test]
    fn outlines() {
        for (text, accepted, valid) in [
            ("{}", true, true),
            (r#"{"a":[{"b":"}]"}]}"#, true, true),
            (r#"{"a":"\\"}"#, true, true),
            (r#"{"a":"\""}"#, true, true),
            (r#"{"a":"}"#, false, false),
            (r#"{"a":1"#, false, false),
            (r#"{"a":1}}"#, false, false),
            (r#"{"a":1}{"b":2}"#, false, false),
            (r#"{"a":1,}"#, false, false),
            (r#"{"a"}"#, false, false),
            (r#"{"a":}"#, false, false),
            (r#"{"a":"\"#, false, false),
            (r#"{"a":[[}]}"#, true, false),
            ("[1]", false, true),
            ("{", false, false),
            ("", false, false),
            (r#"{"a":{nonsense}}"#, true, false),
            (r#"{"a":[}}"#, true, false),
        ] {
            let outline = Raw::object(text.as_bytes(), |_, _| {});
            assert_eq!((outline.is_some(), Raw(text.as_bytes()).is_valid()), (accepted, valid), "{text}");
        }
    }

    #[test]
    fn the_outline_holds_for_every_valid_object() {
        let seed = br#"{"type":"a\\\"b","m":{"c":[{"t":"x","n":-1.5e3},[],{}, null],"u":"\u00e9"},"e":"","z":[true]}"#;
        let mut random = 1_u64;
        let mut next = |below: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as usize % below
        };
        let (mut valid, mut broken) = (0, 0);
        for _ in 0..200_000 {
            let mut bytes = seed[..seed.len() - next(3) / 2].to_vec();
            for _ in 0..next(3) {
                let (at, from) = (next(bytes.len()), next(seed.len()));
                bytes[at] = seed[from];
            }
            let outline = Raw::object(&bytes, |_, value| {
                value.at(&path("/c/0/t")).and_then(Raw::text);
            });
            if serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&bytes).is_ok() {
                assert!(outline.is_some(), "{}", String::from_utf8_lossy(&bytes));
                valid += 1;
            } else {
                broken += 1;
            }
        }
        assert!(valid > 10_000 && broken > 10_000, "{valid} {broken}");
    }

    #[test]
    fn depth_costs_no_stack() {
        let bomb = format!("{{\"a\":{}{}}}", "[".repeat(500_000), "]".repeat(500_000));
        assert!(Raw::object(bomb.as_bytes(), |_, _| {}).is_some_and(Raw::is_valid));
    }
}
