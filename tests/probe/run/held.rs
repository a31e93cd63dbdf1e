//! Runs that wait, are blocked, or have ended: none of them is alarming, and what failed once is history.

use super::{brief, found, words};
use crate::stage::Stage;

/// The judgement of a run that is as it should be, as `verdict cause rule action`, its hold, and the exit code.
#[track_caller]
fn assert_calm(stage: &Stage, agent: &str, wanted: &str, recorded: &str, code: i32) {
    let call = stage.assert_judged(agent, wanted, code);
    let judgement = call.last("judgement");
    assert_eq!((&judgement["recorded"], &judgement["alarming"]), (&recorded.into(), &false.into()), "{judgement}");
}

#[test]
fn a_lead_that_waits_for_its_children_is_not_alarming() {
    let stage = Stage::new();
    let child = stage.play("b", "init; hang").with(&["--parent", "lead"]).start();
    stage.play("lead", "init; result later").call().assert_end("waiting", 0);
    assert_calm(&stage, "lead", "waiting open_children intentional_wait none", "waiting", 0);
    let call = stage.look(&["lead"]);
    assert!(found(&call, "rows").contains(&"present children_open".to_owned()), "{call:#?}");
    assert_eq!(call.last("judgement")["hold"], "awaiting");
    stage.turn(&["stop", "b"]);
    child.end();
    // The child's end is mail for it: it may go on.
    let call = stage.look(&["lead"]);
    assert_eq!(brief(call.last("judgement")), "waiting unread_mail intentional_wait resume");
    assert!(found(&call, "rows").contains(&"present mail_waits".to_owned()), "{call:#?}");
    let command = words(call.last("judgement"), "command");
    assert!(command.starts_with("turn run --agent lead --run r2 --mail --runtime=claude --program="), "{command}");
}

#[test]
fn a_retry_a_limit_and_a_call_for_a_person_are_waits() {
    let stage = Stage::new();
    stage.play("a", "init; result-error no").with(&["--max-attempts", "2"]).call();
    assert_calm(&stage, "a", "waiting retry_pending intentional_wait none", "between_turns", 0);
    let call = stage.look(&["a"]);
    assert!(found(&call, "rows").contains(&"present retry_later".to_owned()), "{call:#?}");
    stage.sql("UPDATE retry SET due_at = 1");
    assert!(found(&stage.look(&["a"]), "rows").contains(&"present retry_due".to_owned()));
    assert_eq!(stage.judged("a"), "waiting retry_due intentional_wait resume");
    stage.sql("UPDATE run SET state = 'blocked', hold = 'limited', held_until = 4102444800000, held_by_provider = 1");
    assert_calm(&stage, "a", "limited limit_pending intentional_wait none", "blocked", 0);
    assert_eq!(stage.look(&["a"]).last("judgement")["not_before"], "2100-01-01T00:00:00.000Z");
    stage.sql("UPDATE run SET hold = 'needs_human', held_until = NULL, held_by_provider = 0");
    assert_calm(&stage, "a", "needs_human person_asked intentional_wait none", "blocked", 1);
}

#[test]
fn a_question_keeps_its_run_while_it_waits_for_its_answer_though_the_process_is_gone() {
    let stage = Stage::new();
    let ask = format!("run {} send --to lead --type question --subject which --expires 1h >&2", crate::stage::MAIL);
    stage.play("lead", "init; result done").call();
    stage.unwatched("a", &format!("init; {ask}; touch {}; hang", stage.name("asked")), &[]);
    crate::stage::until("the question", || stage.path("asked").exists());
    stage.kill_recorded("a", "shim");
    let agent = stage.pid_of("a", "child");
    crate::stage::until("the end of the agent", || crate::scene::process_is_gone(agent));
    assert_calm(&stage, "a", "waiting question_open intentional_wait none", "in_turn", 0);
    let call = stage.look(&["a"]);
    assert!(found(&call, "rows").contains(&"present question_open".to_owned()), "{call:#?}");
    let answer = stage.mail(&["reply", "m1", "--from", "lead", "--subject", "this one"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    assert!(stage.judged("a").starts_with("vanished"));
    assert!(!found(&stage.look(&["a"]), "rows").contains(&"present question_open".to_owned()));
}

#[test]
fn what_has_ended_is_judged_by_its_record_whatever_lives_or_died() {
    let stage = Stage::new();
    stage.play("a", "init; result-error no").call().assert_end("failed", 1);
    let states = [
        ("completed", "finished", 0),
        ("failed", "failed", 1),
        ("crashed", "vanished", 1),
        ("timed_out", "stalled", 1),
        ("stopped", "killed", 1),
    ];
    for (state, verdict, code) in states {
        stage.sql(&format!("UPDATE run SET state = '{state}'"));
        assert_calm(&stage, "a", &format!("{verdict} recorded terminal none"), state, code);
    }
    // Its failure is history, and nobody searches for what it may have left.
    let call = stage.look(&["r1"]);
    let all = call.all("evidence");
    let letter = all.iter().find(|one| one["reason"] == "dead_letter_open").unwrap();
    assert_eq!((&letter["detail"]["historical"], &letter["detail"]["what"]), (&true.into(), &"max_attempts".into()));
    assert!(found(&call, "survivors").is_empty() && found(&call, "stream").is_empty());
    // A lock that a later run holds says nothing of this one.
    stage.sql("UPDATE run SET state = 'failed'");
    let running = stage.play("a", "init; hang").start();
    running.until_written(50);
    let call = stage.assert_judged("r1", "failed recorded terminal none", 1);
    assert_eq!((found(&call, "flock"), call.last("judgement")["observed"].as_str()), (vec![], Some("gone")));
    assert_eq!(stage.judged("a"), "running watched identity none");
    stage.turn(&["stop", "a"]);
    running.end();
}

#[test]
fn a_crash_that_was_recorded_does_not_hide_behind_the_end() {
    let stage = Stage::new();
    stage.play("a", "init; die KILL").call().assert_end("killed", 137);
    let call = stage.assert_judged("a", "killed recorded terminal none", 1);
    let all = call.all("evidence");
    let crash = all.iter().find(|one| one["reason"] == "crash_recorded").unwrap();
    assert_eq!((&crash["detail"]["what"], &crash["detail"]["historical"]), (&"killed".into(), &true.into()));
}
