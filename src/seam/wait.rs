//! Waiting: one `poll` over descriptors up to a point in time, restarted when a signal interrupts it.
//! Called by everything that waits. It never waits without an end.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::Timespec;
pub use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use crate::clock::Tick;

/// Waits until a descriptor has what was asked of it, or `deadline` has passed.
/// Returns how many are ready; 0 means the deadline. A deadline in the past looks once.
///
/// # Errors
/// What poll(2) gives except `EINTR`.
pub fn until(fds: &mut [PollFd<'_>], deadline: Tick) -> io::Result<usize> {
    loop {
        match rustix::event::poll(fds, Some(&timespec(deadline.since(Tick::now())))) {
            Err(Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}

/// Waits until `fd` is readable (a pidfd: until the process has ended); false means the deadline.
///
/// # Errors
/// As [`until`].
pub fn readable(fd: BorrowedFd<'_>, deadline: Tick) -> io::Result<bool> {
    until(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], deadline).map(|ready| ready > 0)
}

/// Lets `while_` pass, between two looks at something that gives no notice.
pub fn pause(while_: Duration) {
    // Without descriptors poll(2) fails on signals only, and those are restarted.
    let _ = until(&mut [], Tick::now().plus(while_));
}

fn timespec(left: Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX), tv_nsec: i64::from(left.subsec_nanos()) }
}

#[cfg(test)]
mod tests {
    use std::io::{Write, pipe};
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn the_deadline_ends_the_wait() {
        let (reader, _writer) = pipe().unwrap();
        let before = Tick::now();
        assert!(!readable(reader.as_fd(), before.plus(Duration::from_millis(20))).unwrap());
        assert!(Tick::now().since(before) >= Duration::from_millis(20));
        assert!(!readable(reader.as_fd(), before).unwrap(), "a past deadline looks once");
    }

    #[test]
    fn data_and_a_closed_end_are_both_ready() {
        let (reader, mut writer) = pipe().unwrap();
        let soon = || Tick::now().plus(Duration::from_secs(5));
        writer.write_all(b"x").unwrap();
        assert!(readable(reader.as_fd(), soon()).unwrap());
        let (reader, writer) = pipe().unwrap();
        drop(writer);
        assert!(readable(reader.as_fd(), soon()).unwrap());
    }
}
