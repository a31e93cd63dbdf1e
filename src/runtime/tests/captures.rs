//! Every capture of the real programs, against what its own meta file says must be concluded,
//! as far as the stream alone decides.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{facts_of, read_all, reading};
use crate::clock::Stamp;
use crate::runtime::{Facts, LineKind, Source, builtin};

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
    for runtime in ["claude", "codex"] {
        let files = std::fs::read_dir(folder(runtime)).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> =
            files.filter_map(|name| Some(name.to_str()?.strip_suffix(".meta.json")?.to_owned())).collect();
        names.sort();
        captures.extend(names.iter().map(|name| capture(runtime, name)));
    }
    captures
}

/// What the stream says, in the words of the meta files.
fn conclusion(facts: &Facts) -> &'static str {
    match &facts.terminal {
        None => "none",
        Some(terminal) if terminal.clean => "completed",
        Some(terminal) if terminal.limit.is_some() => "limited",
        Some(terminal) if terminal.auth.is_some() => "auth",
        Some(_) => "failed",
    }
}

/// What the stream must say, given what is to be concluded with the exit code and the signals sent.
fn expected(meta: &Value) -> &'static str {
    let terminal = &meta["terminal"];
    match meta["expect"].as_str().unwrap() {
        "completed" => "completed",
        "limited" => "limited",
        "auth" => "auth",
        _ if terminal.is_null() => "none",
        // Killed or interrupted, and the program had the last word all the same.
        _ if terminal["type"] == "turn.completed" || terminal["is_error"] == false => "completed",
        _ => "failed",
    }
}

#[test]
fn each_is_concluded_as_its_meta_file_says() {
    let mut wrong = Vec::new();
    let captures = all();
    assert_eq!(captures.len(), 132);
    for capture in &captures {
        let Some(stdout) = &capture.stdout else { continue };
        let facts = facts_of(capture.runtime, stdout);
        if conclusion(&facts) != expected(&capture.meta) {
            wrong.push(format!("{}: {} for {}", capture.name, conclusion(&facts), expected(&capture.meta)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_terminal_line_is_the_one_the_meta_file_names() {
    for capture in all() {
        let Some(stdout) = &capture.stdout else { continue };
        let mut reading = reading(capture.runtime);
        let kinds = read_all(&mut reading, stdout.as_slice());
        let last = kinds.iter().rposition(|kind| *kind == LineKind::Terminal).map(|index| index as u64 + 1);
        let terminal = &capture.meta["terminal"];
        assert_eq!(last, terminal["line"].as_u64(), "{}", capture.name);
        if let Some(found) = &reading.facts().terminal {
            let status = terminal["api_error_status"].as_u64();
            if capture.runtime == "claude" {
                assert_eq!(found.http_status.map(u64::from), status, "{}", capture.name);
                assert_eq!(
                    found.session.as_deref(),
                    capture.meta["session_id"].as_str().or(capture.meta["resumed"].as_str()),
                    "{}",
                    capture.name
                );
            }
            let message = terminal["result"]
                .as_str()
                .or(terminal["errors"][0].as_str())
                .or(terminal["error"]["message"].as_str());
            assert_eq!(found.message.as_deref(), message.filter(|_| !found.clean), "{}", capture.name);
        }
    }
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

#[test]
fn a_refused_session_of_codex_shows_on_stderr_alone() {
    for capture in all() {
        let Some(stdout) = &capture.stdout else { continue };
        let exit = capture.meta["exit_code"].as_i64().and_then(|code| i32::try_from(code).ok());
        let description = builtin(capture.runtime).unwrap().unwrap();
        let refused = description.refused_at_start(&facts_of(capture.runtime, stdout), exit, &capture.stderr);
        assert_eq!(refused.is_some(), capture.name == "codex/resume_unknown", "{}", capture.name);
    }
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
