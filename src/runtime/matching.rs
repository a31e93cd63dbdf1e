//! Predicates as data: `"/json/pointer" = test`, all of which must hold.
//! Written in the descriptions, asked by the reading of lines. No regular expressions, no code in data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::json::Raw;

/// A place in a line: `/item/id`, `/errors/0`. Keys contain no `/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pointer(Vec<String>);

impl Pointer {
    /// The keys and indices, outermost first; at least one.
    #[must_use]
    pub fn steps(&self) -> &[String] {
        &self.0
    }

    pub(super) fn of<'a>(&self, raw: Raw<'a>) -> Option<Raw<'a>> {
        raw.at(&self.0).filter(|value| !value.is_null())
    }
}

impl TryFrom<String> for Pointer {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let steps: Vec<String> = text.split('/').map(str::to_owned).collect();
        match steps.as_slice() {
            [before, rest @ ..]
                if before.is_empty() && !rest.is_empty() && rest.iter().all(|step| !step.is_empty()) =>
            {
                Ok(Self(rest.to_vec()))
            }
            _ => Err(format!("'{text}' is not a pointer like /message/content")),
        }
    }
}

impl From<Pointer> for String {
    fn from(pointer: Pointer) -> Self {
        pointer.0.iter().fold(Self::new(), |text, step| text + "/" + step)
    }
}

/// What is asked of the value at one place. `null` counts as absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a text, an integer, a boolean, { any_of = [..] }, { exists = .. } or { contains = [..] }"
)]
pub enum Test {
    /// It is this boolean.
    Is(bool),
    /// It is this integer.
    Equals(i64),
    /// It is this text.
    Reads(String),
    /// It is one of these texts.
    AnyOf(AnyOf),
    /// It is there, or it is not.
    Exists(Exists),
    /// It is a text with one of these in it, in any case of letters.
    Contains(Contains),
}

/// `{ any_of = ["a", "b"] }`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnyOf {
    /// The texts.
    pub any_of: Vec<String>,
}

/// `{ exists = true }`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exists {
    /// Whether it must be there, or must not.
    pub exists: bool,
}

/// `{ contains = ["part of the text"] }`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contains {
    /// The parts, one of which is enough.
    pub contains: Vec<String>,
}

impl Test {
    fn holds(&self, value: Option<Raw<'_>>) -> bool {
        if let Self::Exists(Exists { exists }) = self {
            return value.is_some() == *exists;
        }
        let Some(value) = value else { return false };
        match self {
            Self::Is(wanted) => value.scalar::<bool>() == Some(*wanted),
            Self::Equals(wanted) => value.scalar::<i64>() == Some(*wanted),
            Self::Reads(wanted) => value.text().is_some_and(|text| text == *wanted),
            Self::AnyOf(AnyOf { any_of }) => value.text().is_some_and(|text| any_of.iter().any(|one| text == *one)),
            Self::Contains(Contains { contains }) => value.text().is_some_and(|text| has_any(&text, contains)),
            Self::Exists(_) => true,
        }
    }
}

/// Whether one of the parts is in the text, in any case of letters.
pub(super) fn has_any(text: &str, parts: &[String]) -> bool {
    let text = text.to_lowercase();
    parts.iter().any(|part| text.contains(&part.to_lowercase()))
}

/// A predicate over one line; the empty one always holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct When(BTreeMap<Pointer, Test>);

impl When {
    /// Whether nothing is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn holds(&self, raw: Raw<'_>) -> bool {
        self.0.iter().all(|(pointer, test)| test.holds(pointer.of(raw)))
    }

    /// Byte strings without which the predicate cannot hold: the quoted name of a top-level field that must be
    /// there, the quoted text that a deeper one must have. Programs do not escape letters, digits, `_`, `-` and `.`.
    pub(super) fn needles(&self) -> Vec<String> {
        self.0.iter().filter_map(|(pointer, test)| needle(pointer, test, pointer.0.len() > 1)).collect()
    }

    /// The same for a predicate over something inside the line, all of whose fields are deeper.
    pub(super) fn needles_inside(&self) -> Vec<String> {
        self.0.iter().filter_map(|(pointer, test)| needle(pointer, test, true)).collect()
    }
}

fn needle(pointer: &Pointer, test: &Test, deep: bool) -> Option<String> {
    let key = pointer.0.last()?;
    let word = match test {
        Test::Exists(Exists { exists: false }) => return None,
        Test::Reads(text) if deep => text,
        _ => key,
    };
    let plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    let index = std::ptr::eq(word, key) && key.bytes().all(|b| b.is_ascii_digit());
    (plain && !index).then(|| format!("\"{word}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn when(text: &str) -> When {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn tests_hold_or_not() {
        let line = r#"{"a":"One","b":7,"c":true,"d":null,"e":{"f":["Zero","x"]},"g":"7"}"#;
        let raw = Raw::object(line.as_bytes(), |_, _| {}).unwrap();
        for (predicate, holds) in [
            ("{}", true),
            (r#"{"/a":"One"}"#, true),
            (r#"{"/a":"one"}"#, false),
            (r#"{"/b":7}"#, true),
            (r#"{"/g":7}"#, false),
            (r#"{"/b":"7"}"#, false),
            (r#"{"/c":true,"/b":7}"#, true),
            (r#"{"/c":true,"/b":8}"#, false),
            (r#"{"/d":{"exists":true}}"#, false),
            (r#"{"/d":{"exists":false}}"#, true),
            (r#"{"/a":{"any_of":["Two","One"]}}"#, true),
            (r#"{"/a":{"any_of":[]}}"#, false),
            (r#"{"/e/f/0":{"contains":["zer"]}}"#, true),
            (r#"{"/b":{"contains":["7"]}}"#, false),
        ] {
            assert_eq!(when(predicate).holds(raw), holds, "{predicate}");
        }
    }

    #[test]
    fn needles_are_what_cannot_be_missing() {
        for (predicate, needles) in [
            (r#"{"/error":{"exists":true}}"#, vec!["\"error\""]),
            (r#"{"/error":{"exists":false}}"#, vec![]),
            (r#"{"/error":"rate_limit"}"#, vec!["\"error\""]),
            (r#"{"/event/type":"ping"}"#, vec!["\"ping\""]),
            (r#"{"/errors/0":{"contains":["x"]}}"#, vec![]),
            (r#"{"/a/b":"not plain"}"#, vec![]),
        ] {
            assert_eq!(when(predicate).needles(), needles, "{predicate}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            (r#"{"no/slash":1}"#, "is not a pointer like"),
            (r#"{"/a//b":1}"#, "is not a pointer like"),
            (r#"{"/a":{"anyof":["x"]}}"#, "any_of"),
            (r#"{"/a":[1]}"#, "expected a text"),
        ] {
            let error = serde_json::from_str::<When>(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
