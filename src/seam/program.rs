//! Asking another program a question: bounded in time and in what is read of its answer.
//! Called by instruments whose subject only a program can read (`git`). Never for agents.

use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::wait::{self, PollFd, PollFlags};
use crate::clock::Tick;

/// No answer that is longer is read.
const LONGEST: usize = 1024 * 1024;

/// What a program has answered.
#[derive(Debug)]
pub struct Answer {
    /// Its exit code; none where a signal ended it, or where our caller ignores CHLD and the kernel has not kept it.
    pub code: Option<i32>,
    /// What it wrote to stdout.
    pub out: Vec<u8>,
    /// What it wrote to stderr.
    pub errors: Vec<u8>,
}

/// Runs a program to its end, with nothing on stdin.
///
/// # Errors
/// `NotFound` for a missing program, `TimedOut` where it has not ended in time (it is killed), `FileTooLarge` for too
/// long an answer, and what starting and reading give.
pub fn ask(command: &mut Command, patience: Duration) -> io::Result<Answer> {
    let until = Tick::now().plus(patience);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let answer = listen(&mut child, until);
    if answer.is_err() {
        let _ = child.kill();
        let _ = child.wait();
    }
    answer
}

fn listen(child: &mut Child, until: Tick) -> io::Result<Answer> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(ErrorKind::InvalidData)?;
    let late = || io::Error::from(ErrorKind::TimedOut);
    let mut pipes = (child.stdout.take(), child.stderr.take());
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    while pipes.0.is_some() || pipes.1.is_some() {
        let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(2);
        fds.extend(pipes.0.as_ref().map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)));
        fds.extend(pipes.1.as_ref().map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)));
        if wait::until(&mut fds, until)? == 0 {
            return Err(late());
        }
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        let second = usize::from(pipes.0.is_some());
        if pipes.0.is_some() && ready[0] {
            take(&mut pipes.0, &mut out)?;
        }
        if pipes.1.is_some() && ready[second] {
            take(&mut pipes.1, &mut errors)?;
        }
    }
    if let Ok(end) = pidfd_open(pid, PidfdFlags::empty())
        && !wait::readable(end.as_fd(), until)?
    {
        return Err(late());
    }
    let code = match child.wait() {
        Ok(status) => status.code(),
        Err(error) if error.raw_os_error() == Some(nix::libc::ECHILD) => None,
        Err(error) => return Err(error),
    };
    Ok(Answer { code, out, errors })
}

/// One read; the pipe is dropped at its end.
fn take<P: Read>(pipe: &mut Option<P>, to: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    let Some(open) = pipe else { return Ok(()) };
    match open.read(&mut buffer) {
        Ok(0) => *pipe = None,
        Ok(read) => to.extend_from_slice(&buffer[..read]),
        Err(error) if error.kind() == ErrorKind::Interrupted => {}
        Err(error) => return Err(error),
    }
    if to.len() > LONGEST { Err(ErrorKind::FileTooLarge.into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, patience: u64) -> io::Result<Answer> {
        ask(Command::new("/bin/sh").args(["-c", script]), Duration::from_millis(patience))
    }

    #[test]
    fn an_answer_has_its_code_and_both_outputs() {
        let answer = sh("echo out; echo errors >&2; exit 3", 60_000).unwrap();
        assert_eq!((answer.code, &answer.out[..], &answer.errors[..]), (Some(3), &b"out\n"[..], &b"errors\n"[..]));
        let missing = ask(&mut Command::new("/no/such/program"), Duration::from_secs(1)).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }

    #[test]
    fn nobody_is_waited_for_without_an_end() {
        for script in ["exec sleep 1000", "exec >&- 2>&-; exec sleep 1000"] {
            let before = Tick::now();
            assert_eq!(sh(script, 50).unwrap_err().kind(), ErrorKind::TimedOut, "{script}");
            assert!(Tick::now().since(before) < Duration::from_secs(60));
        }
        assert_eq!(sh("exec cat /dev/zero", 60_000).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }
}
