//! Marks, from outside: real processes own them, real commands set, renew, clear and clean them up.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, clippy::disallowed_macros, reason = "a test says what it skips")]

mod beat;
mod callers;
mod check;
mod cleanup;
mod clear;
mod clocks;
mod cron;
mod files;
mod holds;
mod list;
mod owners;
mod owners_gone;
mod planted;
mod scopes;
mod seen;
mod set;
mod turns;
mod unread;
mod waiting;
mod whose;
mod window;
