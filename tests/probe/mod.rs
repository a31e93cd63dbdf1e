//! `probe` on real processes, servers and files: it looks, says, and changes nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod tmux;
