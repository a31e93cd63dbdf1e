//! Table `mark`. A mark that has ended stays, as the account of who removed what and why; nothing is written to it.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use rusqlite::params;

use super::columns::{flag, id, json, optional_id, optional_json, optional_stamp, optional_word, span, wrong};
use super::row::Row;
use super::{Tx, View};
use crate::clock::{Moment, Stamp, millis};
use crate::error::Result;
use crate::id::{MarkId, RunId, TurnId};
use crate::model::{EVERYBODY, EndNote, FoundMark, HOLD, Mark, MarkEnd, NewMark, Reason, Taken, UnreadMark};

const COLUMNS: &str = "id, kind, name, scope, nonce, owner, host, run, turn, bound, set_by, first, beats, beat, ttl_ms,
    until, data, file, doubted, ended_at, ended_how, ended_why, ended_by";

/// One that cannot be read costs no other its answer.
fn find(row: &Row<'_>) -> rusqlite::Result<FoundMark> {
    match read(row) {
        Ok(mark) => Ok(Ok(mark)),
        Err(error) => Ok(Err(UnreadMark {
            id: id(row, "id")?,
            kind: row.get("kind").ok(),
            name: row.get("name").ok(),
            scope: OsString::from_vec(row.get("scope")?).into(),
            stands: row.get::<_, Option<i64>>("ended_at")?.is_none(),
            end: end_of(row).ok().flatten(),
            why: why(error),
        })),
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Mark> {
    let scope: Vec<u8> = row.get("scope")?;
    Ok(Mark {
        id: id(row, "id")?,
        kind: row.get("kind")?,
        name: row.get("name")?,
        scope: OsString::from_vec(scope).into(),
        nonce: row.get("nonce")?,
        owner: optional_json(row, "owner")?,
        host: row.get("host")?,
        run: optional_id(row, "run")?,
        turn: optional_id(row, "turn")?,
        bound: flag(row, "bound")?,
        set_by: row.get("set_by")?,
        set: json(row, "first")?,
        beats: row.get("beats")?,
        beat: json(row, "beat")?,
        ttl: row.get::<_, Option<i64>>("ttl_ms")?.map(span),
        until: optional_stamp(row, "until")?,
        data: row.get("data")?,
        file: row.get::<_, Option<Vec<u8>>>("file")?.map(|path| OsString::from_vec(path).into()),
        doubted: optional_json(row, "doubted")?,
        end: end_of(row)?,
    })
}

fn why(error: rusqlite::Error) -> String {
    match error {
        rusqlite::Error::FromSqlConversionFailure(_, _, cause) => cause.to_string(),
        error => error.to_string().to_lowercase(),
    }
}

fn end_of(row: &Row<'_>) -> rusqlite::Result<Option<EndNote>> {
    let Some(at) = optional_stamp(row, "ended_at")? else { return Ok(None) };
    let how = optional_word(row, "ended_how", MarkEnd::from_word)?.ok_or_else(|| wrong("ended_how", "null"))?;
    let why = optional_word(row, "ended_why", Reason::from_word)?;
    Ok(Some(EndNote { at, how, why, by: row.get("ended_by")? }))
}

/// The mark with this id, ended or not.
pub fn by_id(view: &View<'_>, mark: MarkId) -> Result<Option<FoundMark>> {
    view.one(&format!("SELECT {COLUMNS} FROM mark WHERE id = ?1"), [mark.0], find)
}

/// The mark that stands under this name for this folder.
pub fn named(view: &View<'_>, kind: &str, name: &str, scope: &Path) -> Result<Option<FoundMark>> {
    view.one(
        &format!("SELECT {COLUMNS} FROM mark WHERE kind = ?1 AND name = ?2 AND scope = ?3 AND ended_at IS NULL"),
        params![kind, name, scope.as_os_str().as_bytes()],
        find,
    )
}

/// The marks that stand, by their ids: those after `after`, `limit` at most.
pub fn standing(view: &View<'_>, after: MarkId, limit: i64) -> Result<Vec<FoundMark>> {
    view.all(
        &format!("SELECT {COLUMNS} FROM mark WHERE ended_at IS NULL AND id > ?1 ORDER BY id LIMIT ?2"),
        [after.0, limit],
        find,
    )
}

/// The marks of a kind that stand, oldest first; of one name, if asked, and without those that are not about a folder. It
/// leaves out what differs from the folder within the length of both: [`crate::model::MarkLabel::covers`] decides about the rest.
pub fn of_kind(view: &View<'_>, kind: &str, name: Option<&str>, about: Option<&Path>) -> Result<Vec<FoundMark>> {
    let of_name = if name.is_some() { "name = ?2" } else { "?2 IS NULL" };
    view.all(
        &format!(
            "SELECT {COLUMNS} FROM mark WHERE kind = ?1 AND {of_name} AND ended_at IS NULL
             AND (?3 IS NULL OR substr(?3, 1, length(scope)) = scope OR substr(scope, 1, length(?3)) = ?3) ORDER BY id"
        ),
        params![kind, name, about.map(|folder| folder.as_os_str().as_bytes())],
        find,
    )
}

/// The holds of this agent and those of every agent that stand, oldest first.
pub fn holds(view: &View<'_>, agent: &str) -> Result<Vec<FoundMark>> {
    view.all(
        &format!("SELECT {COLUMNS} FROM mark WHERE kind = ?1 AND name IN (?2, ?3) AND ended_at IS NULL ORDER BY id"),
        [HOLD, agent, EVERYBODY],
        find,
    )
}

/// The marks that were set in a run and stand, oldest first.
pub fn of_run(view: &View<'_>, run: RunId) -> Result<Vec<FoundMark>> {
    view.all(&format!("SELECT {COLUMNS} FROM mark WHERE run = ?1 AND ended_at IS NULL ORDER BY id"), [run.0], find)
}

/// The marks that have ended, the newest first: those before `before`, `limit` at most; of one kind, if asked.
pub fn ended(view: &View<'_>, kind: Option<&str>, before: MarkId, limit: i64) -> Result<Vec<FoundMark>> {
    let of_kind = if kind.is_some() { "kind = ?1" } else { "?1 IS NULL" };
    view.all(
        &format!(
            "SELECT {COLUMNS} FROM mark WHERE {of_kind} AND ended_at IS NOT NULL AND id < ?2 ORDER BY id DESC LIMIT ?3"
        ),
        params![kind, before.0, limit],
        find,
    )
}

/// Sets a mark; none of its kind and name stands for its folder.
pub fn set(tx: &Tx<'_>, new: &NewMark<'_>, now: &Moment) -> Result<MarkId> {
    let owner = new.owner.map(|owner| tx.text_of(owner)).transpose()?;
    let now = tx.text_of(now)?;
    let row = tx.insert(
        "INSERT INTO mark (kind, name, scope, nonce, owner, host, run, turn, bound, set_by, first, beat, ttl_ms, until, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12, ?13, ?14)",
        params![
            new.kind,
            new.name,
            new.scope.as_os_str().as_bytes(),
            new.nonce,
            owner,
            new.host,
            new.run.map(|run| run.0),
            new.turn.map(|turn| turn.0),
            new.bound,
            new.set_by,
            now,
            new.ttl.map(millis),
            new.until.map(Stamp::millis),
            new.data,
        ],
    )?;
    Ok(MarkId(row))
}

/// Renews a mark with what it is to say, whom it is to die with and how long it is to live from now on.
pub fn renew(tx: &Tx<'_>, mark: MarkId, new: &NewMark<'_>, now: &Moment) -> Result<()> {
    let owner = new.owner.map(|owner| tx.text_of(owner)).transpose()?;
    tx.run(
        "UPDATE mark SET beats = beats + 1, beat = ?2, doubted = NULL, ttl_ms = ?3, until = ?4,
             data = coalesce(?5, data), owner = ?6, bound = ?7
         WHERE id = ?1 AND ended_at IS NULL",
        params![
            mark.0,
            tx.text_of(now)?,
            new.ttl.map(millis),
            new.until.map(Stamp::millis),
            new.data,
            owner,
            new.bound
        ],
    )?;
    Ok(())
}

/// Renews a mark as it is.
pub fn beat(tx: &Tx<'_>, mark: MarkId, now: &Moment) -> Result<()> {
    let now = tx.text_of(now)?;
    tx.run(
        "UPDATE mark SET beats = beats + 1, beat = ?2, doubted = NULL WHERE id = ?1 AND ended_at IS NULL",
        params![mark.0, now],
    )?;
    Ok(())
}

/// Ends a mark as it was looked at. False where it has ended or was renewed since: then it stays.
pub fn end(tx: &Tx<'_>, seen: &Mark, note: &EndNote) -> Result<bool> {
    let changed = tx.run(
        "UPDATE mark SET ended_at = ?4, ended_how = ?5, ended_why = ?6, ended_by = ?7
         WHERE id = ?1 AND nonce = ?2 AND beats = ?3 AND ended_at IS NULL",
        params![
            seen.id.0,
            seen.nonce,
            seen.beats,
            note.at.millis(),
            note.how.word(),
            note.why.map(Reason::word),
            note.by,
        ],
    )?;
    Ok(changed == 1)
}

/// Ends a mark that cannot be read, whatever it says. Whoever does it has named it by its id.
pub fn end_unread(tx: &Tx<'_>, mark: MarkId, note: &EndNote) -> Result<()> {
    tx.run(
        "UPDATE mark SET ended_at = ?2, ended_how = ?3, ended_why = ?4, ended_by = ?5 WHERE id = ?1 AND ended_at IS NULL",
        params![mark.0, note.at.millis(), note.how.word(), note.why.map(Reason::word), note.by],
    )?;
    Ok(())
}

/// Notes since when the beat of a mark is known to lie in the future, unless it was renewed.
pub fn doubt(tx: &Tx<'_>, seen: &Mark, now: &Moment) -> Result<()> {
    tx.run(
        "UPDATE mark SET doubted = ?3 WHERE id = ?1 AND beats = ?2 AND ended_at IS NULL",
        params![seen.id.0, seen.beats, tx.text_of(now)?],
    )?;
    Ok(())
}

/// Ends what is bound to a turn.
pub fn end_with_turn(tx: &Tx<'_>, turn: TurnId, now: Stamp) -> Result<()> {
    tx.run(
        "UPDATE mark SET ended_at = ?2, ended_how = ?3, ended_by = ?4 WHERE turn = ?1 AND bound AND ended_at IS NULL",
        params![turn.0, now.millis(), MarkEnd::TurnEnded.word(), "refloat"],
    )?;
    Ok(())
}

/// Ends what is bound to the run of an adopted worker.
pub fn end_with_run(tx: &Tx<'_>, run: RunId, now: Stamp) -> Result<()> {
    tx.run(
        "UPDATE mark SET ended_at = ?2, ended_how = ?3, ended_by = ?4 WHERE run = ?1 AND bound AND ended_at IS NULL",
        params![run.0, now.millis(), MarkEnd::RunEnded.word(), "refloat"],
    )?;
    Ok(())
}

/// The account of what is taken out of a marker file.
pub fn taken(tx: &Tx<'_>, one: &Taken<'_>) -> Result<()> {
    let since = tx.text_of(one.since)?;
    tx.insert(
        "INSERT INTO mark (kind, name, scope, nonce, host, bound, set_by, first, beat, ttl_ms, data, file,
                           ended_at, ended_how, ended_why, ended_by)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, '', ?6, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            one.kind,
            one.name,
            one.scope.as_os_str().as_bytes(),
            one.nonce,
            one.host,
            since,
            one.ttl.map(millis),
            one.data,
            one.file.as_os_str().as_bytes(),
            one.end.at.millis(),
            one.end.how.word(),
            one.end.why.map(Reason::word),
            one.end.by,
        ],
    )?;
    Ok(())
}

/// Whether the account of a removal from a marker file was written.
pub fn is_accounted(view: &View<'_>, removal: &str) -> Result<bool> {
    let found = view.one(
        "SELECT 1 FROM mark WHERE file IS NOT NULL AND substr(nonce, 1, length(?1)) = ?1 LIMIT 1",
        [removal],
        |row| row.get::<_, i64>(0),
    )?;
    Ok(found.is_some())
}

#[cfg(test)]
#[path = "mark_tests.rs"]
mod tests;
