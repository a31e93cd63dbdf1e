//! The starter becomes the agent. It joins the group, waits for one byte, and executes the program;
//! pid and start time stay the same. Without the byte it ends, and the agent has never run.
//!
//! Its descriptor 0 is the gate, a socket to the shim; 1 and 2 are already the turn's files.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use nix::sys::signal::Signal;
use refloat::error::os_text;
use refloat::exit::Exit;
use refloat::seam::cgroup::Cgroup;

use crate::shim::{GO, Start};

/// What the starter says once it is in its group, or is not.
pub(crate) const IN_CGROUP: u8 = b'c';
/// What it says where it is in no group of its own.
pub(crate) const ALONE: u8 = b'a';

/// Runs the starter; returns only if the agent could not be executed.
pub(crate) fn main(words: &[OsString]) -> ExitCode {
    let code = match Start::read(words) {
        Some(start) => become_agent(&start).unwrap_or(Exit::TurnLost),
        None => Exit::Usage,
    };
    ExitCode::from(code.code())
}

fn become_agent(start: &Start) -> io::Result<Exit> {
    // The shim's death is the agent's: nobody could reap it, end its tree or tell its end.
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
    // A close-on-exec twin: the shim sees it close when the program is executed.
    let mut gate = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let joined = start.cgroup.as_deref().map(join);
    gate.write_all(&[if joined == Some(true) { IN_CGROUP } else { ALONE }])?;
    let mut byte = [0];
    if gate.read(&mut byte)? == 0 || byte[0] != GO {
        return Ok(Exit::TurnLost);
    }
    let error = execute(start);
    gate.write_all(error.as_bytes())?;
    Ok(Exit::CannotRun)
}

fn join(path: &Path) -> bool {
    Cgroup::open(path).and_then(|group| group.join()).is_ok()
}

/// Executes the agent; returns why that was not possible: `N` for not found, `X` otherwise, and the words for it.
fn execute(start: &Start) -> String {
    let telling = |what: &str, error: &io::Error| {
        let kind = if error.kind() == io::ErrorKind::NotFound && what.is_empty() { 'N' } else { 'X' };
        format!("{kind}{what}{}", os_text(error))
    };
    if let Err(error) = std::env::set_current_dir(&start.cwd) {
        return telling("cannot enter the working folder: ", &error);
    }
    let input = match start.prompt.as_deref().map(File::open) {
        None => Stdio::null(),
        Some(Ok(prompt)) => Stdio::from(prompt),
        Some(Err(error)) => return telling("cannot open the prompt: ", &error),
    };
    let Some((program, arguments)) = start.command.split_first() else {
        return "Xthe command is empty".into();
    };
    // std's exec also gives SIGPIPE back its default, which Rust's start-up takes away.
    let error = Command::new(program).args(arguments).stdin(input).exec();
    telling("", &error)
}
