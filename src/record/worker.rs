//! Records about adopted workers: what is recorded of one, what was observed beside it, its heartbeats and its end.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ExpectedRecord, OwedRecord, cell, span};
use crate::clock::{Moment, Stamp};
use crate::emit::Record;
use crate::id::{MailId, RunId, TurnId};
use crate::model::{
    Capability, Cause, MailType, Observed, Outcome, Owed, Reason, Run, RunState, Sight, Worker, YieldNote,
};

/// Who stands for an adopted run: as recorded. All null, or 0, where none does.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct WorkerFacts {
    /// Its process id; of a tmux session that of its first pane. Null where it cannot be seen from here.
    pub pid: Option<i32>,
    /// When that process began, in clock ticks since boot.
    pub start_ticks: Option<u64>,
    /// Its tmux session's name, as tmux gives it; what was asked for where the session has not come yet.
    pub tmux: Option<String>,
    /// Its tmux session's id.
    pub tmux_session: Option<String>,
    /// The tmux server's socket.
    pub tmux_socket: Option<String>,
    /// The tmux server's process id, as tmux says it.
    pub tmux_server_pid: Option<i32>,
    /// The file it writes to.
    pub log: Option<String>,
    /// A session that was not there has to come before then.
    pub launch_until: Option<Stamp>,
}

impl WorkerFacts {
    /// The facts of a worker.
    #[must_use]
    pub fn of(worker: &Worker) -> Self {
        let tmux = worker.tmux.as_ref();
        let found = tmux.and_then(|tmux| tmux.found.as_ref());
        Self {
            pid: worker.process.as_ref().map(|process| process.pid),
            start_ticks: worker.process.as_ref().map(|process| process.start_ticks),
            tmux: tmux.map(|tmux| found.map_or(&tmux.asked, |found| &found.name).clone()),
            tmux_session: found.map(|found| found.session.clone()),
            tmux_socket: tmux.and_then(|tmux| tmux.socket.clone()),
            tmux_server_pid: found.map(|found| found.server_pid),
            log: worker.log.clone(),
            launch_until: worker.launch_until,
        }
    }
}

/// What a worker said and what was seen of it: recorded and observed, side by side.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct WorkerLife {
    /// How many heartbeats came.
    pub beats: i64,
    /// The last of them: a process wrote.
    pub beat_at: Option<Stamp>,
    /// How long ago that was; null also where it lies in the future (`clock_skew`).
    pub beat_age_ms: Option<i64>,
    /// The last that told of progress.
    pub progress_at: Option<Stamp>,
    /// How long ago that was; null also where it lies in the future.
    pub progress_age_ms: Option<i64>,
    /// What it told.
    pub progress: Option<String>,
    /// A stored time lies in the future: a clock is wrong.
    pub clock_skew: bool,
    /// What was observed now; null where nobody looked.
    pub observed: Option<Observed>,
    /// Why.
    pub observed_why: Option<Reason>,
}

impl WorkerLife {
    /// The life of a worker at a moment.
    #[must_use]
    pub fn of(worker: &Worker, sight: Option<Sight>, now: &Moment) -> Self {
        let pulse = &worker.pulse;
        let age = |moment: &Option<Moment>| moment.as_ref().and_then(|moment| moment.age_ms(now));
        let skewed = |moment: &Option<Moment>| moment.is_some() && age(moment).is_none();
        Self {
            beats: pulse.beats,
            beat_at: pulse.beat.as_ref().map(|moment| moment.at),
            beat_age_ms: age(&pulse.beat),
            progress_at: pulse.progress.as_ref().map(|moment| moment.at),
            progress_age_ms: age(&pulse.progress),
            progress: pulse.progress_text.clone(),
            clock_skew: skewed(&pulse.beat) || skewed(&pulse.progress),
            observed: sight.map(|sight| sight.observed),
            observed_why: sight.map(|sight| sight.why),
        }
    }

    /// The ages as people read them.
    pub(super) fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("observed", cell(self.observed.as_ref())),
            ("why", cell(self.observed_why.as_ref())),
            ("beat", self.beat_age_ms.map(span).unwrap_or_default()),
            ("progress", self.progress_age_ms.map(span).unwrap_or_default()),
        ]
    }
}

/// Work that somebody else started stands for a run from now on.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunAdopted {
    /// The run.
    pub run: RunId,
    /// Whose run it is.
    pub agent: String,
    /// What it is about.
    pub task: Option<String>,
    /// Who hears of its end.
    pub parent: Option<String>,
    /// What it owes at its end.
    pub capability: Capability,
    /// Attempts allowed.
    pub max_attempts: i64,
    /// What it owes beyond its capability's mail, as it looked just before.
    pub owes: Vec<OwedRecord>,
    /// `in_turn`, or `booting` where the session is not there yet.
    pub state: RunState,
    /// What makes the worker's words its own: its `REFLOAT_TOKEN`.
    pub token: String,
    /// Who it is.
    #[serde(flatten)]
    pub worker: WorkerFacts,
}

impl RunAdopted {
    /// The record of a run that owes this, and the worker that stands for it.
    #[must_use]
    pub fn of(run: &Run, worker: &Worker, owes: &[Owed]) -> Self {
        Self {
            run: run.id,
            agent: run.agent.clone(),
            task: run.task.clone(),
            parent: run.parent.clone(),
            capability: run.capability,
            max_attempts: run.max_attempts,
            owes: owes.iter().map(OwedRecord::from).collect(),
            state: run.state,
            token: worker.token.clone(),
            worker: WorkerFacts::of(worker),
        }
    }
}

impl Record for RunAdopted {
    const TYPE: &'static str = "run.adopted";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("run", self.run.to_string()),
            ("agent", self.agent.clone()),
            ("task", cell(self.task.as_ref())),
            ("parent", cell(self.parent.as_ref())),
            ("state", self.state.to_string()),
            ("pid", cell(self.worker.pid.as_ref())),
            ("tmux", cell(self.worker.tmux.as_ref())),
            ("token", self.token.clone()),
        ]
    }
}

/// A heartbeat is stored.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunBeat {
    /// The run.
    pub run: RunId,
    /// Whose run it is.
    pub agent: String,
    /// The run's state; the beat that finds a session which was not there yet makes it `in_turn`.
    pub state: RunState,
    /// How many heartbeats came.
    pub beats: i64,
    /// This one.
    pub beat_at: Option<Stamp>,
    /// The last that told of progress.
    pub progress_at: Option<Stamp>,
    /// What it told.
    pub progress: Option<String>,
}

impl RunBeat {
    /// The record of a run whose worker has just beaten.
    #[must_use]
    pub fn of(run: &Run, worker: &Worker) -> Self {
        Self {
            run: run.id,
            agent: run.agent.clone(),
            state: run.state,
            beats: worker.pulse.beats,
            beat_at: worker.pulse.beat.as_ref().map(|moment| moment.at),
            progress_at: worker.pulse.progress.as_ref().map(|moment| moment.at),
            progress: worker.pulse.progress_text.clone(),
        }
    }
}

impl Record for RunBeat {
    const TYPE: &'static str = "run.beat";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("run", self.run.to_string()),
            ("agent", self.agent.clone()),
            ("state", self.state.to_string()),
            ("beats", self.beats.to_string()),
            ("progress", cell(self.progress.as_ref())),
        ]
    }
}

/// An adopted run ended by its worker's word. Stored as it was printed first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunEnded {
    /// The run.
    pub run: RunId,
    /// Whose run it was.
    pub agent: String,
    /// What it was about.
    pub task: Option<String>,
    /// Who hears of its end.
    pub parent: Option<String>,
    /// `completed`, `failed`, or `silent`: completed without mail it owed.
    pub outcome: Outcome,
    /// `own_word`, `expectation_met`, or what it owed and did not leave.
    pub cause: Cause,
    /// The run's state from now on.
    pub state: RunState,
    /// Why, in its words.
    pub why: Option<String>,
    /// What it owed and did not leave, in words.
    pub message: Option<String>,
    /// The terminal mail that it sent.
    pub terminal_mail: Option<MailId>,
    /// A terminal mail is owed and was not sent.
    pub terminal_mail_missing: bool,
    /// What became of all that was expected.
    pub expected: Vec<ExpectedRecord>,
    /// What refloat told the parent of this end.
    pub notice: Option<MailType>,
    /// When.
    pub ended_at: Stamp,
}

impl Record for RunEnded {
    const TYPE: &'static str = "run.ended";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("run", self.run.to_string()),
            ("agent", self.agent.clone()),
            ("task", cell(self.task.as_ref())),
            ("outcome", self.outcome.to_string()),
            ("cause", self.cause.to_string()),
            ("run state", self.state.to_string()),
            ("why", cell(self.why.as_ref())),
        ]
    }
}

/// An agent's word that it ends its turn on purpose and waits.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TurnYielded {
    /// The turn.
    pub turn: TurnId,
    /// The run it belongs to.
    pub run: RunId,
    /// Whose turn it is.
    pub agent: String,
    /// What it waits for, in its words.
    pub reason: Option<String>,
    /// At most until then.
    pub until: Stamp,
    /// Mail is what it waits for.
    pub on_mail: bool,
}

impl TurnYielded {
    /// The record of a turn that yields.
    #[must_use]
    pub fn of((turn, run): (TurnId, RunId), agent: &str, note: &YieldNote) -> Self {
        let (reason, until, on_mail) = (note.reason.clone(), note.until, note.on_mail);
        Self { turn, run, agent: agent.to_owned(), reason, until, on_mail }
    }
}

impl Record for TurnYielded {
    const TYPE: &'static str = "turn.yielded";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("turn", self.turn.to_string()),
            ("agent", self.agent.clone()),
            ("reason", cell(self.reason.as_ref())),
            ("until", self.until.brief()),
        ]
    }
}
