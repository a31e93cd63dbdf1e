//! Signals as something to read, next to the other descriptors of a loop.
//! Called by `turn` and the shim. It never takes a signal that the caller had ignored: `nohup` keeps its meaning.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};

/// Those by which people and systems end a program. A supervisor listens to them: INT and TERM abort, HUP detaches.
pub const ENDING: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// A signalfd over a set of signals, which are blocked for this thread and all threads it starts later.
/// They stay blocked when this is dropped, and programs started from here inherit the mask: what becomes the agent empties it.
#[derive(Debug)]
pub struct Signals {
    fd: SignalFd,
    taken: SigSet,
}

/// A signal that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Which.
    pub signal: Signal,
    /// Who sent it; none when the kernel did (a terminal, a timer, a child's end).
    pub sender: Option<Sender>,
}

/// The process that sent a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Its pid; 0 from outside our pid namespace.
    pub pid: i32,
    /// Its user.
    pub uid: u32,
}

impl Signals {
    /// Takes over those of `wanted` that are not ignored. Must be called before threads are started.
    ///
    /// # Errors
    /// What reading `/proc/self/status`, signalfd(2) or pthread_sigmask(3) gives.
    pub fn over(wanted: &[Signal]) -> io::Result<Self> {
        let ignored = ignored(&std::fs::read_to_string("/proc/self/status")?)?;
        let taken: SigSet = wanted.iter().copied().filter(|&signal| ignored & bit(signal) == 0).collect();
        Self::take(taken)
    }

    /// Takes over all of `wanted`, also those that are ignored: for a process of ours, started with a clean slate.
    ///
    /// # Errors
    /// What signalfd(2) or pthread_sigmask(3) gives.
    pub fn of(wanted: &[Signal]) -> io::Result<Self> {
        Self::take(wanted.iter().copied().collect())
    }

    fn take(taken: SigSet) -> io::Result<Self> {
        taken.thread_block()?;
        let fd = SignalFd::with_flags(&taken, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Self { fd, taken })
    }

    /// Whether this signal comes here; false for one that was ignored.
    #[must_use]
    pub fn takes(&self, signal: Signal) -> bool {
        self.taken.contains(signal)
    }

    /// All signals that have come, without waiting. The same signal sent twice before this may come once.
    ///
    /// # Errors
    /// What read(2) gives except `EAGAIN` and `EINTR`.
    pub fn read(&self) -> io::Result<Vec<Received>> {
        let mut found = Vec::new();
        loop {
            match self.fd.read_signal() {
                Ok(Some(info)) => found.extend(received(&info)),
                Ok(None) => return Ok(found),
                Err(nix::errno::Errno::EINTR) => {}
                Err(other) => return Err(other.into()),
            }
        }
    }
}

impl AsFd for Signals {
    /// Readable when a signal has come.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn received(info: &siginfo) -> Option<Received> {
    let signal = i32::try_from(info.ssi_signo).ok().and_then(|number| Signal::try_from(number).ok())?;
    // SI_USER is 0, SI_QUEUE and SI_TKILL are negative; only these name a sender (sigaction(2)).
    let sent = info.ssi_code <= 0;
    let pid = i32::try_from(info.ssi_pid).unwrap_or(0);
    Some(Received { signal, sender: sent.then_some(Sender { pid, uid: info.ssi_uid }) })
}

/// The `SigIgn` mask: a signal that is blocked is queued for a signalfd even if it is ignored.
fn ignored(status: &str) -> io::Result<u64> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/self/status tells no ignored signals"))
}

fn bit(signal: Signal) -> u64 {
    1 << (signal as u32 - 1)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use super::*;
    use crate::clock::Tick;
    use crate::seam::process::{Handle, me, own_pid};
    use crate::seam::{support, wait};

    #[test]
    fn a_signal_is_read_with_its_sender() {
        if !support::alone("seam::signals::tests::a_signal_is_read_with_its_sender") {
            return;
        }
        let signals = Signals::over(&[Signal::SIGTERM, Signal::SIGUSR1]).unwrap();
        assert_eq!(signals.read().unwrap(), []);
        // To this thread: the test harness has threads that were there before.
        nix::sys::signal::raise(Signal::SIGTERM).unwrap();
        assert!(wait::readable(signals.as_fd(), Tick::now().plus(support::BOUND)).unwrap());
        let sender = Some(Sender { pid: own_pid(), uid: nix::unistd::getuid().as_raw() });
        assert_eq!(signals.read().unwrap(), [Received { signal: Signal::SIGTERM, sender }]);
        assert!(!signals.takes(Signal::SIGHUP));
    }

    #[test]
    fn what_the_caller_ignored_stays_ignored() {
        const NAME: &str = "seam::signals::tests::what_the_caller_ignored_stays_ignored";
        const INNER: &str = "REFLOAT_TEST_NOHUP";
        if std::env::var_os(INNER).is_none() {
            let test = std::env::current_exe().unwrap();
            let script = format!("trap '' HUP; exec \"$0\" --exact {NAME} --nocapture --test-threads=1");
            let status =
                Command::new("/bin/sh").args(["-c", &script]).arg(test).env(INNER, "1").process_group(0).status();
            assert!(status.unwrap().success());
            return;
        }
        let signals = Signals::over(&[Signal::SIGHUP, Signal::SIGUSR1]).unwrap();
        assert!(!signals.takes(Signal::SIGHUP) && signals.takes(Signal::SIGUSR1));
        Handle::open(&me()).unwrap().signal(Signal::SIGHUP).unwrap();
        nix::sys::signal::raise(Signal::SIGUSR1).unwrap();
        let found: Vec<Signal> = signals.read().unwrap().iter().map(|one| one.signal).collect();
        assert_eq!(found, [Signal::SIGUSR1]);
    }

    #[test]
    fn the_mask_is_read() {
        assert_eq!(ignored("Name:\tx\nSigIgn:\t0000000000000001\n").unwrap(), bit(Signal::SIGHUP));
        assert!(ignored("Name:\tx\n").is_err());
    }
}
