//! `--on-stall report`: a silence is told once, on the row, as a record and in a line, and the turn goes on.
//! And what re-arms a clock: keep-alive lines do not, work after a terminal event does.

use serde_json::{Value, json};

use crate::stage::{Call, Stage, until};

const REPORT: [&str; 4] = ["--stall", "250ms", "--on-stall", "report"];
const TOOL: &str = r#"line {"type":"assistant","message":{"content":[{"type":"tool_use","id":"x"}]}}"#;
const KEEP_ALIVE: &str = r#"line {"type":"stream_event","event":{"type":"ping"}}"#;

fn phases(call: &Call) -> Vec<&str> {
    call.all("turn.stalled").iter().map(|record| record["phase"].as_str().unwrap()).collect()
}

fn kinds(call: &Call) -> Vec<&str> {
    call.records.iter().map(|record| record["type"].as_str().unwrap()).collect()
}

/// field 38
#[test]
fn silence_is_told_once_and_again_only_after_progress() {
    let stage = Stage::new();
    let script = "init; sleep 1200; say on; sleep 700; result done";
    let call = stage.play("a", script).with(&REPORT).call();
    call.assert_end("completed", 0);
    assert_eq!(kinds(&call), ["turn.started", "turn.stalled", "turn.stalled", "turn.ended"]);
    assert_eq!(phases(&call), ["model", "model"]);
    for record in call.all("turn.stalled") {
        assert!(record["silent_ms"].as_i64() >= Some(250) && record["limit_ms"] == 250, "{record}");
    }
    assert_eq!(call.all("turn.stalled")[1]["events"], 2);
    let told: Vec<&str> = call.stderr.lines().collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|line| line.starts_with("turn: t1 of a is silent for ") && line.contains("(model)")));
    let turn = stage.turn(&["show", "t1"]).last("turn").clone();
    assert_eq!((&turn["stalled_at"], &turn["wish"]), (&Value::Null, &Value::Null), "over, since it made progress");
}

/// field 38
#[test]
fn each_phase_has_its_own_silence_and_the_outcome_is_what_it_becomes() {
    let stage = Stage::new();
    let clocks = ["--first-event", "200ms", "--stall", "300ms", "--stall-tool", "250ms", "--on-stall", "report"];
    let script = format!("sleep 500; init; sleep 600; {TOOL}; sleep 600; exit 3");
    let call = stage.play("a", &script).with(&clocks).call();
    call.assert_end("no_result", 1);
    assert_eq!(phases(&call), ["starting", "model", "tool"]);
    assert_eq!(call.ended()["exit_code"], 3);
    let turn = stage.turn(&["show", "t1"]).last("turn").clone();
    assert_eq!((&turn["stalled_phase"], turn["stalled_at"].is_string()), (&json!("tool"), true), "it ended so: {turn}");
}

#[test]
fn a_silence_that_lasts_is_on_the_row_and_chatter_does_not_end_it() {
    let stage = Stage::new();
    let chatter = format!(
        r#"init; repeat 20 {{ line {{"type":"system","subtype":"api_retry"}}; {KEEP_ALIVE}; sleep 30 }}; wait-file {}; result done"#,
        stage.name("go")
    );
    let mut running = stage.play("a", &chatter).with(&REPORT).start();
    let stalled = running.until("turn.stalled").clone();
    let turn = stage.turn(&["show", "t1"]).last("turn").clone();
    assert_eq!((&turn["stalled_at"], &turn["stalled_phase"]), (&stalled["at"], &json!("model")), "{turn}");
    running.until_written(2000);
    std::fs::write(stage.path("go"), "").unwrap();
    let call = running.end();
    call.assert_end("completed", 0);
    assert_eq!(phases(&call), ["model"]);
}

#[test]
fn what_is_only_told_does_not_hold_back_the_grace_the_deadline_or_a_stop() {
    let stage = Stage::new();
    let quick = ["--kill-after", "100ms"];
    let lingering = stage.play("a", "init; result done; hang").with(&REPORT).with(&["--grace", "300ms"]).with(&quick);
    let call = lingering.call();
    assert_eq!(phases(call.assert_end("completed", 0)), [] as [&str; 0]);
    let call = stage.play("b", "init; hang").with(&REPORT).with(&["--deadline", "800ms"]).with(&quick).call();
    assert_eq!(phases(call.assert_end("timed_out", 124)), ["model"]);
    let mut running = stage.play("c", "init; hang").with(&REPORT).with(&quick).start();
    running.until("turn.stalled");
    assert_eq!(stage.turn(&["stop", "c"]).code, 0);
    running.end().assert_end("aborted", 143);
}

#[test]
fn a_supervisor_that_takes_over_does_not_tell_the_same_silence_again() {
    let stage = Stage::new();
    let script = format!("init; wait-file {}; say on; sleep 700; result done", stage.name("go"));
    let mut running = stage.play("a", &script).with(&REPORT).start();
    running.until("turn.stalled");
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    let attached = crate::stage::Running::begin(&stage, {
        let mut command = stage.command(crate::stage::TURN);
        command.args(["attach", "a"]);
        command
    });
    let me = i64::from(attached.child.id());
    until("the new supervisor", || stage.turn(&["show", "t1"]).last("turn")["supervisor_pid"] == me);
    // As long as the limit, and more: time enough to tell it again.
    let start = refloat::clock::Tick::now();
    until("the limit", || refloat::clock::Tick::now().since(start).as_millis() > 600);
    std::fs::write(stage.path("go"), "").unwrap();
    let call = attached.end();
    call.assert_end("completed", 0);
    assert_eq!(call.all("turn.stalled").len(), 1, "only the silence that came later: {call:#?}");
    assert_eq!(call.all("turn.stalled")[0]["events"], 2);
}

/// field 34
#[test]
fn keep_alive_lines_do_not_hold_a_clock_back() {
    let stage = Stage::new();
    let script = format!("init; repeat 600 {{ {KEEP_ALIVE}; sleep 50 }}; result done");
    let call = stage.play("a", &script).with(&["--stall", "400ms", "--kill-after", "100ms"]).call();
    assert_eq!(call.assert_end("stalled", 124).word("cause"), "no_progress");
    assert!(call.ended()["events"].as_i64() > Some(3), "they came: {:?}", call.ended());
}

/// field 32
#[test]
fn work_after_a_terminal_event_is_work_again_and_not_ended_by_the_grace() {
    let stage = Stage::new();
    let script = "init; result one; sleep 100; say more; sleep 900; result two";
    let call = stage.play("a", script).with(&["--grace", "400ms", "--kill-after", "100ms"]).call();
    assert_eq!(call.assert_end("completed", 0).ended()["events"], 4);
    assert_eq!(call.ended()["signal"], Value::Null);
}

/// Whoever does not read stderr does not hold up the watch.
#[test]
fn a_silence_that_nobody_hears_of_delays_nothing() {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    use std::io::Write;
    let stage = Stage::new();
    let (reader, mut full) = std::io::pipe().unwrap();
    let flags = fcntl_getfl(&full).unwrap();
    fcntl_setfl(&full, flags | OFlags::NONBLOCK).unwrap();
    while full.write(&[b' '; 4096]).is_ok() {}
    fcntl_setfl(&full, flags).unwrap();
    let mut play = stage.play("a", "init; sleep 600; say on; sleep 600; result done").with(&REPORT);
    play.ready();
    play.command.stderr(full);
    let child = play.command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    until("the outcome", || {
        stage.state().exists() && !stage.turn(&["list", "--outcome", "completed"]).records.is_empty()
    });
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), said.matches("\"turn.stalled\"").count()), (Some(0), 2), "{said}");
    drop(reader);
}
