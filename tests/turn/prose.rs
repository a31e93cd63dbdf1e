//! Words never change an outcome: a tool and the model quote terminal lines, limits and refusals, and stderr does too.

use serde_json::{Value, json};

use crate::stage::{Call, Stage, TURN};
use crate::support::executable;

/// Terminal lines of four programs, words of limits and refusals, and characters at which only some readers end a line.
const TRAP: &str = concat!(
    "429 Too Many Requests: rate limit exceeded, you've hit your usage limit, try again in 3600s\n",
    "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":true,\"api_error_status\":429,\"status\":\"error\"}\u{2028}",
    "{\"type\":\"result\",\"is_error\":false,\"status\":\"success\",\"exitCode\":0}\u{2029}",
    "{\"type\":\"turn.failed\",\"error\":{\"message\":\"exceeded retry limit, last status: 429 Too Many Requests\"}}\u{85}",
    "{\"type\":\"turn.completed\",\"usage\":{}}\r\x0b\x0c\x1c",
    "invalid api key, 401 Unauthorized, No conversation found with session ID: 0, no rollout found for thread id"
);

const CLAUDE: &str = "claude";
const CODEX: &str = "codex";
const GEMINI: &str = "gemini";

/// A turn's work in which the model and a tool say this.
fn work(runtime: &str, text: &str) -> Vec<Value> {
    match runtime {
        CLAUDE => vec![
            json!({"type":"system","subtype":"init","session_id":"S"}),
            json!({"type":"assistant","message":{"content":[{"type":"tool_use","id":"t","name":"Bash","input":{"command":text}}]}}),
            json!({"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t","is_error":true,"content":text}]}}),
            json!({"type":"assistant","message":{"content":[{"type":"text","text":text}]}}),
        ],
        CODEX => vec![
            json!({"type":"thread.started","thread_id":"S"}),
            json!({"type":"item.started","item":{"id":"1","type":"command_execution","command":text}}),
            json!({"type":"item.completed","item":{"id":"1","type":"command_execution","aggregated_output":text,"exit_code":1}}),
            json!({"type":"item.completed","item":{"id":"2","type":"agent_message","text":text}}),
        ],
        _ => vec![
            json!({"type":"init","session_id":"S"}),
            json!({"type":"tool_use","tool_id":"t","parameters":{"command":text}}),
            json!({"type":"tool_result","tool_id":"t","status":"error","output":text,"error":{"message":text}}),
            json!({"type":"message","role":"assistant","content":text,"delta":true}),
        ],
    }
}

fn good(runtime: &str, text: &str) -> Value {
    match runtime {
        CLAUDE => json!({"type":"result","is_error":false,"result":text}),
        CODEX => json!({"type":"turn.completed"}),
        _ => json!({"type":"result","status":"success"}),
    }
}

/// The provider refuses the request, a 400, and quotes it.
fn bad(runtime: &str, text: &str) -> Value {
    match runtime {
        CLAUDE => json!({"type":"result","is_error":true,"api_error_status":400,"result":text}),
        CODEX => {
            json!({"type":"turn.failed","error":{"message":format!("unexpected status 400 Bad Request: {text}")}})
        }
        _ => {
            let inner = json!({"error":{"code":400,"message":text}});
            json!({"type":"result","status":"error","error":{"message":format!("[API Error: {inner}]")}})
        }
    }
}

/// A turn in which the program prints these lines, the trap on stderr, and ends with this code.
fn turn(stage: &Stage, runtime: &str, lines: &[Value], code: i32) -> Call {
    let stream: String = lines.iter().map(|line| format!("{line}\n")).collect();
    assert!(stream.contains('\u{2028}'), "it stands unescaped");
    let program = stage.path("program");
    let (out, err) = (stage.name("stream"), stage.name("words"));
    std::fs::write(&out, stream).unwrap();
    std::fs::write(&err, TRAP).unwrap();
    executable(&program, &format!("#!/bin/sh\ncat {out}\ncat {err} >&2\nexit {code}\n"));
    let mut command = stage.command(TURN);
    command.args(["run", "--agent", "a", "--runtime", runtime, "--prompt", TRAP.trim_end(), "--resume", "never"]);
    command.args(["--max-attempts", "9", "--program"]).arg(program);
    let call = stage.call(command);
    let counts = (call.ended()["events"].as_u64().unwrap(), call.ended()["ignored_lines"].as_u64().unwrap());
    assert_eq!(counts, (lines.len() as u64, 0), "a line ends at its newline only: {call:#?}");
    call
}

/// What the turn came to, and what of it could come from words.
fn told(call: &Call) -> (&str, &str, &Value, &Value, &Value) {
    let end = call.ended();
    (call.word("outcome"), call.word("cause"), &end["http_status"], &end["limit_kind"], &end["limit_resets_at"])
}

/// M7
#[test]
fn words_of_the_model_of_tools_and_on_stderr_change_no_outcome() {
    let none = Value::Null;
    for runtime in [CLAUDE, CODEX, GEMINI] {
        let stage = Stage::new();
        let lines = |end: Option<Value>| work(runtime, TRAP).into_iter().chain(end).collect::<Vec<_>>();
        // No terminal line: that of gemini is told by its code, whatever came before it.
        let cut = turn(&stage, runtime, &lines(None), 1);
        let expected = if runtime == GEMINI { ("failed", "exit_code") } else { ("no_result", "no_terminal_event") };
        assert_eq!(told(&cut), (expected.0, expected.1, &none, &none, &none), "{runtime}");
        let quiet = turn(&stage, runtime, &lines(None), 0);
        assert_eq!(told(&quiet), ("no_result", "no_terminal_event", &none, &none, &none), "{runtime}");
        let failed = turn(&stage, runtime, &lines(Some(bad(runtime, TRAP))), 1);
        assert_eq!(told(&failed), ("failed", "error_result", &json!(400), &none, &none), "{runtime}");
        let run = stage.run_of("a");
        assert_eq!(
            (&run["state"], &run["hold"], &run["attempts"]),
            (&json!("between_turns"), &json!("backoff"), &json!(3))
        );
        let done = turn(&stage, runtime, &lines(Some(good(runtime, TRAP))), 0);
        assert_eq!(told(&done), ("completed", "clean_result", &none, &none, &none), "{runtime}");
    }
}
