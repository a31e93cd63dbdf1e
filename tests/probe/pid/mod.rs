//! `probe pid` on real processes: what they do, where they are, how they are named, and many at once.

mod life;
mod list;
mod place;

use std::process::{Child, Stdio};

use serde_json::Value;

use crate::adopted::start_ticks_of;
use crate::contract::{Home, Said};

/// A process that does nothing; it goes with this.
pub(crate) struct Sleeper(pub(crate) Child);

impl Sleeper {
    pub(crate) fn start(home: &Home) -> Self {
        Self(home.bare("sleep", ["1000"]).stdout(Stdio::null()).spawn().unwrap())
    }

    pub(crate) fn pid(&self) -> i64 {
        self.0.id().into()
    }

    pub(crate) fn text(&self) -> String {
        self.pid().to_string()
    }

    pub(crate) fn is_at(&self, state: char) -> bool {
        crate::adopted::state_of(self.pid()).is_some_and(|(now, _)| now == state)
    }

    /// Its end, which nobody has asked for yet.
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        crate::support::until("its end", || self.is_at('Z'));
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The one record about a subject.
fn seen(home: &Home, subject: &str) -> Value {
    home.probe(&["pid", subject]).silent(0).record("evidence")
}

/// The same, asked through another program (`unshare`, `setpriv`); none where that one cannot be used here.
fn seen_through(home: &Home, through: &[&str], subject: &str) -> Option<Value> {
    Some(through_to(home, through, &["pid", subject])?.silent(0).record("evidence"))
}

/// `probe` through another program; none where that one cannot be used here.
pub(super) fn through_to(home: &Home, through: &[&str], args: &[&str]) -> Option<Said> {
    home.through(through, "probe", args)
}

/// Finding, meaning and reason in one.
#[track_caller]
fn assert_found(evidence: &Value, expected: &str) {
    let word = |key: &str| evidence[key].as_str().unwrap().to_owned();
    assert_eq!(format!("{} {} {}", word("finding"), word("meaning"), word("reason")), expected, "{evidence}");
}

fn identity_of(evidence: &Value) -> String {
    evidence["detail"]["identity"].as_str().unwrap_or_else(|| panic!("{evidence}")).to_owned()
}

/// An identity with another start time.
fn started_otherwise(identity: &str) -> String {
    let (pid, rest) = identity.split_once(':').unwrap();
    let (ticks, place) = rest.split_once('@').unwrap();
    format!("{pid}:{}@{place}", ticks.parse::<u64>().unwrap() + 1)
}

/// `PID:START_TICKS` of a process.
fn started(pid: i64) -> String {
    format!("{pid}:{}", start_ticks_of(pid))
}
