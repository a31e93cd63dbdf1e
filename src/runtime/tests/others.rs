//! Every capture of gemini, opencode, pi and copilot, against what its own meta file says must be concluded,
//! as far as the stream, the exit code and stderr decide.

use std::path::Path;

use serde_json::Value;

use super::facts_of;
use crate::runtime::{Refused, builtin};

/// The agent worked on when its wrapper was killed, and its stream has an end like any other.
const WORKED_ON: [&str; 4] = ["copilot/sigterm_slow", "copilot/sigint_slow", "/sigkill_slow", "/sigkill_tool"];

/// What stream, exit code and stderr say, in the words of the meta files.
fn conclusion(runtime: &str, meta: &Value, stdout: &[u8], stderr: &[u8]) -> &'static str {
    let description = builtin(runtime).unwrap().unwrap();
    let facts = facts_of(runtime, stdout);
    let code = meta["exit_code"].as_i64().map(|code| i32::try_from(code).unwrap());
    match description.end(&facts, code) {
        Some(end) if end.clean => "completed",
        Some(end) if end.limit.is_some() => "limited",
        Some(end) if end.auth.is_some() => "auth",
        Some(_) => "failed",
        None => match description.refused_at_start(&facts, code, stderr) {
            Some(Refused::Credentials) => "auth",
            Some(Refused::Session) => "failed",
            None if code.is_some_and(|code| code != 0) => "failed",
            None => "no terminal event",
        },
    }
}

/// A turn that was ended from outside must not look like one that ended well.
fn fits(name: &str, expect: &str, said: &str) -> bool {
    let worked_on = WORKED_ON.iter().any(|end| name.ends_with(end));
    match expect {
        "interrupted" | "killed" => said != "completed" || worked_on,
        _ => said == expect,
    }
}

#[test]
fn each_capture_of_the_others_is_concluded_as_its_meta_file_says() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for runtime in ["gemini", "opencode", "pi", "copilot"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/streams").join(runtime);
        let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
        for name in files.filter_map(|name| Some(name.to_str()?.strip_suffix(".meta.json")?.to_owned())) {
            let file = |end: &str| std::fs::read(folder.join(format!("{name}.{end}"))).unwrap();
            let meta: Value = serde_json::from_slice(&file("meta.json")).unwrap();
            let said = conclusion(runtime, &meta, &file("stdout.jsonl"), &file("stderr.txt"));
            let (name, expect) = (format!("{runtime}/{name}"), meta["expect"].as_str().unwrap());
            seen += 1;
            if !fits(&name, expect, said) {
                wrong.push(format!("{name}: {said} for {expect}"));
            }
        }
    }
    assert!(seen > 240, "{seen} captures");
    wrong.sort();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
