//! A mail between agents, or from refloat to one.

use crate::clock::Stamp;
use crate::id::{MailId, RunId, TurnId};
use crate::model::{AttributedBy, DeadCause, MailState, MailType, Priority};

/// A mail as the state file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mail {
    /// Its id.
    pub id: MailId,
    /// From whom.
    pub sender: String,
    /// To whom.
    pub recipient: String,
    /// To this run of the recipient only.
    pub recipient_run: Option<RunId>,
    /// What it is about.
    pub kind: MailType,
    /// How urgent it is.
    pub priority: Priority,
    /// Its subject.
    pub subject: String,
    /// Its body.
    pub body: String,
    /// Fields for programs, as JSON text.
    pub payload: Option<String>,
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
    /// Why it could not be delivered.
    pub dead_reason: Option<String>,
    /// When it was sent.
    pub sent_at: Stamp,
}

/// A mail to be sent.
#[derive(Clone, Debug)]
pub struct NewMail<'a> {
    /// From whom.
    pub sender: &'a str,
    /// To whom.
    pub recipient: &'a str,
    /// To this run of the recipient only.
    pub recipient_run: Option<RunId>,
    /// What it is about.
    pub kind: MailType,
    /// How urgent it is.
    pub priority: Priority,
    /// Its subject.
    pub subject: &'a str,
    /// Its body.
    pub body: &'a str,
    /// Fields for programs, as JSON text.
    pub payload: Option<&'a str>,
    /// The mail it answers.
    pub reply_to: Option<MailId>,
    /// The run it is sent from, and the turn, where there is one.
    pub from: Option<(Option<TurnId>, RunId)>,
    /// Who vouches for the sender.
    pub attributed_by: AttributedBy,
    /// Stored, or dead at once with this reason.
    pub dead_reason: Option<DeadCause>,
}
