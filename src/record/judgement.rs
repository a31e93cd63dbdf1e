//! The record of a judgement: what is true of a run by all that bears on it, beside what is recorded of it.

use schemars::JsonSchema;
use serde::Serialize;

use super::cell;
use crate::clock::Stamp;
use crate::emit::Record;
use crate::id::{EvidenceId, RunId, TurnId};
use crate::model::{Action, Hold, Observed, Outcome, Rule, RunState, VerdictWord, Why};

/// What `reconcile` would conclude of a run; nothing of it is done.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Judgement {
    /// The run.
    pub run: RunId,
    /// Whose run it is.
    pub agent: String,
    /// Its newest turn; null where work that somebody else started stands for it.
    pub turn: Option<TurnId>,
    /// The attempt that its newest work belongs to.
    pub attempt: i64,
    /// The state that is recorded.
    pub recorded: RunState,
    /// Why the run is held, as it is recorded.
    pub hold: Option<Hold>,
    /// Until when.
    pub held_until: Option<Stamp>,
    /// What is seen of its work; null where it has none.
    pub observed: Option<Observed>,
    /// What is true of it.
    pub verdict: VerdictWord,
    /// Why.
    pub cause: Why,
    /// The rule that decided.
    pub rule: Rule,
    /// What is to be done.
    pub action: Action,
    /// Nothing is to be done before then.
    pub not_before: Option<Stamp>,
    /// The outcome that its newest work has, or would have if its end were recorded now.
    pub outcome: Option<Outcome>,
    /// The run's state once that is done.
    pub state_after: RunState,
    /// The next command for a person, in words; empty where nothing is to be done.
    pub command: Vec<String>,
    /// What decided, in words.
    pub because: Vec<String>,
    /// The stored evidence that it rests on (`--record`).
    pub rests_on: Vec<EvidenceId>,
    /// Somebody should look at it. What has ended, waits or is blocked on purpose is not alarming.
    pub alarming: bool,
    /// How many looks agreed that it is gone; 0 where no look decided.
    pub looks: i64,
}

impl Record for Judgement {
    const TYPE: &'static str = "judgement";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("run", self.run.to_string()),
            ("agent", self.agent.clone()),
            ("recorded", self.recorded.to_string()),
            ("observed", cell(self.observed.as_ref())),
            ("verdict", self.verdict.to_string()),
            ("cause", self.cause.word().to_owned()),
            ("action", self.action.to_string()),
            ("not before", self.not_before.map(Stamp::brief).unwrap_or_default()),
            ("command", self.command.join(" ")),
        ]
    }
}
