//! Marker files of other tools, from outside: small files as those tools write them, and what the commands make of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, clippy::disallowed_macros, reason = "a test says what it skips")]

mod access;
mod crash;
mod dispatch;
mod process;
mod races;
mod unreadable;

use std::fs::{File, FileTimes};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use refloat::clock::Stamp;
use serde_json::{Value, json};

use crate::contract::{Home, Said};

/// A folder with marker files, beside a state file that nobody has made.
struct Desk {
    home: Home,
}

/// What a dispatch marker is called.
const MARKER: &str = "dispatched-subagent-active";
/// What an entry lives where nothing else is said, in seconds.
const TTL: i64 = 14_400;

fn now() -> i64 {
    Stamp::now().millis() / 1000
}

/// An entry as the tool writes it: its time is a text.
fn entry(name: &str, age: i64, root: &str, id: Option<&str>) -> Value {
    let mut entry = json!({ "name": name, "ts": (now() - age).to_string(), "git_root": root });
    if let Some(id) = id {
        entry["tentacle_id"] = id.into();
    }
    entry
}

fn marker(entries: &[Value]) -> Value {
    let ts = now().to_string();
    json!({ "name": "last", "ts": ts, "git_root": "/r", "active_tentacles": entries, "scope": [], "ttl_seconds": TTL })
}

impl Desk {
    fn new() -> Self {
        let home = Home::new();
        std::fs::create_dir(home.path("markers")).unwrap();
        Self { home }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path("markers").join(name)
    }

    /// A marker file that was written so many seconds ago.
    fn put(&self, name: &str, content: impl AsRef<[u8]>, age: u64) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        self.written(name, age);
        path
    }

    fn written(&self, name: &str, age: u64) {
        let at =
            SystemTime::UNIX_EPOCH + Duration::from_millis(Stamp::now().millis() as u64) - Duration::from_secs(age);
        File::options()
            .append(true)
            .open(self.path(name))
            .unwrap()
            .set_times(FileTimes::new().set_modified(at))
            .unwrap();
    }

    fn dispatch(&self, entries: &[Value]) -> PathBuf {
        self.put(MARKER, marker(entries).to_string(), 0)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The names in the folder but for the locks of tools.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.home.path("markers")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| !name.ends_with(".lock")).collect();
        names.sort();
        names
    }

    fn glob(&self) -> String {
        format!("{}/*", self.home.path("markers").display())
    }

    fn clean(&self, more: &[&str]) -> Said {
        let glob = self.glob();
        Said::of(&mut self.home.command("mark-cleanup", [&["--files", glob.as_str()], more].concat()))
    }

    fn mark(&self, words: &[&str]) -> Said {
        let glob = self.glob();
        self.home.mark(&[words, &["--files", glob.as_str()]].concat())
    }

    /// Name, state and reason of every mark that a clean-up without `--apply` tells.
    fn told(&self) -> Vec<String> {
        told(&self.clean(&[]).silent(0).records())
    }

    /// The account: names and files of what was removed.
    fn account(&self) -> Vec<String> {
        if !self.home.state().exists() {
            return Vec::new();
        }
        let removed = self.home.mark(&["list", "--removed"]).silent(0).records();
        removed.iter().map(|one| word(one, "name")).collect()
    }
}

fn word(record: &Value, key: &str) -> String {
    record[key].as_str().unwrap_or("-").to_owned()
}

/// All but what is told of the lock of the tool, which a clean-up makes where it is missing.
fn marks(records: &[Value]) -> Vec<&Value> {
    let is_lock = |one: &Value| word(one, "file").ends_with(&format!("{MARKER}.lock"));
    records.iter().filter(|one| one["type"] == "mark" && !is_lock(one)).collect()
}

fn told(records: &[Value]) -> Vec<String> {
    let keys = |one: &&Value| ["name", "state", "reason"].map(|key| word(one, key)).join(" ");
    marks(records).iter().map(keys).collect()
}

fn ended(said: &Said) -> Value {
    said.record("mark-cleanup.ended")
}
