//! What is recorded of an agent that crashed, and of refloat itself when it panics in the middle of a turn.
//! The panics are real: strace makes the kernel say that more was read, or written, than there is.

use std::path::Path;

use serde_json::{Value, json};

use super::{crashes, play};
use crate::stage::{Running, Stage, TURN, until};
use crate::support::fake_agent;

/// bmad 54
#[test]
fn an_agent_that_crashed_leaves_a_record_with_the_evidence_and_the_last_words() {
    let ends = [
        ("die KILL", "killed", "killed", (Value::Null, json!(9))),
        ("die SEGV", "killed", "killed", (Value::Null, json!(11))),
        ("exit 7", "no_result", "no_result", (json!(7), Value::Null)),
        ("kill-parent; hang", "lost", "vanished", (Value::Null, Value::Null)),
    ];
    for (end, outcome, kind, (code, signal)) in ends {
        let stage = Stage::new();
        let words: String = (0..40).map(|number| format!("err line {number}; ")).collect();
        let secret = "err Authorization: Bearer abcdef0123456789; err key sk-ant-api03-abcdefghijklmnop";
        let call = play(&stage, "a", &format!("init; {words}{secret}; {end}"));
        assert_eq!(call.word("outcome"), outcome, "{call:?}");
        let [crash] = &crashes(&stage, "t1")[..] else { panic!("{outcome}: {call:?}") };
        assert_eq!((&crash["who"], &crash["kind"]), (&json!("agent"), &json!(kind)), "{crash}");
        assert_eq!((&crash["exit_code"], &crash["signal"]), (&code, &signal), "{crash}");
        assert_eq!((&crash["agent"], &crash["run"], &crash["attempt"]), (&json!("a"), &json!("r1"), &json!(1)));
        assert_eq!(crash["ended_by"], if kind == "vanished" { Value::Null } else { json!("agent") });
        assert_eq!(crash["pid"], call.last("turn.started")["pid"], "{crash}");
        let tail: Vec<&str> = crash["tail"].as_str().unwrap().lines().collect();
        assert_eq!((tail.len(), tail[0], tail[17]), (20, "line 22", "line 39"), "{tail:?}");
        assert_eq!(tail[18..], ["Authorization: [redacted]", "key sk-[redacted]"]);
        assert_eq!((crashes(&stage, "a").len(), crashes(&stage, "r1").len()), (1, 1));
    }
}

#[test]
fn an_agent_that_says_what_went_wrong_has_not_crashed() {
    let stage = Stage::new();
    for (script, outcome) in [
        ("init; err boom; result-error no", "failed"),
        ("exit 3", "failed"),
        ("init; result done; die SEGV", "completed"),
    ] {
        let call = play(&stage, "a", script);
        assert_eq!(call.word("outcome"), outcome, "{call:?}");
        assert_eq!(crashes(&stage, call.word("turn")), [] as [Value; 0], "{script}");
    }
    let running = stage.play("b", "init; hang").start();
    stage.turn(&["stop", "b", "--kill"]);
    running.end();
    assert_eq!(crashes(&stage, "b"), [] as [Value; 0], "it was we who ended it");
}

/// `turn run` of a claude with this script, in which the kernel lies about one file.
fn lied_to(stage: &Stage, options: &[&str], file: &str, call: &str, script: &str) -> Option<Running> {
    if !super::can_trace() {
        return None;
    }
    let mut command = stage.command("strace");
    command.args(["-qq", "-o", "/dev/null", "-P"]).arg(stage.path("state/logs/t1").join(file)).args(options);
    command.args(["-e", &format!("trace={call}"), "-e", &format!("inject={call}:retval=1000000000:when=1")]);
    command.arg(TURN).args(["run", "--agent", "a", "--runtime", "claude", "--prompt", "x", "--parent", "lead"]);
    command.args(["--capability", "none"]).arg("--program").arg(fake_agent());
    command.env("FAKE_AGENT_SCRIPT", format!("inline:{script}"));
    Some(Running::begin(stage, command))
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// bmad 53, field 67
#[test]
fn a_supervisor_that_panics_costs_no_work_and_its_crash_is_the_turns() {
    let stage = Stage::new();
    let script = format!("init; wait-file {}; result done", stage.name("go"));
    let Some(running) = lied_to(&stage, &[], "stream.jsonl", "pread64", &script) else { return };
    let call = running.end();
    assert!(call.code == 70 && call.stderr.contains("turn: internal error: "), "{call:?}");
    assert!(call.all("turn.ended").is_empty(), "{call:?}");
    let folder = stage.path("state/crashes");
    assert_eq!(files(&folder).len(), 1);
    assert_eq!(stage.run_of("a")["state"], "in_turn", "our bug is not the agent's failure");

    std::fs::write(stage.path("go"), "").unwrap();
    stage.turn(&["attach", "a"]).assert_end("completed", 0);
    assert_eq!(files(&folder), [] as [&str; 0], "taken in by the attach");
    let [crash] = &crashes(&stage, "t1")[..] else { panic!() };
    assert_eq!((&crash["who"], &crash["kind"]), (&json!("turn"), &json!("panic")), "{crash}");
    assert_eq!((&crash["run"], &crash["agent"], &crash["attempt"]), (&json!("r1"), &json!("a"), &json!(1)));
    assert_eq!(crash["pid"], call.last("turn.started")["supervisor_pid"], "{crash}");
    assert!(crash["message"].as_str().unwrap().contains(".rs:"), "{crash}");
    assert!(crash["backtrace"].as_str().unwrap().contains("supervise"), "{crash}");
    assert_eq!(stage.mails("lead", "worker_died"), [] as [Value; 0]);
}

#[test]
fn a_shim_that_panics_at_its_last_word_has_told_the_end_and_leaves_its_crash() {
    let stage = Stage::new();
    let Some(running) = lied_to(&stage, &["-f"], "exit.json.reserve", "pwrite64", "init; result done") else { return };
    running.end().assert_end("completed", 0);
    let log = std::fs::read_to_string(stage.path("state/logs/t1/shim.log")).unwrap();
    assert!(log.contains("turn (shim): internal error: "), "{log}");
    until("the shim's crash record", || files(&stage.path("state/crashes")).iter().any(|name| !name.starts_with('.')));
    play(&stage, "b", "init; result done").assert_end("completed", 0);
    let [crash] = &crashes(&stage, "t1")[..] else { panic!() };
    assert_eq!((&crash["who"], &crash["kind"], &crash["agent"]), (&json!("shim"), &json!("panic"), &json!("a")));
    assert_eq!(stage.family.alive(), [] as [i32; 0]);
}
