//! From whom this process descends.

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

/// The process that has started this one; none where it is not to be seen from here.
#[must_use]
pub fn parent() -> Option<i32> {
    rustix::process::getppid().map(rustix::process::Pid::as_raw_pid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seam::process::{identity_of, me};

    #[test]
    fn a_process_descends_from_itself_and_its_parents_and_from_nobody_else() {
        let parent = identity_of(parent().unwrap()).unwrap();
        assert!(descends_from(&me()) && descends_from(&parent));
        let mut child = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        let theirs = identity_of(i32::try_from(child.id()).unwrap()).unwrap();
        assert!(!descends_from(&theirs));
        assert!(!descends_from(&Identity { start_ticks: parent.start_ticks + 1, ..parent }));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
