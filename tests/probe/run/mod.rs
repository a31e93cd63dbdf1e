//! `probe run` on real turns and workers: what it sees, what it concludes, and that the conclusion is what the record says
//! once somebody acts. Every look here is held against the state file and the folder: it changes nothing.

mod ends;
mod held;
mod looks;
mod stored;
mod turns;
mod workers;

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::types::Value as Cell;
use serde_json::Value;

use crate::scene::kill;
use crate::stage::{Call, Running, Stage, until};
use nix::sys::signal::Signal;

const PROBE: &str = env!("CARGO_BIN_EXE_probe");

impl Stage {
    /// A look that may store what it sees.
    pub(crate) fn probe(&self, args: &[&str]) -> Call {
        let mut command = self.command(PROBE);
        command.arg("run").args(args);
        self.call(command)
    }

    /// A look that changes nothing.
    #[track_caller]
    fn look(&self, args: &[&str]) -> Call {
        let before = (self.tables(), files(self.state().parent().unwrap()));
        let call = self.probe(args);
        assert_eq!((self.tables(), files(self.state().parent().unwrap())), before, "{args:?}");
        assert_eq!(call.stderr, "", "{call:?}");
        call
    }

    /// What is concluded of an agent's run, as `verdict cause rule action`.
    #[track_caller]
    fn judged(&self, agent: &str) -> String {
        let call = self.look(&[agent]);
        assert_eq!(call.code, 0, "{call:?}");
        brief(call.last("judgement"))
    }

    #[track_caller]
    fn assert_judged(&self, agent: &str, wanted: &str, code: i32) -> Call {
        let call = self.look(&[agent, "--exit-code"]);
        assert_eq!((brief(call.last("judgement")).as_str(), call.code), (wanted, code), "{call:#?}");
        call
    }

    /// What is concluded is what is recorded once the end is.
    #[track_caller]
    fn assert_comes_true(&self, agent: &str) {
        let judgement = self.look(&[agent]).last("judgement").clone();
        let command: Vec<&str> = judgement["command"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
        assert_eq!(command[0], "reconcile", "{judgement}");
        assert_eq!(self.reconcile(&command[1..]).last("verdict")["applied"], true, "{judgement}");
        let ended = self.turn(&["show", judgement["turn"].as_str().unwrap()]);
        let told = ended.ended();
        assert_eq!((&told["outcome"], &told["cause"]), (&judgement["outcome"], &judgement["cause"]), "{judgement}");
        assert_eq!(told["state_after"], judgement["state_after"], "{judgement}");
    }

    /// Every row of every table.
    pub(crate) fn tables(&self) -> Vec<String> {
        let file = self.sqlite();
        let mut names = file.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
        let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        names.iter().map(|name| format!("{name}: {:?}", rows(&file, name))).collect()
    }

    /// A turn of this agent whose supervisor has been killed.
    pub(crate) fn unwatched(&self, agent: &str, script: &str, args: &[&str]) -> Running {
        let running = self.play(agent, script).with(args).start();
        kill(running.child.id().cast_signed(), Signal::SIGKILL);
        let id = running.child.id();
        until("the end of the supervisor", || crate::scene::process_is_gone(id.cast_signed()));
        running
    }

    /// The pid that the agent's newest turn has on record.
    pub(crate) fn pid_of(&self, agent: &str, who: &str) -> i32 {
        let sql = format!("SELECT json_extract({who}, '$.pid') FROM turn WHERE agent = ?1 ORDER BY id DESC");
        self.sqlite().query_row(&sql, [agent], |row| row.get(0)).unwrap()
    }

    /// Kills a recorded process of the agent's newest turn and waits until it has gone.
    pub(crate) fn kill_recorded(&self, agent: &str, who: &str) {
        let pid = self.pid_of(agent, who);
        kill(pid, Signal::SIGKILL);
        until("the end of a process", || crate::scene::process_is_gone(pid));
    }
}

fn rows(file: &rusqlite::Connection, table: &str) -> Vec<Vec<Cell>> {
    let mut all = file.prepare(&format!("SELECT * FROM {table}")).unwrap();
    let columns = all.column_count();
    let row = |row: &rusqlite::Row<'_>| (0..columns).map(|at| row.get(at)).collect();
    all.query_map([], row).unwrap().map(Result::unwrap).collect()
}

/// Every file below a folder and how long it is, but for what SQLite keeps beside an open file, and the length of what agents
/// write meanwhile.
fn files(folder: &Path) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, facts) = (entry.path(), entry.path().symlink_metadata().unwrap());
        if facts.is_dir() {
            found.extend(files(&path));
        }
        let name = path.display().to_string();
        if !name.ends_with("-wal") && !name.ends_with("-shm") {
            let agents = ["stream.jsonl", "stderr.log"].iter().any(|own| name.ends_with(own));
            found.insert(name, if facts.is_dir() || agents { 0 } else { facts.len() });
        }
    }
    found
}

fn brief(judgement: &Value) -> String {
    let word = |key: &str| judgement[key].as_str().unwrap_or("null");
    ["verdict", "cause", "rule", "action"].map(word).join(" ")
}

/// What an instrument found, as `meaning reason`, one for each of its looks.
fn found(call: &Call, instrument: &str) -> Vec<String> {
    let of = |one: &&&Value| one["instrument"] == instrument;
    let said = |one: &Value| format!("{} {}", one["meaning"].as_str().unwrap(), one["reason"].as_str().unwrap());
    call.all("evidence").iter().filter(of).map(|one| said(one)).collect()
}

/// What was found of the process with this role, as `meaning reason`.
fn of_role(call: &Call, role: &str) -> String {
    let all = call.all("evidence");
    let one = all.iter().find(|one| one["detail"]["role"] == role).unwrap_or_else(|| panic!("no {role}: {call:#?}"));
    format!("{} {}", one["meaning"].as_str().unwrap(), one["reason"].as_str().unwrap())
}

fn words(judgement: &Value, key: &str) -> String {
    let all = judgement[key].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned());
    all.collect::<Vec<_>>().join(" ")
}
