//! Records about runs.

use schemars::JsonSchema;
use serde::Serialize;

use super::{OwedRecord, WorkerFacts, WorkerLife, cell};
use crate::clock::{Moment, Stamp};
use crate::emit::Record;
use crate::id::RunId;
use crate::model::{Capability, Hold, Owed, Run, RunState, Sight, Worker};

/// A run as it is recorded. Only of an adopted one is told beside it what is observed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunRecord {
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
    /// Where it stands.
    pub state: RunState,
    /// Why it is held, if it is.
    pub hold: Option<Hold>,
    /// Held until then.
    pub held_until: Option<Stamp>,
    /// The time is the provider's own.
    pub held_by_provider: bool,
    /// The number of turns it has begun.
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
    /// What it owes beyond its capability's mail, since its newest attempt began.
    pub owes: Vec<OwedRecord>,
    /// When it was opened.
    pub opened_at: Stamp,
    /// When its state last changed.
    pub changed_at: Stamp,
    /// When it ended.
    pub ended_at: Option<Stamp>,
    /// Work that somebody else started stands for it.
    pub adopted: bool,
    /// Who that is.
    #[serde(flatten)]
    pub worker: WorkerFacts,
    /// What that said, and what was seen of it.
    #[serde(flatten)]
    pub life: WorkerLife,
}

impl RunRecord {
    /// The same of an adopted run.
    #[must_use]
    pub fn adopted(self, worker: &Worker, sight: Option<Sight>, now: &Moment) -> Self {
        let (facts, life) = (WorkerFacts::of(worker), WorkerLife::of(worker, sight, now));
        Self { adopted: worker.stands(), worker: facts, life, ..self }
    }
}

impl RunRecord {
    /// The record of a run that owes this.
    #[must_use]
    pub fn of(run: &Run, owes: &[Owed]) -> Self {
        Self {
            run: run.id,
            agent: run.agent.clone(),
            task: run.task.clone(),
            parent: run.parent.clone(),
            capability: run.capability,
            state: run.state,
            hold: run.hold,
            held_until: run.held_until,
            held_by_provider: run.held_by_provider,
            epoch: run.epoch,
            attempts: run.attempts,
            max_attempts: run.max_attempts,
            runtime: run.runtime.clone(),
            session: run.session.clone(),
            terminal_mail_missing: run.terminal_mail_missing,
            owes: owes.iter().map(OwedRecord::from).collect(),
            opened_at: run.opened_at,
            changed_at: run.changed_at,
            ended_at: run.ended_at,
            adopted: false,
            worker: WorkerFacts::default(),
            life: WorkerLife::default(),
        }
    }
}

impl Record for RunRecord {
    const TYPE: &'static str = "run";
    fn columns(&self) -> Vec<(&'static str, String)> {
        let mut columns = vec![
            ("run", self.run.to_string()),
            ("agent", self.agent.clone()),
            ("task", cell(self.task.as_ref())),
            ("parent", cell(self.parent.as_ref())),
            ("state", self.state.to_string()),
            ("hold", cell(self.hold.as_ref())),
            ("until", self.held_until.map(Stamp::brief).unwrap_or_default()),
            ("attempts", format!("{}/{}", self.attempts, self.max_attempts)),
            ("opened", self.opened_at.brief()),
            ("ended", self.ended_at.map(Stamp::brief).unwrap_or_default()),
        ];
        columns.extend(self.life.columns());
        columns
    }
}
