//! Ends: the run's state after each, and the record of the turn, also when the state file was in the way.

use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};

use crate::stage::{Stage, until};

/// T6, B6, B7
#[test]
fn the_run_is_in_turn_while_the_agent_runs_and_never_afterwards() {
    let stage = Stage::new();
    let steps = ["init; result-error no", "init; exit 0", "init; die KILL", "init; result-error no"];
    for (round, end) in steps.into_iter().enumerate() {
        let (first, rest) = end.split_once("; ").unwrap();
        let go = stage.name(&format!("go{round}"));
        let script = format!("{first}; wait-file {go}; {rest}");
        let running = stage.play("a", &script).with(&["--max-attempts", "9"]).start();
        assert_eq!(stage.run_of("a")["state"], "in_turn");
        std::fs::write(go, "").unwrap();
        let call = running.end();
        // The state before equals the state after but for the first turn: it is written all the same.
        assert_eq!(call.word("state_after"), "between_turns");
        assert_eq!(stage.run_of("a")["state"], "between_turns");
    }
    stage.play("a", "init; result done").call().assert_end("completed", 0);
    assert_eq!(stage.run_of("a")["state"], "completed");
}

/// T11
#[test]
fn a_failed_turn_is_between_turns_with_a_time_for_the_next_and_the_next_is_not_refused() {
    let stage = Stage::new();
    let call = stage.play("a", "init; result-error no").with(&["--max-attempts", "2"]).call();
    call.assert_end("failed", 1);
    assert!(call.word("retry_at") > call.word("at"), "{:?}", call.ended());
    let again = stage.play("a", "init; result done").call();
    assert_eq!(
        (again.assert_end("completed", 0).word("run"), &again.ended()["attempt"]),
        (call.word("run"), &json!(2))
    );
    assert_eq!(stage.run_of("a")["held_until"], Value::Null);
}

#[test]
fn finished_work_is_finished_whatever_kills_the_agent_afterwards() {
    let stage = Stage::new();
    stage.play("a", "init; result done; exit 1").call().assert_end("completed", 0);
    stage.play("a", "init; result done; die SEGV").call().assert_end("completed", 0);
    let running = stage.play("a", "init; result done; hang").start();
    until("the result", || std::fs::read_to_string(running.log("stream.jsonl")).unwrap().contains("\"result\""));
    kill(running.agent_pid(), Signal::SIGKILL).unwrap();
    running.end().assert_end("completed", 0);
}

#[test]
fn a_code_of_128_and_a_signal_is_no_death_by_signal() {
    let stage = Stage::new();
    let call = stage.play("a", "init; exit 137").call();
    assert_eq!((&call.ended()["exit_code"], &call.ended()["signal"]), (&json!(137), &Value::Null));
    call.assert_end("no_result", 1);
}

/// T17
#[test]
fn lines_that_are_none_are_counted_and_break_nothing() {
    let stage = Stage::new();
    let odd = r"raw \xff\xfe\n; line not json; line [1,2]; line null; raw \n\n; raw \e[31mred\n; longline 3000000";
    let call = stage.play("a", &format!("init; {odd}; result done; raw half a line")).call();
    call.assert_end("completed", 0);
    assert!(call.ended()["ignored_lines"].as_i64() >= Some(5), "{:?}", call.ended());
}

/// T17
#[test]
fn a_stream_file_that_is_taken_away_costs_no_finished_work() {
    let stage = Stage::new();
    let script = r#"init; run rm "$(readlink /proc/$PPID/fd/1)"; result done"#;
    let call = stage.play("a", script).call();
    call.assert_end("completed", 0);
    assert!(!std::path::Path::new(call.word("log_dir")).join("stream.jsonl").exists());
    assert_eq!(stage.run_of("a")["state"], "completed");
    stage.play("a", "init; result done").call().assert_end("completed", 0);
}

/// T19
#[test]
fn a_state_file_that_is_busy_at_the_end_loses_nothing() {
    let stage = Stage::new();
    let running = stage.play("a", &format!("init; wait-file {}; result done", stage.name("go"))).start();
    let file = stage.sqlite();
    file.execute_batch("BEGIN IMMEDIATE").unwrap();
    std::fs::write(stage.path("go"), "").unwrap();
    let call = running.end();
    assert_eq!((call.code, call.all("turn.ended").len()), (75, 0), "{call:#?}");
    file.execute_batch("ROLLBACK").unwrap();
    let adopted = stage.turn(&["attach", "a"]);
    adopted.assert_end("completed", 0);
    assert_eq!(stage.run_of("a")["state"], "completed");
}

/// T22
#[test]
fn after_the_end_nobody_is_left_and_the_lock_is_free() {
    let stage = Stage::new();
    for script in
        ["init; spawn setsid; result done", "init; spawn ignore-term; result-error no", "spawn plain; die KILL"]
    {
        let call = stage.play("a", script).call();
        assert_eq!(stage.family.alive(), [] as [i32; 0], "{call:#?}");
        stage.play("a", "init; result done").with(&["--lock-wait", "0s"]).call().assert_end("completed", 0);
    }
    assert_eq!(stage.turn(&["list", "--open"]).records, [] as [Value; 0]);
}

/// T23
#[test]
fn each_line_of_the_stream_is_an_event_with_its_kind() {
    let stage = Stage::new();
    let line = |kind: &str, item: Value| json!({"type": kind, "message": {"content": [item]}});
    let open = line("assistant", json!({"type": "tool_use", "id": "x", "name": "Bash"}));
    let close = line("user", json!({"type": "tool_result", "tool_use_id": "x"}));
    let script = format!("init; say hello; line {open}; line {close}; line nothing; result done");
    let call = stage.play("a", &script).call();
    call.assert_end("completed", 0);
    let log = stage.turn(&["log", call.word("turn")]);
    let kinds: Vec<&str> = log.records.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds[..4], ["start", "progress", "tool_open", "tool_close"], "{kinds:?}");
    assert_eq!(kinds.last(), Some(&"terminal"));
    assert_eq!(log.records[2]["event"]["message"]["content"][0]["name"], "Bash");
    assert_eq!(log.records[4]["event"], Value::Null);
}

/// T21
#[test]
fn a_turn_whose_run_has_moved_on_is_fenced_and_changes_nothing() {
    let stage = Stage::new();
    let running = stage.play("a", &format!("init; wait-file {}; result done", stage.name("go"))).start();
    stage.sqlite().execute("UPDATE run SET epoch = epoch + 1", []).unwrap();
    let before = stage.run_of("a");
    std::fs::write(stage.path("go"), "").unwrap();
    let call = running.end();
    assert_eq!(call.assert_end("fenced", 76).word("cause"), "epoch");
    assert_eq!(stage.run_of("a"), before);
}
