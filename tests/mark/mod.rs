//! Marks, from outside: real processes own them, real commands set, renew, clear and clean them up.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod holds;
mod turns;
mod waiting;
