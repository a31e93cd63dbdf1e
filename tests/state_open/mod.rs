//! The state file under real conditions: many processes at once, kill -9, full disks, unsafe folders.
//! The processes are this test binary again: `role` is what they do.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_macros, reason = "a test says what it saw")]

mod conditions;
mod crash;
mod race;
mod role;

use std::fs::File;
use std::path::{Path, PathBuf};

use refloat::state::{Place, Surroundings};
use rusqlite::{Connection, OpenFlags};

/// The state file in a folder, as a command finds it.
fn place(file: &Path) -> Place {
    Place::resolve(Some(file), &Surroundings::of_this_process()).unwrap()
}

/// SQLite without refloat, to look at a file from outside and to plant conditions.
fn sqlite(file: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    Connection::open_with_flags(file, flags).unwrap()
}

fn integrity(file: &Path) -> String {
    sqlite(file).query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap()
}

/// A closed gate: who waits at it (a shared lock) goes on when the file is unlocked or dropped.
fn gate(folder: &Path) -> (PathBuf, File) {
    let path = folder.join("gate");
    let file = File::create(&path).unwrap();
    file.lock().unwrap();
    (path, file)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
