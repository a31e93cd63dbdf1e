//! Decisions, pure and total: evidence, policy and a time in; a word out.
//! No I/O, no clock, no database: `seam` looks, `state` remembers, this room only thinks.

pub mod clocks;
pub mod due;
pub mod finding;
pub mod health;
pub mod host;
pub mod judgement;
pub mod lease;
pub mod limit;
pub mod lock;
pub mod mailbox;
pub mod mark;
pub mod marker;
pub mod outcome;
pub mod output;
pub mod owed;
pub mod payload;
pub mod reopen;
pub mod result;
pub mod retry;
pub mod seen;
pub mod sequel;
pub mod situation;
pub mod tmux;
pub mod truth;
pub mod verdict;
pub mod wait;
pub mod worker;
