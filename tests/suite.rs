//! The tests of the commands.

mod fake_agent;
mod support;
