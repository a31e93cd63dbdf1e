//! The process instrument: who a process is, whether it lives, and signalling it through a pidfd.
//! Called by `turn`, `probe` and the shim. It never takes an error for a death.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::time::Duration;

use nix::sys::signal::Signal;
use rustix::io::Errno;
use rustix::process::pidfd_send_signal;

use super::{procfs, wait};
use glance::Glance;
use rule::Match;

use crate::clock::{Moment, Tick};
use crate::identity::Identity;
use crate::words::words;

mod glance;
mod rule;

pub use glance::{Look, look_at, look_at_pid};

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

impl Life {
    /// Whether it is stopped; none where it does not live, or that is not known.
    #[must_use]
    pub const fn stopped(self) -> Option<bool> {
        if let Self::Alive { stopped } = self { Some(stopped) } else { None }
    }
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
        /// Who recorded it could not read its start time: it may be another one.
        StartUnknown = "start_unknown",
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
#[derive(Clone, Debug)]
pub struct Place {
    /// The machine-id; empty where there is none.
    pub machine: String,
    /// The boot id; empty where it cannot be read.
    pub boot: String,
    /// The inode of the pid namespace; 0 where it cannot be read.
    pub pid_ns: u64,
    /// The inode of the time namespace; 0 where it cannot be read, and where the kernel has none.
    pub time_ns: u64,
    /// `/proc` is that of another pid namespace.
    pub foreign_proc: bool,
}

impl Place {
    /// The place of this process.
    #[must_use]
    pub fn here() -> &'static Self {
        static HERE: OnceLock<Place> = OnceLock::new();
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

    /// Why pids mean nothing here, if they do not.
    #[must_use]
    pub fn doubt(&self) -> Option<Doubt> {
        rule::own_doubt(self)
    }

    /// Whether the pid namespace is the first one of its boot.
    #[must_use]
    pub const fn in_initial_pid_ns(&self) -> bool {
        self.pid_ns == rule::INITIAL_PID_NS
    }

    /// Whether the time namespace is the first one of its boot.
    #[must_use]
    pub const fn in_initial_time_ns(&self) -> bool {
        self.time_ns == rule::INITIAL_TIME_NS
    }

    /// Who has this pid here, if it began at this time.
    #[must_use]
    pub fn identity(&self, pid: i32, start_ticks: u64) -> Identity {
        let (machine, boot) = (self.machine.clone(), self.boot.clone());
        Identity { machine, boot, pid_ns: self.pid_ns, time_ns: self.time_ns, pid, start_ticks }
    }
}

/// The identity of the process that has this pid now.
///
/// # Errors
/// What reading `/proc/PID/stat` gives; `Unsupported` where `/proc` belongs to another pid namespace.
pub fn identity_of(pid: i32) -> io::Result<Identity> {
    if let Some(Doubt::ForeignProc) = Place::here().doubt() {
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
    if let Some(doubt) = Place::here().doubt() {
        return Err(Life::Unknown(doubt));
    }
    let mut start_ticks = 0;
    let _held = Handle::open_here(pid, |stat| {
        start_ticks = stat.start_ticks;
        true
    })?;
    Ok(identity(pid, start_ticks))
}

/// Who had this number here, and is gone: no start time, and so equal to no process that lives.
#[must_use]
pub fn gone(pid: i32) -> Identity {
    identity(pid, 0)
}

/// Looks whether a process lives.
#[must_use]
pub fn look(who: &Identity) -> Life {
    match Handle::open(who) {
        Ok(handle) => Life::Alive { stopped: handle.stopped },
        Err(life) => life,
    }
}

/// What wait(2) will tell of a process that has ended and that nobody has waited for; none where it is no such one, or that
/// may not be seen from here.
#[must_use]
pub fn wait_status(who: &Identity) -> Option<i32> {
    if rule::place(Place::here(), who).is_some() {
        return None;
    }
    let stat = procfs::stat(who.pid).ok().filter(|stat| stat.start_ticks == who.start_ticks && stat.state == b'Z')?;
    (stat.wait_status != 0 || procfs::may_trace(who.pid)).then_some(stat.wait_status)
}

/// Looks at whatever process has this pid here, and what was read of it.
pub(super) fn look_here(pid: i32) -> (Life, Option<procfs::Stat>) {
    if let Some(doubt) = Place::here().doubt() {
        return (Life::Unknown(doubt), None);
    }
    let glance = Glance::at(pid);
    let life = glance.life(|_| Match::Same);
    (life, glance.into_stat())
}

/// Why `/proc` cannot be trusted to list this process's neighbours, if it cannot.
pub(super) fn proc_doubt() -> Option<Doubt> {
    Place::here().foreign_proc.then_some(Doubt::ForeignProc)
}

/// An identity in this boot and these namespaces.
pub(super) fn identity(pid: i32, start_ticks: u64) -> Identity {
    Place::here().identity(pid, start_ticks)
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
        match rule::place(Place::here(), who) {
            Some(life) => Err(life),
            None => Self::of(Glance::at(who.pid), |stat| Match::of(who.start_ticks, stat.start_ticks)),
        }
    }

    /// Opens whoever has this number here, also where `/proc` does not show whose it is.
    ///
    /// # Errors
    /// What was found instead of a living process; never [`Life::Alive`].
    pub fn of_number(pid: i32) -> Result<Self, Life> {
        match Glance::at(pid) {
            Glance::Open { pidfd, stat, ended: Ok(false) } => {
                Ok(Self { pidfd, stopped: stat.is_ok_and(|stat| stat.stopped()) })
            }
            glance => Err(rule::of_a_number(glance.life(|_| Match::Same))),
        }
    }

    /// Whether it was stopped, by a signal or a tracer, when this was opened.
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Opens the process with this pid here if its stat is of the one that is meant.
    pub(super) fn open_here(pid: i32, meant: impl FnOnce(&procfs::Stat) -> bool) -> Result<Self, Life> {
        Self::of(Glance::at(pid), |stat| meant(stat).into())
    }

    fn of(glance: Glance, meant: impl FnOnce(&procfs::Stat) -> Match) -> Result<Self, Life> {
        match (glance.life(meant), glance) {
            (Life::Alive { stopped }, Glance::Open { pidfd, .. }) => Ok(Self { pidfd, stopped }),
            (life, _) => Err(life),
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

pub(super) fn doubt_of(error: &io::Error) -> Doubt {
    rule::doubt_of_io(error)
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
