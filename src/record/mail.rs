//! Records about mail.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::cell;
use crate::clock::Stamp;
use crate::emit::Record;
use crate::id::{MailId, RunId, TurnId};
use crate::model::{AttributedBy, Mail, MailState, MailType, Priority};

/// A mail was stored.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MailSent {
    /// The mail.
    pub mail: MailId,
    /// From whom.
    pub from: String,
    /// To whom.
    pub to: String,
    /// To this run of the recipient only.
    pub to_run: Option<RunId>,
    /// What it is about.
    pub mail_type: MailType,
    /// Stored, or dead at once.
    pub state: MailState,
    /// Why it is dead.
    pub dead_reason: Option<String>,
    /// The turn it was sent from.
    pub turn: Option<TurnId>,
    /// The run it was sent from.
    pub run: Option<RunId>,
    /// Who vouches for the sender.
    pub attributed_by: AttributedBy,
}

impl From<&Mail> for MailSent {
    fn from(mail: &Mail) -> Self {
        Self {
            mail: mail.id,
            from: mail.sender.clone(),
            to: mail.recipient.clone(),
            to_run: mail.recipient_run,
            mail_type: mail.kind,
            state: mail.state,
            dead_reason: mail.dead_reason.clone(),
            turn: mail.turn,
            run: mail.run,
            attributed_by: mail.attributed_by,
        }
    }
}

impl Record for MailSent {
    const TYPE: &'static str = "mail.sent";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("mail", self.mail.to_string()),
            ("from", self.from.clone()),
            ("to", self.to.clone()),
            ("type", self.mail_type.to_string()),
            ("state", self.state.to_string()),
        ]
    }
}

/// A mail.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MailRecord {
    /// The mail.
    pub mail: MailId,
    /// From whom.
    pub from: String,
    /// To whom.
    pub to: String,
    /// To this run of the recipient only.
    pub to_run: Option<RunId>,
    /// What it is about.
    pub mail_type: MailType,
    /// How urgent it is.
    pub priority: Priority,
    /// Its subject.
    pub subject: String,
    /// Its body.
    pub body: String,
    /// Fields for programs.
    pub payload: Option<Value>,
    /// The first mail of its thread.
    pub thread: MailId,
    /// The mail it answers.
    pub reply_to: Option<MailId>,
    /// The turn it was sent from.
    pub turn: Option<TurnId>,
    /// The run it was sent from.
    pub run: Option<RunId>,
    /// Who vouches for the sender.
    pub attributed_by: AttributedBy,
    /// What became of it.
    pub state: MailState,
    /// Why it is dead.
    pub dead_reason: Option<String>,
    /// When it was sent.
    pub sent_at: Stamp,
}

impl From<&Mail> for MailRecord {
    fn from(mail: &Mail) -> Self {
        Self {
            mail: mail.id,
            from: mail.sender.clone(),
            to: mail.recipient.clone(),
            to_run: mail.recipient_run,
            mail_type: mail.kind,
            priority: mail.priority,
            subject: mail.subject.clone(),
            body: mail.body.clone(),
            payload: mail.payload.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            thread: mail.thread,
            reply_to: mail.reply_to,
            turn: mail.turn,
            run: mail.run,
            attributed_by: mail.attributed_by,
            state: mail.state,
            dead_reason: mail.dead_reason.clone(),
            sent_at: mail.sent_at,
        }
    }
}

impl Record for MailRecord {
    const TYPE: &'static str = "mail";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("mail", self.mail.to_string()),
            ("sent", self.sent_at.brief()),
            ("from", self.from.clone()),
            ("to", self.to.clone()),
            ("type", self.mail_type.to_string()),
            ("state", self.state.to_string()),
            ("turn", cell(self.turn.as_ref())),
            ("subject", self.subject.clone()),
        ]
    }
}
