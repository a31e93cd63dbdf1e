//! For the tests of the instruments: a process of one's own, children that misbehave, and a count of who lives.
//! Called by the tests only.

use std::io::{PipeReader, Read, Write, pipe};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::wait;
use crate::clock::Tick;

const ALONE: &str = "REFLOAT_TEST_ALONE";
const TOLD: &str = "REFLOAT_TEST_TOLD";

/// Runs the test `name` again in a process of its own, where it gets `true`: for what is process-wide.
pub(super) fn alone(name: &str) -> bool {
    if inner(name) {
        return true;
    }
    assert!(again(name, &[], "").status().unwrap().success(), "{name} failed in its own process");
    false
}

/// Whether this is the second run of the test.
pub(super) fn inner(name: &str) -> bool {
    std::env::var(ALONE).is_ok_and(|inner| inner == name)
}

/// The second run of the test, started through another program (`setpriv`, `unshare`). It can read `told`.
pub(super) fn again(name: &str, through: &[&str], told: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let mut command = match through.split_first() {
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).arg(test);
            command
        }
        None => Command::new(test),
    };
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]);
    command.env(ALONE, name).env(TOLD, told).stdin(Stdio::null());
    command
}

/// What the first run told the second.
pub(super) fn told() -> String {
    std::env::var(TOLD).unwrap_or_default()
}

pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// No condition that a test waits for, and no end of what a test has started, takes longer, even on a busy machine.
pub(super) const BOUND: Duration = Duration::from_secs(60);

/// Repeats a look until it is so, for [`BOUND`] at most.
pub(super) fn soon(mut so: impl FnMut() -> bool) -> bool {
    let deadline = Tick::now().plus(BOUND);
    while Tick::now() < deadline {
        if so() {
            return true;
        }
        wait::pause(Duration::from_millis(1));
    }
    false
}

/// One line about what could not be tested here, or what was measured.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "  {line}");
}

/// A shell script whose descendants all hold the write end of a pipe as their standard output.
pub(super) struct Zoo {
    pub(super) child: Child,
    alive: PipeReader,
}

impl Zoo {
    /// Starts the script and waits until it has written `ready`.
    pub(super) fn start(script: &str) -> Self {
        Self::start_with(Command::new("/bin/sh").arg("-c").arg(script))
    }

    pub(super) fn start_with(command: &mut Command) -> Self {
        let (alive, theirs) = pipe().unwrap();
        // No stderr: what a failed test leaves alive must not hold the pipe of whoever runs the tests.
        let child = command.stdin(Stdio::null()).stdout(theirs).stderr(Stdio::null()).spawn().unwrap();
        // The command keeps its copy of the write end until it is given something else.
        command.stdout(Stdio::null());
        let mut zoo = Self { child, alive };
        zoo.wait_for("ready");
        zoo
    }

    fn wait_for(&mut self, word: &str) {
        let mut text = Vec::new();
        while !String::from_utf8_lossy(&text).contains(word) {
            assert!(wait::readable(self.alive.as_fd(), Tick::now().plus(BOUND)).unwrap(), "the script is not ready");
            let mut buffer = [0; 64];
            let read = self.alive.read(&mut buffer).unwrap();
            assert!(read > 0, "the script ended before it was ready");
            text.extend_from_slice(&buffer[..read]);
        }
    }

    /// Nobody holds the pipe any more: read to its end, at once. Who has ended has closed it before.
    pub(super) fn all_gone(&mut self) -> bool {
        let now = Tick::now();
        let mut buffer = [0; 4096];
        while wait::readable(self.alive.as_fd(), now).unwrap() {
            if self.alive.read(&mut buffer).unwrap() == 0 {
                return true;
            }
        }
        false
    }

    pub(super) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }
}
