//! Many real processes at one agent, one turn, one fresh state file, behind one barrier, with no retry in the harness.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, clippy::disallowed_macros, reason = "a test says what it saw")]

mod cleanups;
mod finishers;
mod first_open;
mod ledgers;
mod mail;
mod marks;
mod namespaces;
mod notices;
mod reconcile;
mod turns;

use std::fs::File;
use std::process::{Command, Stdio};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::scene::{Running, Stage};

/// A number from the environment of a campaign.
fn campaign(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A barrier: commands wait in a shell that reads a FIFO, and become what they are when its last writer goes.
struct Barrier<'s> {
    stage: &'s Stage,
    writer: File,
}

impl<'s> Barrier<'s> {
    fn new(stage: &'s Stage) -> Self {
        let path = stage.path("gate");
        let _ = std::fs::remove_file(&path);
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        // Open for both, so that neither side's open has to wait for the other.
        Self { stage, writer: File::options().read(true).write(true).open(path).unwrap() }
    }

    /// The command, standing at the barrier; its pid stays the same.
    fn hold(&self, command: &Command) -> Running {
        let mut shell = self.stage.command("sh");
        let wait = format!("read gate <'{}'; exec \"$@\"", self.stage.word("gate"));
        shell.args(["-c", &wait, "sh"]).arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        Running::start(&mut shell)
    }

    /// Lets everybody go at once, when all of them stand there.
    fn open(self, crowd: &[Running]) {
        let gate = self.stage.path("gate");
        for one in crowd {
            crate::scene::until("a racer at the barrier", || {
                let fds = std::fs::read_dir(format!("/proc/{}/fd", one.pid())).into_iter().flatten().flatten();
                fds.filter_map(|fd| std::fs::read_link(fd.path()).ok()).any(|target| target == gate)
            });
        }
        drop(self.writer);
    }
}
