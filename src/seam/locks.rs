//! The lock instrument: whether a file is locked, and who is said to hold it.
//! Called by `probe`. It asks for a shared lock and drops it at once, and never for one alone; it never waits.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::regular::{Reached, not_file};
use crate::error::{io_text, is_missing};
use crate::flock;
use crate::model::{LockFamily, LockLook, LockMode, NotFile};

/// What a look at a lock finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// Whether it is held.
    pub look: LockLook,
    /// By which call.
    pub family: Option<LockFamily>,
    /// How.
    pub mode: Option<LockMode>,
    /// Who took it, by what the kernel lists: a process may have passed it on, and have ended.
    pub pids: Vec<i32>,
    /// The instrument's own words, where it failed.
    pub error: Option<String>,
}

/// Looks whether a file or folder is locked.
#[must_use]
pub fn look(path: &Path) -> Locked {
    let nobody = |look, error| Locked { look, family: None, mode: None, pids: Vec::new(), error };
    match looked(path) {
        Ok(Ok(locked)) => locked,
        Ok(Err(other)) => nobody(LockLook::NotFile(other), None),
        Err(error) => nobody(missed(&error), Some(io_text(&error)).filter(|_| missed(&error) != LockLook::NoFile)),
    }
}

fn missed(error: &io::Error) -> LockLook {
    match error.kind() {
        _ if is_missing(error) => LockLook::NoFile,
        ErrorKind::PermissionDenied => LockLook::Denied,
        _ if error.raw_os_error() == Some(libc::ELOOP) => LockLook::Loop,
        _ => LockLook::Failed,
    }
}

fn looked(path: &Path) -> io::Result<Result<Locked, NotFile>> {
    let reached = Reached::at(path)?;
    let kind = reached.data.file_type();
    if !kind.is_file() && !kind.is_dir() {
        return Ok(Err(not_file(kind)));
    }
    let file = reached.open()?;
    let taken = flock::is_taken(&file)?;
    let record = if kind.is_file() { record_lock(&file) } else { None };
    drop(file);
    let listed = listed(&reached.data);
    Ok(Ok(if taken { held(LockFamily::Flock, LockMode::Alone, &listed) } else { other(record, &listed) }))
}

/// Not one that is held alone by flock(2): another, or none. One that several share is only listed.
fn other(record: Option<(LockFamily, LockMode, i32)>, listed: &[Entry]) -> Locked {
    if let Some((family, mode, pid)) = record {
        let mut locked = held(family, mode, listed);
        if pid > 0 && !locked.pids.contains(&pid) {
            locked.pids.push(pid);
        }
        return locked;
    }
    if listed.iter().any(|entry| (entry.family, entry.mode) == (LockFamily::Flock, LockMode::Shared)) {
        return held(LockFamily::Flock, LockMode::Shared, listed);
    }
    Locked { look: LockLook::Free, family: None, mode: None, pids: Vec::new(), error: None }
}

fn held(family: LockFamily, mode: LockMode, listed: &[Entry]) -> Locked {
    let mut pids: Vec<i32> =
        listed.iter().filter(|entry| entry.family == family && entry.pid > 0).map(|entry| entry.pid).collect();
    pids.sort_unstable();
    pids.dedup();
    Locked { look: LockLook::Held, family: Some(family), mode: Some(mode), pids, error: None }
}

/// Who took a lock on this file, as the kernel lists it; without an opinion on who holds it now.
#[must_use]
pub fn takers(path: &Path) -> Vec<i32> {
    let listed = Reached::at(path).map(|reached| listed(&reached.data)).unwrap_or_default();
    let mut pids: Vec<i32> = listed.iter().map(|entry| entry.pid).filter(|pid| *pid > 0).collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// A lock of fcntl(2) that would be in the way of one alone. Asking takes nothing.
fn record_lock(file: &File) -> Option<(LockFamily, LockMode, i32)> {
    let mut lock = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock)).ok()?;
    let mode = match i32::from(lock.l_type) {
        libc::F_UNLCK => return None,
        libc::F_RDLCK => LockMode::Shared,
        _ => LockMode::Alone,
    };
    let family = if lock.l_pid == -1 { LockFamily::Ofd } else { LockFamily::Posix };
    Some((family, mode, lock.l_pid))
}

/// One line of `/proc/locks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    family: LockFamily,
    mode: LockMode,
    pid: i32,
}

fn listed(data: &Metadata) -> Vec<Entry> {
    let (major, minor) = (rustix::fs::major(data.dev()), rustix::fs::minor(data.dev()));
    let inode = format!("{major:02x}:{minor:02x}:{}", data.ino());
    let text = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    text.lines().filter_map(|line| entry(line, &inode)).collect()
}

/// `1: FLOCK  ADVISORY  WRITE 4242 fe:00:1234 0 EOF` (proc_locks(5)); a line with `->` waits and holds nothing.
fn entry(line: &str, inode: &str) -> Option<Entry> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, family, _, mode, pid, at, ..] = words[..] else { return None };
    let family = match family {
        "FLOCK" => LockFamily::Flock,
        "POSIX" => LockFamily::Posix,
        "OFDLCK" => LockFamily::Ofd,
        _ => return None,
    };
    let mode = if mode == "READ" { LockMode::Shared } else { LockMode::Alone };
    (at == inode).then_some(Entry { family, mode, pid: pid.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernels_list_is_of_one_file_and_of_a_holder() {
        let alone = Entry { family: LockFamily::Flock, mode: LockMode::Alone, pid: 42 };
        let rows = [
            ("1: FLOCK  ADVISORY  WRITE 42 fe:00:7 0 EOF", Some(alone)),
            ("1: FLOCK  ADVISORY  READ 42 fe:00:7 0 EOF", Some(Entry { mode: LockMode::Shared, ..alone })),
            ("2: POSIX  ADVISORY  WRITE 42 fe:00:7 0 9", Some(Entry { family: LockFamily::Posix, ..alone })),
            ("3: OFDLCK ADVISORY  WRITE -1 fe:00:7 0 EOF", Some(Entry { family: LockFamily::Ofd, pid: -1, ..alone })),
            ("1: -> FLOCK  ADVISORY  WRITE 42 fe:00:7 0 EOF", None),
            ("1: FLOCK  ADVISORY  WRITE 42 fe:00:77 0 EOF", None),
            ("4: LEASE  ACTIVE    READ 42 fe:00:7 0 EOF", None),
            ("5: FLOCK", None),
            ("", None),
        ];
        for (line, wanted) in rows {
            assert_eq!(entry(line, "fe:00:7"), wanted, "{line}");
        }
    }

    #[test]
    fn every_kind_of_lock_is_seen_and_dropped_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert_eq!(look(&path).look, LockLook::NoFile);
        let file = File::options().create_new(true).read(true).write(true).open(&path).unwrap();
        assert_eq!(look(&path).look, LockLook::Free);
        let me = super::super::process::own_pid();
        let is = |family, mode, pids: &[i32]| {
            let seen = look(&path);
            assert_eq!((seen.look, seen.family, seen.mode), (LockLook::Held, Some(family), Some(mode)));
            assert_eq!(seen.pids, pids, "{family} {mode}");
        };
        file.lock().unwrap();
        is(LockFamily::Flock, LockMode::Alone, &[me]);
        file.unlock().unwrap();
        file.lock_shared().unwrap();
        is(LockFamily::Flock, LockMode::Shared, &[me]);
        file.unlock().unwrap();
        let mut whole = libc::flock {
            l_type: libc::F_WRLCK as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: 0,
            l_len: 0,
            l_pid: 0,
        };
        fcntl(&file, FcntlArg::F_OFD_SETLK(&whole)).unwrap();
        is(LockFamily::Ofd, LockMode::Alone, &[]);
        whole.l_type = libc::F_RDLCK as libc::c_short;
        fcntl(&file, FcntlArg::F_OFD_SETLK(&whole)).unwrap();
        is(LockFamily::Ofd, LockMode::Shared, &[]);
        whole.l_type = libc::F_UNLCK as libc::c_short;
        fcntl(&file, FcntlArg::F_OFD_SETLK(&whole)).unwrap();
        assert_eq!(look(&path).look, LockLook::Free);
        assert_eq!(look(folder.path()).look, LockLook::Free, "a folder can be locked");
    }

    #[test]
    fn what_cannot_be_opened_is_not_free() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(look(&fifo).look, LockLook::NotFile(NotFile::Fifo));
        assert_eq!(look(Path::new("/dev/null")).look, LockLook::NotFile(NotFile::Device));
        let around = folder.path().join("around");
        std::os::unix::fs::symlink(&around, &around).unwrap();
        assert_eq!(look(&around).look, LockLook::Loop);
    }
}
