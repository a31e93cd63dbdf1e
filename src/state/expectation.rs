//! Table `expectation`: what a run owes, with its baseline. Kept by `owed`, at the start of a turn or of an adoption.

use rusqlite::params;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::columns::{id, json, optional_id, stamp, word, wrong};
use super::row::Row;
use super::{Tx, View};
use crate::clock::Stamp;
use crate::error::Result;
use crate::id::{MailId, RunId, TurnId};
use crate::model::{ExpectKind, Expectation, Look, MailType, Owed};

fn read(row: &Row<'_>) -> rusqlite::Result<Owed> {
    let kind = word(row, "kind", ExpectKind::from_word)?;
    let expectation = Expectation::of(kind, row.get("target")?, row.get("repository")?);
    Ok(Owed {
        expectation: expectation.ok_or_else(|| wrong("target", "a name"))?,
        baseline: json(row, "baseline")?,
        turn: optional_id(row, "turn")?,
        taken_at: stamp(row, "taken_at")?,
    })
}

/// What a run owes, in the order in which it was asked for.
pub fn of_run(view: &View<'_>, run: RunId) -> Result<Vec<Owed>> {
    view.all(
        "SELECT kind, target, repository, baseline, turn, taken_at FROM expectation WHERE run = ?1 ORDER BY id",
        [run.0],
        read,
    )
}

/// Stores an expectation and its baseline, in place of an older baseline.
pub fn keep(
    tx: &Tx<'_>,
    run: RunId,
    expectation: &Expectation,
    baseline: &Look,
    turn: Option<TurnId>,
    now: Stamp,
) -> Result<()> {
    tx.run(
        "INSERT INTO expectation (run, kind, target, repository, baseline, turn, taken_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (run, kind, target, repository) DO UPDATE SET
             baseline = excluded.baseline, turn = excluded.turn, taken_at = excluded.taken_at",
        params![
            run.0,
            expectation.kind().word(),
            expectation.target().as_bytes(),
            expectation.place().unwrap_or(Path::new("")).as_os_str().as_bytes(),
            tx.text_of(baseline)?,
            turn.map(|turn| turn.0),
            now.millis(),
        ],
    )?;
    Ok(())
}

/// The newest mail of all: what a mail that counts is newer than.
pub fn newest_mail(view: &View<'_>) -> Result<Option<i64>> {
    view.one("SELECT max(id) FROM mail", [], |row| row.get(0)).map(Option::flatten)
}

/// The first mail of this type that the run itself has sent since: with its token, and as no reply.
/// Delivery is another matter: who tells does not fail for the end of whom it tells.
pub fn mail_of(view: &View<'_>, run: RunId, kind: MailType, after: i64) -> Result<Option<MailId>> {
    view.one(
        "SELECT id FROM mail
         WHERE id > ?1 AND run = ?2 AND kind = ?3 AND attributed_by <> 'refloat' AND reply_to IS NULL
         ORDER BY id LIMIT 1",
        params![after, run.0, kind.word()],
        |row| id(row, "id"),
    )
}
