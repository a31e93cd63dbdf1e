//! From bytes to text, and the marks by which any text is no sound file. Called by both readers before they read.

use crate::model::{Reason, Silence};

/// The text of a file, without a byte order mark.
///
/// # Errors
/// It is not UTF-8, is empty, or a merge was left in it.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Silence> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        Silence::with(Reason::NotText, format!("line {line} is not UTF-8"))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(Silence::of(Reason::Empty));
    }
    match merge_mark(text) {
        Some(line) => Err(Silence::with(Reason::MergeMarks, format!("line {line} is the mark of a merge"))),
        None => Ok(text),
    }
}

/// The first line that git leaves around what it could not merge.
fn merge_mark(text: &str) -> Option<usize> {
    let is_mark = |line: &str| ["<<<<<<< ", ">>>>>>> ", "||||||| "].iter().any(|mark| line.starts_with(mark));
    text.lines().position(is_mark).map(|index| index + 1)
}

/// The number of the line at this byte, from 1.
pub(super) fn line_at(text: &str, byte: usize) -> u64 {
    text.as_bytes()[..byte.min(text.len())].iter().filter(|byte| **byte == b'\n').count() as u64 + 1
}
