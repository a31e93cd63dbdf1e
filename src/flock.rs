//! Kernel locks with an end to the waiting. flock, because the kernel drops it with its holder
//! and wakes waiters in turn; std has no timed form, so a thread waits and we wait for the thread.

use std::fs::File;
use std::io;
use std::sync::mpsc::{self, Receiver};
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

/// Locks this open file and gives it back; none if others held it all the while. Then it is closed, for the wait may
/// still end in a lock, and a flock belongs to the open file: with that it is gone.
pub(crate) fn take(file: File, hold: Hold, patience: Duration) -> io::Result<Option<File>> {
    let tried = match hold {
        Hold::Shared => file.try_lock_shared(),
        Hold::Alone => file.try_lock(),
    };
    match tried {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => wait(file, hold, patience),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Locks this open file alone, as [`take`] does, and waits on while nobody holds it alone: whoever looks shares it for
/// moments that a busy machine makes long, as it does the way to a lock that is free. `look` is the same file, opened again.
pub(crate) fn take_past_looks(file: File, look: &File, patience: Duration) -> io::Result<Option<File>> {
    match file.try_lock() {
        Ok(()) => return Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let told = waiter(file, Hold::Alone)?;
    let mut left = PATIENCE;
    loop {
        // Between two halves: if it was our own thread that had it by then, that is told in the second.
        let first = told.recv_timeout(patience / 2);
        let taken = first.is_err() && is_taken(look)?;
        match first.or_else(|_| told.recv_timeout(patience / 2)) {
            Ok(done) => return done.map(Some),
            Err(_) if taken || left.is_zero() => return Ok(None),
            Err(_) => left = left.saturating_sub(patience),
        }
    }
}

/// Whether somebody holds this file alone. Looks with a shared lock that is dropped at once.
pub(crate) fn is_taken(file: &File) -> io::Result<bool> {
    match file.try_lock_shared() {
        Ok(()) => file.unlock().map(|()| false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn wait(file: File, hold: Hold, patience: Duration) -> io::Result<Option<File>> {
    match waiter(file, hold)?.recv_timeout(patience) {
        Ok(done) => done.map(Some),
        Err(_) => Ok(None),
    }
}

/// The file goes to the thread that waits, and comes back with its lock. When nobody listens any more, what is sent is
/// dropped, and closed.
fn waiter(file: File, hold: Hold) -> io::Result<Receiver<io::Result<File>>> {
    let (tell, told) = mpsc::sync_channel(1);
    std::thread::Builder::new().name("lock".into()).spawn(move || {
        let _ = tell.send(block(&file, hold).map(|()| file));
    })?;
    Ok(told)
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

/// A held lock, let go at the end of its scope.
pub(crate) enum Held<'f> {
    /// Of a file that stays open for the next time.
    Lent(&'f File),
    /// Of a file that was opened to wait for it.
    Own(File),
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let _ = match self {
            Held::Lent(file) => file.unlock(),
            Held::Own(file) => file.unlock(),
        };
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
        assert!(take(waiter, Hold::Alone, Duration::from_millis(50)).unwrap().is_none());
        assert!(Tick::now().since(start) >= Duration::from_millis(50));
        holder.unlock().unwrap();
        // The abandoned thread may get it first, and then lets it go at once.
        assert!(take(File::open(&path).unwrap(), Hold::Alone, PATIENCE).unwrap().is_some());
    }

    /// The look outlasts the patience many times; who holds the lock alone is not waited for.
    #[test]
    fn nobody_is_refused_for_a_look_however_long_it_takes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let (look, other) = (File::create(&path).unwrap(), File::open(&path).unwrap());
        let take = || take_past_looks(File::open(&path).unwrap(), &other, Duration::from_millis(4)).unwrap();
        look.lock_shared().unwrap();
        std::thread::scope(|scope| {
            let taker = scope.spawn(take);
            let (_nobody, told) = mpsc::channel::<()>();
            told.recv_timeout(Duration::from_millis(100)).unwrap_err();
            look.unlock().unwrap();
            assert!(taker.join().unwrap().is_some());
        });
        look.lock().unwrap();
        assert!(take().is_none());
    }

    #[test]
    fn a_lock_won_by_waiting_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let holder = File::create(&path).unwrap();
        holder.lock().unwrap();
        let waiter = File::open(&path).unwrap();
        let won = std::thread::spawn(|| take(waiter, Hold::Alone, PATIENCE).unwrap());
        holder.unlock().unwrap();
        let won = won.join().unwrap().unwrap();
        assert!(matches!(holder.try_lock(), Err(TryLockError::WouldBlock)));
        drop(Held::Lent(&won));
        holder.try_lock().unwrap();
    }
}
