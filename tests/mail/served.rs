//! `turn run --mail`: what waits becomes the prompt; a clean result acknowledges it, anything else gives it back.

use serde_json::{Value, json};

use super::{Home, Said, ids, send, with};
use crate::contract::binary;

/// A turn of `a` on its mail, played by the fake agent.
fn served(home: &Home, steps: &str) -> Said {
    home.play("a", &["--mail"], steps)
}

fn shown(home: &Home, mail: &str) -> Value {
    home.mail(&["show", mail]).silent(0).record("mail")
}

fn word(mail: &Value, key: &str) -> String {
    mail[key].as_str().unwrap_or("null").to_owned()
}

/// 32, 35, B1
#[test]
fn two_mails_are_one_turn_and_its_clean_end_acknowledges_both() {
    let home = with(&["a"]);
    send(&home, "x", "a", &["--body", "first body"]).silent(0);
    send(&home, "y", "a", &["--body", "second body", "--priority", "high"]).silent(0);
    let prompt = home.path("prompt");
    let steps = format!(
        "record-stdin {}; run {} list --mail-state leased > {}; init; result ok",
        prompt.display(),
        super::MAIL,
        home.path("during").display()
    );
    let ended = served(&home, &steps).silent(0).record("turn.ended");
    assert_eq!(ended["outcome"], "completed", "mail that the turn was for is not unread mail");
    let text = std::fs::read_to_string(prompt).unwrap();
    assert!(text.starts_with("2 mails for a.") && text.find("second body") < text.find("first body"), "{text}");
    let during = std::fs::read_to_string(home.path("during")).unwrap();
    assert_eq!(during.matches("\"lease_turn\":\"t2\",").count(), 2, "{during}");
    assert_eq!(ids(&home, &["--mail-state", "acked"]), ["m1", "m2"]);
    let empty = served(&home, "init; result ok").silent(0).record("turn.ended");
    assert_eq!((&empty["outcome"], &empty["turn"]), (&json!("empty"), &Value::Null));
    assert_eq!(home.turn(&["list"]).records().len(), 2);
}

/// Nobody but the turn's end settles what is leased to it, whatever the clock says.
#[test]
fn what_is_leased_to_a_turn_is_in_nobody_elses_hands() {
    let home = with(&["a"]);
    send(&home, "x", "a", &[]).silent(0);
    let mail = super::MAIL;
    let out = home.path("out");
    let steps = format!(
        "run {mail} claim > {out}.claim; run {mail} ack m1 --claim $REFLOAT_TOKEN 2> {out} || true; init; result ok",
        out = out.display()
    );
    served(&home, &steps).silent(0);
    assert_eq!(std::fs::read_to_string(format!("{}.claim", out.display())).unwrap(), "");
    let said = std::fs::read_to_string(out).unwrap();
    assert!(said.starts_with("mail: m1 is leased to turn t2, whose end"), "{said}");
    assert_eq!(word(&shown(&home, "m1"), "state"), "acked");
}

/// 33
#[test]
fn a_turn_that_fails_gives_its_mail_back_with_its_count_and_one_that_never_ran_without() {
    let home = with(&["a"]);
    send(&home, "x", "a", &[]).silent(0);
    let limited = r#"init; line {"type":"result","subtype":"success","is_error":true,"api_error_status":429,"result":"limit"}; exit 1"#;
    for (steps, outcome, code, deliveries) in
        [("init; result-error no", "failed", 1, 1), ("init; die KILL", "killed", 137, 2), (limited, "limited", 75, 2)]
    {
        let said = served(&home, steps).silent(code);
        assert_eq!(said.record("turn.ended")["outcome"], outcome);
        let mail = shown(&home, "m1");
        assert_eq!((word(&mail, "state").as_str(), &mail["deliveries"]), ("stored", &json!(deliveries)), "{outcome}");
    }
    home.turn(&["run", "--agent", "a", "--mail", "--", "/no/such/program"]).silent(127);
    assert_eq!(shown(&home, "m1")["deliveries"], 3);
    let clean = "init; result ok";
    served(&home, clean).silent(0);
    assert_eq!((word(&shown(&home, "m1"), "state").as_str(), &shown(&home, "m1")["deliveries"]), ("acked", &json!(4)));
}

/// A session that was refused is tried once more in the same call, with the same mail.
#[test]
fn a_refused_session_costs_the_mail_no_delivery() {
    let home = with(&["a"]);
    send(&home, "x", "a", &[]).silent(0);
    let capture = crate::support::capture("claude/resume_unknown");
    let said = home.play("a", &["--mail", "--resume", "gone"], &format!("replay {}", capture.display()));
    assert_eq!(said.records().iter().filter(|record| record["type"] == "turn.ended").count(), 2, "{said:?}");
    assert_eq!(shown(&home, "m1")["deliveries"], 1);
}

#[test]
fn mail_does_not_lift_a_stop_and_stays_stored() {
    let home = with(&["a"]);
    home.turn(&["stop", "a"]).silent(0);
    send(&home, "x", "a", &[]).silent(0);
    let said = served(&home, "init; result ok").failed(76, "agent a is stopped, and mail does not lift a stop");
    assert!(said.err.contains("turn run --agent a --prompt"), "{said:?}");
    assert_eq!(word(&shown(&home, "m1"), "state"), "stored");
    home.play("a", &[], "init; result ok");
    served(&home, "init; result ok").silent(0);
    assert_eq!(word(&shown(&home, "m1"), "state"), "acked");
}

/// B1: mail that came meanwhile keeps the run waiting, and is the next turn.
#[test]
fn mail_that_comes_during_the_turn_is_the_next_ones() {
    let home = with(&["a"]);
    send(&home, "x", "a", &[]).silent(0);
    let steps =
        format!("run env -u REFLOAT_TOKEN {} send --from x --to a --subject late; init; result ok", super::MAIL);
    assert_eq!(served(&home, &steps).silent(0).record("turn.ended")["outcome"], "waiting");
    let next = served(&home, "init; result ok").silent(0).record("turn.ended");
    assert_eq!((&next["outcome"], &next["run"]), (&json!("completed"), &json!("r1")));
    assert_eq!(ids(&home, &["--mail-state", "acked"]), ["m1", "m2"]);
}

/// What no prompt had room for, and what was sent to this run alone, is not left behind by the end of the run.
#[test]
fn a_run_goes_on_as_long_as_there_is_more_mail_than_one_turn_takes() {
    let home = with(&["a"]);
    for _ in 0..33 {
        send(&home, "x", "a", &[]).silent(0);
    }
    send(&home, "x", "a", &["--type", "steer"]).silent(0);
    let first = served(&home, "init; result ok").silent(0).record("turn.ended");
    assert_eq!((&first["outcome"], &first["cause"]), (&json!("waiting"), &json!("unread_mail")));
    let last = served(&home, "init; result ok").silent(0).record("turn.ended");
    assert_eq!((&last["outcome"], &last["run"]), (&json!("completed"), &json!("r1")));
    assert_eq!(ids(&home, &["--mail-state", "acked"]).len(), 34);
}

/// B1, B24: the dispatcher of the documents, with an agent that crashes every tenth turn and one mail that kills it.
#[test]
fn a_dispatcher_serves_every_mail_once_and_the_poison_ends_dead() {
    let home = Home::new();
    for number in 1..=200 {
        let body = if number == 44 { "poison" } else { "food" };
        send(&home, "x", "a", &["--queue", "--body", body]).silent(0);
    }
    let agent = r#"n=$(cat "$COUNT" 2>/dev/null || echo 0); n=$((n + 1)); echo $n >"$COUNT"
        text=$(cat); case $text in *poison*) kill -9 $$ ;; esac
        [ $((n % 10)) -ne 0 ] || kill -9 $$
        printf '%s\n' "$text" | sed -n 's/^\[mail \(m[0-9]*\) .*/\1/p' >>"$SERVED""#;
    std::fs::write(home.path("agent"), agent).unwrap();
    let script =
        r#"while "$MAIL" wait --agent a --timeout 1s; do "$TURN" run --agent a --mail -- sh "$AGENT" || true; done"#;
    let mut shell = home.bare("sh", ["-c", script]);
    shell.env("REFLOAT_STATE", home.state()).env("MAIL", super::MAIL).env("TURN", binary("turn"));
    shell.env("AGENT", home.path("agent")).env("COUNT", home.path("count")).env("SERVED", home.path("served"));
    let done = shell.output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let mut served: Vec<String> =
        std::fs::read_to_string(home.path("served")).unwrap().lines().map(str::to_owned).collect();
    served.sort_by_key(|mail| mail[1..].parse::<u32>().unwrap());
    let wanted: Vec<String> = (1..=200).filter(|number| *number != 44).map(|number| format!("m{number}")).collect();
    assert_eq!(served, wanted, "each once");
    assert_eq!(ids(&home, &["--mail-state", "acked", "--limit", "0"]), wanted);
    let dead = shown(&home, "m44");
    assert_eq!((word(&dead, "state").as_str(), word(&dead, "dead_reason").as_str()), ("dead", "max_deliveries"));
}

/// B20: both processes of a turn are killed. Its mail is not lost, and a waiter does not wait for ever.
#[test]
fn mail_of_a_turn_that_nobody_finishes_is_served_by_the_next() {
    let home = with(&["a"]);
    send(&home, "x", "a", &[]).silent(0);
    let mut turn = home.playing("a", &["--mail"], "init; hang");
    let mut turn = turn.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut reader = std::io::BufReader::new(turn.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut reader, &mut line).unwrap();
    let started: Value = serde_json::from_str(&line).unwrap();
    let shim = i32::try_from(started["shim_pid"].as_i64().unwrap()).unwrap();
    turn.kill().unwrap();
    turn.wait().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(shim), nix::sys::signal::Signal::SIGKILL).unwrap();
    let leased = shown(&home, "m1");
    assert_eq!((word(&leased, "state").as_str(), word(&leased, "lease_turn").as_str()), ("leased", "t2"));
    let waited = home.mail(&["wait", "--agent", "a", "--timeout", "30s"]).silent(0).record("wait.ended");
    assert_eq!(waited["mail"], "m1");
    let next = home.play("a", &["--mail", "--kill-orphans"], "init; result ok").silent(0);
    let outcomes: Vec<Value> = next.records().iter().map(|record| record["outcome"].clone()).collect();
    assert!(outcomes.contains(&json!("lost")) && outcomes.contains(&json!("completed")), "{outcomes:?}");
    assert_eq!((word(&shown(&home, "m1"), "state").as_str(), &shown(&home, "m1")["deliveries"]), ("acked", &json!(2)));
}

/// The kernel takes no argument of more than 128 KiB; the mail is cut, and not the turn refused.
#[test]
fn a_program_that_takes_its_prompt_as_an_argument_gets_as_much_mail_as_fits() {
    let home = with(&["a"]);
    send(&home, "x", "a", &[]).silent(0);
    home.sql("UPDATE mail SET body = replace(hex(zeroblob(150000)), '0', char(27))");
    let got = home.path("got");
    let steps = format!("record-args {}; exit 1", got.display());
    let program = crate::support::fake_agent();
    let args = ["run", "--agent", "a", "--mail", "--runtime", "cursor", "--program", program.to_str().unwrap()];
    let mut command = home.command("turn", args);
    let said = Said::of(command.env("FAKE_AGENT_SCRIPT", format!("inline:{steps}")));
    assert_eq!(said.code(), 1, "{said:?}");
    let text = std::fs::read_to_string(got).unwrap();
    assert!(text.contains("m1 was cut at 10240 of 300000 bytes; read it with: mail show m1"), "{}", text.len());
}
