//! `probe`, from outside: what each subcommand says of real processes, files, tmux servers and state files.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

pub(crate) mod wait;
