//! Supervisor and shim are dead, and something of the tree is not: told, ended only where that was asked for, and adopted
//! where its work was done.

use nix::sys::signal::Signal;

use crate::scene::{Witness, kill, process_is_gone};
use crate::stage::{Running, Stage, until};

/// A tree that no signal to a group and no parent's death reaches.
const STUBBORN: &str = "spawn setsid+ignore-term+double-fork";

/// Kills supervisor and shim, and the agent with them; what it has started lives on.
fn orphan(stage: &Stage, script: &str, witness: &mut Witness) -> Running {
    let (fifo, reached) = (stage.name("witness"), stage.name("reached"));
    let script = format!("fifo {fifo}; init; {script}; {STUBBORN}; touch {reached}; hang");
    let args = ["--parent", "lead", "--capability", "none", "--max-attempts", "1"];
    let running = stage.play("a", &script).with(&args).start();
    witness.await_somebody();
    until("the agent", || std::path::Path::new(&reached).exists());
    let (shim, agent) = (stage.pid_of("a", "shim"), stage.pid_of("a", "child"));
    running.signal(Signal::SIGSTOP);
    kill(shim, Signal::SIGKILL);
    until("the shim's end", || process_is_gone(shim));
    running.signal(Signal::SIGKILL);
    until("the agent to die with its shim", || process_is_gone(agent));
    let id = running.child.id().cast_signed();
    until("the end of the supervisor", || process_is_gone(id));
    running
}

/// No second agent begins beside what lives.
#[track_caller]
fn assert_alone(stage: &Stage) {
    let ran = stage.path("ran");
    let second = stage.turn(&["run", "--agent", "a", "--", "touch", ran.to_str().unwrap()]);
    assert_eq!((second.code, ran.exists()), (76, false), "{second:#?}");
    assert_eq!(stage.count("SELECT count(*) FROM turn"), 1);
}

#[test]
fn what_outlives_its_shim_is_told_and_ended_only_where_that_was_asked_for() {
    let stage = Stage::new();
    let mut witness = Witness::new(&stage.path("witness"));
    orphan(&stage, "say hi", &mut witness);
    let plan = stage.assert_planned(&["a"], "orphaned shim_gone orphaned none - in_turn");
    assert_eq!(plan["command"], serde_json::json!(["reconcile", "r1", "--apply", "--kill-orphans"]));
    stage.assert_settled(&["a", "--kill-stalled"]);
    assert_alone(&stage);
    assert!(!witness.everyone_gone(), "nothing is killed that nobody named");
    stage.assert_repaired(&["a", "--kill-orphans"], "orphaned shim_gone orphaned kill_then_crash lost crashed");
    assert!(witness.everyone_gone(), "not all are gone");
    assert_eq!(stage.heard("lead", "worker_died"), 1);
}

#[test]
fn finished_work_is_adopted_once_nothing_of_it_lives() {
    let stage = Stage::new();
    let mut witness = Witness::new(&stage.path("witness"));
    orphan(&stage, "result done", &mut witness);
    stage.assert_planned(&["a"], "finished tree_lives durable_result none completed in_turn");
    stage.assert_settled(&["a"]);
    assert_alone(&stage);
    assert!(!witness.everyone_gone(), "nothing is killed that nobody named");
    stage.assert_repaired(&["a", "--kill-orphans"], "finished tree_lives durable_result adopt completed completed");
    assert!(witness.everyone_gone(), "not all are gone");
    assert_eq!(stage.heard("lead", "worker_died"), 0);
}
