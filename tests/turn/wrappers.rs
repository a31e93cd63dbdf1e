//! Programs whose started process is only a wrapper: the agent behind it ends the turn, and what it leaves does not.

use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, pidfd_open};
use serde_json::json;

use crate::stage::Stage;

const INIT: &str = "line {\"type\":\"init\",\"session_id\":\"S\"}";
const DONE: &str = "line {\"type\":\"result\",\"status\":\"success\"}";

/// Waits until the wrapper has exited: what comes then comes after it.
fn until_ended(wrapper: Pid) {
    let pid = rustix::process::Pid::from_raw(wrapper.as_raw()).unwrap();
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return };
    let patience = Timespec { tv_sec: 60, tv_nsec: 0 };
    assert_eq!(poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&patience)), Ok(1));
}

/// M11
#[test]
fn the_agent_goes_on_when_its_wrapper_is_gone() {
    let stage = Stage::new();
    for end in ["exit 0", "exit 7", "die TERM"] {
        let go = stage.name("go");
        let _ = std::fs::remove_file(&go);
        let script = format!("{INIT}; spawn holds-stdout+setsid {{ wait-file {go}; {DONE} }}; {end}");
        let running = stage.play_as("gemini", "a", &script).start();
        running.until_written(20);
        until_ended(running.agent_pid());
        std::fs::write(&go, "").unwrap();
        let call = running.end();
        call.assert_end("completed", 0);
        assert_eq!((&call.ended()["children_left"], &call.ended()["events"]), (&json!(0), &json!(2)), "{end}");
    }
}

#[test]
fn what_has_another_stdout_does_not_hold_the_turn() {
    let stage = Stage::new();
    // As a server of the agent's: alive for good, in a session of its own.
    let script = format!("{INIT}; spawn setsid+double-fork; {DONE}; exit 0");
    let call = stage.play_as("gemini", "a", &script).with(&["--grace", "60s"]).call();
    call.assert_end("completed", 0);
    assert_eq!(call.ended()["children_left"], 0);
    assert!(call.ended()["duration_ms"].as_i64().unwrap() < 30_000, "{:?}", call.ended());
}

#[test]
fn what_holds_the_stream_after_the_result_is_ended_with_the_grace() {
    let stage = Stage::new();
    let script = format!("{INIT}; spawn holds-stdout+ignore-term; {DONE}; exit 0");
    let call = stage.play_as("gemini", "a", &script).with(&["--grace", "300ms", "--kill-after", "100ms"]).call();
    call.assert_end("completed", 0);
    assert_eq!(call.ended()["children_left"], 0);
}

#[test]
fn the_deadline_and_a_stop_reach_the_agent_behind_a_wrapper_that_is_gone() {
    let stage = Stage::new();
    let script = format!("{INIT}; spawn holds-stdout+setsid; exit 0");
    let play = stage.play_as("gemini", "late", &script);
    play.with(&["--deadline", "500ms", "--kill-after", "100ms"]).call().assert_end("timed_out", 124);
    let running = stage.play_as("gemini", "stopped", &script).with(&["--kill-after", "100ms"]).start();
    running.until_written(20);
    stage.turn(&["stop", "stopped", "--wait", "60s"]);
    let call = running.end();
    call.assert_end("aborted", 143);
    assert_eq!(call.ended()["children_left"], 0);
}

/// The first rung, not only the last one.
#[test]
fn the_agent_behind_a_wrapper_that_is_gone_is_asked_to_end_before_it_is_killed() {
    let stage = Stage::new();
    let end = format!("touch {}; exit 0", stage.name("asked"));
    let script = format!(
        "{INIT}; spawn holds-stdout+setsid {{ on INT {{ {end} }}; on TERM {{ {end} }}; touch {}; hang }}; exit 0",
        stage.name("ready")
    );
    let running = stage.play_as("gemini", "a", &script).with(&["--kill-after", "60s"]).start();
    crate::stage::until("the agent", || stage.path("ready").exists());
    until_ended(running.agent_pid());
    stage.turn(&["stop", "a", "--wait", "30s"]);
    running.end().assert_end("aborted", 143);
    assert!(stage.path("asked").exists());
}

#[test]
fn a_program_that_is_no_wrapper_ends_its_turn_alone() {
    let stage = Stage::new();
    let script =
        format!("init; spawn holds-stdout+setsid {{ wait-file {}; result late }}; exit 0", stage.name("never"));
    let call = stage.play("a", &script).call();
    call.assert_end("no_result", 1);
    assert_eq!(call.ended()["children_left"], 0);
}
