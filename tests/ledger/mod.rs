//! The ledgers of a run from outside: retries, dead letters, crash records, and what a provider's limit holds back.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, clippy::disallowed_macros, reason = "a test says what it saw")]

mod crashes;
mod dead_letters;
mod intake;
mod limits;
mod retries;

use serde_json::Value;

use crate::stage::{Call, Stage};
use crate::support::can_trace;

/// The library that moves the wall clock of a command; none where it is missing.
pub(crate) fn faketime() -> Option<std::path::PathBuf> {
    let libraries = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    let found = libraries.map(|path| path.join("faketime/libfaketime.so.1")).find(|path| path.exists());
    if found.is_none() {
        println!("skipped: no libfaketime");
    }
    found
}

/// A command at another time of the wall clock: so much later, or at this one, which stands still. The monotonic clock, and the times of files, stay what they are.
pub(crate) fn later(command: &mut std::process::Command, library: &std::path::Path, by: &str) {
    command.env("LD_PRELOAD", library).env("FAKETIME", by);
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("NO_FAKE_STAT", "1");
}

/// What `turn show` prints of this type.
fn shown(stage: &Stage, subject: &str, kind: &str) -> Vec<Value> {
    let call = stage.turn(&["show", subject]);
    assert_eq!(call.code, 0, "{call:?}");
    call.all(kind).into_iter().cloned().collect()
}

fn retries(stage: &Stage, subject: &str) -> Vec<Value> {
    shown(stage, subject, "retry")
}

fn dead_letters(stage: &Stage, subject: &str) -> Vec<Value> {
    shown(stage, subject, "dead_letter")
}

fn crashes(stage: &Stage, subject: &str) -> Vec<Value> {
    shown(stage, subject, "crash")
}

/// A time of a record in milliseconds.
fn millis(time: &Value) -> i64 {
    time.as_str().unwrap().parse::<refloat::clock::Stamp>().unwrap().millis()
}

/// A claude that its provider limits, until a time if one is given.
fn limited(until: Option<i64>) -> String {
    let event = until.map_or(String::new(), |seconds| {
        let info = format!(r#"{{"status":"rejected","resetsAt":{seconds},"rateLimitType":"five_hour"}}"#);
        format!(r#"line {{"type":"rate_limit_event","rate_limit_info":{info}}}; "#)
    });
    let result = r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"result":"limit"}"#;
    format!("init; {event}line {result}; exit 1")
}

/// Plays a script as the agent's next turn, with attempts enough.
fn play(stage: &Stage, agent: &str, script: &str) -> Call {
    stage.play(agent, script).with(&["--max-attempts", "9"]).call()
}
