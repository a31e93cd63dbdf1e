//! Sessions: chosen or learned, stored, resumed, contradicted, and refused. A resume that did not happen is never silent.

use serde_json::{Value, json};

use crate::stage::{Call, Running, Stage, TURN};

/// The arguments the agent was started with.
fn args(stage: &Stage) -> Vec<String> {
    std::fs::read_to_string(stage.path("args")).unwrap().lines().map(str::to_owned).collect()
}

/// What follows this word among them.
fn after(args: &[String], word: &str) -> Option<String> {
    args.iter().position(|arg| arg == word).map(|index| args[index + 1].clone())
}

/// A turn that leaves the run open.
fn unfinished(stage: &Stage, runtime: &str, lines: &str) -> Call {
    let script = format!("record-args {}; {lines}; exit 1", stage.name("args"));
    stage.play_as(runtime, "a", &script).with(&["--max-attempts", "9"]).call()
}

fn thread(id: &str) -> String {
    format!(r#"line {{"type":"thread.started","thread_id":"{id}"}}; line {{"type":"turn.started"}}"#)
}

/// T4
#[test]
fn a_program_that_chooses_the_session_starts_without_one_and_resumes_its_own() {
    let stage = Stage::new();
    let call = unfinished(&stage, "codex", &thread("s-1"));
    assert_eq!((call.word("resume"), &call.ended()["session_asked"]), ("fresh", &Value::Null));
    assert_eq!(call.word("session_seen"), "s-1");
    assert!(!args(&stage).contains(&"resume".into()), "{:?}", args(&stage));

    let call = unfinished(&stage, "codex", &thread("s-1"));
    assert_eq!((call.word("resume"), call.word("session_asked")), ("same", "s-1"));
    assert_eq!(after(&args(&stage), "resume").as_deref(), Some("s-1"));
    assert!(!call.stderr.contains("warning"), "{}", call.stderr);
}

/// T4
#[test]
fn a_session_that_the_caller_chooses_is_recorded_before_the_start_and_resumed() {
    let stage = Stage::new();
    let first = unfinished(&stage, "claude", "exit 1");
    let chosen = after(&args(&stage), "--session-id").unwrap();
    assert_eq!(first.last("turn.started")["session_asked"], json!(chosen));
    assert_eq!(stage.run_of("a")["session"], json!(chosen), "it died at once and can be resumed");

    let second = unfinished(&stage, "claude", "init");
    assert_eq!(after(&args(&stage), "--resume").as_deref(), Some(chosen.as_str()));
    assert_eq!(after(&args(&stage), "--session-id"), None);
    assert_eq!((second.word("resume"), second.word("session_seen")), ("same", chosen.as_str()));
}

/// A new session that never came to be takes nothing from the one that is there.
#[test]
fn a_fresh_session_that_was_never_used_leaves_the_good_one() {
    let stage = Stage::new();
    unfinished(&stage, "claude", "init s-1; result-error no");
    let fresh = ["--runtime", "claude", "--prompt", "x", "--resume", "never", "--program", "/nowhere/claude"];
    stage.turn(&[&["run", "--agent", "a"], &fresh[..]].concat()).assert_end("spawn_failed", 127);
    assert_eq!(stage.run_of("a")["session"], "s-1");
}

/// T3
#[test]
fn the_session_to_resume_is_read_under_the_lock() {
    let stage = Stage::new();
    let first = stage.play_as("codex", "a", &format!("{}; wait-file {}; exit 1", thread("s-1"), stage.name("go")));
    let first = first.with(&["--max-attempts", "9"]).start();
    // The second one is called while the run knows no session at all.
    let second = format!("record-args {}; {}; exit 1", stage.name("args"), thread("s-1"));
    let mut second = stage.play_as("codex", "a", &second).begin();
    until_waits_for_the_lock(&stage, &second);
    std::fs::write(stage.path("go"), "").unwrap();
    first.end();
    second.until("turn.started");
    assert_eq!(second.started()["session_asked"], json!("s-1"));
    second.end();
    assert_eq!(after(&args(&stage), "resume").as_deref(), Some("s-1"));
}

/// It has the lock file open and has not got it: the kernel lists it as waiting.
pub(super) fn until_waits_for_the_lock(stage: &Stage, running: &Running) {
    let pid = running.child.id();
    let fds = format!("/proc/{pid}/fd");
    let lock = stage.path("state");
    crate::stage::until("the wait for the lock", || {
        let Ok(open) = std::fs::read_dir(&fds) else { return false };
        let mut targets = open.flatten().filter_map(|fd| std::fs::read_link(fd.path()).ok());
        targets.any(|target| target.starts_with(&lock) && target.extension().is_some_and(|end| end == "turn"))
    });
}

/// T5
#[test]
fn another_session_than_the_asked_one_is_told_and_taken_only_with_a_terminal_result() {
    let stage = Stage::new();
    unfinished(&stage, "claude", "init s-1; result-error no");
    assert_eq!(stage.run_of("a")["session"], "s-1");

    let call = unfinished(&stage, "claude", "init s-2");
    assert_eq!(
        (call.word("resume"), call.word("session_asked"), call.word("session_seen")),
        ("mismatch", "s-1", "s-2")
    );
    assert!(call.stderr.contains("warning: asked to resume session s-1, the stream names s-2"), "{}", call.stderr);
    assert_eq!(stage.run_of("a")["session"], "s-1", "a first line is no session");

    let call = unfinished(&stage, "claude", "init s-2; result-error no");
    assert_eq!(call.word("resume"), "mismatch");
    assert_eq!(stage.run_of("a")["session"], "s-2");
    assert_eq!(unfinished(&stage, "claude", "init s-2").word("resume"), "same");
}

/// B10
#[test]
fn a_refused_session_gets_one_fresh_try_in_the_same_call_whose_outcome_counts() {
    let stage = Stage::new();
    unfinished(&stage, "codex", &thread("gone"));
    // Refuses whoever resumes, and serves whoever does not.
    let script = stage.name("codex");
    let serve = r#"printf '%s\n' '{"type":"thread.started","thread_id":"new"}' '{"type":"turn.completed"}'"#;
    let refuse = "echo 'Error: thread/resume failed: no rollout found for thread id gone' >&2; exit 1";
    let text =
        format!("#!/bin/sh\necho turn >> {}\nif [ \"$2\" = resume ]; then {refuse}; fi\n{serve}\n", stage.name("log"));
    crate::support::executable(script.as_ref(), &text);
    let mut command = stage.command(TURN);
    command.args(["run", "--agent", "a", "--runtime", "codex", "--prompt", "hi", "--program", &script]);
    let call = stage.call(command);
    let ends = call.all("turn.ended");
    assert_eq!((&ends[0]["outcome"], &ends[0]["session_asked"]), (&json!("resume_refused"), &json!("gone")));
    call.assert_end("completed", 0);
    assert_eq!((ends.len(), &call.ended()["resume"]), (2, &json!("fresh")));
    assert_eq!(stage.run_of("a")["session"], "new");
    assert_eq!(std::fs::read_to_string(stage.path("log")).unwrap().lines().count(), 2);
}

/// B10
#[test]
fn a_program_that_refuses_everything_is_started_twice_and_the_session_is_forgotten() {
    let stage = Stage::new();
    unfinished(&stage, "codex", &thread("gone"));
    let refuse = format!("append {} x; err no rollout found for thread id gone; exit 1", stage.name("starts"));
    let call = stage.play_as("codex", "a", &refuse).call();
    assert_eq!(call.all("turn.ended").len(), 2);
    call.assert_end("failed", 1);
    assert_eq!(std::fs::read_to_string(stage.path("starts")).unwrap().lines().count(), 2);
    assert_eq!(stage.run_of("a")["session"], Value::Null);
    assert_eq!(stage.play_as("codex", "a", &refuse).call().all("turn.ended").len(), 1, "nothing to resume any more");
}

#[test]
fn a_new_run_is_a_fresh_session_unless_it_continues() {
    let stage = Stage::new();
    stage.play("a", "init s-1; result done").call().assert_end("completed", 0);
    let fresh = stage.play("a", "init; result done").call();
    assert_ne!(fresh.word("session_asked"), "s-1");
    let last = fresh.word("session_seen").to_owned();
    let on = stage.play("a", "init; result done").with(&["--continue"]).call();
    assert_eq!((on.word("resume"), on.word("session_asked")), ("same", last.as_str()));
    let never = stage.play("a", "init; result done").with(&["--continue", "--resume", "never"]).call();
    assert_eq!(never.word("resume"), "fresh");
}

/// What a stream calls its session becomes a word of the next command.
#[test]
fn a_session_that_is_no_id_never_reaches_a_command_line() {
    let stage = Stage::new();
    for (agent, hostile) in [("a", r"s\u0000--rm"), ("b", "--help"), ("c", r"s\ns")] {
        let result = format!(r#"{{"type":"result","subtype":"success","is_error":true,"session_id":"{hostile}"}}"#);
        let call = stage.play(agent, &format!("line {result}; exit 1")).with(&["--max-attempts", "3"]).call();
        let asked = call.assert_end("failed", 1).ended()["session_asked"].clone();
        let args = stage.name(agent);
        let next = stage.play(agent, &format!("record-args {args}; init; result done")).call();
        assert_eq!(next.assert_end("completed", 0).ended()["session_asked"], asked);
        let given = std::fs::read_to_string(args).unwrap();
        assert!(given.ends_with(&format!("--resume\n{}\n", asked.as_str().unwrap())), "{given}");
    }
}
