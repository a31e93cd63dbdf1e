//! The raw facts of what bears on a run, one type for each instrument that looks at one.

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::Stamp;
use crate::model::{Capability, EndedBy, ExpectKind, Hold, MarkState, Outcome, Phase, RunState};
use crate::words::words;

words! {
    /// Which process of a run it is.
    pub enum Role {
        /// Who watches the turn.
        Supervisor = "supervisor",
        /// Who holds its tree together.
        Shim = "shim",
        /// The agent.
        Agent = "agent",
        /// The worker that was adopted.
        Worker = "worker",
        /// The tmux server of its session.
        Server = "server",
    }
}

/// The raw facts, by instrument.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RunDetail {
    /// The run as it is recorded.
    State(RunRow),
    /// One of its processes.
    Process(ProcessDetail),
    /// One of its agent's locks.
    Lock(RunLock),
    /// The exit record.
    Exit(ExitDetail),
    /// The stream, and the clock by it.
    Stream(StreamDetail),
    /// What is left of the tree.
    Left(LeftDetail),
    /// The tmux session of a worker.
    Session(RunSession),
    /// A worker's word of itself.
    Beat(BeatDetail),
    /// A file that a worker writes.
    File(RunFile),
    /// What the run owes.
    Owed(OwedDetail),
    /// A row of a ledger.
    Ledger(LedgerDetail),
    /// A mark.
    Mark(MarkDetail),
}

/// A run as it is recorded.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunRow {
    /// Its state.
    pub state: RunState,
    /// Why it is held.
    pub hold: Option<Hold>,
    /// Until when.
    pub held_until: Option<Stamp>,
    /// What the agent is for.
    pub capability: Capability,
    /// Attempts used up.
    pub attempts: i64,
    /// Attempts allowed.
    pub max_attempts: i64,
    /// The outcome of its newest turn.
    pub outcome: Option<Outcome>,
    /// Work that somebody else started stands for it.
    pub adopted: bool,
    /// When its state last changed.
    pub changed_at: Stamp,
}

/// A recorded process.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ProcessDetail {
    /// Which one of the run it is.
    pub role: Role,
    /// Its number.
    pub pid: i32,
    /// When it began, in clock ticks since the boot.
    pub start_ticks: u64,
    /// The machine-id of the host that these are of; empty where it had none.
    pub recorded_host: String,
    /// The boot that these are of.
    pub recorded_boot: String,
}

/// A lock of the agent.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunLock {
    /// Its file.
    pub path: String,
    /// The path is not UTF-8 and the text stands for it.
    pub path_lossy: bool,
}

/// The exit record; all null where there is none.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct ExitDetail {
    /// The agent was let go.
    pub started: Option<bool>,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// The signal it died of.
    pub signal: Option<i32>,
    /// By whom it ended.
    pub ended_by: Option<EndedBy>,
    /// When it was reaped.
    pub ended_at: Option<Stamp>,
    /// Its tree is gone, but for what is counted.
    pub tree_gone: Option<bool>,
    /// What could not be ended.
    pub children_left: Option<i64>,
    /// Why it cannot be read.
    pub error: Option<String>,
}

/// The stream, as far as it was read.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct StreamDetail {
    /// Its length.
    pub bytes: Option<i64>,
    /// Events in it; null where it was not read.
    pub events: Option<i64>,
    /// What the agent is doing.
    pub phase: Option<Phase>,
    /// How long there was no progress.
    pub silent_ms: Option<i64>,
    /// How long there may be none in this phase; null where no clock runs.
    pub limit_ms: Option<i64>,
    /// Why it cannot be read.
    pub error: Option<String>,
}

/// What is left of a turn.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LeftDetail {
    /// Its cgroup.
    pub cgroup: Option<String>,
    /// How many processes live; null where that could not be found out.
    pub count: Option<i64>,
    /// The first of them: number and name.
    pub processes: Vec<String>,
}

/// A tmux session.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunSession {
    /// What was asked for when it was adopted.
    pub asked: String,
    /// The server's socket.
    pub socket: Option<String>,
    /// Its id, where it was seen.
    pub session: Option<String>,
    /// Its first pane.
    pub pane: Option<String>,
    /// How many looks agreed.
    pub looks: i64,
    /// How the process of a dead pane ended.
    pub exit_code: Option<i32>,
    /// The signal it died of.
    pub signal: Option<i32>,
}

/// What a worker said of itself.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct BeatDetail {
    /// Heartbeats so far.
    pub beats: i64,
    /// The last of them, by the clock of who wrote it.
    pub beat_at: Option<Stamp>,
    /// The last that told of progress.
    pub progress_at: Option<Stamp>,
    /// How old that is; null also where it lies in the future.
    pub progress_ms: Option<i64>,
    /// What it told.
    pub progress: Option<String>,
}

/// A file that a worker writes.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct RunFile {
    /// Its length.
    pub size: Option<i64>,
    /// When it last changed.
    pub modified_at: Option<Stamp>,
    /// Why it cannot be looked at.
    pub error: Option<String>,
}

/// Something that the run owes.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OwedDetail {
    /// Its kind.
    pub expect: ExpectKind,
    /// When the baseline was taken.
    pub baseline_at: Stamp,
    /// The target is not UTF-8 and the subject stands for it.
    pub target_lossy: bool,
    /// Why it is not reached, or cannot be told.
    pub why: Option<String>,
}

/// What is recorded in the ledgers and in the mail.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LedgerDetail {
    /// Since when.
    pub since: Option<Stamp>,
    /// When it is due, or ends.
    pub until: Option<Stamp>,
    /// How many.
    pub count: i64,
    /// Its class or cause.
    pub what: Option<String>,
    /// The run has ended: it is history and calls for nothing.
    pub historical: bool,
}

/// A mark of the run, or a hold of its agent.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MarkDetail {
    /// What it says.
    pub mark_kind: Option<String>,
    /// What it is about.
    pub name: Option<String>,
    /// Whether it holds.
    pub state: MarkState,
    /// The folder that it is for.
    pub scope: String,
    /// The folder is not UTF-8 and the text stands for it.
    pub scope_lossy: bool,
    /// The number of the process it dies with.
    pub owner_pid: Option<i32>,
    /// It ends with its turn, or with the run of an adopted worker.
    pub bound: bool,
    /// The agent, or `operator`.
    pub set_by: Option<String>,
    /// When it was set.
    pub set_at: Option<Stamp>,
    /// When it was set or renewed last.
    pub beat_at: Option<Stamp>,
    /// When its time will have passed, if nobody renews it.
    pub ends_at: Option<Stamp>,
}
