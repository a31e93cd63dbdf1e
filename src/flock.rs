//! Kernel locks with an end to the waiting. flock, because the kernel drops it with its holder
//! and wakes waiters in turn; std has no timed form, so a thread waits and we wait for the thread.

use std::fs::File;
use std::io;
use std::sync::mpsc;
use std::time::Duration;

use std::fs::TryLockError;

/// How long a command waits for another one.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Together with others.
    Shared,
    /// Alone.
    Alone,
}

/// Locks this open file; false if others held it all the while.
pub(crate) fn take(file: &File, hold: Hold, patience: Duration) -> io::Result<bool> {
    let tried = match hold {
        Hold::Shared => file.try_lock_shared(),
        Hold::Alone => file.try_lock(),
    };
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => wait(file, hold, patience),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The thread waits on a duplicate: one open file description, so its lock is ours.
/// After the time is up nobody listens; a lock that still comes ends with the thread's duplicate.
fn wait(file: &File, hold: Hold, patience: Duration) -> io::Result<bool> {
    let twin = file.try_clone()?;
    let (tell, told) = mpsc::sync_channel(1);
    std::thread::Builder::new().name("lock".into()).spawn(move || {
        let _ = tell.send(block(&twin, hold));
    })?;
    match told.recv_timeout(patience) {
        Ok(done) => done.map(|()| true),
        Err(_) => Ok(false),
    }
}

fn block(file: &File, hold: Hold) -> io::Result<()> {
    loop {
        let done = match hold {
            Hold::Shared => file.lock_shared(),
            Hold::Alone => file.lock(),
        };
        match done {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// A held lock, let go at the end of its scope; the file stays open for the next time.
pub(crate) struct Held<'f>(pub(crate) &'f File);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Tick;

    #[test]
    fn waiting_ends_and_the_lock_can_be_had_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let holder = File::create(&path).unwrap();
        holder.lock().unwrap();
        let waiter = File::open(&path).unwrap();
        let start = Tick::now();
        assert!(!take(&waiter, Hold::Alone, Duration::from_millis(50)).unwrap());
        assert!(Tick::now().since(start) >= Duration::from_millis(50));
        drop(waiter);
        holder.unlock().unwrap();
        // The abandoned thread may get it first, and then lets it go at once.
        assert!(take(&File::open(&path).unwrap(), Hold::Alone, PATIENCE).unwrap());
    }

    #[test]
    fn a_lock_won_by_waiting_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let holder = File::create(&path).unwrap();
        holder.lock().unwrap();
        let waiter = File::open(&path).unwrap();
        std::thread::scope(|scope| {
            let won = scope.spawn(|| take(&waiter, Hold::Alone, PATIENCE).unwrap());
            holder.unlock().unwrap();
            assert!(won.join().unwrap());
        });
        assert!(matches!(holder.try_lock(), Err(TryLockError::WouldBlock)));
        drop(Held(&waiter));
        holder.try_lock().unwrap();
    }
}
