//! A result file's text: one JSON object with a `status`, and what else is required of it.
//! Called by the looks at results. It reads what it is given, and no file.

use serde_json::{Map, Value};

use crate::model::{Lack, Unsaid};

/// So much of a status is kept.
const STATUS: usize = 64;

/// The one object that a text is.
///
/// # Errors
/// Why it is none.
pub(super) fn object(text: &[u8]) -> Result<Map<String, Value>, Unsaid> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    if text.trim_ascii().is_empty() {
        return Err(Unsaid::Empty);
    }
    let mut documents = serde_json::Deserializer::from_slice(text).into_iter::<Value>();
    let first = match documents.next() {
        Some(Ok(first)) => first,
        Some(Err(error)) if error.is_eof() => return Err(Unsaid::CutOff),
        _ => return Err(Unsaid::NotJson),
    };
    match documents.next() {
        Some(Err(error)) if !error.is_eof() => return Err(Unsaid::NotJson),
        Some(_) => return Err(Unsaid::Several),
        None => {}
    }
    match first {
        Value::Object(object) => Ok(object),
        _ => Err(Unsaid::NotAnObject),
    }
}

/// Its status.
///
/// # Errors
/// Why it says none.
pub(super) fn status(object: &Map<String, Value>) -> Result<String, Unsaid> {
    match object.get("status") {
        Some(Value::String(status)) => Ok(plain(status)),
        Some(_) => Err(Unsaid::StatusNotText),
        None => Err(Unsaid::NoStatus),
    }
}

/// A status as a person reads it on one line.
fn plain(status: &str) -> String {
    status.trim().chars().filter(|c| !c.is_control()).take(STATUS).collect()
}

/// What a result has to hold beside its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required {
    /// Where, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// A text, or the JSON of another value; none: anything but null.
    pub value: Option<String>,
}

impl std::str::FromStr for Required {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (pointer, value) = text.split_once('=').map_or((text, None), |(pointer, value)| (pointer, Some(value)));
        if !pointer.starts_with('/') {
            return Err(format!("'{pointer}' is not a JSON pointer like /verified or /story/key"));
        }
        Ok(Self { pointer: pointer.to_owned(), value: value.map(str::to_owned) })
    }
}

impl Required {
    /// How it is missing, if it is.
    pub(super) fn lack(&self, document: &Value) -> Option<Lack> {
        match (document.pointer(&self.pointer), &self.value) {
            (None | Some(Value::Null), _) => Some(Lack::Missing),
            (Some(_), None) => None,
            (Some(Value::String(found)), Some(value)) => (found != value).then_some(Lack::Other),
            (Some(found), Some(value)) => {
                let text = found.to_string();
                (text != *value).then_some(Lack::Other)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_is_a_pointer_and_perhaps_a_value() {
        let document: Value = serde_json::from_str(r#"{"a":{"b":"x","n":3},"t":true,"z":null,"l":[1]}"#).unwrap();
        let rows = [
            ("/a/b", None),
            ("/a/b=x", None),
            ("/a/b=y", Some(Lack::Other)),
            ("/a/n=3", None),
            ("/t=true", None),
            ("/t=false", Some(Lack::Other)),
            ("/l/0=1", None),
            ("/z", Some(Lack::Missing)),
            ("/z=null", Some(Lack::Missing)),
            ("/none", Some(Lack::Missing)),
            ("/a/c=x", Some(Lack::Missing)),
        ];
        for (text, lack) in rows {
            assert_eq!(text.parse::<Required>().unwrap().lack(&document), lack, "{text}");
        }
        for text in ["", "a", "a/b", "=x"] {
            assert!(text.parse::<Required>().is_err(), "{text}");
        }
    }
}
