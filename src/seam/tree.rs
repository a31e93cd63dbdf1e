//! Ends every descendant of this process, which must be a subreaper, and proves that none is left.
//! Called by the shim, and by `turn` when its shim was killed. It never counts what it cannot see as gone.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::cgroup::Cgroup;
use super::process::{Handle, own_pid, proc_doubt};
use super::reap::{self, Children};
use super::survivors::Survivor;
use super::{procfs, wait};
use crate::clock::Tick;

/// Between two rounds: time for what was signalled to end.
const PAUSE: Duration = Duration::from_micros(300);
/// In this round everything is killed even though new pids still appear.
const KILL_EACH: u32 = 8;

/// What became of a tree.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    /// How many processes had to be killed: distinct pids that were seen and were no zombies.
    pub killed: u32,
    /// What lived on when the time was used up, as far as it could be listed.
    pub left: Vec<Survivor>,
    /// Nothing is left: the kernel said ECHILD. Without it an empty `left` means *unknown*, not *none*.
    pub proven: bool,
}

/// Ends all descendants of this process, at most for `budget`: with `cgroup.kill` where there is a group, and always
/// by stopping all that can be found until no new one appears and then killing them. Every child that ends meanwhile
/// is reaped here and handed to `reaped`, the agent's own exit among them.
pub fn end_descendants(cgroup: Option<&Cgroup>, budget: Duration, reaped: &mut dyn FnMut(i32, ExitStatus)) -> Ended {
    let deadline = Tick::now().plus(budget);
    let mut hunt = Hunt::default();
    for round in 1.. {
        if matches!(reap::ended(reaped), Ok(Children::None)) {
            return Ended { killed: hunt.killed(), left: Vec::new(), proven: true };
        }
        if Tick::now() >= deadline {
            break;
        }
        hunt.round(cgroup, round % KILL_EACH == 0);
        wait::pause(PAUSE);
    }
    Ended { killed: hunt.killed(), left: left(), proven: false }
}

/// The descendants that have this file as their standard output: the agent behind a wrapper that is gone, but not the
/// servers and tools it has left, which have a pipe or nothing there. Who may not be looked at is none: no agent of our
/// own user hides.
///
/// # Errors
/// Those of looking at the file itself.
pub fn voices(stream: &File) -> io::Result<Vec<Handle>> {
    use std::os::unix::fs::MetadataExt;
    let meant = stream.metadata()?;
    let found = descendants();
    let family: HashSet<i32> = found.iter().copied().chain([own_pid()]).collect();
    let speaks = |pid: &i32| {
        let theirs = std::fs::metadata(format!("/proc/{pid}/fd/1"));
        theirs.is_ok_and(|theirs| (theirs.dev(), theirs.ino()) == (meant.dev(), meant.ino()))
    };
    let handle = |pid: i32| Handle::open_here(pid, |stat| family.contains(&stat.parent)).ok();
    Ok(found.into_iter().filter(speaks).filter_map(handle).collect())
}

/// Who has been stopped since everything was last killed, and who was ever met.
#[derive(Default)]
struct Hunt {
    stopped: HashSet<i32>,
    met: HashSet<i32>,
}

impl Hunt {
    fn killed(&self) -> u32 {
        u32::try_from(self.met.len()).unwrap_or(u32::MAX)
    }

    fn round(&mut self, cgroup: Option<&Cgroup>, kill_now: bool) {
        // While the group empties, nobody has to be looked for one by one; but one that cannot die must not shield
        // those that left the group.
        if cgroup.is_some_and(|group| self.kill_group(group)) && !kill_now {
            return;
        }
        let found = descendants();
        let family: HashSet<i32> = found.iter().copied().chain([own_pid()]).collect();
        let mut fresh = false;
        for &pid in &found {
            if !self.stopped.contains(&pid) {
                fresh |= self.stop(pid, &family);
            }
        }
        if !fresh || kill_now {
            for &pid in &found {
                signal(pid, &family, Signal::SIGKILL);
            }
            self.stopped.clear();
        }
    }

    /// Whether the group had living members and took the signal.
    fn kill_group(&mut self, group: &Cgroup) -> bool {
        let members = group.members().unwrap_or_default();
        let killed = !members.is_empty() && group.kill().is_ok();
        if killed {
            self.met.extend(members);
        }
        killed
    }

    /// Stops one process; false if it is a zombie, or gone.
    fn stop(&mut self, pid: i32, family: &HashSet<i32>) -> bool {
        let living = signal(pid, family, Signal::SIGSTOP);
        if living {
            self.stopped.insert(pid);
            self.met.insert(pid);
        }
        living
    }
}

/// Signals a descendant; false if it is a zombie, or gone. Between the listing and the signal the number may have gone
/// to a stranger: the pidfd holds the process still while its parent is compared with the family.
fn signal(pid: i32, family: &HashSet<i32>, signal: Signal) -> bool {
    match Handle::open_here(pid, |stat| family.contains(&stat.parent)) {
        Ok(handle) => {
            let _ = handle.signal(signal);
            true
        }
        Err(_) => false,
    }
}

/// None are listed where /proc has other numbers than we: then only the group and the reaping work.
fn descendants() -> Vec<i32> {
    if proc_doubt().is_some() { Vec::new() } else { procfs::descendants(own_pid()).unwrap_or_default() }
}

fn left() -> Vec<Survivor> {
    descendants().into_iter().filter_map(Survivor::of).collect()
}

#[cfg(test)]
mod tests;
