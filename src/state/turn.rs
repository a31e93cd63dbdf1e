//! Table `turn`. An outcome is written once: by [`end`], and only while there is none.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::params;

use super::columns::{flag, id, json, optional_json, optional_stamp, optional_tick, optional_word, span, stamp, word};
use super::row::Row;
use super::{Tx, View, retry};
use crate::clock::{Stamp, Tick, millis};
use crate::error::Result;
use crate::id::{RunId, TurnId};
use crate::identity::Identity;
use crate::model::{
    Containment, Counters, Description, NewTurn, Outcome, Phase, Resume, StallNote, Turn, Wish, WishNote, YieldNote,
};

const COLUMNS: &str = "id, run, agent, epoch, attempt, token, description, command, command_lossy, cwd, cwd_lossy,
    limits, deadline_ms, session_asked, resume, contained_by, cgroup, last_mail, supervisor, shim, child, before, booted_at, started_at,
    started_tick, wish, wish_signal, wish_why, wish_at, events, ignored_lines, progress_tick, read_bytes, outcome,
    ended_at, ended, stalled_at, stalled_phase, yielded, again";

fn read(row: &Row<'_>) -> rusqlite::Result<Turn> {
    read_as(row, Arc::new(json(row, "description")?))
}

fn read_as(row: &Row<'_>, description: Arc<Description>) -> rusqlite::Result<Turn> {
    Ok(Turn {
        id: id(row, "id")?,
        run: id(row, "run")?,
        agent: row.get("agent")?,
        epoch: row.get("epoch")?,
        attempt: row.get("attempt")?,
        token: row.get("token")?,
        description,
        command: json(row, "command")?,
        command_lossy: flag(row, "command_lossy")?,
        cwd: row.get("cwd")?,
        cwd_lossy: flag(row, "cwd_lossy")?,
        limits: json(row, "limits")?,
        deadline: span(row.get("deadline_ms")?),
        session_asked: row.get("session_asked")?,
        resume: word(row, "resume", Resume::from_word)?,
        contained_by: word(row, "contained_by", Containment::from_word)?,
        cgroup: row.get("cgroup")?,
        last_mail: row.get("last_mail")?,
        supervisor: json(row, "supervisor")?,
        shim: optional_json(row, "shim")?,
        child: optional_json(row, "child")?,
        before: json(row, "before")?,
        booted_at: stamp(row, "booted_at")?,
        started_at: optional_stamp(row, "started_at")?,
        started_tick: optional_tick(row, "started_tick")?,
        wish: wish(row)?,
        counters: Counters {
            events: row.get("events")?,
            ignored_lines: row.get("ignored_lines")?,
            progress_tick: optional_tick(row, "progress_tick")?,
            read_bytes: row.get("read_bytes")?,
        },
        yielded: optional_json(row, "yielded")?,
        again: json(row, "again")?,
        outcome: optional_word(row, "outcome", Outcome::from_word)?,
        ended_at: optional_stamp(row, "ended_at")?,
        ended: row.get("ended")?,
        stall: stall(row)?,
    })
}

fn stall(row: &Row<'_>) -> rusqlite::Result<Option<StallNote>> {
    let Some(phase) = optional_word(row, "stalled_phase", Phase::from_word)? else { return Ok(None) };
    Ok(Some(StallNote { phase, at: stamp(row, "stalled_at")? }))
}

fn wish(row: &Row<'_>) -> rusqlite::Result<Option<WishNote>> {
    let Some(wish) = optional_word(row, "wish", Wish::from_word)? else { return Ok(None) };
    Ok(Some(WishNote { wish, signal: row.get("wish_signal")?, why: row.get("wish_why")?, at: stamp(row, "wish_at")? }))
}

/// The turn with this id.
pub fn by_id(view: &View<'_>, turn: TurnId) -> Result<Option<Turn>> {
    view.one(&format!("SELECT {COLUMNS} FROM turn WHERE id = ?1"), [turn.0], read)
}

/// The turn this token was given to.
pub fn by_token(view: &View<'_>, token: &str) -> Result<Option<Turn>> {
    view.one(&format!("SELECT {COLUMNS} FROM turn WHERE token = ?1"), [token], read)
}

/// Descriptions that were read, by their text. Turns of one runtime share one: it is the longest part of a turn.
#[derive(Debug)]
pub struct Descriptions {
    read: HashMap<String, Arc<Description>>,
    /// Stands in the place of one that cannot be read.
    instead: Arc<Description>,
}

impl Descriptions {
    /// None was read yet.
    #[must_use]
    pub fn or(instead: Arc<Description>) -> Self {
        Self { read: HashMap::new(), instead }
    }

    fn of(&mut self, row: &Row<'_>) -> rusqlite::Result<Arc<Description>> {
        let text: String = row.get("description")?;
        if let Some(known) = self.read.get(&text) {
            return Ok(Arc::clone(known));
        }
        let description: Arc<Description> = Arc::new(json(row, "description")?);
        self.read.insert(text, Arc::clone(&description));
        Ok(description)
    }
}

/// The newest turn of a run, and why its description cannot be read.
pub fn newest_of_run(
    view: &View<'_>,
    run: RunId,
    descriptions: &mut Descriptions,
) -> Result<Option<(Turn, Option<String>)>> {
    view.one(&format!("SELECT {COLUMNS} FROM turn WHERE run = ?1 ORDER BY epoch DESC LIMIT 1"), [run.0], |row| {
        match descriptions.of(row) {
            Ok(description) => Ok((read_as(row, description)?, None)),
            Err(error) => Ok((read_as(row, Arc::clone(&descriptions.instead))?, Some(error.to_string()))),
        }
    })
}

/// The agent's newest turn, with or without an outcome.
pub fn latest_of(view: &View<'_>, agent: &str) -> Result<Option<Turn>> {
    view.one(&format!("SELECT {COLUMNS} FROM turn WHERE agent = ?1 ORDER BY id DESC LIMIT 1"), [agent], read)
}

/// The agent's turn without an outcome.
pub fn open_of(view: &View<'_>, agent: &str) -> Result<Option<Turn>> {
    view.one(&format!("SELECT {COLUMNS} FROM turn WHERE agent = ?1 AND outcome IS NULL"), [agent], read)
}

/// The turn that has been open longest, and since when.
pub fn oldest_open(view: &View<'_>) -> Result<Option<(TurnId, Stamp)>> {
    view.one(
        "SELECT id, booted_at FROM turn INDEXED BY turn_open WHERE outcome IS NULL ORDER BY id LIMIT 1",
        [],
        |row| Ok((id(row, "id")?, stamp(row, "booted_at")?)),
    )
}

/// When an attempt of a run began: its first turn. None where it has had no turn.
pub fn attempt_began(view: &View<'_>, run: RunId, attempt: i64) -> Result<Option<Stamp>> {
    let began = view.one(
        "SELECT min(booted_at) AS began FROM turn WHERE run = ?1 AND attempt = ?2",
        params![run.0, attempt],
        |row| optional_stamp(row, "began"),
    )?;
    Ok(began.flatten())
}

/// The turns of a run, oldest first.
pub fn of_run(view: &View<'_>, run: RunId) -> Result<Vec<Turn>> {
    view.all(&format!("SELECT {COLUMNS} FROM turn WHERE run = ?1 ORDER BY id"), [run.0], read)
}

/// The newest turn of a run.
pub fn latest_of_run(view: &View<'_>, run: RunId) -> Result<Option<Turn>> {
    view.one(&format!("SELECT {COLUMNS} FROM turn WHERE run = ?1 ORDER BY epoch DESC LIMIT 1"), [run.0], read)
}

/// Which turns are asked for; none: all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Of this agent.
    pub agent: Option<&'a str>,
    /// Of runs with this task.
    pub task: Option<&'a str>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// Begun since then.
    pub since: Option<Stamp>,
    /// Without an outcome.
    pub open: bool,
}

/// The newest turns that are wanted, oldest of them first. By agent, task and openness there are indexes; the rest is
/// looked for from the newest back.
pub fn newest(view: &View<'_>, wanted: &Wanted<'_>, limit: i64) -> Result<Vec<Turn>> {
    let turn = match (wanted.agent, wanted.open) {
        // Left to itself the planner reads the whole history backwards, for the order.
        (None, true) => "turn INDEXED BY turn_open",
        _ => "turn",
    };
    let of_agent = if wanted.agent.is_some() { "agent = ?1" } else { "?1 IS NULL" };
    let of_task =
        if wanted.task.is_some() { "run IN (SELECT run.id FROM run WHERE run.task = ?2)" } else { "?2 IS NULL" };
    let only_open = if wanted.open { "AND outcome IS NULL" } else { "" };
    let mut turns = view.all(
        &format!(
            "SELECT {COLUMNS} FROM {turn} WHERE {of_agent} AND {of_task} {only_open}
               AND (?3 IS NULL OR outcome = ?3)
               AND (?4 IS NULL OR booted_at >= ?4)
             ORDER BY id DESC LIMIT ?5"
        ),
        params![wanted.agent, wanted.task, wanted.outcome.map(Outcome::word), wanted.since.map(Stamp::millis), limit],
        read,
    )?;
    turns.reverse();
    Ok(turns)
}

/// Begins a turn under a fresh epoch of its run: it is the run's next try, if one is open.
pub fn begin(tx: &Tx<'_>, new: &NewTurn<'_>, epoch: i64, now: Stamp) -> Result<TurnId> {
    let row = tx.insert(
        "INSERT INTO turn (run, agent, epoch, attempt, token, description, command, cwd, limits, deadline_ms,
             session_asked, resume, contained_by, cgroup, last_mail, supervisor, booted_at, command_lossy, cwd_lossy, before,
             again)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,
             (SELECT coalesce(max(id), 0) FROM mail), ?15, ?16, ?17, ?18, ?19, ?20)",
        params![
            new.run.0,
            new.agent,
            epoch,
            new.attempt,
            new.token,
            tx.text_of(new.description)?,
            tx.text_of(new.command)?,
            new.cwd,
            tx.text_of(&new.limits)?,
            millis(new.deadline),
            new.session_asked,
            new.resume.word(),
            new.contained_by.word(),
            new.cgroup,
            tx.text_of(new.supervisor)?,
            now.millis(),
            new.command_lossy,
            new.cwd_lossy,
            tx.text_of(&new.before)?,
            tx.text_of(new.again)?,
        ],
    )?;
    retry::take(tx, new.run, TurnId(row), now)?;
    Ok(TurnId(row))
}

/// Records who the shim and the agent are; after this the agent may be let go.
/// False where the turn has ended, or its end was wished before there was a shim to tell: then it must not start.
pub fn start(
    tx: &Tx<'_>,
    turn: TurnId,
    shim: &Identity,
    child: &Identity,
    containment: (Containment, Option<&str>),
    now: (Stamp, Tick),
) -> Result<bool> {
    let changed = tx.run(
        "UPDATE turn SET shim = ?2, child = ?3, contained_by = ?4, cgroup = ?5, started_at = ?6, started_tick = ?7
         WHERE id = ?1 AND outcome IS NULL AND wish IS NULL",
        params![
            turn.0,
            tx.text_of(shim)?,
            tx.text_of(child)?,
            containment.0.word(),
            containment.1,
            now.0.millis(),
            tick_millis(now.1),
        ],
    )?;
    Ok(changed == 1)
}

/// Takes back that the agent was let go: it was not.
pub fn take_back_start(tx: &Tx<'_>, turn: TurnId) -> Result<()> {
    tx.run("UPDATE turn SET started_at = NULL, started_tick = NULL WHERE id = ?1 AND outcome IS NULL", [turn.0])?;
    Ok(())
}

/// Another process supervises the turn from now on.
pub fn set_supervisor(tx: &Tx<'_>, turn: TurnId, supervisor: &Identity) -> Result<()> {
    tx.run("UPDATE turn SET supervisor = ?2 WHERE id = ?1", params![turn.0, tx.text_of(supervisor)?])?;
    Ok(())
}

/// Records a wish to end the turn, before any signal. False where it has an outcome.
/// The first wish stays: it is what the signal was sent for. Only the end of a grace gives way to somebody's word.
pub fn wish_end(tx: &Tx<'_>, turn: TurnId, note: &WishNote) -> Result<bool> {
    let changed = tx.run(
        "UPDATE turn SET wish = ?2, wish_signal = ?3, wish_why = ?4, wish_at = ?5
         WHERE id = ?1 AND outcome IS NULL AND (wish IS NULL OR wish = 'grace')",
        params![turn.0, note.wish.word(), note.signal, note.why, note.at.millis()],
    )?;
    Ok(changed == 1)
}

/// Records the agent's word that it ends on purpose; its last one counts. False where the turn has an outcome.
pub fn yield_now(tx: &Tx<'_>, turn: TurnId, note: &YieldNote) -> Result<bool> {
    let changed =
        tx.run("UPDATE turn SET yielded = ?2 WHERE id = ?1 AND outcome IS NULL", params![turn.0, tx.text_of(note)?])?;
    Ok(changed == 1)
}

/// Stores what was counted so far, so that another supervisor can go on from it.
pub fn count(tx: &Tx<'_>, turn: TurnId, counters: &Counters) -> Result<()> {
    tx.run(
        "UPDATE turn SET events = ?2, ignored_lines = ?3, progress_tick = ?4, read_bytes = ?5 WHERE id = ?1",
        params![
            turn.0,
            counters.events,
            counters.ignored_lines,
            counters.progress_tick.map(tick_millis),
            counters.read_bytes
        ],
    )?;
    Ok(())
}

/// Notes that the agent has been silent for too long, or that it has made progress again.
pub fn note_stall(tx: &Tx<'_>, turn: TurnId, stall: Option<StallNote>) -> Result<()> {
    tx.run(
        "UPDATE turn SET stalled_at = ?2, stalled_phase = ?3 WHERE id = ?1 AND outcome IS NULL",
        params![turn.0, stall.map(|note| note.at.millis()), stall.map(|note| note.phase.word())],
    )?;
    Ok(())
}

/// Records the outcome. False where the turn has one already, or another epoch holds the run: then nothing changed.
pub fn end(tx: &Tx<'_>, turn: &Turn, outcome: Outcome, ended: &str, now: Stamp) -> Result<bool> {
    let changed = tx.run(
        "UPDATE turn SET outcome = ?3, ended = ?4, ended_at = ?5
         WHERE id = ?1 AND outcome IS NULL AND epoch = ?2
           AND (?3 = 'fenced' OR epoch = (SELECT run.epoch FROM run WHERE run.id = turn.run))",
        params![turn.id.0, turn.epoch, outcome.word(), ended, now.millis()],
    )?;
    Ok(changed == 1)
}

fn tick_millis(tick: Tick) -> i64 {
    millis(tick.since_boot())
}
