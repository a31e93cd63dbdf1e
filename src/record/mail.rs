//! Records about mail: what is stored, what was sent, what became of a lease.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cell;
use crate::clock::Stamp;
use crate::emit::Record;
use crate::id::{MailId, RunId, TurnId};
use crate::model::{AttributedBy, Mail, MailState, MailType, Priority};

/// A mail was stored.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MailSent {
    /// The mail.
    pub mail: MailId,
    /// From whom.
    pub from: String,
    /// To whom.
    pub to: String,
    /// To this run of the recipient only.
    pub to_run: Option<RunId>,
    /// The group it was sent to.
    pub group: Option<String>,
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
    /// When it is of no more use.
    pub expires_at: Option<Stamp>,
}

impl From<&Mail> for MailSent {
    fn from(mail: &Mail) -> Self {
        Self {
            mail: mail.id,
            from: mail.sender.clone(),
            to: mail.recipient.clone(),
            to_run: mail.recipient_run,
            group: mail.sent_to.clone(),
            mail_type: mail.kind,
            state: mail.state,
            dead_reason: mail.dead_reason.clone(),
            turn: mail.turn,
            run: mail.run,
            attributed_by: mail.attributed_by,
            expires_at: mail.expires_at,
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
    /// The group it was sent to.
    pub group: Option<String>,
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
    /// How often it was claimed.
    pub deliveries: i64,
    /// What ends the lease; told to the claimer alone.
    pub claim: Option<String>,
    /// When the lease ends; none for a lease to a turn.
    pub lease_until: Option<Stamp>,
    /// The turn it is leased to, until that has an outcome.
    pub lease_turn: Option<TurnId>,
    /// Not to be claimed before this.
    pub delayed_until: Option<Stamp>,
    /// When it was acknowledged.
    pub acked_at: Option<Stamp>,
    /// When it is of no more use.
    pub expires_at: Option<Stamp>,
}

impl MailRecord {
    /// For whoever has claimed it.
    #[must_use]
    pub fn claimed(mail: &Mail) -> Self {
        Self { claim: mail.claim.clone(), ..Self::from(mail) }
    }
}

impl From<&Mail> for MailRecord {
    fn from(mail: &Mail) -> Self {
        let due = mail.due.as_ref().map(|end| end.at);
        Self {
            mail: mail.id,
            from: mail.sender.clone(),
            to: mail.recipient.clone(),
            to_run: mail.recipient_run,
            group: mail.sent_to.clone(),
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
            deliveries: mail.deliveries,
            claim: None,
            lease_until: due.filter(|_| mail.state == MailState::Leased),
            lease_turn: mail.lease_turn,
            delayed_until: due.filter(|_| mail.state == MailState::Stored),
            acked_at: mail.acked_at,
            expires_at: mail.expires_at,
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

/// A mail is done with.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MailAcked {
    /// The mail.
    pub mail: MailId,
    /// Whose mail it is.
    pub agent: String,
    /// How often it was claimed.
    pub deliveries: i64,
    /// When it was acknowledged.
    pub acked_at: Stamp,
}

impl Record for MailAcked {
    const TYPE: &'static str = "mail.acked";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("mail", self.mail.to_string()),
            ("agent", self.agent.clone()),
            ("deliveries", self.deliveries.to_string()),
        ]
    }
}

/// A mail waits again.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MailReleased {
    /// The mail.
    pub mail: MailId,
    /// Whose mail it is.
    pub agent: String,
    /// How often it was claimed.
    pub deliveries: i64,
    /// Not to be claimed before this.
    pub delayed_until: Option<Stamp>,
}

impl Record for MailReleased {
    const TYPE: &'static str = "mail.released";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("mail", self.mail.to_string()),
            ("agent", self.agent.clone()),
            ("deliveries", self.deliveries.to_string()),
            ("delayed_until", cell(self.delayed_until.as_ref())),
        ]
    }
}

/// What was removed for good, or would be.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MailPurged {
    /// It was done, not only counted.
    pub applied: bool,
    /// So many mails in all.
    pub mails: i64,
    /// Acknowledged ones.
    pub acked: i64,
    /// Stored ones, which nobody has acknowledged.
    pub stored: i64,
    /// Dead ones, which nobody has acknowledged.
    pub dead: i64,
    /// Sent before this.
    pub before: Option<Stamp>,
    /// From or to this agent.
    pub agent: Option<String>,
}

impl Record for MailPurged {
    const TYPE: &'static str = "mail.purged";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("applied", self.applied.to_string()),
            ("mails", self.mails.to_string()),
            ("acked", self.acked.to_string()),
            ("stored", self.stored.to_string()),
            ("dead", self.dead.to_string()),
        ]
    }
}
