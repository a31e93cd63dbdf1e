//! `run.reopened`: a run has left its end.

use schemars::JsonSchema;
use serde::Serialize;

use super::cell;
use crate::clock::Stamp;
use crate::emit::Record;
use crate::id::{DeadLetterId, RetryId, RunId};
use crate::model::RunState;

/// A run that was taken out of its end.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunReopened {
    /// The run.
    pub run: RunId,
    /// Whose run it is.
    pub agent: String,
    /// What it was until then.
    pub state_before: RunState,
    /// What it is now.
    pub state: RunState,
    /// Attempts used up.
    pub attempts: i64,
    /// Attempts allowed from now on.
    pub max_attempts: i64,
    /// The session that its next turn resumes; null: it has a new one.
    pub session: Option<String>,
    /// The dead letter that was replayed.
    pub dead_letter: Option<DeadLetterId>,
    /// Its next try.
    pub retry: RetryId,
    /// The agent was stopped, and still is: only a turn with a prompt lifts that.
    pub agent_stopped: bool,
    /// Who reopened it.
    pub by: String,
    /// Why.
    pub why: Option<String>,
    /// When.
    pub reopened_at: Stamp,
    /// The words of its next turn; none where they cannot be said.
    pub command: Vec<String>,
}

impl Record for RunReopened {
    const TYPE: &'static str = "run.reopened";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("run", self.run.to_string()),
            ("agent", self.agent.clone()),
            ("was", self.state_before.to_string()),
            ("run state", self.state.to_string()),
            ("attempts", format!("{}/{}", self.attempts, self.max_attempts)),
            ("dead letter", cell(self.dead_letter.as_ref())),
            ("by", self.by.clone()),
            ("why", self.why.clone().unwrap_or_default()),
        ]
    }
}
