//! refloat: run, watch and recover headless coding-agent work from a shell.
//!
//! The library behind the commands in `bins/`. Data flows one way:
//! `seam` looks at the outside world, `judge` decides, `state` remembers,
//! `record` tells. `ARCHITECTURE.md` has the picture.

pub mod clock;
pub mod error;
pub mod exit;
pub mod id;
pub mod identity;
mod words;
