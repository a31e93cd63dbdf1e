//! Questions and writes: the one way into a transaction.
//! Table modules ask through a `View` and write through a `Tx`; a commit is announced by the bell.

use std::ops::Deref;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Params, Transaction, TransactionBehavior};

use super::failure::failure_from;
use super::open::State;
use super::row::Row;
use super::{create, migrate};
use crate::clock::Stamp;
use crate::error::{Failure, Result};
use crate::exit::Exit;

/// The state as one transaction sees it.
pub struct View<'s> {
    conn: &'s Connection,
    file: &'s Path,
    what: &'s str,
}

/// A write in progress: all of it happens, or nothing.
pub struct Tx<'s>(View<'s>);

impl<'s> Deref for Tx<'s> {
    type Target = View<'s>;
    fn deref(&self) -> &View<'s> {
        &self.0
    }
}

impl State {
    /// Asks questions of one unchanging view of the state. `what` is what the caller does: "list mail".
    ///
    /// # Errors
    /// Those of the questions; 65 for a damaged file.
    pub fn read<T>(&self, what: &str, ask: impl FnOnce(&View<'_>) -> Result<T>) -> Result<T> {
        let view = self.view(what);
        // Deferred is right here: nothing in it writes, so it can never have to wait for the write lock.
        let snapshot = Transaction::new_unchecked(&self.conn, TransactionBehavior::Deferred);
        let _snapshot = snapshot.map_err(|error| view.fail(error))?;
        ask(&view)
    }

    /// Writes, alone: waits for its turn, runs `act` in one transaction, commits, rings the bell.
    /// An error or a panic of `act` undoes everything. `what` is what the caller does: "send mail".
    ///
    /// # Errors
    /// 75 after 30 s of waiting, 74 when the disk is full, 78 for a newer schema, and those of `act`.
    pub fn write<T>(&mut self, what: &str, act: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        let before = self.conn.total_changes();
        let value = self.alone(what, |tx| {
            migrate::expect_ours(tx)?;
            act(tx)
        })?;
        // A claim that found nothing is nothing to wake up for.
        if self.conn.total_changes() != before {
            self.ring();
        }
        Ok(value)
    }

    /// One immediate transaction behind `state.lock`. The lock is a fair queue, which SQLite's busy handler is not.
    pub(super) fn alone<T>(&mut self, what: &str, act: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        let writer = self
            .writer
            .as_ref()
            .ok_or_else(|| Failure::new(Exit::Bug, format!("cannot {what}: the state was opened for reading")))?;
        let held = create::exclusive(&self.place, &writer.lock).map_err(|failure| during(what, failure))?;
        let tx = Tx(self.view(what));
        let begun = Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate);
        let begun = begun.map_err(|error| tx.fail(error))?;
        let value = act(&tx)?;
        begun.commit().map_err(|error| tx.fail(error))?;
        drop(held);
        self.wrote = true;
        Ok(value)
    }

    /// Wakes those who wait for a change. Best effort: they also look by themselves now and then.
    fn ring(&self) {
        if let Some(bell) = self.writer.as_ref().and_then(|writer| writer.bell.as_ref()) {
            let _ = bell.write_at(&Stamp::now().millis().to_le_bytes(), 0);
        }
    }

    pub(super) fn view<'s>(&'s self, what: &'s str) -> View<'s> {
        View { conn: &self.conn, file: &self.place.file, what }
    }
}

fn during(what: &str, failure: Failure) -> Failure {
    failure.context(format!("cannot {what}"))
}

impl View<'_> {
    /// The one row of a question, or none.
    pub(in crate::state) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let found = self.conn.prepare_cached(sql).and_then(|mut asked| {
            let row = asked.query_row(params, |row| read(&Row::of(row))).optional();
            work::note(&asked);
            row
        });
        found.map_err(|error| self.fail(error))
    }

    /// Every row of a question.
    pub(in crate::state) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let found = self.conn.prepare_cached(sql).and_then(|mut asked| {
            let rows = asked.query_map(params, |row| read(&Row::of(row)))?.collect();
            work::note(&asked);
            rows
        });
        found.map_err(|error| self.fail(error))
    }

    /// The connection, for what the functions above cannot say.
    pub(in crate::state) fn sql(&self) -> &Connection {
        self.conn
    }

    /// The state file.
    pub(in crate::state) fn file(&self) -> &Path {
        self.file
    }

    /// An error of SQLite as a failure of what is being done here.
    pub(in crate::state) fn fail(&self, error: rusqlite::Error) -> Failure {
        let failure = failure_from(error, self.file);
        during(self.what, if failure.exit == Exit::Bug { self.blame(failure) } else { failure })
    }

    /// A question that a newer schema no longer understands is not our bug.
    fn blame(&self, failure: Failure) -> Failure {
        let version = self.conn.query_row("PRAGMA user_version", [], |row| row.get(0));
        match version {
            Ok(found) if found > migrate::SCHEMA => {
                let newer = migrate::newer(self.file, found);
                Failure { hint: newer.hint, ..failure }.exit(Exit::Config)
            }
            _ => failure,
        }
    }
}

impl Tx<'_> {
    /// Runs one statement that changes rows; tells how many.
    pub(in crate::state) fn run(&self, sql: &str, params: impl Params) -> Result<usize> {
        let done = self.sql().prepare_cached(sql).and_then(|mut statement| {
            let changed = statement.execute(params);
            work::note(&statement);
            changed
        });
        done.map_err(|error| self.fail(error))
    }
}

impl Tx<'_> {
    /// Adds one row; returns its number.
    pub(in crate::state) fn insert(&self, sql: &str, params: impl Params) -> Result<i64> {
        self.run(sql, params)?;
        Ok(self.sql().last_insert_rowid())
    }

    /// A value as JSON text for a column.
    ///
    /// # Errors
    /// 74 for a value that has no JSON form.
    pub fn text_of(&self, value: &(impl serde::Serialize + ?Sized)) -> Result<String> {
        serde_json::to_string(value).map_err(|error| Failure::io("cannot write a value as JSON", error))
    }
}

/// What statements cost, in steps of SQLite's machine. Counted in tests alone: a step count tells what a clock cannot.
pub(super) mod work {
    #[cfg(test)]
    thread_local!(static STEPS: std::cell::Cell<i64> = const { std::cell::Cell::new(0) });

    #[cfg(test)]
    pub(super) fn note(statement: &rusqlite::Statement<'_>) {
        STEPS.set(STEPS.get() + i64::from(statement.reset_status(rusqlite::StatementStatus::VmStep)));
    }

    #[cfg(not(test))]
    pub(super) const fn note(_: &rusqlite::Statement<'_>) {}

    /// The steps since this was asked last.
    #[cfg(test)]
    pub(in crate::state) fn taken() -> i64 {
        STEPS.take()
    }
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
