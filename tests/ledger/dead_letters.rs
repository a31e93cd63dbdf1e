//! Dead letters: what is given up, and what a later success makes of it.

use serde_json::{Value, json};

use super::{dead_letters, play};
use crate::stage::Stage;

const NONE: [Value; 0] = [];

/// pi-crew 69
#[test]
fn a_run_whose_attempts_are_used_up_has_one_dead_letter() {
    let ends = [
        ("init; result-error no", "failed", "no"),
        ("init; exit 0", "no_result", "no_terminal_event"),
        ("init; die KILL", "killed", "signal 9"),
        ("init; kill-parent; hang", "lost", "shim_died"),
    ];
    for (script, outcome, words) in ends {
        let stage = Stage::new();
        for attempt in 1..=2 {
            let call = stage.play("a", script).with(&["--max-attempts", "2"]).call();
            assert_eq!(call.word("outcome"), outcome, "{call:?}");
            assert_eq!(dead_letters(&stage, "a").len(), attempt - 1, "{outcome}: after attempt {attempt}");
        }
        let [dead] = &dead_letters(&stage, "a")[..] else { panic!("{outcome}") };
        assert_eq!((&dead["run"], &dead["mail"]), (&json!("r1"), &Value::Null), "{dead}");
        assert_eq!((&dead["cause"], &dead["opened_by"]), (&json!("max_attempts"), &json!("t2")), "{dead}");
        assert_eq!((&dead["attempt"], &dead["attempts"]), (&json!(2), &json!(2)), "{dead}");
        assert!(dead["last_error"].as_str().unwrap().contains(words), "{dead}");
        assert!(dead["log_dir"].as_str().unwrap().ends_with("logs/t2"), "{dead}");
        assert_eq!(dead["run_state"], stage.run_of("a")["state"]);
        assert_eq!(dead_letters(&stage, "t2").len(), 1);
        assert_eq!(dead_letters(&stage, "t1"), NONE);
    }
}

#[test]
fn a_program_that_cannot_be_started_is_given_up_too() {
    let stage = Stage::new();
    let call = stage.turn(&["run", "--agent", "a", "--", "/nowhere/program"]);
    call.assert_end("spawn_failed", 127);
    let [dead] = &dead_letters(&stage, "a")[..] else { panic!() };
    assert_eq!((&dead["cause"], &dead["attempts"]), (&json!("max_attempts"), &json!(1)), "{dead}");
    assert!(dead["last_error"].as_str().unwrap().contains("program_not_found"), "{dead}");
}

/// A bare exit code tells nobody anything.
#[test]
fn an_exit_code_stands_with_the_last_line_of_stderr() {
    let stage = Stage::new();
    let work = "echo working; echo 'make: no rule for token=hunter2' >&2; echo >&2; exit 2";
    stage.turn(&["run", "--agent", "a", "--", "sh", "-c", work]).assert_end("failed", 1);
    let [dead] = &dead_letters(&stage, "a")[..] else { panic!() };
    let error = "failed (exit_code), exit code 2; stderr ends: make: no rule for token=[redacted]";
    assert_eq!(dead["last_error"], error, "{dead}");
}

/// pi-crew 55: a cancel is no failure, and what only ran too long was told to its parent.
#[test]
fn what_was_stopped_stalled_or_refused_is_no_dead_letter() {
    let stage = Stage::new();
    stage.play("a", "init; hang").with(&["--stall", "200ms"]).call().assert_end("stalled", 124);
    let running = stage.play("b", "init; hang").start();
    stage.turn(&["stop", "b"]);
    running.end().assert_end("aborted", 143);
    let capture = crate::support::capture("claude/401");
    stage.play("c", &format!("replay {}", capture.display())).call().assert_end("auth", 77);
    for agent in ["a", "b", "c"] {
        assert_eq!(dead_letters(&stage, agent), NONE, "{agent}");
    }
}

/// pi-crew 60
#[test]
fn a_later_success_of_the_same_task_resolves_it_and_another_does_not() {
    let stage = Stage::new();
    let work = |agent: &str, task: Option<&str>, script: &str| {
        let task: Vec<&str> = task.iter().flat_map(|task| ["--task", task]).collect();
        stage.play(agent, script).with(&task).call()
    };
    work("a", Some("login"), "init; result-error no").assert_end("failed", 1);
    work("a", None, "init; result-error no").assert_end("failed", 1);
    work("b", Some("login"), "init; result-error no").assert_end("failed", 1);
    let resolved = |run: &str| dead_letters(&stage, run)[0]["resolved_by"].clone();
    work("a", Some("logout"), "init; result done").assert_end("completed", 0);
    assert_eq!([resolved("r1"), resolved("r2"), resolved("r3")], [Value::Null, Value::Null, Value::Null]);
    work("a", Some("login"), "init; result done").assert_end("completed", 0);
    assert_eq!([resolved("r1"), resolved("r2"), resolved("r3")], [json!("t5"), Value::Null, Value::Null]);
    work("a", None, "init; result done").assert_end("completed", 0);
    assert_eq!([resolved("r1"), resolved("r2"), resolved("r3")], [json!("t5"), json!("t6"), Value::Null]);
    let [dead] = &dead_letters(&stage, "r1")[..] else { panic!() };
    assert!(dead["resolved_at"].is_string() && dead["acknowledged_at"].is_null(), "{dead}");
    assert_eq!(dead["run_state"], "failed", "the run itself stays what it was");
}

/// field 54, 55
#[test]
fn mail_for_a_run_that_has_ended_is_a_dead_letter_of_that_run() {
    let stage = Stage::new();
    play(&stage, "lead", "init; result done").assert_end("completed", 0);
    let send =
        |kind: &str| stage.mail(&["send", "--from", "b", "--to", "run:r1", "--type", kind, "--subject", "it is done"]);
    assert_eq!(send("worker_done").last("mail.sent")["state"], "dead");
    let [dead] = &dead_letters(&stage, "r1")[..] else { panic!() };
    assert_eq!((&dead["mail"], &dead["run"]), (&json!("m1"), &Value::Null), "{dead}");
    assert_eq!((&dead["cause"], &dead["agent"]), (&json!("stale_generation"), &json!("lead")), "{dead}");
    assert_eq!((&dead["run_state"], &dead["log_dir"]), (&json!("completed"), &Value::Null), "{dead}");
    // One that is refused is not stored, and no dead letter.
    assert_eq!(send("status").code, 76);
    assert_eq!(dead_letters(&stage, "r1").len(), 1);
    assert_eq!(dead_letters(&stage, "t1"), NONE, "no turn has sent it");
}
