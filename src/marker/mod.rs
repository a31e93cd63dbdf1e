//! What the marker files of other tools say, from their bytes alone: a pure room, as `truth` is for stories. Called by
//! `sight`, which finds and reads the files, and by a clean-up, which takes entries out of them.
//! Nothing here reads the world, and where a file is not clear nothing here guesses: it says why it is not.

mod cut;
mod dispatch;
mod json;
mod pid;
mod process;
mod time;

#[cfg(test)]
mod tests;

use std::ffi::OsStr;

pub use cut::without;

use crate::model::{Marker, Reason, Unfit};

/// A database begins so: sound, and of much use to somebody.
const DATABASE: &[u8] = b"SQLite format 3\0";

/// Reads a marker; `name` is that of its file.
///
/// # Errors
/// Why it is none.
pub fn read(bytes: &[u8], name: &OsStr) -> Result<Marker, Unfit> {
    if bytes.starts_with(DATABASE) {
        return Err(Unfit::Other(Reason::NotAMarker));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Unfit::Damaged(Reason::NotText))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        let is_lock = name.as_encoded_bytes().ends_with(b".lock");
        return Err(if is_lock { Unfit::EmptyLock } else { Unfit::Damaged(Reason::Empty) });
    }
    if let Some(marker) = pid::read(text, name) {
        return marker;
    }
    let object = json::object(text)?;
    dispatch::read(&object)
        .or_else(|| process::read(&object, text, name))
        .unwrap_or(Err(Unfit::Other(Reason::NotAMarker)))
}

/// A file's name as what a mark is about, where nothing else tells it.
fn name_of(name: &OsStr) -> Option<String> {
    Some(name.to_string_lossy().into_owned())
}
