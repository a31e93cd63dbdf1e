//! `probe tmux` on real servers, each on a socket of its own in the stage's folder. A fake `tmux` stands in only for answers
//! that a real one cannot be made to give.

mod answers;
mod hung;
mod names;
mod panes;
mod scale;

use std::ffi::{OsStr, OsString};
use std::process::Command;

use serde_json::Value;

use crate::adopted::{Server, fake};
use crate::contract::{Said, binary};
use crate::stage::{Call, Stage};

/// A command that is still to be run.
fn command(stage: &Stage, args: &[&str]) -> Command {
    let mut command = stage.command(binary("probe"));
    command.args(["tmux"]).args(args).env("TMUX_TMPDIR", stage.path("tmux")).env_remove("TMUX");
    command
}

/// Runs it to its end: records as they have to be, the last of them the end, and nothing on stderr.
fn call(stage: &Stage, mut command: Command) -> Call {
    let said = Said::of(&mut command);
    let records = said.records();
    assert!(records.last().is_some_and(|last| last["type"] == "probe.ended"), "{said:?}");
    assert!(said.err.is_empty() && !stage.state().exists(), "{said:?}");
    Call { code: said.code(), records, stderr: said.err }
}

/// A look at this server.
fn probe(server: &Server<'_>, args: &[&str]) -> Call {
    let stage = server.stage();
    call(stage, command(stage, &[args, &["--socket", server.name()]].concat()))
}

/// A look at a server that a fake `tmux` does not ask.
fn with_path(stage: &Stage, path: &OsStr, args: &[&str]) -> Call {
    let mut command = command(stage, args);
    command.env("PATH", path);
    call(stage, command)
}

/// A `tmux` that notes each call and asks the real one; and how often it was called.
fn counting(stage: &Stage) -> (OsString, impl Fn() -> usize) {
    let (calls, real) = (stage.path("calls"), which("tmux"));
    let path = fake(stage, &format!("echo x >>{}; exec {real} \"$@\"", calls.display()));
    (path, move || std::fs::read_to_string(&calls).unwrap_or_default().lines().count())
}

fn which(program: &str) -> String {
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.exists());
    found.unwrap().to_str().unwrap().to_owned()
}

/// Kind, subject, finding, meaning and reason of each record of evidence.
fn findings(call: &Call) -> Vec<String> {
    let line = |record: &Value| {
        let word = |key: &str| record[key].as_str().unwrap().to_owned();
        ["subject_kind", "subject", "finding", "meaning", "reason"].map(word).join(" ")
    };
    call.all("evidence").into_iter().map(line).collect()
}

#[track_caller]
fn assert_findings(call: &Call, expected: &[&str]) {
    assert_eq!(findings(call), expected, "{call:#?}");
}

/// The only record of this kind of subject.
#[track_caller]
fn of_kind<'c>(call: &'c Call, kind: &str) -> &'c Value {
    let found: Vec<&Value> = call.all("evidence").into_iter().filter(|record| record["subject_kind"] == kind).collect();
    assert_eq!(found.len(), 1, "{kind}: {call:#?}");
    found[0]
}
