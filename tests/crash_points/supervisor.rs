//! The supervisor is killed at its calls; the shim and the agent are not traced.

use std::os::unix::process::ExitStatusExt;

use super::{CALLS, Tally, calls, can_trace, points, script, strace, survives};
use crate::scene::{Stage, Witness, until};

/// `turn run` behind strace.
fn traced(stage: &Stage, log: &str, inject: &[&str]) -> std::process::Command {
    let script = script(stage);
    let script: Vec<&str> = script.iter().map(String::as_str).collect();
    let turn = stage.plain("a", &["--parent", "lead", "--capability", "none", "--kill-after", "100ms"], &script);
    let mut command = strace(stage, &stage.path(log), inject);
    command.arg(turn.get_program()).args(turn.get_args());
    command
}

/// T22
#[test]
fn a_supervisor_killed_at_any_system_call_leaves_nothing_broken() {
    if !can_trace() {
        return;
    }
    let stage = Stage::new();
    let mut witness = Witness::new(&stage.path("witness"));
    let trace = format!("trace={CALLS}");
    assert!(traced(&stage, "log", &["-e", &trace]).status().unwrap().success());
    assert!(traced(&stage, "log", &["-e", &trace]).status().unwrap().success());
    let (mut tally, mut hit) = (Tally::default(), 0);
    let points = points(&calls(&stage.path("log")), 120);
    for (name, number) in &points {
        let inject = format!("inject={name}:signal=KILL:when={number}");
        let killed = traced(&stage, "none", &["-e", &format!("trace={name}"), "-e", &inject]).output().unwrap();
        hit += usize::from(killed.status.signal() == Some(9));
        let locked = || !stage.lock_is_free("a");
        until("the shim's end", || !locked());
        survives(&stage, &mut witness, &inject);
        tally.count(&stage);
    }
    println!("supervisor: killed at {hit} of {} points; {:?}", points.len(), tally.0);
    assert!(hit * 10 > points.len() * 9, "{hit} of {}", points.len());
}
