//! `reconcile deadletter`: what was given up is seen, tried once more, or closed; each once.

use serde_json::{Value, json};

use super::{FAILS, given_up, one, only, play, told};
use crate::stage::Stage;

const NONE: [Value; 0] = [];

/// pi-crew 69; 4.3: each has its run's state of now beside it.
#[test]
fn what_is_open_is_listed_with_where_its_run_stands_now() {
    let stage = given_up();
    play(&stage, "b", "1", FAILS).assert_end("failed", 1);
    let all = told(&stage, &["deadletter", "list"], "dead_letter");
    let ids: Vec<&str> = all.iter().map(|letter| letter["dead_letter"].as_str().unwrap()).collect();
    assert_eq!(ids, ["d1", "d2"]);
    assert!(all.iter().all(|letter| letter["state"] == "open" && letter["run_state"] == "failed"), "{all:?}");
    assert_eq!(all[0]["command"], json!(["reconcile", "deadletter", "replay", "d1"]));
    for (filter, expected) in [(["--agent", "a"], "d1"), (["--run", "r2"], "d2")] {
        let args = [&["deadletter", "list", "--open"][..], &filter].concat();
        assert_eq!(only(&stage, &args, "dead_letter")["dead_letter"], expected);
    }
    assert_eq!(only(&stage, &["deadletter", "list", "--limit", "1"], "dead_letter")["dead_letter"], "d2");
    let shown = only(&stage, &["deadletter", "show", "d1"], "dead_letter");
    assert!(shown["last_error"].as_str().unwrap().contains("no"), "{shown}");
    for subcommand in ["show", "ack", "replay"] {
        stage.reconcile(&["deadletter", subcommand, "d9"]).assert_refused(66, "no dead letter d9");
    }
}

/// pi-crew 4.3: completion settles it.
#[test]
fn a_later_success_resolves_it_also_after_a_replay() {
    let stage = given_up();
    told(&stage, &["deadletter", "replay", "d1"], "dead_letter");
    stage.play("a", "init; result done").call().assert_end("completed", 0);
    let letter = only(&stage, &["deadletter", "list", "--all"], "dead_letter");
    assert_eq!((&letter["state"], &letter["resolved_by"]), (&json!("resolved"), &json!("t2")), "{letter}");
    assert_eq!((&letter["run_state"], &letter["replayed_by"]), (&json!("completed"), &json!("operator")));
    assert_eq!(told(&stage, &["deadletter", "list"], "dead_letter"), NONE);
    stage.reconcile(&["deadletter", "close", "d1", "--why", "x"]).assert_refused(76, "d1 is resolved already");
    stage.reconcile(&["deadletter", "replay", "d1"]).assert_refused(76, "d1 is resolved already");
}

#[test]
fn what_is_seen_stays_open_and_what_is_closed_does_not_and_both_may_be_said_twice() {
    let stage = given_up();
    play(&stage, "b", "1", FAILS).assert_end("failed", 1);
    for why in ["first", "second"] {
        let all = told(&stage, &["deadletter", "ack", "d1", "d2", "--why", why], "dead_letter");
        assert!(all.iter().all(|one| one["acknowledged_why"] == "first" && one["state"] == "open"), "{all:?}");
    }
    for why in ["first", "second"] {
        let closed = only(&stage, &["deadletter", "close", "d1", "--why", why], "dead_letter");
        assert_eq!((&closed["state"], &closed["closed_why"]), (&json!("closed"), &json!("first")), "{closed}");
        assert_eq!((&closed["closed_by"], &closed["command"]), (&json!("operator"), &json!([])));
    }
    assert_eq!(only(&stage, &["deadletter", "list"], "dead_letter")["dead_letter"], "d2");
    stage.reconcile(&["deadletter", "replay", "d1"]).assert_refused(76, "d1 is closed already");
    // All of them or none.
    stage.reconcile(&["deadletter", "close", "d2", "d9", "--why", "x"]).assert_refused(66, "d9");
    assert_eq!(only(&stage, &["deadletter", "show", "d2"], "dead_letter")["state"], "open");
}

#[test]
fn a_replay_reopens_the_run_with_one_more_attempt_that_is_due_now_and_is_done_once() {
    let stage = given_up();
    let call = stage.reconcile(&["deadletter", "replay", "d1", "--why", "the disk is free"]);
    let (letter, reopened) = (call.last("dead_letter"), call.last("run.reopened"));
    assert_eq!((&letter["state"], &letter["run_state"]), (&json!("replayed"), &json!("between_turns")), "{letter}");
    assert_eq!(letter["replayed_why"], "the disk is free");
    assert_eq!((&reopened["dead_letter"], &reopened["max_attempts"]), (&json!("d1"), &json!(2)), "{reopened}");
    assert_eq!(only(&stage, &["retry", "due"], "retry")["command"], reopened["command"]);
    stage.reconcile(&["deadletter", "replay", "d1"]).assert_refused(76, "d1 is replayed already");
    // It fails once more: that is another account.
    play(&stage, "a", "1", FAILS).assert_end("failed", 1);
    assert_eq!(only(&stage, &["deadletter", "list"], "dead_letter")["dead_letter"], "d2");
}

/// A limit uses up no attempt: the second account has the same attempt and cause as the first.
#[test]
fn the_same_end_once_more_is_another_account() {
    let stage = Stage::new();
    let limited = r#"init; line {"type":"result","is_error":true,"api_error_status":429,"result":"no"}; exit 1"#;
    for round in 1..=2 {
        play(&stage, "a", "1", limited).assert_end("limited", 75);
        stage.sqlite().execute("UPDATE retry SET since = since - 25 * 3600 * 1000 WHERE state = 'open'", []).unwrap();
        play(&stage, "a", "1", limited).assert_end("limited", 75);
        let open = only(&stage, &["deadletter", "list"], "dead_letter");
        assert_eq!((&open["cause"], &open["attempt"]), (&json!("max_time"), &json!(1)), "{open}");
        assert_eq!(open["dead_letter"], format!("d{round}"));
        told(&stage, &["deadletter", "replay", &format!("d{round}")], "run.reopened");
    }
}

#[test]
fn a_dead_mail_is_sent_again_as_a_new_one_in_its_thread() {
    let stage = Stage::new();
    stage.play("lead", "init; result done").call().assert_end("completed", 0);
    let late = [
        "send",
        "--from",
        "b",
        "--to",
        "run:r1",
        "--type",
        "result",
        "--subject",
        "it is done",
        "--payload",
        r#"{"a":[1]}"#,
    ];
    assert_eq!(stage.mail(&late).last("mail.sent")["state"], "dead");
    let call = stage.reconcile(&["deadletter", "replay", "d1", "--why", "lead has a new run"]);
    let (letter, sent) = (call.last("dead_letter"), call.last("mail.sent"));
    assert_eq!((&letter["state"], &letter["replayed_as"]), (&json!("replayed"), &json!("m2")), "{letter}");
    assert_eq!((&sent["mail"], &sent["state"], &sent["to_run"]), (&json!("m2"), &json!("stored"), &Value::Null));
    let [old, new] = ["m1", "m2"].map(|mail| stage.mail(&["show", mail]).last("mail").clone());
    for key in ["from", "to", "mail_type", "priority", "subject", "body", "payload", "thread"] {
        assert_eq!(old[key], new[key], "{key}");
    }
    assert_eq!((&old["state"], &new["attributed_by"], &new["turn"]), (&json!("dead"), &json!("word"), &Value::Null));
    stage.reconcile(&["deadletter", "replay", "d1"]).assert_refused(76, "d1 is replayed already");
    assert_eq!(one::<i64>(&stage, "SELECT count(*) FROM mail WHERE subject = 'it is done'"), 2);
    assert_eq!(stage.mail(&["claim", "--agent", "lead"]).last("mail")["mail"], "m2");
    // What was sent in its place may be purged, and the account stays.
    assert_eq!(stage.mail(&["purge", "--older", "0s", "--force", "--apply", "--agent", "lead"]).code, 0);
    assert_eq!(stage.reconcile(&["deadletter", "list", "--all"]).code, 0);
}
