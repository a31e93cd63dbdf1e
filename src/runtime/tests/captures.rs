//! Every capture of the real programs, against what its own meta file says must be concluded,
//! as far as the stream alone decides.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{facts_of, read_all, reading};
use crate::clock::Stamp;
use crate::runtime::{Facts, Refused, Source, Terminal, builtin};

/// Those with captures.
const RUNTIMES: [&str; 6] = ["claude", "codex", "copilot", "gemini", "opencode", "pi"];

struct Capture {
    name: String,
    runtime: &'static str,
    stdout: Option<Vec<u8>>,
    stderr: Vec<u8>,
    meta: Value,
}

fn folder(runtime: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/streams").join(runtime)
}

fn capture(runtime: &'static str, name: &str) -> Capture {
    let file = |end: &str| folder(runtime).join(format!("{name}.{end}"));
    let meta = std::fs::read(file("meta.json")).unwrap_or_else(|e| panic!("{runtime}/{name}: {e}"));
    Capture {
        name: format!("{runtime}/{name}"),
        runtime,
        stdout: std::fs::read(file("stdout.jsonl")).ok(),
        stderr: std::fs::read(file("stderr.txt")).unwrap(),
        meta: serde_json::from_slice(&meta).unwrap(),
    }
}

fn facts(runtime: &'static str, name: &str) -> Facts {
    facts_of(runtime, &capture(runtime, name).stdout.unwrap())
}

fn all() -> Vec<Capture> {
    let mut captures = Vec::new();
    for runtime in RUNTIMES {
        let files = std::fs::read_dir(folder(runtime)).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> =
            files.filter_map(|name| Some(name.to_str()?.strip_suffix(".meta.json")?.to_owned())).collect();
        names.sort();
        captures.extend(names.iter().map(|name| capture(runtime, name)));
    }
    captures
}

impl Capture {
    /// The exit code, of a program that nobody killed.
    fn code(&self) -> Option<i32> {
        self.meta["exit_code"].as_i64().and_then(|code| i32::try_from(code).ok())
    }

    /// What decides, with the exit code.
    fn end(&self) -> Option<Terminal> {
        let facts = facts_of(self.runtime, self.stdout.as_ref()?);
        builtin(self.runtime).unwrap().unwrap().end(&facts, self.code())
    }

    /// The line that decides, from 1: the last that changed what is known of the end.
    fn deciding_line(&self) -> Option<u64> {
        let mut reading = reading(self.runtime);
        let (mut line, mut terminal, mut verdict) = (0, None, None);
        for text in self.stdout.as_ref()?.split_inclusive(|byte| *byte == b'\n') {
            let before = (reading.facts().terminals, reading.facts().verdicts);
            read_all(&mut reading, text);
            line += 1;
            let after = (reading.facts().terminals, reading.facts().verdicts);
            terminal = if after.0 > before.0 { Some(line) } else { terminal };
            verdict = if after.1 > before.1 { Some(line) } else { verdict };
        }
        // A program without a terminal line, or one that was given up before it.
        let standing = builtin(self.runtime).unwrap().unwrap().terminal.unwrap().at_end;
        if standing && reading.facts().verdict.is_some() { verdict } else { terminal }
    }
}

/// What the stream says, in the words of the meta files.
fn conclusion(end: Option<&Terminal>) -> &'static str {
    match end {
        None => "none",
        Some(terminal) if terminal.clean => "completed",
        Some(terminal) if terminal.limit.is_some() => "limited",
        Some(terminal) if terminal.auth.is_some() => "auth",
        Some(_) => "failed",
    }
}

/// What the stream must say, given what is to be concluded with the exit code and the signals sent.
fn expected(capture: &Capture) -> &'static str {
    let meta = &capture.meta;
    let terminal = &meta["terminal"];
    let stdout = String::from_utf8_lossy(capture.stdout.as_ref().unwrap());
    let broken_off = stdout.contains("\"type\":\"abort\"");
    let good = [
        terminal["type"] == "turn.completed",
        terminal["is_error"] == false,
        terminal["status"] == "success",
        terminal["stopReason"] == "stop",
        terminal["reason"] == "stop",
    ];
    match meta["expect"].as_str().unwrap() {
        _ if terminal.is_null() => "none",
        "completed" => "completed",
        "limited" => "limited",
        "auth" => "auth",
        // Killed or interrupted, and the program had the last word all the same.
        "interrupted" | "killed" if good.contains(&true) => "completed",
        "interrupted" | "killed" if terminal["exitCode"] == 0 && !broken_off => "completed",
        _ => "failed",
    }
}

#[test]
fn each_is_concluded_as_its_meta_file_says() {
    let mut wrong = Vec::new();
    let captures = all();
    assert_eq!(captures.len(), 387);
    for capture in captures.iter().filter(|capture| capture.stdout.is_some()) {
        let said = conclusion(capture.end().as_ref());
        if said != expected(capture) {
            wrong.push(format!("{}: {said} for {}", capture.name, expected(capture)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_terminal_line_is_the_one_the_meta_file_names() {
    for capture in all().iter().filter(|capture| capture.stdout.is_some()) {
        let terminal = &capture.meta["terminal"];
        assert_eq!(capture.deciding_line(), terminal["line"].as_u64(), "{}", capture.name);
        let Some(found) = capture.end() else { continue };
        if capture.runtime == "claude" {
            let status = terminal["api_error_status"].as_u64();
            assert_eq!(found.http_status.map(u64::from), status, "{}", capture.name);
            let session = capture.meta["session_id"].as_str().or(capture.meta["resumed"].as_str());
            assert_eq!(found.session.as_deref(), session, "{}", capture.name);
        }
        if matches!(capture.runtime, "claude" | "codex") {
            let message =
                [&terminal["result"], &terminal["errors"][0], &terminal["error"]["message"]].map(Value::as_str);
            let message = message.into_iter().flatten().next().filter(|_| !found.clean);
            assert_eq!(found.message.as_deref(), message, "{}", capture.name);
        } else {
            let given_up = matches!(capture.meta["expect"].as_str(), Some("failed" | "limited" | "auth"));
            assert!(found.clean || found.message.is_some() || !given_up, "{}", capture.name);
        }
    }
}

/// The request's status as the mock gave it, where the capture ends with it.
#[test]
fn each_status_is_the_one_that_was_answered() {
    let mut seen = 0;
    for capture in all().iter().filter(|capture| matches!(capture.meta["expect"].as_str(), Some("limited" | "auth"))) {
        let (Some(end), Some(last)) =
            (capture.end(), capture.meta["requests_ms"].as_array().and_then(|all| all.last()))
        else {
            continue;
        };
        if let Some(status) = end.http_status {
            assert_eq!(u64::from(status), last[1].as_u64().unwrap(), "{}", capture.name);
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn each_line_is_known_and_only_the_cut_one_is_not_json() {
    for capture in all() {
        let Some(stdout) = &capture.stdout else { continue };
        let facts = facts_of(capture.runtime, stdout);
        let cut = u64::from(stdout.last().is_some_and(|byte| *byte != b'\n'));
        assert_eq!((facts.ignored.total(), facts.ignored.not_json), (cut, cut), "{}", capture.name);
        assert_eq!(facts.events + cut, capture.meta["stdout_lines"].as_u64().unwrap(), "{}", capture.name);
        if let Some(session) = capture.meta["session_id"].as_str().filter(|_| facts.events > 0) {
            assert_eq!(facts.session.as_deref(), Some(session), "{}", capture.name);
        }
        assert_eq!(facts.terminal.is_some_and(|t| t.resume_refused), capture.name == "claude/resume_unknown");
    }
}

/// M3, M13, M14
#[test]
fn what_is_refused_before_the_beginning_shows_on_stderr_alone() {
    let mut seen = Vec::new();
    for capture in all() {
        let Some(stdout) = &capture.stdout else { continue };
        let description = builtin(capture.runtime).unwrap().unwrap();
        let facts = facts_of(capture.runtime, stdout);
        let found = description.refused_at_start(&facts, capture.code(), &capture.stderr);
        let silent = capture.meta["terminal"].is_null();
        let expected = match capture.meta["scenario"].as_str().unwrap() {
            "resume_unknown" | "resume_unknown_among" | "resume_after_sigterm_hang" if silent => Some(Refused::Session),
            "no_key" | "no_auth" if silent => Some(Refused::Credentials),
            _ => None,
        };
        assert_eq!(found, expected, "{}", capture.name);
        seen.extend(found);
    }
    assert_eq!(seen.iter().filter(|what| **what == Refused::Session).count(), 10);
    assert_eq!(seen.len(), 14);
}

#[test]
fn tools_open_at_the_end() {
    for (runtime, name, open) in [
        ("claude", "tool", 0),
        ("claude", "tool_bg_task", 0),
        ("claude", "sigterm_tool", 1),
        ("claude", "sigkill_tool", 1),
        ("claude", "sigint_tool", 0),
        ("codex", "tool", 0),
        ("codex", "sigterm_tool", 1),
        ("codex", "tool_abandoned", 0),
        ("codex", "tool_exec_command", 0),
    ] {
        assert_eq!(facts(runtime, name).open_tools, open, "{runtime}/{name}");
    }
}

#[test]
fn the_reset_of_a_subscription_is_the_typed_one() {
    let limit = facts("claude", "429_subscription").terminal.unwrap().limit.unwrap();
    assert_eq!(limit.kind.as_deref(), Some("five_hour"));
    assert_eq!(limit.resets_at, Some(Stamp::from_millis(1_795_167_065_000)));
    assert_eq!(limit.source, Source::TypedField);
}

#[test]
fn limits_of_codex_rest_on_its_message() {
    for (name, kind, seconds) in [
        ("429", None, None),
        ("usage_limit", Some("usage_limit"), None),
        ("usage_limit_days", Some("usage_limit"), None),
        ("quota", Some("quota"), None),
        ("sse_rate_limit", Some("rate_limit"), Some(3)),
    ] {
        let limit = facts("codex", name).terminal.unwrap().limit.unwrap();
        assert_eq!(limit.kind.as_deref(), kind, "{name}");
        assert_eq!(limit.retry_after.map(|d| d.as_secs()), seconds, "{name}");
        assert_eq!((limit.resets_at, limit.source), (None, Source::TerminalMessage), "{name}");
    }
}

#[test]
fn retry_chatter_is_not_progress() {
    for (runtime, name, progress) in
        [("claude", "429_retrying", 1), ("codex", "429_retrying", 2), ("codex", "refused", 2)]
    {
        let facts = facts(runtime, name);
        assert_eq!(facts.last_progress.unwrap().since_boot().as_secs(), progress, "{runtime}/{name}");
        assert_eq!(facts.events, progress + facts.negatives, "{runtime}/{name}");
    }
}

#[test]
fn several_results_and_what_follows_them() {
    let two = facts("claude", "two_turns");
    assert_eq!((two.terminals, two.working_again), (2, false));
    assert_eq!((two.usage.tokens_in, two.usage.num_turns, two.usage.cost_usd), (Some(20), Some(2), Some(0.0003)));
    let task = facts("claude", "tool_bg_task");
    assert!(task.terminal.is_some_and(|t| t.clean) && !task.working_again, "notices of tasks are no work");
    assert_eq!(facts("codex", "tool").usage.tokens_in, Some(20));
}
