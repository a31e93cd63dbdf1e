//! The tests of the commands: black-box tests on real processes, files and locks.

mod cases;
mod contract;
mod fake_agent;
mod mail;
mod state_open;
mod support;
