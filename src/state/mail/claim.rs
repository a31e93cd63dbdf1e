//! Leases on mail: taken by a claim, ended by an acknowledgement, a release, a clock or the end of a turn.
//! Called by `mail` and `turn run --mail`. Who may end a lease is decided in `judge::lease`.

use rusqlite::params;

use super::{COLUMNS, bury, read};
use crate::clock::{Moment, Stamp};
use crate::error::Result;
use crate::id::{MailId, RunId, TurnId};
use crate::judge::lease::Fate;
use crate::model::{DeadCause, Mail};
use crate::state::{Tx, View};

/// After so many deliveries without an acknowledgement a mail is dead, unless the claimer says otherwise.
pub const MAX_DELIVERIES: i64 = 5;

/// The name of this boot to compare with; no stored moment has the one for a boot that is not known.
pub(super) fn boot(now: &Moment) -> String {
    if now.boot.is_empty() { "?".into() } else { now.clock() }
}

/// The ids of an agent's mail whose moment (`due`, `expires`) has passed: in this boot by its ticks, in another by the
/// wall clock. ?1 is the agent, ?2 this boot, ?3 the tick, ?4 the wall clock.
fn passed(moment: &str, which: &str) -> String {
    let of = |other: &str| format!("SELECT id FROM mail WHERE recipient = ?1 AND {which} AND {moment}_{other}");
    format!(
        "{} UNION ALL {} UNION ALL {}",
        of(&format!("boot = ?2 AND {moment}_tick <= ?3")),
        of(&format!("boot < ?2 AND {moment}_at <= ?4")),
        of(&format!("boot > ?2 AND {moment}_at <= ?4")),
    )
}

/// Brings an agent's mail up to date: leases and delays that are over give theirs back; what has expired, was claimed
/// `max` times, or is for a run that is over, is dead.
pub fn sweep(tx: &Tx<'_>, agent: &str, max: i64, now: &Moment) -> Result<()> {
    let clocks = params![agent, boot(now), now.boottime_ms, now.at.millis()];
    tx.run(
        &format!(
            "UPDATE mail SET state = 'stored', due_at = NULL, due_boot = NULL, due_tick = NULL WHERE id IN ({})",
            passed("due", "due_at IS NOT NULL")
        ),
        clocks,
    )?;
    let over = "recipient = ?2 AND recipient_run IS NOT NULL
        AND (SELECT ended_at FROM run WHERE run.id = recipient_run) IS NOT NULL";
    bury(tx, DeadCause::StaleGeneration, over, params![agent], now.at)?;
    // The same numbers, one place further: ?1 is the reason.
    let expired = passed("expires", "state = 'stored' AND expires_at IS NOT NULL");
    let expired = expired.replace("?4", "?5").replace("?3", "?4").replace("?2", "?3").replace("?1", "?2");
    bury(tx, DeadCause::Expired, &format!("id IN ({expired})"), clocks, now.at)?;
    let tried = "recipient = ?2 AND deliveries > 0 AND deliveries >= ?3";
    bury(tx, DeadCause::MaxDeliveries, tried, params![agent, max], now.at)
}

/// Who claims, and until when.
#[derive(Clone, Debug)]
pub struct Claim<'a> {
    /// Whose mail.
    pub agent: &'a str,
    /// The agent's open run: mail for another is not for it.
    pub run: Option<RunId>,
    /// What ends the lease.
    pub token: &'a str,
    /// When the lease ends by itself.
    pub until: &'a Moment,
    /// At most so many.
    pub max: usize,
}

/// Leases what waits: by priority, then the oldest first. [`sweep`] comes before it, in the same transaction.
pub fn take(tx: &Tx<'_>, claim: &Claim<'_>, now: Stamp) -> Result<Vec<Mail>> {
    let mut mails = tx.all(
        &format!(
            "UPDATE mail SET state = 'leased', claim = ?3, claimed_at = ?4, deliveries = deliveries + 1,
                 due_at = ?5, due_boot = ?6, due_tick = ?7
             WHERE id IN (
                 SELECT id FROM mail
                 WHERE recipient = ?1 AND state = 'stored' AND due_at IS NULL
                   AND (recipient_run IS NULL OR recipient_run = ?2)
                 ORDER BY rank, id LIMIT ?8)
             RETURNING {COLUMNS}"
        ),
        params![
            claim.agent,
            claim.run.map(|run| run.0),
            claim.token,
            now.millis(),
            claim.until.at.millis(),
            claim.until.clock(),
            claim.until.boottime_ms,
            i64::try_from(claim.max).unwrap_or(i64::MAX),
        ],
        read,
    )?;
    // RETURNING has no order of its own.
    mails.sort_by_key(|mail| (std::cmp::Reverse(mail.priority), mail.id));
    Ok(mails)
}

/// How many of the mails that a claim would take make one prompt: the first alone where it was delivered before, for it
/// may be what nobody survives; else all that follow it for the first time and have no more than `bytes` together.
pub fn fitting(view: &View<'_>, agent: &str, run: Option<RunId>, max: usize, bytes: i64) -> Result<usize> {
    let waiting: Vec<(i64, i64)> = view.all(
        "SELECT deliveries, length(CAST(subject AS BLOB)) + length(CAST(body AS BLOB)) + coalesce(length(CAST(payload AS BLOB)), 0)
         FROM mail
         WHERE recipient = ?1 AND state = 'stored' AND due_at IS NULL AND (recipient_run IS NULL OR recipient_run = ?2)
         ORDER BY rank, id LIMIT ?3",
        params![agent, run.map(|run| run.0), i64::try_from(max).unwrap_or(i64::MAX)],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let mut sum = 0_i64;
    let fits = waiting.iter().take_while(|(deliveries, size)| {
        sum = sum.saturating_add(*size);
        *deliveries == 0 && sum <= bytes
    });
    Ok(fits.count().max(1).min(waiting.len()))
}

/// The mails of this claim are leased to a turn, and to no clock.
pub fn lease_to_turn(tx: &Tx<'_>, mails: &[Mail], turn: TurnId) -> Result<()> {
    for mail in mails {
        tx.run(
            "UPDATE mail SET lease_turn = ?2, due_at = NULL, due_boot = NULL, due_tick = NULL
             WHERE id = ?1 AND state = 'leased'",
            params![mail.id.0, turn.0],
        )?;
    }
    Ok(())
}

/// Acknowledges a leased mail: it is done with.
pub fn acknowledge(tx: &Tx<'_>, mail: MailId, now: Stamp) -> Result<()> {
    tx.run(
        "UPDATE mail SET state = 'acked', acked_at = ?2, lease_turn = NULL, due_at = NULL, due_boot = NULL, due_tick = NULL
         WHERE id = ?1 AND state = 'leased'",
        params![mail.0, now.millis()],
    )?;
    Ok(())
}

/// Gives a leased mail back, to be claimed again, not before `delayed`.
pub fn release(tx: &Tx<'_>, mail: MailId, delayed: Option<&Moment>) -> Result<()> {
    tx.run(
        "UPDATE mail SET state = 'stored', lease_turn = NULL, due_at = ?2, due_boot = ?3, due_tick = ?4
         WHERE id = ?1 AND state = 'leased'",
        params![
            mail.0,
            delayed.map(|until| until.at.millis()),
            delayed.map(Moment::clock),
            delayed.map(|until| until.boottime_ms)
        ],
    )?;
    Ok(())
}

/// The mail that was a turn's prompt, at the turn's end.
pub fn settle_prompt(tx: &Tx<'_>, turn: TurnId, fate: Fate, now: Stamp) -> Result<()> {
    let mails: Vec<MailId> =
        tx.all("SELECT id FROM mail WHERE lease_turn = ?1", [turn.0], |row| row.get(0).map(MailId))?;
    for mail in mails {
        match fate {
            Fate::Acknowledge => acknowledge(tx, mail, now)?,
            Fate::Release => release(tx, mail, None)?,
            Fate::TakeBack => {
                release(tx, mail, None)?;
                tx.run("UPDATE mail SET deliveries = deliveries - 1 WHERE id = ?1", [mail.0])?;
            }
        }
    }
    Ok(())
}

/// The mail that a claim would take first, if there is any now. A mail that was claimed too often counts: a claim is
/// what declares it dead.
pub fn ready(view: &View<'_>, agent: &str, now: &Moment) -> Result<Option<MailId>> {
    let fits = "(recipient_run IS NULL OR (SELECT ended_at FROM run WHERE run.id = recipient_run) IS NULL)
        AND (expires_at IS NULL OR CASE expires_boot WHEN ?2 THEN expires_tick > ?3 ELSE expires_at > ?4 END)";
    let clocks = params![agent, boot(now), now.boottime_ms, now.at.millis()];
    let first = view.one(
        &format!(
            "SELECT id FROM mail WHERE recipient = ?1 AND state = 'stored' AND due_at IS NULL AND {fits}
             ORDER BY rank, id LIMIT 1"
        ),
        clocks,
        |row| row.get(0).map(MailId),
    )?;
    if first.is_some() {
        return Ok(first);
    }
    let due = format!("SELECT id FROM mail WHERE id IN ({}) AND {fits} LIMIT 1", passed("due", "due_at IS NOT NULL"));
    view.one(&due, clocks, |row| row.get(0).map(MailId))
}

/// When the next lease or delay of an agent's mail ends.
pub fn next_due(view: &View<'_>, agent: &str, now: &Moment) -> Result<Option<Moment>> {
    // The planner takes `<>` for no help, and would read all mail of the agent.
    let of = |what: &str, which: &str| {
        format!(
            "SELECT {what} FROM mail INDEXED BY mail_due
             WHERE recipient = ?1 AND due_at IS NOT NULL AND due_boot {which} ?2"
        )
    };
    let mut ends = Vec::new();
    for sql in
        [of("due_at, due_boot, min(due_tick) AS due_tick", "="), of("min(due_at) AS due_at, due_boot, due_tick", "<>")]
    {
        ends.extend(view.one(&sql, params![agent, boot(now)], super::due)?.flatten());
    }
    Ok(ends.into_iter().min_by_key(|end| end.after(now)))
}

/// The first mail that is leased to this turn.
pub fn prompt_of(view: &View<'_>, turn: TurnId) -> Result<Option<MailId>> {
    view.one("SELECT id FROM mail WHERE lease_turn = ?1 LIMIT 1", [turn.0], |row| row.get(0).map(MailId))
}
