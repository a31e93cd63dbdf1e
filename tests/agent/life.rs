//! The end that every fake agent and every process it makes has, whatever the script says,
//! so that a failing test cannot eat the machine. Called once, at the start.

use anyhow::{Context, Result};
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::alarm;
use rustix::time::{ClockId, clock_gettime};

/// Seconds a family of processes lives, counted from its first one.
const LIFE: &str = "FAKE_AGENT_LIFE";
/// The second of `CLOCK_MONOTONIC` at which the family ends; set by its first process for all others.
pub(crate) const END: &str = "FAKE_AGENT_END";
/// Kept by every process of the family, so that a test finds them all by their environment.
pub(crate) const FAMILY: &str = "FAKE_AGENT_FAMILY";
const DEFAULT_LIFE: u64 = 120;

/// Sets the alarm that ends this process. Returns the end of the family.
pub(crate) fn begin() -> Result<u64> {
    let now = u64::try_from(clock_gettime(ClockId::Monotonic).tv_sec).unwrap_or(0);
    let end = number(END).unwrap_or_else(|| now + number(LIFE).unwrap_or(DEFAULT_LIFE));
    let left = u32::try_from(end.saturating_sub(now).max(1)).unwrap_or(u32::MAX);
    // A mask is inherited through exec; this one signal must get through.
    SigSet::from(Signal::SIGALRM).thread_unblock().context("unblock SIGALRM")?;
    alarm::set(left);
    Ok(end)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
