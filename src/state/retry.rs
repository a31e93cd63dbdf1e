//! Table `retry`. A row is opened by the end of a turn, taken by the run's next one, cancelled by the run's end.

use rusqlite::params;

use super::columns::{flag, id, optional_id, optional_json, optional_stamp, optional_word, stamp, word};
use super::row::Row;
use super::{Tx, View};
use crate::clock::Stamp;
use crate::error::Result;
use crate::id::{RetryId, RunId, TurnId};
use crate::judge::retry::Next;
use crate::model::{Act, Retry, RetryClass, RetryState, Run, RunState, Turn};

const SELECT: &str = "SELECT retry.id, retry.run, run.agent, retry.turn, retry.attempt, retry.class, retry.counted,
    retry.due_at, retry.by_provider, retry.in_a_row, retry.since, retry.state, retry.opened_at, retry.closed_at,
    retry.taken_by, retry.cancelled, o.was, o.asked_by, o.why, o.at
    FROM retry JOIN run ON run.id = retry.run LEFT JOIN reopening AS o ON o.id = retry.reopening";

fn read(row: &Row<'_>) -> rusqlite::Result<Retry> {
    Ok(Retry {
        id: id(row, "id")?,
        run: id(row, "run")?,
        agent: row.get("agent")?,
        turn: optional_id(row, "turn")?,
        attempt: row.get("attempt")?,
        class: optional_word(row, "class", RetryClass::from_word)?,
        counted: flag(row, "counted")?,
        due_at: stamp(row, "due_at")?,
        by_provider: flag(row, "by_provider")?,
        in_a_row: row.get("in_a_row")?,
        since: stamp(row, "since")?,
        state: word(row, "state", RetryState::from_word)?,
        opened_at: stamp(row, "opened_at")?,
        closed_at: optional_stamp(row, "closed_at")?,
        taken_by: optional_id(row, "taken_by")?,
        cancelled: optional_json(row, "cancelled")?,
        reopened: reopened(row)?,
    })
}

fn reopened(row: &Row<'_>) -> rusqlite::Result<Option<(RunState, Act)>> {
    let Some(was) = optional_word(row, "was", RunState::from_word)? else { return Ok(None) };
    Ok(Some((was, Act { by: row.get("asked_by")?, at: stamp(row, "at")?, why: row.get("why")? })))
}

/// Which retries are listed.
pub struct Filter<'f> {
    /// Of this agent.
    pub agent: Option<&'f str>,
    /// Of this run.
    pub run: Option<RunId>,
    /// Also those that are closed.
    pub all: bool,
    /// The newest of them, so many.
    pub limit: i64,
}

/// The retries that are asked for, the newest last.
pub fn list(view: &View<'_>, wanted: &Filter<'_>) -> Result<Vec<Retry>> {
    // Written out, so that what is open is found without what ever was.
    let open = if wanted.all { "" } else { "AND retry.state = 'open'" };
    let mut found = view.all(
        &format!(
            "{SELECT} WHERE (?1 IS NULL OR run.agent = ?1) AND (?2 IS NULL OR retry.run = ?2) {open}
             ORDER BY retry.id DESC LIMIT ?3"
        ),
        params![wanted.agent, wanted.run.map(|run| run.0), wanted.limit],
        read,
    )?;
    found.reverse();
    Ok(found)
}

/// The retry with this id.
pub fn by_id(view: &View<'_>, retry: RetryId) -> Result<Option<Retry>> {
    view.one(&format!("{SELECT} WHERE retry.id = ?1"), [retry.0], read)
}

/// The open retry of a run.
pub fn open_of(view: &View<'_>, run: RunId) -> Result<Option<Retry>> {
    view.one(&format!("{SELECT} WHERE retry.run = ?1 AND retry.state = 'open'"), [run.0], read)
}

/// The open retries, what is due first first; of one agent or run, if asked.
pub fn queue(view: &View<'_>, agent: Option<&str>, run: Option<RunId>) -> Result<Vec<Retry>> {
    view.all(
        &format!(
            "{SELECT} WHERE retry.state = 'open' AND (?1 IS NULL OR run.agent = ?1) AND (?2 IS NULL OR retry.run = ?2)
             ORDER BY retry.due_at, retry.id"
        ),
        params![agent, run.map(|run| run.0)],
        read,
    )
}

/// The retries of a run, oldest first.
pub fn of_run(view: &View<'_>, run: RunId) -> Result<Vec<Retry>> {
    view.all(&format!("{SELECT} WHERE retry.run = ?1 ORDER BY retry.id"), [run.0], read)
}

/// The retry that the end of this turn opened.
pub fn of_turn(view: &View<'_>, turn: TurnId) -> Result<Option<Retry>> {
    view.one(&format!("{SELECT} WHERE retry.turn = ?1"), [turn.0], read)
}

/// The retry that this turn has taken.
pub fn taken_by(view: &View<'_>, turn: TurnId) -> Result<Option<Retry>> {
    view.one(&format!("{SELECT} WHERE retry.taken_by = ?1"), [turn.0], read)
}

/// Opens the next try of the turn's run.
pub fn open(tx: &Tx<'_>, turn: &Turn, next: &Next, now: Stamp) -> Result<()> {
    tx.run(
        "INSERT INTO retry (run, turn, attempt, class, counted, due_at, by_provider, in_a_row, since, state, opened_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'open', ?10)",
        params![
            turn.run.0,
            turn.id.0,
            turn.attempt,
            next.class.word(),
            next.counted,
            next.due_at.millis(),
            next.by_provider,
            next.in_a_row,
            next.since.millis(),
            now.millis(),
        ],
    )?;
    Ok(())
}

/// A run was reopened: its next turn may begin at once.
pub(super) fn open_again(tx: &Tx<'_>, run: &Run, reopening: i64, now: Stamp) -> Result<RetryId> {
    let row = tx.insert(
        "INSERT INTO retry (run, reopening, attempt, counted, due_at, by_provider, in_a_row, since, state, opened_at)
         VALUES (?1, ?2, ?3, 0, ?4, 0, 0, ?4, 'open', ?4)",
        params![run.id.0, reopening, run.attempts, now.millis()],
    )?;
    Ok(RetryId(row))
}

/// Somebody wants it tried no more. False where it is not open.
pub fn cancel_by(tx: &Tx<'_>, retry: RetryId, act: &Act) -> Result<bool> {
    let changed = tx.run(
        "UPDATE retry SET state = 'cancelled', closed_at = ?2, cancelled = ?3 WHERE id = ?1 AND state = 'open'",
        params![retry.0, act.at.millis(), tx.text_of(act)?],
    )?;
    Ok(changed == 1)
}

/// The run's next turn has begun: it is the open try, if there is one.
pub(super) fn take(tx: &Tx<'_>, run: RunId, turn: TurnId, now: Stamp) -> Result<()> {
    tx.run(
        "UPDATE retry SET state = 'taken', taken_by = ?2, closed_at = ?3 WHERE run = ?1 AND state = 'open'",
        params![run.0, turn.0, now.millis()],
    )?;
    Ok(())
}

/// The turn did nothing: the try that it took is open again.
pub fn put_back(tx: &Tx<'_>, turn: TurnId) -> Result<()> {
    tx.run("UPDATE retry SET state = 'open', taken_by = NULL, closed_at = NULL WHERE taken_by = ?1", [turn.0])?;
    Ok(())
}

/// The run has ended: it is not tried again.
pub(super) fn cancel(tx: &Tx<'_>, run: RunId, now: Stamp) -> Result<()> {
    tx.run(
        "UPDATE retry SET state = 'cancelled', closed_at = ?2 WHERE run = ?1 AND state = 'open'",
        params![run.0, now.millis()],
    )?;
    Ok(())
}
