//! A turn: one process started for a run, with one outcome.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::{Stamp, Tick};
use crate::id::{RunId, TurnId};
use crate::identity::Identity;
use crate::model::{Containment, OnStall, Outcome, Phase, Resume, Standing, Wish};
use crate::runtime::Description;
use crate::words::words;

/// The limits of a turn; none means the clock is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// From the start to the first event.
    pub first_event: Option<Duration>,
    /// Since the last progress while the model is awaited.
    pub stall: Option<Duration>,
    /// Since the last progress while a tool call is open.
    pub stall_tool: Option<Duration>,
    /// From the terminal event to the end of the process.
    pub grace: Duration,
    /// What follows when one of the first three runs out.
    pub on_stall: OnStall,
}

impl Limits {
    /// The clock of a phase, and the wish that it gives rise to.
    #[must_use]
    pub const fn of(&self, phase: Phase) -> (Option<Duration>, Wish) {
        match phase {
            // Where only the stall clock was given, silence from the start is a stall too.
            Phase::Starting if self.first_event.is_none() => (self.stall, Wish::FirstEvent),
            Phase::Starting => (self.first_event, Wish::FirstEvent),
            Phase::Model => (self.stall, Wish::Stall),
            Phase::Tool => (self.stall_tool, Wish::StallTool),
            Phase::Ending => (Some(self.grace), Wish::Grace),
        }
    }
}

/// A turn as the state file has it.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Its id.
    pub id: TurnId,
    /// The run it belongs to.
    pub run: RunId,
    /// Whose turn it is.
    pub agent: String,
    /// The run's epoch that it holds.
    pub epoch: i64,
    /// Which attempt of the run it is, from 1.
    pub attempt: i64,
    /// The secret of its children.
    pub token: String,
    /// The runtime's description, as used.
    pub description: Arc<Description>,
    /// The command line, as text.
    pub command: Vec<String>,
    /// The command line is not UTF-8 and the text stands for it.
    pub command_lossy: bool,
    /// The working folder, as text.
    pub cwd: String,
    /// The working folder is not UTF-8 and the text stands for it.
    pub cwd_lossy: bool,
    /// Its clocks.
    pub limits: Limits,
    /// The deadline of the whole turn, kept by the shim.
    pub deadline: Duration,
    /// The session that was asked for.
    pub session_asked: Option<String>,
    /// Whether that was to resume it.
    pub resume: Resume,
    /// What holds its tree together.
    pub contained_by: Containment,
    /// Its cgroup.
    pub cgroup: Option<String>,
    /// The newest mail when it began.
    pub last_mail: i64,
    /// Who supervises it: the process that began it, or took it over.
    pub supervisor: Identity,
    /// Its shim.
    pub shim: Option<Identity>,
    /// Its agent.
    pub child: Option<Identity>,
    /// Where its run stood when it began.
    pub before: Standing,
    /// When its row was made.
    pub booted_at: Stamp,
    /// When the agent was let go.
    pub started_at: Option<Stamp>,
    /// The same moment on the monotonic clock.
    pub started_tick: Option<Tick>,
    /// A recorded wish to end it.
    pub wish: Option<WishNote>,
    /// What was counted while it was watched.
    pub counters: Counters,
    /// The agent's own word that it ends on purpose and waits.
    pub yielded: Option<YieldNote>,
    /// By which words it is run once more.
    pub again: Again,
    /// Its outcome.
    pub outcome: Option<Outcome>,
    /// When that was recorded.
    pub ended_at: Option<Stamp>,
    /// The `turn.ended` record, as it was printed first.
    pub ended: Option<String>,
    /// The silence that lasts, if it was told (`--on-stall report`).
    pub stall: Option<StallNote>,
}

/// A silence longer than its clock, told and not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StallNote {
    /// In which phase.
    pub phase: Phase,
    /// When it was told.
    pub at: Stamp,
}

/// Who wished the end of a turn, when and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WishNote {
    /// What kind of wish.
    pub wish: Wish,
    /// The signal that stands for it in the exit code.
    pub signal: Option<i32>,
    /// In words.
    pub why: Option<String>,
    /// When.
    pub at: Stamp,
}

/// An agent's word that it ends its turn on purpose and waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct YieldNote {
    /// When it said so.
    pub at: Stamp,
    /// What it waits for, in its words.
    pub reason: Option<String>,
    /// At most until then.
    pub until: Stamp,
    /// Mail is what it waits for.
    pub on_mail: bool,
}

/// What the supervisor has counted; written now and then, so that another can go on from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events of the stream.
    pub events: i64,
    /// Lines that were none.
    pub ignored_lines: i64,
    /// The last progress, on the monotonic clock.
    pub progress_tick: Option<Tick>,
    /// How far the stream was read, in bytes, when that was.
    pub read_bytes: i64,
}

/// What a turn begins with.
#[derive(Clone, Debug)]
pub struct NewTurn<'a> {
    /// The run it belongs to.
    pub run: RunId,
    /// Whose turn it is.
    pub agent: &'a str,
    /// Which attempt of the run it is, from 1.
    pub attempt: i64,
    /// The secret of its children.
    pub token: &'a str,
    /// The runtime's description, as used.
    pub description: &'a Description,
    /// The command line, as text.
    pub command: &'a [String],
    /// The command line is not UTF-8.
    pub command_lossy: bool,
    /// The working folder, as text.
    pub cwd: &'a str,
    /// The working folder is not UTF-8.
    pub cwd_lossy: bool,
    /// Its clocks.
    pub limits: Limits,
    /// The deadline of the whole turn.
    pub deadline: Duration,
    /// The session that was asked for.
    pub session_asked: Option<&'a str>,
    /// Whether that was to resume it.
    pub resume: Resume,
    /// What holds its tree together.
    pub contained_by: Containment,
    /// Its cgroup.
    pub cgroup: Option<&'a str>,
    /// Who supervises it.
    pub supervisor: &'a Identity,
    /// Where its run stands.
    pub before: Standing,
    /// By which words it is run once more.
    pub again: &'a Again,
}

words! {
    /// Where the prompt of a turn that is run once more comes from.
    pub enum PromptFrom {
        /// It has none.
        None = "none",
        /// From the file that the turn has kept.
        Kept = "kept",
        /// It is the mail that waits.
        Mail = "mail",
    }
}

/// The words of a `turn run` that does the same once more, but for its agent, its run and its prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// Options with their values.
    pub options: Vec<String>,
    /// The prompt.
    pub prompt: PromptFrom,
    /// What stands after `--`.
    pub arguments: Vec<String>,
    /// Some of it is not UTF-8: nobody can say it.
    pub lossy: bool,
}
