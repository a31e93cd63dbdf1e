//! `probe result`: what result files say.

use std::fs;

use super::found;
use super::readonly::looks_only;
use crate::contract::Home;

const DONE: [&str; 3] = ["yes", "done", "status_done"];
const FAILED: [&str; 3] = ["no", "failed", "status_failed"];

fn unknown(reason: &str) -> [&str; 3] {
    ["unknown", "unknown", reason]
}

/// bmad 42, 43
#[test]
fn a_result_is_done_failed_not_done_or_unknown_with_the_reason() {
    let home = Home::new();
    for (name, content, wanted) in [
        ("done", r#"{"status":"done"}"#, DONE),
        ("bom", "\u{feff}{\"status\":\" Timed-Out \"}", ["no", "failed", "status_failed"]),
        ("passed", r#"{"x":[1],"status":"PASSED"}"#, DONE),
        ("failed", r#"{"status":"failed"}"#, FAILED),
        ("blocked", r#"{"status":"blocked"}"#, FAILED),
        ("running", r#"{"status":"running"}"#, unknown("status_unclear")),
        ("true", r#"{"status":true}"#, unknown("status_unclear")),
        ("state", r#"{"state":"done"}"#, unknown("no_status")),
        ("list", r#"["done"]"#, unknown("not_an_object")),
        ("empty", "", unknown("empty")),
        ("cut", r#"{"status":"do"#, unknown("cut_off")),
        ("two", r#"{"status":"done"}{"status":"done"}"#, unknown("several_documents")),
        ("text", "status: done", unknown("unparsable")),
    ] {
        fs::write(home.path("home").join(name), content).unwrap();
        let record = home.probe(&["result", name]).silent(0).record("evidence");
        assert_eq!(found(&record), wanted, "{name}: {record}");
    }
    let record = home.probe(&["result", "none"]).silent(0).record("evidence");
    assert_eq!(found(&record), ["no", "not_done", "no_file"]);
    let record = home.probe(&["result", "."]).silent(0).record("evidence");
    assert_eq!((found(&record), &record["detail"]["instead"]), (["no", "not_done", "is_folder"], &"folder".into()));
    for (files, code) in
        [(&["done"][..], 0), (&["done", "failed"], 1), (&["failed", "cut", "done"], 69), (&["none"], 1), (&["cut"], 69)]
    {
        let said = home.probe(&[&["result", "--exit-code"], files].concat()).silent(code);
        let ends = said.records().iter().filter(|record| record["type"] == "probe.ended").count();
        assert_eq!(ends, usize::from(files.len() > 1));
    }
}

/// The same words decide as those of `turn run --expect result:FILE`.
#[test]
fn what_is_required_beside_the_status_has_to_be_there() {
    let home = Home::new();
    let write = |content: &str| fs::write(home.path("home/r"), content).unwrap();
    let look = |more: &[&str]| {
        found(&home.probe(&[&["result", "r"], more].concat()).silent(0).record("evidence")).map(str::to_owned)
    };
    write(r#"{"status":"completed","verified":true,"session":{"id":"s1"}}"#);
    assert_eq!(look(&["--require", "/verified", "--require", "/session/id=s1"]), DONE);
    assert_eq!(look(&["--require", "/session/id=s2"]), ["no", "not_done", "other_value"]);
    assert_eq!(look(&["--require", "/verified=false"]), ["no", "not_done", "other_value"]);
    assert_eq!(look(&["--require", "/checks"]), unknown("missing_key"));
    write(r#"{"status":"failed"}"#);
    assert_eq!(look(&["--require", "/verified"]), FAILED);
}

/// bmad 44
#[test]
fn a_result_of_an_earlier_attempt_is_not_done() {
    let home = Home::new();
    let script = r#"echo '{"status":"done"}' >r"#;
    home.turn(&["run", "--agent", "a", "--", "sh", "-c", script]).silent(0);
    super::output::aged(&home.path("home/r"));
    home.turn(&["run", "--agent", "a", "--", "true"]).silent(0);
    let said = |since| home.probe(&["result", "r", "--since", since]).silent(0).record("evidence");
    assert_eq!(found(&said("t1")), DONE);
    assert_eq!(found(&said("t2")), ["no", "not_done", "not_of_this_attempt"]);
    assert_eq!(found(&said("r1")), DONE);
}

#[test]
fn looking_at_results_changes_nothing() {
    let home = Home::new();
    fs::write(home.path("home/r"), r#"{"status":"done"}"#).unwrap();
    let Some(said) = looks_only(&home, &["result", "r", "none"], |_| {}) else { return };
    said.silent(0);
    assert!(!home.path("state").exists(), "no state is needed");
}
