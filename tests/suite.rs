//! The tests of the commands: black-box tests on real processes, files and locks.

mod contract;
mod fake_agent;
mod state_open;
mod support;
