//! A foreign program that answers a question: run to its end, at most so long, for at most so many bytes.
//! Called by the instruments whose subject only a program can read (tmux, git), never for agents. It never waits without
//! an end, and leaves no process of the program's group behind that it did not answer for.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::wait::{self, PollFd, PollFlags};
use crate::clock::Tick;

/// More than any answer has.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// How long a killed program may take to be gone.
const DYING: Duration = Duration::from_secs(1);

/// What a program has answered.
#[derive(Debug)]
pub(super) struct Answer {
    /// How it ended; none where our caller ignores CHLD, and the kernel has not kept it.
    pub(super) status: Option<ExitStatus>,
    /// What it wrote to stdout.
    pub(super) out: Vec<u8>,
    /// What it wrote to stderr.
    pub(super) err: Vec<u8>,
}

impl Answer {
    /// Whether it ended with one of these codes, or with one that nobody knows, but without a word of trouble.
    pub(super) fn ended_with(&self, codes: &[i32]) -> bool {
        match self.status {
            Some(status) => status.code().is_some_and(|code| codes.contains(&code)),
            None => self.err.is_empty(),
        }
    }
}

/// How it went.
#[derive(Debug)]
pub(super) enum Ran {
    /// It ended, and this is all it said.
    Ended(Answer),
    /// It said more than any answer has, and was killed.
    TooLong,
    /// It did not end in time, and was killed.
    Late,
}

/// Runs a program in a process group of its own, with nothing to read.
///
/// # Errors
/// What starting it gives (`NotFound`: there is no such program), and poll(2), pidfd_open(2).
pub(super) fn run(command: &mut Command, within: Duration) -> io::Result<Ran> {
    let deadline = Tick::now().plus(within);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn()?;
    let ran = listen(&mut child, deadline);
    if !matches!(ran, Ok(Ran::Ended(_))) {
        end(&mut child);
    }
    ran
}

fn listen(child: &mut Child, deadline: Tick) -> io::Result<Ran> {
    let pidfd = match pidfd_open(pid(child)?, PidfdFlags::empty()) {
        Ok(pidfd) => Some(pidfd),
        // It has ended already, and the kernel has not kept it: our caller ignores CHLD.
        Err(Errno::SRCH) => None,
        Err(errno) => return Err(errno.into()),
    };
    let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut open = [true, true];
    rustix::io::ioctl_fionbio(&stdout, true)?;
    rustix::io::ioctl_fionbio(&stderr, true)?;
    loop {
        // Its end first, then what it had written: nothing can come after that.
        let pipes = [(stdout.as_fd(), open[0]), (stderr.as_fd(), open[1])];
        let (ready, ended) = match &pidfd {
            Some(pidfd) => {
                let ready = wait_for(&[(pidfd.as_fd(), true), pipes[0], pipes[1]], deadline)?;
                (ready, wait::readable(pidfd.as_fd(), Tick::now())?)
            }
            None => (true, true),
        };
        open = [drain(&mut stdout, &mut out)?, drain(&mut stderr, &mut err)?];
        if out.len() > MOST_BYTES || err.len() > MOST_BYTES {
            return Ok(Ran::TooLong);
        }
        if ended {
            return Ok(Ran::Ended(Answer { status: status(child)?, out, err }));
        }
        if !ready {
            return Ok(Ran::Late);
        }
    }
}

/// How a child that has ended did so, if the kernel has kept it.
fn status(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    match child.wait() {
        Ok(status) => Ok(Some(status)),
        Err(error) if error.raw_os_error() == Some(nix::libc::ECHILD) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Waits for one of those that are still wanted; false: the deadline.
fn wait_for(fds: &[(BorrowedFd<'_>, bool)], deadline: Tick) -> io::Result<bool> {
    let wanted = fds.iter().filter(|(_, wanted)| *wanted);
    let mut polled: Vec<PollFd<'_>> = wanted.map(|(fd, _)| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    wait::until(&mut polled, deadline).map(|ready| ready > 0)
}

/// Reads what is there, of too much only enough to know; false at the end of the stream.
fn drain(from: &mut impl Read, into: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = [0; 64 * 1024];
    while into.len() <= MOST_BYTES {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(false),
            Ok(read) => into.extend_from_slice(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Its whole group: it may be a script that waits for the program that hangs.
fn end(child: &mut Child) {
    let _ = killpg(nix::unistd::Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL);
    let ended = pid(child).and_then(|pid| Ok(pidfd_open(pid, PidfdFlags::empty())?));
    // What not even KILL ends now is left to the end of this process; waiting for it would have no bound.
    if ended.is_ok_and(|pidfd| wait::readable(pidfd.as_fd(), Tick::now().plus(DYING)).unwrap_or(false)) {
        let _ = child.wait();
    }
}

fn pid(child: &Child) -> io::Result<Pid> {
    Ok(Pid::from_raw(child.id().cast_signed()).ok_or(Errno::SRCH)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, within: Duration) -> Ran {
        run(Command::new("sh").args(["-c", script]), within).unwrap()
    }

    #[test]
    fn an_answer_is_read_whole_with_its_code() {
        let Ran::Ended(answer) = sh("head -c 300000 /dev/zero; echo no >&2; exit 3", Duration::from_secs(20)) else {
            panic!("no end")
        };
        assert_eq!((answer.out.len(), answer.err.as_slice()), (300_000, b"no\n".as_slice()));
        assert!(answer.ended_with(&[0, 3]) && !answer.ended_with(&[0, 1]));
        let missing = run(&mut Command::new("/no/such/program"), Duration::from_secs(1)).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_death_is_no_good_end_and_a_code_that_nobody_kept_is_one_without_words() {
        let Ran::Ended(killed) = sh("kill -9 $$", Duration::from_secs(20)) else { panic!("no end") };
        assert!(killed.err.is_empty() && !killed.ended_with(&[0, 1]));
        let answer = |err: &[u8]| Answer { status: None, out: Vec::new(), err: err.to_vec() };
        assert!(answer(b"").ended_with(&[0]) && !answer(b"fatal: no").ended_with(&[0]));
    }

    #[test]
    fn a_child_that_holds_the_pipe_does_not_hold_the_answer() {
        // Waited for, it would make the answer late.
        let ran = sh("sleep 1000 & echo $!", Duration::from_secs(60));
        let Ran::Ended(answer) = &ran else { panic!("{ran:?}") };
        let holder = String::from_utf8_lossy(&answer.out).trim().parse().unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(holder), Signal::SIGKILL).unwrap();
    }

    #[test]
    fn what_does_not_answer_in_time_is_killed_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        // Also one that has closed its pipes.
        assert!(matches!(sh("exec >&- 2>&-; exec sleep 60", Duration::from_millis(50)), Ran::Late));
        let script = format!("sleep 60 & echo $! >{0}.new; mv {0}.new {0}; wait", file.display());
        // On a busy machine it comes late itself.
        let mut times = (0..6).map(|power| Duration::from_secs(1 << power));
        assert!(times.any(|within| matches!(sh(&script, within), Ran::Late) && file.exists()));
        let pid: i32 = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
        let gone = || crate::seam::procfs::stat(pid).map_or(true, |stat| stat.state == b'Z');
        assert!(crate::seam::support::soon(gone), "{pid} lives");
    }

    #[test]
    fn an_endless_answer_is_cut() {
        assert!(matches!(sh("cat /dev/zero", Duration::from_secs(60)), Ran::TooLong));
    }
}
