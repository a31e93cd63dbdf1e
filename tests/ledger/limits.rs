//! A run that its provider holds back: refused early and for nothing, until the time is there.

use std::process::Stdio;

use refloat::clock::Stamp;
use serde_json::{Value, json};

use super::{dead_letters, faketime, later, limited, millis, retries};
use crate::stage::{Play, Stage};

/// Limited until so many seconds from now; returns when that is.
fn limited_for(stage: &Stage, agent: &str, seconds: i64) -> String {
    let until = Stamp::now().millis() / 1000 + seconds;
    let call = stage.play(agent, &limited(Some(until))).call();
    call.assert_end("limited", 75);
    assert_eq!(millis(&call.ended()["retry_at"]), until * 1000);
    call.word("retry_at").to_owned()
}

fn turns(stage: &Stage) -> usize {
    stage.turn(&["list"]).records.len()
}

#[test]
fn a_limited_run_refuses_a_turn_with_the_time_and_starts_nothing() {
    let stage = Stage::new();
    let until = limited_for(&stage, "a", 3 * 24 * 3600);
    let before = stage.run_of("a");
    let ran = format!("touch {}; init; result done", stage.name("ran"));
    for _ in 0..2 {
        stage.play("a", &ran).call().assert_refused(75, &until);
    }
    assert!(!stage.path("ran").exists());
    assert_eq!((turns(&stage), stage.run_of("a")), (1, before), "no turn, no attempt, no other state");
    let [retry] = &retries(&stage, "a")[..] else { panic!() };
    assert_eq!(
        (&retry["state"], &retry["by_provider"], &retry["due_at"]),
        (&json!("open"), &json!(true), &json!(until))
    );

    stage.play("a", &ran).with(&["--now"]).call().assert_end("completed", 0);
    assert!(stage.path("ran").exists());
    assert_eq!(retries(&stage, "a")[0]["state"], "taken");
}

#[test]
fn a_limited_run_starts_no_shim_for_the_turn_that_it_refuses() {
    let stage = Stage::new();
    let until = limited_for(&stage, "a", 3600);
    if !super::can_trace() {
        return;
    }
    let log = stage.path("strace.log");
    let mut command = stage.command("strace");
    command.args(["-qq", "-f", "-e", "trace=execve", "-o"]).arg(&log).arg(crate::stage::TURN);
    command.args(["run", "--agent", "a", "--runtime", "claude", "--prompt", "x"]);
    stage.call(command).assert_refused(75, &until);
    let programs = std::fs::read_to_string(log).unwrap();
    assert_eq!(programs.lines().filter(|line| line.contains("execve(")).count(), 1, "{programs}");
}

/// A prompt that somebody is still writing is not waited for.
#[test]
fn a_prompt_on_stdin_is_not_read_for_a_turn_that_is_refused() {
    let stage = Stage::new();
    let until = limited_for(&stage, "a", 3600);
    let refused = |options: &[&str]| {
        // A writer that never ends, as far as the command can see; `timeout` ends one that waits for it.
        let mut command = stage.command("timeout");
        command.args(["-s", "KILL", "20", crate::stage::TURN, "run", "--agent", "a", "--runtime", "claude"]);
        command.args(["--prompt-file", "-"]).args(options);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let writer = child.stdin.take();
        let output = child.wait_with_output().unwrap();
        drop(writer);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = refused(&[]);
    assert!(code == Some(75) && said.contains(&until), "{said}");
    let (code, said) = refused(&["--task", "another"]);
    assert!(code == Some(76) && said.contains("another"), "what waiting does not help comes first: {said}");
    // Another run's limit is not asked about; its own prompt is.
    let empty = stage.play("b", "init; result done").prompt(None).with(&["--prompt-file", "-"]).call();
    assert_eq!((empty.word("outcome"), empty.code), ("empty", 0));
    let empty = stage.play("a", "init").prompt(Some("")).call();
    assert_eq!((empty.word("outcome"), empty.code), ("empty", 0), "an empty prompt starts nothing and is not refused");
}

/// The agent's turn so much later, as the wall clock has it.
fn at<'s>(stage: &'s Stage, library: &std::path::Path, by: &str, script: &str) -> Play<'s> {
    let mut play = stage.play("a", script);
    later(&mut play.command, library, by);
    play
}

/// field 43
#[test]
fn after_the_providers_time_the_turn_runs_and_one_that_is_limited_still_backs_off() {
    let Some(library) = faketime() else { return };
    let stage = Stage::new();
    let until = limited_for(&stage, "a", 7200);
    at(&stage, &library, "+1h", "init; result done").call().assert_refused(75, &until);
    // The limit that it tells now is the one that has passed.
    let past = limited(Some(until.parse::<Stamp>().unwrap().millis() / 1000));
    for (by, number) in [("+3h", 1), ("+4h", 2)] {
        at(&stage, &library, by, &past).call().assert_end("limited", 75);
        let newest = retries(&stage, "a").pop().unwrap();
        assert_eq!((&newest["by_provider"], &newest["in_a_row"]), (&json!(false), &json!(number)), "{newest}");
        assert_eq!(newest["since"], json!(until), "what the provider asked to wait is not counted");
        let pause = millis(&newest["due_at"]) - millis(&newest["opened_at"]);
        let whole = 30_000 * number;
        assert!((whole * 3 / 4..=whole).contains(&pause), "{pause}");
    }
    at(&stage, &library, "+5h", "init; result done").call().assert_end("completed", 0);
    assert_eq!(stage.run_of("a")["state"], "completed");
}

#[test]
fn a_limit_that_a_wrong_clock_put_years_ahead_holds_nobody_once_the_clock_is_right() {
    let Some(library) = faketime() else { return };
    let stage = Stage::new();
    let reset = Stamp::now().millis() / 1000 + 1100 * 86_400 + 3600;
    at(&stage, &library, "+1100d", &limited(Some(reset))).call().assert_end("limited", 75);
    at(&stage, &library, "+1100d", "init; result done").call().assert_refused(75, "is limited by its provider");
    stage.play("a", "init; result done").call().assert_end("completed", 0);
}

/// field 36
#[test]
fn a_run_that_was_tried_for_a_day_is_given_up_though_attempts_are_left() {
    let Some(library) = faketime() else { return };
    for script in ["init; result-error no".to_owned(), limited(None)] {
        let stage = Stage::new();
        let options = ["--max-attempts", "9", "--parent", "lead", "--capability", "none"];
        for by in ["+0h", "+23h"] {
            at(&stage, &library, by, &script).with(&options).call();
            assert_eq!(dead_letters(&stage, "a"), [] as [Value; 0], "{by}");
        }
        assert_eq!(stage.mails("lead", "worker_died").len(), 0);
        at(&stage, &library, "+25h", &script).with(&options).call();
        assert_eq!(stage.run_of("a")["state"], "failed", "{script}");
        let [dead] = &dead_letters(&stage, "a")[..] else { panic!("{script}") };
        assert_eq!((&dead["cause"], &dead["opened_by"]), (&json!("max_time"), &json!("t3")), "{dead}");
        assert!(dead["attempts"].as_i64() < Some(9), "{dead}");
        assert_eq!(stage.mails("lead", "worker_died").len(), 1);
        assert!(retries(&stage, "r1").iter().all(|retry| retry["state"] == "taken"));
    }
}
