//! What the processes of these tests do, and how they are started and heard.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use refloat::clock::Tick;
use refloat::error::Result;
use refloat::state::{State, agent};

use super::place;

/// The report of a process that has finished by itself.
#[derive(Debug)]
pub(super) struct Report {
    /// The exit code a command would have; 0 is done.
    pub(super) code: u8,
    /// The stops counted, or the failure and its hint.
    pub(super) text: String,
    /// When it went through the gate and when it was done, in microseconds since boot.
    pub(super) span: (u128, u128),
}

/// This binary again, as this role on this state file.
pub(super) fn role(name: &str, file: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "state_open::role::play", "--nocapture"]);
    as_role(command, name, file)
}

/// The same behind another program, such as setpriv.
pub(super) fn role_behind(program: &[&str], name: &str, file: &Path) -> Command {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", "state_open::role::play", "--nocapture"]);
    as_role(command, name, file)
}

fn as_role(mut command: Command, name: &str, file: &Path) -> Command {
    command.env("REFLOAT_TEST_ROLE", name).env("REFLOAT_TEST_FILE", file);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// Runs it to its end.
pub(super) fn finish(mut command: Command) -> Option<Report> {
    let mut child = command.spawn().unwrap();
    let report = report(&mut BufReader::new(child.stdout.take().unwrap()));
    child.wait().unwrap();
    report
}

/// A started role that has come to the gate.
pub(super) fn waiting(mut command: Command, gate: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut child = command.env("REFLOAT_TEST_GATE", gate).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    assert_eq!(said(&mut out, "@ready"), Some(String::new()));
    (child, out)
}

/// The report of a role; none if it was killed before it could say it.
pub(super) fn report(out: &mut impl BufRead) -> Option<Report> {
    let line = said(out, "@report ")?;
    // To the end, or the harness in there would meet a closed pipe.
    std::io::copy(out, &mut std::io::sink()).unwrap();
    let mut parts = line.splitn(4, ' ');
    let mut number = || parts.next()?.parse::<u128>().ok();
    let (code, start, end) = (number()?, number()?, number()?);
    Some(Report { code: u8::try_from(code).ok()?, text: parts.next()?.to_owned(), span: (start, end) })
}

fn said(out: &mut impl BufRead, word: &str) -> Option<String> {
    out.lines().map_while(|line| line.ok()).find_map(|line| line.strip_prefix(word).map(str::to_owned))
}

/// Plays the role the environment names; without one, a test that has nothing to do.
#[test]
fn play() {
    let Ok(name) = std::env::var("REFLOAT_TEST_ROLE") else { return };
    let file = std::env::var_os("REFLOAT_TEST_FILE").unwrap();
    if let Some(gate) = std::env::var_os("REFLOAT_TEST_GATE") {
        let gate = File::open(gate).unwrap();
        tell("@ready");
        gate.lock_shared().unwrap();
    }
    let start = Tick::now();
    let done = act(&name, Path::new(&file));
    let span = (micros(start), micros(Tick::now()));
    let (code, text) = match done {
        Ok(count) => (0, count.to_string()),
        Err(failure) => (failure.exit.code(), format!("{failure} | {}", failure.hint.as_deref().unwrap_or("-"))),
    };
    tell(&format!("@report {code} {} {} {text}", span.0, span.1));
}

fn act(name: &str, file: &Path) -> Result<i64> {
    match name {
        "write" => {
            let mut state = State::open_for_writing(&place(file))?;
            state.write("count a stop", |tx| agent::count_stop(tx, "a"))
        }
        "read" => State::open_for_reading(&place(file))?.read("ask", |view| agent::stops(view, "a")),
        "fill" => super::conditions::fill_the_disk(file),
        other => panic!("no role {other}"),
    }
}

fn micros(tick: Tick) -> u128 {
    tick.since_boot().max(Duration::ZERO).as_micros()
}

/// One line in one write, after whatever the test harness has left on the line.
fn tell(line: &str) {
    std::io::stdout().write_all(format!("\n{line}\n").as_bytes()).unwrap();
}
