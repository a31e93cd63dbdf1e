//! The commands of `mark` are killed at their calls, and their writes fail: a mark is there whole, or is not there; what was
//! printed is stored; and the next command works.

use std::process::{Command, Output};

use super::{calls, campaign, can_trace, points, traced};
use crate::scene::{Stage, records};

const WRITES: &str = "write,pwrite64,fsync,fdatasync,ftruncate,rename,openat,mkdir";

fn mark(stage: &Stage, words: &[&str]) -> Command {
    let mut command = stage.command(env!("CARGO_BIN_EXE_mark"));
    command.args(words);
    command
}

fn said(stage: &Stage, words: &[&str]) -> Output {
    let output = mark(stage, words).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
    output
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

/// The marks that stand, as `name beats`.
fn standing(stage: &Stage) -> Vec<String> {
    stage.texts("SELECT name || ' ' || beats FROM mark WHERE ended_at IS NULL ORDER BY id")
}

fn clean(stage: &Stage) {
    stage.run_sql("DELETE FROM mark");
}

/// The next command works, whatever the one before it has left.
fn assert_goes_on(stage: &Stage, point: &str) {
    let set = records(&said(stage, &["set", "dispatch", "next", "--scope", "/"]).stdout);
    let id = set[0]["mark"].as_str().unwrap();
    assert_eq!(records(&said(stage, &["clear", id]).stdout)[0]["removed"], true, "{point}");
    said(stage, &["list"]);
}

#[test]
fn a_mark_that_is_killed_while_it_is_set_renewed_or_cleared_is_whole() {
    if !can_trace() {
        return;
    }
    let stage = Stage::new();
    said(&stage, &["set", "dispatch", "x", "--scope", "/"]);
    let prepare = || {
        clean(&stage);
        words(&["set", "dispatch", "b", "--scope", "/", "--owner-pid", "none", "--data", "[1]"])
    };
    campaign("mark set", &stage, &|words| mark(&stage, words), prepare, None, |output, point| {
        let there = standing(&stage);
        assert!(there.is_empty() || there == ["b 0"], "{point}: {there:?}");
        assert!(output.stdout.is_empty() || there == ["b 0"], "{point}: printed before it was stored");
        assert_goes_on(&stage, point);
        assert!(records(&said(&stage, &["set", "dispatch", "b", "--scope", "/"]).stdout)[0]["name"] == "b");
    });
    for (verb, before, after) in [("beat", "b 0", Some("b 1")), ("clear", "b 0", None)] {
        let prepare = || {
            clean(&stage);
            said(&stage, &["set", "dispatch", "b", "--scope", "/"]);
            words(&[verb, "dispatch", "b", "--scope", "/"])
        };
        campaign(&format!("mark {verb}"), &stage, &|words| mark(&stage, words), prepare, None, |output, point| {
            let there = standing(&stage);
            let done = there.first().map(String::as_str) == after;
            assert!(done || there == [before], "{point}: {there:?}");
            assert!(output.stdout.is_empty() || done, "{point}: printed before it was stored");
            let ended = stage.count("SELECT count(*) FROM mark WHERE ended_at IS NOT NULL AND ended_by = 'operator'");
            assert_eq!(ended, i64::from(there.is_empty()), "{point}");
            assert_goes_on(&stage, point);
        });
    }
}

#[test]
fn the_first_mark_of_all_that_is_killed_leaves_a_place_for_the_next() {
    if !can_trace() {
        return;
    }
    let first = Stage::new();
    let set = ["set", "dispatch", "b", "--scope", "/"];
    let trace = format!("trace={}", super::CALLS);
    assert!(traced(&first, "log", &["-e", &trace], &mark(&first, &set), None).output().unwrap().status.success());
    for (name, number) in points(&calls(&first.path("log")), 25) {
        let stage = Stage::new();
        let inject = format!("inject={name}:signal=KILL:when={number}");
        let inject = ["-e", &format!("trace={name}"), "-e", &inject];
        traced(&stage, "none", &inject, &mark(&stage, &set), None).output().unwrap();
        said(&stage, &set);
        assert_eq!(stage.texts("PRAGMA integrity_check"), ["ok"], "{name} {number}");
        assert_eq!(stage.count("SELECT count(*) FROM mark"), 1, "{name} {number}");
    }
}

/// Never a bug's code, never a panic, never half a mark.
#[test]
fn a_disk_that_fails_at_any_write_of_a_mark_breaks_nothing() {
    if !can_trace() {
        return;
    }
    let stage = Stage::new();
    let mut codes = std::collections::BTreeMap::new();
    for (verb, after) in [("set", vec!["b 0"]), ("beat", vec!["b 1"]), ("clear", vec![])] {
        let prepare = || {
            said(&stage, &["set", "dispatch", "b", "--scope", "/"]);
            clean(&stage);
            if verb != "set" {
                said(&stage, &["set", "dispatch", "b", "--scope", "/"]);
            }
            standing(&stage)
        };
        let call = [verb, "dispatch", "b", "--scope", "/"];
        prepare();
        let trace = format!("trace={WRITES}");
        assert!(traced(&stage, "log", &["-e", &trace], &mark(&stage, &call), None).output().unwrap().status.success());
        for (index, (name, number)) in points(&calls(&stage.path("log")), 30).iter().enumerate() {
            let before = prepare();
            let error = if index % 2 == 0 { "ENOSPC" } else { "EIO" };
            let inject = format!("inject={name}:error={error}:when={number}");
            let inject = ["-e", &format!("trace={name}"), "-e", &inject];
            let ended = traced(&stage, "none", &inject, &mark(&stage, &call), None).output().unwrap();
            let told = String::from_utf8_lossy(&ended.stderr).into_owned();
            let point = format!("{verb} at {name} {number} {error}");
            assert!(ended.status.code().is_some_and(|code| code != 70), "{point}: {ended:?}");
            assert!(!told.contains("panicked") && (ended.status.success() || !told.is_empty()), "{point}: {ended:?}");
            let there = standing(&stage);
            assert!(there == before || there == after, "{point}: {there:?}");
            assert!(!ended.status.success() || there == after, "{point}: {there:?}");
            assert_goes_on(&stage, &point);
            *codes.entry(ended.status.code()).or_insert(0) += 1;
        }
    }
    println!("failing disk: exit codes {codes:?}");
    assert_eq!(stage.texts("PRAGMA integrity_check"), ["ok"]);
}
