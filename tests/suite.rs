//! The tests of the commands: black-box tests on real processes, files and locks.

mod crash_points;
mod fake_agent;
mod monitor_death;
mod races;
mod stage;
mod state_open;
mod support;
