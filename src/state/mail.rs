//! Table `mail`: stored, leased, acknowledged or dead. Reading changes nothing; `mail/claim.rs` moves it on.

pub mod claim;
mod list;
pub mod purge;
pub mod waiting;

use rusqlite::params;

pub use list::{Filter, list};

use super::columns::{id, optional_id, optional_stamp, stamp, word};
use super::row::Row;
use super::{Tx, View, dead_letter};
use crate::clock::{Moment, Stamp};
use crate::error::Result;
use crate::id::{MailId, RunId, TurnId};
use crate::model::{AttributedBy, DeadCause, Mail, MailState, MailType, NewMail, Priority, Terms};

const COLUMNS: &str = "id, sender, recipient, recipient_run, sent_to, kind, priority, subject, body, payload,
    coalesce(thread, id) AS thread, reply_to, turn, run, attributed_by, state, dead_reason, sent_at, deliveries,
    claim, claimed_at, lease_turn, due_at, due_boot, due_tick, acked_at, expires_at";

fn read(row: &Row<'_>) -> rusqlite::Result<Mail> {
    Ok(Mail {
        id: id(row, "id")?,
        sender: row.get("sender")?,
        recipient: row.get("recipient")?,
        recipient_run: optional_id(row, "recipient_run")?,
        sent_to: row.get("sent_to")?,
        kind: word(row, "kind", MailType::from_word)?,
        priority: word(row, "priority", Priority::from_word)?,
        subject: row.get("subject")?,
        body: row.get("body")?,
        payload: row.get("payload")?,
        thread: id(row, "thread")?,
        reply_to: optional_id(row, "reply_to")?,
        turn: optional_id(row, "turn")?,
        run: optional_id(row, "run")?,
        attributed_by: word(row, "attributed_by", AttributedBy::from_word)?,
        state: word(row, "state", MailState::from_word)?,
        dead_reason: row.get("dead_reason")?,
        sent_at: stamp(row, "sent_at")?,
        deliveries: row.get("deliveries")?,
        claim: row.get("claim")?,
        claimed_at: optional_stamp(row, "claimed_at")?,
        lease_turn: optional_id(row, "lease_turn")?,
        due: due(row)?,
        acked_at: optional_stamp(row, "acked_at")?,
        expires_at: optional_stamp(row, "expires_at")?,
    })
}

fn due(row: &Row<'_>) -> rusqlite::Result<Option<Moment>> {
    let Some(at) = optional_stamp(row, "due_at")? else { return Ok(None) };
    let clock: String = row.get("due_boot")?;
    let (boot, time_ns) = clock.split_once('/').unwrap_or((&clock, ""));
    let time_ns = time_ns.parse().unwrap_or_default();
    Ok(Some(Moment { at, boot: boot.to_owned(), time_ns, boottime_ms: row.get("due_tick")? }))
}

/// The mail with this id.
pub fn by_id(view: &View<'_>, mail: MailId) -> Result<Option<Mail>> {
    view.one(&format!("SELECT {COLUMNS} FROM mail WHERE id = ?1"), [mail.0], read)
}

/// Stores a mail, and the dead letter of one that is dead at once. A reply keeps the thread of what it answers.
pub fn send(tx: &Tx<'_>, new: &NewMail<'_>, now: Stamp) -> Result<MailId> {
    send_on(tx, new, &Terms::default(), now)
}

/// Stores a mail on these terms. A change of course is for the run that is open, not for one that comes after it.
pub fn send_on(tx: &Tx<'_>, new: &NewMail<'_>, terms: &Terms<'_>, now: Stamp) -> Result<MailId> {
    let state = if new.dead_reason.is_some() { MailState::Dead } else { MailState::Stored };
    let bound = match new.recipient_run {
        None if new.kind.is_change_of_course() => super::run::open_of(tx, new.recipient)?.map(|run| run.id),
        run => run,
    };
    let expires = terms.expires.as_ref();
    let row = tx.insert(
        "INSERT INTO mail (sender, recipient, recipient_run, kind, priority, subject, body, payload, thread, reply_to,
             turn, run, attributed_by, state, dead_reason, sent_at, sent_to, expires_at, expires_boot, expires_tick)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,
             coalesce(?20, (SELECT coalesce(thread, id) FROM mail WHERE id = ?9)), ?9,
             ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        params![
            new.sender,
            new.recipient,
            bound.map(|run| run.0),
            new.kind.word(),
            new.priority.word(),
            new.subject,
            new.body,
            new.payload,
            new.reply_to.map(|mail| mail.0),
            new.from.and_then(|(turn, _)| turn).map(|turn| turn.0),
            new.from.map(|(_, run)| run.0),
            new.attributed_by.word(),
            state.word(),
            new.dead_reason.map(DeadCause::word),
            now.millis(),
            terms.sent_to,
            expires.map(|end| end.at.millis()),
            expires.map(Moment::clock),
            expires.map(|end| end.boottime_ms),
            terms.thread.map(|mail| mail.0),
        ],
    )?;
    if let Some(cause) = new.dead_reason {
        dead_letter::undelivered(tx, MailId(row), cause, 0, new.from.and_then(|(turn, _)| turn), now)?;
    }
    Ok(MailId(row))
}

/// A run has opened: the changes of course that waited for it are for it, and for none after it.
pub(super) fn bind(tx: &Tx<'_>, agent: &str, run: RunId) -> Result<()> {
    tx.run(
        "UPDATE mail INDEXED BY mail_unbound SET recipient_run = ?2
         WHERE recipient = ?1 AND state = 'stored' AND recipient_run IS NULL AND (kind = 'steer' OR kind = 'nudge')",
        params![agent, run.0],
    )?;
    Ok(())
}

/// A run is over: what was for it alone, and nobody has, is dead.
pub(super) fn unbind(tx: &Tx<'_>, run: RunId, now: Stamp) -> Result<()> {
    let which =
        "recipient = (SELECT agent FROM run WHERE run.id = ?2) AND recipient_run = ?2 AND recipient_run IS NOT NULL";
    bury(tx, DeadCause::StaleGeneration, which, params![run.0], now)
}

/// Declares stored mail dead, and opens its dead letters: the one way there, but for mail that is sent to a run that is over.
fn bury(tx: &Tx<'_>, cause: DeadCause, which: &str, params: &[&dyn rusqlite::ToSql], now: Stamp) -> Result<()> {
    let sql = format!(
        "UPDATE mail SET state = 'dead', dead_reason = ?1, due_at = NULL, due_boot = NULL, due_tick = NULL
         WHERE state = 'stored' AND {which} RETURNING id, deliveries"
    );
    let word = cause.word();
    let all: Vec<&dyn rusqlite::ToSql> = std::iter::once(&word as _).chain(params.iter().copied()).collect();
    let dead: Vec<(i64, i64)> = tx.all(&sql, all.as_slice(), |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (mail, deliveries) in dead {
        dead_letter::undelivered(tx, MailId(mail), cause, deliveries, None, now)?;
    }
    Ok(())
}

/// The terminal mail of a turn: of one of these types, to the parent, from inside the turn, and no reply.
/// By row id, never by clock.
pub fn terminal_of(
    view: &View<'_>,
    turn: TurnId,
    after: i64,
    parent: &str,
    kinds: &[MailType],
) -> Result<Option<MailId>> {
    let sent: Vec<(i64, String)> = view.all(
        "SELECT id, kind FROM mail
         WHERE turn = ?1 AND id > ?2 AND recipient = ?3 AND reply_to IS NULL ORDER BY id",
        params![turn.0, after, parent],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(first_of(sent, kinds))
}

/// The terminal mail of an adopted worker: of one of these types, to the parent, sent with the worker's token, and no reply.
pub fn terminal_of_worker(view: &View<'_>, run: RunId, parent: &str, kinds: &[MailType]) -> Result<Option<MailId>> {
    let sent: Vec<(i64, String)> = view.all(
        "SELECT id, kind FROM mail
         WHERE run = ?1 AND attributed_by = 'run' AND recipient = ?2 AND reply_to IS NULL ORDER BY id",
        params![run.0, parent],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(first_of(sent, kinds))
}

fn first_of(sent: Vec<(i64, String)>, kinds: &[MailType]) -> Option<MailId> {
    let terminal = sent.into_iter().find(|(_, kind)| kinds.iter().any(|wanted| wanted.word() == kind));
    terminal.map(|(mail, _)| MailId(mail))
}

/// The questions of a run that nobody has answered, oldest first.
pub fn open_questions(view: &View<'_>, run: RunId) -> Result<Vec<Mail>> {
    // A reply is in the thread of what it answers, and by that there is an index.
    view.all(
        &format!(
            "SELECT {COLUMNS} FROM mail AS asked INDEXED BY mail_of_run
             WHERE run = ?1 AND (kind = 'question' OR kind = 'decision_gate') AND NOT EXISTS (
                 SELECT 1 FROM mail AS answer INDEXED BY mail_in_thread
                 WHERE answer.thread = coalesce(asked.thread, asked.id) AND answer.reply_to = asked.id
             ) ORDER BY id"
        ),
        [run.0],
        read,
    )
}

/// Whether mail waits that a turn of this run could still be given: not what another run is meant for, what has
/// expired, and what was claimed too often.
pub fn waiting_for(view: &View<'_>, agent: &str, run: RunId, now: &Moment) -> Result<i64> {
    // By name: the planner would read all that is stored, for whomever.
    let some = |index: &str, due: &str| {
        format!(
            "EXISTS (
                 SELECT 1 FROM mail INDEXED BY {index}
                 WHERE recipient = ?1 AND state = 'stored' AND due_at {due}
                   AND (recipient_run IS NULL OR recipient_run = ?2) AND deliveries < ?3
                   AND (expires_at IS NULL
                       OR CASE expires_boot WHEN ?4 THEN expires_tick > ?5 ELSE expires_at > ?6 END))"
        )
    };
    let found = view.one(
        &format!("SELECT {} OR {}", some("mail_ready", "IS NULL"), some("mail_due", "IS NOT NULL")),
        params![agent, run.0, claim::MAX_DELIVERIES, claim::boot(now), now.boottime_ms, now.at.millis()],
        |row| row.get(0),
    )?;
    Ok(found.unwrap_or(0))
}

#[cfg(test)]
#[path = "mail_tests.rs"]
mod tests;
