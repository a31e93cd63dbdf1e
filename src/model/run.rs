//! A run: one piece of work given to an agent.

use serde::{Deserialize, Serialize};

use crate::clock::Stamp;
use crate::id::RunId;
use crate::model::{Capability, Hold, RunState};

/// A run as the state file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Whose run it is.
    pub agent: String,
    /// What it is about.
    pub task: Option<String>,
    /// Who hears of its end.
    pub parent: Option<String>,
    /// What it owes at its end.
    pub capability: Capability,
    /// Where it stands.
    pub state: RunState,
    /// Why it is held, if it is.
    pub hold: Option<Hold>,
    /// Held until then.
    pub held_until: Option<Stamp>,
    /// The time is the provider's own.
    pub held_by_provider: bool,
    /// Goes up by one with each turn.
    pub epoch: i64,
    /// Attempts used up.
    pub attempts: i64,
    /// Attempts allowed.
    pub max_attempts: i64,
    /// The runtime of its turns.
    pub runtime: Option<String>,
    /// The session that is known to be good.
    pub session: Option<String>,
    /// It ended without the terminal mail it owed.
    pub terminal_mail_missing: bool,
    /// When it was opened.
    pub opened_at: Stamp,
    /// When its state last changed.
    pub changed_at: Stamp,
    /// When it ended.
    pub ended_at: Option<Stamp>,
}

/// Where a run stands: its state, and what holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its state.
    pub state: RunState,
    /// Why it is held, if it is.
    pub hold: Option<Hold>,
    /// Held until then.
    pub held_until: Option<Stamp>,
    /// The time is the provider's own.
    pub held_by_provider: bool,
}

impl Run {
    /// Where it stands now.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        Standing {
            state: self.state,
            hold: self.hold,
            held_until: self.held_until,
            held_by_provider: self.held_by_provider,
        }
    }
}

/// What a new run is opened with.
#[derive(Clone, Debug)]
pub struct NewRun<'a> {
    /// Whose run it is.
    pub agent: &'a str,
    /// What it is about.
    pub task: Option<&'a str>,
    /// Who hears of its end.
    pub parent: Option<&'a str>,
    /// What it owes at its end.
    pub capability: Capability,
    /// Attempts allowed.
    pub max_attempts: i64,
    /// A session to go on with.
    pub session: Option<&'a str>,
}
