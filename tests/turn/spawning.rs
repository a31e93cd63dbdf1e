//! Agents that cannot be started: said as such, told to the parent, and nothing stays locked.

use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};

use crate::stage::{Call, Running, Stage, TURN};
use crate::support::can_trace;

fn run(stage: &Stage, program: &str, args: &[&str]) -> Call {
    let fixed =
        ["run", "--agent", "a", "--parent", "lead", "--runtime", "claude", "--prompt", "hi", "--program", program];
    stage.turn(&[&fixed, args].concat())
}

fn assert_spawn_failed(stage: &Stage, call: &Call, code: i32, cause: &str) {
    call.assert_end("spawn_failed", code);
    assert_eq!(call.word("cause"), cause);
    let ended = call.ended();
    assert_eq!(
        (&ended["exit_code"], &ended["signal"], &ended["children_left"]),
        (&Value::Null, &Value::Null, &json!(0))
    );
    assert!(ended["message"].is_string(), "{ended}");
    assert_eq!(stage.groups_left(), Vec::<String>::new());
    stage.play("b", "init; result done").call().assert_end("completed", 0);
}

/// T15
#[test]
fn a_missing_program_is_127() {
    let stage = Stage::new();
    assert_spawn_failed(&stage, &run(&stage, "/nowhere/claude", &[]), 127, "program_not_found");
    assert_spawn_failed(&stage, &run(&stage, "no-such-program-on-the-path", &[]), 127, "program_not_found");
}

/// T15
#[test]
fn a_program_that_cannot_be_executed_is_126() {
    let stage = Stage::new();
    let file = stage.path("not-executable");
    std::fs::write(&file, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    assert_spawn_failed(&stage, &run(&stage, file.to_str().unwrap(), &[]), 126, "cannot_run");
    assert_spawn_failed(&stage, &run(&stage, "/", &[]), 126, "cannot_run");
}

/// T15
#[test]
fn a_missing_working_folder_is_126_and_names_it() {
    let stage = Stage::new();
    let call = run(&stage, "/bin/true", &["--cwd", "/nowhere/at/all"]);
    assert_spawn_failed(&stage, &call, 126, "cannot_run");
    assert!(call.word("message").contains("cannot enter /nowhere/at/all"), "{:?}", call.ended());
}

/// T15
#[test]
fn the_parent_hears_of_it_when_the_attempts_are_used_up() {
    let stage = Stage::new();
    for (attempt, told) in [(1, 0), (2, 0), (3, 1)] {
        let call = run(&stage, "/nowhere/claude", &[]);
        assert_eq!(call.ended()["attempt"], attempt);
        assert_eq!(stage.mails("lead", "worker_died").len(), told);
    }
    assert_eq!(stage.run_of("a")["state"], "failed");
}

/// An agent's own 126 and 127 are its own.
#[test]
fn a_shell_that_finds_no_command_has_failed_itself() {
    let stage = Stage::new();
    let call = stage.turn(&["run", "--agent", "a", "--", "sh", "-c", "no-such-command 2>/dev/null"]);
    call.assert_end("failed", 1);
    assert_eq!(call.ended()["exit_code"], 127);
}

/// T16
#[test]
fn an_agent_whose_start_cannot_be_recorded_never_runs() {
    let stage = Stage::new();
    stage.play("a", "init; result done").call().assert_end("completed", 0);
    // Where the next turn's files go, no folder can be made.
    let logs = stage.turn(&["show", "t1"]).last("turn")["log_dir"].as_str().unwrap().replace("t1", "t2");
    std::os::unix::fs::symlink("/nowhere", &logs).unwrap();
    let call = stage.play("a", &format!("touch {}; result done", stage.name("ran"))).call();
    assert_ne!(call.code, 0, "{call:#?}");
    assert!(!stage.path("ran").exists());
    assert_eq!(call.word("outcome"), "never_started", "{call:#?}");
    assert_eq!((stage.family.alive(), stage.groups_left()), (vec![], vec![]));
    std::fs::remove_file(&logs).unwrap();
    stage.play("a", "init; result done").call().assert_end("completed", 0);
}

#[test]
fn a_turn_whose_number_was_given_out_before_does_not_take_the_older_ones_files_for_its_own() {
    let stage = Stage::new();
    stage.play("a", "init; result done").call().assert_end("completed", 0);
    let logs = stage.state().with_file_name("logs");
    for name in ["state.db", "state.db-wal", "state.db-shm"] {
        let _ = std::fs::remove_file(stage.state().with_file_name(name));
    }
    let call = stage.play("a", "init; exit 3").call();
    call.assert_end("no_result", 1);
    assert_eq!(call.word("turn"), "t1");
    let kept = std::fs::read_dir(&logs).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(kept.into_iter().any(|name| name.to_string_lossy().starts_with("t1.")), "the older files stay");
}

/// It dies with the byte unread that lets it go. The shim is there all the while and knows how it died.
#[test]
fn an_agent_that_is_killed_between_go_and_its_exec_was_killed() {
    if !can_trace() {
        return;
    }
    let stage = Stage::new();
    let mut command = stage.command("strace");
    // The agent-to-be stands there for a while before it reads; nobody else makes a process group.
    let slow = ["-f", "-qq", "-o", "/dev/null", "-e", "trace=setpgid", "-e", "inject=setpgid:delay_exit=2000000"];
    command.args(slow).args([TURN, "run", "--agent", "a", "--max-attempts", "2", "--", "touch", &stage.name("ran")]);
    let mut running = Running::begin(&stage, command);
    running.until("turn.started");
    kill(running.agent_pid(), Signal::SIGKILL).unwrap();
    let call = running.end();
    call.assert_end("killed", 137);
    assert_eq!((&call.ended()["signal"], call.word("state_after")), (&json!(9), "between_turns"));
    assert!(!stage.path("ran").exists());
}
