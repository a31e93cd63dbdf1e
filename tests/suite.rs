//! The tests of the commands: black-box tests on real processes, files and locks.

mod adopted;
mod captures;
mod cases;
mod contract;
mod crash_points;
mod fake_agent;
mod ledger;
mod mail;
mod mark;
mod matrix;
mod monitor_death;
mod probe;
mod races;
mod reconcile;
mod scene;
mod scripts;
mod stage;
mod state_open;
mod support;
mod turn;
mod zoo;
