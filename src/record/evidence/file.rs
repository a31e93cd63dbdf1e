//! The raw facts of files that somebody else writes: outputs and results.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::Stamp;
use crate::model::{Claim, Content, ContentKind, Form, Glimpse, NotFile, Stand};
use crate::record::count;

/// What was read of an output file.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OutputDetail {
    /// The file, as it was named.
    pub path: String,
    /// Its name is not UTF-8 and the text stands for it.
    pub path_lossy: bool,
    /// What is there instead of a file; null where it is one, or nothing is there.
    pub instead: Option<NotFile>,
    /// Its length in bytes.
    pub size: Option<i64>,
    /// When it was last written.
    pub modified_at: Option<Stamp>,
    /// Device and inode; a file that was put in its place has another.
    pub inode: Option<String>,
    /// Since then it has to be written, to be of this attempt.
    pub since: Option<Stamp>,
    /// What it is, or was said to be.
    pub kind: Option<ContentKind>,
    /// Whether it is what its kind should be.
    pub form: Option<Form>,
    /// Whole documents, rows or lines; null where the file is too long to count them.
    pub records: Option<i64>,
    /// Lines that are not what they should be, as far as they were read.
    pub bad_lines: Option<i64>,
    /// Values in the first row of comma-separated ones.
    pub columns: Option<i64>,
    /// The last line ends with its line feed.
    pub last_line_whole: Option<bool>,
    /// The length at the earlier look; null where there was none, or no file.
    pub earlier_size: Option<i64>,
    /// How long before this one the earlier look was; null where there was none.
    pub earlier_ms: Option<i64>,
    /// The instrument's own words, where it failed.
    pub error: Option<String>,
}

/// What was read of a result file.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ResultDetail {
    /// The file, as it was named.
    pub path: String,
    /// Its name is not UTF-8 and the text stands for it.
    pub path_lossy: bool,
    /// What is there instead of a file; null where it is one, or nothing is there.
    pub instead: Option<NotFile>,
    /// Its length in bytes.
    pub size: Option<i64>,
    /// When it was last written.
    pub modified_at: Option<Stamp>,
    /// Since then it has to be written, to be of this attempt.
    pub since: Option<Stamp>,
    /// Its status.
    pub status: Option<String>,
    /// Why it says nothing, or what went wrong, in words.
    pub error: Option<String>,
}

const fn instead<T>(glimpse: &Glimpse<T>) -> Option<NotFile> {
    if let Glimpse::NotFile(kind) = glimpse { Some(*kind) } else { None }
}

const fn file<T>(glimpse: &Glimpse<T>) -> Option<(&Stand, &T)> {
    if let Glimpse::File(stand, read) = glimpse { Some((stand, read)) } else { None }
}

impl OutputDetail {
    /// The facts of one look.
    #[must_use]
    pub fn of(path: &Path, glimpse: &Glimpse<Content>, since: Option<Stamp>) -> Self {
        let (stand, content) = file(glimpse).unzip();
        let reading =
            content.and_then(|content| if let Content::Read(reading) = content { Some(reading) } else { None });
        Self {
            path: path.to_string_lossy().into_owned(),
            path_lossy: path.to_str().is_none(),
            instead: instead(glimpse),
            size: stand.map(|stand| count(stand.size)),
            modified_at: stand.map(|stand| stand.modified),
            inode: stand.map(|stand| stand.inode.clone()),
            since,
            kind: reading.map(|reading| reading.kind),
            form: reading.map(|reading| reading.form),
            records: reading.and_then(|reading| reading.records).map(count),
            bad_lines: reading.map(|reading| count(reading.bad_lines)),
            columns: reading.and_then(|reading| reading.columns).map(count),
            last_line_whole: reading.map(|reading| reading.last_line_whole),
            earlier_size: None,
            earlier_ms: None,
            error: None,
        }
    }
}

impl ResultDetail {
    /// The facts of one look.
    #[must_use]
    pub fn of(path: &Path, glimpse: &Glimpse<Claim>, since: Option<Stamp>) -> Self {
        let (stand, claim) = file(glimpse).unzip();
        let (status, error) = match claim {
            Some(Claim::Status(status) | Claim::Without(status, _)) => (Some(status.clone()), None),
            Some(Claim::Nothing(why)) => (None, Some(why.to_string())),
            _ => (None, None),
        };
        Self {
            path: path.to_string_lossy().into_owned(),
            path_lossy: path.to_str().is_none(),
            instead: instead(glimpse),
            size: stand.map(|stand| count(stand.size)),
            modified_at: stand.map(|stand| stand.modified),
            since,
            status,
            error,
        }
    }
}
