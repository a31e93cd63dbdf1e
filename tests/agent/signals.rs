//! Signals without handlers in the kernel's sense: a signal that the script catches is blocked
//! and read from a signalfd in the waits. (A real handler, and SIG_IGN, would need `unsafe`.)

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::time::Timespec;

/// `TERM`, `SIGTERM` or `15`.
pub(crate) fn named(word: &str) -> Result<Signal> {
    if let Ok(number) = word.parse::<i32>() {
        return Signal::try_from(number).with_context(|| format!("no signal {number}"));
    }
    let name = format!("SIG{}", word.trim_start_matches("SIG"));
    name.parse().with_context(|| format!("no signal '{word}'"))
}

/// Ends this process by a signal, so that its parent sees the signal and not an exit code.
pub(crate) fn die(signal: Signal) -> Result<()> {
    // No core files in the folder of a test.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    SigSet::from(signal).thread_unblock().context("unblock")?;
    // Twice: the first SEGV or BUS only takes away the handler that the Rust runtime set for stack overflows.
    for _ in 0..2 {
        raise(signal).context("raise")?;
    }
    bail!("{signal} does not end a process (the Rust runtime ignores SIGPIPE)")
}

/// The set of these signals.
pub(crate) fn set_of(signals: &[Signal]) -> SigSet {
    signals.iter().copied().collect()
}

/// Waits until one of these (blocked) signals comes, or until then; for ever without either.
/// Opens no descriptor when there is no signal to wait for: `close-all` must stay true.
pub(crate) fn next_of(signals: &SigSet, until: Option<Instant>) -> Result<Option<Signal>> {
    if signals.iter().next().is_none() {
        idle(&mut [], until)?;
        return Ok(None);
    }
    let source = SignalFd::with_flags(signals, SfdFlags::SFD_CLOEXEC).context("open a signalfd")?;
    if !idle(&mut [PollFd::new(&source.as_fd(), PollFlags::IN)], until)? {
        return Ok(None);
    }
    let info = source.read_signal().context("read the signalfd")?;
    let number = info.and_then(|info| i32::try_from(info.ssi_signo).ok());
    Ok(number.and_then(|number| Signal::try_from(number).ok()))
}

/// Polls until something is ready (true) or until then (false).
pub(crate) fn idle(sources: &mut [PollFd<'_>], until: Option<Instant>) -> Result<bool> {
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let timeout = left.map(timespec);
        match poll(sources, timeout.as_ref()) {
            Ok(0) if until.is_some_and(|until| Instant::now() >= until) => return Ok(false),
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Ok(true),
            Err(error) => return Err(error).context("poll"),
        }
    }
}

fn timespec(left: Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX), tv_nsec: i64::from(left.subsec_nanos()) }
}
