//! A mail between agents, or from refloat to one.

use crate::clock::{Moment, Stamp};
use crate::id::{MailId, RunId, TurnId};
use crate::model::{AttributedBy, DeadCause, MailType, Priority};
use crate::words::words;

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
    /// The group it was sent to.
    pub sent_to: Option<String>,
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
    /// How often it was claimed.
    pub deliveries: i64,
    /// The token of its newest claim, also after that has ended.
    pub claim: Option<String>,
    /// When that was.
    pub claimed_at: Option<Stamp>,
    /// The turn it is leased to.
    pub lease_turn: Option<TurnId>,
    /// When its lease or its delay ends.
    pub due: Option<Moment>,
    /// When it was acknowledged.
    pub acked_at: Option<Stamp>,
    /// When it is of no more use.
    pub expires_at: Option<Stamp>,
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

/// What a sender may ask for beyond the mail itself.
#[derive(Clone, Debug, Default)]
pub struct Terms<'a> {
    /// The group it goes to.
    pub sent_to: Option<&'a str>,
    /// When it is of no more use.
    pub expires: Option<Moment>,
    /// The thread it goes on with, where that is not told by what it answers.
    pub thread: Option<MailId>,
}

impl MailType {
    /// Whether it is about the course of a run that goes on: of no use to the next one.
    #[must_use]
    pub const fn is_change_of_course(self) -> bool {
        matches!(self, Self::Steer | Self::Nudge)
    }
}

words! {
    /// What became of a mail.
    pub enum MailState {
        /// In the state file; it waits to be claimed.
        Stored = "stored",
        /// Claimed: somebody works on it, until the lease ends or the turn it is leased to has an outcome.
        Leased = "leased",
        /// Acknowledged: done with.
        Acked = "acked",
        /// Undeliverable; its reason says why.
        Dead = "dead",
    }
}
