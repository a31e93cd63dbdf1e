//! Plays a capture: the recorded bytes, in the recorded time if asked, then the recorded end.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{SigSet, Signal};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::agent::Agent;
use crate::capture::{Capture, Left};
use crate::offspring::{Kind, spawn};
use crate::signals::{die, idle, named};
use crate::stream::put;

/// How fast what comes after the program's end is played, when the rest is not to wait at all.
const AFTERWARDS: f64 = 10.0;

/// Plays the whole capture; comes back only if that goes wrong.
pub(crate) fn play(agent: &mut Agent, prefix: &Path, speed: f64) -> Result<()> {
    let capture = Capture::read(prefix)?;
    let asked: SigSet = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP].into_iter().collect();
    let signal_ms = capture.meta.signal_sent_ms;
    let killed = capture.meta.signal_sent.as_deref() == Some("SIGKILL");
    let catches = signal_ms.is_some() && !killed;
    if catches {
        asked.thread_block().context("block the signals")?;
    }
    // Nobody recorded when stderr came. First: it must be there whatever ends the play.
    let _ = std::io::stderr().write_all(&capture.stderr);
    leave_running(agent, prefix, &capture, speed)?;

    let before = signal_ms.map_or(capture.lines.len(), |ms| capture.before(ms));
    let mut player = Player { agent, capture: &capture, speed, start: Instant::now(), origin_ms: 0 };
    let ending = if catches { asked } else { SigSet::empty() };
    let early = player.lines(0..before, &ending)?;
    if killed || capture.meta.cut_ms.is_some() {
        return player.agent.wait(None, &SigSet::empty()).map(drop);
    }
    if let Some(ms) = signal_ms {
        if !early {
            player.agent.wait(None, &asked)?;
        }
        (player.start, player.origin_ms) = (Instant::now(), ms);
    }
    player.lines(before..capture.lines.len(), &SigSet::empty())?;
    player.until(capture.meta.duration_ms, &SigSet::empty())?;
    end(&capture)
}

/// Plays what another process wrote after the program was killed: when `parent` is gone and the recorded time is over.
pub(crate) fn play_late(agent: &mut Agent, prefix: &Path, speed: f64, parent: i32) -> Result<()> {
    let capture = Capture::read(prefix)?;
    let (Some(first), Some(ms)) = (capture.late_lines(), capture.meta.signal_sent_ms) else {
        bail!("nothing comes late in {}", prefix.display())
    };
    until_gone(parent)?;
    let speed = afterwards(speed);
    let mut player = Player { agent, capture: &capture, speed, start: Instant::now(), origin_ms: ms };
    player.lines(first..capture.lines.len(), &SigSet::empty())?;
    std::process::exit(0)
}

/// The lines of a capture against a clock: recorded time `origin_ms` is `start`.
struct Player<'a> {
    agent: &'a mut Agent,
    capture: &'a Capture,
    speed: f64,
    start: Instant,
    origin_ms: u64,
}

impl Player<'_> {
    /// Writes these lines at their times. After a signal of `ending` (then true) the rest of them comes at once.
    fn lines(&mut self, range: std::ops::Range<usize>, ending: &SigSet) -> Result<bool> {
        let mut ended = false;
        for index in range {
            if !ended {
                ended = self.until(self.capture.time_of(index), ending)?;
            }
            put(self.capture.lines.get(index).map_or(&[], Vec::as_slice))?;
        }
        Ok(ended)
    }

    /// Waits for this recorded time; true if a signal of `ending` came first.
    fn until(&mut self, recorded_ms: u64, ending: &SigSet) -> Result<bool> {
        if self.speed <= 0.0 {
            return Ok(false);
        }
        let time = scaled(recorded_ms.saturating_sub(self.origin_ms), self.speed);
        Ok(self.agent.wait(Some(self.start + time), ending)?.is_some())
    }
}

fn scaled(ms: u64, speed: f64) -> Duration {
    Duration::from_millis(ms).div_f64(speed)
}

fn afterwards(speed: f64) -> f64 {
    if speed > 0.0 { speed } else { AFTERWARDS }
}

/// Ends as the program did.
fn end(capture: &Capture) -> Result<()> {
    match (&capture.meta.signal, capture.meta.exit_code) {
        (Some(signal), _) => die(named(signal)?),
        (None, Some(code)) => std::process::exit(code),
        (None, None) => bail!("neither exit code nor signal is recorded"),
    }
}

/// One child for each process that was left: silent, or with the late lines, or with the open stdout.
fn leave_running(agent: &Agent, prefix: &Path, capture: &Capture, speed: f64) -> Result<()> {
    let mut late = capture.late_lines();
    for Left { same_session } in &capture.meta.left_running {
        let own = if *same_session { Kind::Plain } else { Kind::Setsid };
        if late.take().is_some() {
            let step = format!("replay-late {} {speed} {}", prefix.display(), std::process::id());
            spawn(agent, &[own, Kind::HoldsStdout], &[step])?;
        } else if let Some(ms) = capture.stdout_held_ms() {
            let time = scaled(ms, afterwards(speed)).as_millis();
            spawn(agent, &[own, Kind::HoldsStdout], &[format!("sleep {time}")])?;
        } else {
            spawn(agent, &[own], &["hang".into()])?;
        }
    }
    Ok(())
}

fn until_gone(pid: i32) -> Result<()> {
    let pid = Pid::from_raw(pid).context("a pid")?;
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => idle(&mut [PollFd::new(&process, PollFlags::IN)], None).map(drop),
        Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error).context("open the parent's pidfd"),
    }
}
