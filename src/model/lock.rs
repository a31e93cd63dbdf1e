//! The words of locks, as they are looked at from outside.

use super::glimpse::NotFile;
use super::sight::Sight;
use crate::identity::Identity;
use crate::words::words;

/// What one look at a lock finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockLook {
    /// There is no file to lock.
    NoFile,
    /// Nobody holds it.
    Free,
    /// Somebody holds it.
    Held,
    /// Its file may not be opened.
    Denied,
    /// Links that lead round in a circle.
    Loop,
    /// Another error.
    Failed,
    /// Something that is not opened to look at a lock.
    NotFile(NotFile),
}

words! {
    /// Which lock.
    pub enum LockKind {
        /// An agent's turn lock.
        Turn = "turn",
        /// An agent's supervisor lock.
        Supervisor = "supervisor",
        /// Any file.
        File = "file",
    }
}

words! {
    /// By which call it is held.
    pub enum LockFamily {
        /// flock(2).
        Flock = "flock",
        /// `F_SETLK` of fcntl(2), of a process.
        Posix = "posix",
        /// `F_OFD_SETLK` of fcntl(2), of an open file.
        Ofd = "ofd",
    }
}

words! {
    /// How it is held.
    pub enum LockMode {
        /// By one alone.
        Alone = "alone",
        /// Together with others who share it.
        Shared = "shared",
    }
}

words! {
    /// Who says whose it is.
    pub enum HolderBy {
        /// The open turn's row, and the process lives.
        TurnRow = "turn_row",
        /// `/proc/locks`, which names the process that once took it: it may have passed it on.
        ProcLocks = "proc_locks",
    }
}

words! {
    /// What a holder is to its turn.
    pub enum Role {
        /// The agent's parent, which ends its tree.
        Shim = "shim",
        /// Who watches the turn.
        Supervisor = "supervisor",
        /// Not known.
        Other = "other",
    }
}

/// Who may hold a lock, and whether that process lives.
#[derive(Clone, Debug)]
pub struct Holder {
    /// What it is to the turn.
    pub role: Role,
    /// Who; of a number in `/proc/locks` whose process has gone, no identity.
    pub pid: i32,
    /// Its identity, where it is known.
    pub who: Option<Identity>,
    /// Whether it lives.
    pub sight: Sight,
}
