//! Turns that go on, with and without somebody who watches.

use super::{found, of_role, words};
use crate::stage::{Stage, until};

#[test]
fn a_watched_turn_runs_and_its_stream_is_not_read() {
    let stage = Stage::new();
    let running = stage.play("a", "init; say hi; hang").start();
    running.until_written(50);
    let call = stage.assert_judged("a", "running watched identity none", 0);
    assert_eq!(found(&call, "flock"), ["held locked", "held locked"]);
    for role in ["supervisor", "shim", "agent"] {
        assert_eq!(of_role(&call, role), "alive running");
    }
    assert_eq!(found(&call, "clocks"), ["growing within_clock"]);
    assert!(found(&call, "stream").is_empty() && found(&call, "survivors").is_empty(), "{call:#?}");
    let judgement = call.last("judgement");
    assert_eq!((&judgement["recorded"], &judgement["observed"]), (&"in_turn".into(), &"alive".into()));
    assert_eq!((&judgement["alarming"], words(judgement, "command")), (&false.into(), String::new()));
    let all = call.all("evidence");
    assert!(all.iter().all(|one| one["run"] == "r1" && one["turn"] == "t1" && one["attempt"] == 1), "{all:#?}");
    stage.turn(&["stop", "a"]);
    running.end();
}

#[test]
fn a_turn_whose_supervisor_was_killed_lives_and_is_to_be_attached_to() {
    let stage = Stage::new();
    stage.unwatched("a", "init; say hi; hang", &[]);
    let call = stage.assert_judged("a", "unsupervised no_supervisor identity attach", 0);
    assert_eq!(found(&call, "flock"), ["held locked", "free not_locked"]);
    assert_eq!((of_role(&call, "shim"), of_role(&call, "agent")), ("alive running".into(), "alive running".into()));
    assert_eq!(found(&call, "stream"), ["not_done no_terminal_event"]);
    let judgement = call.last("judgement");
    assert_eq!((&judgement["alarming"], words(judgement, "command")), (&true.into(), "turn attach a".to_owned()));
    stage.turn(&["stop", "a"]);
}

#[test]
fn the_lock_outweighs_every_sign_of_death() {
    let stage = Stage::new();
    stage.unwatched("a", "init; hang", &[]);
    // Whose numbers are on record does not matter: somebody holds the lock.
    let dead = "json_set(shim, '$.start_ticks', 1)";
    stage.sql(&format!("UPDATE turn SET shim = {dead}, child = json_set(child, '$.start_ticks', 1)"));
    let call = stage.assert_judged("a", "unsupervised no_supervisor identity attach", 0);
    assert_eq!((of_role(&call, "shim"), of_role(&call, "agent")), ("dead pid_reused".into(), "dead pid_reused".into()));
    stage.family.kill();
}

#[test]
fn silence_is_told_by_the_supervisor_and_by_the_stream_where_there_is_none() {
    let stage = Stage::new();
    let report = ["--stall", "50ms", "--on-stall", "report"];
    let watched = stage.play("a", "init; hang").with(&report).start();
    until("the silence", || stage.count("SELECT count(*) FROM turn WHERE stalled_at IS NOT NULL") == 1);
    assert_eq!(stage.judged("a"), "stalled no_progress silent none");
    let call = stage.look(&["a", "--exit-code"]);
    assert_eq!((call.code, found(&call, "clocks")), (1, vec!["silent over_clock".to_owned()]));
    stage.turn(&["stop", "a"]);
    watched.end();
    // Its supervisor is stopped: it watches nothing, and nobody is told.
    let stopped = stage.play("b", "init; hang").with(&["--stall", "3s"]).start();
    stopped.until_written(50);
    stopped.signal(nix::sys::signal::Signal::SIGSTOP);
    let judged = || super::brief(stage.probe(&["b"]).last("judgement"));
    until("the silence", || judged() == "stalled no_progress silent none");
    crate::scene::kill(stopped.child.id().cast_signed(), nix::sys::signal::Signal::SIGKILL);
    stopped.wait_killed();
    assert_eq!(stage.judged("b"), "stalled no_progress silent attach");
    stage.turn(&["stop", "b"]);
}

#[test]
fn an_open_tool_call_has_its_own_clock_and_a_result_makes_nobody_silent() {
    let stage = Stage::new();
    let clocks = ["--stall", "1ms", "--first-event", "1h", "--stall-tool", "1h", "--on-stall", "report"];
    let tool =
        r#"line {"type":"assistant","message":{"content":[{"type":"tool_use","id":"x","name":"Bash","input":{}}]}}"#;
    stage.unwatched("a", &format!("init; {tool}; hang"), &clocks);
    until("the tool call", || {
        let call = stage.probe(&["a"]);
        call.all("evidence").iter().any(|one| one["instrument"] == "clocks" && one["detail"]["phase"] == "tool")
    });
    assert_eq!(stage.judged("a"), "unsupervised no_supervisor identity attach");
    stage.turn(&["stop", "a"]);
    // It has said that it is done and stays: that is no silence.
    let done = ["--stall", "1ms", "--grace", "1ms", "--on-stall", "report"];
    let go = stage.name("go");
    stage.unwatched("b", &format!("init; wait-file {go}; result done; hang"), &done);
    std::fs::write(&go, "").unwrap();
    until("the result", || found(&stage.probe(&["b"]), "stream") == ["done terminal_event"]);
    assert_eq!(stage.judged("b"), "unsupervised no_supervisor identity attach");
    stage.turn(&["stop", "b"]);
}

#[test]
fn where_no_clock_runs_silence_proves_nothing() {
    let stage = Stage::new();
    let mut command = stage.command(crate::stage::TURN);
    command.args(["run", "--agent", "a", "--"]).arg(crate::support::fake_agent()).arg("hang");
    let mut running = crate::stage::Running::begin(&stage, command);
    running.until("turn.started");
    let call = stage.assert_judged("a", "running watched identity none", 0);
    assert_eq!(found(&call, "clocks"), ["unknown no_clock"]);
    stage.turn(&["stop", "a"]);
    running.end();
}
