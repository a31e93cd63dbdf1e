//! Table `crash`: what crashed, for good. Nothing in it decides anything.

use rusqlite::params;

use super::columns::{id, optional_id, optional_json, optional_word, stamp, word};
use super::row::Row;
use super::{Tx, View};
use crate::clock::Stamp;
use crate::error::Result;
use crate::id::{CrashId, RunId, TurnId};
use crate::identity::Identity;
use crate::model::{Crash, CrashEnding, CrashEntry, CrashKind, CrashWho, Outcome, RunState};

/// Beside a crash stands what became of its run and its turn all the same.
const SELECT: &str =
    "SELECT c.id, c.who, c.kind, c.message, c.ending, c.tail, c.backtrace, c.version, c.process, c.agent,
    c.run, c.turn, c.attempt, c.at, c.source, run.state AS run_state, turn.outcome
    FROM crash AS c LEFT JOIN run ON run.id = c.run LEFT JOIN turn ON turn.id = c.turn";

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
    Ok(Crash {
        id: id(row, "id")?,
        entry,
        run_state: optional_word(row, "run_state", RunState::from_word)?,
        outcome: optional_word(row, "outcome", Outcome::from_word)?,
    })
}

/// The crash with this id.
pub fn by_id(view: &View<'_>, crash: CrashId) -> Result<Option<Crash>> {
    view.one(&format!("{SELECT} WHERE c.id = ?1"), [crash.0], read)
}

/// Which crashes are listed.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'f> {
    /// Of this agent.
    pub agent: Option<&'f str>,
    /// Of this run.
    pub run: Option<RunId>,
    /// At or after this time.
    pub since: Option<Stamp>,
    /// The newest of them, so many.
    pub limit: i64,
}

/// The crashes that are asked for, the newest last.
pub fn list(view: &View<'_>, wanted: &Filter<'_>) -> Result<Vec<Crash>> {
    let mut found = view.all(
        &format!(
            "{SELECT} WHERE (?1 IS NULL OR c.agent = ?1) AND (?2 IS NULL OR c.run = ?2) AND (?3 IS NULL OR c.at >= ?3)
             ORDER BY c.id DESC LIMIT ?4"
        ),
        params![wanted.agent, wanted.run.map(|run| run.0), wanted.since.map(Stamp::millis), wanted.limit],
        read,
    )?;
    found.reverse();
    Ok(found)
}

/// The crashes of a run, oldest first.
pub fn of_run(view: &View<'_>, run: RunId) -> Result<Vec<Crash>> {
    view.all(&format!("{SELECT} WHERE c.run = ?1 ORDER BY c.id"), [run.0], read)
}

/// The crashes of a turn, oldest first.
pub fn of_turn(view: &View<'_>, turn: TurnId) -> Result<Vec<Crash>> {
    view.all(&format!("{SELECT} WHERE c.turn = ?1 ORDER BY c.id"), [turn.0], read)
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
