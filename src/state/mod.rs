//! The state file: one SQLite database and the small files beside it.
//! The only room that knows SQLite: its functions take and return model types,
//! and no rusqlite type leaves the folder. Nothing else may open the database file.

pub mod agent;
mod columns;
pub mod crash;
mod create;
pub mod dead_letter;
pub mod evidence;
pub mod expectation;
mod failure;
mod folder;
mod header;
pub mod health;
pub mod mail;
pub mod mark;
mod migrate;
mod open;
mod place;
pub mod reopening;
pub mod retry;
mod row;
pub mod run;
mod stand;
pub mod turn;
pub mod worker;
mod write;

#[cfg(test)]
mod history_tests;

pub use migrate::SCHEMA;
pub use open::{State, sqlite_version};
pub use place::{PROMPT, Place, Surroundings};
pub use stand::Stand;
pub use write::{Tx, View};
