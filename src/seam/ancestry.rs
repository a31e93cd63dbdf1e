//! From whom this process descends.

use nix::unistd::{Pid, getsid};

use super::process::{Place, identity, own_pid};
use super::procfs;
use crate::identity::Identity;

/// No family has more.
const GENERATIONS: usize = 1_000;

/// Whether this process descends from another, as far as `/proc` shows: a parent that has ended has handed its children on.
#[must_use]
pub fn descends_from(who: &Identity) -> bool {
    if Place::here().doubt().is_some() {
        return false;
    }
    let mut pid = own_pid();
    for _ in 0..GENERATIONS {
        let Ok(stat) = procfs::stat(pid) else { return false };
        if identity(pid, stat.start_ticks) == *who {
            return true;
        }
        if stat.parent <= 0 {
            return false;
        }
        pid = stat.parent;
    }
    false
}

/// Why the process that has started this one cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orphan {
    /// Its parent is not to be seen from here.
    Apart,
    /// Its parent is of another session: one that takes over the children of those that have ended.
    Adopted(i32),
}

/// The process that has started this one. A parent that has ended has handed its children on, which nothing tells for
/// certain; but who starts a process has it in its session, unless that one has begun its own, and there the first
/// process of all is never believed to be the one.
pub fn caller() -> Result<i32, Orphan> {
    let parent = rustix::process::getppid().map(rustix::process::Pid::as_raw_pid).ok_or(Orphan::Apart)?;
    let (ours, theirs) = (getsid(None), getsid(Some(Pid::from_raw(parent))));
    let leads = ours == Ok(Pid::from_raw(own_pid()));
    if theirs.is_ok() && ours == theirs || leads && parent != 1 { Ok(parent) } else { Err(Orphan::Adopted(parent)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seam::process::{identity_of, me};

    #[test]
    fn a_process_descends_from_itself_and_its_parents_and_from_nobody_else() {
        let parent = identity_of(caller().unwrap()).unwrap();
        assert!(descends_from(&me()) && descends_from(&parent));
        let mut child = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        let theirs = identity_of(i32::try_from(child.id()).unwrap()).unwrap();
        assert!(!descends_from(&theirs));
        assert!(!descends_from(&Identity { start_ticks: parent.start_ticks + 1, ..parent }));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
