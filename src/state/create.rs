//! The first state file: made whole beside its place, then renamed into it.
//! Called by `open` for the first write. Many processes come here at once and any of them may be
//! killed: nobody ever sees a half-made state file.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::failure::{self, failure_from};
use super::place::Place;
use super::{migrate, open};
use crate::error::{Failure, IoContext, Result};
use crate::flock::{self, Hold};

/// What SQLite and we put beside a file that is being made.
const LEFTOVERS: &[&str] = &[".new", ".new-journal", ".new-wal", ".new-shm"];

/// Makes the state file, unless somebody else was faster. The caller holds `open.lock`.
pub(super) fn create(place: &Place, lock: &File) -> Result<()> {
    let _held = exclusive(place, lock)?;
    if place.file.exists() {
        return Ok(());
    }
    refuse_orphaned_wal(place)?;
    clear(place).or_fail(|| format!("cannot remove what is left of {}", place.with_suffix(".new").display()))?;
    let made = make(place);
    if made.is_err() {
        let _ = clear(place);
    }
    made
}

/// Takes `state.lock`, waiting for it on an open file of its own: a lock that comes too late must not stay with `lock`,
/// which this process keeps open.
pub(super) fn exclusive<'f>(place: &Place, lock: &'f File) -> Result<flock::Held<'f>> {
    if lock.try_lock().is_ok() {
        return Ok(flock::Held::Lent(lock));
    }
    let name = place.companion("state.lock");
    match flock::take(own(&name)?, Hold::Alone, flock::PATIENCE) {
        Ok(Some(file)) => Ok(flock::Held::Own(file)),
        Ok(None) => Err(Failure::busy(format!("waited {} s for {}", flock::PATIENCE.as_secs(), name.display()))
            .hint(format!("another command is writing; see which: fuser -v '{}'", name.display()))),
        Err(error) => Err(Failure::io(format!("cannot lock {}", name.display()), error)),
    }
}

/// A WAL without its database may hold the only copy of something, and would be played into the new file.
fn refuse_orphaned_wal(place: &Place) -> Result<()> {
    let wal = place.with_suffix("-wal");
    if wal.metadata().map_or(0, |found| found.len()) == 0 {
        return Ok(());
    }
    Err(Failure::refused(format!("state file {} is gone, its log {} is not", place.file.display(), wal.display()))
        .hint("put the state file back, or move the log away to begin anew"))
}

/// Removes what a killed creator has left.
fn clear(place: &Place) -> io::Result<()> {
    for suffix in LEFTOVERS {
        match std::fs::remove_file(place.with_suffix(suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn make(place: &Place) -> Result<()> {
    let temp = place.with_suffix(".new");
    let cannot = || format!("cannot create {}", temp.display());
    // Made by us, since SQLite would give it the umask's mode; its journal and WAL follow the file's.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temp)
        .map_err(|error| failure::create(cannot(), error))?;
    fill(&temp).map_err(|failure| failure.context(format!("cannot create state file {}", place.file.display())))?;
    own(&place.companion("bell"))?;
    let sync = |path: &Path| File::open(path).and_then(|file| file.sync_all());
    sync(&temp)
        .and_then(|()| std::fs::rename(&temp, &place.file))
        .and_then(|()| sync(place.folder()))
        .map_err(|error| failure::create(cannot(), error))
}

/// The whole schema in one transaction, and only then WAL: a file in WAL mode has its tables.
/// Nobody sees the file before its rename, so a journal in memory and one fsync at the end are enough.
fn fill(temp: &Path) -> Result<()> {
    let conn = open::connect(temp, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let done = |result: rusqlite::Result<()>| result.map_err(|error| failure_from(error, temp));
    done(conn.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; BEGIN IMMEDIATE"))?;
    migrate::fill(&conn, temp)?;
    done(conn.execute_batch("COMMIT"))?;
    to_wal(&conn, temp)?;
    conn.close().map_err(|(_, error)| failure_from(error, temp))
}

/// Switches a file to WAL mode, for good: the mode is part of the file.
pub(super) fn to_wal(conn: &Connection, file: &Path) -> Result<()> {
    let mode: String =
        conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(|error| failure_from(error, file))?;
    if mode == "wal" {
        return Ok(());
    }
    Err(Failure::busy(format!("cannot switch {} to WAL mode, it stays in {mode} mode", file.display())))
}

/// Opens one of our small files for writing, made (0600) if it is not there, its content left alone.
pub(super) fn own(path: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| failure::create(format!("cannot open {}", path.display()), error))
}
