//! Migrations: the whole schema equals its steps, a failing step changes nothing.

use super::super::{Place, State, agent};
use super::*;

fn place(folder: &tempfile::TempDir) -> Place {
    Place { file: folder.path().join("state.db"), hints: vec![], by_option: false }
}

/// Every object of a schema, with its text on one line and without comments.
fn objects(conn: &Connection) -> Vec<(String, String)> {
    let mut asked =
        conn.prepare("SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema ORDER BY 1").unwrap();
    let rows = asked.query_map([], |row| Ok((row.get(0)?, one_line(&row.get::<_, String>(1)?)))).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

fn one_line(sql: &str) -> String {
    let bare = sql.lines().map(|line| line.split("--").next().unwrap()).collect::<Vec<_>>().join(" ");
    let words = bare.split_whitespace().collect::<Vec<_>>().join(" ");
    words.replace("( ", "(").replace(" )", ")").replace(" ,", ",")
}

fn blank(folder: &tempfile::TempDir, name: &str) -> Connection {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_CREATE;
    Connection::open_with_flags(folder.path().join(name), flags).unwrap()
}

#[test]
fn the_whole_schema_equals_all_migrations_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, steps) = (blank(&folder, "whole"), blank(&folder, "steps"));
    whole.execute_batch(include_str!("schema.sql")).unwrap();
    for step in MIGRATIONS {
        steps.execute_batch(step).unwrap();
    }
    assert!(!objects(&whole).is_empty());
    assert_eq!(objects(&whole), objects(&steps));
}

#[test]
fn the_migration_files_are_numbered_without_a_gap() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/state/migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let texts: Vec<_> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    assert_eq!(texts, MIGRATIONS);
    for (number, file) in files.iter().enumerate() {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with(&format!("{:04}_", number + 1)), "{name}");
    }
}

#[test]
fn a_failing_step_rolls_back_and_keeps_the_old_version() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = State::open_for_writing(&place(&folder)).unwrap();
    state.write("count", |tx| agent::count_stop(tx, "a")).unwrap();
    let steps = [MIGRATIONS, &["CREATE TABLE more (x INTEGER) STRICT", "INSERT INTO missing VALUES (1)"]].concat();
    let failure = state.alone("migrate", |tx| up(tx, &steps)).unwrap_err();
    assert!(failure.to_string().contains("from version 1 to 3"), "{failure}");
    assert_eq!(state.version().unwrap(), SCHEMA);
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'more'";
    assert_eq!(state.conn.query_row(tables, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    assert_eq!(state.read("ask", |view| agent::stops(view, "a")).unwrap(), 1);
}

#[test]
fn the_second_of_two_migrators_finds_the_work_done() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = State::open_for_writing(&place(&folder)).unwrap();
    let mut second = State::open_for_writing(&place(&folder)).unwrap();
    let steps = [MIGRATIONS, &["CREATE TABLE more (x INTEGER) STRICT"]].concat();
    first.alone("migrate", |tx| up(tx, &steps)).unwrap();
    second.alone("migrate", |tx| up(tx, &steps)).unwrap();
    assert_eq!(second.version().unwrap(), SCHEMA + 1);
    // A program of the old version, which had the file open, must not write to it now.
    let failure = second.write("count", |tx| agent::count_stop(tx, "a")).unwrap_err();
    assert_eq!(failure.exit, Exit::Config);
    assert!(failure.hint.unwrap().contains("version 2, this program writes 1"));
}

#[test]
fn an_older_file_is_brought_up_to_date_by_a_reader_too() {
    for reader in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let place = place(&folder);
        drop(State::open_for_writing(&place).unwrap());
        let plain = blank(&folder, "state.db");
        plain.execute_batch("DROP TABLE mark; DROP TABLE evidence; DROP TABLE expectation; DROP TABLE retry; DROP TABLE reopening; DROP TABLE dead_letter; DROP TABLE crash; DROP TABLE mail; DROP TABLE worker; DROP TABLE turn; DROP TABLE run; DROP TABLE agent; PRAGMA user_version = 0; PRAGMA journal_mode = DELETE").unwrap();
        drop(plain);
        let state = if reader { State::open_for_reading(&place) } else { State::open_for_writing(&place) }.unwrap();
        assert_eq!(state.version().unwrap(), SCHEMA);
        assert_eq!(state.read("ask", |view| agent::stops(view, "a")).unwrap(), 0);
    }
}

/// json_valid(NULL) is null since SQLite 3.45, and false before: an older program that checks the file would call it
/// damaged.
#[test]
fn what_may_be_null_is_so_for_every_sqlite() {
    for line in
        include_str!("schema.sql").lines().filter(|line| line.contains("json_valid") && !line.contains("NOT NULL"))
    {
        assert!(line.contains("IS NULL OR json_valid"), "{line}");
    }
}
