//! The record that ends a wait.

use schemars::JsonSchema;
use serde::Serialize;

use super::cell;
use crate::emit::Record;
use crate::id::{MailId, RunId, TurnId};
use crate::model::{Awaited, Reason, RunState, WaitEnd, WokenBy};

/// A wait has ended.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WaitEnded {
    /// What was waited for.
    pub condition: Awaited,
    /// Whose, as it was named.
    pub subject: String,
    /// The subject is not UTF-8 and the text stands for it.
    pub subject_lossy: bool,
    /// Whose mail, run or turn.
    pub agent: Option<String>,
    /// The run.
    pub run: Option<RunId>,
    /// The turn.
    pub turn: Option<TurnId>,
    /// The mail that a claim would take first.
    pub mail: Option<MailId>,
    /// Where the run stood at the last look.
    pub state: Option<RunState>,
    /// How it ended.
    pub outcome: WaitEnd,
    /// What the last look found.
    pub reason: Reason,
    /// What ended the last sleep; null where there was none, or where only the time was up.
    pub woken_by: Option<WokenBy>,
    /// The kernel could not tell, at least for a while, and it looked every quarter of a second.
    pub polled: bool,
    /// How long it was, with the time that the host was asleep.
    pub waited_ms: i64,
    /// How often it looked.
    pub looks: i64,
}

impl Record for WaitEnded {
    const TYPE: &'static str = "wait.ended";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("condition", self.condition.to_string()),
            ("subject", self.subject.clone()),
            ("mail", cell(self.mail.as_ref())),
            ("state", cell(self.state.as_ref())),
            ("outcome", self.outcome.to_string()),
            ("reason", self.reason.to_string()),
            ("woken_by", cell(self.woken_by.as_ref())),
            ("waited", super::span(self.waited_ms)),
        ]
    }
}
