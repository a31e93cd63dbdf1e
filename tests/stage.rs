//! A stage: one state file, the commands on it, and fake agents that play in their turns.
//! What was started on a stage ends with it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

pub(crate) use crate::support::until;
use crate::support::{Family, fake_agent};

pub(crate) const TURN: &str = env!("CARGO_BIN_EXE_turn");
pub(crate) const MAIL: &str = env!("CARGO_BIN_EXE_mail");
pub(crate) const RECONCILE: &str = env!("CARGO_BIN_EXE_reconcile");

/// A folder with a state file, and everybody who works on it.
pub(crate) struct Stage {
    pub(crate) family: Family,
    calls: AtomicUsize,
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) code: i32,
    pub(crate) records: Vec<Value>,
    pub(crate) stderr: String,
}

impl Call {
    /// The last record of this type.
    pub(crate) fn last(&self, kind: &str) -> &Value {
        let found = self.records.iter().rfind(|record| record["type"] == kind);
        found.unwrap_or_else(|| panic!("no {kind} in {self:?}"))
    }

    /// All records of this type.
    pub(crate) fn all(&self, kind: &str) -> Vec<&Value> {
        self.records.iter().filter(|record| record["type"] == kind).collect()
    }

    /// The record of the turn's end.
    pub(crate) fn ended(&self) -> &Value {
        self.last("turn.ended")
    }

    /// A word of the turn's end.
    pub(crate) fn word(&self, key: &str) -> &str {
        self.ended()[key].as_str().unwrap_or("null")
    }

    /// The turn ended so, and the command with this code.
    pub(crate) fn assert_end(&self, outcome: &str, code: i32) -> &Self {
        assert_eq!((self.word("outcome"), self.code), (outcome, code), "{self:#?}");
        self
    }

    /// Refused before any turn began, with these words on stderr.
    pub(crate) fn assert_refused(&self, code: i32, words: &str) {
        assert_eq!(self.code, code, "{self:#?}");
        assert!(self.stderr.contains(words), "no {words:?} in {self:#?}");
        assert!(self.all("turn.started").is_empty(), "{self:#?}");
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self { family: Family::new(), calls: AtomicUsize::new(0) }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.family.path(name)
    }

    /// The same as text, for scripts and arguments.
    pub(crate) fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.family.state()
    }

    /// A command on this state file, in an environment that is the same everywhere.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.family.command(program);
        command.env_remove("HOME").env_remove("XDG_STATE_HOME").env_remove("STATE_DIRECTORY");
        command.env("XDG_CONFIG_HOME", self.path("config"));
        command
    }

    /// Runs this command to its end.
    pub(crate) fn call(&self, mut command: Command) -> Call {
        let output = command.output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        Call {
            code: output.status.code().expect("a code"),
            records: stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// A user's description of this name.
    pub(crate) fn describe(&self, name: &str, text: &str) -> String {
        let folder = self.path("config/refloat/runtimes");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{name}.toml"));
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }

    pub(crate) fn turn(&self, args: &[&str]) -> Call {
        let mut command = self.command(TURN);
        command.args(args);
        self.call(command)
    }

    pub(crate) fn mail(&self, args: &[&str]) -> Call {
        let mut command = self.command(MAIL);
        command.args(args);
        self.call(command)
    }

    pub(crate) fn reconcile(&self, args: &[&str]) -> Call {
        let mut command = self.command(RECONCILE);
        command.args(args);
        self.call(command)
    }

    /// A turn of this agent in which the fake agent plays a script in place of claude.
    pub(crate) fn play(&self, agent: &str, script: &str) -> Play<'_> {
        self.play_as("claude", agent, script)
    }

    /// The same in place of any program.
    pub(crate) fn play_as(&self, runtime: &str, agent: &str, script: &str) -> Play<'_> {
        let mut command = self.command(TURN);
        command.args(["run", "--agent", agent, "--runtime", runtime]).arg("--program").arg(fake_agent());
        command.env("FAKE_AGENT_SCRIPT", format!("inline:{script}"));
        Play { stage: self, command, prompt: Some("go on".into()) }
    }

    /// The agent's newest run, without the time at which it was looked at.
    pub(crate) fn run_of(&self, agent: &str) -> Value {
        let mut run = self.turn(&["show", agent]).last("run").clone();
        run.as_object_mut().unwrap().remove("at");
        run
    }

    /// The state file, to plant conditions in it.
    pub(crate) fn sqlite(&self) -> rusqlite::Connection {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        let file = rusqlite::Connection::open_with_flags(self.state(), flags).unwrap();
        file.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
        file
    }

    /// The cgroups of all turns so far that are still there.
    pub(crate) fn groups_left(&self) -> Vec<String> {
        let file = self.sqlite();
        let mut query = file.prepare("SELECT cgroup FROM turn WHERE cgroup IS NOT NULL").unwrap();
        let groups = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap);
        groups.filter(|path: &String| Path::new(path).exists()).collect()
    }

    /// The mails of a type to somebody, oldest first.
    pub(crate) fn mails(&self, to: &str, kind: &str) -> Vec<Value> {
        self.mail(&["list", "--to", to, "--type", kind]).records
    }

    /// A step that sends mail from inside a turn.
    pub(crate) fn sends(&self, to: &str, kind: &str) -> String {
        format!("run {MAIL} send --to {to} --type {kind} --subject '{kind} of this turn' >&2")
    }
}

/// A turn to be played.
pub(crate) struct Play<'s> {
    stage: &'s Stage,
    pub(crate) command: Command,
    prompt: Option<String>,
}

impl<'s> Play<'s> {
    pub(crate) fn with(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    /// Instead of the usual prompt; none: what is given otherwise.
    pub(crate) fn prompt(mut self, text: Option<&str>) -> Self {
        self.prompt = text.map(str::to_owned);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn ready(&mut self) {
        if let Some(text) = &self.prompt {
            self.command.arg("--prompt").arg(text);
        }
    }

    /// Plays it to its end.
    pub(crate) fn call(mut self) -> Call {
        self.ready();
        self.stage.call(self.command)
    }

    /// Begins it.
    pub(crate) fn begin(mut self) -> Running {
        self.ready();
        Running::begin(self.stage, self.command)
    }

    /// Begins it and waits until the agent was let go.
    pub(crate) fn start(self) -> Running {
        let mut running = self.begin();
        running.until("turn.started");
        running
    }
}

/// A command that runs.
pub(crate) struct Running {
    pub(crate) child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: PathBuf,
    records: Vec<Value>,
}

impl Running {
    pub(crate) fn begin(stage: &Stage, mut command: Command) -> Self {
        let stderr = stage.path(&format!("stderr.{}", stage.calls.fetch_add(1, Ordering::Relaxed)));
        command.stdout(Stdio::piped()).stderr(File::create(&stderr).unwrap());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout, stderr, records: Vec::new() }
    }

    /// Reads to the first record of this type.
    pub(crate) fn until(&mut self, kind: &str) -> &Value {
        while self.records.last().is_none_or(|record| record["type"] != kind) {
            assert!(self.read(), "no {kind}: {:?} {}", self.records, std::fs::read_to_string(&self.stderr).unwrap());
        }
        self.records.last().unwrap()
    }

    /// The next record.
    pub(crate) fn next(&mut self) -> &Value {
        assert!(self.read(), "no more records: {:?}", self.records);
        self.records.last().unwrap()
    }

    fn read(&mut self) -> bool {
        let mut line = String::new();
        let read = self.stdout.read_line(&mut line).unwrap() > 0;
        if read {
            self.records.push(serde_json::from_str(&line).unwrap());
        }
        read
    }

    /// What the record of the start says.
    pub(crate) fn started(&self) -> &Value {
        self.records.iter().rfind(|record| record["type"] == "turn.started").unwrap()
    }

    pub(crate) fn agent_pid(&self) -> Pid {
        Pid::from_raw(self.started()["pid"].as_i64().unwrap().try_into().unwrap())
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        Path::new(self.started()["log_dir"].as_str().unwrap()).join(name)
    }

    /// Waits until the agent has written so many bytes.
    pub(crate) fn until_written(&self, bytes: u64) {
        let stream = self.log("stream.jsonl");
        until("the stream", || std::fs::metadata(&stream).is_ok_and(|data| data.len() >= bytes));
    }

    /// A signal to the supervisor.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Waits for one that was killed.
    pub(crate) fn wait_killed(mut self) {
        assert_eq!(self.child.wait().unwrap().code(), None);
    }

    pub(crate) fn end(mut self) -> Call {
        while self.read() {}
        Call {
            code: self.child.wait().unwrap().code().expect("a code"),
            records: self.records,
            stderr: std::fs::read_to_string(&self.stderr).unwrap(),
        }
    }
}
