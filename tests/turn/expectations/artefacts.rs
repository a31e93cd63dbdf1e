//! Files and results: new content counts, and what a result says.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::{DONE, assert_end, copy, owes, play, work, write};
use crate::stage::{Stage, TURN};

/// bmad 44: what is older than the attempt is no evidence, by its content too.
#[test]
fn a_file_is_owed_new_content_and_neither_its_age_nor_a_touch_counts() {
    let stage = Stage::new();
    let rows = [
        ("say nothing", "failed", "expectation_missing", "not_reached"),
        ("write {f} new", "completed", "clean_result", "reached"),
        ("say nothing", "failed", "expectation_missing", "not_reached"),
        ("run touch -d 2030-01-01 {f}", "failed", "expectation_missing", "not_reached"),
        ("write {f} new", "failed", "expectation_missing", "not_reached"),
        ("append {f} more", "completed", "clean_result", "reached"),
        ("run rm {f}", "failed", "expectation_missing", "not_reached"),
        ("run mkdir {f}", "failed", "expectation_missing", "not_reached"),
    ];
    for (steps, outcome, cause, state) in rows {
        let call = work(&stage, &steps.replace("{f}", &stage.name("report")), &["file:report"]);
        assert_end(&call, outcome, cause, state);
        assert_eq!(call.code, i32::from(outcome == "failed"), "{call:#?}");
    }
}

/// field 49; bmad 42, 43: a result says how the work ended, if it is of this attempt and can be read.
#[test]
fn a_result_is_owed_a_good_status_of_this_attempt() {
    let rows = [
        ("", "say nothing", "failed", "expectation_missing", "not_reached"),
        ("", r#"write {f} {"status":"done"}"#, "completed", "clean_result", "reached"),
        ("", r#"write {f} {"n":1,"status":"Success"}"#, "completed", "clean_result", "reached"),
        (DONE, "say nothing", "failed", "expectation_missing", "not_reached"),
        (DONE, "run touch {f}", "failed", "expectation_missing", "not_reached"),
        (DONE, r#"write {f} {"status":"done","n":2}"#, "completed", "clean_result", "reached"),
        (DONE, r#"write {f} {"status":"failed"}"#, "failed", "result_says_failed", "contradicted"),
        (r#"{"status":"failed"}"#, r#"write {f} {"status":"done"}"#, "completed", "clean_result", "reached"),
        ("", r#"write {f} {"status":"blocked"}"#, "failed", "result_says_failed", "contradicted"),
        ("", r#"write {f} {"status":"do"#, "failed", "expectation_unknown", "unknown"),
        ("", r#"write {f} {"status":"in_progress"}"#, "failed", "expectation_unknown", "unknown"),
        ("", "run : > {f}", "failed", "expectation_unknown", "unknown"),
        ("", "run mkfifo {f}", "failed", "expectation_missing", "not_reached"),
        ("", "run mkdir {f}", "failed", "expectation_missing", "not_reached"),
        ("", "run ln -s /dev/zero {f}", "failed", "expectation_missing", "not_reached"),
        ("", "run ln -s {f} {f}", "failed", "expectation_unknown", "unknown"),
    ];
    for (before, steps, outcome, cause, state) in rows {
        let stage = Stage::new();
        if !before.is_empty() {
            write(&stage, "result.json", before);
        }
        // Braces in a script are blocks: what is to be written comes from a file.
        let steps = steps.replace("{f}", &stage.name("result.json"));
        let call = match steps.strip_prefix(&format!("write {} ", stage.name("result.json"))) {
            Some(text) => {
                write(&stage, "text", text);
                work(&stage, &copy(&stage, "text", "result.json"), &["result:result.json"])
            }
            None => work(&stage, &steps, &["result:result.json"]),
        };
        assert_end(&call, outcome, cause, state);
    }
}

/// bmad 43: the process may go on for a moment after its terminal event.
#[test]
fn a_result_that_comes_after_the_terminal_event_counts_while_the_agent_lives() {
    let stage = Stage::new();
    write(&stage, "text", DONE);
    let script = format!("init; result done; sleep 300; {}", copy(&stage, "text", "r"));
    let call = play(&stage, &script, &["result:r"]);
    assert_end(call.assert_end("completed", 0), "completed", "clean_result", "reached");
}

#[test]
fn a_name_that_is_not_utf8_is_looked_at_as_it_is_and_shown_as_text() {
    let stage = Stage::new();
    let name = std::ffi::OsStr::from_bytes(b"od\xffd");
    std::fs::write(stage.path("").join(name), "before").unwrap();
    let mut expect = std::ffi::OsString::from("file:");
    expect.push(name);
    let mut turn = stage.command(TURN);
    turn.args(["run", "--agent", "a", "--cwd", &stage.name(""), "--expect"]).arg(expect);
    turn.args(["--", "sh", "-c", r#"echo after > "$(printf 'od\377d')""#]);
    let call = stage.call(turn);
    assert_end(call.assert_end("completed", 0), "completed", "exit_code", "reached");
    assert_eq!((&owes(&call)[0]["found"], &owes(&call)[0]["target_lossy"]), (&json!("file"), &json!(true)));
    assert_eq!(call.ended()["expected"][0]["target_lossy"], true);
}

#[test]
fn a_file_of_somebody_else_is_unknown_and_not_taken_for_done() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let stage = Stage::new();
    let secret = stage.path("secret");
    std::fs::create_dir(&secret).unwrap();
    std::fs::set_permissions(stage.path(""), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::create_dir(stage.path("home")).unwrap();
    std::os::unix::fs::chown(stage.path("home"), Some(65534), Some(65534)).unwrap();
    let mut turn = stage.command("setpriv");
    turn.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        TURN,
        "run",
        "--agent",
        "a",
        "--contain",
        "subreaper",
    ]);
    turn.args(["--expect", &format!("file:{}", stage.name("secret/f")), "--", "true"]);
    turn.env("REFLOAT_STATE", stage.path("home/state.db")).current_dir("/");
    let call = stage.call(turn);
    assert_end(call.assert_end("failed", 1), "failed", "expectation_unknown", "unknown");
    assert!(call.word("message").contains("permission denied"), "{call:#?}");
}
