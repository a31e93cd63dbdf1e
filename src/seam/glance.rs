//! When a file last changed, and how long it is: stat(2), and nothing is opened. Called by `gather`.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::clock::Stamp;

/// What stat(2) tells of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// Its length.
    pub size: i64,
    /// Its last change.
    pub modified_at: Stamp,
}

/// Looks at a file; none where there is nothing.
///
/// # Errors
/// What stat(2) gives.
pub fn at(path: &Path) -> io::Result<Option<Glance>> {
    match std::fs::metadata(path) {
        Ok(data) => {
            let modified_at = Stamp::from_millis(data.mtime() * 1000 + data.mtime_nsec() / 1_000_000);
            Ok(Some(Glance { size: data.len().cast_signed(), modified_at }))
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}
