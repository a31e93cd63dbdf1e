//! The process instrument: who a process is, whether it lives, and signalling it through a pidfd.
//! Called by `turn`, `probe` and the shim. It never takes an error for a death.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::time::Duration;

use nix::sys::signal::Signal;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

use super::{procfs, wait};
use crate::clock::{Moment, Tick};
use crate::identity::Identity;
use crate::words::words;

/// Inode of the first pid namespace of every boot (PROC_PID_INIT_INO, include/linux/proc_ns.h).
const INITIAL_PID_NS: u64 = 0xEFFF_FFFC;
/// Inode of the first time namespace of every boot (PROC_TIME_INIT_INO).
const INITIAL_TIME_NS: u64 = 0xEFFF_FFFA;

/// What one look at a process finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It exists, is not a zombie, and is the one asked for.
    Alive {
        /// Stopped by a signal or by a tracer: alive, but not moving.
        stopped: bool,
    },
    /// It is gone for certain, as far as processes can tell; a held turn lock overrules even this.
    Dead(Death),
    /// It could not be found out.
    Unknown(Doubt),
}

words! {
    /// Why a process is dead.
    pub enum Death {
        /// `pidfd_open` said ESRCH, in the boot and the namespaces that the pid belongs to.
        NoSuchProcess = "no_such_process",
        /// Another process has its number now.
        PidReused = "pid_reused",
        /// It has ended and waits for its parent to ask.
        Zombie = "zombie",
        /// The host has been booted anew. Holds only if the turn's lock is free: the caller's to check.
        Rebooted = "rebooted",
    }
}

words! {
    /// Why a look at a process found nothing out.
    pub enum Doubt {
        /// Another boot, and not certainly a later one of this host.
        OtherBoot = "other_boot",
        /// Its pid or its start time was told in another namespace.
        OtherNamespace = "other_namespace",
        /// Another machine-id.
        OtherHost = "other_host",
        /// This process cannot tell its own boot or namespaces.
        OwnIdentity = "own_identity_unknown",
        /// `/proc` belongs to another pid namespace than ours: its numbers are not our numbers.
        ForeignProc = "foreign_proc",
        /// The number exists, but `/proc` does not show whose it is (hidepid).
        Hidden = "hidden",
        /// No free descriptor.
        NoDescriptors = "no_descriptors",
        /// The kernel, or a filter in front of it, does not offer pidfds.
        NotSupported = "not_supported",
        /// Another error of the instrument.
        LookFailed = "look_failed",
        /// Processes came and went faster than they could be read.
        Restless = "restless",
    }
}

impl Doubt {
    /// It was told where we are not: if that place is gone, nothing will ever be known of it.
    #[must_use]
    pub const fn is_elsewhere(self) -> bool {
        matches!(self, Self::OtherBoot | Self::OtherNamespace | Self::OtherHost)
    }
}

/// Where this process runs: what all its identities have in common. It cannot change while the process lives.
struct Here {
    machine: String,
    boot: String,
    pid_ns: u64,
    time_ns: u64,
    foreign_proc: bool,
}

impl Here {
    fn get() -> &'static Self {
        static HERE: OnceLock<Here> = OnceLock::new();
        HERE.get_or_init(Self::read)
    }

    fn read() -> Self {
        Self {
            machine: machine_id().unwrap_or_default(),
            boot: line("/proc/sys/kernel/random/boot_id").unwrap_or_default(),
            pid_ns: namespace("pid"),
            time_ns: namespace("time"),
            foreign_proc: own_link() != Some(own_pid()),
        }
    }

    fn doubt(&self) -> Option<Doubt> {
        if self.foreign_proc {
            return Some(Doubt::ForeignProc);
        }
        (self.boot.is_empty() || self.pid_ns == 0).then_some(Doubt::OwnIdentity)
    }

    /// What is certain before any process is looked at; none where the pid means here what it meant there.
    fn place(&self, who: &Identity) -> Option<Life> {
        let both_known = !self.machine.is_empty() && !who.machine.is_empty();
        if both_known && self.machine != who.machine {
            return Some(Life::Unknown(Doubt::OtherHost));
        }
        if let Some(doubt) = self.doubt() {
            return Some(Life::Unknown(doubt));
        }
        if self.boot != who.boot {
            let same_place = self.comparable(who.pid_ns, self.pid_ns, INITIAL_PID_NS)
                && self.comparable(who.time_ns, self.time_ns, INITIAL_TIME_NS);
            let rebooted = both_known && !who.boot.is_empty() && same_place;
            return Some(if rebooted { Life::Dead(Death::Rebooted) } else { Life::Unknown(Doubt::OtherBoot) });
        }
        let same_place = self.pid_ns == who.pid_ns && self.time_ns == who.time_ns;
        (!same_place).then_some(Life::Unknown(Doubt::OtherNamespace))
    }

    /// Across a boot: a namespace recorded as the initial one, or with the number that ours has.
    fn comparable(&self, theirs: u64, ours: u64, initial: u64) -> bool {
        theirs == initial || theirs == ours
    }
}

/// The identity of the process that has this pid now.
///
/// # Errors
/// What reading `/proc/PID/stat` gives; `Unsupported` where `/proc` belongs to another pid namespace.
pub fn identity_of(pid: i32) -> io::Result<Identity> {
    if let Some(Doubt::ForeignProc) = Here::get().doubt() {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "/proc belongs to another pid namespace"));
    }
    procfs::stat(pid).map(|stat| identity(pid, stat.start_ticks))
}

/// The identity of this process; its start time is 0 where `/proc` cannot be read, and then equal to no process.
/// Read once: only a child made by clone would be another, and that is never asked.
#[must_use]
pub fn me() -> Identity {
    static ME: OnceLock<Identity> = OnceLock::new();
    let read = || {
        let pid = own_pid();
        identity_of(pid).unwrap_or_else(|_| identity(pid, 0))
    };
    ME.get_or_init(read).clone()
}

/// Now, as other processes of this host can compare it with theirs. Who we are does not matter to it: a batch of mails asks
/// for each.
#[must_use]
pub fn moment() -> Moment {
    Moment::now(&identity(own_pid(), 0))
}

/// The living process that has this pid now; its number cannot slip to another meanwhile.
///
/// # Errors
/// What was found instead of a living process; never [`Life::Alive`].
pub fn living(pid: i32) -> Result<Identity, Life> {
    if let Some(doubt) = Here::get().doubt() {
        return Err(Life::Unknown(doubt));
    }
    let mut start_ticks = 0;
    let _held = Handle::open_here(pid, |stat| {
        start_ticks = stat.start_ticks;
        true
    })?;
    Ok(identity(pid, start_ticks))
}

/// Looks whether a process lives.
#[must_use]
pub fn look(who: &Identity) -> Life {
    match Handle::open(who) {
        Ok(handle) => Life::Alive { stopped: handle.stopped },
        Err(life) => life,
    }
}

/// Why `/proc` cannot be trusted to list this process's neighbours, if it cannot.
pub(super) fn proc_doubt() -> Option<Doubt> {
    Here::get().foreign_proc.then_some(Doubt::ForeignProc)
}

/// An identity in this boot and these namespaces.
pub(super) fn identity(pid: i32, start_ticks: u64) -> Identity {
    let here = Here::get();
    let (machine, boot) = (here.machine.clone(), here.boot.clone());
    Identity { machine, boot, pid_ns: here.pid_ns, time_ns: here.time_ns, pid, start_ticks }
}

/// A process that lived, and was the one asked for, when this was opened. Its number cannot slip to another.
#[derive(Debug)]
pub struct Handle {
    pidfd: OwnedFd,
    stopped: bool,
}

impl Handle {
    /// Opens a living process. A pidfd can be opened on a zombie too: state and start time are read *after* the open.
    ///
    /// # Errors
    /// What was found instead of a living process; never [`Life::Alive`].
    pub fn open(who: &Identity) -> Result<Self, Life> {
        if let Some(life) = Here::get().place(who) {
            return Err(life);
        }
        Self::open_here(who.pid, |stat| stat.start_ticks == who.start_ticks)
    }

    /// Opens whoever has this number here, also where `/proc` does not show whose it is.
    ///
    /// # Errors
    /// What was found instead of a living process; never [`Life::Alive`].
    pub fn of_number(pid: i32) -> Result<Self, Life> {
        let pidfd = open_pidfd(pid)?;
        let stopped = procfs::stat(pid).is_ok_and(|stat| stat.stopped());
        match wait::readable(pidfd.as_fd(), Tick::now()) {
            Ok(false) => Ok(Self { pidfd, stopped }),
            Ok(true) => Err(Life::Dead(Death::Zombie)),
            Err(_) => Err(Life::Unknown(Doubt::LookFailed)),
        }
    }

    /// Whether it was stopped, by a signal or a tracer, when this was opened.
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Opens the process with this pid here if its stat is of the one that is meant.
    pub(super) fn open_here(pid: i32, meant: impl FnOnce(&procfs::Stat) -> bool) -> Result<Self, Life> {
        let pidfd = open_pidfd(pid)?;
        let stat = procfs::stat(pid);
        // Readable only when the last thread has ended; the leader alone may be a zombie long before.
        let ended = wait::readable(pidfd.as_fd(), Tick::now()).map_err(|_| Life::Unknown(Doubt::LookFailed))?;
        match stat {
            Ok(stat) if !meant(&stat) => Err(Life::Dead(Death::PidReused)),
            Ok(_) if ended => Err(Life::Dead(Death::Zombie)),
            Ok(stat) => Ok(Self { pidfd, stopped: stat.stopped() }),
            Err(_) if ended => Err(Life::Dead(Death::NoSuchProcess)),
            Err(error) if procfs::vanished(&error) => Err(Life::Unknown(Doubt::Hidden)),
            Err(error) => Err(Life::Unknown(doubt_of(&error))),
        }
    }

    /// Sends a signal. Ok does not prove life: signals to a zombie are accepted and lost.
    ///
    /// # Errors
    /// `ESRCH` when it has been reaped, `EPERM` when it is not ours to signal.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let signal = rustix::process::Signal::from_named_raw(signal as i32).ok_or(Errno::INVAL)?;
        Ok(pidfd_send_signal(&self.pidfd, signal)?)
    }

    /// Waits at most `timeout` for its end; true when it has ended (a zombie has).
    ///
    /// # Errors
    /// What poll(2) gives.
    pub fn ended(&self, timeout: Duration) -> io::Result<bool> {
        wait::readable(self.as_fd(), Tick::now().plus(timeout))
    }
}

impl AsFd for Handle {
    /// The pidfd: readable when the process has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

fn open_pidfd(pid: i32) -> Result<OwnedFd, Life> {
    // A number that no process can have; rustix asserts that it is not negative.
    let number = (pid > 0).then(|| Pid::from_raw(pid)).flatten().ok_or(Life::Dead(Death::NoSuchProcess))?;
    pidfd_open(number, PidfdFlags::empty()).map_err(|errno| match errno {
        Errno::SRCH => Life::Dead(Death::NoSuchProcess),
        // The number is a thread's now (EINVAL, since 6.15 ENOENT): no process has it.
        Errno::INVAL | Errno::NOENT if is_thread(pid) => Life::Dead(Death::PidReused),
        Errno::NOSYS | Errno::PERM | Errno::ACCESS => Life::Unknown(Doubt::NotSupported),
        other => Life::Unknown(doubt_of(&other.into())),
    })
}

fn is_thread(pid: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let group = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
    group.and_then(|group| group.trim().parse::<i32>().ok()).is_some_and(|group| group != pid)
}

pub(super) fn doubt_of(error: &io::Error) -> Doubt {
    let errno = Errno::from_io_error(error);
    if matches!(errno, Some(Errno::MFILE | Errno::NFILE)) { Doubt::NoDescriptors } else { Doubt::LookFailed }
}

pub(super) fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_pid()
}

fn own_link() -> Option<i32> {
    std::fs::read_link("/proc/self").ok()?.to_str()?.parse().ok()
}

fn namespace(kind: &str) -> u64 {
    let link = std::fs::read_link(format!("/proc/self/ns/{kind}")).unwrap_or_default();
    let inode = link.to_str().and_then(|link| link.split_once('[')?.1.strip_suffix(']')?.parse().ok());
    inode.unwrap_or(0)
}

fn line(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// The machine-id, unless it is missing or still being set up (`uninitialized`, machine-id(5)).
fn machine_id() -> Option<String> {
    line("/etc/machine-id").filter(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests;
