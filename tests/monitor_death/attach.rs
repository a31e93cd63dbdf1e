//! `turn attach` after the supervisor's death: it takes over, ends what falls silent, and tells what was recorded.

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::scene::{Running, Stage, records, until};

/// A turn whose supervisor was killed in the middle. The agent has written all of the stream that stands before
/// the step `wait-file …/go`.
fn orphaned(stage: &Stage, command: &mut std::process::Command) {
    let mut turn = Running::start(command);
    assert_eq!(turn.record()["type"], "turn.started");
    stage.await_file("reached");
    assert!(turn.kill_now().was_killed());
}

/// What has to be the same however often the supervisor changed.
fn essence(ended: &Value) -> Value {
    let mut ended = ended.clone();
    let fields = ended.as_object_mut().unwrap();
    let measured = ["at", "turn", "run", "agent", "started_at", "duration_ms", "first_event_ms", "last_event_ms"];
    let about_us = ["suspended_ms", "frozen_ms", "unsupervised_ms", "log_dir", "session_asked", "session_seen"];
    for name in measured.iter().chain(&about_us) {
        assert!(fields.remove(*name).is_some(), "{name}");
    }
    Value::Object(fields.clone())
}

#[test]
fn attach_in_mid_turn_records_the_outcome_of_the_unbroken_turn() {
    let endings: [&[&str]; 5] = [
        &["say two", "result done", "exit 0"],
        &["say two", "result-error broken", "exit 1"],
        &["say two", "exit 7"],
        &["say two", "die KILL"],
        &["raw \\x7b\"type\":\"assis", "close-stdout", "exit 0"],
    ];
    for ending in endings {
        let stage = Stage::new();
        let (touch, wait) = (format!("touch {}", stage.word("reached")), format!("wait-file {}", stage.word("go")));
        let mut script = vec!["init", "say one", touch.as_str(), wait.as_str()];
        script.extend_from_slice(ending);
        orphaned(&stage, &mut stage.claude("broken", &[], &script));
        let attached = Running::start(&mut stage.turn(&["attach", "broken"]));
        stage.touch("go");
        let attached = attached.end();
        let whole = stage.claude("whole", &[], &script).output().unwrap();
        assert_eq!(attached.code(), whole.status.code(), "{ending:?}: {attached:?}");
        let unbroken = records(&whole.stdout).pop().unwrap();
        assert_eq!(essence(attached.last()), essence(&unbroken), "{ending:?}");
        assert_eq!(unbroken["unsupervised_ms"], 0);

        // A second look prints what is recorded, and ends the same.
        let again = stage.turn(&["attach", "t1"]).output().unwrap();
        assert_eq!((again.status.code(), records(&again.stdout)), (attached.code(), attached.records));
        stage.assert_whole();
    }
}

#[test]
fn attach_refuses_while_somebody_supervises() {
    let stage = Stage::new();
    let wait = format!("wait-file {}", stage.word("end"));
    let mut turn = Running::start(&mut stage.plain("a", &[], &[&wait, "exit 0"]));
    assert_eq!(turn.record()["type"], "turn.started");
    let refused = stage.turn(&["attach", "a"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(75), "{refused:?}");
    assert!(refused.stdout.is_empty());
    stage.touch("end");
    assert_eq!(turn.end().code(), Some(0));
}

/// The first event comes when nobody watches, and nothing after it: only the attached supervisor can see the stall.
#[test]
fn attach_ends_an_agent_that_falls_silent_by_the_clock_of_the_turn() {
    let stage = Stage::new();
    let (touch, wait) = (format!("touch {}", stage.word("reached")), format!("wait-file {}", stage.word("go")));
    let script = [&touch, &wait, "init", "say one", "ignore TERM INT", "hang"];
    let clocks = ["--first-event", "1h", "--stall", "1s", "--stall-tool", "1s", "--kill-after", "100ms"];
    orphaned(&stage, &mut stage.claude("a", &clocks, &script));
    stage.touch("go");
    let attached = stage.turn(&["attach", "t1"]).output().unwrap();
    let ended = records(&attached.stdout).pop().unwrap();
    assert_eq!((attached.status.code(), &ended["outcome"]), (Some(124), &"stalled".into()), "{ended}");
    assert!(stage.lock_is_free("a"));
    stage.assert_whole();
}

/// A wish that was recorded by a supervisor that died before it could signal is carried out by the next one.
#[test]
fn attach_carries_out_a_wish_that_was_recorded_and_not_sent() {
    let stage = Stage::new();
    let touch = format!("touch {}", stage.word("reached"));
    orphaned(&stage, &mut stage.claude("a", &["--kill-after", "100ms"], &["init", &touch, "hang"]));
    stage.run_sql("UPDATE turn SET wish = 'operator', wish_signal = 15, wish_at = 1 WHERE id = 1");
    let attached = stage.turn(&["attach", "t1"]).output().unwrap();
    let ended = records(&attached.stdout).pop().unwrap();
    assert_eq!((attached.status.code(), &ended["outcome"]), (Some(143), &"aborted".into()), "{ended}");
    stage.assert_whole();
}

#[test]
fn with_nobody_attached_the_shim_keeps_the_deadline() {
    for by_attach in [true, false] {
        let stage = Stage::new();
        let touch = format!("touch {}", stage.word("reached"));
        let options = ["--deadline", "4s", "--kill-after", "50ms", "--parent", "lead"];
        orphaned(&stage, &mut stage.plain("a", &options, &[&touch, "ignore TERM INT", "hang"]));
        let exit = stage.await_end("a", "t1");
        assert_eq!(exit["ended_by"], "deadline", "{exit}");
        let command =
            &mut stage.turn(if by_attach { &["attach", "a"] } else { &["run", "--agent", "a", "--", "true"] });
        let told = command.output().unwrap();
        let ended = &records(&told.stdout)[0];
        assert_eq!((&ended["turn"], &ended["outcome"]), (&"t1".into(), &"timed_out".into()), "{ended}");
        assert_eq!(told.status.code(), Some(if by_attach { 124 } else { 0 }));
        assert!(ended["unsupervised_ms"].as_i64().unwrap() > 0, "{ended}");
        assert_eq!(stage.count("SELECT count(*) FROM mail WHERE kind = 'worker_died' AND recipient = 'lead'"), 1);
        stage.assert_whole();
    }
}

/// TERM to the supervisor that took over ends the turn as it would have ended it for the first.
#[test]
fn an_attached_supervisor_passes_on_an_interrupt() {
    let stage = Stage::new();
    let touch = format!("touch {}", stage.word("reached"));
    orphaned(&stage, &mut stage.claude("a", &["--kill-after", "100ms"], &["init", &touch, "hang"]));
    let attached = Running::start(&mut stage.turn(&["attach", "a"]));
    let pid = attached.pid();
    until("the new supervisor", || stage.recorded_pid("supervisor") == Some(pid));
    attached.kill(Signal::SIGTERM);
    let ended = attached.end();
    assert_eq!((ended.code(), &ended.last()["outcome"]), (Some(143), &"aborted".into()), "{ended:?}");
    stage.assert_whole();
}
