//! The contract of the commands, from outside: arguments, records, exit codes, output, where the state file is.
//! Every test has a folder of its own, and runs the real commands with an environment that holds nothing else.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, clippy::disallowed_macros, reason = "a test says what it skips")]

mod about;
mod bytes;
mod codes;
mod inputs;
mod output;
mod pages;
mod panic;
mod places;
mod records;
mod rooms;
mod schema;
mod tables;
mod usage;
mod wire;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};

use rusqlite::types::Value as Cell;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::support::{Family, fake_agent};

/// Every command.
pub(crate) const PROGRAMS: [&str; 6] = ["turn", "mail", "probe", "reconcile", "mark", "mark-cleanup"];

/// A place to run commands in: a state file that does not exist yet, a home, and the agents that were started.
pub(crate) struct Home {
    pub(crate) family: Family,
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self { family: Family::new() };
        std::fs::create_dir(home.path("home")).unwrap();
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.family.path(name)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.family.state()
    }

    /// A command with a clean environment, on this home's state file.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, program: &str, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.bare(binary(program), args);
        command.env("REFLOAT_STATE", self.state());
        command
    }

    /// Any program with a clean environment and no state file named.
    pub(crate) fn bare<S: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        args: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(program);
        command.args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
            .env_remove("XDG_CONFIG_HOME")
            .env("HOME", self.path("home"))
            .current_dir(self.path("home"))
            .stdin(Stdio::null());
        self.family.enroll(&mut command);
        command
    }

    pub(crate) fn turn(&self, args: &[&str]) -> Said {
        Said::of(&mut self.command("turn", args))
    }

    pub(crate) fn mail(&self, args: &[&str]) -> Said {
        Said::of(&mut self.command("mail", args))
    }

    pub(crate) fn probe(&self, args: &[&str]) -> Said {
        Said::of(&mut self.command("probe", args))
    }

    pub(crate) fn mark(&self, args: &[&str]) -> Said {
        Said::of(&mut self.command("mark", args))
    }

    pub(crate) fn reconcile(&self, args: &[&str]) -> Said {
        Said::of(&mut self.command("reconcile", args))
    }

    /// A command through another program (`unshare`, `setpriv`); none where that one cannot be used here.
    pub(crate) fn through(&self, through: &[&str], program: &str, args: &[&str]) -> Option<Said> {
        let tried = self.bare(through[0], [&through[1..], &["true"]].concat()).output();
        if !tried.is_ok_and(|done| done.status.success()) {
            println!("skipped: {through:?} is not possible here");
            return None;
        }
        let mut command = self.bare(through[0], [&through[1..], &[binary(program)], args].concat());
        Some(Said::of(command.env("REFLOAT_STATE", self.state())))
    }

    /// A turn of this agent, with the fake agent in the role of claude.
    pub(crate) fn play(&self, agent: &str, more: &[&str], steps: &str) -> Said {
        Said::of(&mut self.playing(agent, more, steps))
    }

    pub(crate) fn playing(&self, agent: &str, more: &[&str], steps: &str) -> Command {
        let program = fake_agent();
        let mut args = vec!["run", "--agent", agent, "--runtime", "claude", "--program", program.to_str().unwrap()];
        if !more.contains(&"--prompt-file") && !more.contains(&"--mail") {
            args.extend(["--prompt", "go"]);
        }
        args.extend(more);
        let mut command = self.command("turn", args);
        command.env("FAKE_AGENT_SCRIPT", format!("inline:{steps}"));
        command
    }

    /// Everything that is stored, table by table.
    pub(crate) fn dump(&self) -> String {
        dump(&self.state())
    }

    /// Changes the state file from outside, as another program might.
    pub(crate) fn sql(&self, sql: &str) {
        open(&self.state(), OpenFlags::SQLITE_OPEN_READ_WRITE).execute_batch(sql).unwrap();
    }
}

pub(crate) use codes::nobody;
pub(crate) use wire::check;

pub(crate) fn binary(program: &str) -> &'static str {
    match program {
        "turn" => env!("CARGO_BIN_EXE_turn"),
        "mail" => env!("CARGO_BIN_EXE_mail"),
        "probe" => env!("CARGO_BIN_EXE_probe"),
        "reconcile" => env!("CARGO_BIN_EXE_reconcile"),
        "mark" => env!("CARGO_BIN_EXE_mark"),
        "mark-cleanup" => env!("CARGO_BIN_EXE_mark-cleanup"),
        other => panic!("no command {other}"),
    }
}

fn open(file: &Path, flags: OpenFlags) -> Connection {
    Connection::open_with_flags(file, flags).unwrap()
}

/// Every row of every table, as text; empty without a file.
pub(crate) fn dump(file: &Path) -> String {
    if !file.exists() {
        return String::new();
    }
    let conn = open(file, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let rows = |sql: &str| -> Vec<Vec<Cell>> {
        let mut asked = conn.prepare(sql).unwrap();
        let columns = asked.column_count();
        let read = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
        asked.query_map([], read).unwrap().collect::<rusqlite::Result<_>>().unwrap()
    };
    ["agent", "run", "turn", "expectation", "worker", "mail", "reopening", "retry", "dead_letter", "crash", "mark"]
        .map(|table| format!("{table}: {:?}\n", rows(&format!("SELECT * FROM {table} ORDER BY 1"))))
        .concat()
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from(command.output().unwrap())
    }

    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }

    /// The records on stdout; a line that is none fails the test.
    pub(crate) fn records(&self) -> Vec<Value> {
        assert!(self.out.is_empty() || self.out.ends_with('\n'), "{self:?}");
        let read = |line: &str| {
            wire::check(line).unwrap_or_else(|wrong| panic!("{wrong}\n{self:?}"));
            serde_json::from_str(line).unwrap()
        };
        self.out.lines().map(read).collect()
    }

    /// The only record of this type.
    pub(crate) fn record(&self, kind: &str) -> Value {
        let found: Vec<Value> = self.records().into_iter().filter(|record| record["type"] == kind).collect();
        assert_eq!(found.len(), 1, "{self:?}");
        found[0].clone()
    }

    /// It ended with this code, with nothing on stderr but, if it is a turn that did not end well, its end.
    #[track_caller]
    pub(crate) fn silent(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "{self:?}");
        if code == 0 || !self.err.starts_with("turn: t") {
            assert_eq!(self.err, "", "{self:?}");
        } else {
            let lines: Vec<&str> = self.err.lines().collect();
            assert!(lines[0].contains(" ended ") && lines.len() <= 2, "{self:?}");
            assert!(lines[1..].iter().all(|line| line.starts_with("hint: ")), "{self:?}");
        }
        self
    }

    /// It ended with this code, whatever it said on the way.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "{self:?}");
        self
    }

    /// It failed with this code; stderr has the form of the contract, and these words.
    #[track_caller]
    pub(crate) fn failed(self, code: i32, words: &str) -> Self {
        assert_eq!(self.code(), code, "{self:?}");
        assert!(self.err.contains(words), "{words}: {self:?}");
        well_said(&self.err);
        self
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { status: output.status, out: text(output.stdout), err: text(output.stderr) }
    }
}

/// `turn: lowercase cause`, then at most one `hint: …` after each cause; nothing of Rust in it.
#[track_caller]
pub(crate) fn well_said(err: &str) {
    assert!(err.ends_with('\n'), "{err:?}");
    let mut lines = err.lines().peekable();
    while lines.peek().is_some_and(|line| line.starts_with("hint: ")) {
        lines.next();
    }
    let said = lines.next().unwrap_or_else(|| panic!("no cause: {err}"));
    let cause = PROGRAMS.iter().find_map(|program| said.strip_prefix(program)?.strip_prefix(": "));
    let cause = cause.unwrap_or_else(|| panic!("whose words? {err}"));
    assert!(!cause.starts_with(char::is_uppercase) && !cause.ends_with('.') && !cause.is_empty(), "{err}");
    for line in lines {
        assert!(line.starts_with("hint: "), "{err}");
    }
    for rust in ["os error", "Error {", "panicked", "backtrace", "Some(", "Err(", "src/"] {
        assert!(!err.contains(rust), "{rust}: {err}");
    }
    assert!(!err.chars().any(|c| c.is_control() && c != '\n'), "{err:?}");
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
