//! Waiting: a lead that ends its turn while children work or mail waits is not dead. And what a run is not given.

use serde_json::{Value, json};

use crate::stage::Stage;

/// A turn of the lead, a child of the operator, that says nothing at its end.
fn lead(stage: &Stage, steps: &str) -> crate::stage::Call {
    let play = stage.play("lead", &format!("init; {steps}; result dispatched"));
    play.with(&["--parent", "coordinator", "--capability", "lead"]).call()
}

/// A child of the lead, open between two turns.
fn open_child(stage: &Stage, agent: &str) {
    let play = stage.play(agent, "init; result-error no").with(&["--parent", "lead", "--capability", "none"]);
    play.call().assert_end("failed", 1);
}

/// B1
#[test]
fn a_lead_with_open_children_waits_and_is_not_reported_dead() {
    let stage = Stage::new();
    open_child(&stage, "b1");
    let call = lead(&stage, "say dispatched");
    call.assert_end("waiting", 0);
    assert_eq!((call.word("cause"), call.word("state_after")), ("open_children", "waiting"));
    let run = stage.run_of("lead");
    assert_eq!(
        (&run["state"], &run["ended_at"], run["held_until"].is_string()),
        (&json!("waiting"), &Value::Null, true)
    );
    assert_eq!(stage.mail(&["list", "--to", "coordinator"]).records, [] as [Value; 0]);
    assert_eq!(stage.mail(&["send", "--from", "b1", "--to", "lead", "--subject", "half done"]).code, 0);
}

/// B1
#[test]
fn a_lead_with_unread_mail_waits_too() {
    let stage = Stage::new();
    let mail = ["send", "--from", "b1", "--to", "lead", "--queue", "--type", "worker_done", "--subject", "done"];
    assert_eq!(stage.mail(&mail).code, 0);
    let call = lead(&stage, "say dispatched");
    assert_eq!(call.assert_end("waiting", 0).word("cause"), "unread_mail");
    assert_eq!(stage.mails("coordinator", "worker_died"), [] as [Value; 0]);
    assert_eq!(stage.mails("lead", "worker_done")[0]["state"], "stored", "ending a turn reads nothing");
}

/// B1
#[test]
fn mail_to_an_earlier_run_of_the_lead_keeps_no_later_one_waiting() {
    let stage = Stage::new();
    let open = stage.play("lead", "init; result-error no").with(&["--max-attempts", "3"]).call();
    let run = open.assert_end("failed", 1).word("run").to_owned();
    let mail = ["send", "--from", "b1", "--to", &format!("run:{run}"), "--subject", "late"];
    assert_eq!(stage.mail(&mail).code, 0);
    assert_eq!(stage.turn(&["stop", "lead"]).code, 0);
    let call = stage.play("lead", "result done").call();
    assert_ne!(call.word("run"), run);
    assert_eq!(call.ended()["cause"], "clean_result", "{call:#?}");
}

/// B1
#[test]
fn the_waiting_lead_goes_on_in_the_same_run_and_ends_when_it_says_so() {
    let stage = Stage::new();
    open_child(&stage, "b1");
    let run = lead(&stage, "say dispatched").word("run").to_owned();
    stage.play("b1", "init; result done").call().assert_end("completed", 0);
    let call = lead(&stage, &stage.sends("coordinator", "worker_done"));
    assert_eq!(call.assert_end("completed", 0).word("run"), run);
    assert_eq!(stage.mails("coordinator", "worker_died"), [] as [Value; 0]);
}

/// B1, B2
#[test]
fn a_lead_that_answers_its_builder_and_waits_is_not_done() {
    let stage = Stage::new();
    open_child(&stage, "b1");
    let question = stage.mail(&["send", "--from", "b1", "--to", "lead", "--type", "worker_done", "--subject", "done?"]);
    let id = question.last("mail.sent")["mail"].as_str().unwrap().to_owned();
    let reply = format!("run {} send --to b1 --type worker_done --reply-to {id} --subject no", crate::stage::MAIL);
    lead(&stage, &reply).assert_end("waiting", 0);
    assert_eq!(stage.mails("coordinator", "worker_died"), [] as [Value; 0]);
}

#[test]
fn the_last_child_that_ends_without_a_word_wakes_the_waiting_lead_once() {
    let stage = Stage::new();
    open_child(&stage, "b1");
    open_child(&stage, "b2");
    lead(&stage, "say dispatched").assert_end("waiting", 0);
    stage.play("b1", "init; result done").call().assert_end("completed", 0);
    assert_eq!(stage.mails("lead", "children_done").len(), 0, "one is open still");
    stage.play("b2", "init; result done").call().assert_end("completed", 0);
    assert_eq!(stage.mails("lead", "children_done").len(), 1);
}

#[test]
fn a_last_child_that_speaks_or_dies_is_notice_enough() {
    for (end, kind) in [("worker_done", "worker_done"), ("", "worker_died")] {
        let stage = Stage::new();
        let first = stage.play("b1", "init; result-error no").with(&["--parent", "lead"]).call();
        first.assert_end("failed", 1);
        lead(&stage, "say dispatched").assert_end("waiting", 0);
        let says = if end.is_empty() { "say nothing".into() } else { stage.sends("lead", end) };
        stage.play("b1", &format!("init; {says}; result done")).call();
        assert_eq!((stage.mails("lead", kind).len(), stage.mails("lead", "children_done").len()), (1, 0), "{kind}");
    }
}

#[test]
fn another_task_or_parent_than_the_open_runs_is_refused_and_named() {
    let stage = Stage::new();
    let first = stage.play("a", "init; result-error no").with(&["--task", "login", "--parent", "lead"]).call();
    first.assert_end("failed", 1);
    let ran = format!("touch {}; init; result done", stage.name("ran"));
    stage.play("a", &ran).with(&["--task", "logout"]).call().assert_refused(76, "login");
    stage.play("a", &ran).with(&["--parent", "boss"]).call().assert_refused(76, "lead");
    assert!(!stage.path("ran").exists());
    let same = stage.play("a", &ran).with(&["--task", "login", "--parent", "lead"]).call();
    assert_eq!(same.word("run"), first.word("run"));
    stage.play("a", "init; result-error no").with(&["--max-attempts", "2"]).call();
    stage.play("a", &ran).with(&["--task", "login"]).call().assert_refused(76, "has task none");
}
