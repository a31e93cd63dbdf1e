//! The record that ends a wait.

use schemars::JsonSchema;
use serde::Serialize;

use super::cell;
use crate::emit::Record;
use crate::id::MailId;
use crate::model::{WaitEnd, WokenBy};

/// A wait has ended.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WaitEnded {
    /// For whose mail.
    pub agent: String,
    /// How it ended.
    pub outcome: WaitEnd,
    /// The mail that a claim would take first.
    pub mail: Option<MailId>,
    /// What ended the last sleep; null where there was none, or where only the time was up.
    pub woken_by: Option<WokenBy>,
    /// How long it was.
    pub waited_ms: i64,
    /// How often it looked.
    pub looks: i64,
}

impl Record for WaitEnded {
    const TYPE: &'static str = "wait.ended";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("agent", self.agent.clone()),
            ("outcome", self.outcome.to_string()),
            ("mail", cell(self.mail.as_ref())),
            ("woken_by", cell(self.woken_by.as_ref())),
            ("waited", super::span(self.waited_ms)),
        ]
    }
}
