//! The records of `reconcile`: a verdict on a run, planned or applied; a rule that was tried; the end of a pass.

use schemars::JsonSchema;
use serde::Serialize;

use super::cell;
use crate::clock::Stamp;
use crate::emit::Record;
use crate::id::{RunId, TurnId};
use crate::model::{Action, Outcome, RetryClass, Rule, RunState, Skipped, VerdictWord, Why};

/// What is true of a run, and what is done about it. A plan and its result differ in `applied` alone.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct VerdictRecord {
    /// The run.
    pub run: RunId,
    /// Whose run it is.
    pub agent: String,
    /// Its newest turn; null where work that somebody else started stands for it.
    pub turn: Option<TurnId>,
    /// The attempt that its newest work belongs to.
    pub attempt: i64,
    /// The state that was recorded.
    pub state_before: RunState,
    /// What is true of it.
    pub verdict: VerdictWord,
    /// Why.
    pub cause: Why,
    /// The rule that decided.
    pub rule: Rule,
    /// What is to be done.
    pub action: Action,
    /// It was done.
    pub applied: bool,
    /// Why it was to be done and was not.
    pub skipped: Option<Skipped>,
    /// The outcome that its newest work has, or would have if its end were recorded now.
    pub outcome: Option<Outcome>,
    /// The run's state once that is done.
    pub state_after: RunState,
    /// What it is tried again as.
    pub retry: Option<RetryClass>,
    /// Nothing is to be done before then.
    pub not_before: Option<Stamp>,
    /// The next command for a person, in words; empty where nothing is to be done.
    pub command: Vec<String>,
    /// What decided, in words.
    pub because: Vec<String>,
    /// How many looks agreed that it is gone; 0 where no look decided.
    pub looks: i64,
}

impl Record for VerdictRecord {
    const TYPE: &'static str = "verdict";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("run", self.run.to_string()),
            ("agent", self.agent.clone()),
            ("before", self.state_before.to_string()),
            ("verdict", self.verdict.to_string()),
            ("cause", self.cause.word().to_owned()),
            ("action", self.action.to_string()),
            ("applied", self.applied.to_string()),
            ("after", self.state_after.to_string()),
            ("not before", self.not_before.map(Stamp::brief).unwrap_or_default()),
            ("command", self.command.join(" ")),
        ]
    }
}

/// A rule that was tried on a run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RuleRecord {
    /// The run.
    pub run: RunId,
    /// Its place among the rules, from 1.
    pub place: i64,
    /// The rule.
    pub rule: Rule,
    /// It applies, and so it decided.
    pub decided: bool,
    /// What it says, where it applies.
    pub verdict: Option<VerdictWord>,
    /// Why.
    pub cause: Option<Why>,
}

impl Record for RuleRecord {
    const TYPE: &'static str = "rule";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("place", self.place.to_string()),
            ("rule", self.rule.to_string()),
            ("decided", self.decided.to_string()),
            ("verdict", cell(self.verdict.as_ref())),
            ("cause", self.cause.map(Why::word).unwrap_or_default().to_owned()),
        ]
    }
}

/// A pass over runs has ended: how many were looked at, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReconcileEnded {
    /// Runs that were looked at: the sum of what follows, but for the last.
    pub runs: i64,
    /// Nothing is to be done about them.
    pub unchanged: i64,
    /// Something would be done about them.
    pub planned: i64,
    /// Something was done about them.
    pub repaired: i64,
    /// Somebody else supervises or finishes them.
    pub skipped_busy: i64,
    /// Of these nothing could be found out.
    pub unknown: i64,
    /// What was to be done failed.
    pub errors: i64,
    /// tmux servers that are gone, with all their sessions.
    pub servers_lost: i64,
}

impl Record for ReconcileEnded {
    const TYPE: &'static str = "reconcile.ended";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("runs", self.runs.to_string()),
            ("unchanged", self.unchanged.to_string()),
            ("planned", self.planned.to_string()),
            ("repaired", self.repaired.to_string()),
            ("busy", self.skipped_busy.to_string()),
            ("unknown", self.unknown.to_string()),
            ("errors", self.errors.to_string()),
        ]
    }
}
