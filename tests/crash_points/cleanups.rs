//! A clean-up of marks is killed at its calls, and its writes fail: every mark is whole, and the next pass does the rest.

use std::process::{Command, Output};

use super::{calls, campaign, can_trace, points, traced};
use crate::scene::{Stage, records};

/// The stale ones; one more lives.
const STALE: i64 = 40;

fn clean(stage: &Stage, words: &[&str]) -> Command {
    let mut command = stage.command(env!("CARGO_BIN_EXE_mark-cleanup"));
    command.args(words);
    command
}

/// Marks whose owner is gone, and one of this process.
fn planted() -> Stage {
    let stage = Stage::new();
    for (name, pid) in [("stale", "1999999".to_owned()), ("live", std::process::id().to_string())] {
        let mut set = stage.command(env!("CARGO_BIN_EXE_mark"));
        set.args(["set", "dispatch", name, "--owner-pid", &pid, "--even-if-gone"]);
        assert!(set.output().unwrap().status.success());
    }
    stage.run_sql(&format!(
        "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {STALE})
         INSERT INTO mark (kind, name, scope, nonce, owner, host, bound, set_by, first, beat, ttl_ms)
         SELECT kind, name || i, scope, nonce || i, owner, host, bound, set_by, first, beat, ttl_ms
         FROM mark JOIN n WHERE name = 'stale'"
    ));
    stage
}

/// All of them stand again.
fn restore(stage: &Stage) {
    stage.run_sql("UPDATE mark SET ended_at = NULL, ended_how = NULL, ended_why = NULL, ended_by = NULL");
}

fn removed(stage: &Stage) -> i64 {
    stage.count(
        "SELECT count(*) FROM mark WHERE ended_at IS NOT NULL AND ended_how = 'cleaned'
         AND ended_why = 'no_such_process' AND ended_by = 'operator' AND name LIKE 'stale%'",
    )
}

/// All of the page or nothing, never the one that lives; and what was told to be removed is.
fn goes_on(stage: &Stage, left: &Output, point: &str) {
    assert_eq!(stage.texts("PRAGMA integrity_check"), ["ok"], "{point}");
    let done = removed(stage);
    assert!(done == 0 || done == STALE, "{point}: {done}");
    assert_eq!(stage.count("SELECT count(*) FROM mark WHERE ended_at IS NOT NULL"), done, "{point}: half an end");
    let whole = left.stdout.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let told = records(&left.stdout[..whole]);
    assert!(told.is_empty() || done == STALE, "{point}: told and not done");
    let next = clean(stage, &["--apply"]).output().unwrap();
    assert_eq!((next.status.code(), next.stderr.len()), (Some(0), 0), "{point}: {next:?}");
    let ended = records(&next.stdout).pop().unwrap();
    assert_eq!((ended["removed"].as_i64(), ended["live"].as_i64()), (Some(STALE - done), Some(1)), "{point}");
    assert_eq!(removed(stage), STALE, "{point}");
}

#[test]
fn a_clean_up_that_is_killed_at_any_call_leaves_whole_marks_and_the_next_one_finishes() {
    if !can_trace() {
        return;
    }
    let stage = planted();
    let prepare = || {
        restore(&stage);
        vec!["--apply".to_owned()]
    };
    campaign("a clean-up", &stage, &|words| clean(&stage, words), prepare, None, |left, point| {
        goes_on(&stage, left, point)
    });
}

const WRITES: &str = "write,pwrite64,fsync,fdatasync,ftruncate";

#[test]
fn a_disk_that_fails_at_any_write_of_a_clean_up_is_74_and_breaks_nothing() {
    if !can_trace() {
        return;
    }
    let stage = planted();
    let run = |inject: &[&str]| -> Output {
        restore(&stage);
        traced(&stage, "log", inject, &clean(&stage, &["--apply"]), None).output().unwrap()
    };
    let whole = run(&["-e", &format!("trace={WRITES}")]);
    assert!(whole.status.success(), "{whole:?}");
    let all = points(&calls(&stage.path("log")), 40);
    let mut codes = std::collections::BTreeMap::new();
    for (index, (name, number)) in all.iter().enumerate() {
        let error = if index % 2 == 0 { "ENOSPC" } else { "EIO" };
        let inject = format!("inject={name}:error={error}:when={number}");
        let ended = run(&["-e", &format!("trace={name}"), "-e", &inject]);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(matches!(ended.status.code(), Some(0 | 74)), "{inject}: {ended:?}");
        assert_eq!(ended.status.code() == Some(0), said.is_empty(), "{inject}: {said}");
        assert!(!said.contains("panicked"), "{inject}: {said}");
        *codes.entry(ended.status.code()).or_insert(0) += 1;
        goes_on(&stage, &ended, &inject);
    }
    println!("failing disk: {} points; exit codes {codes:?}", all.len());
    assert!(codes.contains_key(&Some(74)), "no error was seen: {codes:?}");
}

/// Cron starts the next one while somebody restores or writes for long: nothing is half done, and waiting helps.
#[test]
#[ignore = "waits out the 30 s that a command waits for another one"]
fn a_state_file_that_stays_busy_ends_the_clean_up() {
    let stage = planted();
    let lock = std::fs::File::options().write(true).open(stage.path("state/state.lock")).unwrap();
    lock.lock().unwrap();
    let plan = clean(&stage, &[]).output().unwrap();
    assert_eq!(plan.status.code(), Some(0), "a plan waits for nobody: {plan:?}");
    let busy = clean(&stage, &["--apply"]).output().unwrap();
    let said = String::from_utf8_lossy(&busy.stderr).into_owned();
    assert_eq!((busy.status.code(), busy.stdout.len(), removed(&stage)), (Some(75), 0, 0), "{said}");
    assert!(said.contains("another command is writing"), "{said}");
    drop(lock);
    goes_on(&stage, &busy, "busy");
}
