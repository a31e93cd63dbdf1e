//! The process that becomes the agent. The shim makes it; it waits for one byte and executes the program, so that
//! pid and start time stay the same. Without the byte it ends, and the agent has never run.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::sys::signal::{SigSet, Signal};
use nix::unistd::Pid;

use super::order::{GO, Order};

/// What becomes the agent's descriptors 0 to 2.
pub(super) struct Descriptors<'f> {
    /// The reading end of the pipe by which the prompt comes, where it does.
    pub(super) pipe: Option<BorrowedFd<'f>>,
    pub(super) stream: BorrowedFd<'f>,
    pub(super) stderr: BorrowedFd<'f>,
}

/// The life of the child up to its exec. `gate` is its end of a socket to the shim, `shims` the other end, of which
/// it has a copy: with that open it would never see the shim go.
pub(super) fn live(
    order: &Order,
    mut gate: &UnixStream,
    shims: &UnixStream,
    descriptors: &Descriptors<'_>,
) -> io::Result<Infallible> {
    // The owner in this copy of the shim's memory is never dropped: the child executes or ends.
    nix::unistd::close(shims.as_raw_fd())?;
    // The shim's mask came along; the agent gets none.
    SigSet::empty().thread_set_mask()?;
    // A group of its own, so that its `kill 0` does not reach the shim.
    nix::unistd::setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
    // The shim's death is the agent's: nobody could reap it, end its tree or tell its end.
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
    let mut byte = [0];
    if gate.read(&mut byte)? == 0 || byte[0] != GO {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let refusal = execute(order, descriptors);
    gate.write_all(refusal.as_bytes())?;
    Err(io::Error::other(refusal))
}

/// `NAME=VALUE`, parted; a name may begin with the sign.
fn variable(entry: &OsString) -> Option<(&OsStr, &OsStr)> {
    let bytes = entry.as_bytes();
    let sign = bytes.iter().skip(1).position(|byte| *byte == b'=')? + 1;
    Some((OsStr::from_bytes(&bytes[..sign]), OsStr::from_bytes(&bytes[sign + 1..])))
}

/// Executes the agent; returns why that was not possible: `N` for not found, `X` otherwise, and the words for it.
/// Every other descriptor is close-on-exec, the gate among them: the shim sees it close.
fn execute(order: &Order, descriptors: &Descriptors<'_>) -> String {
    let telling = |what: &str, error: &io::Error| {
        let kind = if error.kind() == io::ErrorKind::NotFound && what.is_empty() { 'N' } else { 'X' };
        format!("{kind}{what}{}", refloat::error::io_text(error))
    };
    if let Err(error) = std::env::set_current_dir(&order.cwd) {
        return telling(&format!("cannot enter {}: ", order.cwd.display()), &error);
    }
    let own = |fd: BorrowedFd<'_>| fd.try_clone_to_owned().map(Stdio::from);
    let input = match (descriptors.pipe, order.prompt.as_deref()) {
        (Some(pipe), _) => own(pipe),
        (None, Some(prompt)) => File::open(prompt).map(Stdio::from),
        (None, None) => Ok(Stdio::null()),
    };
    let input = match input {
        Ok(input) => input,
        Err(error) => return telling("cannot open the prompt: ", &error),
    };
    let (output, errors) = match (own(descriptors.stream), own(descriptors.stderr)) {
        (Ok(output), Ok(errors)) => (output, errors),
        (Err(error), _) | (_, Err(error)) => return telling("cannot hand over the stream: ", &error),
    };
    let Some((program, arguments)) = order.command.split_first() else {
        return "Xthe command is empty".into();
    };
    // std's exec also gives SIGPIPE back its default, which Rust's start-up takes away.
    let mut command = Command::new(program);
    command.args(arguments).stdin(input).stdout(output).stderr(errors);
    let error = command.env_clear().envs(order.environment.iter().filter_map(variable)).exec();
    telling("", &error)
}
