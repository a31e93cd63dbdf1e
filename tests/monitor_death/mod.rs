//! The monitor dies, the work does not: `turn` is killed in every way a person, a host or a bug can kill it.
//! What the agent does meanwhile is seen in its files; what is left of it, through a FIFO that all of it holds.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, clippy::disallowed_macros, reason = "a test says what it skipped")]

mod alone;
mod attach;
mod before_go;
mod both;
mod stop;
