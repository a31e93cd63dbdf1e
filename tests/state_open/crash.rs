//! A first open and write killed at any moment: the next command finds a state that is whole.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use refloat::clock::Tick;
use refloat::state::{State, agent};

use super::role::{finish, report, role, role_behind, waiting};
use super::{gate, integrity, place};

/// What must hold after a kill; `acknowledged` stops were reported as done. Tells what the kill had left.
fn survives(file: &Path, acknowledged: i64) -> &'static str {
    let left = match (file.exists(), file.with_file_name("state.db.new").exists()) {
        (true, true) => panic!("a finished state file beside a half-made one"),
        (true, false) => "a state file",
        (false, true) => "a half-made state file",
        (false, false) => "none",
    };
    let mut state = State::open_for_writing(&place(file)).unwrap();
    let stops = state.read("ask", |view| agent::stops(view, "a")).unwrap();
    assert!((acknowledged..=1).contains(&stops), "{stops} stops, {acknowledged} acknowledged");
    assert_eq!(state.write("count", |tx| agent::count_stop(tx, "a")).unwrap(), stops + 1);
    drop(state);
    assert_eq!(integrity(file), "ok");
    assert!(!file.with_file_name("state.db.new").exists());
    left
}

#[test]
fn a_first_open_killed_at_a_random_moment_leaves_nothing_broken() {
    let mut seen = std::collections::BTreeMap::new();
    for number in 0..100_u64 {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/state.db");
        let (path, barrier) = gate(folder.path());
        let (mut child, mut out) = waiting(role("write", &file), &path);
        // Spread over 0 to 10 ms without a random source: steps of a prime.
        let until = Tick::now().plus(Duration::from_micros(number * 7919 % 10_000));
        drop(barrier);
        while Tick::now() < until {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        let acknowledged = i64::from(report(&mut out).is_some());
        child.wait().unwrap();
        *seen.entry((survives(&file, acknowledged), acknowledged)).or_insert(0) += 1;
    }
    println!("(left by the kill, acknowledged): times: {seen:?}");
}

/// System calls that touch the outside.
const CALLS: &[&str] = &[
    "mkdir",
    "openat",
    "flock",
    "fcntl",
    "pread64",
    "pwrite64",
    "write",
    "ftruncate",
    "fsync",
    "fdatasync",
    "mmap",
    "rename",
    "unlink",
    "close",
    "statx",
    "newfstatat",
    "statfs",
    "fchmod",
    "lstat",
    "stat",
    "faccessat2",
];

#[test]
fn a_first_open_killed_at_every_system_call_leaves_nothing_broken() {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("skipped: no strace");
        return;
    }
    let mut seen = std::collections::BTreeMap::new();
    for call in CALLS {
        for number in 1.. {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("new/state.db");
            let inject = format!("inject={call}:signal=KILL:when={number}");
            let command = role_behind(&["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject], "write", &file);
            let Some(acknowledged) = killed(command) else { break };
            *seen.entry((survives(&file, acknowledged), acknowledged)).or_insert(0) += 1;
        }
    }
    let points: i32 = seen.values().sum();
    println!("{points} crash points; (left by the kill, acknowledged): times: {seen:?}");
    assert!(points > 100, "{points}");
}

/// The stops that were acknowledged before the kill; none if it ended by itself.
fn killed(mut command: Command) -> Option<i64> {
    let mut child = command.spawn().unwrap();
    let said = report(&mut std::io::BufReader::new(child.stdout.take().unwrap()));
    let ended = child.wait().unwrap();
    (ended.signal() == Some(9)).then_some(i64::from(said.is_some()))
}

#[test]
fn an_ordinary_command_follows_a_killed_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    for leftover in ["state.db.new", "state.db.new-journal", "state.db.new-wal"] {
        std::fs::write(folder.path().join(leftover), "half").unwrap();
    }
    let report = finish(role("write", &file)).unwrap();
    assert_eq!((report.code, report.text.as_str()), (0, "1"));
    let names: std::collections::BTreeSet<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected = ["bell", "open.lock", "state.db", "state.db-shm", "state.db-wal", "state.lock"];
    assert_eq!(names, expected.map(String::from).into());
}
