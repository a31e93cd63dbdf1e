//! An adopted worker: work that somebody else started, and that stands for a run all the same.

use serde::{Deserialize, Serialize};

use crate::clock::{Moment, Stamp};
use crate::id::RunId;
use crate::identity::Identity;

/// A worker as the state file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Worker {
    /// The run it stands for.
    pub run: RunId,
    /// The secret that makes its words its own.
    pub token: String,
    /// Its process; of a tmux session that of its first pane.
    pub process: Option<Identity>,
    /// Its tmux session.
    pub tmux: Option<TmuxSession>,
    /// The file it writes to.
    pub log: Option<String>,
    /// When it was adopted.
    pub adopted: Moment,
    /// A session that is not there yet has to come before then.
    pub launch_until: Option<Stamp>,
    /// When it was first seen.
    pub found_at: Option<Stamp>,
    /// Its heartbeats.
    pub pulse: Pulse,
    /// When its run went on with turns of ours.
    pub released_at: Option<Stamp>,
    /// The `run.ended` record, as it was printed first.
    pub ended: Option<String>,
}

/// What a worker said of itself. A beat says that a process wrote; only progress says that work goes on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pulse {
    /// How many beats there were.
    pub beats: i64,
    /// The last of them.
    pub beat: Option<Moment>,
    /// The last that told of progress.
    pub progress: Option<Moment>,
    /// What it told.
    pub progress_text: Option<String>,
}

/// A tmux session and the server it lives in. Ids and names are those that tmux gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TmuxSession {
    /// What was asked for: a name, or an id (`$3`).
    pub asked: String,
    /// The server's socket as tmux names it; what was given where it named none.
    pub socket: Option<String>,
    /// What was found; none while the session is not there.
    pub found: Option<FoundSession>,
}

/// A session that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundSession {
    /// Its id: `$3`.
    pub session: String,
    /// When it was made, in seconds since 1970. Ids begin anew with each server; with this they name one for ever.
    pub created: i64,
    /// Its name when it was found.
    pub name: String,
    /// Its first pane.
    pub pane: String,
    /// The pid in it, as tmux says it.
    pub pane_pid: i32,
    /// The server's pid, as tmux says it.
    pub server_pid: i32,
    /// When the server began, in seconds since 1970.
    pub server_started: i64,
    /// The server's process, where it can be looked at from here.
    pub server: Option<Identity>,
}

/// What a worker is adopted with.
#[derive(Clone, Debug)]
pub struct NewWorker<'a> {
    /// The run it stands for.
    pub run: RunId,
    /// The secret that makes its words its own.
    pub token: &'a str,
    /// Its process, where it is known.
    pub process: Option<&'a Identity>,
    /// Its tmux session.
    pub tmux: Option<&'a TmuxSession>,
    /// The file it writes to.
    pub log: Option<&'a str>,
    /// Now.
    pub adopted: &'a Moment,
    /// A session that is not there yet has to come before then.
    pub launch_until: Option<Stamp>,
}

impl Worker {
    /// Whether it stands for its run still: no turn of ours has gone on with that.
    #[must_use]
    pub const fn stands(&self) -> bool {
        self.released_at.is_none()
    }

    /// Whether it was seen at least once.
    #[must_use]
    pub const fn is_found(&self) -> bool {
        self.found_at.is_some()
    }

    /// Whether a session that was never seen may still come.
    #[must_use]
    pub fn is_launching(&self, now: &Moment) -> bool {
        let Some(until) = self.launch_until.filter(|_| !self.is_found()) else { return false };
        let limit = until.since(self.adopted.at);
        self.adopted.age_ms(now).is_none_or(|age| age < limit)
    }
}
