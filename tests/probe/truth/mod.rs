//! `probe story` and `probe sprint` on real files, as a user calls them.

mod conditions;
mod fixtures;
mod places;
mod targets;
mod writers;

use std::path::Path;

use serde_json::Value;

use crate::contract::{Home, Said};

/// The places of a project.
const NEW: &str = "_bmad-output/implementation-artifacts";
const OLD: &str = "_bmad-output";

/// Writes a file below the folder in which commands run, long enough ago to be at rest.
fn write(home: &Home, name: &str, text: impl AsRef<[u8]>) {
    let path = home.path("home").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    rest(&path);
}

/// Gives a file times that are past, so that nobody waits for it.
fn rest(path: &Path) {
    let file = std::fs::File::options().append(true).open(path).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000)).unwrap();
}

fn story(status: &str) -> String {
    format!("# Story 1.2: Tides\n\nStatus: {status}\n\n## Story\n\nAs a pilot I want the tides.\n")
}

fn sprint(entries: &str) -> String {
    format!("development_status:\n{entries}")
}

/// The only record.
#[track_caller]
fn ask(home: &Home, args: &[&str]) -> Value {
    home.probe(args).silent(0).record("evidence")
}

/// `finding meaning reason`.
fn found(evidence: &Value) -> String {
    ["finding", "meaning", "reason"].map(|key| evidence[key].as_str().unwrap()).join(" ")
}

#[track_caller]
fn assert_found(home: &Home, args: &[&str], expected: &str) -> Value {
    let evidence = ask(home, args);
    assert_eq!(found(&evidence), expected, "{args:?} {evidence:#}");
    let code = match expected.split(' ').next().unwrap() {
        "yes" => 0,
        "no" => 1,
        _ => 69,
    };
    let said: Said = home.probe(&[args, &["--exit-code"]].concat()).silent(code);
    assert_eq!(found(&said.record("evidence")), expected);
    evidence
}
