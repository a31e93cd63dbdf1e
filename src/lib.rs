//! refloat: run, watch and recover headless coding-agent work from a shell.
//!
//! The library behind the commands in `bins/`. Data flows one way:
//! [`seam`] looks at the outside world, [`judge`] decides, [`state`] remembers,
//! [`record`] tells. `ARCHITECTURE.md` has the picture.

pub mod bmad;
pub mod cli;
pub mod clock;
pub mod crash;
pub mod emit;
pub mod error;
pub mod exit;
pub mod family;
mod filesystem;
pub mod finish;
mod flock;
pub mod gather;
pub mod id;
pub mod identity;
pub mod judge;
pub mod living;
pub mod lock;
pub mod marker;
pub mod model;
pub mod observe;
pub mod owed;
pub mod prospect;
pub mod record;
pub mod runtime;
pub mod runtimes;
mod scrub;
mod scrub_json;
pub mod seam;
pub mod sight;
pub mod state;
mod table;
pub mod token;
pub mod truth;
pub mod wait;
mod words;
