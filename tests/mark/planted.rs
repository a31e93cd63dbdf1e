//! What the tests of a clean-up plant: owners that come to an end, marks by the thousand, rows that say something else.

use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::contract::{Home, Said};
use crate::support::until;

/// A process that does nothing; it goes with this.
pub(super) struct Owner(Child);

impl Owner {
    pub(super) fn start(home: &Home) -> Self {
        Self(home.bare("sleep", ["1000"]).stdout(Stdio::null()).spawn().unwrap())
    }

    pub(super) fn pid(&self) -> i32 {
        self.0.id().cast_signed()
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// Waits until the kernel says that it is so: `Z`, `T`.
    pub(super) fn until_state(&self, state: char) {
        until("its state", || state_of(self.pid()) == Some(state));
    }

    /// `kill -9`, and its parent takes note.
    pub(super) fn end(mut self) {
        self.signal(Signal::SIGKILL);
        self.0.wait().unwrap();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The state of a process, as `ps` says it.
fn state_of(pid: i32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

/// `mark set`: the mark as it was printed.
pub(super) fn set(home: &Home, args: &[&str]) -> Value {
    home.mark(&[&["set"], args].concat()).silent(0).record("mark")
}

/// `dispatch NAME`, owned by a process.
pub(super) fn owned(home: &Home, name: &str, owner: &Owner) -> Value {
    set(home, &["dispatch", name, "--owner-pid", &owner.pid().to_string()])
}

/// `dispatch NAME`, owned by nobody.
pub(super) fn timed(home: &Home, name: &str) -> Value {
    set(home, &["dispatch", name, "--ttl", "1h"])
}

/// `dispatch NAME`, whose owner is gone.
pub(super) fn orphan(home: &Home, name: &str) -> Value {
    set(home, &["dispatch", name, "--owner-pid", "1999999", "--even-if-gone"])
}

/// As if the mark had been set so many milliseconds earlier.
pub(super) fn age(home: &Home, name: &str, millis: i64) {
    earlier(home, name, "beat", millis);
}

/// The same of any moment of it.
pub(super) fn earlier(home: &Home, name: &str, column: &str, millis: i64) {
    let of = |key: &str| format!("'$.{key}', json_extract({column}, '$.{key}') - {millis}");
    home.sql(&format!("UPDATE mark SET {column} = json_set({column}, {}) WHERE name = '{name}'", of("boottime_ms")));
}

/// Its owner is another one in this: `boot`, `machine`, `start_ticks`, …
pub(super) fn other_owner(home: &Home, name: &str, key: &str, value: &str) {
    home.sql(&format!("UPDATE mark SET owner = json_set(owner, '$.{key}', {value}) WHERE name = '{name}'"));
}

/// So many more like this one.
pub(super) fn fill(home: &Home, name: &str, count: u32) {
    home.sql(&format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
         INSERT INTO mark (kind, name, scope, nonce, owner, host, bound, set_by, first, beats, beat, ttl_ms, until)
         SELECT kind, name || '-' || i, scope, nonce || i, owner, host, bound, set_by, first, beats, beat, ttl_ms, until
         FROM mark JOIN n WHERE name = '{name}'"
    ));
}

/// A column of all marks, oldest first.
pub(super) fn column(home: &Home, sql: &str) -> Vec<String> {
    let file = rusqlite::Connection::open_with_flags(home.state(), rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE);
    let file = file.unwrap();
    let mut asked = file.prepare(&format!("SELECT coalesce({sql}, 'null') FROM mark ORDER BY id")).unwrap();
    asked.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// All that is stored of all marks.
pub(super) fn stored(home: &Home) -> Vec<String> {
    column(
        home,
        "json_array(id, name, nonce, beats, beat, ttl_ms, until, doubted, ended_at, ended_how, ended_why, ended_by)",
    )
}

pub(super) fn clean(home: &Home, args: &[&str]) -> Said {
    Said::of(&mut home.command("mark-cleanup", args))
}

/// A clean-up that has nothing to say on stderr.
pub(super) fn pass(home: &Home, args: &[&str]) -> Pass {
    Pass::of(&clean(home, args).silent(0))
}

/// What a clean-up told.
#[derive(Debug)]
pub(super) struct Pass {
    pub(super) marks: Vec<Value>,
    pub(super) ended: Value,
}

impl Pass {
    pub(super) fn of(said: &Said) -> Self {
        let mut marks = said.records();
        let ended = marks.pop().unwrap_or_else(|| panic!("no records: {said:?}"));
        assert_eq!(ended["type"], "mark-cleanup.ended", "{said:?}");
        Self { marks, ended }
    }

    pub(super) fn count(&self, key: &str) -> i64 {
        self.ended[key].as_i64().unwrap()
    }

    /// Live, stale, unknown and unreadable ones; those removed and those kept.
    pub(super) fn counts(&self) -> [i64; 6] {
        ["live", "stale", "unknown", "unreadable", "removed", "kept"].map(|key| self.count(key))
    }

    /// The names of the marks that say so.
    pub(super) fn names(&self, flag: &str) -> Vec<&str> {
        self.marks.iter().filter(|mark| mark[flag] == true).map(|mark| mark["name"].as_str().unwrap()).collect()
    }

    pub(super) fn mark(&self, name: &str) -> &Value {
        let found = self.marks.iter().find(|mark| mark["name"] == name);
        found.unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    /// State and reason of a mark.
    pub(super) fn told(&self, name: &str) -> String {
        let mark = self.mark(name);
        format!("{} {}", mark["state"].as_str().unwrap(), mark["reason"].as_str().unwrap())
    }
}

/// `mark check dispatch --exit-code`.
pub(super) fn check(home: &Home) -> i32 {
    home.mark(&["check", "dispatch", "--exit-code"]).code()
}
