//! Everything that bears on what is true of a run: as it is recorded, as it was observed, and as others tell it.
//! Filled in by whoever gathers evidence; nothing here reads the world.

use crate::clock::Stamp;
use crate::judge::outcome::{Conclusion, Open};
use crate::model::{Answer, Fulfilment, Meaning, Outcome, Phase, Reason, Sight, Standing, SubjectKind};

/// A run's case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Where the run stands, as it is recorded.
    pub standing: Standing,
    /// How long ago that last changed, in milliseconds; none where by the clocks it lies in the future.
    pub since_change_ms: Option<i64>,
    /// The attempt that its newest work belongs to, from 1.
    pub attempt: i64,
    /// Attempts used up.
    pub attempts: i64,
    /// Attempts allowed.
    pub max_attempts: i64,
    /// Somebody asked for the end of the run.
    pub stop_requested: bool,
    /// What stands for the run.
    pub work: Work,
    /// What became of each thing that it owes beyond its capability's mail.
    pub owed: Vec<Fulfilment>,
    /// Truth sources that contradict each other, in words.
    pub conflicts: Vec<String>,
    /// What a clean result would leave open.
    pub open: Open,
    /// When a question that it asked stops waiting for its answer.
    pub question_until: Option<Stamp>,
    /// A retry of it is due then.
    pub retry_due: Option<Stamp>,
    /// What others tell of it.
    pub told: Vec<Told>,
}

/// What stands for a run.
#[derive(Clone, Debug)]
pub enum Work {
    /// No turn has begun.
    None,
    /// Its newest turn.
    Turn(Box<TurnCase>),
    /// Work that somebody else started.
    Worker(WorkerCase),
}

/// A turn's case.
#[derive(Clone, Debug)]
pub struct TurnCase {
    /// Its outcome, where one is recorded.
    pub outcome: Option<Outcome>,
    /// Its agent was let go.
    pub started: bool,
    /// Somebody asked for its end.
    pub wish: bool,
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
    /// It has left its exit record, or a terminal event in its stream, or both.
    pub has_end: bool,
    /// How it ended, by all that it has left: what would be recorded if it were finished now.
    pub ending: Option<Conclusion>,
    /// A silence longer than the clock of its phase.
    pub silence: Option<Silence>,
}

/// An adopted worker's case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerCase {
    /// Whether it is there.
    pub sight: Sight,
    /// How many looks agreed; one that is definite by itself needs no second.
    pub looks: i64,
    /// It was never seen, and may still come.
    pub launching: bool,
    /// How the process of its pane ended, where tmux tells it.
    pub exit: Option<(Option<i32>, Option<i32>)>,
    /// How old its last heartbeat is, in milliseconds; a beat from the future has none.
    pub beat_ms: Option<i64>,
    /// A heartbeat that lies in the future: a finding, and no sign of life.
    pub skewed: bool,
    /// How old its last progress is, in milliseconds.
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
    /// Its shim lives: what it holds together is its own.
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

/// A piece of evidence that somebody else brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
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
    /// How old it is, in milliseconds.
    pub age_ms: i64,
    /// It is of another host than the one that judges.
    pub elsewhere: bool,
}
