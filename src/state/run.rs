//! Table `run`. State moves only by [`settle`], [`enter_turn`], [`reopen`] and, for adopted runs, [`enter_adopted`]
//! and [`leave_adopted`], each guarded by the epoch.

use rusqlite::params;

use super::columns::{flag, id, optional_stamp, optional_word, stamp, word};
use super::row::Row;
use super::{Tx, View, retry};
use crate::clock::Stamp;
use crate::error::Result;
use crate::id::RunId;
use crate::judge::sequel::Sequel;
use crate::model::{Capability, NewRun, Run, RunState};

const COLUMNS: &str = "id, agent, task, parent, capability, state, hold, held_until, held_by_provider, epoch, attempts,
    max_attempts, runtime, session, terminal_mail_missing, opened_at, changed_at, ended_at";

fn read(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        id: id(row, "id")?,
        agent: row.get("agent")?,
        task: row.get("task")?,
        parent: row.get("parent")?,
        capability: word(row, "capability", Capability::from_word)?,
        state: word(row, "state", RunState::from_word)?,
        hold: optional_word(row, "hold", crate::model::Hold::from_word)?,
        held_until: optional_stamp(row, "held_until")?,
        held_by_provider: flag(row, "held_by_provider")?,
        epoch: row.get("epoch")?,
        attempts: row.get("attempts")?,
        max_attempts: row.get("max_attempts")?,
        runtime: row.get("runtime")?,
        session: row.get("session")?,
        terminal_mail_missing: flag(row, "terminal_mail_missing")?,
        opened_at: stamp(row, "opened_at")?,
        changed_at: stamp(row, "changed_at")?,
        ended_at: optional_stamp(row, "ended_at")?,
    })
}

/// The run with this id.
pub fn by_id(view: &View<'_>, run: RunId) -> Result<Option<Run>> {
    view.one(&format!("SELECT {COLUMNS} FROM run WHERE id = ?1"), [run.0], read)
}

/// The agent's open run.
pub fn open_of(view: &View<'_>, agent: &str) -> Result<Option<Run>> {
    view.one(&format!("SELECT {COLUMNS} FROM run WHERE agent = ?1 AND ended_at IS NULL"), [agent], read)
}

/// Every open run, oldest first.
pub fn all_open(view: &View<'_>) -> Result<Vec<Run>> {
    view.all(&format!("SELECT {COLUMNS} FROM run INDEXED BY run_open WHERE ended_at IS NULL ORDER BY id"), [], read)
}

/// The agent's newest run, open or not.
pub fn latest_of(view: &View<'_>, agent: &str) -> Result<Option<Run>> {
    view.one(&format!("SELECT {COLUMNS} FROM run WHERE agent = ?1 ORDER BY id DESC LIMIT 1"), [agent], read)
}

/// The agent's newest session that is known to be good, in this runtime.
pub fn last_session(view: &View<'_>, agent: &str, runtime: &str) -> Result<Option<String>> {
    view.one(
        "SELECT session FROM run WHERE agent = ?1 AND runtime = ?2 AND session IS NOT NULL ORDER BY id DESC LIMIT 1",
        [agent, runtime],
        |row| row.get(0),
    )
}

/// Opens a run.
pub fn open(tx: &Tx<'_>, new: &NewRun<'_>, now: Stamp) -> Result<RunId> {
    let row = tx.insert(
        "INSERT INTO run (agent, task, parent, capability, state, max_attempts, session, opened_at, changed_at)
         VALUES (?1, ?2, ?3, ?4, 'booting', ?5, ?6, ?7, ?7)",
        params![new.agent, new.task, new.parent, new.capability.word(), new.max_attempts, new.session, now.millis()],
    )?;
    super::mail::bind(tx, new.agent, RunId(row))?;
    Ok(RunId(row))
}

/// Takes the next epoch for a turn that is about to begin; returns it.
pub fn next_epoch(tx: &Tx<'_>, run: RunId, runtime: &str) -> Result<Option<i64>> {
    tx.one(
        "UPDATE run SET epoch = epoch + 1, runtime = ?2 WHERE id = ?1 AND ended_at IS NULL RETURNING epoch",
        params![run.0, runtime],
        |row| row.get(0),
    )
}

/// The turn of this epoch has begun. False where the run has moved on.
pub fn enter_turn(tx: &Tx<'_>, run: RunId, epoch: i64, now: Stamp) -> Result<bool> {
    let changed = tx.run(
        "UPDATE run SET state = 'in_turn', hold = NULL, held_until = NULL, held_by_provider = 0, changed_at = ?3
         WHERE id = ?1 AND epoch = ?2 AND ended_at IS NULL",
        params![run.0, epoch, now.millis()],
    )?;
    Ok(changed == 1)
}

/// The worker of an adopted run has come. False where the run is not waiting for one.
pub fn enter_adopted(tx: &Tx<'_>, run: RunId, now: Stamp) -> Result<bool> {
    let changed = tx.run(
        "UPDATE run SET state = 'in_turn', changed_at = ?2
         WHERE id = ?1 AND epoch = 0 AND state = 'booting' AND ended_at IS NULL",
        params![run.0, now.millis()],
    )?;
    Ok(changed == 1)
}

/// The worker of an adopted run is gone, and a turn of ours goes on with it. One that never came leaves it as it was.
pub fn leave_adopted(tx: &Tx<'_>, run: RunId, now: Stamp) -> Result<()> {
    tx.run(
        "UPDATE run SET state = 'between_turns', changed_at = ?2
         WHERE id = ?1 AND epoch = 0 AND state = 'in_turn' AND ended_at IS NULL",
        params![run.0, now.millis()],
    )?;
    Ok(())
}

/// Writes what follows from a turn's outcome; the end of a run cancels its next try. False where the run has moved on.
pub fn settle(tx: &Tx<'_>, run: RunId, epoch: i64, sequel: &Sequel, mail_missing: bool, now: Stamp) -> Result<bool> {
    let changed = tx.run(
        "UPDATE run SET state = ?3, hold = ?4, held_until = ?5, held_by_provider = ?6, attempts = ?7,
             terminal_mail_missing = ?8, changed_at = ?9, ended_at = ?10
         WHERE id = ?1 AND epoch = ?2 AND ended_at IS NULL",
        params![
            run.0,
            epoch,
            sequel.state.word(),
            sequel.hold.map(crate::model::Hold::word),
            sequel.retry_at.map(Stamp::millis),
            sequel.by_provider,
            sequel.attempts,
            mail_missing,
            now.millis(),
            sequel.state.is_terminal().then(|| now.millis()),
        ],
    )?;
    if changed == 1 && sequel.state.is_terminal() {
        super::mail::unbind(tx, run, now)?;
        retry::cancel(tx, run, now)?;
    }
    Ok(changed == 1)
}

/// Takes a run out of its end, under a new epoch: whatever still carries the old one changes nothing. Its next turn
/// begins an attempt of its own. False where it has not ended, or has moved on.
pub fn reopen(tx: &Tx<'_>, run: &Run, max_attempts: i64, now: Stamp) -> Result<bool> {
    let changed = tx.run(
        "UPDATE run SET state = 'between_turns', hold = 'backoff', held_until = ?3, held_by_provider = 0,
             epoch = epoch + 1, max_attempts = ?4, terminal_mail_missing = 0, changed_at = ?3, ended_at = NULL
         WHERE id = ?1 AND epoch = ?2 AND ended_at IS NOT NULL",
        params![run.id.0, run.epoch, now.millis(), max_attempts],
    )?;
    if changed == 1 {
        super::mail::bind(tx, &run.agent, run.id)?;
    }
    Ok(changed == 1)
}

/// Stores the session that is known to be good, or forgets the one that is not.
pub fn set_session(tx: &Tx<'_>, run: RunId, session: Option<&str>) -> Result<()> {
    tx.run("UPDATE run SET session = ?2 WHERE id = ?1", params![run.0, session])?;
    Ok(())
}

/// How many open runs have this agent as parent.
pub fn open_children(view: &View<'_>, parent: &str) -> Result<i64> {
    // Left to itself the planner takes the index of all children that ever were.
    let count = view.one(
        "SELECT count(*) FROM run INDEXED BY run_open_children WHERE parent = ?1 AND ended_at IS NULL",
        [parent],
        |row| row.get(0),
    )?;
    Ok(count.unwrap_or(0))
}

/// Whether the name was ever an agent or a parent.
pub fn is_known(view: &View<'_>, name: &str) -> Result<bool> {
    let known = view.one(
        "SELECT EXISTS (SELECT 1 FROM run WHERE agent = ?1) OR EXISTS (SELECT 1 FROM run WHERE parent = ?1)",
        [name],
        |row| row.get(0),
    )?;
    Ok(known.unwrap_or(false))
}

/// The agents that have an open run, perhaps only those of a capability or below a parent.
pub fn open_agents(view: &View<'_>, capability: Option<Capability>, parent: Option<&str>) -> Result<Vec<String>> {
    view.all(
        "SELECT agent FROM run
         WHERE ended_at IS NULL AND (?1 IS NULL OR capability = ?1) AND (?2 IS NULL OR parent = ?2) ORDER BY agent",
        params![capability.map(Capability::word), parent],
        |row| row.get(0),
    )
}

/// Every name that is an agent or a parent of an open run.
pub fn open_names(view: &View<'_>) -> Result<Vec<String>> {
    view.all(
        "SELECT agent FROM run WHERE ended_at IS NULL
         UNION SELECT parent FROM run INDEXED BY run_open_children WHERE ended_at IS NULL AND parent IS NOT NULL",
        [],
        |row| row.get(0),
    )
}
