//! What is owed decides over the end: a good one without it is none, finished work is not thrown away.

use nix::sys::signal::Signal;
use serde_json::json;

use super::{DONE, assert_end, copy, owing, play, work, write};
use crate::stage::Stage;

#[test]
fn a_failure_for_what_is_missing_names_each_thing_and_costs_an_attempt() {
    let stage = Stage::new();
    let play = owing(&stage, "init; result done", &["file:./x", "file:y", "result:r"]);
    let call = play.with(&["--max-attempts", "2", "--parent", "lead", "--capability", "none"]).call();
    call.assert_end("failed", 1);
    let folder = stage.name("").trim_end_matches('/').to_owned();
    let message = call.word("message");
    for name in ["x", "y", "r"] {
        assert!(message.contains(&format!("{folder}/{name}: not there")), "{message}");
        assert!(call.stderr.contains(&format!("{folder}/{name}: not there")), "{}", call.stderr);
    }
    let ended = call.ended();
    assert_eq!((&ended["state_after"], &ended["outcome_source"]), (&json!("between_turns"), &json!("expectation")));
    assert_eq!((&ended["clean_result"], ended["retry_at"].is_string()), (&json!(true), true), "{ended}");
    let last = stage.play("a", "init; result done").call();
    assert_eq!(last.assert_end("failed", 1).word("state_after"), "failed");
    let [mail] = &stage.mails("lead", "worker_died")[..] else { panic!() };
    assert!(mail["body"].as_str().unwrap().contains("not there"), "{mail}");
}

/// The same with the exit code as the agent's only word.
#[test]
fn plain_commands_owe_too_and_their_exit_code_is_never_overruled() {
    let stage = Stage::new();
    let folder = stage.name("");
    let plain = |script: &str, expect: &str| {
        stage.turn(&["run", "--agent", "a", "--cwd", &folder, "--expect", expect, "--", "sh", "-c", script])
    };
    assert_end(&plain("true", "file:out"), "failed", "expectation_missing", "not_reached");
    assert_end(&plain("echo 1 > out", "file:out"), "completed", "exit_code", "reached");
    let call = plain(r#"echo '{"status":"done"}' > r; exit 3"#, "result:r");
    assert_end(&call, "failed", "exit_code", "reached");
    let call = plain(r#"echo '{"status":"ok"}' > r; kill -KILL $$"#, "result:r");
    assert_end(&call, "completed", "expectation_met", "reached");
}

/// bmad 41; 34: finished work is not thrown away.
#[test]
fn an_agent_that_dies_after_its_result_has_finished_and_one_that_left_only_a_file_has_not() {
    let ends = [("die KILL", "killed", 137), ("exit 0", "no_result", 1), ("kill-parent; hang", "lost", 125)];
    for (end, outcome, code) in ends {
        let stage = Stage::new();
        write(&stage, "text", DONE);
        let script = format!("init; {}; {end}", copy(&stage, "text", "r"));
        let call = play(&stage, &script, &["file:r"]);
        call.assert_end(outcome, code);
        assert_end(&call, outcome, call.word("cause"), "reached");
        stage.turn(&["stop", "a"]);
        std::fs::remove_file(stage.path("r")).unwrap();

        let call = play(&stage, &script, &["result:r"]);
        assert_end(call.assert_end("completed", 0), "completed", "expectation_met", "reached");
        let ended = call.ended();
        assert_eq!((&ended["clean_result"], &ended["outcome_source"]), (&json!(false), &json!("expectation")));
        assert_eq!(stage.run_of("a")["state"], "completed");
        // Left over, it adopts nothing.
        play(&stage, &format!("init; {end}"), &["result:r"]).assert_end(outcome, code);
    }
}

#[test]
fn a_clock_or_a_stop_after_the_result_loses_no_work_and_an_error_result_is_never_overruled() {
    let stage = Stage::new();
    write(&stage, "text", DONE);
    let does = copy(&stage, "text", "r");
    let remove = || std::fs::remove_file(stage.path("r")).unwrap();
    let slow = owing(&stage, &format!("init; {does}; hang"), &["result:r"]);
    assert_end(&slow.with(&["--deadline", "1s"]).call(), "completed", "expectation_met", "reached");
    remove();
    let slow = owing(&stage, &format!("init; {does}; hang"), &["result:r"]).start();
    crate::stage::until("the result", || stage.path("r").exists());
    stage.turn(&["stop", "a"]);
    let stopped = slow.end();
    assert_end(&stopped, "completed", "expectation_met", "reached");
    assert_eq!(stopped.word("state_after"), "stopped");
    remove();
    let slow = owing(&stage, &format!("init; {does}; result-error no; hang"), &["result:r"]).start();
    let stream = slow.log("stream.jsonl");
    crate::stage::until("the error", || std::fs::read_to_string(&stream).unwrap().contains("\"is_error\":true"));
    stage.turn(&["stop", "a"]);
    assert_end(&slow.end(), "aborted", "stop", "reached");
    remove();
    let call = play(&stage, &format!("init; {does}; result-error no"), &["result:r"]);
    assert_end(&call, "failed", "error_result", "reached");
    remove();
    let limit = crate::support::capture("claude/401");
    let call = play(&stage, &format!("{does}; replay {}", limit.display()), &["result:r"]);
    assert_end(&call, "auth", "credentials", "reached");
}

#[test]
fn adopted_work_without_the_mail_that_is_owed_is_silent() {
    let stage = Stage::new();
    write(&stage, "text", DONE);
    let script = format!("init; {}; die KILL", copy(&stage, "text", "r"));
    let call = owing(&stage, &script, &["result:r"]).with(&["--parent", "lead"]).call();
    assert_end(call.assert_end("silent", 1), "silent", "terminal_mail_missing", "reached");
    assert_eq!((call.word("state_after"), stage.mails("lead", "worker_died").len()), ("completed", 1));
}

#[test]
fn who_waits_owes_nothing_yet() {
    let stage = Stage::new();
    stage.play("b", "init; result-error no").with(&["--parent", "a", "--max-attempts", "2"]).call();
    let call = work(&stage, "say dispatched", &["file:f"]);
    assert_end(call.assert_end("waiting", 0), "waiting", "open_children", "not_reached");
}

#[test]
fn the_end_of_a_turn_that_nobody_watched_looks_too() {
    let stage = Stage::new();
    write(&stage, "text", DONE);
    let script = format!("init; wait-file {}; {}; die KILL", stage.name("go"), copy(&stage, "text", "r"));
    let running = owing(&stage, &script, &["result:r"]).start();
    running.signal(Signal::SIGHUP);
    assert_eq!(running.end().code, 75);
    write(&stage, "go", "");
    let call = stage.turn(&["attach", "a"]);
    assert_end(call.assert_end("completed", 0), "completed", "expectation_met", "reached");
}

/// field 49: what is done is not done again, whoever died; the next command looks before it starts anything.
#[test]
fn work_that_was_done_before_everybody_died_is_not_dispatched_again() {
    is_not_done_again(&["--run", "r1"], 76, "run r1 has ended: completed");
    is_not_done_again(&[], 0, "r1 of a has ended: its turn is gone, and its work is done");
    is_not_done_again(&["--expect", "result:r"], 0, "no turn was run; the next one opens a new run");
}

fn is_not_done_again(with: &[&str], code: i32, said: &str) {
    let stage = Stage::new();
    write(&stage, "text", DONE);
    let script = format!("init; {}; hang", copy(&stage, "text", "r"));
    let running = owing(&stage, &script, &["result:r"]).start();
    crate::stage::until("the result", || std::fs::read_to_string(stage.path("r")).is_ok_and(|text| text == DONE));
    let shim = running.started()["shim_pid"].as_i64().unwrap();
    running.signal(Signal::SIGKILL);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(shim.try_into().unwrap()), Signal::SIGKILL).unwrap();
    running.wait_killed();
    let again = format!("touch {}; init; result done", stage.name("again"));
    let call = stage.play("a", &again).with(&["--cwd", &stage.name("")]).with(with).call();
    call.assert_refused(code, said);
    assert_end(&call, "completed", "expectation_met", "reached");
    assert!(!stage.path("again").exists());
    // The next one is new work.
    let call = stage.play("a", &again).call();
    assert_eq!((call.assert_end("completed", 0).word("run"), stage.path("again").exists()), ("r2", true));
}
