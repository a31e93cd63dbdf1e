//! The baseline: taken when an attempt begins, kept while it lasts.

use serde_json::json;

use super::{assert_end, owes, owing, play, work, write};
use crate::stage::{Call, Stage};

#[test]
fn a_failed_attempt_is_followed_by_a_new_baseline_and_a_wait_is_not() {
    let stage = Stage::new();
    let file = stage.name("f");
    // Written in an attempt that failed: it is there when the next begins, and proves nothing for it.
    let first = owing(&stage, &format!("init; write {file} 1; result-error no"), &["file:f"]);
    let first = first.with(&["--max-attempts", "9"]).call();
    assert_end(&first, "failed", "error_result", "reached");
    let second = stage.play("a", "init; result done").call();
    assert_end(&second, "failed", "expectation_missing", "not_reached");
    assert_eq!(owes(&second)[0]["since"], second.last("turn.started")["turn"]);
    // Written before a wait: it stays a part of the attempt.
    stage.play("b", "init; result-error no").with(&["--parent", "a", "--max-attempts", "2"]).call();
    let third = stage.play("a", &format!("init; write {file} 2; result done")).call();
    assert_end(third.assert_end("waiting", 0), "waiting", "open_children", "reached");
    stage.turn(&["stop", "b"]);
    stage.sqlite().execute("DELETE FROM mail", []).unwrap();
    let fourth = stage.play("a", "init; result done").call();
    assert_end(fourth.assert_end("completed", 0), "completed", "clean_result", "reached");
    assert_eq!(owes(&fourth)[0]["since"], third.last("turn.started")["turn"]);
}

#[test]
fn a_turn_that_was_limited_goes_on_with_its_baseline() {
    let stage = Stage::new();
    let limit = crate::support::capture("claude/429");
    let script = format!("write {} 1; replay {}", stage.name("f"), limit.display());
    play(&stage, &script, &["file:f"]).assert_end("limited", 75);
    let call = stage.play("a", "init; result done").with(&["--now"]).call();
    assert_end(call.assert_end("completed", 0), "completed", "clean_result", "reached");
}

#[test]
fn a_run_keeps_what_it_was_given_and_later_turns_may_repeat_and_add() {
    let stage = Stage::new();
    write(&stage, "old", "old");
    let more = ["--max-attempts", "9"];
    let first = owing(&stage, "init; result-error no", &["file:f", "file:old", "file:f"]);
    let first = first.with(&more).call();
    let targets = |call: &Call| owes(call).iter().map(|one| one["target"].clone()).collect::<Vec<_>>();
    let folder = stage.path("");
    let named = |name: &str| json!(folder.join(name));
    assert_eq!(targets(&first), [named("f"), named("old")]);
    let again = stage.play("a", "init; result-error no").call();
    assert_eq!(targets(&again), targets(&first), "not repeated, not dropped");
    let added = owing(&stage, "init; result-error no", &["mail:status", "file:./f"]).call();
    assert_eq!(targets(&added), [named("f"), named("old"), json!("status")]);
    let old = &owes(&added)[1];
    assert_eq!((&old["found"], &old["size"], &old["kind"]), (&json!("file"), &json!(3), &json!("file")));
    assert_eq!(stage.run_of("a")["owes"], json!(owes(&added)));
    // Another run owes nothing of it.
    stage.turn(&["stop", "a"]);
    let fresh = stage.play("a", "init; result done").call();
    assert_eq!((fresh.ended()["expected"].clone(), owes(&fresh).len()), (json!([]), 0));
}

#[test]
fn what_is_added_while_a_run_waits_has_a_baseline_of_that_moment() {
    let stage = Stage::new();
    stage.play("b", "init; result-error no").with(&["--parent", "a", "--max-attempts", "2"]).call();
    let file = stage.name("f");
    work(&stage, &format!("write {file} 1"), &["file:f"]).assert_end("waiting", 0);
    write(&stage, "g", "1");
    stage.turn(&["stop", "b"]);
    stage.sqlite().execute("DELETE FROM mail", []).unwrap();
    let call = work(&stage, "say nothing", &["file:f", "file:g"]);
    call.assert_end("failed", 1);
    let states: Vec<_> = call.ended()["expected"].as_array().unwrap().iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, [json!("reached"), json!("not_reached")]);
}
