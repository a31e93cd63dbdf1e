//! Transactions: all or nothing, settings as promised, the bell after the commit.

use super::super::{Place, agent};
use super::*;

fn place(folder: &tempfile::TempDir) -> Place {
    Place { file: folder.path().join("state.db"), hints: vec![], by_option: false }
}

fn pragma(state: &State, name: &str) -> String {
    state
        .conn
        .query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, rusqlite::types::Value>(0))
        .map(|value| match value {
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Text(text) => text,
            other => format!("{other:?}"),
        })
        .unwrap()
}

#[test]
fn the_settings_are_those_of_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let writer = State::open_for_writing(&place(&folder)).unwrap();
    let reader = State::open_for_reading(&place(&folder)).unwrap();
    for state in [&writer, &reader] {
        for (name, value) in [
            ("journal_mode", "wal"),
            ("synchronous", "2"),
            ("foreign_keys", "1"),
            ("trusted_schema", "0"),
            ("busy_timeout", "5000"),
            ("user_version", &migrate::SCHEMA.to_string()),
            ("application_id", &u32::from_be_bytes(*b"rflt").to_string()),
        ] {
            assert_eq!(pragma(state, name), value, "{name}");
        }
    }
}

#[test]
fn an_error_and_a_panic_undo_everything_and_let_the_lock_go() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = State::open_for_writing(&place(&folder)).unwrap();
    let refused = state.write("count", |tx| {
        agent::count_stop(tx, "a")?;
        Err::<(), _>(Failure::refused("no"))
    });
    assert_eq!(refused.unwrap_err().to_string(), "no");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        state.write("count", |tx| {
            agent::count_stop(tx, "a")?;
            if agent::stops(tx, "a")? == 1 {
                panic!("planted");
            }
            Ok(())
        })
    }));
    assert!(panicked.is_err());
    let mut other = State::open_for_writing(&place(&folder)).unwrap();
    assert_eq!(other.write("count", |tx| agent::count_stop(tx, "a")).unwrap(), 1);
    assert_eq!(state.write("count", |tx| agent::count_stop(tx, "a")).unwrap(), 2);
}

#[test]
fn the_bell_rings_after_a_commit_and_only_then() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(&folder);
    let mut state = State::open_for_writing(&place).unwrap();
    let bell = || std::fs::read(place.companion("bell")).unwrap();
    assert_eq!(bell(), b"");
    let _ = state.write("count", |_| Err::<(), _>(Failure::refused("no")));
    assert_eq!(bell(), b"");
    state.write("count", |tx| agent::count_stop(tx, "a")).unwrap();
    assert_eq!(bell().len(), 8);
}

#[test]
fn a_view_does_not_change_while_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = State::open_for_writing(&place(&folder)).unwrap();
    let reader = State::open_for_reading(&place(&folder)).unwrap();
    reader
        .read("ask", |view| {
            assert_eq!(agent::stops(view, "a")?, 0);
            writer.write("count", |tx| agent::count_stop(tx, "a"))?;
            assert_eq!(agent::stops(view, "a")?, 0);
            Ok(())
        })
        .unwrap();
    assert_eq!(reader.read("ask", |view| agent::stops(view, "a")).unwrap(), 1);
}

#[test]
fn a_state_opened_for_reading_does_not_write() {
    let folder = tempfile::tempdir().unwrap();
    drop(State::open_for_writing(&place(&folder)).unwrap());
    let mut reader = State::open_for_reading(&place(&folder)).unwrap();
    assert_eq!(reader.write("count", |tx| agent::count_stop(tx, "a")).unwrap_err().exit, Exit::Bug);
}

#[test]
fn a_question_says_what_it_was_for_when_it_fails() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open_for_writing(&place(&folder)).unwrap();
    let failure = state.read("list nothing", |view| view.one("SELECT x FROM missing", [], |_| Ok(()))).unwrap_err();
    assert_eq!(failure.exit, Exit::Bug);
    assert!(failure.to_string().starts_with("cannot list nothing: "), "{failure}");
}

#[test]
fn the_wal_stays_small_over_many_short_lives() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(&folder);
    let sizes: Vec<u64> = (0..200)
        .map(|life| {
            let mut state = State::open_for_writing(&place).unwrap();
            state.write("count", |tx| agent::count_stop(tx, &format!("agent-{life}"))).unwrap();
            drop(state);
            place.with_suffix("-wal").metadata().unwrap().len()
        })
        .collect();
    assert!(*sizes.iter().max().unwrap() < 300 * 1024, "{sizes:?}");
    assert!(sizes.windows(2).any(|pair| pair[1] < pair[0]), "never emptied");
}

/// POSIX locks are the process's: a second state closed in it must not drop the first one's.
#[test]
fn closing_one_of_two_states_keeps_the_locks_of_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(&folder);
    let mut first = State::open_for_writing(&place).unwrap();
    first.write("count", |tx| agent::count_stop(tx, "a")).unwrap();
    let inode = std::os::unix::fs::MetadataExt::ino(&place.file.metadata().unwrap());
    let listed = || {
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        let pid = format!(" {} ", std::process::id());
        locks.lines().any(|line| line.contains("POSIX") && line.contains(&pid) && line.contains(&format!(":{inode} ")))
    };
    // The list is read in pieces, while others take and free theirs: one look can miss a lock that is held.
    let held = || (0..100).any(|_| listed());
    assert!(held());
    drop(State::open_for_writing(&place).unwrap());
    drop(State::open_for_reading(&place).unwrap());
    assert!(held(), "a closed descriptor took the locks with it");
}
