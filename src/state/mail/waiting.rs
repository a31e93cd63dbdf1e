//! What waits for an agent: how much, how long, and in whose hands. Called by `probe mail`; it changes nothing.

use rusqlite::params;

use super::due;
use crate::clock::{Moment, Stamp};
use crate::error::Result;
use crate::id::{MailId, TurnId};
use crate::model::MailState;
use crate::state::View;
use crate::state::columns::{id, optional_id, optional_stamp};

/// So many leases are told one by one.
pub const LEASES: usize = 100;

/// An agent's mail, counted.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// To be claimed, now or later.
    pub stored: i64,
    /// Claimed, and not acknowledged.
    pub leased: i64,
    /// Undeliverable.
    pub dead: i64,
    /// When the oldest that is stored or leased was sent.
    pub oldest: Option<Stamp>,
    /// The leases, the first [`LEASES`] of them.
    pub leases: Vec<Lease>,
}

/// A mail in somebody's hands.
#[derive(Clone, Debug)]
pub struct Lease {
    /// Which.
    pub mail: MailId,
    /// Since when.
    pub claimed_at: Option<Stamp>,
    /// The turn it is leased to, until that has an outcome.
    pub turn: Option<TurnId>,
    /// When it ends by a clock.
    pub until: Option<Moment>,
}

/// Counts an agent's mail.
pub fn of(view: &View<'_>, agent: &str) -> Result<Waiting> {
    let (stored, first_stored) = count(view, agent, MailState::Stored)?;
    let (leased, first_leased) = count(view, agent, MailState::Leased)?;
    let (dead, _) = count(view, agent, MailState::Dead)?;
    let oldest = first_stored.into_iter().chain(first_leased).min();
    Ok(Waiting { stored, leased, dead, oldest, leases: leases(view, agent)? })
}

fn count(view: &View<'_>, agent: &str, state: MailState) -> Result<(i64, Option<Stamp>)> {
    // By state: of an agent's own mail nearly all is acknowledged, and stays.
    let found = view.one(
        "SELECT count(*) AS so_many, min(sent_at) AS oldest FROM mail INDEXED BY mail_in_state
         WHERE state = ?2 AND recipient = ?1",
        params![agent, state.word()],
        |row| Ok((row.get("so_many")?, optional_stamp(row, "oldest")?)),
    )?;
    Ok(found.unwrap_or((0, None)))
}

fn leases(view: &View<'_>, agent: &str) -> Result<Vec<Lease>> {
    view.all(
        "SELECT id, claimed_at, lease_turn, due_at, due_boot, due_tick FROM mail INDEXED BY mail_in_state
         WHERE state = 'leased' AND recipient = ?1 ORDER BY id LIMIT ?2",
        params![agent, i64::try_from(LEASES).unwrap_or(i64::MAX)],
        |row| {
            let (mail, claimed_at) = (id(row, "id")?, optional_stamp(row, "claimed_at")?);
            Ok(Lease { mail, claimed_at, turn: optional_id(row, "lease_turn")?, until: due(row)? })
        },
    )
}

/// Whether anybody has ever sent the name a mail.
pub fn has_had_any(view: &View<'_>, agent: &str) -> Result<bool> {
    let found = view.one("SELECT EXISTS (SELECT 1 FROM mail WHERE recipient = ?1)", [agent], |row| row.get(0))?;
    Ok(found.unwrap_or(false))
}
