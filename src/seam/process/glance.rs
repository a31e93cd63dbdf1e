//! One look at whoever has a number: what was read, raw, and what of it is told. Called by the process instrument; what
//! it means is the rule's to say. It opens the pidfd first: from then on the number cannot slip to another process.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::rule::{self, Match};
use super::{Life, Place};
use crate::clock::Tick;
use crate::identity::Identity;
use crate::seam::procfs::{self, Stat};
use crate::seam::wait;

/// What was read of a number.
#[derive(Debug)]
pub(super) enum Glance {
    /// No pidfd could be opened.
    Closed { errno: Errno, thread_of: Option<i32> },
    /// A pidfd can be opened on a zombie too: state and start time are read *after* the open.
    Open { pidfd: OwnedFd, stat: io::Result<Stat>, ended: io::Result<bool> },
}

impl Glance {
    pub(super) fn at(pid: i32) -> Self {
        // No process can have such a number; rustix asserts that it is not negative.
        let number = (pid > 0).then(|| Pid::from_raw(pid)).flatten().ok_or(Errno::SRCH);
        match number.and_then(|number| pidfd_open(number, PidfdFlags::empty())) {
            Ok(pidfd) => {
                let stat = procfs::stat(pid);
                // While its first thread runs, so does the process: there is no need to ask.
                let runs = stat.as_ref().is_ok_and(Stat::runs);
                let ended = if runs { Ok(false) } else { wait::readable(pidfd.as_fd(), Tick::now()) };
                Self::Open { pidfd, stat, ended }
            }
            Err(errno @ (Errno::INVAL | Errno::NOENT)) => Self::Closed { errno, thread_of: procfs::thread_of(pid) },
            Err(errno) => Self::Closed { errno, thread_of: None },
        }
    }

    pub(super) fn life(&self, meant: impl FnOnce(&Stat) -> Match) -> Life {
        match self {
            Self::Closed { errno, thread_of } => rule::unopened(*errno, thread_of.is_some()),
            Self::Open { stat, ended, .. } => rule::opened(stat, ended, stat.as_ref().ok().map(meant)),
        }
    }

    /// What was read of it.
    pub(super) fn into_stat(self) -> Option<Stat> {
        match self {
            Self::Closed { .. } => None,
            Self::Open { stat, .. } => stat.ok(),
        }
    }

    /// The error that decided, where one did.
    fn errno(&self) -> Option<Errno> {
        let of = |error: &io::Error| Errno::from_io_error(error);
        match self {
            Self::Closed { errno, .. } => Some(*errno),
            Self::Open { ended: Err(error), .. } | Self::Open { stat: Err(error), .. } => of(error),
            Self::Open { .. } => None,
        }
    }
}

/// What one look found, and what it read on the way.
#[derive(Debug)]
pub struct Look {
    /// Whether the one that is meant lives.
    pub life: Life,
    /// Who has the number now, where that could be read: also another one than was meant, and a zombie.
    pub found: Option<Identity>,
    /// What that one calls itself, as far as it is UTF-8.
    pub name: Option<String>,
    /// The name is not UTF-8.
    pub name_lossy: bool,
    /// The name of the error that decided, such as `ESRCH`.
    pub errno: Option<String>,
    /// The number is a thread's, of this process.
    pub thread_of: Option<i32>,
}

/// Looks whether a process lives, and says what was read.
#[must_use]
pub fn look_at(who: &Identity) -> Look {
    match rule::place(Place::here(), who) {
        Some(life) => nothing_read(life),
        None => told(who.pid, |stat| Match::of(who.start_ticks, stat.start_ticks)),
    }
}

/// Looks whether any process has this number, and says what was read.
#[must_use]
pub fn look_at_pid(pid: i32) -> Look {
    match Place::here().doubt() {
        Some(doubt) => nothing_read(Life::Unknown(doubt)),
        None => {
            let look = told(pid, |_| Match::Same);
            Look { life: rule::of_a_number(look.life), ..look }
        }
    }
}

const fn nothing_read(life: Life) -> Look {
    Look { life, found: None, name: None, name_lossy: false, errno: None, thread_of: None }
}

fn told(pid: i32, meant: impl FnOnce(&Stat) -> Match) -> Look {
    let glance = Glance::at(pid);
    let look = Look { errno: glance.errno().map(name_of), ..nothing_read(glance.life(meant)) };
    match glance {
        Glance::Closed { thread_of, .. } => Look { thread_of, ..look },
        Glance::Open { stat: Err(_), .. } => look,
        Glance::Open { stat: Ok(stat), .. } => {
            let found = Some(Place::here().identity(pid, stat.start_ticks));
            Look { found, name: Some(stat.name), name_lossy: stat.name_lossy, ..look }
        }
    }
}

fn name_of(errno: Errno) -> String {
    format!("{:?}", nix::errno::Errno::from_raw(errno.raw_os_error()))
}
