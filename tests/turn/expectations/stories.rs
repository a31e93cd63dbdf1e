//! Stories and sprint files that are owed: the status has to become another, and what contradicts itself is nothing.

use serde_json::{Value, json};

use super::{assert_end, owes, play, work};
use crate::stage::{Call, Stage};

const STORY: &str = "docs/stories/1-2-tides.md";
const SPRINT: &str = "docs/sprint-status.yaml";

fn story(status: &str) -> String {
    format!("# Story 1.2: Tides\n\nStatus: {status}\n")
}

fn sprint(status: &str) -> String {
    format!("development_status:\n  1-2-tides: {status}\n  1-20-more: done\n")
}

fn put(stage: &Stage, name: &str, text: &str) {
    let path = stage.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A step that puts this text there.
fn step(stage: &Stage, name: &str, text: &str) -> String {
    let from = format!("text-{}", name.replace('/', "-"));
    put(stage, &from, text);
    format!("run cp {} {}", stage.name(&from), stage.name(name))
}

fn why(call: &Call) -> &Value {
    &call.ended()["expected"][0]["why"]
}

/// Of a story: what was there, what the agent leaves, how that ends, and what is said of it.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);
const ROWS: &[Row] = &[
    ("review", "done", "clean_result", "reached", ""),
    ("review", "Done ✅", "clean_result", "reached", ""),
    ("review", "review", "expectation_missing", "not_reached", "not 'done'"),
    ("in-progress", "review", "expectation_missing", "not_reached", "its status is 'review', not 'done'"),
    ("review", "blocked", "expectation_missing", "not_reached", "'blocked'"),
    ("done", "done", "expectation_missing", "not_reached", "'done' already when the attempt began"),
    ("review", "parked", "expectation_unknown", "unknown", "none that is known"),
    ("review", "", "expectation_unknown", "unknown", "empty value"),
];

/// bmad 89, 90.
#[test]
fn a_status_is_owed_a_change_to_its_target() {
    for (kind, name, text) in [("story", STORY, story as fn(&str) -> String), ("sprint", SPRINT, sprint)] {
        for (before, after, cause, state, words) in ROWS {
            let stage = Stage::new();
            put(&stage, name, &text(before));
            let call = work(&stage, &step(&stage, name, &text(after)), &[&format!("{kind}:1-2")]);
            let outcome = if *cause == "clean_result" { "completed" } else { "failed" };
            assert_end(&call, outcome, cause, state);
            assert!(why(&call).as_str().unwrap_or_default().contains(words), "{kind} {words}: {call:#?}");
            let owed = &owes(&call)[0];
            assert_eq!(
                (&owed["kind"], &owed["target"], &owed["found"]),
                (&json!(kind), &json!("1-2=done"), &json!("truth"))
            );
            assert_eq!((&owed["status"], owed["sha256"].is_string()), (&json!(before), true), "{owed}");
            assert_eq!(owed["root"].as_str(), stage.path("").to_str().map(|name| name.trim_end_matches('/')));
        }
    }
}

#[test]
fn what_is_not_there_is_missing_and_what_comes_is_reached() {
    let stage = Stage::new();
    for expect in ["story:1-2", "sprint:1-2", "story:docs/stories/1-2-tides.md"] {
        let call = work(&stage, "say nothing", &[expect]);
        assert_end(&call, "failed", "expectation_missing", "not_reached");
        assert!(why(&call).as_str().unwrap().contains("not there"), "{call:#?}");
    }
    put(&stage, "docs/stories/1-20-more.md", &story("done"));
    let call = work(&stage, "say nothing", &["story:1-2"]);
    assert_end(&call, "failed", "expectation_missing", "not_reached");
    let call = work(&stage, &step(&stage, STORY, &story("ready-for-dev")), &["story:1-2=ready-for-dev"]);
    assert_end(&call, "completed", "clean_result", "reached");
    put(&stage, SPRINT, "development_status:\n  1-20-more: done\n");
    let call = work(&stage, &step(&stage, SPRINT, &sprint("review")), &["sprint:1-2=review"]);
    assert_end(&call, "completed", "clean_result", "reached");
}

/// bmad 94, 95, 31: nobody is believed against another, and half a file says nothing.
#[test]
fn what_contradicts_itself_or_cannot_be_told_is_unknown() {
    let two = format!("---\nstatus: done\n---\n\n{}", story("review"));
    let rows = [
        (STORY, two.as_str(), "story:1-2", "conflict: line 2 'done', line 7 'review'"),
        (STORY, "---\nstatus: done\n", "story:1-2", "unclosed front matter"),
        ("docs/stories/1-2-other.md", "Status: done\n", "story:1-2", "ambiguous"),
        (SPRINT, "development_status:\n  1-2-tides: don", "sprint:1-2", "cut off"),
        (SPRINT, "development_status:\n  1-2-tides: done\n  1-2-tides: done\n", "sprint:1-2", "duplicate key"),
        ("_bmad-output/sprint-status.yaml", "development_status:\n  1-2-tides: done\n", "sprint:1-2", "conflict"),
    ];
    for (name, text, expect, words) in rows {
        let stage = Stage::new();
        put(&stage, STORY, &story("in-progress"));
        put(&stage, SPRINT, &sprint("in-progress"));
        std::fs::create_dir_all(stage.path("_bmad-output")).unwrap();
        let call = work(&stage, &step(&stage, name, text), &[expect]);
        assert_end(call.assert_end("failed", 1), "failed", "expectation_unknown", "unknown");
        assert!(call.word("message").contains(words), "{words}: {call:#?}");
    }
}

/// What could not be told before cannot be told to be new.
#[test]
fn a_baseline_that_tells_nothing_proves_nothing_new() {
    let stage = Stage::new();
    put(&stage, STORY, &format!("---\nstatus: done\n---\n\n{}", story("review")));
    let call = work(&stage, &step(&stage, STORY, &story("done")), &["story:1-2"]);
    assert_end(&call, "failed", "expectation_unknown", "unknown");
    assert!(why(&call).as_str().unwrap().contains("before is not known: conflict"), "{call:#?}");
    assert_eq!((&owes(&call)[0]["status"], &owes(&call)[0]["found"]), (&json!(null), &json!("truth")));
    put(&stage, STORY, "# Story 1.2\n\nText.\n");
    let call = work(&stage, &step(&stage, STORY, &story("done")), &["story:1-2"]);
    assert_end(&call, "completed", "clean_result", "reached");
}

/// Finished work is adopted by a story or a sprint file too, if it is of this attempt.
#[test]
fn an_agent_that_dies_when_its_story_is_done_has_finished() {
    for (expect, name, text) in [("story:1-2", STORY, story as fn(&str) -> String), ("sprint:1-2", SPRINT, sprint)] {
        let stage = Stage::new();
        put(&stage, name, &text("review"));
        let script = format!("init; {}; die KILL", step(&stage, name, &text("done")));
        let call = play(&stage, &script, &[expect]);
        assert_end(call.assert_end("completed", 0), "completed", "expectation_met", "reached");
        // Left over, it adopts nothing.
        play(&stage, "init; die KILL", &[expect]).assert_end("killed", 137);
    }
    let stage = Stage::new();
    put(&stage, STORY, &story("review"));
    put(&stage, SPRINT, &sprint("review"));
    let script = format!("init; {}; die KILL", step(&stage, STORY, &story("done")));
    play(&stage, &script, &["story:1-2", "sprint:1-2"]).assert_end("killed", 137);
}

#[test]
fn what_is_owed_is_kept_and_shown_as_it_was_named() {
    let stage = Stage::new();
    put(&stage, STORY, &story("review"));
    let expect = ["story:1-2", "story:1-2=Done", "sprint:1-2=In Review"];
    let first = super::owing(&stage, "init; result-error no", &expect).with(&["--max-attempts", "9"]).call();
    let owed = owes(&first).iter().map(|one| format!("{}:{}", one["kind"], one["target"])).collect::<Vec<_>>();
    assert_eq!(owed, [r#""story":"1-2=done""#, r#""sprint":"1-2=review""#]);
    let shown = stage.turn(&["show", "a"]);
    assert_eq!(shown.last("run")["owes"], first.last("turn.started")["owes"], "{shown:#?}");
    // The next attempt has its own baseline.
    put(&stage, STORY, &story("done"));
    let second = stage.play("a", "init; result done").call();
    let found: Vec<&Value> = second.ended()["expected"].as_array().unwrap().iter().map(|one| &one["state"]).collect();
    assert_eq!(found, [&json!("not_reached"), &json!("not_reached")], "{second:#?}");
    assert_eq!(owes(&second)[0]["status"], "done");
}
