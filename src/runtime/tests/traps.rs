//! The traps of real streams, one test each.

use std::io::Read;

use super::{facts_of, read_all, reading};
use crate::runtime::{BUFFER, Facts, Fit, LineKind, Reading, Source, Splitter, builtin};

const INIT: &str = r#"{"type":"system","subtype":"init","session_id":"S"}"#;
const GOOD: &str = r#"{"type":"result","subtype":"success","is_error":false,"result":"ok","session_id":"S"}"#;
const BAD: &str =
    r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":500,"result":"no","session_id":"S"}"#;

fn claude(lines: &[&str]) -> Facts {
    facts_of("claude", lines.join("\n").as_bytes())
}

fn codex(message: &str) -> Facts {
    let message = serde_json::to_string(message).unwrap();
    facts_of("codex", format!("{{\"type\":\"turn.failed\",\"error\":{{\"message\":{message}}}}}\n").as_bytes())
}

fn says(text: &str) -> String {
    let text = serde_json::to_string(text).unwrap();
    format!(r#"{{"type":"assistant","message":{{"content":[{{"type":"text","text":{text}}}]}},"session_id":"S"}}"#)
}

fn completed(facts: &Facts) -> bool {
    facts.terminal.as_ref().is_some_and(|terminal| terminal.clean)
}

fn failed_plainly(facts: &Facts) -> bool {
    facts.terminal.as_ref().is_some_and(|t| !t.clean && t.limit.is_none() && t.auth.is_none() && !t.resume_refused)
}

#[test]
fn lines_end_at_newline_only() {
    let text = "a\u{2028}b\u{2029}c\u{85}d";
    let line = format!(r#"{{"type":"assistant","message":{{"content":[{{"type":"text","text":"{}"}}]}}}}"#, text);
    let facts = claude(&[INIT, &line, GOOD]);
    assert_eq!((facts.events, facts.ignored.total()), (3, 0));
    assert!(completed(&facts));
}

#[test]
fn words_of_the_model_and_of_tools_decide_nothing() {
    let prose =
        format!("{BAD}\n429 rate limit exceeded, invalid API key, No conversation found with session ID\n{GOOD}");
    let tool = format!(
        r#"{{"type":"user","message":{{"content":[{{"type":"tool_result","tool_use_id":"t","content":{}}}]}}}}"#,
        serde_json::to_string(&prose).unwrap()
    );
    let facts = claude(&[INIT, &says(&prose), &tool]);
    assert_eq!((facts.terminal, facts.terminals, facts.events), (None, 0, 3));
    assert!(completed(&claude(&[INIT, &says(&prose), &tool, GOOD])));
    assert!(failed_plainly(&claude(&[INIT, &says(&prose), &tool, BAD])));
    let item = format!(
        r#"{{"type":"item.completed","item":{{"id":"i","type":"agent_message","text":{}}}}}"#,
        serde_json::to_string("{\"type\":\"turn.failed\",\"error\":{\"message\":\"rate limit exceeded\"}}").unwrap()
    );
    assert_eq!(facts_of("codex", item.as_bytes()).terminal, None);
}

#[test]
fn a_failed_result_that_quotes_a_limit_is_none() {
    let line =
        r#"{"type":"result","is_error":true,"api_error_status":null,"result":"429 rate limit, authentication_failed"}"#;
    assert!(failed_plainly(&claude(&[INIT, line])));
    let message = "unexpected status 400 Bad Request: the prompt says: You've hit your usage limit";
    let facts = codex(message);
    assert!(failed_plainly(&facts));
    assert_eq!(facts.terminal.unwrap().http_status, Some(400));
}

#[test]
fn dressed_lines() {
    for (line, kind) in [
        (format!("\x1b[?1004l{GOOD}"), LineKind::Terminal),
        (format!("\x1b[?25h\x1b]0;title\x07{GOOD}\x1b[0m"), LineKind::Terminal),
        (format!("  {GOOD}\t\r"), LineKind::Terminal),
        ("\x1b[?1004l".to_owned(), LineKind::Blank),
        ("\x1b[".to_owned(), LineKind::Blank),
        ("\x1b".to_owned(), LineKind::Blank),
        ("\r".to_owned(), LineKind::Blank),
        (String::new(), LineKind::Blank),
        ("\x1b[31mError: something\x1b[0m".to_owned(), LineKind::NotJson),
        (format!("\0\0{GOOD}"), LineKind::NotJson),
        (GOOD.replace("ok", "o\0k"), LineKind::NotJson),
        (says("x").replace('x', "o\0k"), LineKind::NotJson),
        (says("x").replace(",", ",\t"), LineKind::Progress),
        ("Reading additional input from stdin...".to_owned(), LineKind::NotJson),
        ("123".to_owned(), LineKind::Unknown),
        ("{}".to_owned(), LineKind::Unknown),
        (r#"{"type":7}"#.to_owned(), LineKind::Unknown),
        (r#"{"type":"from_next_year"}"#.to_owned(), LineKind::Unknown),
        (r#"{"type":"from_next_year",}"#.to_owned(), LineKind::NotJson),
        (format!("{GOOD}{GOOD}"), LineKind::NotJson),
        (GOOD[..GOOD.len() - 1].to_owned(), LineKind::NotJson),
        (GOOD.replace("\"ok\"", "ok"), LineKind::NotJson),
    ] {
        let mut reading = reading("claude");
        assert_eq!(read_all(&mut reading, format!("{line}\n").as_bytes()), [kind], "{line:?}");
    }
}

#[test]
fn what_is_ignored_is_counted_and_is_no_event_and_no_progress() {
    let mut reading = reading("claude");
    let stream = [INIT.as_bytes(), b"", b"no json", b"\xff\xfe", br#"{"type":"new"}"#, b"[1]"].join(&b'\n');
    read_all(&mut reading, stream.as_slice());
    let facts = reading.facts();
    let ignored = facts.ignored;
    assert_eq!((ignored.blank, ignored.not_json, ignored.not_utf8, ignored.unknown, ignored.oversize), (1, 1, 1, 2, 0));
    assert_eq!(
        (ignored.total(), facts.events),
        (5, 2),
        "a typed line of an unknown type shows that the program speaks"
    );
    assert_eq!(facts.last_progress, facts.first_event);
    assert_ne!(facts.last_event, facts.first_event);
}

#[test]
fn the_last_line_needs_no_newline_but_must_be_whole() {
    assert!(completed(&facts_of("claude", GOOD.as_bytes())));
    assert_eq!(facts_of("claude", &GOOD.as_bytes()[..GOOD.len() - 9]).terminal, None);
}

#[test]
fn equal_keys_and_deep_nesting() {
    let twice = r#"{"type":"assistant","type":"result","is_error":true,"is_error":false}"#;
    assert!(completed(&claude(&[twice])), "the last of two counts");
    let bomb = format!(r#"{{"type":"result","is_error":{}{}}}"#, "[".repeat(300_000), "]".repeat(300_000));
    let facts = claude(&[&bomb, &bomb.replace("]]}", "}"), GOOD]);
    assert!(completed(&facts));
    assert_eq!((facts.terminals, facts.ignored.not_json), (2, 1));
}

/// A stream of a head, many equal bytes and a tail, none of it in memory.
fn long_line(head: &'static str, fill: u8, length: u64, tail: &'static str) -> impl Read {
    head.as_bytes().chain(std::io::repeat(fill).take(length)).chain(tail.as_bytes())
}

#[test]
fn a_long_result_is_shortened_and_still_decides() {
    let head = "{\"type\":\"result\",\"is_error\":false,\"result\":\"";
    for length in [BUFFER as u64 - 1000, BUFFER as u64, 8_500_000, 100_000_000] {
        let tail = "\",\"num_turns\":3,\"session_id\":\"S\"}\n{\"type\":\"system\",\"subtype\":\"status\"}\n";
        let mut reading = reading("claude");
        let kinds = read_all(&mut reading, long_line(head, b'x', length, tail));
        assert_eq!(kinds, [LineKind::Terminal, LineKind::KeepAlive], "{length}");
        assert!(completed(reading.facts()));
        assert_eq!((reading.facts().usage.num_turns, reading.facts().session.as_deref()), (Some(3), Some("S")));
    }
}

#[test]
fn a_line_without_long_strings_is_skipped_to_its_end() {
    let mut reading = reading("claude");
    let tail = "]}\n{\"type\":\"result\",\"is_error\":false}";
    let kinds = read_all(&mut reading, long_line("{\"type\":\"assistant\",\"x\":[", b'1', 100_000_000, tail));
    assert_eq!(kinds, [LineKind::Oversize, LineKind::Terminal]);
    assert_eq!((reading.facts().ignored.oversize, reading.facts().events), (1, 1));
}

/// A reader that gives its bytes in pieces of uneven size.
struct Drops<'a>(&'a [u8], usize);

impl Read for Drops<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.1 = self.1 % 7919 + 613;
        let length = self.1.min(into.len()).min(self.0.len());
        into[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}

#[test]
fn offsets_are_those_of_the_stream() {
    let lengths = [0, 1, 500, BUFFER - 1, BUFFER, BUFFER + 1, 3, 3 * BUFFER, 2 * BUFFER, 0, 10];
    let strings = |n: usize| format!("[\"{}\"]", "é".repeat(n / 2));
    let digits = |n: usize| "7".repeat(n);
    let lines: Vec<String> = lengths.iter().flat_map(|&n| [strings(n), digits(n)]).collect();
    let stream = lines.join("\n");
    let mut from = Drops(stream.as_bytes(), 0);
    let mut splitter = Splitter::new(1000);
    let (mut next, mut at, mut fits) = (0, 1000, [0; 3]);
    let mut check = |line: crate::runtime::Line<'_>| {
        let wanted = lines[next].as_bytes();
        let newline = u64::from(line.terminated);
        assert_eq!((line.start, line.end), (at, at + wanted.len() as u64 + newline), "line {next}");
        match line.fit {
            Fit::Whole => assert_eq!(line.bytes, wanted),
            Fit::Shortened => assert!(wanted.starts_with(&line.bytes[..64 * 1024]) && line.bytes.ends_with(b"\"]")),
            Fit::Oversize => assert!(line.bytes.is_empty() && wanted.len() >= BUFFER),
        }
        fits[line.fit as usize] += 1;
        (next, at) = (next + 1, line.end);
    };
    while splitter.fill(&mut from).unwrap() > 0 {
        while let Some(line) = splitter.next_line() {
            check(line);
        }
    }
    check(splitter.finish().unwrap());
    assert!(splitter.finish().is_none());
    assert_eq!((next, fits[1], fits[2]), (lines.len(), 5, 4), "{fits:?}");
}

#[test]
fn a_limit_that_was_overtaken_no_longer_counts() {
    let rejected = r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1795167065,"rateLimitType":"five_hour"}}"#;
    let max_turns = r#"{"type":"result","is_error":true,"terminal_reason":"max_turns"}"#;
    assert!(claude(&[INIT, rejected, max_turns]).terminal.unwrap().limit.is_some());
    assert!(failed_plainly(&claude(&[INIT, rejected, &says("went on"), max_turns])));
    assert!(!failed_plainly(&claude(&[INIT, rejected, &BAD.replace("500", "400")])), "400 tells nothing else");
    assert!(completed(&claude(&[INIT, rejected, GOOD])));
    assert!(failed_plainly(&claude(&[INIT, rejected, BAD])), "500 is the server's failure");
    let server = r#"{"type":"assistant","message":{"content":[]},"error":"server_error"}"#;
    assert!(failed_plainly(&claude(&[INIT, rejected, server, BAD])));
}

/// A prompt that is too long is no limit of the provider's, and waiting does not help.
#[test]
fn a_blocking_limit_is_a_plain_failure() {
    let line = r#"{"type":"result","is_error":true,"api_error_status":null,"terminal_reason":"blocking_limit","result":"too long"}"#;
    assert!(failed_plainly(&claude(&[INIT, line])));
    let allowed = r#"{"type":"rate_limit_event","rate_limit_info":{"status":"allowed_warning","resetsAt":1795167065}}"#;
    assert!(failed_plainly(&claude(&[INIT, allowed, line])));
}

/// Retries of its own sub-agents are retries too; and its watchdog of 300 s comes before our stall clock.
#[test]
fn claude_is_left_the_time_for_its_own_recovery() {
    let retry = r#"{"type":"tool_progress","tool_name":"Agent","subagent_retry":{"attempt":1,"error_status":529}}"#;
    let lines = [INIT, retry, r#"{"type":"tool_progress","tool_name":"Agent"}"#, retry].join("\n");
    let mut reading = reading("claude");
    let kinds = read_all(&mut reading, lines.as_bytes());
    assert_eq!(kinds, [LineKind::Start, LineKind::Negative, LineKind::KeepAlive, LineKind::Negative]);
    assert!(builtin("claude").unwrap().unwrap().clocks.stall_s.is_some_and(|limit| limit > 300));
}

#[test]
fn billing_and_authentication() {
    let billing = r#"{"type":"assistant","message":{"content":[]},"error":"billing_error"}"#;
    let facts = claude(&[INIT, billing, BAD.replace("500", "400").as_str()]);
    assert_eq!(facts.terminal.unwrap().auth, Some(Source::TypedField));
    let facts = claude(&[INIT, billing, GOOD]);
    assert!(completed(&facts) && facts.terminal.unwrap().auth.is_none());
}

#[test]
fn messages_of_codex() {
    for (message, status, limit, auth) in [
        (r#"{"type":"error","status":429,"error":{"message":"slow down"}}"#, Some(429), Some(Source::TypedField), None),
        (r#"{"type":"error","status":401,"error":{"message":"who"}}"#, Some(401), None, Some(Source::TypedField)),
        (r#"{"type":"error","status":400,"error":{"message":"usage limit"}}"#, Some(400), None, None),
        ("You've hit your usage limit. Try again in 3 days 6 hours.", None, Some(Source::TerminalMessage), None),
        ("HIT YOUR USAGE LIMIT", None, Some(Source::TerminalMessage), None),
        ("You've hit your usage limit. Try again at 3:28 PM.", None, Some(Source::TerminalMessage), None),
        ("To get more access now, send a request to your admin", None, Some(Source::TerminalMessage), None),
        ("Your workspace is out of credits", None, Some(Source::TerminalMessage), None),
        ("You have reached your spend cap", None, Some(Source::TerminalMessage), None),
        ("unexpected status 401 Unauthorized: x", Some(401), None, Some(Source::TerminalMessage)),
        ("exceeded retry limit, last status: 401 Unauthorized", Some(401), None, Some(Source::TerminalMessage)),
        ("tool said: unexpected status 401", None, None, None),
        ("Selected model is at capacity. Please try a different model.", None, None, None),
        ("{ not json", None, None, None),
        ("", None, None, None),
    ] {
        let terminal = codex(message).terminal.unwrap();
        let found = (terminal.http_status, terminal.limit.map(|limit| limit.source), terminal.auth);
        assert_eq!(found, (status, limit, auth), "{message}");
    }
    let inner = codex(r#"{"status":500,"error":{"message":"inner"}}"#).terminal.unwrap();
    assert_eq!(inner.message.as_deref(), Some("inner"));
    assert_eq!(codex(&"é".repeat(900)).terminal.unwrap().message.unwrap().chars().count(), 500);
}

#[test]
fn a_refused_session_of_claude_wants_its_whole_shape() {
    let refused = r#"{"type":"result","subtype":"error_during_execution","is_error":true,"num_turns":0,"errors":["No conversation found with session ID: 0"]}"#;
    assert!(claude(&[refused]).terminal.unwrap().resume_refused);
    let worked = refused.replace("\"num_turns\":0", "\"num_turns\":4");
    assert!(!claude(&[&worked]).terminal.unwrap().resume_refused);
}

#[test]
fn tools_open_and_close_by_id() {
    let open = |ids: &[&str]| {
        let items: Vec<String> = ids.iter().map(|id| format!(r#"{{"type":"tool_use","id":"{id}"}}"#)).collect();
        format!(r#"{{"type":"assistant","message":{{"content":[{}]}}}}"#, items.join(","))
    };
    let close = |id: &str| {
        format!(r#"{{"type":"user","message":{{"content":[{{"type":"tool_result","tool_use_id":"{id}"}}]}}}}"#)
    };
    for (lines, left) in [
        (vec![open(&["a", "b"])], 2),
        (vec![open(&["a", "b"]), close("a")], 1),
        (vec![open(&["a"]), close("a"), close("a"), close("zz")], 0),
        (vec![open(&["a"]), open(&["a"]), close("a")], 0),
        (vec![open(&["a"]), GOOD.to_owned()], 0),
        (vec![open(&[""]), open(&[&"x".repeat(300)])], 0),
    ] {
        assert_eq!(facts_of("claude", lines.join("\n").as_bytes()).open_tools, left, "{lines:?}");
    }
    let many: Vec<String> = (0..5000).map(|n| open(&[&n.to_string()])).collect();
    assert_eq!(facts_of("claude", many.join("\n").as_bytes()).open_tools, 1024);
}

#[test]
fn the_last_terminal_line_wins_and_work_after_it_is_seen() {
    assert!(completed(&claude(&[BAD, GOOD])));
    assert!(failed_plainly(&claude(&[GOOD, BAD])));
    let facts = claude(&[GOOD, INIT, &says("more")]);
    assert!(completed(&facts) && facts.working_again);
    let other = claude(&[INIT, &GOOD.replace("\"S\"", "\"T\"")]);
    assert_eq!((other.session.as_deref(), other.terminal.unwrap().session.as_deref()), (Some("T"), Some("T")));
}

#[test]
fn a_closing_line_changes_nothing_of_what_was_decided() {
    let end = r#"{"type":"agent_end","messages":[],"willRetry":false}"#;
    let settled = r#"{"type":"agent_settled"}"#;
    for (reason, clean) in [("stop", true), ("error", false)] {
        let message = format!(
            r#"{{"type":"message_end","message":{{"role":"assistant","stopReason":"{reason}","errorMessage":"500: no"}}}}"#
        );
        let facts = facts_of("pi", [&message, end, settled].join("\n").as_bytes());
        let terminal = facts.terminal.unwrap();
        assert_eq!((terminal.clean, facts.terminals), (clean, 1), "{reason}");
        assert_eq!(terminal.http_status, (!clean).then_some(500));
    }
}

#[test]
fn the_status_before_a_folded_message_counts() {
    let failed = |text: &str| {
        let text = serde_json::to_string(text).unwrap();
        let message = format!(r#"{{"role":"assistant","stopReason":"error","errorMessage":{text}}}"#);
        let lines = format!("{{\"type\":\"message_end\",\"message\":{message}}}\n{{\"type\":\"agent_settled\"}}\n");
        facts_of("pi", lines.as_bytes()).terminal.unwrap()
    };
    let refused = failed(r#"401: {"message":"500 keys are known, yours is not","code":"invalid_api_key"}"#);
    assert_eq!((refused.http_status, refused.auth.is_some()), (Some(401), true));
    assert_eq!(refused.message.as_deref(), Some("500 keys are known, yours is not"));
    let limited = failed(r#"429: {"message":"Try again later"}"#);
    assert_eq!((limited.http_status, limited.limit.is_some()), (Some(429), true));
}

#[test]
fn any_output_of_a_plain_command_is_progress() {
    let mut by_line = reading("plain");
    let kinds = read_all(&mut by_line, &b"{\"type\":\"result\"}\n\xff\n"[..]);
    assert_eq!(kinds, [LineKind::Progress; 2]);
    let mut by_chunk = Reading::new(builtin("plain").unwrap().unwrap());
    let now = crate::clock::Tick::from_boot(std::time::Duration::from_secs(5));
    by_chunk.chunk(b"", now);
    assert_eq!(by_chunk.facts().last_progress, None);
    by_chunk.chunk(b"...", now);
    by_chunk.chunk(b"\nab\n", now);
    for facts in [by_line.facts(), by_chunk.facts()] {
        assert_eq!((facts.events, facts.ignored.total(), facts.terminals), (2, 0, 0));
    }
    assert_eq!(by_chunk.facts().last_progress, Some(now));
}
