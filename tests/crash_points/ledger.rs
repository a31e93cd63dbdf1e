//! `reconcile reopen`, `deadletter replay` and `retry cancel` are killed at their calls: each has done all of it or
//! nothing, and the same command says so when it is given again.

use super::{campaign, can_trace};
use crate::scene::Stage;

/// A new run of `a` that was given up, or that is to be tried again; and the number that its run has.
fn failed(stage: &Stage, attempts: &str) -> i64 {
    stage.run_sql("UPDATE run SET state = 'stopped', hold = NULL, ended_at = 1 WHERE ended_at IS NULL");
    stage.run_sql("UPDATE retry SET state = 'cancelled', closed_at = 1 WHERE state = 'open'");
    stage.run_sql("DELETE FROM mail");
    fail(stage, attempts);
    stage.count("SELECT max(id) FROM run")
}

fn fail(stage: &Stage, attempts: &str) {
    let options = ["--parent", "lead", "--capability", "none", "--max-attempts", attempts];
    assert_eq!(stage.plain("a", &options, &["exit 3"]).output().unwrap().status.code(), Some(1));
}

/// State, open retries, reopenings, settled dead letters and deaths told, of the newest run.
fn seen(stage: &Stage) -> String {
    let newest = "(SELECT max(id) FROM run)";
    let count = |what: &str| stage.count(&format!("SELECT count(*) FROM {what}"));
    let state = stage.texts(&format!("SELECT state FROM run WHERE id = {newest}")).remove(0);
    let open = count(&format!("retry WHERE run = {newest} AND state = 'open'"));
    let reopened = count(&format!("reopening WHERE run = {newest}"));
    let settled = count(&format!("dead_letter WHERE run = {newest} AND replayed IS NOT NULL"));
    format!("{state} {open} {reopened} {settled} {}", count("mail WHERE kind = 'worker_died'"))
}

#[test]
fn a_command_on_the_ledgers_that_is_killed_has_done_all_of_it_or_nothing() {
    if !can_trace() {
        return;
    }
    let stage = Stage::new();
    fail(&stage, "1");
    let newest =
        |letter: char, table: &str| format!("{letter}{}", stage.count(&format!("SELECT max(id) FROM {table}")));
    let words = |what: &str| -> Vec<String> {
        let id = if what == "replay" { newest('d', "dead_letter") } else { newest('r', "run") };
        let words = match what {
            "reopen" => ["reopen", &id, "--why", "x"].to_vec(),
            "replay" => ["deadletter", "replay", &id].to_vec(),
            _ => ["retry", "cancel", &id, "--why", "x"].to_vec(),
        };
        words.into_iter().map(str::to_owned).collect()
    };
    let (given_up, reopened) = ("failed 0 0 0 1", "between_turns 1 1 1 1");
    let ways = [
        ("reopen", "1", given_up, reopened, 76),
        ("replay", "1", given_up, reopened, 76),
        ("cancel", "3", "between_turns 1 0 0 0", "failed 0 0 0 1", 0),
    ];
    for (what, attempts, nothing, all, again) in ways {
        let prepare = || {
            failed(&stage, attempts);
            assert_eq!(seen(&stage), nothing, "{what}");
            words(what)
        };
        campaign(what, &stage, &|words| stage.reconcile(words), prepare, None, |_, point| {
            let left = seen(&stage);
            assert!(left == nothing || left == all, "{point}: {left}");
            let words = words(what);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let said = stage.reconcile(&words).output().unwrap();
            let expected = if left == all { again } else { 0 };
            assert_eq!(said.status.code(), Some(expected), "{point}: {said:?}");
            assert_eq!(seen(&stage), all, "{point}");
        });
    }
}
