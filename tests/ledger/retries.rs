//! The retry of a run: opened by a failure, taken by the next turn, cancelled by the end.

use serde_json::{Value, json};

use super::{limited, millis, play, retries};
use crate::stage::Stage;

const FAILS: &str = "init; result-error no";

/// overstory B4
#[test]
fn a_failure_opens_a_retry_and_the_next_turn_takes_it() {
    let stage = Stage::new();
    for turn in 1..=3 {
        let call = play(&stage, "a", FAILS);
        call.assert_end("failed", 1);
        let all = retries(&stage, "a");
        let [.., newest] = &all[..] else { panic!("{call:?}") };
        assert_eq!(all.len(), turn);
        assert_eq!((&newest["state"], &newest["class"]), (&json!("open"), &json!("failed")), "{newest}");
        assert_eq!((&newest["counted"], &newest["by_provider"]), (&json!(true), &json!(false)));
        assert_eq!((&newest["attempt"], &newest["in_a_row"]), (&json!(turn), &json!(turn)));
        assert_eq!((&newest["turn"], &newest["due_at"]), (&call.ended()["turn"], &call.ended()["retry_at"]));
        let [own] = &retries(&stage, call.word("turn"))[..] else { panic!("of the turn: {call:?}") };
        assert_eq!(own["retry"], newest["retry"]);
        for (older, taker) in all[..turn - 1].iter().zip(&all[1..]) {
            assert_eq!((&older["state"], &older["taken_by"]), (&json!("taken"), &taker["turn"]), "{older}");
            assert_eq!(older["since"], taker["since"], "it goes on from the first failure");
        }
    }
    play(&stage, "a", "init; result done").assert_end("completed", 0);
    let all = retries(&stage, "a");
    assert!(all.iter().all(|retry| retry["state"] == "taken"), "{all:?}");
    assert_eq!(all[2]["taken_by"], "t4");
}

/// pi-crew 55
#[test]
fn a_stop_cancels_the_retry_and_opens_no_dead_letter() {
    let stage = Stage::new();
    play(&stage, "a", FAILS).assert_end("failed", 1);
    stage.turn(&["stop", "a"]);
    let [retry] = &retries(&stage, "r1")[..] else { panic!() };
    assert_eq!((&retry["state"], &retry["taken_by"]), (&json!("cancelled"), &Value::Null), "{retry}");
    assert!(retry["closed_at"].is_string());
    assert_eq!(super::dead_letters(&stage, "r1"), [] as [Value; 0]);
    // The agent's next run has nothing to do with it.
    play(&stage, "a", FAILS).assert_end("failed", 1);
    assert_eq!(retries(&stage, "r2").len(), 1);
}

#[test]
fn a_turn_that_never_started_leaves_its_retry_open() {
    let stage = Stage::new();
    let call = play(&stage, "a", FAILS);
    let due = call.ended()["retry_at"].clone();
    // Where the next turn's files go, no folder can be made.
    std::os::unix::fs::symlink("/nowhere", call.word("log_dir").replace("t1", "t2")).unwrap();
    assert_eq!(play(&stage, "a", "init; result done").word("outcome"), "never_started");
    let [retry] = &retries(&stage, "a")[..] else { panic!() };
    assert_eq!((&retry["state"], &retry["due_at"]), (&json!("open"), &due), "{retry}");
    assert_eq!((&retry["closed_at"], &retry["taken_by"]), (&Value::Null, &Value::Null));
    play(&stage, "a", "init; result done").assert_end("completed", 0);
    assert_eq!(retries(&stage, "a")[0]["taken_by"], "t3");
}

#[test]
fn what_is_not_tried_again_has_no_retry() {
    for (script, outcome) in [("init; result done", "completed"), ("init; hang", "stalled")] {
        let stage = Stage::new();
        let call = stage.play("a", script).with(&["--max-attempts", "9", "--stall", "200ms"]).call();
        assert_eq!(call.word("outcome"), outcome, "{call:?}");
        assert_eq!(retries(&stage, "a"), [] as [Value; 0], "{outcome}");
        assert_eq!(super::dead_letters(&stage, "a"), [] as [Value; 0], "{outcome}");
    }
}

/// field 43
#[test]
fn limits_in_a_row_cost_no_attempt_and_are_paused_for_longer_and_longer() {
    let stage = Stage::new();
    for number in 1..=3 {
        let call = stage.play("a", &limited(None)).call();
        call.assert_end("limited", 75);
        let newest = retries(&stage, "a").pop().unwrap();
        assert_eq!((&newest["class"], &newest["counted"]), (&json!("limited"), &json!(false)));
        assert_eq!((&newest["in_a_row"], &newest["by_provider"]), (&json!(number), &json!(false)), "{newest}");
        let pause = millis(&newest["due_at"]) - millis(&newest["opened_at"]);
        let whole = 30_000 << (number - 1);
        assert!((whole * 3 / 4..=whole).contains(&pause), "pause {number}: {pause} ms");
        assert_eq!(stage.run_of("a")["attempts"], 0);
    }
    stage.play("a", FAILS).call();
    assert_eq!(stage.run_of("a")["state"], "failed", "one attempt, and it is used up only now");
}

#[test]
fn at_most_one_retry_of_a_run_is_open() {
    let stage = Stage::new();
    play(&stage, "a", FAILS).assert_end("failed", 1);
    let second = "INSERT INTO retry (run, turn, attempt, class, counted, due_at, by_provider, in_a_row, since, state,
        opened_at) SELECT run, turn + 1, attempt, class, counted, due_at, by_provider, in_a_row, since, state, opened_at
        FROM retry";
    let file = stage.sqlite();
    file.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    assert!(file.execute(second, []).unwrap_err().to_string().contains("UNIQUE"), "a second open one");
}
