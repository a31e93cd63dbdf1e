//! Terminal mail: what ends a worker's run, and what its parent hears. Exactly one notice for each end.

use serde_json::{Value, json};

use crate::stage::{Call, MAIL, Stage};

const BUILDER: [&str; 2] = ["--parent", "lead"];

/// A turn of a child of `lead` that does this and ends well.
fn work(stage: &Stage, agent: &str, steps: &str, args: &[&str]) -> Call {
    stage.play(agent, &format!("init; {steps}; result done")).with(&BUILDER).with(args).call()
}

fn died(stage: &Stage) -> Vec<Value> {
    stage.mails("lead", "worker_died")
}

/// T7
#[test]
fn terminal_mail_of_the_turn_completes_the_run_and_nobody_dies() {
    let stage = Stage::new();
    for kind in ["worker_done", "result"] {
        let call = work(&stage, "a", &stage.sends("lead", kind), &[]);
        call.assert_end("completed", 0);
        assert!(call.ended()["terminal_mail"].is_string(), "{call:?}");
    }
    assert_eq!(died(&stage), [] as [Value; 0]);
    assert_eq!(stage.run_of("a")["terminal_mail_missing"], false);
}

/// T8
#[test]
fn terminal_mail_of_an_earlier_turn_does_not_count() {
    let stage = Stage::new();
    let script = format!("init; {}; result-error no", stage.sends("lead", "worker_done"));
    stage.play("a", &script).with(&BUILDER).call().assert_end("failed", 1);
    work(&stage, "a", "say nothing", &[]).assert_end("silent", 1);
    assert_eq!(died(&stage).len(), 1);
}

/// T8
#[test]
fn terminal_mail_that_somebody_else_wrote_in_the_agents_name_does_not_count() {
    let stage = Stage::new();
    let running = stage.play("a", &format!("init; wait-file {}; result done", stage.name("go"))).with(&BUILDER).start();
    let sent = stage.mail(&["send", "--from", "a", "--to", "lead", "--type", "worker_done", "--subject", "done"]);
    assert_eq!(sent.code, 0, "{sent:?}");
    std::fs::write(stage.path("go"), "").unwrap();
    running.end().assert_end("silent", 1);
}

/// T9
#[test]
fn each_capability_owes_its_own_mail() {
    let stage = Stage::new();
    let rows = [
        ("merger", "merged", "completed"),
        ("merger", "merge_failed", "completed"),
        ("merger", "worker_done", "silent"),
        ("merger", "result", "silent"),
        ("scout", "result", "completed"),
        ("reviewer", "worker_done", "completed"),
        ("lead", "result", "completed"),
        ("builder", "merged", "silent"),
        ("builder", "status", "silent"),
        ("none", "status", "completed"),
    ];
    for (index, (capability, kind, outcome)) in rows.into_iter().enumerate() {
        let agent = format!("a{index}");
        let call = work(&stage, &agent, &stage.sends("lead", kind), &["--capability", capability]);
        assert_eq!(call.word("outcome"), outcome, "{capability} sends {kind}: {call:#?}");
        assert_eq!(call.ended()["terminal_mail_missing"], json!(outcome == "silent"));
    }
    work(&stage, "b", "say hi", &["--capability", "wizard"]).assert_refused(2, "wizard");
}

#[test]
fn terminal_mail_to_somebody_else_does_not_count() {
    let stage = Stage::new();
    work(&stage, "a", &stage.sends("operator", "worker_done"), &[]).assert_end("silent", 1);
}

/// T10
#[test]
fn silence_is_told_to_the_parent_once_with_the_reason() {
    let stage = Stage::new();
    let call = work(&stage, "a", "say nothing", &["--task", "login"]);
    call.assert_end("silent", 1);
    let run = stage.run_of("a");
    assert_eq!((&run["state"], &run["terminal_mail_missing"]), (&json!("completed"), &json!(true)));
    let [mail] = &died(&stage)[..] else { panic!("{:?}", died(&stage)) };
    assert_eq!(
        (&mail["from"], &mail["priority"], &mail["attributed_by"]),
        (&json!("a"), &json!("high"), &json!("refloat")),
        "{mail}"
    );
    let payload = &mail["payload"];
    assert_eq!((&payload["agentName"], &payload["taskId"]), (&json!("a"), &json!("login")), "{mail}");
    assert!(payload["reason"].as_str().unwrap().contains("terminal_mail_missing"), "{mail}");
}

/// T10
#[test]
fn without_a_parent_nothing_is_owed_and_nobody_is_told() {
    let stage = Stage::new();
    stage.play("a", "init; result done").call().assert_end("completed", 0);
    stage.play("a", "init; result-error no").call().assert_end("failed", 1);
    stage.play("a", "die KILL").call().assert_end("killed", 137);
    assert_eq!(stage.mail(&["list"]).records, [] as [Value; 0]);
}

/// B2
#[test]
fn a_reply_is_never_the_repliers_own_end() {
    let stage = Stage::new();
    work(&stage, "lead2", "say hi", &["--max-attempts", "1", "--capability", "none"]);
    let asked =
        stage.mail(&["send", "--from", "lead", "--to", "a", "--queue", "--type", "worker_done", "--subject", "q"]);
    let id = asked.last("mail.sent")["mail"].as_str().unwrap().to_owned();
    let reply = format!("run {MAIL} send --to lead --type worker_done --reply-to {id} --subject answer");
    let call = work(&stage, "a", &reply, &[]);
    assert_eq!(call.ended()["terminal_mail"], Value::Null, "{call:#?}");
    assert_ne!(call.word("outcome"), "completed", "{call:#?}");
    let answer = stage.mails("lead", "worker_done");
    assert_eq!(answer[0]["reply_to"], json!(id), "{answer:?}");
}

/// B13
#[test]
fn mail_with_the_token_of_a_turn_that_has_ended_is_refused() {
    let stage = Stage::new();
    let script = format!("record-env {}; init; result done", stage.name("env"));
    stage.play("a", &script).with(&BUILDER).call();
    let env = std::fs::read_to_string(stage.path("env")).unwrap();
    let mut late = stage.command(MAIL);
    late.args(["send", "--to", "lead", "--type", "worker_done", "--subject", "late"]);
    late.envs(env.lines().filter_map(|line| line.split_once('=')).filter(|(name, _)| name.starts_with("REFLOAT_")));
    let call = stage.call(late);
    assert_eq!((call.code, call.records.len()), (76, 0), "{call:?}");
    assert_eq!(stage.mails("lead", "worker_done"), [] as [Value; 0]);
}

/// B4, B7, T11
#[test]
fn each_abnormal_end_is_told_exactly_once_and_only_at_the_end_of_the_attempts() {
    let ends = [
        ("init; result-error no", "failed", 1, "failed"),
        ("init; say half; exit 0", "no_result", 1, "failed"),
        ("init; die KILL", "killed", 137, "failed"),
        ("exit 3", "failed", 1, "failed"),
        ("die SEGV", "killed", 139, "failed"),
        ("init; kill-parent; hang", "lost", 125, "crashed"),
    ];
    for (script, outcome, code, last) in ends {
        let stage = Stage::new();
        for attempt in 1..=3 {
            let call = stage.play("a", script).with(&BUILDER).call();
            call.assert_end(outcome, code);
            assert_eq!(call.ended()["attempt"], json!(attempt), "{script}");
            let (state, told) = if attempt < 3 { ("between_turns", 0) } else { (last, 1) };
            let run = stage.run_of("a");
            assert_eq!((&run["state"], died(&stage).len()), (&json!(state), told), "{script} attempt {attempt}");
            assert_eq!(run["held_until"].is_string(), attempt < 3, "{run}");
            assert_eq!(call.ended()["retry_at"], run["held_until"], "{script}");
        }
    }
}

#[test]
fn a_refused_key_is_told_as_a_call_for_a_person() {
    let stage = Stage::new();
    let capture = crate::support::capture("claude/401");
    let call = stage.play("a", &format!("replay {}", capture.display())).with(&BUILDER).call();
    call.assert_end("auth", 77);
    let run = stage.run_of("a");
    assert_eq!((&run["state"], &run["hold"]), (&json!("blocked"), &json!("needs_human")));
    assert_eq!((stage.mails("lead", "escalation").len(), died(&stage).len()), (1, 0));
}
