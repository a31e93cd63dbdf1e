//! Table `dead_letter`: what was given up. A row stays; a later success resolves it.

use rusqlite::{Row, params};

use super::columns::{id, optional_id, optional_stamp, optional_word, stamp, word};
use super::{Tx, View};
use crate::clock::Stamp;
use crate::error::Result;
use crate::id::{MailId, RunId, TurnId};
use crate::model::{DeadCause, DeadLetter, Run, RunState, Turn};

/// The run is the one that was given up, or the one that a mail was for.
const SELECT: &str = "SELECT d.id, d.run, d.mail, coalesce(run.agent, mail.recipient) AS agent, d.cause, d.attempt,
    d.attempts, d.last_error, run.state AS run_state, d.opened_at, d.opened_by, d.resolved_at, d.resolved_by,
    d.acknowledged_at
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
        acknowledged_at: optional_stamp(row, "acknowledged_at")?,
    })
}

/// The dead letters of a run and of mail for it, oldest first.
pub fn of_run(view: &View<'_>, run: RunId) -> Result<Vec<DeadLetter>> {
    // Two questions: an OR of both would read the whole table.
    view.all(
        &format!(
            "{SELECT} WHERE d.run = ?1
             UNION ALL {SELECT} WHERE d.mail IS NOT NULL AND mail.recipient_run = ?1 ORDER BY 1"
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
pub fn give_up(tx: &Tx<'_>, turn: &Turn, cause: DeadCause, attempts: i64, error: &str, now: Stamp) -> Result<()> {
    tx.run(
        "INSERT INTO dead_letter (run, attempt, cause, attempts, last_error, opened_at, opened_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
        params![turn.run.0, turn.attempt, cause.word(), attempts, error, now.millis(), turn.id.0],
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
         WHERE resolved_at IS NULL AND run IS NOT NULL
           AND EXISTS (SELECT 1 FROM run WHERE run.id = dead_letter.run AND run.agent = ?1 AND run.task IS ?2)",
        params![run.agent, run.task, turn.0, now.millis()],
    )?;
    Ok(())
}
