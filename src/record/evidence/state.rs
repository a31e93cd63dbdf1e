//! The raw facts of the state file.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::Stamp;
use crate::id::TurnId;
use crate::model::{Health, StateCheck, StateFolder, StateHeader};
use crate::record::count;

/// What was seen of the state file and its folder.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StateDetail {
    /// The file.
    pub path: String,
    /// Its name is not UTF-8 and the text stands for it.
    pub path_lossy: bool,
    /// Its folder.
    pub folder: StateFolder,
    /// The folder's mode, in octal.
    pub folder_mode: Option<String>,
    /// Files can be made in it.
    pub folder_writable: Option<bool>,
    /// The kind of its file system.
    pub file_system: Option<String>,
    /// So many bytes are free there.
    pub free_bytes: Option<i64>,
    /// The file, by its first bytes.
    pub header: StateHeader,
    /// Its length in bytes.
    pub size: Option<i64>,
    /// Its mode, in octal.
    pub mode: Option<String>,
    /// The length of its log (`-wal`); null where it has none.
    pub wal_bytes: Option<i64>,
    /// Its schema version.
    pub schema: Option<u32>,
    /// The schema version of this program.
    pub schema_ours: u32,
    /// What came of SQLite's `quick_check`.
    pub check: StateCheck,
    /// The turn that has been open longest.
    pub oldest_turn: Option<TurnId>,
    /// Since when.
    pub oldest_turn_at: Option<Stamp>,
    /// There is a bell, which tells those who wait of a change.
    pub bell: bool,
    /// Commands that have the state open, by what the kernel lists; one in another pid namespace is not seen.
    pub open_by: Vec<i32>,
    /// Names beside it that a killed command, a restore or another mode of SQLite has left.
    pub leftovers: Vec<String>,
    /// What is wrong, in words.
    pub error: Option<String>,
}

impl StateDetail {
    /// The facts of one look.
    #[must_use]
    pub fn of(path: &Path, health: &Health, schema_ours: u32, open_by: Vec<i32>) -> Self {
        let octal = |mode: u32| format!("{mode:04o}");
        Self {
            path: path.to_string_lossy().into_owned(),
            path_lossy: path.to_str().is_none(),
            folder: health.folder,
            folder_mode: health.folder_mode.map(octal),
            folder_writable: health.folder_writable,
            file_system: health.file_system.clone(),
            free_bytes: health.free_bytes.map(count),
            header: health.header,
            size: health.size.map(count),
            mode: health.mode.map(octal),
            wal_bytes: health.wal_bytes.map(count),
            schema: health.schema,
            schema_ours,
            check: health.check,
            oldest_turn: health.oldest.map(|oldest| oldest.0),
            oldest_turn_at: health.oldest.map(|oldest| oldest.1),
            bell: health.bell,
            open_by,
            leftovers: health.leftovers.clone(),
            error: health.error.clone(),
        }
    }
}
