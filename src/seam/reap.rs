//! Reaping: collects every child that has ended, and what they all used.
//! Called by the shim and by `turn` where they are subreapers. It is the only caller of waitpid(-1) in a process.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait, waitpid};

/// Children made by clone without SIGCHLD are children too (`__WALL`, waitpid(2)).
const WALL: WaitOptions = WaitOptions::from_bits_retain(0x4000_0000);
/// One call ends even if children end faster than they are reaped.
const MOST_AT_ONCE: usize = 4096;

/// What is left after a round of reaping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Children {
    /// ECHILD: there is no child, so for a subreaper no descendant. The proof that a tree is gone.
    None,
    /// There are children that have not ended.
    Some,
}

/// What all reaped children used together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Time in user mode.
    pub user: Duration,
    /// Time in the kernel.
    pub system: Duration,
    /// The largest resident set of any one of them, in KiB.
    pub max_rss_kib: u64,
}

/// Makes this process the parent of its descendants' orphans (PR_SET_CHILD_SUBREAPER).
///
/// # Errors
/// What prctl(2) gives.
pub fn become_subreaper() -> io::Result<()> {
    Ok(nix::sys::prctl::set_child_subreaper(true)?)
}

/// Reaps every child that has ended, without waiting, and hands each pid and status to `reaped`.
///
/// # Errors
/// What waitpid(2) gives except `ECHILD` and `EINTR`.
pub fn ended(reaped: &mut dyn FnMut(i32, ExitStatus)) -> io::Result<Children> {
    for _ in 0..MOST_AT_ONCE {
        // Not rustix's waitpid(None): that is pid 0, our own process group, and ECHILD would prove nothing.
        match wait(WALL | WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if status.exited() || status.signaled() => {
                reaped(pid.as_raw_pid(), ExitStatus::from_raw(status.as_raw()));
            }
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => return Ok(Children::Some),
            Err(Errno::CHILD) => return Ok(Children::None),
            Err(other) => return Err(other.into()),
        }
    }
    Ok(Children::Some)
}

/// Kills one child that has done nothing yet, and reaps it: until then its number is nobody else's.
pub fn dismiss(child: i32) {
    let Some(pid) = Pid::from_raw(child) else { return };
    let _ = kill_process(pid, Signal::KILL);
    while matches!(waitpid(Some(pid), WaitOptions::empty()), Err(Errno::INTR)) {}
}

/// What all children reaped so far, and the children *they* reaped, have used.
///
/// # Errors
/// What getrusage(2) gives.
pub fn usage() -> io::Result<Usage> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(Usage {
        user: duration(usage.user_time()),
        system: duration(usage.system_time()),
        max_rss_kib: u64::try_from(usage.max_rss()).unwrap_or(0),
    })
}

fn duration(time: nix::sys::time::TimeVal) -> Duration {
    let micros = time.tv_sec().saturating_mul(1_000_000).saturating_add(time.tv_usec());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
