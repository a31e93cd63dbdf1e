//! Marker files of other tools: found by patterns, read bounded, and changed so that a kill at any moment leaves a whole
//! old or a whole new one. Called by `sight`, which only reads, and by `mark-cleanup`.
//! It never follows a link to change what it leads to, and never waits for a FIFO, a device, or long for a lock.

mod change;
mod claim;
mod expand;
mod look;
mod name;
mod numbers;

pub use change::{Changed, Failed, leftover};
pub use claim::{Claim, ToolLock};
pub use expand::{Candidate, Files};
pub use look::{Look, Seen, look};
pub use name::{Leftover, Way};
pub use numbers::{Numbers, is_before_boot, is_meant};
