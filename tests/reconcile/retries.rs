//! `reconcile retry`: what is due, by which command, and what keeps the rest; and what a cancel leaves.

use serde_json::{Value, json};

use super::{FAILS, deaths, given_up, one, only, play, run_command, told};
use crate::stage::Stage;

const NONE: [Value; 0] = [];

/// The open retry of `a` is due now.
fn make_due(stage: &Stage) {
    stage.sqlite().execute("UPDATE retry SET due_at = 1 WHERE state = 'open'", []).unwrap();
}

#[test]
fn what_may_run_now_is_listed_with_its_command_and_what_may_not_says_why() {
    let stage = Stage::new();
    play(&stage, "a", "3", FAILS).assert_end("failed", 1);
    assert_eq!(told(&stage, &["retry", "due"], "retry"), NONE);
    let held = only(&stage, &["retry", "due", "--all"], "retry");
    assert_eq!((&held["held_by"], &held["run_state"]), (&json!("pause"), &json!("between_turns")));
    make_due(&stage);
    let due = only(&stage, &["retry", "due"], "retry");
    assert_eq!((&due["held_by"], &due["retry"]), (&Value::Null, &json!("y1")), "{due}");
    assert_eq!(due["session"], stage.run_of("a")["session"]);
    let mut words = run_command(&stage, &due);
    let call = stage.call({
        words.env("FAKE_AGENT_SCRIPT", "inline:init; result done");
        words
    });
    call.assert_end("completed", 0);
    assert_eq!((call.word("run"), call.word("resume")), ("r1", "same"), "{call:?}");
    assert_eq!(told(&stage, &["retry", "due", "--all"], "retry"), NONE);
    let taken = only(&stage, &["retry", "list", "--all"], "retry");
    assert_eq!((&taken["state"], &taken["taken_by"], &taken["command"]), (&json!("taken"), &json!("t2"), &json!([])));
    assert_eq!(told(&stage, &["retry", "list"], "retry"), NONE);
}

/// The words say all that the turn was given, and nothing of it is taken for something else.
#[test]
fn the_command_does_the_same_once_more() {
    let stage = Stage::new();
    let folder = stage.name("work");
    std::fs::create_dir(&folder).unwrap();
    let odd = "it's $HOME \"and\"\nmore";
    let script = "printf '%s\\n' \"$PWD\" \"$@\" >>$0; exit 3";
    let seen = stage.name("seen");
    let args = ["run", "--agent", "a", "--max-attempts", "3", "--cwd", &folder, "--deadline", "90s", "--stall", "1h"];
    let rest = ["--kill-after", "1500ms", "--contain", "subreaper", "--", "sh", "-c", script, &seen, "-x", odd];
    stage.turn(&[&args[..], &rest].concat()).assert_end("failed", 1);
    make_due(&stage);
    let due = only(&stage, &["retry", "due"], "retry");
    // From another folder, through a shell, as the page shows it.
    let words: Vec<String> = due["command"].as_array().unwrap().iter().map(quoted).collect();
    let mut shell = stage.command("sh");
    let bin = std::path::Path::new(crate::stage::TURN).parent().unwrap();
    shell.arg("-c").arg(words.join(" ")).current_dir("/");
    shell.env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()));
    let call = stage.call(shell);
    call.assert_end("failed", 1);
    let once = format!("{folder}\n-x\n{odd}\n");
    assert_eq!(std::fs::read_to_string(&seen).unwrap(), format!("{once}{once}"));
    let same = "SELECT count(DISTINCT limits || deadline_ms || contained_by || again || command) FROM turn";
    assert_eq!(one::<i64>(&stage, same), 1);
    assert_eq!(one::<i64>(&stage, "SELECT deadline_ms FROM turn WHERE id = 2"), 90_000);
}

fn quoted(word: &Value) -> String {
    format!("'{}'", word.as_str().unwrap().replace('\'', "'\\''"))
}

#[test]
fn the_prompt_is_that_of_the_turn_whatever_way_it_went_in() {
    for runtime in ["claude", "codex", "gemini", "cursor", "copilot"] {
        let stage = Stage::new();
        let prompt = "'fix'\n\n--that $now";
        let fails = "exit 3";
        let play = stage.play_as(runtime, "a", fails).with(&["--max-attempts", "3"]).prompt(Some(prompt));
        assert_eq!(play.call().code, 1, "{runtime}");
        make_due(&stage);
        let due = only(&stage, &["retry", "due"], "retry");
        let words = due["command"].to_string();
        assert!(words.contains("/logs/t1/prompt") && words.contains(&format!("--runtime={runtime}")), "{words}");
        assert_eq!(std::fs::read_to_string(stage.path("state/logs/t1/prompt")).unwrap(), prompt);
        let mut again = run_command(&stage, &due);
        again.env("FAKE_AGENT_SCRIPT", format!("inline:{fails}"));
        assert_eq!(stage.call(again).code, 1, "{runtime}");
        assert_eq!(std::fs::read_to_string(stage.path("state/logs/t2/prompt")).unwrap(), prompt, "{runtime}");
    }
}

#[test]
fn mail_is_the_prompt_once_more_where_it_was() {
    let stage = Stage::new();
    play(&stage, "a", "3", "init; result done").assert_end("completed", 0);
    stage.mail(&["send", "--from", "operator", "--to", "a", "--subject", "go"]);
    let fails = stage.play("a", FAILS).prompt(None).with(&["--mail", "--max-attempts", "3"]).call();
    fails.assert_end("failed", 1);
    make_due(&stage);
    let due = only(&stage, &["retry", "due"], "retry");
    assert!(due["command"].to_string().contains("\"--mail\""), "{due}");
    let mut again = run_command(&stage, &due);
    again.env("FAKE_AGENT_SCRIPT", "inline:init; result done");
    stage.call(again).assert_end("completed", 0);
}

/// A provider's time, a stop, a person and a turn that runs; pi-crew 54
#[test]
fn what_keeps_a_retry_is_told() {
    let stage = Stage::new();
    play(&stage, "a", "3", FAILS).assert_end("failed", 1);
    let held = || only(&stage, &["retry", "due", "--all"], "retry")["held_by"].clone();
    make_due(&stage);
    assert_eq!(held(), Value::Null);
    let plant = |sql: &str| stage.sqlite().execute(sql, []).unwrap();
    plant("UPDATE run SET held_until = 1000 * (unixepoch() + 3600), held_by_provider = 1, hold = 'limited'");
    assert_eq!(held(), "provider");
    plant("UPDATE run SET hold = 'needs_human'");
    assert_eq!(held(), "needs_human");
    plant("INSERT INTO agent (name, stops) VALUES ('a', 1) ON CONFLICT (name) DO UPDATE SET stops = lifted + 1");
    assert_eq!(held(), "stop");
    assert_eq!(told(&stage, &["retry", "due"], "retry"), NONE);
    plant("UPDATE turn SET outcome = NULL, ended_at = NULL, ended = NULL");
    assert_eq!(held(), "open_turn");
}

/// pi-crew 55, Q5: a cancel is no failure.
#[test]
fn a_cancel_ends_the_run_as_its_last_failure_would_have_tells_the_parent_once_and_is_no_dead_letter() {
    for (script, state) in [(FAILS, "failed"), ("init; die KILL", "failed"), ("init; kill-parent; hang", "crashed")] {
        let stage = Stage::new();
        play(&stage, "a", "3", script);
        assert_eq!(deaths(&stage), 0);
        for round in 0..3 {
            let subject = ["r1", "y1", "r1"][round];
            let retry = only(&stage, &["retry", "cancel", subject, "--why", &format!("why {round}")], "retry");
            assert_eq!((&retry["state"], &retry["run_state"]), (&json!("cancelled"), &json!(state)), "{retry}");
            let by = (&retry["cancelled_by"], &retry["cancelled_why"]);
            assert_eq!(by, (&json!("operator"), &json!("why 0")), "the first stays");
            assert_eq!((deaths(&stage), one::<i64>(&stage, "SELECT count(*) FROM dead_letter")), (1, 0), "{state}");
        }
        let mail = &stage.mails("lead", "worker_died")[0];
        assert!(mail["body"].as_str().unwrap().contains("not tried again: why 0"), "{mail}");
        assert_eq!((&mail["payload"]["run"], &mail["turn"]), (&json!("r1"), &Value::Null));
        assert_eq!(stage.run_of("a")["attempts"], 1);
    }
}

#[test]
fn what_is_taken_or_over_is_not_cancelled() {
    let stage = Stage::new();
    play(&stage, "a", "2", FAILS).assert_end("failed", 1);
    let running = stage.play("a", "init; hang").start();
    stage.reconcile(&["retry", "cancel", "y1", "--why", "x"]).assert_refused(75, "t2 has no outcome yet");
    stage.turn(&["stop", "a"]);
    running.end();
    stage.reconcile(&["retry", "cancel", "r1", "--why", "x"]).assert_refused(76, "y1 of r1 is taken by t2");
    play(&stage, "b", "2", FAILS).assert_end("failed", 1);
    stage.turn(&["stop", "b"]);
    stage.reconcile(&["retry", "cancel", "r2", "--why", "x"]).assert_refused(76, "cancelled by the end of r2");
    play(&stage, "c", "1", "init; result done").assert_end("completed", 0);
    stage.reconcile(&["retry", "cancel", "r3", "--why", "x"]).assert_refused(76, "is not to be tried again: completed");
    for gone in ["r99", "y99"] {
        stage.reconcile(&["retry", "cancel", gone, "--why", "x"]).assert_refused(66, gone);
    }
}

/// A reopened run that nothing has run of: its parent has heard of its end.
#[test]
fn to_cancel_a_reopening_is_to_leave_the_end_as_it_was() {
    let stage = given_up();
    assert_eq!(deaths(&stage), 1);
    only(&stage, &["reopen", "r1", "--why", "x"], "run.reopened");
    let retry = only(&stage, &["retry", "cancel", "r1", "--why", "no"], "retry");
    assert_eq!((&retry["run_state"], &retry["class"], &retry["turn"]), (&json!("failed"), &Value::Null, &Value::Null));
    assert_eq!(deaths(&stage), 1, "it hears nothing new");
}
