//! One JSON object as it stands in a text: its keys in their order, its values as they are written. Called by the forms.

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::model::{Reason, Unfit};

/// An object's keys and values; the values are parts of the text that was read.
#[derive(Debug)]
pub(super) struct Object<'t>(Vec<(String, &'t RawValue)>);

impl<'t> Object<'t> {
    /// The value of a key; of a key that stands twice the last one, as most readers take it.
    pub(super) fn get(&self, key: &str) -> Option<&'t RawValue> {
        self.0.iter().rfind(|(name, _)| name == key).map(|(_, value)| *value)
    }

    /// Whether it has one of these keys.
    pub(super) fn has(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.get(key).is_some())
    }

    /// How often a key stands in it.
    pub(super) fn count(&self, key: &str) -> usize {
        self.0.iter().filter(|(name, _)| name == key).count()
    }

    /// A value that is a text.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.get(key).and_then(text)
    }
}

/// A text, and not an empty one.
pub(super) fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok().filter(|text: &String| !text.is_empty())
}

/// The one object that a text is.
pub(super) fn object(text: &str) -> Result<Object<'_>, Unfit> {
    if let Some(object) = part(text) {
        return Ok(object);
    }
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    Err(match (documents.next(), documents.next()) {
        // A log of JSON lines is sound, and no marker.
        (Some(Ok(_)), Some(Ok(_))) => Unfit::Other(Reason::SeveralDocuments),
        (Some(Ok(_)), None) => Unfit::Damaged(Reason::NotAnObject),
        _ => Unfit::Damaged(Reason::Unparsable),
    })
}

/// An object that is a part of one.
pub(super) fn part(text: &str) -> Option<Object<'_>> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let object = reader.deserialize_map(Entries).ok()?;
    reader.end().ok().map(|()| object)
}

struct Entries;

impl<'t> Visitor<'t> for Entries {
    type Value = Object<'t>;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = map.next_entry::<String, &RawValue>()? {
            all.push(entry);
        }
        Ok(Object(all))
    }
}
