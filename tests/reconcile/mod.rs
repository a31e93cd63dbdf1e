//! The ledgers of what went wrong as a person settles them: retries, dead letters, crashes, and the way out of an end.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, clippy::disallowed_macros, reason = "a test says what it saw")]

mod crashes;
mod dead_letters;
mod reopen;
mod retries;
mod runs;

use serde_json::Value;

use crate::stage::{Call, Stage};

const FAILS: &str = "init; result-error no";

/// The agent's next turn, as a child of `lead` that owes it nothing and has so many attempts.
fn play(stage: &Stage, agent: &str, attempts: &str, script: &str) -> Call {
    let options = ["--parent", "lead", "--capability", "none", "--max-attempts", attempts];
    stage.play(agent, script).with(&options).call()
}

/// A run of `a` that was given up: r1, t1, d1.
fn given_up() -> Stage {
    let stage = Stage::new();
    play(&stage, "a", "1", FAILS).assert_end("failed", 1);
    stage
}

/// What `reconcile` prints of this type; it has to end well and be silent.
#[track_caller]
fn told(stage: &Stage, args: &[&str], kind: &str) -> Vec<Value> {
    let call = stage.reconcile(args);
    assert_eq!((call.code, call.stderr.as_str()), (0, ""), "{args:?}: {call:?}");
    call.all(kind).into_iter().cloned().collect()
}

/// The only record of this type.
#[track_caller]
fn only(stage: &Stage, args: &[&str], kind: &str) -> Value {
    let found = told(stage, args, kind);
    assert_eq!(found.len(), 1, "{args:?}: {found:?}");
    found[0].clone()
}

/// Runs the words of a record's `command` as they are.
fn run_command(stage: &Stage, record: &Value) -> std::process::Command {
    let words: Vec<&str> = record["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert_eq!(words[0], "turn", "{record}");
    let mut command = stage.command(crate::stage::TURN);
    command.args(&words[1..]);
    command
}

/// A word or number of the state file.
fn one<T: rusqlite::types::FromSql>(stage: &Stage, sql: &str) -> T {
    stage.sqlite().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// How often `lead` was told of a death.
fn deaths(stage: &Stage) -> usize {
    stage.mails("lead", "worker_died").len()
}
