//! The state file as it is found by who only looks: its folder, its header, SQLite's own check, what is beside it.

use crate::clock::Stamp;
use crate::id::TurnId;
use crate::words::words;

words! {
    /// The folder of the state file.
    pub enum StateFolder {
        /// There is none.
        None = "none",
        /// Ours, writable by nobody else, on a local disk.
        Safe = "safe",
        /// Another user's, or others may write to it.
        Unsafe = "unsafe",
        /// On a file system that hosts share.
        Shared = "shared",
        /// It may not be looked at.
        Denied = "denied",
        /// Another error.
        Failed = "failed",
    }
}

words! {
    /// The state file, by its first bytes.
    pub enum StateHeader {
        /// There is none.
        Missing = "missing",
        /// It has no bytes.
        Empty = "empty",
        /// No file, no database, or another program's.
        Foreign = "foreign",
        /// Another user's.
        OtherUser = "other_user",
        /// It may not be read.
        Denied = "denied",
        /// Another error.
        Failed = "failed",
        /// Ours.
        Ours = "ours",
    }
}

words! {
    /// What came of SQLite's own check.
    pub enum StateCheck {
        /// It was not asked.
        NotAsked = "not_asked",
        /// It found nothing wrong.
        Ok = "ok",
        /// It found damage.
        Damaged = "damaged",
        /// The log cannot be read in a read-only folder.
        WalUnreadable = "wal_unreadable",
        /// Another program has it locked.
        Busy = "busy",
        /// It is being restored.
        Restoring = "restoring",
        /// Another error.
        Failed = "failed",
    }
}

/// All that one look finds of the state file.
#[derive(Clone, Debug)]
pub struct Health {
    /// Its folder.
    pub folder: StateFolder,
    /// The folder's mode.
    pub folder_mode: Option<u32>,
    /// Files can be made in it.
    pub folder_writable: Option<bool>,
    /// The kind of its file system.
    pub file_system: Option<String>,
    /// So many bytes are free for us.
    pub free_bytes: Option<u64>,
    /// The file, by its first bytes.
    pub header: StateHeader,
    /// Its length.
    pub size: Option<u64>,
    /// Its mode.
    pub mode: Option<u32>,
    /// The length of its log.
    pub wal_bytes: Option<u64>,
    /// Its schema version.
    pub schema: Option<u32>,
    /// What SQLite says of it.
    pub check: StateCheck,
    /// The turn that has been open longest, and since when.
    pub oldest: Option<(TurnId, Stamp)>,
    /// There is a bell to ring.
    pub bell: bool,
    /// Names beside it that a death or a restore has left.
    pub leftovers: Vec<String>,
    /// What went wrong, in words.
    pub error: Option<String>,
}
