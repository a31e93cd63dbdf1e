//! `probe` from outside: every instrument on real subjects, in each of the conditions that its reasons name.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, clippy::disallowed_macros, reason = "a test says what it skips")]

mod host;
mod pid;
pub(crate) mod readonly;
mod run;
mod tmux;
