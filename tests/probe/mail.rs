//! `probe mail`: what waits, and whether a turn could take it.

use serde_json::{Value, json};

use super::found;
use super::readonly::looks_only;
use crate::contract::{Home, binary};
use crate::support::until;

fn look(home: &Home) -> Value {
    home.probe(&["mail", "a"]).silent(0).record("evidence")
}

fn send(home: &Home, more: &[&str]) {
    home.mail(&[&["send", "--from", "x", "--to", "a", "--subject", "s"], more].concat()).silent(0);
}

fn with_agent() -> Home {
    let home = Home::new();
    home.turn(&["run", "--agent", "a", "--max-attempts", "9", "--", "true"]).silent(0);
    home
}

#[test]
fn what_waits_is_told_as_a_claim_would_find_it() {
    let home = with_agent();
    let look = || look(&home);
    assert_eq!(found(&look()), ["no", "absent", "no_mail"]);
    home.probe(&["mail", "a", "--exit-code"]).silent(1);
    send(&home, &["--expires", "1ms"]);
    until("the mail's end", || found(&look()) == ["no", "absent", "not_due"]);
    send(&home, &[]);
    let ready = look();
    assert_eq!(found(&ready), ["yes", "present", "mail_ready"]);
    home.probe(&["mail", "a", "--exit-code"]).silent(0);
    let detail = &ready["detail"];
    assert_eq!((&detail["stored"], &detail["ready"], &detail["leases"]), (&json!(2), &json!("m2"), &json!([])));
    assert!(detail["oldest_ms"].as_i64().is_some());
    let claimed = home.mail(&["claim", "--agent", "a", "--lease", "1h"]).silent(0).record("mail");
    let leased = look();
    assert_eq!(found(&leased), ["no", "absent", "all_leased"], "{leased}");
    let detail = &leased["detail"];
    assert_eq!(
        (&detail["leased"], &detail["dead"], &detail["leases"][0]["mail"]),
        (&json!(1), &json!(1), &json!("m2"))
    );
    assert_eq!(detail["leases"][0]["until"], detail["next_due_at"]);
    let token = claimed["claim"].as_str().unwrap();
    home.mail(&["nack", "m2", "--claim", token, "--delay", "1h"]).silent(0);
    assert_eq!(found(&look()), ["no", "absent", "not_due"]);
    assert!(look()["detail"]["next_due_at"].is_string());
    assert!(home.mail(&["list", "--mail-state", "acked"]).silent(0).out.is_empty(), "nothing was consumed");
}

#[test]
fn an_agent_that_is_stopped_or_held_cannot_take_what_waits() {
    let home = with_agent();
    send(&home, &[]);
    home.turn(&["stop", "a"]).silent(0);
    let stopped = look(&home);
    assert_eq!((found(&stopped), &stopped["detail"]["stopped"]), (["no", "held", "agent_stopped"], &json!(true)));
    home.play("a", &["--max-attempts", "9"], "init; result-error no").with_code(1);
    let held = look(&home);
    assert_eq!(found(&held), ["no", "held", "agent_held"], "{held}");
    assert_eq!((&held["detail"]["hold"], &held["run"]), (&json!("backoff"), &json!("r2")));
    home.sql("UPDATE run SET state = 'blocked', hold = 'needs_human', held_until = NULL WHERE id = 2");
    assert_eq!(found(&look(&home)), ["no", "held", "needs_human"]);
}

#[test]
fn mail_of_a_turn_that_nobody_watches_goes_to_the_next_one() {
    let home = with_agent();
    send(&home, &[]);
    let out = home.path("during");
    let steps = format!("run {} mail a >{}; init; result ok", binary("probe"), out.display());
    home.play("a", &["--mail"], &steps).silent(0);
    let during: Value = serde_json::from_str(&std::fs::read_to_string(out).unwrap()).unwrap();
    assert_eq!(found(&during), ["no", "absent", "all_leased"], "{during}");
    assert_eq!((&during["detail"]["leases"][0]["turn"], &during["detail"]["abandoned"]), (&json!("t2"), &Value::Null));
    // As a dead supervisor and a dead shim leave it: leased to a turn without an outcome, whose lock is free.
    send(&home, &[]);
    home.sql(
        "UPDATE turn SET outcome = NULL, ended = NULL, ended_at = NULL WHERE id = 2;
         UPDATE mail SET state = 'leased', claim = 'x', claimed_at = 1, lease_turn = 2 WHERE id = 2",
    );
    let left = look(&home);
    assert_eq!((found(&left), &left["detail"]["abandoned"]), (["yes", "present", "abandoned"], &json!("m2")), "{left}");
}

#[test]
fn nobody_is_not_nothing() {
    let home = Home::new();
    home.probe(&["mail", "a"]).failed(66, "no state at");
    assert!(!home.path("state").exists());
    home.turn(&["run", "--agent", "b", "--", "true"]).silent(0);
    home.probe(&["mail", "a"]).failed(66, "no agent 'a'");
    send(&home, &["--queue"]);
    assert_eq!(found(&look(&home)), ["yes", "present", "mail_ready"], "for one that will come");
}

#[test]
fn looking_at_mail_changes_nothing() {
    let home = with_agent();
    send(&home, &[]);
    let before = home.dump();
    let Some(said) = looks_only(&home, &["mail", "a"], |_| {}) else { return };
    said.silent(0);
    assert_eq!(home.dump(), before);
}
