//! Every description against the traps that all streams have, and those of single programs, from hand-written lines.

use serde_json::json;

use super::facts_of;
use crate::runtime::{Facts, NAMES, Output, Terminal, builtin};

/// A good turn and a failed one of each program, with a place for what the model and a tool say.
fn streams(name: &str, text: &str) -> Option<(String, String)> {
    let lines = |lines: &[serde_json::Value]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let (work, good, bad) = match name {
        "claude" => (
            vec![
                json!({"type":"system","subtype":"init","session_id":"S"}),
                json!({"type":"assistant","message":{"content":[{"type":"text","text":text}]}}),
                json!({"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t","content":text}]}}),
            ],
            json!({"type":"result","is_error":false,"result":text}),
            json!({"type":"result","is_error":true,"api_error_status":400,"result":text}),
        ),
        "codex" => (
            vec![
                json!({"type":"thread.started","thread_id":"S"}),
                json!({"type":"item.completed","item":{"id":"1","type":"agent_message","text":text}}),
                json!({"type":"item.completed","item":{"id":"2","type":"command_execution","aggregated_output":text}}),
            ],
            json!({"type":"turn.completed"}),
            json!({"type":"turn.failed","error":{"message":format!("unexpected status 400 Bad Request: {text}")}}),
        ),
        "copilot" => (
            vec![
                json!({"type":"assistant.message","data":{"content":text}}),
                json!({"type":"tool.execution_complete","data":{"toolCallId":"t","result":{"content":text}}}),
            ],
            json!({"type":"result","sessionId":"S","exitCode":0}),
            json!({"type":"result","sessionId":"S","exitCode":1}),
        ),
        "cursor" => (
            vec![
                json!({"type":"system","subtype":"init","session_id":"S"}),
                json!({"type":"assistant","message":{"content":[{"type":"text","text":text}]}}),
                json!({"type":"tool_call","subtype":"completed","call_id":"t","tool_call":{"result":text}}),
            ],
            json!({"type":"result","is_error":false,"result":text}),
            json!({"type":"result","is_error":true,"result":text}),
        ),
        "gemini" => (
            vec![
                json!({"type":"init","session_id":"S"}),
                json!({"type":"message","role":"assistant","content":text,"delta":true}),
                json!({"type":"tool_result","tool_id":"t","status":"error","output":text,"error":{"message":text}}),
                json!({"type":"error","severity":"warning","message":text}),
            ],
            json!({"type":"result","status":"success"}),
            json!({"type":"result","status":"error","error":{"message":format!("[API Error: {}]", json!({"error":{"code":400,"message":text}}))}}),
        ),
        "opencode" => (
            vec![
                json!({"type":"text","sessionID":"S","part":{"text":text}}),
                json!({"type":"tool_use","sessionID":"S","part":{"state":{"status":"error","error":text}}}),
            ],
            json!({"type":"step_finish","sessionID":"S","part":{"reason":"stop"}}),
            json!({"type":"error","sessionID":"S","error":{"name":"APIError","data":{"message":text,"statusCode":400}}}),
        ),
        "pi" => (
            vec![
                json!({"type":"session","id":"S"}),
                json!({"type":"message_update","assistantMessageEvent":{"type":"text_delta","delta":text}}),
                json!({"type":"tool_execution_end","toolCallId":"t","result":text,"isError":true}),
                json!({"type":"message_end","message":{"role":"toolResult","content":text,"stopReason":"error","errorMessage":text}}),
                json!({"type":"message_end","message":{"role":"assistant","content":text,"stopReason":"stop"}}),
            ],
            json!({"type":"agent_settled"}),
            json!({"type":"message_end","message":{"role":"assistant","stopReason":"error","errorMessage":format!("400: {text}")}}),
        ),
        _ => return None,
    };
    let before = lines(&work);
    let closed = if name == "pi" { "{\"type\":\"agent_settled\"}\n" } else { "" };
    Some((format!("{before}{good}\n"), format!("{before}{bad}\n{closed}")))
}

fn end(name: &str, stream: &str, code: i32) -> Terminal {
    let of = builtin(name).unwrap().unwrap();
    of.end(&facts_of(name, stream.as_bytes()), Some(code)).unwrap_or_else(|| panic!("{name}: no end"))
}

/// M7, M15, F41
#[test]
fn words_of_the_model_and_of_tools_decide_nothing_in_any_program() {
    let mut texts: Vec<String> = [
        "429 rate limit exceeded, you've hit your usage limit, try again in 3 days",
        "401 Unauthorized: authentication_failed, no api key found, quota exceeded",
        "418-429 tests; line 529; exit 42; Session not found; No conversation found with session ID",
        "a\u{2028}b\u{2029}c\u{85}d\u{0}e",
        "[API Error: {\"error\":{\"code\":429}}]",
    ]
    .map(str::to_owned)
    .to_vec();
    // What each program would print at its end, quoted by another or by itself.
    for name in NAMES {
        let Some((good, bad)) = streams(name, "x") else { continue };
        texts.extend([good.clone(), bad.clone(), format!("\n{bad}\n"), format!("\u{2028}{good}\u{85}{bad}")]);
    }
    for name in NAMES {
        if builtin(name).unwrap().unwrap().output == Output::Opaque {
            continue;
        }
        for text in &texts {
            let (good, bad) = streams(name, text).unwrap_or_else(|| panic!("{name} has no streams here"));
            assert!(end(name, &good, 0).clean, "{name}: {text}");
            let bad = end(name, &bad, 1);
            assert!(
                !bad.clean && bad.limit.is_none() && bad.auth.is_none() && !bad.resume_refused,
                "{name}: {text} {bad:?}"
            );
        }
    }
}

fn facts(name: &str, lines: &[&str]) -> Facts {
    facts_of(name, lines.join("\n").as_bytes())
}

/// 4.3-gemini, M4
#[test]
fn gemini_s_success_is_none_after_an_error() {
    let success = r#"{"type":"result","status":"success"}"#;
    for (line, clean, message) in [
        (
            r#"{"type":"error","severity":"error","message":"Maximum session turns exceeded"}"#,
            false,
            Some("Maximum session turns exceeded"),
        ),
        (
            r#"{"type":"error","severity":"warning","message":"Loop detected, stopping execution"}"#,
            false,
            Some("Loop detected, stopping execution"),
        ),
        (r#"{"type":"error","severity":"warning","message":"Agent execution blocked: a hook"}"#, true, None),
        (r#"{"type":"message","role":"assistant","content":"Loop detected, stopping execution"}"#, true, None),
    ] {
        let end = facts("gemini", &[line, success]).terminal.unwrap();
        assert_eq!((end.clean, end.message.as_deref()), (clean, message), "{line}");
    }
}

/// M3
#[test]
fn gemini_s_exit_code_is_a_status_only_where_its_line_failed_without_one() {
    let failed = r#"{"type":"result","status":"error","error":{"message":"[API Error: slow down]"}}"#;
    for (stream, code, status, limited, auth) in [
        (failed, 173, Some(429), true, false),
        (failed, 145, Some(401), false, true),
        (failed, 244, Some(500), false, false),
        (failed, 143, None, false, false),
        (failed, 1, None, false, false),
        (r#"{"type":"result","status":"success"}"#, 173, None, false, false),
    ] {
        let end = end("gemini", stream, code);
        assert_eq!((end.http_status, end.limit.is_some(), end.auth.is_some()), (status, limited, auth), "{code}");
    }
    let of = builtin("gemini").unwrap().unwrap();
    assert!(of.end(&facts("gemini", &[failed]), None).unwrap().http_status.is_none(), "it was ended by us");
    assert!(of.end(&facts("gemini", &[r#"{"type":"init"}"#]), Some(0)).is_none(), "exit 0 is no result");
}

/// 4.3-opencode, M4, M15
#[test]
fn opencode_s_last_step_outranks_what_came_before_and_the_exit_code() {
    let error = r#"{"type":"error","error":{"name":"APIError","data":{"message":"slow","statusCode":429,"responseHeaders":{"retry-after":"120"}}}}"#;
    let tools = r#"{"type":"step_finish","part":{"reason":"tool-calls","messageID":"m","cost":0.5,"tokens":{"input":1,"output":2}}}"#;
    let stop = tools.replace("tool-calls", "stop");
    let length = tools.replace("tool-calls", "length");
    let done = r#"{"type":"done","reason":"idle","rejected":[{"permission":"bash"}]}"#;
    let of = builtin("opencode").unwrap().unwrap();
    let end = |lines: &[&str], code| of.end(&facts("opencode", lines), code);
    assert!(end(&[error, tools, &stop], Some(1)).unwrap().clean, "recovered");
    assert!(end(&[&stop, done], Some(0)).unwrap().clean);
    let limited = end(&[error], Some(1)).unwrap();
    assert_eq!(limited.limit.unwrap().retry_after.unwrap().as_secs(), 120);
    assert!(end(&[error, done], Some(1)).unwrap().limit.is_some());
    assert_eq!(end(&[error], None), None, "killed while it tried again");
    assert_eq!(end(&[tools], Some(0)), None, "tool-calls is not the end");
    let cut = end(&[&length], Some(0)).unwrap();
    assert!(cut.clean && cut.cut);
    assert!(!end(&[&stop.replace("stop", "content-filter")], Some(0)).unwrap().clean);
    let usage = facts("opencode", &[tools, &stop]).usage;
    assert_eq!((usage.tokens_in, usage.tokens_out, usage.cost_usd), (Some(2), Some(4), Some(1.0)));
}

/// 4.3-pi, M1
#[test]
fn pi_s_last_message_tells_and_an_end_that_is_tried_again_does_not() {
    let message = |reason: &str, error: &str| {
        json!({"type":"message_end","message":{"role":"assistant","stopReason":reason,"errorMessage":error,
            "usage":{"input":1,"output":2,"cacheRead":3,"cost":{"total":0.25}}}})
        .to_string()
    };
    let (failed, good, cut) = (message("error", "429: slow down"), message("stop", ""), message("length", ""));
    let again = r#"{"type":"agent_end","messages":[],"willRetry":true}"#;
    let settled = r#"{"type":"agent_settled"}"#;
    let waiting = facts("pi", &[&failed, again]);
    assert_eq!((waiting.terminal, waiting.last_progress), (None, None));
    let end = facts("pi", &[&failed, again, &failed, settled]).terminal.unwrap();
    assert_eq!((end.clean, end.http_status, end.limit.is_some()), (false, Some(429), true));
    let recovered = facts("pi", &[&failed, again, &good, settled]);
    assert!(recovered.terminal.is_some_and(|end| end.clean));
    assert_eq!((recovered.usage.tokens_in, recovered.usage.cost_usd), (Some(8), Some(0.5)));
    assert!(facts("pi", &[&cut, settled]).terminal.is_some_and(|end| end.clean && end.cut));
    assert!(facts("pi", &[settled]).terminal.is_some_and(|end| !end.clean), "settled without a message");
    for head in ["4290 things", "429x", "429.5", "42"] {
        let end = facts("pi", &[&message("error", head), settled]).terminal.unwrap();
        assert_eq!((end.http_status, end.limit), (None, None), "{head}");
    }
}

/// 4.3-copilot, M2
#[test]
fn copilot_s_zero_is_no_success_after_an_abort() {
    let zero = r#"{"type":"result","sessionId":"S","exitCode":0}"#;
    for (line, clean) in [
        (r#"{"type":"abort","data":{"reason":"user_initiated"}}"#, false),
        (r#"{"type":"assistant.idle","data":{"aborted":true}}"#, false),
        (r#"{"type":"agent.interrupted","data":{}}"#, false),
        (r#"{"type":"assistant.idle","data":{}}"#, true),
        (r#"{"type":"session.error","data":{"errorType":"rate_limit","statusCode":429,"message":"x"}}"#, true),
    ] {
        let facts = facts("copilot", &[line, zero]);
        assert_eq!((facts.terminal.unwrap().clean, facts.session.as_deref()), (clean, Some("S")), "{line}");
    }
    let one = zero.replace("\"exitCode\":0", "\"exitCode\":1");
    let error = r#"{"type":"session.error","data":{"statusCode":429,"message":"Please try again in 2 hours."}}"#;
    let limit = facts("copilot", &[error, &one]).terminal.unwrap().limit.unwrap();
    assert_eq!(limit.retry_after.unwrap().as_secs(), 7200, "hours are honoured");
}
