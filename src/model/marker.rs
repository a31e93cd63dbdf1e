//! Marker files of other tools: what stands in one, and why one is left alone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::mark::overlap;
use crate::clock::Stamp;
use crate::model::{MarkState, Reason};
use crate::words::words;

words! {
    /// What kind of marker a file is: also the kind of the marks in it.
    pub enum MarkerForm {
        /// Who works where: a list of entries, or one.
        Dispatch = "dispatch",
        /// The story automator is at work.
        StoryAutomator = "story-automator",
        /// The number of a process, as text.
        Pid = "pid",
        /// A lock with the number of its holder, as JSON.
        Lock = "lock",
    }
}

/// A marker, as its bytes tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// What kind it is.
    pub form: MarkerForm,
    /// It has a signature that only its own tool can renew.
    pub signed: bool,
    /// When it was written, by its own word.
    pub outer: Option<Stamp>,
    /// What stands in it.
    pub entries: Vec<Entry>,
}

/// One claim in a marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is about.
    pub name: Option<String>,
    /// What it is for ever called by.
    pub id: Option<String>,
    /// The folder it is for, as it is told.
    pub scope: Option<PathBuf>,
    /// When it was made.
    pub set: Option<Stamp>,
    /// When it was made or renewed last.
    pub told: Told,
    /// Stale so long after that.
    pub ttl: Option<Duration>,
    /// The process it dies with.
    pub holder: Option<Held>,
    /// All of it, as JSON; none where it is none.
    pub data: Option<String>,
}

/// A time that another tool has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Then.
    At(Stamp),
    /// It tells no time.
    Nothing,
    /// What it tells is no time.
    Garbled,
}

impl Told {
    /// The time, where it is one.
    #[must_use]
    pub const fn at(self) -> Option<Stamp> {
        if let Self::At(stamp) = self { Some(stamp) } else { None }
    }
}

/// A process as another tool names it: no host, no boot, no namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its number, wherever that was told.
    pub pid: i32,
    /// When it began, in ticks of that boot.
    pub start_ticks: Option<u64>,
}

/// Why no marker can be made of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is damaged: nobody can read it, so it is moved out of the way.
    Damaged(Reason),
    /// It is something else, or was not read: it stays where it is.
    Other(Reason),
    /// It is a lock by its being there, and says nothing.
    EmptyLock,
}

impl Unfit {
    /// Why.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Damaged(reason) | Self::Other(reason) => reason,
            Self::EmptyLock => Reason::Empty,
        }
    }
}

/// An entry of a marker file as it stands; or the whole file, where no marker can be made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFile {
    /// The file.
    pub file: PathBuf,
    /// What it says; none where the file does not tell.
    pub form: Option<MarkerForm>,
    /// The entry; none for a whole file.
    pub entry: Option<Entry>,
    /// The folder that it is for, canonical; none where it does not tell: then it may be for any.
    pub scope: Option<PathBuf>,
    /// When the file was written last; none where it was not read.
    pub written: Option<Stamp>,
    /// Whether it holds.
    pub state: MarkState,
    /// Why.
    pub reason: Reason,
    /// How long ago it was made or renewed last.
    pub age_ms: Option<i64>,
    /// When its time will have passed.
    pub ends_at: Option<Stamp>,
}

impl InFile {
    /// What it is about, where it tells.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.entry.as_ref().and_then(|entry| entry.name.as_deref())
    }

    /// Whether it is of this kind and for this folder, or may be.
    #[must_use]
    pub fn may_be(&self, kind: Option<&str>, folder: Option<&Path>) -> bool {
        let covers = |folder: &Path| self.scope.as_ref().is_none_or(|scope| overlap(scope, folder));
        kind.is_none_or(|kind| self.form.is_none_or(|form| form.word() == kind)) && folder.is_none_or(covers)
    }
}
