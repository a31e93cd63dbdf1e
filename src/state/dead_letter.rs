//! Table `dead_letter`: what was given up. A row stays; a later success resolves it.

use rusqlite::params;

use super::columns::{id, optional_id, optional_json, optional_stamp, optional_word, stamp, word};
use super::row::Row;
use super::{Tx, View};
use crate::clock::Stamp;
use crate::error::Result;
use crate::id::{DeadLetterId, MailId, RunId, TurnId};
use crate::model::{Act, DeadCause, DeadLetter, LetterState, Run, RunState, Turn};

/// The run is the one that was given up, or the one that a mail was for.
const SELECT: &str = "SELECT d.id, d.run, d.mail, coalesce(run.agent, mail.recipient) AS agent, d.cause, d.attempt,
    d.attempts, d.last_error, run.state AS run_state, d.opened_at, d.opened_by, d.resolved_at, d.resolved_by,
    d.acknowledged, d.replayed, d.replayed_as, d.closed
    FROM dead_letter AS d LEFT JOIN mail ON mail.id = d.mail LEFT JOIN run ON run.id = coalesce(d.run, mail.recipient_run)";

fn read(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    Ok(DeadLetter {
        id: id(row, "id")?,
        run: optional_id(row, "run")?,
        mail: optional_id(row, "mail")?,
        agent: row.get("agent")?,
        cause: word(row, "cause", DeadCause::from_word)?,
        attempt: row.get("attempt")?,
        attempts: row.get("attempts")?,
        last_error: row.get("last_error")?,
        run_state: optional_word(row, "run_state", RunState::from_word)?,
        opened_at: stamp(row, "opened_at")?,
        opened_by: optional_id(row, "opened_by")?,
        resolved_at: optional_stamp(row, "resolved_at")?,
        resolved_by: optional_id(row, "resolved_by")?,
        acknowledged: optional_json(row, "acknowledged")?,
        replayed: optional_json(row, "replayed")?,
        replayed_as: optional_id(row, "replayed_as")?,
        closed: optional_json(row, "closed")?,
    })
}

/// The dead letter with this id.
pub fn by_id(view: &View<'_>, letter: DeadLetterId) -> Result<Option<DeadLetter>> {
    view.one(&format!("{SELECT} WHERE d.id = ?1"), [letter.0], read)
}

/// Which dead letters are listed.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'f> {
    /// Of this agent, or of mail for it.
    pub agent: Option<&'f str>,
    /// Of this run, or of mail for it.
    pub run: Option<RunId>,
    /// Also those that are settled.
    pub all: bool,
    /// The newest of them, so many.
    pub limit: i64,
}

/// The dead letters that are asked for, the newest last.
pub fn list(view: &View<'_>, wanted: &Filter<'_>) -> Result<Vec<DeadLetter>> {
    if let Some(run) = wanted.run {
        let mut found = of_run(view, run)?;
        found.retain(|letter| wanted.all || letter.state() == LetterState::Open);
        found.retain(|letter| wanted.agent.is_none_or(|agent| agent == letter.agent));
        let over = found.len().saturating_sub(usize::try_from(wanted.limit).unwrap_or(usize::MAX));
        return Ok(found.split_off(over));
    }
    // Written out, so that what is open is found without what ever was.
    let open = if wanted.all { "" } else { "AND d.resolved_at IS NULL AND d.replayed IS NULL AND d.closed IS NULL" };
    let mut found = view.all(
        &format!(
            "{SELECT} WHERE (?1 IS NULL OR coalesce(d.agent, mail.recipient) = ?1) {open} ORDER BY d.id DESC LIMIT ?2"
        ),
        params![wanted.agent, wanted.limit],
        read,
    )?;
    found.reverse();
    Ok(found)
}

/// Somebody has seen it; the first who has stays.
pub fn acknowledge(tx: &Tx<'_>, letter: DeadLetterId, act: &Act) -> Result<()> {
    let act = tx.text_of(act)?;
    tx.run("UPDATE dead_letter SET acknowledged = ?2 WHERE id = ?1 AND acknowledged IS NULL", params![letter.0, act])?;
    Ok(())
}

/// Somebody wants no more of it. False where it is settled already.
pub fn close(tx: &Tx<'_>, letter: DeadLetterId, act: &Act) -> Result<bool> {
    let changed = tx.run(
        "UPDATE dead_letter SET closed = ?2
         WHERE id = ?1 AND resolved_at IS NULL AND replayed IS NULL AND closed IS NULL",
        params![letter.0, tx.text_of(act)?],
    )?;
    Ok(changed == 1)
}

/// The run is tried once more: what was given up of it is settled by that.
pub(super) fn replay_run(tx: &Tx<'_>, run: RunId, act: &Act) -> Result<()> {
    tx.run(
        "UPDATE dead_letter SET replayed = ?2
         WHERE run = ?1 AND resolved_at IS NULL AND replayed IS NULL AND closed IS NULL",
        params![run.0, tx.text_of(act)?],
    )?;
    Ok(())
}

/// The mail was sent once more, as another. False where the dead letter is settled already.
pub fn replay_mail(tx: &Tx<'_>, letter: DeadLetterId, sent: MailId, act: &Act) -> Result<bool> {
    let changed = tx.run(
        "UPDATE dead_letter SET replayed = ?2, replayed_as = ?3
         WHERE id = ?1 AND resolved_at IS NULL AND replayed IS NULL AND closed IS NULL",
        params![letter.0, tx.text_of(act)?, sent.0],
    )?;
    Ok(changed == 1)
}

/// The dead letters of a run and of mail for it, oldest first.
pub fn of_run(view: &View<'_>, run: RunId) -> Result<Vec<DeadLetter>> {
    // Two questions: an OR of both would read the whole table.
    view.all(
        &format!(
            "{SELECT} WHERE d.run = ?1
             UNION ALL {SELECT} WHERE mail.state = 'dead' AND mail.recipient_run = ?1 ORDER BY 1"
        ),
        [run.0],
        read,
    )
}

/// The dead letters that the end of this turn opened, and those of mail that it sent.
pub fn of_turn(view: &View<'_>, turn: TurnId) -> Result<Vec<DeadLetter>> {
    view.all(&format!("{SELECT} WHERE d.opened_by = ?1 ORDER BY d.id"), [turn.0], read)
}

/// Opens the account of a run that is given up with this turn; one that is there already stays.
pub fn give_up(
    tx: &Tx<'_>,
    run: &Run,
    turn: &Turn,
    (cause, attempts): (DeadCause, i64),
    error: &str,
    now: Stamp,
) -> Result<()> {
    tx.run(
        "INSERT INTO dead_letter (run, agent, task, attempt, cause, attempts, last_error, opened_at, opened_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        params![run.id.0, run.agent, run.task, turn.attempt, cause.word(), attempts, error, now.millis(), turn.id.0],
    )?;
    Ok(())
}

/// Opens the account of a mail that cannot be delivered.
pub(super) fn undelivered(
    tx: &Tx<'_>,
    mail: MailId,
    cause: DeadCause,
    deliveries: i64,
    from: Option<TurnId>,
    now: Stamp,
) -> Result<()> {
    tx.run(
        "INSERT INTO dead_letter (mail, cause, attempts, opened_at, opened_by) VALUES (?1, ?2, ?5, ?3, ?4)",
        params![mail.0, cause.word(), now.millis(), from.map(|turn| turn.0), deliveries],
    )?;
    Ok(())
}

/// The agent has done this task after all: what was given up of it is resolved by this turn.
pub fn resolve(tx: &Tx<'_>, run: &Run, turn: TurnId, now: Stamp) -> Result<()> {
    tx.run(
        "UPDATE dead_letter SET resolved_at = ?4, resolved_by = ?3
         WHERE resolved_at IS NULL AND run IS NOT NULL AND agent = ?1 AND task IS ?2",
        params![run.agent, run.task, turn.0, now.millis()],
    )?;
    Ok(())
}
