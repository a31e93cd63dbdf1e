//! The raw facts of what tmux lists: a server, a session, a pane.

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::Stamp;
use crate::model::{Observed, Reason};

/// What is known of a tmux server.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ServerDetail {
    /// Its socket, as tmux names it; what was given where it named none.
    pub socket: Option<String>,
    /// Its pid, as tmux says it: in another pid namespace another process has that number.
    pub pid: Option<i32>,
    /// When it began.
    pub started_at: Option<Stamp>,
    /// Its process, where it can be seen from here: for `--server` of a later look.
    pub identity: Option<String>,
    /// How many sessions it has.
    pub sessions: Option<i64>,
    /// How many panes they have.
    pub panes: Option<i64>,
    /// What was found of the process that was given with `--server`.
    pub recorded: Option<Observed>,
    /// Why.
    pub recorded_why: Option<Reason>,
    /// How many looks agree.
    pub looks: i64,
    /// What tmux said, where it did not list anything.
    pub said: Option<String>,
}

/// What tmux lists of a session; null where it is not listed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SessionDetail {
    /// Its id: `$3`.
    pub session: Option<String>,
    /// Its name, as tmux gives it back.
    pub name: Option<String>,
    /// When it was made.
    pub created_at: Option<Stamp>,
    /// The group of sessions that show the same windows.
    pub group: Option<String>,
    /// How many windows it has.
    pub windows: Option<i64>,
    /// How many panes they have.
    pub panes: Option<i64>,
    /// How many of those are dead.
    pub panes_dead: Option<i64>,
    /// Its only pane; where it has several, each is a record.
    #[serde(flatten)]
    pub only: PaneFacts,
    /// The server that it is on.
    #[serde(flatten)]
    pub on: OnServer,
}

/// What tmux lists of a pane; null where it is not listed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PaneDetail {
    /// The id of the first session that shows it: `$3`.
    pub session: Option<String>,
    /// The name of that session, as tmux gives it back.
    pub name: Option<String>,
    /// When that session was made.
    pub created_at: Option<Stamp>,
    /// The pane itself.
    #[serde(flatten)]
    pub itself: PaneFacts,
    /// The server that it is on.
    #[serde(flatten)]
    pub on: OnServer,
}

/// A pane and how the process in it ended.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct PaneFacts {
    /// Its window's id: `@5`.
    pub window: Option<String>,
    /// Its id: `%7`.
    pub pane: Option<String>,
    /// The pid in it, as tmux says it.
    pub pid: Option<i32>,
    /// The name of the program that has its terminal, where it can be seen from here.
    pub foreground: Option<String>,
    /// The exit code of its process, where the pane is dead.
    pub exit_code: Option<i32>,
    /// The signal that its process died of.
    pub signal: Option<i32>,
    /// When its process ended.
    pub ended_at: Option<Stamp>,
}

/// The server that a session or pane was looked for on.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OnServer {
    /// Its pid, as tmux says it.
    pub server_pid: Option<i32>,
    /// When it began. With this and its pid, ids name one session or pane for ever.
    pub server_started_at: Option<Stamp>,
    /// The server did not answer: what is found of it is found of all on it, and is one event.
    pub inherited: bool,
    /// How many looks agree.
    pub looks: i64,
}
