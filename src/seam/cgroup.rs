//! A cgroup v2 group of a turn's own: made, joined, killed, counted and removed.
//! Called by `turn`, the shim and the tree instruments. It never kills a group that holds its caller.

use std::fs;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use rustix::fs::{Access, access, statfs};
use rustix::io::Errno;

use super::process::{Handle, own_pid};
use super::wait::{self, PollFd, PollFlags};
use crate::clock::Tick;
use crate::words::words;

/// statfs(2) type of cgroup2.
const MAGIC: u64 = 0x6367_7270;
/// How deep and how many groups below ours are looked through: what ran inside may have made its own.
const MOST_GROUPS: usize = 4096;

words! {
    /// Why no group could be made; the caller falls back to being subreaper.
    pub enum NoCgroup {
        /// There is no cgroup2 mount here, or our own group is not visible under it.
        NotMounted = "cgroup_not_mounted",
        /// EACCES or EPERM: our own group has not been delegated to us.
        Denied = "cgroup_denied",
        /// EROFS: mounted read-only, as in most containers.
        ReadOnly = "cgroup_read_only",
        /// EOPNOTSUPP, or a threaded group: processes cannot be put into a child of ours.
        NotSupported = "cgroup_not_supported",
        /// EAGAIN or ENOSPC: a limit on depth or number.
        Limit = "cgroup_limit",
        /// A group of that name exists: the name was not unique.
        Exists = "cgroup_exists",
        /// Any other error.
        Failed = "cgroup_failed",
    }
}

/// A group in the cgroup2 tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    /// Where a group of this name under the caller's own would be: recorded before it is made, so that it can be
    /// found whoever dies in between. The name must be unique (`refloat-1a2b3c4d`).
    ///
    /// # Errors
    /// Why there can be none.
    pub fn plan(name: &str) -> Result<PathBuf, NoCgroup> {
        let parent = own_group().ok_or(NoCgroup::NotMounted)?;
        // Moving a process down wants write access to `cgroup.procs` of the common ancestor too (cgroup-v2.rst).
        access(parent.join("cgroup.procs"), Access::WRITE_OK).map_err(reason)?;
        Ok(parent.join(name))
    }

    /// Makes the group that was planned; an existing one is refused.
    ///
    /// # Errors
    /// Why there can be none.
    pub fn make(path: &Path) -> Result<Self, NoCgroup> {
        let made = Self { path: path.to_owned() };
        fs::create_dir(&made.path).map_err(|error| reason(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
        // Below a threaded group a child is "domain invalid" and takes no process.
        match fs::read_to_string(made.path.join("cgroup.type")) {
            Ok(kind) if kind.trim() == "domain" => Ok(made),
            _ => {
                let _ = fs::remove_dir(&made.path);
                Err(NoCgroup::NotSupported)
            }
        }
    }

    /// A group that was made before, by its recorded path.
    ///
    /// # Errors
    /// `NotFound` when it has been removed (or was of an earlier boot); `InvalidInput` when it is no cgroup2 folder.
    pub fn open(path: &Path) -> io::Result<Self> {
        let kind = statfs(path)?.f_type;
        if u64::try_from(kind).ok() != Some(MAGIC) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{} is not a cgroup2 folder", path.display()),
            ));
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Where it is; this is what is recorded.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the calling process into the group.
    ///
    /// # Errors
    /// What the write to `cgroup.procs` gives.
    pub fn join(&self) -> io::Result<()> {
        write(&self.path.join("cgroup.procs"), "0")
    }

    /// Whether a process lives in it or below it. Zombies do not count.
    ///
    /// # Errors
    /// What reading `cgroup.events` gives; `NotFound` when the group has been removed.
    pub fn populated(&self) -> io::Result<bool> {
        self.is_populated(&fs::File::open(self.path.join("cgroup.events"))?)
    }

    /// The pids in it and below it; those outside our pid namespace read as 0 and are left out.
    ///
    /// # Errors
    /// What reading gives; `NotFound` when the group has been removed.
    pub fn members(&self) -> io::Result<Vec<i32>> {
        let mut found = Vec::new();
        for group in self.groups()? {
            match fs::read_to_string(group.join("cgroup.procs")) {
                Ok(text) => {
                    found.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()).filter(|&pid| pid > 0))
                }
                Err(error) if group != self.path && gone(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Sends KILL to every member, once. Where the kernel has no `cgroup.kill` (before 5.14) the group is frozen and
    /// each member killed; call it again until the group is empty.
    ///
    /// # Errors
    /// `Deadlock` when the caller is a member: it would kill itself. Else what writing gives.
    pub fn kill(&self) -> io::Result<()> {
        if self.members()?.contains(&own_pid()) {
            return Err(io::Error::from(io::ErrorKind::Deadlock));
        }
        match write(&self.path.join("cgroup.kill"), "1") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.freeze_and_kill(),
            other => other,
        }
    }

    fn freeze_and_kill(&self) -> io::Result<()> {
        // Before 5.2 there is no freezer either; then only repeating helps.
        let _ = write(&self.path.join("cgroup.freeze"), "1");
        for pid in self.members()? {
            // Membership was read a moment ago: the pidfd is opened on whoever has the number, so look again after it.
            if let Ok(handle) = Handle::open_here(pid, |_| self.has(pid)) {
                let _ = handle.signal(Signal::SIGKILL);
            }
        }
        Ok(())
    }

    fn has(&self, pid: i32) -> bool {
        self.members().is_ok_and(|members| members.contains(&pid))
    }

    /// Removes the group and those below it, waiting at most `timeout` until it is empty.
    ///
    /// # Errors
    /// `EBUSY` when something lives in it still; else what rmdir(2) gives. A group that is gone is no error.
    pub fn remove(&self, timeout: Duration) -> io::Result<()> {
        self.wait_until_empty(Tick::now().plus(timeout))?;
        let groups = match self.groups() {
            Err(error) if gone(&error) => return Ok(()),
            other => other?,
        };
        for group in groups.iter().rev() {
            match fs::remove_dir(group) {
                Err(error) if !gone(&error) => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// cgroup.events tells by POLLPRI that it has changed since it was last read through the same descriptor.
    fn wait_until_empty(&self, deadline: Tick) -> io::Result<()> {
        let events = match fs::File::open(self.path.join("cgroup.events")) {
            Err(error) if gone(&error) => return Ok(()),
            other => other?,
        };
        loop {
            match self.is_populated(&events) {
                Ok(false) => return Ok(()),
                Err(error) if gone(&error) => return Ok(()),
                other => drop(other?),
            }
            if wait::until(&mut [PollFd::from_borrowed_fd(events.as_fd(), PollFlags::PRI)], deadline)? == 0 {
                return Err(Errno::BUSY.into());
            }
        }
    }

    fn is_populated(&self, events: &fs::File) -> io::Result<bool> {
        let mut buffer = [0; 256];
        let length = events.read_at(&mut buffer, 0)?;
        let text = std::str::from_utf8(buffer.get(..length).unwrap_or_default()).unwrap_or_default();
        text.lines().find_map(|line| line.strip_prefix("populated ")).map(|value| value != "0").ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{} has no population", self.path.display()))
        })
    }

    /// This group and all below it, outer ones first.
    fn groups(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = vec![self.path.clone()];
        let mut next = 0;
        while let Some(group) = found.get(next).cloned() {
            next += 1;
            match fs::read_dir(&group) {
                Ok(entries) => found.extend(
                    entries
                        .flatten()
                        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
                        .map(|entry| entry.path()),
                ),
                Err(error) if group != self.path && gone(&error) => {}
                Err(error) => return Err(error),
            }
            if found.len() > MOST_GROUPS {
                return Err(io::Error::new(
                    io::ErrorKind::QuotaExceeded,
                    format!("too many groups in {}", self.path.display()),
                ));
            }
        }
        Ok(found)
    }
}

/// A group can be removed while it is read: ENODEV is what its open files say then.
fn gone(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOENT | Errno::NODEV))
}

fn write(path: &Path, word: &str) -> io::Result<()> {
    fs::OpenOptions::new().write(true).open(path)?.write_all(word.as_bytes())
}

fn reason(errno: Errno) -> NoCgroup {
    match errno {
        Errno::ACCESS | Errno::PERM => NoCgroup::Denied,
        Errno::ROFS => NoCgroup::ReadOnly,
        Errno::OPNOTSUPP => NoCgroup::NotSupported,
        Errno::NOENT => NoCgroup::NotMounted,
        Errno::AGAIN | Errno::NOSPC => NoCgroup::Limit,
        Errno::EXIST => NoCgroup::Exists,
        _ => NoCgroup::Failed,
    }
}

/// The folder of the group that this process is in.
fn own_group() -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    mount_of(&fs::read_to_string("/proc/self/mountinfo").ok()?, own)
}

/// Finds a cgroup2 mount that shows the group `own`: the mount may begin below the root of the tree.
fn mount_of(mountinfo: &str, own: &str) -> Option<PathBuf> {
    mountinfo.lines().find_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let mut fields = left.split(' ').skip(3);
        let (root, point) = (unescape(fields.next()?), unescape(fields.next()?));
        let below = Path::new(own).strip_prefix(&root).ok()?;
        let inside = !below.components().any(|part| part == std::path::Component::ParentDir);
        (inside && right.split(' ').next() == Some("cgroup2")).then(|| Path::new(&point).join(below))
    })
}

/// mountinfo writes blank, tab, newline and backslash as three octal digits.
fn unescape(field: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(field.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

#[cfg(test)]
mod tests;
