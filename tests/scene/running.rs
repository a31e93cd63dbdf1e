//! A command that runs, and how it is killed.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde_json::Value;

/// The records in an output.
pub(crate) fn records(output: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(output).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

/// Signals a process of which the caller knows that it has not been waited for.
pub(crate) fn kill(pid: i32, signal: Signal) {
    let _ = nix::sys::signal::kill(Pid::from_raw(pid), signal);
}

/// Whether a process has ended; one that nobody has waited for has.
pub(crate) fn process_is_gone(pid: i32) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['Z', 'X'])),
        Err(_) => true,
    }
}

/// A `turn` with its output.
pub(crate) struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    errors: ChildStderr,
}

/// How it ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) records: Vec<Value>,
    pub(crate) errors: String,
}

impl Ended {
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    pub(crate) fn was_killed(&self) -> bool {
        self.status.signal() == Some(9)
    }

    /// The last record, or null.
    pub(crate) fn last_or_null(&self) -> &Value {
        self.records.last().unwrap_or(&Value::Null)
    }

    /// The last record.
    pub(crate) fn last(&self) -> &Value {
        self.records.last().unwrap_or_else(|| panic!("no record: {self:?}"))
    }
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, errors) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self { child, out: BufReader::new(out), errors }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// The next record; fails at the end of the output.
    pub(crate) fn record(&mut self) -> Value {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        if line.is_empty() {
            let mut errors = String::new();
            self.errors.read_to_string(&mut errors).unwrap();
            panic!("no record; {errors}");
        }
        serde_json::from_str(&line).unwrap()
    }

    pub(crate) fn kill(&self, signal: Signal) {
        kill(self.pid(), signal);
    }

    pub(crate) fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end, and for the end of its output: nobody may hold that open.
    pub(crate) fn end(mut self) -> Ended {
        let (mut out, mut errors) = (Vec::new(), String::new());
        self.out.read_to_end(&mut out).unwrap();
        self.errors.read_to_string(&mut errors).unwrap();
        Ended { status: self.child.wait().unwrap(), records: records(&out), errors }
    }

    /// Kills it for certain and waits.
    pub(crate) fn kill_now(self) -> Ended {
        self.kill(Signal::SIGKILL);
        self.end()
    }
}
