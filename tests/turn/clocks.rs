//! Clocks: silence is ended, work is not, whoever holds the pipes, whatever the zone.

use nix::sys::signal::{Signal, kill};
use serde_json::json;

use crate::stage::{MAIL, Stage, until};
use crate::support::Witness;

const STALL: [&str; 4] = ["--stall", "400ms", "--kill-after", "100ms"];

/// T12
#[test]
fn silence_is_a_stall_on_a_fresh_and_on_a_resumed_session() {
    for resumed in [false, true] {
        let stage = Stage::new();
        if resumed {
            let first = stage.play("a", "init s-1; result-error no").with(&["--max-attempts", "3", "--parent", "lead"]);
            first.call().assert_end("failed", 1);
        }
        let call = stage.play("a", "init; hang").with(&STALL).with(&["--parent", "lead"]).call();
        call.assert_end("stalled", 124);
        assert_eq!((call.word("resume") == "same", call.word("cause")), (resumed, "no_progress"));
        assert_eq!(call.word("outcome_source"), "clock");
        assert_eq!(stage.run_of("a")["state"], "timed_out");
        let [mail] = &stage.mails("lead", "worker_died")[..] else { panic!("not one mail") };
        assert!(mail["payload"]["reason"].as_str().unwrap().contains("stalled"), "{mail}");
    }
}

/// T12
#[test]
fn nothing_at_all_is_a_stall_of_its_own_and_a_deaf_agent_is_killed() {
    let stage = Stage::new();
    let call = stage.play("a", "hang").with(&["--first-event", "300ms"]).call();
    assert_eq!(call.assert_end("stalled", 124).word("cause"), "no_first_event");
    let deaf = stage.play("b", "ignore INT TERM HUP; init; hang").with(&STALL).call();
    deaf.assert_end("stalled", 124);
    assert_eq!(deaf.ended()["signal"], 9);
}

/// Programs say that they failed when a signal of ours interrupts them: that is no word of their own.
#[test]
fn a_clock_that_is_answered_with_a_failed_result_is_still_that_clock() {
    let stage = Stage::new();
    let answers = "on INT { result-error interrupted; exit 1 }; init; hang";
    let stalled = stage.play("a", answers).with(&STALL).call();
    assert_eq!(stalled.assert_end("stalled", 124).word("cause"), "no_progress");
    let late = stage.play("b", answers).with(&["--deadline", "400ms"]).call();
    assert_eq!(late.assert_end("timed_out", 124).word("cause"), "deadline");
}

/// T12
#[test]
fn an_open_tool_call_has_its_own_longer_clock() {
    let stage = Stage::new();
    let tool = r#"line \{"type":"assistant","message":\{"content":[\{"type":"tool_use","id":"x"\}]\}\}"#;
    let tool = tool.replace("\\{", "{").replace("\\}", "}");
    let quiet = format!("init; {tool}; sleep 1500; result done");
    let call = stage.play("a", &quiet).with(&["--stall", "300ms", "--stall-tool", "60s"]).call();
    call.assert_end("completed", 0);
    let call =
        stage.play("a", &format!("init; {tool}; hang")).with(&["--stall", "60s", "--stall-tool", "400ms"]).call();
    assert_eq!(call.assert_end("stalled", 124).word("cause"), "no_progress_in_tool");
}

/// T13
#[test]
fn steady_progress_never_stalls_however_long_it_takes() {
    let stage = Stage::new();
    let call = stage.play("a", "init; repeat 60 { say on; sleep 100 }; result done").with(&["--stall", "3s"]).call();
    call.assert_end("completed", 0);
    assert!(call.ended()["duration_ms"].as_i64() >= Some(6000), "longer than two limits: {:?}", call.ended());
}

/// T13
#[test]
fn retry_chatter_is_no_progress() {
    let stage = Stage::new();
    let chatter = r#"init; repeat 600 { line {"type":"system","subtype":"api_retry"}; sleep 50 }; result done"#;
    let call = stage.play("a", chatter).with(&STALL).call();
    assert_eq!(call.assert_end("stalled", 124).word("cause"), "no_progress");
}

/// B8
#[test]
fn a_grandchild_that_holds_the_output_neither_delays_nor_spoils_the_end() {
    let stage = Stage::new();
    let mut witness = Witness::new(&stage.path("witness"));
    let script = format!(
        "fifo {}; init; spawn setsid+holds-stdout {{ ready; repeat 9999 {{ say from below; sleep 5 }} }}; {}; result done; exit 0",
        stage.name("witness"),
        stage.sends("lead", "worker_done")
    );
    let call = stage.play("a", &script).with(&["--parent", "lead", "--stall", "30s"]).call();
    call.assert_end("completed", 0);
    assert!(witness.everyone_gone());
    assert_eq!(stage.mails("lead", "worker_died").len(), 0);
    assert!(call.ended()["duration_ms"].as_i64() < Some(29_000), "{:?}", call.ended());
}

/// B8
#[test]
fn a_result_whose_process_stays_is_ended_after_the_grace_as_the_result_says() {
    let stage = Stage::new();
    let grace = ["--grace", "200ms", "--kill-after", "100ms"];
    stage.play("a", "init; result done; hang").with(&grace).call().assert_end("completed", 0);
    stage.play("b", "ignore INT TERM; init; result done; hang").with(&grace).call().assert_end("completed", 0);
    stage.play("c", "init; result-error no; hang").with(&grace).call().assert_end("failed", 1);
}

/// B9
#[test]
fn an_agent_that_closes_its_output_and_lives_on_ends_at_the_deadline() {
    let stage = Stage::new();
    let args = ["--first-event", "none", "--stall", "none", "--deadline", "700ms", "--kill-after", "100ms"];
    for script in ["close-stdout; close-stderr; hang", "init; close-all; hang", "ignore INT TERM; close-all; hang"] {
        let call = stage.play("a", script).with(&args).call();
        assert_eq!(call.assert_end("timed_out", 124).word("cause"), "deadline");
        assert_eq!(call.ended()["children_left"], 0);
    }
}

#[test]
fn a_plain_command_may_be_silent_until_its_deadline() {
    let stage = Stage::new();
    let plain = |args: &[&str]| stage.turn(&[&["run", "--agent", "a"], args].concat());
    plain(&["--", "sh", "-c", "exit 0"]).assert_end("completed", 0);
    let failed = plain(&["--", "sh", "-c", "exit 7"]);
    assert_eq!(failed.assert_end("failed", 1).ended()["exit_code"], 7);
    let late = plain(&["--deadline", "300ms", "--kill-after", "100ms", "--", "sleep", "600"]);
    late.assert_end("timed_out", 124);
}

/// B25
#[test]
fn times_are_utc_and_durations_true_in_every_zone() {
    let mut seen = Vec::new();
    for zone in ["UTC", "America/New_York", "Asia/Tokyo"] {
        let stage = Stage::new();
        let script = format!("init; sleep 300; {}; result done", stage.sends("lead", "status"));
        let call = stage.play("a", &script).env("TZ", zone).with(&["--parent", "lead"]).call();
        let shown = {
            let mut command = stage.command(MAIL);
            command.args(["list"]).env("TZ", zone);
            stage.call(command)
        };
        for record in call.records.iter().chain(&shown.records).chain([&stage.run_of("a")]) {
            assert_zulu(record);
        }
        let at = |text: &str| text.parse::<refloat::clock::Stamp>().unwrap().millis();
        let (from, to) = (at(call.word("started_at")), at(call.word("at")));
        let took = call.ended()["duration_ms"].as_i64().unwrap();
        assert!((300..60_000).contains(&took) && to - from >= took, "{zone}: {took} of {}", to - from);
        assert!((to - refloat::clock::Stamp::now().millis()).abs() < 60_000, "{zone}: {}", call.word("at"));
        seen.push(to);
    }
    assert!(seen.is_sorted(), "one time line: {seen:?}");
}

/// Every field that holds a time holds it with milliseconds and in UTC.
fn assert_zulu(record: &serde_json::Value) {
    for (key, value) in record.as_object().unwrap() {
        let Some(text) = value.as_str().filter(|_| key == "at" || key.ends_with("_at") || key.ends_with("_until"))
        else {
            continue;
        };
        assert!(text.len() == 24 && text.ends_with('Z') && text.as_bytes()[19] == b'.', "{key} in {record}");
    }
}

#[test]
fn an_agent_that_was_stopped_and_goes_on_within_its_limit_is_not_harmed() {
    let stage = Stage::new();
    let running = stage.play("a", &format!("init; wait-file {}; result done", stage.name("go"))).start();
    running.until_written(1);
    let pid = running.agent_pid();
    kill(pid, Signal::SIGSTOP).unwrap();
    let stat = format!("/proc/{pid}/stat");
    until("the stop", || std::fs::read_to_string(&stat).unwrap().contains(") T "));
    std::fs::write(stage.path("go"), "").unwrap();
    kill(pid, Signal::SIGCONT).unwrap();
    let call = running.end();
    assert_eq!(call.assert_end("completed", 0).ended()["signal"], json!(null));
}
