//! Instruments on the outside world: processes, process trees, cgroups, growing files, signals.
//! Called by the commands; every call is bounded in time and returns what it found.
//! Nothing here panics, and nothing here knows the state file or draws a conclusion.

pub mod ancestry;
pub mod artefact;
pub mod birth;
pub mod cgroup;
mod content;
pub mod document;
pub mod exit_record;
pub mod follow;
pub mod git;
pub mod glimpse;
pub mod host;
pub mod locks;
pub mod marker;
pub mod place;
pub mod process;
pub mod pty;
pub mod reap;
pub mod regular;
pub mod signals;
pub mod spawn;
pub mod steady;
pub mod survivors;
pub mod tmux;
pub mod tree;
pub mod wait;

mod bounded;
mod procfs;

#[cfg(test)]
mod support;
