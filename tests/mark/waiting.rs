//! Whoever waits for mail waits for the end of what holds its agent back, and sleeps meanwhile.

use std::process::Command;

use serde_json::{Value, json};

use super::holds::Owner;
use crate::probe::wait::{asleep, ended, sleeping};
use crate::stage::{MAIL, Stage};

/// Mail for `a`, who is known.
fn with_mail() -> Stage {
    let stage = Stage::new();
    stage.turn(&["run", "--agent", "a", "--", "true"]).assert_end("completed", 0);
    assert_eq!(stage.mail(&["send", "--from", "x", "--to", "a", "--subject", "s"]).code, 0);
    stage
}

fn wait(stage: &Stage, args: &[&str]) -> Command {
    let mut command = stage.command(MAIL);
    command.args(["wait", "--agent", "a"]).args(args).stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    command
}

/// It finds this now, and does not wait.
fn now(stage: &Stage, args: &[&str]) -> Value {
    let child = wait(stage, &[&["--timeout", "0s"], args].concat()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn woken(end: &Value) -> (&Value, &Value, &Value) {
    (&end["outcome"], &end["mail"], &end["woken_by"])
}

#[test]
fn a_hold_that_is_cleared_wakes_who_waits_for_mail() {
    let stage = with_mail();
    assert_eq!(now(&stage, &[])["outcome"], "met");
    stage.hold(&["a"]);
    let held = now(&stage, &[]);
    assert_eq!((&held["outcome"], &held["reason"]), (&json!("timeout"), &json!("agent_held")));
    let waiter = asleep(wait(&stage, &["--timeout", "none"]));
    stage.mail(&["send", "--from", "x", "--to", "a", "--subject", "s"]);
    sleeping(&waiter);
    stage.mark(&["clear", "k1"]);
    assert_eq!(woken(&ended(waiter, 0)), (&json!("met"), &json!("m1"), &json!("bell")));
}

#[test]
fn the_time_of_a_hold_ends_the_sleep() {
    let stage = with_mail();
    for ends in [["--until", "1500ms"], ["--ttl", "1500ms"]] {
        stage.hold(&[&["a"], &ends[..]].concat());
        let end = ended(wait(&stage, &["--timeout", "60s"]).spawn().unwrap(), 0);
        assert_eq!(woken(&end), (&json!("met"), &json!("m1"), &json!("lease")), "{ends:?}");
    }
}

#[test]
fn the_death_of_who_holds_the_agent_back_ends_the_sleep() {
    let stage = with_mail();
    let (mut one, mut other) = (Owner::new(), Owner::new());
    stage.hold(&["a", "--owner-pid", &one.pid()]);
    stage.hold(&["@all", "--owner-pid", &other.pid(), "--ttl", "9h"]);
    let waiter = asleep(wait(&stage, &["--timeout", "none"]));
    one.kill();
    sleeping(&waiter);
    other.kill();
    assert_eq!(woken(&ended(waiter, 0)), (&json!("met"), &json!("m1"), &json!("notice")));
}

/// Of another host, of which nobody here knows whether its owner lives: it is looked at every few seconds, and not more often.
#[test]
fn one_that_cannot_be_told_is_waited_for_asleep() {
    let stage = with_mail();
    let owner = Owner::new();
    stage.hold(&["a", "--owner-pid", &owner.pid()]);
    stage.move_owners_away();
    let end = ended(wait(&stage, &["--timeout", "1s"]).spawn().unwrap(), 75);
    assert_eq!((&end["reason"], &end["looks"]), (&json!("agent_held"), &json!(2)), "{end}");
}

/// A dispatcher's loop does not spin: what is met is what `turn run` takes, in the same folder.
#[test]
fn what_is_met_is_what_a_turn_in_that_folder_may_take() {
    let stage = with_mail();
    let (here, there) = (stage.name("here"), stage.name("there"));
    [&here, &there].iter().for_each(|folder| std::fs::create_dir(folder).unwrap());
    stage.hold(&["@all", "--scope", &here]);
    for (folder, held) in [(&here, true), (&there, false)] {
        assert_eq!(now(&stage, &["--cwd", folder])["outcome"], if held { "timeout" } else { "met" });
        let mut by_place = wait(&stage, &["--timeout", "0s"]);
        by_place.current_dir(folder);
        assert_eq!(by_place.output().unwrap().status.code(), Some(if held { 75 } else { 0 }));
        let mut probe = stage.command(env!("CARGO_BIN_EXE_probe"));
        probe.args(["mail", "a", "--cwd", folder]);
        let found = stage.call(probe).last("evidence").clone();
        let wanted = if held { json!(["no", "held", "agent_held"]) } else { json!(["yes", "present", "mail_ready"]) };
        assert_eq!(json!([found["finding"], found["meaning"], found["reason"]]), wanted);
        assert_eq!(found["detail"]["mark"], if held { json!("k1") } else { Value::Null });
        let mut probe = stage.command(env!("CARGO_BIN_EXE_probe"));
        probe.args(["wait", "mail", "a", "--cwd", folder, "--timeout", "0s"]);
        assert_eq!(stage.call(probe).code, if held { 75 } else { 0 });
        let turn = stage.turn(&["run", "--agent", "a", "--mail", "--cwd", folder, "--", "cat"]);
        assert_eq!(turn.code, if held { 75 } else { 0 }, "{turn:?}");
    }
}
