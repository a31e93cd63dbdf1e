//! What a run owes: changed since the attempt began, or it proves nothing.

mod artefacts;
mod attempts;
mod ends;
mod mail;
mod refs;
mod stories;

use serde_json::Value;

use crate::stage::{Call, Play, Stage};

const DONE: &str = r#"{"status":"done"}"#;

/// A turn that does this, ends well, and owes this.
fn work(stage: &Stage, steps: &str, expect: &[&str]) -> Call {
    play(stage, &format!("init; {steps}; result done"), expect)
}

fn play(stage: &Stage, script: &str, expect: &[&str]) -> Call {
    owing(stage, script, expect).call()
}

/// A turn of the run that owes this, where paths are names in the stage's folder.
fn owing<'s>(stage: &'s Stage, script: &str, expect: &[&str]) -> Play<'s> {
    let mut play = stage.play("a", script);
    for one in expect {
        play.command.args(["--expect", one]);
    }
    play.command.arg("--cwd").arg(stage.path(""));
    play
}

#[track_caller]
fn assert_end(call: &Call, outcome: &str, cause: &str, state: &str) {
    let ended = call.ended();
    let found: Vec<&str> =
        ended["expected"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!((call.word("outcome"), call.word("cause"), found), (outcome, cause, vec![state]), "{call:#?}");
}

fn write(stage: &Stage, name: &str, text: &str) {
    std::fs::write(stage.path(name), text).unwrap();
}

fn copy(stage: &Stage, from: &str, to: &str) -> String {
    format!("run cp {} {}", stage.name(from), stage.name(to))
}

fn owes(call: &Call) -> &Vec<Value> {
    call.last("turn.started")["owes"].as_array().unwrap()
}
