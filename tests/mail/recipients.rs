//! Groups, generations of a name, and the fields of protocol types.

use serde_json::Value;

use super::claims::claim;
use super::{Home, ids, inside, list, out, send, with};

fn told(sent: &[Value]) -> Vec<&str> {
    let mut names: Vec<&str> = sent.iter().map(|mail| mail["to"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

/// Open runs: two builders and a scout below lead, a merger of somebody else, and lead itself. `done` has none.
fn crew() -> Home {
    let home = with(&["lead"]);
    for (agent, parent, capability) in
        [("b1", "lead", "builder"), ("b2", "lead", "builder"), ("s1", "lead", "scout"), ("m1x", "boss", "merger")]
    {
        let args = ["run", "--agent", agent, "--parent", parent, "--capability", capability, "--", "false"];
        home.turn(&args).silent(1);
    }
    home.turn(&["run", "--agent", "done", "--capability", "builder", "--", "true"]).silent(0);
    home
}

/// 43
#[test]
fn a_group_is_its_open_runs_without_the_sender_in_any_spelling() {
    let home = crew();
    for (from, group, wanted) in [
        ("o", "@all", &["b1", "b2", "lead", "m1x", "s1"][..]),
        ("b1", "@ALL", &["b2", "lead", "m1x", "s1"]),
        ("o", "@builders", &["b1", "b2"]),
        ("b1", "@Builder", &["b2"]),
        ("o", "@scout", &["s1"]),
        ("o", "@mergers", &["m1x"]),
        ("lead", "@children", &["b1", "b2", "s1"]),
    ] {
        let sent = send(&home, from, group, &[]).silent(0).records();
        assert_eq!(told(&sent), wanted, "{from} to {group}");
        assert!(sent.iter().all(|mail| mail["state"] == "stored"));
    }
    let named = list(&home, &["--to", "b2", "--from", "b1"]);
    assert_eq!(named.iter().map(|mail| mail["group"].as_str().unwrap()).collect::<Vec<_>>(), ["@all", "@builders"]);
    let before = home.dump();
    for (from, group) in
        [("o", "@leads"), ("o", "@reviewers"), ("o", "@coordinators"), ("b1", "@children"), ("s1", "@scouts")]
    {
        let said = send(&home, from, group, &[]).failed(66, "nobody but the sender is in @");
        assert!(said.err.contains("@all, @builders, @scouts"), "{said:?}");
    }
    send(&home, "o", "@nones", &[]).failed(2, "groups are: @all");
    assert_eq!(home.dump(), before);
}

/// 46, R5
#[test]
fn mail_for_a_run_dies_with_it_and_mail_for_the_name_does_not() {
    let home = with(&["lead"]);
    send(&home, "o", "run:r1", &[]).silent(0);
    send(&home, "o", "lead", &[]).silent(0);
    send(&home, "o", "run:r1", &["--priority", "high"]).silent(0);
    assert_eq!(claim(&home, "lead", &["--max", "1"])[0]["mail"], "m3", "a lease outlives the run");
    home.turn(&["stop", "lead"]).silent(0);
    let dead = list(&home, &["--mail-state", "dead"]);
    assert_eq!((dead.len(), &dead[0]["mail"], &dead[0]["dead_reason"]), (1, &"m1".into(), &"stale_generation".into()));
    home.sql("UPDATE mail SET due_tick = 0 WHERE due_at IS NOT NULL");
    home.turn(&["run", "--agent", "lead", "--max-attempts", "9", "--", "false"]).silent(1);
    assert_eq!(claim(&home, "lead", &[])[0]["mail"], "m2");
    assert_eq!(ids(&home, &["--mail-state", "dead"]), ["m1", "m3"], "and dies when that is over");
}

/// 54, 55
#[test]
fn a_change_of_course_is_for_the_run_that_is_open_and_for_none_after_it() {
    let home = with(&["lead"]);
    let steer = send(&home, "o", "lead", &["--type", "steer"]).silent(0).record("mail.sent");
    assert_eq!(steer["to_run"], "r1");
    send(&home, "o", "lead", &["--type", "result"]).silent(0);
    home.turn(&["stop", "lead"]).silent(0);
    // Nobody is there: it is for the next run.
    let waits = send(&home, "o", "lead", &["--type", "nudge"]).silent(0).record("mail.sent");
    assert_eq!(waits["to_run"], Value::Null);
    home.turn(&["run", "--agent", "lead", "--max-attempts", "9", "--", "false"]).silent(1);
    assert_eq!(home.mail(&["show", "m3"]).record("mail")["to_run"], "r2");
    assert_eq!(ids(&home, &["--mail-state", "stored"]), ["m2", "m3"]);
    home.turn(&["stop", "lead"]).silent(0);
    assert_eq!(ids(&home, &["--mail-state", "stored"]), ["m2"], "results survive a generation, nudges do not");
    assert_eq!(ids(&home, &["--mail-state", "dead"]), ["m1", "m3"]);
}

/// 37, 42: and 5.1
#[test]
fn the_payload_of_a_protocol_type_has_its_fields_or_is_refused_with_the_field() {
    let home = with(&["a"]);
    let before = home.dump();
    for (kind, payload, words) in [
        ("worker_done", r#"{"taskId":"x"}"#, "the payload of worker_done has no field 'branch'"),
        (
            "worker_done",
            r#"{"taskId":"x","branch":"b","exitCode":"0","filesModified":[]}"#,
            "'exitCode' in the payload of worker_done is not an integer",
        ),
        (
            "merge_ready",
            r#"{"branch":"b","taskId":"x","agentName":"a","filesModified":"f"}"#,
            "'filesModified' in the payload of merge_ready is not an array of texts",
        ),
        (
            "escalation",
            r#"{"severity":"loud","context":"c"}"#,
            "'severity' in the payload of escalation is not one of warning, error, critical",
        ),
        (
            "decision_gate",
            r#"{"options":["a"],"context":"c","deadline":"soon"}"#,
            "'deadline' in the payload of decision_gate is not a time",
        ),
    ] {
        send(&home, "o", "a", &["--type", kind, "--payload", payload]).failed(65, words);
    }
    assert_eq!(home.dump(), before);
    let whole = r#"{"taskId":"x","branch":"b","exitCode":0,"filesModified":["a.rs"],"more":null}"#;
    send(&home, "o", "a", &["--type", "worker_done", "--payload", whole]).silent(0);
    send(&home, "o", "a", &["--type", "status", "--payload", r#"{"any":1}"#]).silent(0);
}

#[test]
fn a_worker_without_children_is_told_so_from_inside_its_turn() {
    let home = with(&["lead"]);
    let script = "if $MAIL send --to @children --subject s 2> $OUT; then exit 9; else test $? = 66; fi
        $MAIL send --to @all --subject s >&2; $MAIL send --to lead --type result --subject d >&2";
    inside(&home, script).silent(0);
    assert!(out(&home).starts_with("mail: nobody but the sender is in @children"), "{}", out(&home));
    assert_eq!(list(&home, &["--from", "b2"])[0]["to"], "lead");
}
