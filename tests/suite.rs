//! The tests of the commands: black-box tests on real processes, files and locks.

mod captures;
mod contract;
mod fake_agent;
mod stage;
mod state_open;
mod support;
mod turn;
mod zoo;
