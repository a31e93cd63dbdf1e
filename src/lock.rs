//! The two locks of an agent: kernel locks (flock), which die with their holders.
//!
//! The *turn lock* is held while the shim or its supervisor lives: one open file description, shared by
//! both, and only ever closed, for LOCK_UN in one process would free it for all (flock(2)).
//! The *supervisor lock* is held by whoever watches or finishes a turn. Lock files are never unlinked.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;

use crate::error::{Failure, IoContext, Result};
use crate::exit::Exit;
use crate::flock;
use crate::state::Place;

/// Somebody who goes just now is waited for.
const MOMENT: Duration = Duration::from_millis(100);

/// The turn lock, or a share of it. Closing the last share frees it; nothing else does.
#[derive(Debug)]
pub struct TurnLock(File);

impl TurnLock {
    /// Takes the lock, waiting at most `wait`. None: somebody else holds it.
    pub fn take(place: &Place, agent: &str, wait: Duration) -> Result<Option<Self>> {
        Ok(take(&Self::path(place, agent), wait)?.map(Self))
    }

    /// The lock's file.
    #[must_use]
    pub fn path(place: &Place, agent: &str) -> PathBuf {
        path(place, agent, "turn")
    }

    /// Another share, to be given to the shim.
    pub fn share(&self) -> io::Result<File> {
        self.0.try_clone()
    }

    /// Whether somebody holds the agent's turn lock now. Looks with a shared lock that is dropped at once.
    pub fn is_held(place: &Place, agent: &str) -> Result<bool> {
        is_held(&Self::path(place, agent))
    }
}

/// Whether somebody holds the agent's supervisor lock now, looked at in the same way.
pub fn is_supervised(place: &Place, agent: &str) -> Result<bool> {
    is_held(&path(place, agent, "supervisor"))
}

/// Whoever takes a lock waits until this shared one has gone.
fn is_held(path: &Path) -> Result<bool> {
    // O_NONBLOCK: the open of a named pipe would wait for its other end.
    match File::options().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::io(format!("cannot open {}", path.display()), error)),
        Ok(file) => flock::is_taken(&file).or_fail(|| format!("cannot lock {}", path.display())),
    }
}

/// The supervisor lock, held: one process holds it alone. fd-lock has no wait with an end, so `flock` takes it; fd-lock's
/// guard, which unlocks when it goes, lets go of it, whoever has forked since.
#[derive(Debug)]
pub struct SupervisorLock(fd_lock::RwLock<File>);

impl SupervisorLock {
    /// The lock's file.
    #[must_use]
    pub fn path(place: &Place, agent: &str) -> PathBuf {
        path(place, agent, "supervisor")
    }

    /// Takes the lock, waiting at most `wait`. None: somebody else holds it.
    pub fn take(place: &Place, agent: &str, wait: Duration) -> Result<Option<Self>> {
        Ok(take(&Self::path(place, agent), wait)?.map(|file| Self(fd_lock::RwLock::new(file))))
    }
}

impl Drop for SupervisorLock {
    fn drop(&mut self) {
        // To lock what is locked by the same open file is granted at once; the end of this guard frees it.
        drop(self.0.try_write());
    }
}

fn path(place: &Place, agent: &str, kind: &str) -> PathBuf {
    place.companion("locks").join(format!("{agent}.{kind}"))
}

fn take(path: &Path, wait: Duration) -> Result<Option<File>> {
    let taken = flock::take_past_looks(open(path)?, &open(path)?, wait.max(MOMENT));
    taken.or_fail(|| format!("cannot lock {}", path.display()))
}

/// Opens a lock file, and makes it and its folder where they are missing.
fn open(path: &Path) -> Result<File> {
    let failed = |error| Failure::io(format!("cannot open lock {}", path.display()), error).exit(Exit::CannotCreate);
    // O_NONBLOCK: the open of a named pipe would wait for its other end.
    let flags = OFlags::NONBLOCK.bits() as i32;
    let create = || {
        let mut options = File::options();
        options.create(true).truncate(false).read(true).write(true).mode(0o600).custom_flags(flags).open(path)
    };
    let opened = create().or_else(|error| match path.parent() {
        Some(folder) if error.kind() == io::ErrorKind::NotFound => {
            std::os::unix::fs::DirBuilderExt::mode(std::fs::DirBuilder::new().recursive(true), 0o700).create(folder)?;
            create()
        }
        _ => Err(error),
    });
    let file = opened.map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        let message = format!("cannot open lock {}: it is no regular file", path.display());
        return Err(Failure::new(Exit::CannotCreate, message)
            .hint("somebody has put it there; when no turn of the agent runs, move it away"));
    }
    Ok(file)
}
