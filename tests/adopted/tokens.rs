//! Whose word it is: the token that `adopt` printed makes a worker's beats, mail and end its own.

use serde_json::json;

use crate::stage::{MAIL, Stage, TURN};

fn adopted(stage: &Stage) -> String {
    let pid = stage.background("w", &["hang"]);
    stage.adopt("b1", pid, &["--parent", "lead"])["token"].as_str().unwrap().to_owned()
}

#[test]
fn a_worker_with_another_token_than_its_own_is_refused() {
    let stage = Stage::new();
    let token = adopted(&stage);
    for args in [&["beat", "b1"][..], &["end", "b1", "--outcome", "failed"]] {
        stage.with_token(TURN, "0123", args).assert_refused(76, "the token is not that of run r1");
        let flag = [args, &["--token", "0123"]].concat();
        stage.with_token(TURN, &token, &flag).assert_refused(76, "the token is not that of run r1");
    }
    assert_eq!(stage.run_of("b1")["beats"], 0);
    assert_eq!(stage.with_token(TURN, &token, &["beat", "b1"]).code, 0);
    assert_eq!(stage.with_token(TURN, "0123", &["beat", "b1", "--token", &token]).code, 0, "what is given goes first");
    assert_eq!(stage.turn(&["beat", "b1"]).code, 0, "outside there is none");
    assert_eq!(stage.run_of("b1")["beats"], 3);
    assert!(!stage.turn(&["show", "b1"]).records.iter().any(|record| record.to_string().contains(&token)));
}

#[test]
fn a_workers_token_claims_and_acknowledges_its_own_mail_until_its_run_has_ended() {
    let stage = Stage::new();
    let token = adopted(&stage);
    for to in ["b1", "run:r1", "b1", "lead"] {
        assert_eq!(stage.mail(&["send", "--from", "x", "--to", to, "--subject", "s"]).code, 0);
    }
    let lead = stage.mail(&["claim", "--agent", "lead"]).last("mail")["claim"].as_str().unwrap().to_owned();
    stage.with_token(MAIL, &token, &["claim", "--agent", "lead"]).assert_refused(76, "b1 cannot take mail of lead");
    stage.with_token(MAIL, &token, &["ack", "m4", "--claim", &lead]).assert_refused(76, "b1 cannot take mail of lead");
    let claimed = stage.with_token(MAIL, &token, &["claim", "--max", "2"]);
    let ids: Vec<&str> = claimed.records.iter().map(|mail| mail["mail"].as_str().unwrap()).collect();
    assert_eq!((ids, claimed.records.len()), (vec!["m1", "m2"], 2));
    let claim = claimed.last("mail")["claim"].as_str().unwrap().to_owned();
    assert_eq!(stage.with_token(MAIL, &token, &["ack", "m1", "--claim", &claim]).code, 0);
    assert_eq!(stage.turn(&["end", "b1", "--outcome", "failed"]).code, 0);
    for args in [&["ack", "m2", "--claim", &claim][..], &["nack", "m2", "--claim", &claim], &["claim"], &["check"]] {
        stage.with_token(MAIL, &token, args).assert_refused(76, "has ended (failed)");
    }
    assert_eq!(stage.mail(&["ack", "m2", "--claim", &claim]).code, 0, "outside, the claim is still good");
    let waits = stage.mail(&["list", "--to", "b1", "--mail-state", "stored"]).records;
    assert_eq!(waits.iter().map(|mail| &mail["mail"]).collect::<Vec<_>>(), [&json!("m3")]);
}

#[test]
fn an_agent_in_its_turn_does_not_speak_for_a_worker() {
    let stage = Stage::new();
    adopted(&stage);
    let script = format!("init; run {TURN} end b1 --outcome completed; result done");
    stage.play("lead", &script).call();
    assert_eq!(stage.run_of("b1")["state"], "in_turn");
}

#[test]
fn mail_with_a_workers_token_is_its_runs_mail_until_that_has_ended() {
    let stage = Stage::new();
    let token = adopted(&stage);
    let send = ["send", "--to", "lead", "--type", "worker_done", "--subject", "done"];
    let sent = stage.with_token(MAIL, &token, &send).last("mail.sent").clone();
    let expected =
        [("from", json!("b1")), ("run", json!("r1")), ("turn", json!(null)), ("attributed_by", json!("run"))];
    for (key, value) in expected {
        assert_eq!(sent[key], value, "{key}: {sent}");
    }
    let other = [&send[..], &["--from", "b2"]].concat();
    stage.with_token(MAIL, &token, &other).assert_refused(76, "b1 cannot send as b2");
    assert_eq!(stage.turn(&["end", "b1", "--outcome", "completed"]).code, 0);
    stage.with_token(MAIL, &token, &send).assert_refused(76, "has ended (completed)");
    stage.with_token(TURN, &token, &["beat", "b1"]).assert_refused(76, "has ended: completed");
    stage.with_token(TURN, &token, &["yield"]).assert_refused(76, "has ended");
}
