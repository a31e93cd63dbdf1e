//! `probe wait`: what wakes it, how it ends, and what it does not take for an end. `mail wait` is the same wait.

mod ends;
mod file;
mod process;
mod session;
mod work;

use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::contract::{Home, well_said};
use crate::stage::until;

/// A `probe wait` with these arguments.
fn wait(home: &Home, args: &[&str]) -> Command {
    piped(home.command("probe", [&["wait"], args].concat()))
}

fn piped(mut command: Command) -> Command {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Begins a wait, and lets it fall asleep.
pub(crate) fn asleep(command: Command) -> Child {
    let child = piped(command).spawn().unwrap();
    sleeping(&child);
    child
}

/// It has looked, and waits in poll(2): the only place where it sleeps for good.
pub(crate) fn sleeping(child: &Child) {
    until("the waiter to sleep", || {
        let call = std::fs::read_to_string(format!("/proc/{}/syscall", child.id())).unwrap_or_default();
        // 7 is poll, 271 ppoll (x86-64); 73 ppoll (arm64).
        ["7 ", "271 ", "73 "].iter().any(|number| call.starts_with(number))
    });
}

/// The record of a wait that ended with this code.
#[track_caller]
pub(crate) fn ended(child: Child, code: i32) -> Value {
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    if code == 0 {
        assert_eq!(said, "");
    } else {
        well_said(&said);
    }
    let line = String::from_utf8(output.stdout).unwrap();
    crate::contract::check(line.trim_end()).unwrap();
    serde_json::from_str(&line).unwrap()
}

/// The record of a wait that is not woken by anything this test does.
#[track_caller]
fn record(command: Command, code: i32) -> Value {
    ended(piped(command).spawn().unwrap(), code)
}

/// What it says of its end: outcome, reason, what woke it.
fn words(end: &Value) -> [&str; 3] {
    ["outcome", "reason", "woken_by"].map(|key| end[key].as_str().unwrap_or("null"))
}

/// A tracer before the waiter: a call of the kernel that fails so. None where there is no strace that can.
fn injected(home: &Home, call: &str, args: &[&str]) -> Option<Command> {
    let inject = format!("inject={call}");
    let log = home.path("trace");
    let traced = |args: &[&str]| {
        let strace = ["-qq", "-o", log.to_str().unwrap(), "-e", &inject, env!("CARGO_BIN_EXE_probe"), "wait"];
        let mut command = home.bare("strace", [&strace[..], args].concat());
        command.env("REFLOAT_STATE", home.state());
        command
    };
    let tried = piped(traced(&["file", "/", "exists"])).output();
    tried.is_ok_and(|tried| tried.status.code() == Some(0)).then(|| traced(args))
}
