//! `mail`: who may send what to whom, what is stored of it, what is shown, and how it is claimed and served.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod batches;
mod claims;
mod purges;
mod recipients;
mod replies;
mod served;
mod waits;

use std::process::Stdio;

use serde_json::Value;

use super::contract::{Home, Said};

const MAIL: &str = env!("CARGO_BIN_EXE_mail");

/// A home in which this agent has had a turn, so that its name is known.
fn with(agents: &[&str]) -> Home {
    let home = Home::new();
    for agent in agents {
        home.turn(&["run", "--agent", agent, "--max-attempts", "9", "--", "false"]).silent(1);
    }
    home
}

fn send(home: &Home, from: &str, to: &str, more: &[&str]) -> Said {
    home.mail(&[&["send", "--from", from, "--to", to, "--subject", "s"], more].concat())
}

fn list(home: &Home, filters: &[&str]) -> Vec<Value> {
    home.mail(&[&["list"], filters].concat()).silent(0).records()
}

fn ids(home: &Home, filters: &[&str]) -> Vec<String> {
    list(home, filters).iter().map(|mail| mail["mail"].as_str().unwrap().to_owned()).collect()
}

/// A turn of the worker `b2` below `lead` in which a shell does this; `$MAIL` is the command.
fn inside(home: &Home, script: &str) -> Said {
    let args = ["run", "--agent", "b2", "--parent", "lead", "--task", "x", "--", "sh", "-ec", script];
    let mut command = home.command("turn", args);
    Said::of(command.env("MAIL", MAIL).env("OUT", home.path("out")).env("STATE", home.state()))
}

fn out(home: &Home) -> String {
    std::fs::read_to_string(home.path("out")).unwrap()
}

#[test]
fn outside_a_turn_the_sender_is_named_and_its_word_is_all_there_is() {
    let home = with(&["lead"]);
    let sent = send(&home, "operator", "lead", &["--body", "text", "--priority", "high"]).silent(0).record("mail.sent");
    assert_eq!((&sent["attributed_by"], &sent["turn"], &sent["run"]), (&"word".into(), &Value::Null, &Value::Null));
    let mail = &list(&home, &[])[0];
    assert_eq!((&mail["from"], &mail["to"], &mail["body"]), (&"operator".into(), &"lead".into(), &"text".into()));
    assert_eq!(
        (&mail["priority"], &mail["mail_type"], &mail["state"]),
        (&"high".into(), &"status".into(), &"stored".into())
    );
    let before = home.dump();
    home.mail(&["send", "--to", "lead", "--subject", "s"]).failed(2, "--from is missing");
    assert_eq!(home.dump(), before);
}

/// T7
#[test]
fn inside_a_turn_the_token_names_the_sender_and_binds_the_mail_to_the_turn() {
    let home = with(&["lead"]);
    inside(&home, "$MAIL send --to $REFLOAT_PARENT --subject done --type worker_done > $OUT").silent(0);
    let sent: Value = serde_json::from_str(&out(&home)).unwrap();
    assert_eq!((&sent["from"], &sent["attributed_by"]), (&"b2".into(), &"turn".into()));
    assert_eq!((&sent["turn"], &sent["run"]), (&"t2".into(), &"r2".into()));
    let ended = home.turn(&["show", "t2"]).record("turn.ended");
    assert_eq!((&ended["terminal_mail"], &ended["outcome"]), (&sent["mail"], &"completed".into()));
}

#[test]
fn inside_a_turn_nobody_sends_as_somebody_else() {
    let home = with(&["lead"]);
    let script = "if $MAIL send --from lead --to lead --subject s 2> $OUT; then exit 9; else test $? = 76; fi
        $MAIL send --from b2 --to lead --subject mine --type result >&2";
    inside(&home, script).silent(0);
    assert!(out(&home).starts_with("mail: b2 cannot send as lead from inside its turn"), "{}", out(&home));
    assert_eq!(ids(&home, &["--from", "lead"]), [""; 0]);
    assert_eq!(list(&home, &[])[0]["from"], "b2");
}

#[test]
fn a_token_that_is_wrong_ended_foreign_or_fenced_is_refused_and_stores_nothing() {
    let home = with(&["lead"]);
    inside(&home, "echo $REFLOAT_TOKEN > $OUT; $MAIL send --to lead --subject d --type result >&2").silent(0);
    let token = out(&home).trim().to_owned();
    let before = home.dump();
    let with_token = |home: &Home, token: &str| {
        Said::of(home.command("mail", ["send", "--to", "lead", "--subject", "s"]).env("REFLOAT_TOKEN", token))
    };
    with_token(&home, "0123456789abcdef").failed(76, "the token of this turn is unknown here");
    with_token(&home, &token).failed(76, "t2 has ended (completed): its token is no longer good");
    assert_eq!(home.dump(), before);
    let other = with(&["lead"]);
    let before = other.dump();
    with_token(&other, &token).failed(76, "REFLOAT_TOKEN and REFLOAT_STATE belong together");
    assert_eq!(other.dump(), before);
}

#[test]
fn a_turn_whose_run_has_moved_on_is_fenced() {
    let home = with(&["lead"]);
    let gate = home.path("out.go");
    nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let script = "read x < $OUT.go
        if $MAIL send --to lead --subject late --type worker_done 2> $OUT; then exit 9; else test $? = 76; fi";
    let args = ["run", "--agent", "b2", "--parent", "lead", "--deadline", "60s", "--", "sh", "-ec", script];
    let mut command = home.command("turn", args);
    let mut turn = command.env("MAIL", MAIL).env("OUT", home.path("out")).stdout(Stdio::null()).spawn().unwrap();
    // Opens when the script stands at its gate.
    let mut opened = std::fs::File::options().write(true).open(&gate).unwrap();
    home.sql("UPDATE run SET epoch = epoch + 1 WHERE agent = 'b2'");
    std::io::Write::write_all(&mut opened, b"go\n").unwrap();
    assert_eq!(turn.wait().unwrap().code(), Some(76));
    assert!(out(&home).starts_with("mail: t2 is fenced: another turn holds its run"), "{}", out(&home));
    assert_eq!(home.turn(&["show", "t2"]).record("turn.ended")["outcome"], "fenced");
    assert!(list(&home, &["--type", "worker_done"]).is_empty());
}

/// B2
#[test]
fn a_reply_keeps_the_thread_of_what_it_answers_and_never_counts_as_the_end() {
    let home = with(&["lead"]);
    send(&home, "lead", "lead", &["--type", "question"]).silent(0);
    inside(&home, "$MAIL send --to lead --subject re --reply-to m1 --type worker_done >&2").silent(1);
    let ended = home.turn(&["show", "t2"]).record("turn.ended");
    assert_eq!((&ended["outcome"], &ended["terminal_mail"]), (&"silent".into(), &Value::Null));
    send(&home, "lead", "b2", &["--reply-to", "m2"]).silent(0);
    let mails = list(&home, &["--thread", "m1"]);
    let answers: Vec<(&str, Option<&str>)> =
        mails.iter().map(|mail| (mail["mail"].as_str().unwrap(), mail["reply_to"].as_str())).collect();
    assert_eq!(answers.first(), Some(&("m1", None)));
    assert!(
        answers.contains(&("m2", Some("m1"))) && answers.iter().any(|answer| answer.1 == Some("m2")),
        "{answers:?}"
    );
    assert!(mails.iter().all(|mail| mail["thread"] == "m1"), "a reply to a reply is of the first mail's thread");
    let before = home.dump();
    send(&home, "lead", "b2", &["--reply-to", "m99"]).failed(66, "no mail m99 to answer");
    assert_eq!(home.dump(), before);
}

#[test]
fn a_recipient_nobody_has_heard_of_is_refused_with_the_near_names_unless_queued() {
    let home = with(&["builder-1", "builder-2", "lead"]);
    let before = home.dump();
    let said = send(&home, "o", "builder-3", &[]).failed(66, "no agent 'builder-3'");
    assert!(said.err.contains("did you mean builder-1, builder-2? or"), "{said:?}");
    let said = send(&home, "o", "zebra", &[]).failed(66, "no agent 'zebra'");
    assert!(said.err.contains("--queue") && !said.err.contains("did you mean"), "{said:?}");
    assert_eq!(home.dump(), before);
    let sent = send(&home, "o", "zebra", &["--queue"]).silent(0).record("mail.sent");
    assert_eq!((&sent["state"], &sent["to"]), (&"stored".into(), &"zebra".into()));
    send(&home, "o", "operator", &[]).silent(0);
}

#[test]
fn mail_to_an_agent_without_an_open_run_waits_for_its_next_one() {
    let home = with(&["lead"]);
    home.turn(&["stop", "lead"]).silent(0);
    let sent = send(&home, "o", "lead", &[]).silent(0).record("mail.sent");
    assert_eq!((&sent["state"], &sent["to_run"]), (&"stored".into(), &Value::Null));
}

#[test]
fn mail_to_one_run_is_for_that_run_and_refused_once_it_has_ended() {
    let home = with(&["lead"]);
    let sent = send(&home, "o", "run:r1", &[]).silent(0).record("mail.sent");
    assert_eq!((&sent["to"], &sent["to_run"], &sent["state"]), (&"lead".into(), &"r1".into(), &"stored".into()));
    send(&home, "o", "run:r99", &[]).failed(66, "no run r99");
    home.turn(&["stop", "lead"]).silent(0);
    let before = home.dump();
    let said = send(&home, "o", "run:r1", &[]).failed(76, "run r1 of lead has ended: stopped");
    assert!(said.err.contains("--to lead"), "{said:?}");
    assert_eq!(home.dump(), before);
}

/// A worker never fails because its parent has gone.
#[test]
fn terminal_mail_to_an_ended_parent_is_stored_visibly_dead_and_the_worker_completes() {
    let home = with(&["lead"]);
    home.turn(&["stop", "lead"]).silent(0);
    let ended = inside(&home, "$MAIL send --to run:r1 --subject done --type worker_done > $OUT").silent(0);
    assert_eq!(ended.record("turn.ended")["outcome"], "completed");
    let sent: Value = serde_json::from_str(&out(&home)).unwrap();
    assert_eq!((&sent["state"], &sent["dead_reason"]), (&"dead".into(), &"stale_generation".into()));
    let dead = list(&home, &["--mail-state", "dead"]);
    assert_eq!(dead.len(), 1);
    assert_eq!((&dead[0]["mail"], &dead[0]["to"], &dead[0]["from"]), (&sent["mail"], &"lead".into(), &"b2".into()));
    assert_eq!(home.turn(&["show", "b2"]).record("run")["terminal_mail_missing"], false);
}

#[test]
fn terminal_mail_by_name_to_an_ended_parent_is_stored_and_the_worker_completes() {
    let home = with(&["lead"]);
    home.turn(&["stop", "lead"]).silent(0);
    inside(&home, "$MAIL send --to lead --subject done --type result > $OUT").silent(0);
    assert_eq!(list(&home, &["--to", "lead", "--type", "result"]).len(), 1);
}

#[test]
fn every_filter_of_list_chooses_and_together_they_choose_what_fits_all() {
    let home = with(&["a", "b"]);
    send(&home, "x", "a", &[]).silent(0);
    send(&home, "x", "b", &["--type", "question"]).silent(0);
    send(&home, "y", "a", &["--type", "question"]).silent(0);
    send(&home, "y", "b", &["--reply-to", "m1"]).silent(0);
    home.sql("UPDATE mail SET sent_at = sent_at - 3600000 WHERE id < 3; UPDATE mail SET state = 'dead', dead_reason = 'x' WHERE id = 3");
    let middle = list(&home, &[])[2]["sent_at"].as_str().unwrap().to_owned();
    for (filters, wanted) in [
        (&[][..], &["m1", "m2", "m3", "m4"][..]),
        (&["--from", "x"], &["m1", "m2"]),
        (&["--to", "a"], &["m1", "m3"]),
        (&["--type", "question"], &["m2", "m3"]),
        (&["--mail-state", "dead"], &["m3"]),
        (&["--mail-state", "stored"], &["m1", "m2", "m4"]),
        (&["--thread", "m1"], &["m1", "m4"]),
        (&["--thread", "m4"], &[]),
        (&["--since", &middle], &["m3", "m4"]),
        (&["--from", "y", "--to", "a", "--type", "question"], &["m3"]),
        (&["--from", "x", "--mail-state", "dead"], &[]),
        (&["--limit", "2"], &["m3", "m4"]),
        (&["--limit", "0"], &["m1", "m2", "m3", "m4"]),
        (&["--limit", "1", "--from", "x"], &["m2"]),
        (&["--from", "nobody"], &[]),
    ] {
        assert_eq!(ids(&home, filters), wanted, "{filters:?}");
    }
}

#[test]
fn listing_changes_nothing_and_shows_the_newest_200_unless_told() {
    let home = with(&["a"]);
    send(&home, "x", "a", &[]).silent(0);
    home.sql(
        "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
         INSERT INTO mail (sender, recipient, kind, priority, subject, body, attributed_by, state, sent_at)
         SELECT 'x', 'a', 'status', 'normal', 's' || i, '', 'word', 'stored', 1 FROM n",
    );
    let before = home.dump();
    let shown = ids(&home, &[]);
    assert_eq!((shown.len(), shown[0].as_str(), shown[199].as_str()), (200, "m51", "m250"));
    assert_eq!(ids(&home, &["--limit", "0"]).len(), 250);
    assert_eq!(home.dump(), before);
}

/// Before 3.42 SQLite's `json_valid(NULL)` was 0: the shell of many systems called every state file damaged.
#[test]
fn the_sqlite3_shell_of_the_system_finds_nothing_wrong_with_a_sound_state_file() {
    let home = with(&["a"]);
    send(&home, "x", "a", &[]).silent(0);
    let mut shell = home.bare("sqlite3", [home.state().to_str().unwrap(), "PRAGMA integrity_check"]);
    let Ok(said) = shell.output() else { return };
    assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), "ok");
}

#[test]
fn a_body_comes_from_standard_input_and_both_it_and_the_payload_have_a_limit() {
    let home = with(&["a"]);
    let big = home.path("big");
    let body = |bytes: usize| {
        std::fs::write(&big, "x".repeat(bytes)).unwrap();
        let args = ["send", "--from", "o", "--to", "a", "--subject", "s", "--body", "-"];
        Said::of(home.command("mail", args).stdin(std::fs::File::open(&big).unwrap()))
    };
    body(1 << 20).silent(0);
    assert_eq!(list(&home, &[])[0]["body"].as_str().unwrap().len(), 1 << 20);
    let before = home.dump();
    body((1 << 20) + 1).failed(65, "the body is longer than 1048576 bytes; nothing was stored");
    std::fs::write(&big, b"\xff").unwrap();
    let args = ["send", "--from", "o", "--to", "a", "--subject", "s", "--body", "-"];
    Said::of(home.command("mail", args).stdin(std::fs::File::open(&big).unwrap())).failed(65, "the body is not UTF-8");
    for payload in ["", "{", "[1]", "1", "null", "\"x\"", "{\"a\":1}x"] {
        send(&home, "o", "a", &["--payload", payload]).failed(65, "the payload is not a JSON object");
    }
    assert_eq!(home.dump(), before);
    send(&home, "o", "a", &["--payload", r#"{"taskId":"x","n":1.5,"deep":{"a":[null]}}"#]).silent(0);
    assert_eq!(list(&home, &[])[1]["payload"]["deep"]["a"][0], Value::Null);
}
