//! A process that is born inside its cgroup: clone3(2) with CLONE_INTO_CGROUP. The one module with unsafe code.
//! Called by `spawn` alone.
//!
//! Moving a process into a group after its birth, by writing to `cgroup.procs`, waits for an RCU grace period:
//! 8 to 20 ms measured, against 0.3 ms for this; and between birth and move a fork could slip away.
//! Neither std nor posix_spawn(3) before glibc 2.39 can do it.

#![allow(unsafe_code)]

use std::convert::Infallible;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::libc;

/// `struct clone_args` (linux/sched.h), as far as CLONE_INTO_CGROUP needs it (version 2, Linux 5.7).
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// linux/sched.h; libc's constant is an `int` that it does not fit.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Makes a child in the group behind `folder`; returns its pid. The child runs `becoming`, which executes
/// a program; if it comes back, the child ends with 126.
///
/// # Errors
/// What clone3(2) gives, and `Unsupported` in a process with more than one thread.
pub(super) fn in_cgroup(folder: BorrowedFd<'_>, becoming: impl FnOnce() -> io::Result<Infallible>) -> io::Result<i32> {
    if std::fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "more than one thread"));
    }
    let args = CloneArgs {
        flags: CLONE_INTO_CGROUP,
        exit_signal: libc::SIGCHLD as u64,
        cgroup: folder.as_raw_fd() as u64,
        ..CloneArgs::default()
    };
    // SAFETY: without CLONE_VM and with no stack given, clone3 is fork(2): the child has a copy of this memory and
    // returns here. This process has one thread (seen above, and only this thread could start another), so no lock
    // of the allocator or of std is held by anybody else, and the child may call what any program may.
    // `args` lives across the call, and its size tells the kernel which version it is.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of::<CloneArgs>()) };
    match pid {
        0 => {
            let _ = becoming();
            // SAFETY: _exit(2) ends the child at once; nothing of the parent's is flushed or unlocked twice.
            unsafe { libc::_exit(126) }
        }
        1.. => i32::try_from(pid).map_err(io::Error::other),
        _ => Err(io::Error::last_os_error()),
    }
}
