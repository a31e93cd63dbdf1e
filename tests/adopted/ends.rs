//! How an adopted run ends: by its worker's word, or by a stop. Its parent hears of it exactly once.

use std::process::Stdio;

use serde_json::{Value, json};

use super::lives;
use crate::stage::{MAIL, Stage, TURN};

fn worker(stage: &Stage, args: &[&str]) -> (i64, String) {
    let pid = stage.background("w", &["hang"]);
    let adopted = stage.adopt("b1", pid, args);
    (pid, adopted["token"].as_str().unwrap().to_owned())
}

/// How many mails of refloat about ends, of each type, the lead has.
fn told(stage: &Stage) -> (usize, usize) {
    (stage.mails("lead", "worker_died").len(), stage.mails("lead", "children_done").len())
}

/// T7
#[test]
fn done_with_its_mail_sent_is_completed_and_nobody_is_told_more() {
    let stage = Stage::new();
    let (pid, token) = worker(&stage, &["--parent", "lead"]);
    let send = ["send", "--to", "lead", "--type", "worker_done", "--subject", "done"];
    let mail = stage.with_token(MAIL, &token, &send).last("mail.sent")["mail"].clone();
    let end = stage.with_token(TURN, &token, &["end", "b1", "--outcome", "completed", "--why", "all 60"]);
    let ended = end.last("run.ended");
    assert_eq!((end.code, end.stderr.as_str()), (0, ""), "{end:?}");
    let expected = [
        ("outcome", json!("completed")),
        ("state", json!("completed")),
        ("why", json!("all 60")),
        ("terminal_mail", mail),
        ("terminal_mail_missing", json!(false)),
        ("notice", Value::Null),
    ];
    for (key, value) in expected {
        assert_eq!(ended[key], value, "{key}: {ended}");
    }
    assert_eq!(told(&stage), (0, 0));
    let run = stage.run_of("b1");
    assert_eq!((&run["state"], &run["observed"]), (&json!("completed"), &json!("alive")), "it is there still");
    assert!(lives(pid), "its session is not ours to end");
    stage.turn(&["run", "--agent", "b1", "--", "true"]).assert_end("completed", 0);
}

/// T10, T8: the mail that counts was sent with the token, to the parent, and answers nothing.
#[test]
fn done_without_the_mail_it_owes_is_silent_and_told_once() {
    for sent in ["nothing", "by word", "a reply", "to another"] {
        let stage = Stage::new();
        let (_, token) = worker(&stage, &["--parent", "lead"]);
        let to = |to| ["send", "--queue", "--to", to, "--type", "worker_done", "--subject", "done"];
        match sent {
            "by word" => drop(stage.mail(&[&to("lead")[..], &["--from", "b1"]].concat())),
            "to another" => drop(stage.with_token(MAIL, &token, &to("boss"))),
            "a reply" => {
                let asked = stage.mail(&["send", "--from", "lead", "--to", "b1", "--subject", "done?"]);
                let id = asked.last("mail.sent")["mail"].as_str().unwrap().to_owned();
                stage.with_token(MAIL, &token, &[&to("lead")[..], &["--reply-to", &id]].concat());
            }
            _ => {}
        }
        let end = stage.turn(&["end", "b1", "--outcome", "completed"]);
        assert_eq!((end.code, end.last("run.ended")["outcome"].as_str()), (1, Some("silent")), "{sent}");
        assert_eq!(end.last("run.ended")["cause"], "terminal_mail_missing", "{sent}");
        assert!(end.stderr.contains("owed mail to lead"), "{sent}: {end:?}");
        let run = stage.run_of("b1");
        assert_eq!((&run["state"], &run["terminal_mail_missing"]), (&json!("completed"), &json!(true)), "{sent}");
        assert_eq!(told(&stage), (1, 0), "{sent}");
    }
}

/// B4
#[test]
fn failed_is_told_once_with_the_reason() {
    let stage = Stage::new();
    worker(&stage, &["--parent", "lead", "--max-attempts", "9"]);
    let end = stage.turn(&["end", "b1", "--outcome", "failed", "--why", "the disk is full"]);
    assert_eq!(
        (&end.last("run.ended")["state"], &end.last("run.ended")["notice"]),
        (&json!("failed"), &json!("worker_died"))
    );
    let mails = stage.mails("lead", "worker_died");
    assert_eq!(mails.len(), 1, "{mails:?}");
    let payload = &mails[0]["payload"];
    assert!(payload["reason"].as_str().unwrap().contains("the disk is full"), "{payload}");
    assert_eq!(
        (&payload["outcome"], &payload["run"], &mails[0]["run"]),
        (&json!("failed"), &json!("r1"), &json!("r1"))
    );
    assert_eq!(stage.run_of("b1")["state"], "failed");
}

#[test]
fn without_a_parent_nothing_is_owed_and_nobody_is_told() {
    for word in ["completed", "failed"] {
        let stage = Stage::new();
        worker(&stage, &[]);
        let end = stage.turn(&["end", "b1", "--outcome", word]);
        let ended = end.last("run.ended");
        assert_eq!((&ended["outcome"], &ended["notice"]), (&json!(word), &Value::Null));
        assert_eq!(stage.mail(&["list"]).records.len(), 0);
    }
}

/// The first word is recorded; the same again prints it, another is refused.
#[test]
fn the_same_word_again_is_the_same_record_and_another_is_refused() {
    for (word, other) in [("completed", "failed"), ("failed", "completed")] {
        let stage = Stage::new();
        worker(&stage, &["--parent", "lead"]);
        let first = stage.turn(&["end", "b1", "--outcome", word, "--why", "first"]).last("run.ended").clone();
        let again = stage.turn(&["end", "b1", "--outcome", word, "--why", "second"]);
        let code = i32::from(word == "completed");
        assert_eq!((again.code, again.last("run.ended")), (code, &first), "what it owes it has not sent");
        stage.turn(&["end", "b1", "--outcome", other]).assert_refused(76, "has ended already");
        assert_eq!(told(&stage), (1, 0));
    }
}

#[test]
fn many_words_at_once_end_the_run_once() {
    let stage = Stage::new();
    worker(&stage, &["--parent", "lead"]);
    let end = |word: &str| {
        let mut command = stage.command(TURN);
        command.args(["end", "b1", "--outcome", word]).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let all: Vec<_> = ["completed", "failed"].iter().cycle().take(16).map(|word| (*word, end(word))).collect();
    let done: Vec<_> = all.into_iter().map(|(word, child)| (word, child.wait_with_output().unwrap())).collect();
    let won = if stage.run_of("b1")["state"] == "failed" { "failed" } else { "completed" };
    for (word, output) in &done {
        let code = if *word != won { 76 } else { i32::from(won == "completed") };
        assert_eq!(output.status.code(), Some(code), "{word}: {output:?}");
    }
    assert_eq!(told(&stage), (1, 0));
}

#[test]
fn only_adopted_runs_end_and_beat_by_word() {
    let stage = Stage::new();
    stage.play("a", "init; result-error no").with(&["--max-attempts", "2"]).call().assert_end("failed", 1);
    for args in [&["end", "a", "--outcome", "completed"][..], &["beat", "a"]] {
        stage.turn(args).assert_refused(76, "run r1 of a is not adopted");
    }
    stage.turn(&["beat", "nobody"]).assert_refused(66, "no agent 'nobody'");
    assert_eq!(stage.run_of("a")["state"], "between_turns");
}

/// T14, field 7: "already gone" is success.
#[test]
fn a_stop_is_a_record_and_kills_only_if_it_is_asked_to() {
    let stage = Stage::new();
    let (pid, _) = worker(&stage, &["--parent", "lead"]);
    let stop = stage.turn(&["stop", "b1", "--why", "wrong branch"]);
    assert_eq!((stop.code, &stop.last("turn.stopped")["state"]), (0, &json!("stopped")), "{stop:?}");
    assert_eq!(stop.last("turn.stopped")["signalled_pid"], Value::Null);
    assert!(stop.stderr.contains(&format!("process {pid} was not signalled; it is alive")), "{stop:?}");
    assert!(stop.stderr.contains("hint: kill its process: turn stop b1 --kill"), "{stop:?}");
    assert!(lives(pid));
    let mails = stage.mails("lead", "worker_died");
    assert!(mails.len() == 1 && mails[0]["payload"]["reason"].as_str().unwrap().contains("wrong branch"), "{mails:?}");
    for signalled in [json!(pid), Value::Null] {
        let kill = stage.turn(&["stop", "b1", "--kill"]);
        assert_eq!((kill.code, &kill.last("turn.stopped")["signalled_pid"]), (0, &signalled), "{kill:?}");
        assert!(!lives(pid));
    }
    assert_eq!(told(&stage), (1, 0));
    stage.turn(&["end", "b1", "--outcome", "completed"]).assert_refused(76, "has ended already: stopped");
}

#[test]
fn a_stop_with_kill_ends_run_and_process_in_one_call() {
    let stage = Stage::new();
    let (pid, _) = worker(&stage, &["--parent", "lead"]);
    let stop = stage.turn(&["stop", "b1", "--kill"]);
    assert_eq!((stop.code, stop.stderr.as_str()), (0, ""));
    let stopped = stop.last("turn.stopped");
    assert_eq!(
        (&stopped["state"], &stopped["run"], &stopped["signalled_pid"]),
        (&json!("stopped"), &json!("r1"), &json!(pid))
    );
    assert!(!lives(pid));
}

#[test]
fn the_last_child_that_says_nothing_wakes_its_waiting_parent_once() {
    let stage = Stage::new();
    worker(&stage, &["--parent", "lead", "--capability", "none"]);
    stage.play("lead", "init; result dispatched").call().assert_end("waiting", 0);
    stage.turn(&["end", "b1", "--outcome", "completed"]);
    stage.turn(&["end", "b1", "--outcome", "completed"]);
    assert_eq!(told(&stage), (0, 1));
}

#[test]
fn an_agent_is_not_adopted_below_itself() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]).to_string();
    stage.turn(&["adopt", "--agent", "a", "--parent", "a", "--pid", &pid]).assert_refused(2, "its own parent");
    stage.turn(&["adopt", "--agent", "a", "--parent", "b", "--pid", &pid]);
    let circle = stage.turn(&["adopt", "--agent", "b", "--parent", "a", "--pid", &pid]);
    circle.assert_refused(76, "is a parent of its parent");
    assert_eq!(stage.count("SELECT count(*) FROM run") + stage.count("SELECT count(*) FROM worker"), 2);
}
