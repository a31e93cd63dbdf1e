//! `probe` from outside: every instrument on real subjects, in each of the conditions that its reasons name.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, clippy::disallowed_macros, reason = "a test says what it skips")]

mod host;
mod lock;
mod mail;
mod output;
pub(crate) mod pid;
pub(crate) mod readonly;
mod result;
mod run;
mod state;
mod tmux;

/// Finding, meaning and reason of a record.
fn found(evidence: &serde_json::Value) -> [&str; 3] {
    ["finding", "meaning", "reason"].map(|key| evidence[key].as_str().unwrap())
}

/// Tells other threads of a test that it is over, also where it fails: nobody waits for them then.
struct Over<'f>(&'f std::sync::atomic::AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}
mod truth;
pub(crate) mod wait;
