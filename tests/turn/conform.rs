//! `turn conform`: what a captured stream would come to.

use serde_json::{Value, json};

use crate::stage::Stage;
use crate::support;

fn conform(stage: &Stage, args: &[&str]) -> Value {
    let call = stage.turn(&[&["conform"], args].concat());
    assert_eq!((call.code, call.records.len()), (0, 1), "{call:?}");
    call.records[0].clone()
}

fn capture(name: &str) -> String {
    support::capture(name).to_str().unwrap().to_owned()
}

#[test]
fn a_stream_is_judged_as_its_turn_would_be() {
    let stage = Stage::new();
    for (runtime, name, code, outcome, source, status) in [
        ("gemini", "429", "173", "limited", "exit_code", json!(429)),
        ("gemini", "401_with_traps", "145", "auth", "typed_field", json!(401)),
        ("gemini", "loop", "0", "failed", "terminal_event", json!(null)),
        ("pi", "429", "0", "limited", "terminal_message", json!(429)),
        ("pi", "length", "0", "completed", "terminal_event", json!(null)),
        ("opencode", "401", "1", "auth", "typed_field", json!(401)),
        ("copilot", "429_long_wait", "1", "limited", "typed_field", json!(429)),
        ("copilot", "sigterm_hang_group", "0", "failed", "terminal_event", json!(null)),
    ] {
        let file = capture(&format!("{runtime}/{name}.stdout.jsonl"));
        let found = conform(&stage, &["--runtime", runtime, "--ended-code", code, &file]);
        let got = (&found["outcome"], &found["outcome_source"], &found["http_status"]);
        assert_eq!(got, (&json!(outcome), &json!(source), &status), "{runtime}/{name}");
        assert_eq!(found["answer_cut"], name == "length", "{name}");
        assert_eq!((&found["unknown"], &found["unknown_lines"]), (&json!(0), &json!([])), "{name}");
    }
}

#[test]
fn lines_that_no_rule_knows_are_shown_and_counted() {
    let stage = Stage::new();
    let mut text = String::from("{\"type\":\"init\",\"session_id\":\"S\"}\nno json\n\n");
    (0..30).for_each(|number| text.push_str(&format!("{{\"type\":\"new.{number}\",\"x\":\"{}\"}}\n", "y".repeat(900))));
    std::fs::write(stage.path("stream"), &text).unwrap();
    let found = conform(&stage, &["--runtime", "gemini", &stage.name("stream")]);
    let count = |key: &str| found[key].as_i64().unwrap();
    assert_eq!(
        (count("lines"), count("start"), count("unknown"), count("not_json"), count("blank")),
        (33, 1, 30, 1, 1)
    );
    assert_eq!((found["outcome"].as_str(), found["session"].as_str()), (Some("no_result"), Some("S")));
    let samples = found["unknown_lines"].as_array().unwrap();
    assert_eq!(samples.len(), 20);
    assert_eq!(
        (&samples[0]["line"], &samples[0]["kind"], &samples[0]["text"]),
        (&json!(2), &json!("not_json"), &json!("no json"))
    );
    assert_eq!((&samples[1]["line_type"], samples[1]["text"].as_str().unwrap().len()), (&json!("new.0"), 200));
    let mut piped = stage.command(crate::stage::TURN);
    piped.args(["conform", "--runtime", "gemini", "-"]).stdin(std::fs::File::open(stage.path("stream")).unwrap());
    assert_eq!(stage.call(piped).last("conform")["lines"], 33);
}

#[test]
fn a_turn_is_read_with_its_own_description_code_and_stderr() {
    let stage = Stage::new();
    stage.play_as("cursor", "a", "line {\"type\":\"system\",\"subtype\":\"init\"}; err no luck; exit 3").call();
    let found = conform(&stage, &["t1"]);
    assert_eq!((&found["outcome"], &found["exit_code"], &found["from"]), (&json!("failed"), &json!(3), &json!("turn")));
    assert_eq!((&found["message"], &found["runtime"]), (&json!("no luck"), &json!("cursor")));
    let other = conform(&stage, &["t1", "--runtime", "claude", "--ended-code", "0"]);
    assert_eq!((&other["outcome"], &other["from"]), (&json!("no_result"), &json!("builtin")));
    let killed = conform(&stage, &["t1", "--ended-signal", "9"]);
    assert_eq!(
        (&killed["outcome"], &killed["signal"], &killed["exit_code"]),
        (&json!("killed"), &json!(9), &json!(null))
    );
}

#[test]
fn a_refused_session_wants_its_stderr_and_that_one_was_asked_for() {
    let stage = Stage::new();
    let (file, stderr) = (capture("gemini/resume_unknown.stdout.jsonl"), capture("gemini/resume_unknown.stderr.txt"));
    let args = ["--runtime", "gemini", "--ended-code", "42", "--stderr", &stderr, &file];
    assert_eq!(conform(&stage, &[&args[..], &["--resumed"]].concat())["outcome"], "resume_refused");
    assert_eq!(conform(&stage, &args)["outcome"], "failed");
}

#[test]
fn what_cannot_be_read_is_told_by_its_code() {
    let stage = Stage::new();
    for (args, code, words) in [
        (&["--runtime", "pi", "/nowhere/x"][..], 66, "cannot read /nowhere/x"),
        (&["--runtime", "pi", "/"], 65, "cannot read /"),
        (&["--runtime", "nope", "/dev/null"], 2, "unknown runtime 'nope'"),
        (&["/dev/null"], 2, "a file needs --runtime"),
        (&["--runtime", "pi", "--ended-code", "1", "--ended-signal", "9", "/dev/null"], 2, "cannot be used with"),
        (&["--runtime", "pi", "--stderr", "/nowhere/e", "/dev/null"], 66, "cannot read /nowhere/e"),
    ] {
        let call = stage.turn(&[&["conform"], args].concat());
        assert_eq!(call.code, code, "{args:?} {call:?}");
        assert!(call.stderr.contains(words), "{args:?} {call:?}");
    }
}

#[test]
fn a_stream_or_stderr_that_is_no_file_is_not_waited_for() {
    let stage = Stage::new();
    let script = "L=$(dirname \"$(readlink /proc/$$/fd/1)\"); rm $L/stream.jsonl; mkfifo $L/stream.jsonl";
    stage.turn(&["run", "--agent", "a", "--", "/bin/sh", "-c", script]).assert_end("completed", 0);
    let fifo = stage.name("state/logs/t1/stream.jsonl");
    for (args, code, words) in [
        (&["t1"][..], 66, "t1 has no stream"),
        (&["--runtime", "pi", "--stderr", &fifo, "/dev/null"], 65, "it is no regular file"),
        (&["t7"], 66, "a file of this name is ./t7"),
    ] {
        let mut command = stage.command("timeout");
        command.args(["-s", "KILL", "30", crate::stage::TURN, "conform"]).args(args);
        let call = stage.call(command);
        assert_eq!(call.code, code, "{args:?} {call:?}");
        assert!(call.stderr.contains(words), "{args:?} {call:?}");
    }
}
