//! One turn of an agent at a time, turns of different agents side by side.

use crate::stage::Stage;

/// Holds a lock of its own while it plays: a second one at the same time would fail to get it.
fn overlap_probe(stage: &Stage) -> String {
    let lock = stage.name("lock");
    format!(
        "run mkdir {lock} || echo overlap >> {}; init; sleep 20; run rmdir {lock}; result done",
        stage.name("overlap")
    )
}

/// T20
#[test]
fn two_turns_of_one_agent_never_overlap() {
    let stage = Stage::new();
    let script = overlap_probe(&stage);
    let turns: Vec<_> = (0..12).map(|_| stage.play("a", &script).begin()).collect();
    for turn in turns {
        turn.end().assert_end("completed", 0);
    }
    assert!(!stage.path("overlap").exists());
    assert_eq!(stage.turn(&["list"]).records.len(), 12);
}

/// T20
#[test]
fn turns_of_different_agents_run_at_the_same_time() {
    let stage = Stage::new();
    // Each goes on only when all three are there.
    let names = ["a", "b", "c"];
    let waits: Vec<String> = names.iter().map(|name| format!("wait-file {}", stage.name(name))).collect();
    let turns: Vec<_> = names
        .iter()
        .map(|name| {
            stage.play(name, &format!("init; touch {}; {}; result done", stage.name(name), waits.join("; "))).begin()
        })
        .collect();
    for turn in turns {
        turn.end().assert_end("completed", 0);
    }
}

/// A pipe would be opened when somebody opens its other end.
#[test]
fn what_is_no_lock_file_is_refused_and_not_waited_for() {
    let stage = Stage::new();
    stage.turn(&["run", "--agent", "a", "--", "true"]).assert_end("completed", 0);
    for name in ["a.turn", "a.supervisor"] {
        let lock = stage.path("state/locks").join(name);
        std::fs::remove_file(&lock).unwrap();
        nix::unistd::mkfifo(&lock, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mut command = stage.command("timeout");
        command.args(["-s", "KILL", "60", crate::stage::TURN, "run", "--agent", "a", "--", "true"]);
        stage.call(command).assert_refused(73, &format!("locks/{name}: it is no regular file"));
        std::fs::remove_file(&lock).unwrap();
    }
    stage.turn(&["run", "--agent", "a", "--", "true"]).assert_end("completed", 0);
}

/// T20
#[test]
fn a_busy_agent_is_busy_and_says_with_what() {
    let stage = Stage::new();
    let first = stage.play("a", &format!("init; wait-file {}; result done", stage.name("go"))).start();
    let second = stage.play("a", "init; result done").with(&["--lock-wait", "0s"]).call();
    second.assert_refused(75, first.started()["turn"].as_str().unwrap());
    assert!(second.stderr.contains("turn stop a"), "{}", second.stderr);
    std::fs::write(stage.path("go"), "").unwrap();
    first.end().assert_end("completed", 0);
}

#[test]
fn a_stderr_that_nobody_reads_keeps_no_lock_of_an_ended_turn() {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    use std::io::Write;
    let stage = Stage::new();
    let (reader, mut full) = std::io::pipe().unwrap();
    let flags = fcntl_getfl(&full).unwrap();
    fcntl_setfl(&full, flags | OFlags::NONBLOCK).unwrap();
    while full.write(&[b'x'; 4096]).is_ok() {}
    fcntl_setfl(&full, flags).unwrap();
    let mut command = stage.command(crate::stage::TURN);
    command.args(["run", "--agent", "a", "--", "false"]).stdout(std::process::Stdio::null()).stderr(full);
    let mut first = command.spawn().unwrap();
    // The command keeps a copy of the writing end.
    drop(command);
    crate::stage::until("the end", || {
        stage.state().exists() && stage.turn(&["list", "--outcome", "failed"]).records.len() == 1
    });
    stage.turn(&["run", "--agent", "a", "--lock-wait", "20s", "--", "true"]).assert_end("completed", 0);
    assert!(first.try_wait().unwrap().is_none(), "it waits to say how its turn ended");
    drop(reader);
    assert_eq!(first.wait().unwrap().code(), Some(1));
}

#[test]
fn a_turn_that_is_refused_after_its_shim_was_started_leaves_nobody_and_a_free_lock() {
    let stage = Stage::new();
    stage.play("a", "init; result done").call().assert_end("completed", 0);
    // Its first write fails: somebody else has the file for longer than is waited for.
    let file = stage.sqlite();
    file.execute_batch("BEGIN IMMEDIATE").unwrap();
    let call = stage.play("a", "init; result done").call();
    assert_eq!((call.code, call.records.len()), (75, 0), "{call:#?}");
    assert_eq!(stage.family.alive(), [] as [i32; 0], "{call:#?}");
    file.execute_batch("ROLLBACK").unwrap();
    stage.play("a", "init; result done").with(&["--lock-wait", "0s"]).call().assert_end("completed", 0);
}
