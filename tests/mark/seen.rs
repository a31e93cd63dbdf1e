//! What the tests of marks ask for again and again: a mark that is set, and how it stands.

use serde_json::Value;

use crate::contract::Home;

impl Home {
    /// `mark` that prints one mark and says nothing.
    #[track_caller]
    pub(crate) fn marked(&self, args: &[&str]) -> Value {
        self.mark(args).silent(0).record("mark")
    }

    /// How a mark stands: state and reason.
    #[track_caller]
    pub(crate) fn stands(&self, id: &str) -> String {
        how(&self.marked(&["show", id]))
    }
}

/// State and reason of a mark in one.
pub(crate) fn how(mark: &Value) -> String {
    format!("{} {}", mark["state"].as_str().unwrap(), mark["reason"].as_str().unwrap_or("-"))
}

pub(crate) fn id(mark: &Value) -> &str {
    mark["mark"].as_str().unwrap()
}

pub(crate) fn nonce(mark: &Value) -> &str {
    mark["nonce"].as_str().unwrap()
}

/// The names of marks, in the order in which they were printed.
pub(crate) fn names(marks: &[Value]) -> Vec<&str> {
    marks.iter().map(|mark| mark["name"].as_str().unwrap()).collect()
}

/// A nonce that no mark has.
pub(crate) const NO_NONCE: &str = "00000000000000000000000000000000";

/// The last beat of every mark, moved so far back, by the clock that counts within this boot too.
pub(crate) fn aged(home: &Home, ms: i64) {
    home.sql(&format!(
        "UPDATE mark SET beat = json_set(beat, '$.boottime_ms', json_extract(beat, '$.boottime_ms') - {ms})"
    ));
}
