//! `turn run` from outside: what it refuses, what it starts, how it ends, what it leaves in the record.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod builders;
mod clocks;
mod conform;
mod ends;
mod events;
mod expectations;
mod files;
mod locks;
mod logs;
mod mail;
mod prompts;
mod prose;
mod runtimes;
mod sessions;
mod silences;
mod spawning;
mod status;
mod stops;
mod trees;
mod waiting;
mod wrappers;
mod yielding;
