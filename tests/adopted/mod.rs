//! Workers that somebody else started: real background processes and real tmux sessions that become runs.
//! Nobody here is a child of a command of ours, and every server has a socket of its own in the stage's folder.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, clippy::disallowed_macros, reason = "a test says what it skips")]

mod ends;
mod hung;
mod owing;
mod process;
mod session;
mod tokens;
mod unseen;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::stage::{Call, Stage, TURN, until};
use crate::support::{executable, fake_agent};

/// Whether there is a tmux; says so where there is none.
pub(crate) fn has_tmux() -> bool {
    let has = Command::new("tmux").arg("-V").stdout(Stdio::null()).status().is_ok_and(|done| done.success());
    if !has {
        println!("skipped: no tmux");
    }
    has
}

/// Whether processes can get a pid namespace of their own here.
fn can_unshare() -> bool {
    Command::new("unshare").args(["--pid", "--fork", "true"]).status().is_ok_and(|done| done.success())
}

/// State and parent of a process, as /proc has them; none: there is no such process.
pub(crate) fn state_of(pid: i64) -> Option<(char, i64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

pub(crate) fn start_ticks_of(pid: i64) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().parse().unwrap()
}

pub(crate) fn lives(pid: i64) -> bool {
    state_of(pid).is_some_and(|(state, _)| state != 'Z')
}

pub(crate) fn kill_and_wait(pid: i64) {
    let number = nix::unistd::Pid::from_raw(pid.try_into().unwrap());
    nix::sys::signal::kill(number, nix::sys::signal::Signal::SIGKILL).unwrap();
    until("the end of a process", || !lives(pid));
}

impl Stage {
    /// A background process that plays these steps, and that neither this test nor a command of ours is the parent of.
    pub(crate) fn background(&self, name: &str, steps: &[&str]) -> i64 {
        let file = self.path(&format!("{name}.pid"));
        let mut shell = self.command("sh");
        shell.arg("-c").arg("\"$@\" >/dev/null 2>&1 & echo $! >\"$FILE.new\"; mv \"$FILE.new\" \"$FILE\"").arg("sh");
        shell.arg(fake_agent()).args(steps).env("FILE", &file);
        assert!(shell.status().unwrap().success());
        let pid = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
        // It executes its program a moment after it was forked.
        until("the worker", || {
            std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.starts_with(b"sh"))
        });
        pid
    }

    /// Makes a process stand for a run.
    pub(crate) fn adopt(&self, agent: &str, pid: i64, args: &[&str]) -> Value {
        let pid = pid.to_string();
        let call = self.turn(&[&["adopt", "--agent", agent, "--pid", &pid], args].concat());
        assert_eq!(call.code, 0, "{call:?}");
        call.last("run.adopted").clone()
    }

    /// What is observed of the agent's worker, and why.
    fn observed(&self, agent: &str) -> (String, String) {
        let run = self.run_of(agent);
        let word = |key: &str| run[key].as_str().unwrap_or("null").to_owned();
        (word("observed"), word("observed_why"))
    }

    #[track_caller]
    fn assert_observed(&self, agent: &str, observed: &str, why: &str) {
        assert_eq!(self.observed(agent), (observed.to_owned(), why.to_owned()));
    }

    /// A turn of the agent that must not begin.
    #[track_caller]
    fn assert_no_turn(&self, agent: &str, code: i32, words: &str) {
        let ran = self.path("ran");
        let call = self.turn(&["run", "--agent", agent, "--", "touch", ran.to_str().unwrap()]);
        call.assert_refused(code, words);
        assert!(!ran.exists() && self.turn(&["list", "--agent", agent]).records.is_empty());
    }

    /// A command with a token in its environment.
    fn with_token(&self, program: &str, token: &str, args: &[&str]) -> Call {
        let mut command = self.command(program);
        command.args(args).env("REFLOAT_TOKEN", token);
        self.call(command)
    }

    pub(crate) fn sql(&self, sql: &str) {
        self.sqlite().execute_batch(sql).unwrap();
    }

    pub(crate) fn count(&self, sql: &str) -> i64 {
        self.sqlite().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

/// A `tmux` in front of the real one that does this.
pub(crate) fn fake(stage: &Stage, script: &str) -> std::ffi::OsString {
    let folder = stage.path("bin");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("tmux");
    executable(&file, &format!("#!/bin/sh\n{script}\n"));
    let mut path = folder.into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    path
}

/// What a fake `tmux` does whose server has this one pane.
pub(crate) fn listing(row: &str) -> String {
    format!("echo '{row}'; echo 'buffer-limit 50'")
}

fn with_path(stage: &Stage, path: &std::ffi::OsStr, args: &[&str]) -> Call {
    let mut command: Command = stage.command(TURN);
    command.args(args).env("PATH", path);
    stage.call(command)
}

/// A tmux server of the stage's own.
pub(crate) struct Server<'s> {
    stage: &'s Stage,
    name: &'static str,
}

impl<'s> Server<'s> {
    pub(crate) fn new(stage: &'s Stage, name: &'static str) -> Self {
        std::fs::create_dir_all(stage.path("tmux")).unwrap();
        Self { stage, name }
    }

    pub(crate) fn stage(&self) -> &'s Stage {
        self.stage
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Where its socket is.
    pub(crate) fn socket(&self) -> PathBuf {
        self.stage.path(&format!("tmux/tmux-{}/{}", rustix::process::geteuid().as_raw(), self.name))
    }

    pub(crate) fn tmux(&self, args: &[&str]) -> String {
        let mut command = self.stage.command("tmux");
        command.env("TMUX_TMPDIR", self.stage.path("tmux")).env("LC_ALL", "C").env_remove("TMUX");
        let output = command.args(["-u", "-f", "/dev/null", "-L", self.name]).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// A session whose only pane does this; its id.
    pub(crate) fn session(&self, name: &str, command: &str) -> String {
        self.tmux(&["new-session", "-d", "-P", "-F", "#{session_id}", "-s", name, command])
    }

    /// Whether it answers.
    pub(crate) fn is_up(&self) -> bool {
        let mut command = self.stage.command("tmux");
        command.env("TMUX_TMPDIR", self.stage.path("tmux")).args(["-L", self.name, "list-sessions"]);
        command.output().unwrap().status.success()
    }

    /// Starts it in another pid namespace, with the session b1; none where there can be no such namespace.
    pub(crate) fn start_apart(&self) -> Option<Child> {
        let mut apart = self.stage.command("unshare");
        apart.args(["--pid", "--fork", "--kill-child"]).env("TMUX_TMPDIR", self.stage.path("tmux")).env_remove("TMUX");
        if !can_unshare() {
            return None;
        }
        let inside = format!("tmux -u -f /dev/null -L {} new-session -d -s b1 'sleep 600'; exec sleep 600", self.name);
        let apart = apart.args(["sh", "-c", &inside]).spawn().unwrap();
        until("the server", || self.socket().exists() && self.is_up());
        Some(apart)
    }

    /// Waits until something is so because the process of a pane has ended. tmux 3.3a now and then misses the end of a child;
    /// what it is told again it looks for again.
    pub(crate) fn until_told(&self, what: &str, mut so: impl FnMut() -> bool) {
        let server = nix::unistd::Pid::from_raw(self.pid().try_into().unwrap());
        until(what, || {
            nix::sys::signal::kill(server, nix::sys::signal::Signal::SIGCHLD).unwrap();
            so()
        });
    }

    pub(crate) fn pid(&self) -> i64 {
        self.tmux(&["display-message", "-p", "#{pid}"]).parse().unwrap()
    }

    pub(crate) fn adopt(&self, agent: &str, session: &str, args: &[&str]) -> Call {
        let mut command = self.stage.command(TURN);
        command.env("TMUX_TMPDIR", self.stage.path("tmux")).env_remove("TMUX");
        command.args(["adopt", "--agent", agent, "--tmux", session, "--socket", self.name]).args(args);
        self.stage.call(command)
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        // A stopped one does not hear it: the family ends it.
        let mut command = self.stage.command("timeout");
        command.args(["-k", "1", "5", "tmux", "-L", self.name, "kill-server"]);
        command.env("TMUX_TMPDIR", self.stage.path("tmux"));
        let _ = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().map(|mut child| child.wait());
    }
}
