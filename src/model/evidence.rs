//! The words of evidence: what was looked at, with what, and what was found.
//! Only words and data: `seam` looks, `judge` finds, `record` prints.

use super::reason::Reason;
use super::sight::{Observed, Sight};
use crate::clock::Stamp;
use crate::id::{EvidenceId, RunId, TurnId};
use crate::words::words;

words! {
    /// The answer to the question that an instrument is asked.
    pub enum Answer {
        /// It is so.
        Yes = "yes",
        /// It is certainly not so.
        No = "no",
        /// It could not be found out.
        Unknown = "unknown",
    }
}

words! {
    /// What the answer means for the subject.
    pub enum Meaning {
        /// It lives.
        Alive = "alive",
        /// It is gone for certain.
        Dead = "dead",
        /// It is not there.
        Absent = "absent",
        /// It has reached its target.
        Done = "done",
        /// It has not reached its target.
        NotDone = "not_done",
        /// It is there.
        Present = "present",
        /// It changed between two looks.
        Growing = "growing",
        /// It did not change between two looks.
        Silent = "silent",
        /// It is there and is not what it should be.
        Damaged = "damaged",
        /// The work has failed, by its own word.
        Failed = "failed",
        /// Somebody holds it, or holds it back.
        Held = "held",
        /// Nobody holds it.
        Free = "free",
        /// It is whole.
        Healthy = "healthy",
        /// It could not be found out.
        Unknown = "unknown",
    }
}

words! {
    /// What was looked at.
    pub enum SubjectKind {
        /// A process.
        Process = "process",
        /// A tmux server.
        Server = "server",
        /// A tmux session.
        Session = "session",
        /// A tmux pane.
        Pane = "pane",
        /// A run.
        Run = "run",
        /// A story file.
        Story = "story",
        /// A line of a sprint file.
        Sprint = "sprint",
        /// A file that a monitor or an agent writes.
        Output = "output",
        /// A result file.
        Result = "result",
        /// A lock.
        Lock = "lock",
        /// An agent's mail.
        Mail = "mail",
        /// A mark.
        Mark = "mark",
        /// The state file.
        State = "state",
        /// This machine.
        Host = "host",
    }
}

words! {
    /// What it was looked at with.
    pub enum Instrument {
        /// `pidfd_open(2)` and `/proc`.
        Pidfd = "pidfd",
        /// stat(2), and a bounded read.
        File = "file",
        /// A lock that is asked for and dropped at once: flock(2), fcntl(2).
        Flock = "flock",
        /// The rows of the state file.
        Rows = "rows",
        /// The state file itself: its header, SQLite's own check, what is beside it.
        Sqlite = "sqlite",
        /// The text of a story file.
        StoryFile = "story_file",
        /// The YAML of a sprint file.
        SprintFile = "sprint_file",
        /// The record that the shim leaves of the agent's end.
        ExitRecord = "exit_record",
        /// The turn's stream, read to its end.
        Stream = "stream",
        /// The clock of the phase that the agent is in.
        Clocks = "clocks",
        /// The turn's cgroup, its recorded processes and its token in `/proc`.
        Survivors = "survivors",
        /// A look compared with the look at the start of the attempt.
        Baseline = "baseline",
        /// What the worker last said of itself.
        Beat = "beat",
        /// What a machine and a kernel tell of themselves, in `/etc` and `/proc`.
        Host = "host",
        /// `tmux list-panes`.
        Tmux = "tmux",
    }
}

/// What an instrument found: the answer, what it means, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The answer.
    pub answer: Answer,
    /// What it means for the subject.
    pub meaning: Meaning,
    /// Why.
    pub reason: Reason,
}

impl Finding {
    /// It is so.
    #[must_use]
    pub const fn yes(meaning: Meaning, reason: Reason) -> Self {
        Self { answer: Answer::Yes, meaning, reason }
    }

    /// It is certainly not so.
    #[must_use]
    pub const fn no(meaning: Meaning, reason: Reason) -> Self {
        Self { answer: Answer::No, meaning, reason }
    }

    /// It could not be found out. There is no other way to say so: an unknown has no meaning.
    #[must_use]
    pub const fn unknown(reason: Reason) -> Self {
        Self { answer: Answer::Unknown, meaning: Meaning::Unknown, reason }
    }
}

impl From<Finding> for Sight {
    fn from(finding: Finding) -> Self {
        match finding.answer {
            Answer::Yes => Self::alive(finding.reason),
            Answer::No => Self::gone(finding.reason),
            Answer::Unknown => Self::unknown(finding.reason),
        }
    }
}

impl From<Sight> for Finding {
    fn from(sight: Sight) -> Self {
        match sight.observed {
            Observed::Alive => Self::yes(Meaning::Alive, sight.why),
            Observed::Gone => Self::no(Meaning::Dead, sight.why),
            Observed::Unknown => Self::unknown(sight.why),
        }
    }
}

/// A piece of evidence as the state file keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The run that it bears on.
    pub run: RunId,
    /// The turn of that run.
    pub turn: Option<TurnId>,
    /// The attempt of that run.
    pub attempt: Option<i64>,
    /// What was looked at.
    pub subject_kind: SubjectKind,
    /// Which one.
    pub subject: String,
    /// What it was looked at with.
    pub instrument: Instrument,
    /// What was found.
    pub finding: Finding,
    /// The raw facts, as they were printed.
    pub detail: String,
    /// When it was observed.
    pub observed_at: Stamp,
    /// How old what it tells was then.
    pub age_ms: Option<i64>,
    /// The host it was observed on.
    pub host: Option<String>,
    /// The boot it was observed in.
    pub boot_id: Option<String>,
}

/// A piece of evidence that was stored, with its id.
pub type Stored = (EvidenceId, Kept);
