//! A row of an answer, whose columns are asked for by name. Table modules read with it; made by `write` alone.

use std::cell::Cell;

use rusqlite::types::FromSql;

/// SQLite knows columns by their place, and to find a name is to compare it with one name after the other. Who reads a row
/// asks for the columns in their order, so the one after the last is looked at first.
pub(super) struct Row<'r> {
    row: &'r rusqlite::Row<'r>,
    next: Cell<usize>,
}

/// How a column is asked for.
pub(super) trait Column {
    /// Its place.
    fn place(self, row: &Row<'_>) -> rusqlite::Result<usize>;
}

impl Column for usize {
    fn place(self, _: &Row<'_>) -> rusqlite::Result<usize> {
        Ok(self)
    }
}

impl Column for &str {
    fn place(self, row: &Row<'_>) -> rusqlite::Result<usize> {
        let statement = row.row.as_ref();
        let next = row.next.get();
        let place = match statement.column_name(next) {
            Ok(name) if name == self => next,
            _ => statement.column_index(self)?,
        };
        debug_assert_eq!(statement.column_index(self), Ok(place), "two columns are called {self}");
        row.next.set(place + 1);
        Ok(place)
    }
}

impl<'r> Row<'r> {
    pub(super) const fn of(row: &'r rusqlite::Row<'r>) -> Self {
        Self { row, next: Cell::new(0) }
    }

    /// The value of a column.
    pub(super) fn get<C: Column, T: FromSql>(&self, column: C) -> rusqlite::Result<T> {
        self.row.get(column.place(self)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Place, State};

    #[test]
    fn a_column_is_found_in_any_order() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.db");
        let state = State::open_for_writing(&Place { file, hints: vec![], by_option: false }).unwrap();
        let read = |row: &Row<'_>| {
            let column = |name| row.get::<&str, i64>(name);
            assert_eq!(["a", "b", "c", "c", "a", "c", "b"].map(|name| column(name).unwrap()), [1, 2, 3, 3, 1, 3, 2]);
            assert!(column("d").is_err());
            row.get::<usize, i64>(1)
        };
        let found = state.read("ask", |view| view.one("SELECT 1 AS a, 2 AS b, 3 AS c", [], read)).unwrap();
        assert_eq!(found, Some(2));
    }
}
