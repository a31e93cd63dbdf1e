//! A child of this process that goes on in its own code: fork(2), or clone3(2) straight into a cgroup.
//! The one module with unsafe code. Called by the shim alone, to make the process that becomes the agent.
//!
//! Moving a process into a group after its birth, by writing to `cgroup.procs`, waits for an RCU grace period:
//! 8 to 20 ms measured, against 0.3 ms for CLONE_INTO_CGROUP; and between birth and move a fork could slip away.
//! Neither std nor posix_spawn(3) before glibc 2.39 can do it.

#![allow(unsafe_code)]

use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use nix::libc;

use super::cgroup::Cgroup;

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
/// How a child ends whose `life` has come to an end.
const SPENT: i32 = 125;

/// Makes a child that runs `life` and nothing after it; returns its pid. In the group from its first instruction,
/// where one is given.
///
/// # Errors
/// What clone3(2) or fork(2) gives, and `Unsupported` in a process with more than one thread.
pub fn child(group: Option<&Cgroup>, life: impl FnOnce() -> io::Result<Infallible>) -> io::Result<i32> {
    if std::fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "more than one thread"));
    }
    let folder = group.map(|group| File::open(group.path())).transpose()?;
    let args = CloneArgs {
        flags: CLONE_INTO_CGROUP,
        exit_signal: libc::SIGCHLD as u64,
        cgroup: folder.as_ref().map_or(0, |folder| folder.as_raw_fd() as u64),
        ..CloneArgs::default()
    };
    // SAFETY: without CLONE_VM and with no stack given, clone3 is fork: the child has a copy of this memory and
    // returns here. This process has one thread (seen above, and only this thread could start another), so nobody
    // else holds a lock of the allocator or of std, and the child may call what any program may.
    // `args` lives across the call, and its size tells the kernel which version it is.
    let pid = unsafe {
        match folder {
            Some(_) => libc::syscall(libc::SYS_clone3, &raw const args, size_of::<CloneArgs>()),
            None => libc::c_long::from(libc::fork()),
        }
    };
    match pid {
        0 => {
            let _ = life();
            // SAFETY: _exit(2) ends the child at once; nothing of the parent's is flushed or unlocked twice.
            unsafe { libc::_exit(SPENT) }
        }
        1.. => i32::try_from(pid).map_err(io::Error::other),
        _ => Err(io::Error::last_os_error()),
    }
}
