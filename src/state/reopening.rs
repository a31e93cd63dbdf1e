//! Table `reopening`: who took a run out of its end, and what it was until then. Rows stay as they are.

use rusqlite::params;

use super::columns::{flag, id, optional_id, stamp, word};
use super::row::Row;
use super::{Tx, View, dead_letter, retry};
use crate::error::Result;
use crate::id::{RetryId, RunId};
use crate::model::{Act, Reopening, Run, RunState};

fn read(row: &Row<'_>) -> rusqlite::Result<Reopening> {
    Ok(Reopening {
        run: id(row, "run")?,
        was: word(row, "was", RunState::from_word)?,
        ended_at: stamp(row, "ended_at")?,
        mail_missing: flag(row, "mail_missing")?,
        max_attempts: row.get("max_attempts")?,
        dead_letter: optional_id(row, "dead_letter")?,
        act: Act { by: row.get("asked_by")?, at: stamp(row, "at")?, why: row.get("why")? },
    })
}

/// How often a run was reopened, oldest first.
pub fn of_run(view: &View<'_>, run: RunId) -> Result<Vec<Reopening>> {
    view.all(
        "SELECT run, was, ended_at, mail_missing, max_attempts, dead_letter, asked_by, why, at FROM reopening
         WHERE run = ?1 ORDER BY id",
        [run.0],
        read,
    )
}

/// Records it, settles what was given up of the run, and opens its next try. `run` is as it was in its end.
pub fn record(tx: &Tx<'_>, run: &Run, new: &Reopening) -> Result<RetryId> {
    let row = tx.insert(
        "INSERT INTO reopening (run, was, ended_at, mail_missing, max_attempts, dead_letter, asked_by, why, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            new.run.0,
            new.was.word(),
            new.ended_at.millis(),
            new.mail_missing,
            new.max_attempts,
            new.dead_letter.map(|letter| letter.0),
            new.act.by,
            new.act.why,
            new.act.at.millis(),
        ],
    )?;
    dead_letter::replay_run(tx, new.run, &new.act)?;
    retry::open_again(tx, run, row, new.act.at)
}
