//! Everything that bears on what is true of a run: as it is recorded, as it was observed, and as others tell it.
//! Filled in by whoever gathers evidence, from one reading of the state file; nothing here reads the world.

use crate::clock::Stamp;
use crate::judge::outcome::{Ended, Ending, Open};
use crate::judge::situation::Prior;
use crate::model::{Answer, Fulfilment, Meaning, Outcome, Phase, Reason, Sight, Standing, SubjectKind};

/// A run's case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Where the run stands, as it is recorded.
    pub standing: Standing,
    /// The outcome that is recorded of its newest work; none while that goes on.
    pub outcome: Option<Outcome>,
    /// How long ago its state last changed, in milliseconds; none where by the clocks that lies in the future.
    pub since_change_ms: Option<i64>,
    /// The attempt that its newest work belongs to, from 1.
    pub attempt: i64,
    /// When that attempt began; none where that is not known, or by the clocks lies in the future.
    pub attempt_began: Option<Stamp>,
    /// Attempts used up.
    pub attempts: i64,
    /// Attempts allowed.
    pub max_attempts: i64,
    /// Somebody is told of its end.
    pub has_parent: bool,
    /// What stands for the run.
    pub work: Work,
    /// What became of each thing that it owes beyond its capability's mail, in the order of its expectations.
    pub owed: Vec<Fulfilment>,
    /// Truth sources that contradict each other, in words.
    pub conflicts: Vec<String>,
    /// What a clean result would leave open. `yielded` while the run waits by the agent's own word.
    pub open: Open,
    /// When a question that it asked stops waiting for its answer.
    pub question_until: Option<Stamp>,
    /// Its open retry is due then.
    pub retry_due: Option<Stamp>,
    /// Somebody has reopened it since its newest work ended: what that left was known then.
    pub reopened: bool,
    /// What others tell of it.
    pub told: Vec<Told>,
}

/// What stands for a run.
#[derive(Clone, Debug)]
pub enum Work {
    /// Nothing that is recorded.
    None,
    /// Its newest turn.
    Turn(Box<TurnCase>),
    /// Work that somebody else started.
    Worker(WorkerCase),
}

/// A turn's case. Of one whose outcome is recorded only `Case::outcome` counts.
#[derive(Clone, Debug)]
pub struct TurnCase {
    /// Its agent was let go, as it is recorded.
    pub started: bool,
    /// The agent's turn lock: held while the shim or its supervisor lives.
    pub turn_lock: Held,
    /// The lock of whoever watches or finishes it.
    pub supervisor_lock: Held,
    /// Its supervisor's process.
    pub supervisor: Sight,
    /// Its shim's process; none before there was one.
    pub shim: Option<Sight>,
    /// Its agent's process; none before there was one.
    pub agent: Option<Sight>,
    /// What lives of its tree, where its shim is gone.
    pub left: Left,
    /// All that it has left of its end, as `finish` would take it; none where that cannot be read.
    pub ending: Option<Ending>,
    /// A silence longer than the clock of its phase.
    pub silence: Option<Silence>,
    /// How old its last sign is, in milliseconds: progress, or a change of its stream.
    pub sign_ms: Option<i64>,
    /// What bears on what follows from its end.
    pub after: After,
}

/// What bears on what follows from a turn's end, as `finish` takes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct After {
    /// Where the run stood before the turn.
    pub before: Standing,
    /// The retry that led to this turn, if one did.
    pub prior: Option<Prior>,
    /// When the provider's limit ends, in the provider's own words.
    pub limit_resets_at: Option<Stamp>,
    /// Until when the agent said that it waits.
    pub waits_until: Option<Stamp>,
    /// Between 0 and 1: spreads the next tries of many runs.
    pub jitter: f64,
}

/// An adopted worker's case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerCase {
    /// Whether it is there.
    pub sight: Sight,
    /// How many looks agreed; one that is definite by itself needs no second.
    pub looks: i64,
    /// How the process of its pane ended, where tmux tells it.
    pub exit: Option<Ended>,
    /// How old its last heartbeat is, in milliseconds; a beat from the future has none.
    pub beat_ms: Option<i64>,
    /// A heartbeat lies in the future: a finding, and no sign of life.
    pub skewed: bool,
    /// How old its last progress is, in milliseconds: its own word, or the growth of its log. None: it never told any.
    pub progress_ms: Option<i64>,
}

/// A lock, as it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Somebody holds it.
    Yes,
    /// Nobody does.
    No,
    /// It could not be looked at.
    Unknown,
}

/// What lives of a turn's tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing: proved, or told by the exit record.
    Nothing,
    /// So many processes.
    Some(i64),
    /// It could not be found out.
    Unknown(Reason),
    /// Not looked for: its shim lives, or it has no tree yet.
    Held,
}

/// A silence that has lasted longer than its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// What the agent was doing.
    pub phase: Phase,
    /// How long it has lasted.
    pub silent_ms: i64,
    /// The clock's limit.
    pub limit_ms: i64,
}

/// What a piece of evidence from outside is about, as the run has registered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// The agent, or the worker: its process, session or pane.
    Work,
    /// The turn's shim.
    Shim,
    /// Who only watches: a supervisor, a monitor's session or its output.
    Monitor,
    /// What the run owes: the expectation at this place of `Case::owed`.
    Owed(usize),
    /// A source of truth that somebody has named for the run, which owes it to nobody.
    Named,
    /// Nothing that the run has registered.
    Other,
}

/// A piece of evidence that somebody else brought.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// What of the run it is about.
    pub about: About,
    /// What was looked at.
    pub kind: SubjectKind,
    /// Which one.
    pub subject: String,
    /// The attempt that it is of; none where that is not known.
    pub attempt: Option<i64>,
    /// The answer.
    pub answer: Answer,
    /// What it means.
    pub meaning: Meaning,
    /// Why.
    pub reason: Reason,
    /// How old it is, in milliseconds; none where by the clocks it lies in the future.
    pub age_ms: Option<i64>,
    /// When what it tells has last changed; none where that is not known.
    pub changed_at: Option<Stamp>,
    /// Whoever looked has compared it with how it was when the step began.
    pub compared: bool,
    /// It is of another host, boot or namespace than the one that judges.
    pub elsewhere: bool,
}
