//! The two locks of an agent: kernel locks (flock), which die with their holders.
//!
//! The *turn lock* is held while the shim or its supervisor lives: one open file description, shared by
//! both, and only ever closed, for LOCK_UN in one process would free it for all (flock(2)).
//! The *supervisor lock* is held by whoever watches or finishes a turn. Lock files are never unlinked.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use rustix::fs::OFlags;

use crate::error::{Failure, IoContext, Result};
use crate::exit::Exit;
use crate::flock::{self, Hold};
use crate::state::Place;

/// A prober holds a lock for a moment; nobody is refused for that.
const PROBE: Duration = Duration::from_millis(100);

/// The turn lock, or a share of it. Closing the last share frees it; nothing else does.
#[derive(Debug)]
pub struct TurnLock(File);

impl TurnLock {
    /// Takes the lock, waiting at most `wait`. None: somebody else holds it.
    pub fn take(place: &Place, agent: &str, wait: Duration) -> Result<Option<Self>> {
        let path = Self::path(place, agent);
        let taken = flock::take(open(&path)?, Hold::Alone, wait.max(PROBE));
        Ok(taken.or_fail(|| format!("cannot lock {}", path.display()))?.map(Self))
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

    /// Whether somebody holds the agent's turn lock now.
    pub fn is_held(place: &Place, agent: &str) -> Result<bool> {
        is_held(&Self::path(place, agent))
    }
}

/// The supervisor lock, held. One process holds it alone, so fd-lock's guard, which unlocks on drop, is right.
#[derive(Debug)]
pub struct SupervisorLock(#[expect(dead_code, reason = "held, not read")] fd_lock::RwLockWriteGuard<'static, File>);

impl SupervisorLock {
    /// The lock's file.
    #[must_use]
    pub fn path(place: &Place, agent: &str) -> PathBuf {
        path(place, agent, "supervisor")
    }

    /// Whether somebody watches or finishes a turn of the agent now.
    pub fn is_held(place: &Place, agent: &str) -> Result<bool> {
        is_held(&Self::path(place, agent))
    }

    /// Takes the lock, waiting at most `wait`. None: somebody else holds it.
    pub fn take(place: &Place, agent: &str, wait: Duration) -> Result<Option<Self>> {
        let path = Self::path(place, agent);
        // The guard borrows the lock, and both have to outlive this call: a lock or two are left to the process's end.
        let fresh = || open(&path).map(|file| Box::leak(Box::new(fd_lock::RwLock::new(file))));
        if let Ok(guard) = fresh()?.try_write() {
            return Ok(Some(Self(guard)));
        }
        let lock = fresh()?;
        let (sender, receiver) = mpsc::channel();
        std::thread::Builder::new()
            .spawn(move || sender.send(lock.write()))
            .or_fail(|| format!("cannot wait for lock {}", path.display()))?;
        match receiver.recv_timeout(wait.max(PROBE)) {
            Ok(taken) => taken.map(|guard| Some(Self(guard))).or_fail(|| format!("cannot lock {}", path.display())),
            Err(_) => Ok(None),
        }
    }
}

/// Looks with a shared lock that is dropped at once.
fn is_held(path: &Path) -> Result<bool> {
    // O_NONBLOCK: the open of a named pipe would wait for its other end.
    match File::options().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::io(format!("cannot open {}", path.display()), error)),
        Ok(file) => flock::is_taken(&file).or_fail(|| format!("cannot lock {}", path.display())),
    }
}

fn path(place: &Place, agent: &str, kind: &str) -> PathBuf {
    place.companion("locks").join(format!("{agent}.{kind}"))
}

/// Opens a lock file, and makes it and its folder where they are missing.
fn open(path: &Path) -> Result<File> {
    let create = || File::options().create(true).truncate(false).write(true).mode(0o600).open(path);
    let opened = create().or_else(|error| match path.parent() {
        Some(folder) if error.kind() == io::ErrorKind::NotFound => {
            std::os::unix::fs::DirBuilderExt::mode(std::fs::DirBuilder::new().recursive(true), 0o700).create(folder)?;
            create()
        }
        _ => Err(error),
    });
    opened.map_err(|error| Failure::io(format!("cannot open lock {}", path.display()), error).exit(Exit::CannotCreate))
}
