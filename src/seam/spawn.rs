//! Starting a process of ours with a clean slate: three descriptors, no blocked and no ignored signals.
//! The only way refloat starts itself anew. std's spawn passes on a blocked mask and ignored signals,
//! and a caller's ignored CHLD would take the exit status from the shim.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::SigSet;

/// This program, also after its file was replaced by a newer one.
const OURSELVES: &str = "/proc/self/exe";

/// The three descriptors of a new process.
#[derive(Clone, Copy, Debug)]
pub struct Stdio<'f> {
    /// Descriptor 0.
    pub input: BorrowedFd<'f>,
    /// Descriptor 1.
    pub output: BorrowedFd<'f>,
    /// Descriptor 2.
    pub errors: BorrowedFd<'f>,
}

/// Starts this program again as `arguments` say; returns its pid.
///
/// Every descriptor of ours is close-on-exec; those that the caller has passed in to us are not, so the new
/// process closes them itself ([`close_strays`]).
///
/// # Errors
/// What posix_spawn(3) gives; `InvalidInput` for an argument with a NUL byte.
pub fn ourselves(arguments: &[OsString], environment: &[(OsString, OsString)], stdio: Stdio<'_>) -> io::Result<i32> {
    let path = CString::new(OURSELVES)?;
    let arguments = arguments.iter().map(|word| c_string(word)).collect::<io::Result<Vec<_>>>()?;
    let environment = environment.iter().map(entry).collect::<io::Result<Vec<_>>>()?;
    let mut actions = PosixSpawnFileActions::init()?;
    for (fd, target) in [(stdio.input, 0), (stdio.output, 1), (stdio.errors, 2)] {
        actions.add_dup2(fd.as_raw_fd(), target)?;
    }
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_sigdefault(&SigSet::all())?;
    attributes.set_sigmask(&SigSet::empty())?;
    attributes.set_flags(PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK)?;
    Ok(posix_spawn(path.as_c_str(), &actions, &attributes, &arguments, &environment)?.as_raw())
}

/// Closes every descriptor above 2: a caller's lock, pipe or jobserver must not live as long as we do.
///
/// # Errors
/// What reading `/proc/self/fd` gives.
pub fn close_strays() -> io::Result<()> {
    let mut open: Vec<i32> = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        open.extend(entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()).filter(|fd| *fd > 2));
    }
    for fd in open {
        // The listing's own descriptor is among them, and already closed.
        let _ = nix::unistd::close(fd);
    }
    Ok(())
}

fn entry((name, value): &(OsString, OsString)) -> io::Result<CString> {
    let mut bytes = name.clone().into_vec();
    bytes.push(b'=');
    bytes.extend(value.as_bytes());
    Ok(CString::new(bytes)?)
}

fn c_string(word: &OsStr) -> io::Result<CString> {
    Ok(CString::new(word.as_bytes())?)
}
