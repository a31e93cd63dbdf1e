//! What the raw readings of a look at a process mean: pure, readings in and one conclusion out. Called by the instrument
//! alone, for who only looks and for who takes a process in hand to signal it. An error of the instrument is never a death.

use std::io;

use rustix::io::Errno;

use super::{Death, Doubt, Life, Place};
use crate::identity::Identity;
use crate::seam::procfs::{self, Stat};

/// Inode of the first pid namespace of every boot (PROC_PID_INIT_INO, include/linux/proc_ns.h).
pub(super) const INITIAL_PID_NS: u64 = 0xEFFF_FFFC;
/// Inode of the first time namespace of every boot (PROC_TIME_INIT_INO).
pub(super) const INITIAL_TIME_NS: u64 = 0xEFFF_FFFA;

/// Whether the process that has the number is the one that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    Same,
    Other,
    /// Who recorded it could not read its start time.
    Unproven,
}

impl Match {
    /// 0 is recorded where nothing could be read; only the first processes of a boot may have it in truth.
    pub(super) const fn of(recorded: u64, found: u64) -> Self {
        match recorded {
            same if same == found => Self::Same,
            0 => Self::Unproven,
            _ => Self::Other,
        }
    }
}

impl From<bool> for Match {
    fn from(meant: bool) -> Self {
        if meant { Self::Same } else { Self::Other }
    }
}

/// Why numbers mean nothing to this process, if they do not.
pub(super) fn own_doubt(here: &Place) -> Option<Doubt> {
    if here.foreign_proc {
        return Some(Doubt::ForeignProc);
    }
    (here.boot.is_empty() || here.pid_ns == 0).then_some(Doubt::OwnIdentity)
}

/// What is certain before any process is looked at; none where the pid means here what it meant there.
pub(super) fn place(here: &Place, who: &Identity) -> Option<Life> {
    let both_known = !here.machine.is_empty() && !who.machine.is_empty();
    if both_known && here.machine != who.machine {
        return Some(Life::Unknown(Doubt::OtherHost));
    }
    if let Some(doubt) = own_doubt(here) {
        return Some(Life::Unknown(doubt));
    }
    if here.boot != who.boot {
        let same_place = comparable(who.pid_ns, here.pid_ns, INITIAL_PID_NS)
            && comparable(who.time_ns, here.time_ns, INITIAL_TIME_NS);
        let rebooted = both_known && !who.boot.is_empty() && same_place;
        return Some(if rebooted { Life::Dead(Death::Rebooted) } else { Life::Unknown(Doubt::OtherBoot) });
    }
    let same_place = here.pid_ns == who.pid_ns && here.time_ns == who.time_ns;
    (!same_place).then_some(Life::Unknown(Doubt::OtherNamespace))
}

/// Across a boot: a namespace recorded as the initial one, or with the number that ours has.
const fn comparable(theirs: u64, ours: u64, initial: u64) -> bool {
    theirs == initial || theirs == ours
}

/// What it means that no pidfd could be opened. `is_thread`: the number is that of a thread, of a process with another.
pub(super) const fn unopened(errno: Errno, is_thread: bool) -> Life {
    match errno {
        Errno::SRCH => Life::Dead(Death::NoSuchProcess),
        // The number is a thread's now (EINVAL, since 6.15 ENOENT): no process has it.
        Errno::INVAL | Errno::NOENT if is_thread => Life::Dead(Death::PidReused),
        // EPERM and EACCES are those of a filter in front of the kernel, which asks for no permission here (pidfd_open(2)).
        Errno::NOSYS | Errno::PERM | Errno::ACCESS => Life::Unknown(Doubt::NotSupported),
        other => Life::Unknown(doubt_of(other)),
    }
}

/// What a process says whose pidfd was open before its state was read. `ended`: the pidfd is readable, which it is only
/// when the last thread has ended; the leader alone may be a zombie long before.
pub(super) fn opened(stat: &io::Result<Stat>, ended: &io::Result<bool>, meant: Option<Match>) -> Life {
    let Ok(ended) = *ended else { return Life::Unknown(Doubt::LookFailed) };
    match (stat, meant) {
        (Ok(_), Some(Match::Other)) => Life::Dead(Death::PidReused),
        (Ok(_), _) if ended => Life::Dead(Death::Zombie),
        (Ok(_), Some(Match::Unproven)) => Life::Unknown(Doubt::StartUnknown),
        (Ok(stat), _) => Life::Alive { stopped: stat.stopped() },
        (Err(_), _) if ended => Life::Dead(Death::NoSuchProcess),
        (Err(error), _) if procfs::vanished(error) => Life::Unknown(Doubt::Hidden),
        (Err(error), _) => Life::Unknown(doubt_of_io(error)),
    }
}

/// The same of a bare number: nothing is recorded of it, so nobody can have it instead; a thread's is no process's.
pub(super) const fn of_a_number(life: Life) -> Life {
    match life {
        Life::Dead(Death::PidReused) => Life::Dead(Death::NoSuchProcess),
        other => other,
    }
}

pub(super) fn doubt_of_io(error: &io::Error) -> Doubt {
    Errno::from_io_error(error).map_or(Doubt::LookFailed, doubt_of)
}

const fn doubt_of(errno: Errno) -> Doubt {
    if matches!(errno, Errno::MFILE | Errno::NFILE) { Doubt::NoDescriptors } else { Doubt::LookFailed }
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
