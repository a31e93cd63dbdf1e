//! The schema and its versions: numbered SQL files, compiled in, run in order.
//! Called by `create` on a new file and by `open` on an older one, inside their transaction.

use std::cmp::Ordering;
use std::path::Path;

use rusqlite::Connection;

use super::failure::failure_from;
use super::write::{Tx, View};
use crate::error::{Failure, Result};
use crate::exit::Exit;

/// Every migration in order; number 1 makes the first version.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_first.sql")];

/// The schema version that this program reads and writes: the number of its last migration.
pub const SCHEMA: u32 = MIGRATIONS.len() as u32;

/// The version a file has now, WAL included.
pub(super) fn version(view: &View<'_>) -> Result<u32> {
    version_of(view.sql()).map_err(|error| view.fail(error))
}

fn version_of(conn: &Connection) -> rusqlite::Result<u32> {
    conn.prepare_cached("PRAGMA user_version")?.query_row([], |row| row.get(0))
}

/// Runs the missing steps. The version is read here, inside the transaction: somebody may have been faster.
pub(super) fn up(tx: &Tx<'_>, steps: &[&str]) -> Result<()> {
    let from = version(tx)?;
    let missing = steps.get(from as usize..).ok_or_else(|| newer(tx.file(), from))?;
    if missing.is_empty() {
        return Ok(());
    }
    run(tx.sql(), missing, steps.len()).map_err(|error| {
        tx.fail(error).context(format!("cannot bring the schema from version {from} to {}", steps.len()))
    })
}

fn run(conn: &Connection, missing: &[&str], version: usize) -> rusqlite::Result<()> {
    for step in missing {
        conn.execute_batch(step)?;
    }
    conn.pragma_update(None, "user_version", i64::try_from(version).unwrap_or(i64::MAX))
}

/// Makes everything in an empty file; the caller has begun a transaction.
pub(super) fn fill(conn: &Connection, file: &Path) -> Result<()> {
    conn.pragma_update(None, "application_id", super::header::APPLICATION)
        .and_then(|()| run(conn, MIGRATIONS, MIGRATIONS.len()))
        .map_err(|error| failure_from(error, file))
}

/// Refuses to write to a file of any version but ours.
pub(super) fn expect_ours(view: &View<'_>) -> Result<()> {
    let found = version(view)?;
    match found.cmp(&SCHEMA) {
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(newer(view.file(), found)),
        Ordering::Less => {
            Err(Failure::busy(format!("state file {} went back to an older schema", view.file().display()))
                .hint("run the same command again"))
        }
    }
}

/// The refusal of a file that a newer refloat has made.
pub(super) fn newer(file: &Path, found: u32) -> Failure {
    Failure::new(Exit::Config, format!("state file {} is newer than this program", file.display()))
        .hint(format!("it has schema version {found}, this program writes {SCHEMA}: install the newer refloat"))
}

/// The refusal to look into a file that an older refloat has made: only what may write brings it up to date.
pub(super) fn older(file: &Path, found: u32) -> Failure {
    Failure::refused(format!(
        "state file {} has schema version {found}, not {SCHEMA}: a look does not change it",
        file.display()
    ))
    .hint("bring it up to date: turn list")
}

#[cfg(test)]
#[path = "migrate_tests.rs"]
mod tests;
