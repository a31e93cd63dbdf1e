//! The runbooks, as an operator calls them: real bash and Nushell, the real commands in PATH, real processes, real tmux.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, clippy::disallowed_macros, reason = "a test says what it skipped")]

mod codes;
mod cron;
mod fallback;
mod hooks;
mod hung;
mod lists;
mod turns;
mod units;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use refloat::clock::Stamp;
use serde_json::Value;

use crate::adopted::Server;
use crate::stage::{Stage, TURN, until};

/// A script of the repository.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(name)
}

/// Both spellings of the same runbook, or the one that can run here.
fn fallbacks() -> Vec<&'static str> {
    if Command::new("nu").arg("--version").output().is_ok_and(|done| done.status.success()) {
        return vec!["fallback", "fallback.nu"];
    }
    println!("skipped for Nushell: no nu");
    vec!["fallback"]
}

/// The real commands, then what is there.
fn commands_first() -> OsString {
    let mut path = commands().into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    path
}

/// Where the commands are.
fn commands() -> PathBuf {
    Path::new(TURN).parent().unwrap().to_owned()
}

/// What a script said, and how it ended.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// `verdict cause action` of the only verdict.
    fn verdict(&self) -> String {
        let record = self.record();
        ["verdict", "cause", "action"].map(|key| record[key].as_str().unwrap().to_owned()).join(" ")
    }

    fn record(&self) -> Value {
        let lines: Vec<&str> = self.out.lines().collect();
        assert_eq!(lines.len(), 1, "{self:#?}");
        serde_json::from_str(lines[0]).unwrap()
    }
}

impl Stage {
    /// A script with the commands in PATH, in the project's folder.
    fn script(&self, name: &str, args: &[&str]) -> Ran {
        let file = script(name);
        let mut command = match name.strip_suffix(".nu") {
            Some(_) => self.command("nu"),
            None => self.command("bash"),
        };
        if name.ends_with(".nu") {
            command.arg("--no-config-file");
        }
        std::fs::create_dir_all(self.path("project/docs/stories")).unwrap();
        command.arg(file).args(args).env("PATH", commands_first()).current_dir(self.path("project"));
        command.env("TMUX_TMPDIR", self.path("tmux")).env_remove("TMUX").env("HOME", self.path("home"));
        Ran::of(&mut command)
    }

    fn put(&self, name: &str, text: &str) {
        let file = self.path("project/docs").join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// The story and its line in the sprint file say this from now on. A file's time is that of the kernel's last tick: it
    /// is written until that is later than what was before.
    fn says(&self, story: &str, sprint: &str) {
        let before = Stamp::now();
        until("a later tick", || {
            self.put("stories/1-2-login.md", &format!("# Story 1.2: Login\n\nStatus: {story}\n"));
            let file = self.path("project/docs/stories/1-2-login.md");
            let at = std::fs::metadata(file).unwrap().modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
            i64::try_from(at.as_millis()).unwrap() > before.millis()
        });
        self.put("sprint-status.yaml", &format!("development_status:\n  1-2-login: {sprint}\n"));
    }
}

/// Somebody's worker in a tmux session that stands for the run of `dev`, and its monitor in another one.
struct Watched<'s> {
    stage: &'s Stage,
    server: Server<'s>,
}

impl<'s> Watched<'s> {
    fn new(stage: &'s Stage, expect: &[&str]) -> Self {
        std::fs::create_dir_all(stage.path("project/docs/stories")).unwrap();
        let server = Server::new(stage, "one");
        server.session("worker", "exec sleep 600");
        server.session("monitor", "exec sleep 600");
        server.session("keeper", "exec sleep 600");
        let project = stage.name("project");
        let expect: Vec<&str> = expect.iter().flat_map(|one| ["--expect", one]).collect();
        let args: Vec<&str> = if expect.is_empty() { vec![] } else { [&["--cwd", &project][..], &expect].concat() };
        let call = server.adopt("dev", "worker", &args);
        assert_eq!(call.code, 0, "{call:?}");
        Self { stage, server }
    }

    fn kill(&self, session: &str) {
        self.server.tmux(&["kill-session", "-t", &format!("={session}")]);
    }

    /// The runbook for what has become of `dev` since its monitor is gone.
    fn fallback(&self, name: &str, more: &[&str]) -> Ran {
        let usual = ["dev", "--story", "1-2", "--session", "monitor", "--socket", "one"];
        self.stage.script(name, &[&usual, more].concat())
    }
}
