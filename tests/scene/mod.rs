//! A stage for turns under attack: a private state folder, its fake agents, and what is seen from outside.
//! It knows the commands only by their arguments, output and files, and the state file only through SQLite.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

pub(crate) mod broken;
mod running;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::support::{Family, fake_agent, is_free};

pub(crate) use crate::support::{Witness, until};
pub(crate) use running::{Ended, Running, kill, process_is_gone, records};

/// A folder with a state of its own.
pub(crate) struct Stage {
    family: Family,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self { family: Family::new() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.family.path(name)
    }

    /// A path as a word of a script.
    pub(crate) fn word(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.family.state()
    }

    /// A program in this stage's surroundings: nothing of the caller's, nothing but its own state.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = self.family.command(program);
        command.env("HOME", self.path("home")).env("XDG_STATE_HOME", self.path("home/state"));
        command
    }

    pub(crate) fn turn(&self, words: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_turn"));
        command.args(words);
        command
    }

    pub(crate) fn mail(&self, words: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_mail"));
        command.args(words);
        command
    }

    pub(crate) fn reconcile(&self, words: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_reconcile"));
        command.args(words);
        command
    }

    /// `turn run` of an agent that has no stream format of its own.
    pub(crate) fn plain(&self, agent: &str, options: &[&str], script: &[&str]) -> Command {
        let mut command = self.turn(&["run", "--agent", agent]);
        command.args(options).arg("--").arg(fake_agent()).args(script);
        command
    }

    /// `turn run` of an agent that speaks claude's stream.
    pub(crate) fn claude(&self, agent: &str, options: &[&str], script: &[&str]) -> Command {
        let mut command = self.turn(&["run", "--agent", agent, "--runtime", "claude", "--prompt", "go on"]);
        command.arg("--program").arg(fake_agent()).args(options);
        command.env("FAKE_AGENT_SCRIPT", format!("inline:{}", script.join(";")));
        command
    }

    /// The agent's next turn, which does nothing but end well.
    pub(crate) fn next(&self, agent: &str, options: &[&str]) -> Output {
        self.plain(agent, options, &["exit 0"]).output().unwrap()
    }

    /// Finishes whatever the last kill has left of an agent, by the commands a person would use. Its records.
    pub(crate) fn settle(&self, agent: &str) -> Vec<Value> {
        let next = self.next(agent, &["--kill-orphans", "--lock-wait", "60s"]);
        assert_eq!(next.status.code(), Some(0), "the next turn of {agent}: {next:?}");
        records(&next.stdout)
    }

    fn sqlite(&self) -> Connection {
        Connection::open_with_flags(self.state(), OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap()
    }

    /// Plants a condition.
    pub(crate) fn run_sql(&self, sql: &str) {
        self.sqlite().execute(sql, []).unwrap();
    }

    /// One number, or 0 where there is no state file yet.
    pub(crate) fn count(&self, sql: &str) -> i64 {
        if !self.state().exists() {
            return 0;
        }
        self.sqlite().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// The first column of all rows, as text.
    pub(crate) fn texts(&self, sql: &str) -> Vec<String> {
        let connection = self.sqlite();
        let mut asked = connection.prepare(sql).unwrap();
        let found = asked.query_map([], |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
        found.map(|value| text_of(value.unwrap())).collect()
    }

    /// The state file is whole, every turn has one outcome, no death was told twice,
    /// no run that has ended is to be tried again, and no group was left behind.
    pub(crate) fn assert_whole(&self) {
        assert_eq!(self.texts("PRAGMA integrity_check"), ["ok"]);
        let open = self.texts("SELECT id FROM turn WHERE outcome IS NULL");
        assert!(open.is_empty(), "turns without an outcome: {open:?}");
        let stuck = self.texts("SELECT id FROM turn WHERE json_extract(ended, '$.state_after') = 'in_turn'");
        assert!(stuck.is_empty(), "turns that ended and left their run in_turn: {stuck:?}");
        let twice = self.texts(
            "SELECT json_extract(payload, '$.run') FROM mail WHERE kind = 'worker_died' GROUP BY 1 HAVING count(*) > 1",
        );
        assert!(twice.is_empty(), "deaths told twice: {twice:?}");
        let left = self.texts(
            "SELECT retry.id FROM retry JOIN run ON run.id = retry.run
            WHERE retry.state = 'open' AND run.ended_at IS NOT NULL",
        );
        assert!(left.is_empty(), "open retries of runs that have ended: {left:?}");
        let apart = self.texts(
            "SELECT mark.id FROM mark JOIN turn ON turn.id = mark.turn
            WHERE mark.bound AND (mark.ended_at IS NOT turn.ended_at OR mark.ended_how IS NOT 'turn_ended')",
        );
        assert!(apart.is_empty(), "marks that did not end with their turn: {apart:?}");
        assert_eq!(self.groups(), Vec::<PathBuf>::new(), "groups left behind");
    }

    /// The groups of this stage's turns that still exist. Their names come from the tokens, also where a turn was
    /// killed before it was recorded what holds it.
    pub(crate) fn groups(&self) -> Vec<PathBuf> {
        let parents = self.texts("SELECT DISTINCT cgroup FROM turn WHERE cgroup IS NOT NULL");
        let parents: std::collections::BTreeSet<PathBuf> =
            parents.iter().map(|path| Path::new(path).parent().unwrap().to_owned()).collect();
        let names = self.texts("SELECT 'refloat-' || substr(token, 1, 12) FROM turn");
        let all = parents.iter().flat_map(|parent| names.iter().map(|name| parent.join(name)));
        all.filter(|path| path.exists()).collect()
    }

    pub(crate) fn log_dir(&self, turn: &str) -> PathBuf {
        self.path("state/logs").join(turn)
    }

    /// Whether the agent's turn lock can be had, as `flock -n` would find it.
    pub(crate) fn lock_is_free(&self, agent: &str) -> bool {
        is_free(&self.path("state/locks").join(format!("{agent}.turn")))
    }

    pub(crate) fn exit_record(&self, turn: &str) -> Option<Value> {
        let text = std::fs::read(self.log_dir(turn).join("exit.json")).ok()?;
        Some(serde_json::from_slice(&text).unwrap())
    }

    /// Waits until the shim has written its last word and let go of the lock.
    pub(crate) fn await_end(&self, agent: &str, turn: &str) -> Value {
        until("the shim's final record", || self.exit_record(turn).is_some_and(|record| record["tree"] == "gone"));
        until("the turn lock", || self.lock_is_free(agent));
        self.exit_record(turn).unwrap()
    }

    pub(crate) fn touch(&self, name: &str) {
        File::create(self.path(name)).unwrap();
    }

    pub(crate) fn await_file(&self, name: &str) {
        let path = self.path(name);
        until(name, || path.exists());
    }

    /// The pid that the newest turn has on record as `supervisor`, `shim` or `child`; none before it has one.
    pub(crate) fn recorded_pid(&self, who: &str) -> Option<i32> {
        let sql = format!("SELECT coalesce(json_extract({who}, '$.pid'), 0) FROM turn ORDER BY id DESC LIMIT 1");
        let pid = self.texts(&sql).first()?.parse().ok()?;
        (pid > 0).then_some(pid)
    }
}

fn text_of(value: rusqlite::types::Value) -> String {
    use rusqlite::types::Value;
    match value {
        Value::Null => "null".into(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) => text,
        Value::Blob(bytes) => format!("{bytes:?}"),
    }
}
