//! Table `crash`: what crashed, for good. Nothing in it decides anything.

use rusqlite::{Row, params};

use super::columns::{id, optional_id, optional_json, stamp, word};
use super::{Tx, View};
use crate::error::Result;
use crate::id::{RunId, TurnId};
use crate::identity::Identity;
use crate::model::{Crash, CrashEnding, CrashEntry, CrashKind, CrashWho};

const COLUMNS: &str =
    "id, who, kind, message, ending, tail, backtrace, version, process, agent, run, turn, attempt, at,
    source";

fn read(row: &Row<'_>) -> rusqlite::Result<Crash> {
    let entry = CrashEntry {
        who: word(row, "who", CrashWho::from_word)?,
        kind: word(row, "kind", CrashKind::from_word)?,
        message: row.get("message")?,
        ending: optional_json::<CrashEnding>(row, "ending")?,
        tail: row.get("tail")?,
        backtrace: row.get("backtrace")?,
        version: row.get("version")?,
        process: optional_json::<Identity>(row, "process")?,
        agent: row.get("agent")?,
        run: optional_id(row, "run")?,
        turn: optional_id(row, "turn")?,
        attempt: row.get("attempt")?,
        at: stamp(row, "at")?,
        source: row.get("source")?,
    };
    Ok(Crash { id: id(row, "id")?, entry })
}

/// The crashes of a run, oldest first.
pub fn of_run(view: &View<'_>, run: RunId) -> Result<Vec<Crash>> {
    view.all(&format!("SELECT {COLUMNS} FROM crash WHERE run = ?1 ORDER BY id"), [run.0], read)
}

/// The crashes of a turn, oldest first.
pub fn of_turn(view: &View<'_>, turn: TurnId) -> Result<Vec<Crash>> {
    view.all(&format!("SELECT {COLUMNS} FROM crash WHERE turn = ?1 ORDER BY id"), [turn.0], read)
}

/// Records a crash; one whose source was taken in already stays as it is.
pub fn record(tx: &Tx<'_>, entry: &CrashEntry) -> Result<()> {
    let ending = entry.ending.as_ref().map(|ending| tx.text_of(ending)).transpose()?;
    let process = entry.process.as_ref().map(|process| tx.text_of(process)).transpose()?;
    tx.run(
        "INSERT INTO crash (who, kind, message, ending, tail, backtrace, version, process, agent, run, turn, attempt,
             at, source)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT (source) DO NOTHING",
        params![
            entry.who.word(),
            entry.kind.word(),
            entry.message,
            ending,
            entry.tail,
            entry.backtrace,
            entry.version,
            process,
            entry.agent,
            entry.run.map(|run| run.0),
            entry.turn.map(|turn| turn.0),
            entry.attempt,
            entry.at.millis(),
            entry.source,
        ],
    )?;
    Ok(())
}
