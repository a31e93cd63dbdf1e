//! Stops: a wish is recorded, the agent ended, the parent told once, and nothing starts behind a stop.

use nix::sys::signal::Signal;
use serde_json::json;

use super::sessions::until_waits_for_the_lock;
use crate::stage::{Running, Stage, until};

fn hanging(stage: &Stage) -> Running {
    let running = stage.play("a", "init; hang").with(&["--parent", "lead", "--kill-after", "100ms"]).start();
    running.until_written(1);
    running
}

fn assert_told_once(stage: &Stage, words: &str) {
    let told = stage.mails("lead", "worker_died");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0]["payload"]["reason"].as_str().unwrap().contains(words), "{told:?}");
}

/// T14
#[test]
fn int_and_term_to_the_supervisor_abort_the_turn() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let stage = Stage::new();
        let running = hanging(&stage);
        running.signal(signal);
        let call = running.end();
        call.assert_end("aborted", code);
        assert_eq!((call.word("cause"), &call.ended()["stop_requested"]), ("interrupt", &json!(true)));
        assert_eq!(stage.turn(&["show", call.word("turn")]).last("turn")["wish"], "interrupt");
        assert_eq!(stage.run_of("a")["state"], "stopped");
        assert_told_once(&stage, "aborted");
        assert_eq!(stage.family.alive(), [] as [i32; 0]);
    }
}

/// T14
#[test]
fn an_agent_that_ignores_all_but_kill_is_aborted_too() {
    let stage = Stage::new();
    let script = "ignore HUP INT QUIT TERM; spawn setsid+ignore-term; init; hang";
    let running = stage.play("a", script).with(&["--kill-after", "100ms"]).start();
    running.until_written(1);
    running.signal(Signal::SIGTERM);
    let call = running.end();
    assert_eq!(call.assert_end("aborted", 143).ended()["signal"], 9);
    assert_eq!(stage.family.alive(), [] as [i32; 0]);
}

/// T14, B5, B13, T21
#[test]
fn a_stop_ends_the_running_turn_and_both_commands_tell_it() {
    let stage = Stage::new();
    let running = hanging(&stage);
    let stop = stage.turn(&["stop", "a", "--why", "wrong branch", "--wait", "60s"]);
    assert_eq!(stop.code, 0, "{stop:?}");
    let stopped = stop.last("turn.stopped");
    assert_eq!((&stopped["outcome"], &stopped["state"]), (&json!("aborted"), &json!("stopped")));
    let call = running.end();
    assert_eq!(call.assert_end("aborted", 143).word("cause"), "stop");
    assert_eq!(stage.run_of("a")["state"], "stopped");
    assert_told_once(&stage, "aborted");
    assert_eq!(stage.family.alive(), [] as [i32; 0]);
}

/// T21
#[test]
fn work_that_was_finished_before_the_stop_is_kept() {
    let stage = Stage::new();
    let script = format!("on INT {{ {}; result done; exit 0 }}; init; hang", stage.sends("lead", "worker_done"));
    let running = stage.play("a", &script).with(&["--parent", "lead", "--kill-after", "30s"]).start();
    running.until_written(1);
    stage.turn(&["stop", "a", "--wait", "60s"]);
    let call = running.end();
    call.assert_end("completed", 0);
    assert_eq!((call.word("state_after"), &call.ended()["stop_requested"]), ("stopped", &json!(true)));
    assert_eq!(stage.mails("lead", "worker_died").len(), 0);
}

/// B11
#[test]
fn a_turn_that_waits_for_the_lock_does_not_start_behind_a_stop() {
    let stage = Stage::new();
    let running = hanging(&stage);
    let waiting = stage.play("a", &format!("touch {}; init; result done", stage.name("ran"))).begin();
    until_waits_for_the_lock(&stage, &waiting);
    stage.turn(&["stop", "a", "--wait", "60s"]);
    running.end().assert_end("aborted", 143);
    waiting.end().assert_refused(76, "was stopped");
    assert!(!stage.path("ran").exists());
    assert_told_once(&stage, "aborted");
    stage.play("a", "init; result done").call().assert_end("completed", 0);
}

/// B11
#[test]
fn a_run_that_has_ended_takes_no_more_turns() {
    let stage = Stage::new();
    let call = stage.play("a", "init; result done").call();
    let run = call.word("run").to_owned();
    let ran = format!("touch {}; init; result done", stage.name("ran"));
    stage.play("a", &ran).with(&["--run", &run]).call().assert_refused(76, "has ended: completed");
    stage.play("a", "init; result-error no").with(&["--max-attempts", "3"]).call();
    stage.turn(&["stop", "a"]);
    stage.play("a", &ran).with(&["--run", "r2"]).call().assert_refused(76, "has ended: stopped");
    stage.play("b", &ran).with(&["--run", "r2"]).call().assert_refused(76, "not b's");
    stage.play("a", &ran).with(&["--run", "r99"]).call().assert_refused(66, "no run r99");
    assert!(!stage.path("ran").exists());
    let fresh = stage.play("a", "init; result done").call();
    assert_ne!(fresh.assert_end("completed", 0).word("run"), run);
}

/// B11
#[test]
fn a_run_that_ends_while_its_next_turn_waits_is_not_run_again() {
    let stage = Stage::new();
    let first = stage.play("a", &format!("init; wait-file {}; result done", stage.name("go"))).start();
    let run = first.started()["run"].as_str().unwrap().to_owned();
    let ran = format!("touch {}; init; result done", stage.name("ran"));
    let waiting = stage.play("a", &ran).with(&["--run", &run]).begin();
    until_waits_for_the_lock(&stage, &waiting);
    std::fs::write(stage.path("go"), "").unwrap();
    first.end().assert_end("completed", 0);
    waiting.end().assert_refused(76, "has ended: completed");
    assert!(!stage.path("ran").exists());
}

#[test]
fn an_open_run_without_a_turn_is_stopped_by_its_record_and_told_once() {
    let stage = Stage::new();
    stage.play("a", "init; result-error no").with(&["--parent", "lead"]).call().assert_end("failed", 1);
    for _ in 0..2 {
        assert_eq!(stage.turn(&["stop", "a"]).code, 0);
    }
    assert_eq!(stage.run_of("a")["state"], "stopped");
    assert_told_once(&stage, "stopped");
    assert_eq!(stage.turn(&["stop", "nobody"]).code, 66);
}

/// The agent's own shell sends the stop; the turn ends all the same.
#[test]
fn an_agent_may_stop_itself() {
    let stage = Stage::new();
    let script = format!("init; run {} stop a --wait 0s >&2; hang", crate::stage::TURN);
    let running = stage.play("a", &script).with(&["--kill-after", "100ms"]).start();
    running.end().assert_end("aborted", 143);
    until("the end of all", || stage.family.alive().is_empty());
}

#[test]
fn a_second_int_does_not_wait_for_the_agent_to_clean_up() {
    let stage = Stage::new();
    let running = stage.play("a", "ignore INT TERM; init; hang").with(&["--kill-after", "10m"]).start();
    running.until_written(1);
    running.signal(Signal::SIGINT);
    let turn = running.started()["turn"].as_str().unwrap().to_owned();
    until("the wish", || stage.turn(&["show", &turn]).last("turn")["wish"] == "interrupt");
    running.signal(Signal::SIGINT);
    running.end().assert_end("aborted", 130);
}

/// B5, B11: at whatever moment a stop comes, the agent does not run on, and its end is told once.
#[test]
fn a_stop_at_any_moment_of_a_start_is_a_stop() {
    for round in 0..40 {
        let stage = Stage::new();
        stage.play("a", "init; result-error no").with(&["--parent", "lead", "--max-attempts", "9"]).call();
        let play =
            stage.play("a", "init; hang").with(&["--parent", "lead", "--kill-after", "50ms", "--deadline", "40s"]);
        let mut running = play.begin();
        let pause = rustix::time::Timespec { tv_sec: 0, tv_nsec: round * 500_000 };
        let _ = rustix::event::poll(&mut [], Some(&pause));
        // A stop that came before the turn began is lifted by it: then the next one counts.
        loop {
            let stop = stage.turn(&["stop", "a", "--wait", "30s"]);
            assert_eq!(stop.code, 0, "round {round}: {stop:#?}");
            if stop.last("turn.stopped")["turn"].is_string() || running.child.try_wait().unwrap().is_some() {
                break;
            }
        }
        let end = running.end();
        assert!([143, 76].contains(&end.code), "round {round}: {end:#?}");
        let run = stage.run_of("a");
        assert_eq!(run["state"], "stopped", "round {round}: {end:#?}");
        let told = stage.mails("lead", "worker_died");
        let told = told.iter().filter(|mail| mail["payload"]["run"] == run["run"]).count();
        assert_eq!((told, stage.family.alive()), (1, vec![]), "round {round}: {end:#?}");
        assert_eq!(stage.groups_left(), Vec::<String>::new(), "round {round}: {end:#?}");
    }
}

#[test]
fn a_stop_counts_also_where_a_clock_is_ending_the_turn_already() {
    let stage = Stage::new();
    let script = "ignore INT TERM; init; result-error no; hang";
    let options = ["--grace", "50ms", "--kill-after", "2s", "--max-attempts", "3"];
    let running = stage.play("a", script).with(&options).start();
    until("the wish of the clock", || {
        stage.turn(&["list", "--agent", "a"]).all("turn").iter().any(|turn| turn["wish"] == "grace")
    });
    stage.turn(&["stop", "a", "--why", "enough"]);
    let call = running.end();
    call.assert_end("aborted", 143);
    assert_eq!((&call.ended()["stop_requested"], call.word("message")), (&json!(true), "no"));
    assert_eq!(stage.run_of("a")["state"], "stopped");
}
