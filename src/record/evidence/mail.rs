//! The raw facts of what waits for an agent.

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::Stamp;
use crate::id::{MailId, MarkId, TurnId};
use crate::model::Hold;

/// An agent's mail, and what keeps the agent.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MailDetail {
    /// To be claimed, now or later.
    pub stored: i64,
    /// Claimed, and not acknowledged.
    pub leased: i64,
    /// Undeliverable.
    pub dead: i64,
    /// How long the oldest that is stored or leased has waited; null where none is, or by the clocks it is of the future.
    pub oldest_ms: Option<i64>,
    /// What a claim would get first now.
    pub ready: Option<MailId>,
    /// Leased to a turn that nobody watches: the next turn takes it back.
    pub abandoned: Option<MailId>,
    /// When the next lease or delay ends.
    pub next_due_at: Option<Stamp>,
    /// The agent was told to stop, and nothing has lifted that.
    pub stopped: bool,
    /// What its open run is held by.
    pub hold: Option<Hold>,
    /// Until when.
    pub held_until: Option<Stamp>,
    /// The mark that holds the agent back.
    pub mark: Option<MarkId>,
    /// In whose hands mail is, the first hundred.
    pub leases: Vec<LeaseDetail>,
}

/// A mail in somebody's hands.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LeaseDetail {
    /// Which.
    pub mail: MailId,
    /// The turn that has it, until that has an outcome; null where a claim has it.
    pub turn: Option<TurnId>,
    /// Since when.
    pub claimed_at: Option<Stamp>,
    /// When a claim ends by itself.
    pub until: Option<Stamp>,
}
