//! Marks: claims that something is in progress or held back. A mark ends with its owner, with its time, or by a hand.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock::{Moment, Stamp};
use crate::error::Failure;
use crate::exit::Exit;
use crate::id::{MarkId, RunId, TurnId};
use crate::identity::Identity;
use crate::words::words;

/// A mark of this kind keeps the agent that it is called after from starting a turn.
pub const HOLD: &str = "hold";

/// The name of a hold that is for every agent.
pub const EVERYBODY: &str = "@all";

/// A mark of this kind says where work goes on: it is left for whoever comes next.
pub const BREADCRUMB: &str = "breadcrumb";

words! {
    /// Whether a mark still means something.
    pub enum MarkState {
        /// What it says holds.
        Live = "live",
        /// Its owner is gone for certain, or its time has passed.
        Stale = "stale",
        /// Whether it holds cannot be told; until its time has passed nobody removes it.
        Unknown = "unknown",
        /// It is there, and cannot be read.
        Unreadable = "unreadable",
        /// It was removed.
        Removed = "removed",
    }
}

words! {
    /// How a mark came to its end.
    pub enum MarkEnd {
        /// Somebody cleared it.
        Cleared = "cleared",
        /// The turn that it was set in has ended.
        TurnEnded = "turn_ended",
        /// The run of the adopted worker that set it has ended.
        RunEnded = "run_ended",
        /// It was stale, and somebody set it anew.
        Replaced = "replaced",
        /// It was stale, and was cleaned up.
        Cleaned = "cleaned",
        /// Nobody could read the marker file, and it was moved out of the way.
        MovedAside = "moved_aside",
    }
}

/// A mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its id.
    pub id: MarkId,
    /// What it says: `dispatch`, `hold`, `breadcrumb`, or any word.
    pub kind: String,
    /// What it is about.
    pub name: String,
    /// The folder that it is for, with all below it; canonical.
    pub scope: PathBuf,
    /// This claim, for as long as it lasts.
    pub nonce: String,
    /// The process it dies with.
    pub owner: Option<Identity>,
    /// The machine-id of the host it was set on; empty where that has none.
    pub host: String,
    /// The run it was set in.
    pub run: Option<RunId>,
    /// The turn it was set in.
    pub turn: Option<TurnId>,
    /// It ends with that turn, or with the run of an adopted worker.
    pub bound: bool,
    /// The agent, or `operator`.
    pub set_by: String,
    /// When it was set.
    pub set: Moment,
    /// How often it was renewed.
    pub beats: i64,
    /// When it was set or renewed last.
    pub beat: Moment,
    /// It is stale so long after that.
    pub ttl: Option<Duration>,
    /// It is stale from then on.
    pub until: Option<Stamp>,
    /// Whatever is said with it: JSON.
    pub data: Option<String>,
    /// The marker file of another tool that it stood in.
    pub file: Option<PathBuf>,
    /// Since when it is known that its last beat lies in the future.
    pub doubted: Option<Moment>,
    /// How it ended, if it has.
    pub end: Option<EndNote>,
}

/// The end of a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndNote {
    /// When.
    pub at: Stamp,
    /// How.
    pub how: MarkEnd,
    /// Why, where it was found stale.
    pub why: Option<crate::model::Reason>,
    /// By whom.
    pub by: String,
}

/// What a mark is, as far as that can be read; as errors name it.
#[derive(Clone, Copy, Debug)]
pub struct MarkLabel<'m> {
    /// Its id.
    pub id: MarkId,
    /// What it says.
    pub kind: Option<&'m str>,
    /// What it is about.
    pub name: Option<&'m str>,
    /// The folder that it is for.
    pub scope: &'m Path,
}

impl MarkLabel<'_> {
    /// Whether it is about this folder: one of the two contains the other.
    #[must_use]
    pub fn covers(&self, folder: &Path) -> bool {
        overlap(self.scope, folder)
    }

    /// Whether it is of this kind and about this folder.
    #[must_use]
    pub fn fits(&self, kind: Option<&str>, folder: Option<&Path>) -> bool {
        kind.is_none_or(|kind| self.kind == Some(kind)) && folder.is_none_or(|folder| self.covers(folder))
    }

    /// Whether it is a hold of this agent, or of every agent.
    #[must_use]
    pub fn is_hold_of(&self, agent: &str) -> bool {
        self.kind == Some(HOLD) && self.name.is_some_and(|name| name == agent || name == EVERYBODY)
    }
}

/// Whether one of two folders contains the other.
pub(super) fn overlap(one: &Path, other: &Path) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

impl std::fmt::Display for MarkLabel<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} {})", self.id, self.kind.unwrap_or("?"), self.name.unwrap_or("?"))
    }
}

impl Mark {
    /// What it is.
    #[must_use]
    pub fn label(&self) -> MarkLabel<'_> {
        MarkLabel { id: self.id, kind: Some(&self.kind), name: Some(&self.name), scope: &self.scope }
    }
}

/// A mark that is there, and of which a column cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadMark {
    /// Its id.
    pub id: MarkId,
    /// What it says.
    pub kind: Option<String>,
    /// What it is about.
    pub name: Option<String>,
    /// The folder that it is for.
    pub scope: PathBuf,
    /// It has not ended.
    pub stands: bool,
    /// How it ended, if it has and that can be read.
    pub end: Option<EndNote>,
    /// Why it cannot be read.
    pub why: String,
}

/// What a look for marks finds.
pub type FoundMark = Result<Mark, UnreadMark>;

/// What a mark is that was found.
#[must_use]
pub fn mark_label(found: &FoundMark) -> MarkLabel<'_> {
    found.as_ref().map_or_else(UnreadMark::label, Mark::label)
}

impl UnreadMark {
    /// What it is.
    #[must_use]
    pub fn label(&self) -> MarkLabel<'_> {
        MarkLabel { id: self.id, kind: self.kind.as_deref(), name: self.name.as_deref(), scope: &self.scope }
    }

    /// Whether nobody can tell what became of it. One whose end can be read is the account of that, and no failure.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.end.is_none()
    }

    /// What is said of it, with the one way out.
    #[must_use]
    pub fn failure(&self, exit: Exit) -> Failure {
        let failure = Failure::new(exit, self);
        if self.stands { failure.hint(format!("end it by its id: mark clear {}", self.id)) } else { failure }
    }
}

impl std::fmt::Display for UnreadMark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} cannot be read: {}", self.label(), self.why)
    }
}

/// What a mark is to be.
#[derive(Clone, Debug)]
pub struct NewMark<'m> {
    /// What it says.
    pub kind: &'m str,
    /// What it is about.
    pub name: &'m str,
    /// The folder that it is for.
    pub scope: &'m Path,
    /// This claim.
    pub nonce: &'m str,
    /// The process it dies with.
    pub owner: Option<&'m Identity>,
    /// The machine-id of this host.
    pub host: &'m str,
    /// The run it is set in.
    pub run: Option<RunId>,
    /// The turn it is set in.
    pub turn: Option<TurnId>,
    /// It ends with that.
    pub bound: bool,
    /// The agent, or `operator`.
    pub set_by: &'m str,
    /// Stale so long after the last beat.
    pub ttl: Option<Duration>,
    /// Stale from then on.
    pub until: Option<Stamp>,
    /// What is said with it: JSON.
    pub data: Option<&'m str>,
}

/// What was taken out of a marker file, or the file itself: an account, for it never stood in the state file.
#[derive(Clone, Debug)]
pub struct Taken<'m> {
    /// What it said.
    pub kind: &'m str,
    /// What it was about.
    pub name: &'m str,
    /// The folder that it was for; empty where it told none.
    pub scope: &'m Path,
    /// This claim: the removal, and its place in the file.
    pub nonce: &'m str,
    /// The machine-id of this host.
    pub host: &'m str,
    /// When it was made or renewed last, else when its file was written.
    pub since: &'m Moment,
    /// Its time to live.
    pub ttl: Option<Duration>,
    /// All of it, as JSON.
    pub data: Option<&'m str>,
    /// The file.
    pub file: &'m Path,
    /// Its end.
    pub end: &'m EndNote,
}
