//! The lock instrument: whether a file is locked, and who is said to hold it.
//! Called by `probe`. It asks for a shared lock and drops it at once, and never for one alone; it never waits.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::regular::{Reached, not_file};
use super::wait;
use crate::error::{io_text, is_missing};
use crate::flock;
use crate::model::{LockFamily, LockLook, LockMode, NotFile};

/// Longer than a look holds a lock.
const MOMENT: Duration = Duration::from_millis(20);

/// Longer than most lists of locks, and than what the kernel gives at once.
const LIST: usize = 64 * 1024;

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
    let failed = |look: LockLook, error: &io::Error| nobody(look, Some(io_text(error)));
    let reached = match Reached::at(path) {
        Ok(reached) => reached,
        Err(error) if missed(&error) == LockLook::NoFile => return nobody(LockLook::NoFile, None),
        Err(error) => return failed(missed(&error), &error),
    };
    match looked(&reached) {
        Ok(Ok(locked)) => locked,
        Ok(Err(other)) => nobody(LockLook::NotFile(other), None),
        // The file is there: what is not says nothing of its lock.
        Err(error) if missed(&error) == LockLook::NoFile => failed(LockLook::Failed, &error),
        Err(error) => failed(missed(&error), &error),
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

fn looked(reached: &Reached) -> io::Result<Result<Locked, NotFile>> {
    let kind = reached.data.file_type();
    if !kind.is_file() && !kind.is_dir() {
        return Ok(Err(not_file(kind)));
    }
    let file = reached.open()?;
    let taken = flock::is_taken(&file)?;
    let record = if kind.is_file() { record_lock(&file)? } else { None };
    drop(file);
    if taken {
        return Ok(Ok(held(LockFamily::Flock, LockMode::Alone, &listed(&reached.data).unwrap_or_default())));
    }
    if record.is_some() {
        return Ok(Ok(other(record, &listed(&reached.data).unwrap_or_default())));
    }
    Ok(Ok(other(None, &lasting(&reached.data)?)))
}

/// What is listed now and after a moment: others who only look share a lock for less than that.
fn lasting(data: &Metadata) -> io::Result<Vec<Entry>> {
    let first = listed_twice(data)?;
    if first.is_empty() {
        return Ok(first);
    }
    wait::pause(MOMENT);
    let second = listed_twice(data)?;
    Ok(first.into_iter().filter(|entry| second.contains(entry)).collect())
}

/// The kernel may leave a line out of a long list while other locks come and go.
fn listed_twice(data: &Metadata) -> io::Result<Vec<Entry>> {
    Ok([listed(data)?, listed(data)?].concat())
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
    let listed = Reached::at(path).and_then(|reached| listed(&reached.data)).unwrap_or_default();
    let mut pids: Vec<i32> = listed.iter().map(|entry| entry.pid).filter(|pid| *pid > 0).collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// A lock of fcntl(2) that would be in the way of one alone. Asking takes nothing.
fn record_lock(file: &File) -> io::Result<Option<(LockFamily, LockMode, i32)>> {
    let mut lock = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))?;
    let mode = match i32::from(lock.l_type) {
        libc::F_UNLCK => return Ok(None),
        libc::F_RDLCK => LockMode::Shared,
        _ => LockMode::Alone,
    };
    let family = if lock.l_pid == -1 { LockFamily::Ofd } else { LockFamily::Posix };
    Ok(Some((family, mode, lock.l_pid)))
}

/// One line of `/proc/locks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    family: LockFamily,
    mode: LockMode,
    pid: i32,
}

fn listed(data: &Metadata) -> io::Result<Vec<Entry>> {
    let (major, minor) = (rustix::fs::major(data.dev()), rustix::fs::minor(data.dev()));
    let inode = format!("{major:02x}:{minor:02x}:{}", data.ino());
    // The kernel lists without a gap what one read takes, at most a page: between two reads it finds its place by counting,
    // and locks that go meanwhile hide others. Without room a first small read would be made to probe.
    let mut text = String::with_capacity(LIST);
    File::open("/proc/locks")?.read_to_string(&mut text)?;
    Ok(text.lines().filter_map(|line| entry(line, &inode)).collect())
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
    use std::sync::atomic::{AtomicBool, Ordering};

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

    /// Locks that come and go beside it hide none that stays.
    #[test]
    fn a_lock_that_stays_is_listed_however_many_others_come_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| File::create(folder.path().join(name)).unwrap();
        let stays = file("stays");
        stays.lock_shared().unwrap();
        let data = stays.metadata().unwrap();
        let over = AtomicBool::new(false);
        let missed = std::thread::scope(|scope| {
            for name in ["a", "b", "c"] {
                let (over, others) = (&over, [1, 2, 3].map(|number| file(&format!("{name}{number}"))));
                scope.spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        others.iter().for_each(|other| other.lock().unwrap());
                        others.iter().for_each(|other| other.unlock().unwrap());
                    }
                });
            }
            let missed = (0..3_000).filter(|_| listed_twice(&data).unwrap().is_empty()).count();
            over.store(true, Ordering::Relaxed);
            missed
        });
        assert_eq!(missed, 0);
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
