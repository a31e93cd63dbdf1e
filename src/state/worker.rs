//! Table `worker`: what stands for an adopted run. Ended and released rows stay, and nothing is written to them.

use rusqlite::params;

use super::columns::{id, json, optional_json, optional_stamp};
use super::row::Row;
use super::{Tx, View};
use crate::clock::{Moment, Stamp};
use crate::error::Result;
use crate::id::RunId;
use crate::identity::Identity;
use crate::model::{NewWorker, Pulse, TmuxSession, Worker};

const COLUMNS: &str = "run, token, process, tmux, log, adopted, launch_until, found_at, beats, beat, progress,
    progress_text, released_at, ended";

fn read(row: &Row<'_>) -> rusqlite::Result<Worker> {
    Ok(Worker {
        run: id(row, "run")?,
        token: row.get("token")?,
        process: optional_json(row, "process")?,
        tmux: optional_json(row, "tmux")?,
        log: row.get("log")?,
        adopted: json(row, "adopted")?,
        launch_until: optional_stamp(row, "launch_until")?,
        found_at: optional_stamp(row, "found_at")?,
        pulse: Pulse {
            beats: row.get("beats")?,
            beat: optional_json(row, "beat")?,
            progress: optional_json(row, "progress")?,
            progress_text: row.get("progress_text")?,
        },
        released_at: optional_stamp(row, "released_at")?,
        ended: row.get("ended")?,
    })
}

/// The worker that stands for this run, or stood for it.
pub fn of_run(view: &View<'_>, run: RunId) -> Result<Option<Worker>> {
    view.one(&format!("SELECT {COLUMNS} FROM worker WHERE run = ?1"), [run.0], read)
}

/// The worker that stands for this run now.
pub fn standing_for(view: &View<'_>, run: RunId) -> Result<Option<Worker>> {
    Ok(of_run(view, run)?.filter(Worker::stands))
}

/// The worker this token was given to.
pub fn by_token(view: &View<'_>, token: &str) -> Result<Option<Worker>> {
    view.one(&format!("SELECT {COLUMNS} FROM worker WHERE token = ?1"), [token], read)
}

/// The workers that stand for open runs, oldest first; of one agent, if asked.
pub fn open(view: &View<'_>, agent: Option<&str>) -> Result<Vec<Worker>> {
    view.all(
        &format!(
            "SELECT {COLUMNS} FROM worker
             WHERE released_at IS NULL
               AND run IN (SELECT id FROM run WHERE ended_at IS NULL AND (?1 IS NULL OR agent = ?1))
             ORDER BY run"
        ),
        [agent],
        read,
    )
}

/// Makes a worker stand for a run.
pub fn adopt(tx: &Tx<'_>, new: &NewWorker<'_>) -> Result<()> {
    let process = new.process.map(|process| tx.text_of(process)).transpose()?;
    let tmux = new.tmux.map(|tmux| tx.text_of(tmux)).transpose()?;
    let found_at = new.launch_until.is_none().then(|| new.adopted.at.millis());
    tx.run(
        "INSERT INTO worker (run, token, process, tmux, log, adopted, launch_until, found_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            new.run.0,
            new.token,
            process,
            tmux,
            new.log,
            tx.text_of(new.adopted)?,
            new.launch_until.map(Stamp::millis),
            found_at,
        ],
    )?;
    Ok(())
}

/// Records who a worker is, that was not there when it was adopted. False where it is known already.
pub fn found(tx: &Tx<'_>, run: RunId, process: Option<&Identity>, tmux: &TmuxSession, now: Stamp) -> Result<bool> {
    let process = process.map(|process| tx.text_of(process)).transpose()?;
    let changed = tx.run(
        "UPDATE worker SET process = ?2, tmux = ?3, found_at = ?4
         WHERE run = ?1 AND found_at IS NULL AND released_at IS NULL",
        params![run.0, process, tx.text_of(tmux)?, now.millis()],
    )?;
    Ok(changed == 1)
}

/// Counts a heartbeat; with progress its two stamps are equal, without the older one of the progress stays.
pub fn beat(tx: &Tx<'_>, run: RunId, progress: Option<&str>, now: &Moment) -> Result<()> {
    let now = tx.text_of(now)?;
    tx.run("UPDATE worker SET beats = beats + 1, beat = ?2 WHERE run = ?1", params![run.0, now])?;
    if progress.is_some() {
        tx.run("UPDATE worker SET progress = ?2, progress_text = ?3 WHERE run = ?1", params![run.0, now, progress])?;
    }
    Ok(())
}

/// The run goes on with turns of ours: the worker stands for it no more. False where it did not.
pub fn release(tx: &Tx<'_>, run: RunId, now: Stamp) -> Result<bool> {
    let changed = tx.run(
        "UPDATE worker SET released_at = ?2 WHERE run = ?1 AND released_at IS NULL",
        params![run.0, now.millis()],
    )?;
    Ok(changed == 1)
}

/// Keeps the record by which the worker ended its run.
pub fn end(tx: &Tx<'_>, run: RunId, ended: &str) -> Result<()> {
    tx.run("UPDATE worker SET ended = ?2 WHERE run = ?1 AND ended IS NULL", params![run.0, ended])?;
    Ok(())
}
