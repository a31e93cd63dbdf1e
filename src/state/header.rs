//! The first 100 bytes of the state file, read before SQLite opens it: SQLite would roll back
//! another program's journal. Called by `open`; must never close a file that SQLite has open.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::failure;
use crate::error::{Failure, Result};
use crate::exit::Exit;

/// `application_id` of our files: "rflt".
pub(super) const APPLICATION: u32 = u32::from_be_bytes(*b"rflt");

/// What the header of a state file says. The version may be behind the WAL, the rest is never.
pub(super) struct Header {
    /// `user_version`.
    pub(super) version: u32,
    /// Whether the file is in WAL mode.
    pub(super) wal: bool,
}

/// Why there is no state file of ours at a path.
pub(super) enum NotOurs {
    /// Nothing is there.
    Missing,
    /// It is no file.
    NotAFile,
    /// It belongs to this user.
    OtherUser(u32),
    /// It has no bytes.
    Empty,
    /// It is no SQLite database.
    NotSqlite,
    /// It is the database of another program.
    OtherProgram,
    /// It cannot be opened.
    Closed(std::io::Error),
    /// Another error, of what.
    Failed(&'static str, std::io::Error),
}

/// Reads the header; none if there is no file. A file that is not ours is refused.
pub(super) fn look(file: &Path) -> Result<Option<(Header, Kept)>> {
    match examine(file) {
        Ok(found) => Ok(Some(found)),
        Err(NotOurs::Missing) => Ok(None),
        Err(why) => Err(why.refusal(file)),
    }
}

/// Reads the header.
pub(super) fn examine(file: &Path) -> Result<(Header, Kept), NotOurs> {
    // O_NONBLOCK: the open of a named pipe would wait for its other end.
    let opened = OpenOptions::new().read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32).open(file);
    let opened = opened.map_err(|error| match error.kind() {
        ErrorKind::NotFound => NotOurs::Missing,
        _ => NotOurs::Closed(error),
    })?;
    let about = opened.metadata().map_err(|error| NotOurs::Failed("look at", error))?;
    let mut bytes = [0; 100];
    let read = opened.read_exact_at(&mut bytes, 0);
    let kept = Kept::new(opened);
    if !about.is_file() {
        return Err(NotOurs::NotAFile);
    }
    if about.uid() != rustix::process::geteuid().as_raw() {
        return Err(NotOurs::OtherUser(about.uid()));
    }
    match read {
        Ok(()) => parse(&bytes).map(|header| (header, kept)),
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(NotOurs::Failed("read", error)),
        Err(_) if about.len() == 0 => Err(NotOurs::Empty),
        Err(_) => Err(NotOurs::NotSqlite),
    }
}

/// Offsets as in SQLite's file format: 18 and 19 versions of the format, 60 user version, 68 application id.
fn parse(bytes: &[u8; 100]) -> Result<Header, NotOurs> {
    let number = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    if !bytes.starts_with(b"SQLite format 3\0") {
        return Err(NotOurs::NotSqlite);
    }
    if number(68) != APPLICATION {
        return Err(NotOurs::OtherProgram);
    }
    Ok(Header { version: number(60), wal: bytes[18] == 2 && bytes[19] == 2 })
}

impl NotOurs {
    /// The refusal to use what is there.
    pub(super) fn refusal(self, file: &Path) -> Failure {
        let name = file.display();
        match self {
            Self::Missing => Failure::not_found(format!("no state file {name}")),
            Self::NotAFile => foreign(format!("{name} is not a file")),
            Self::OtherUser(user) => {
                Failure::new(Exit::Permission, format!("state file {name} belongs to user {user}"))
                    .hint(format!("run as user {user}, or choose a file of your own: --state PATH"))
            }
            Self::Empty => {
                foreign(format!("{name} is empty, not a state file")).hint(format!("remove it: rm '{name}'"))
            }
            Self::NotSqlite => foreign(format!("{name} is not a state file")),
            Self::OtherProgram => foreign(format!("{name} is the SQLite database of another program")),
            Self::Closed(error) => failure::create(format!("cannot open state file {name}"), error),
            Self::Failed(verb, error) => Failure::io(format!("cannot {verb} state file {name}"), error),
        }
    }
}

fn foreign(message: String) -> Failure {
    Failure::new(Exit::Config, message).hint("nothing was changed; choose another state file: --state PATH")
}

/// The descriptor the header was read from. POSIX locks are the process's, and closing *any* descriptor
/// of a file drops all of them (fcntl(2)), SQLite's too: so it is closed only when no state is open.
pub(super) struct Kept(());

/// How many are kept, and their descriptors: as global as the locks they guard.
static KEPT: Mutex<(usize, Vec<File>)> = Mutex::new((0, Vec::new()));

fn kept() -> MutexGuard<'static, (usize, Vec<File>)> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kept {
    pub(super) fn new(file: File) -> Self {
        let mut kept = kept();
        kept.0 += 1;
        kept.1.push(file);
        Self(())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut kept = kept();
        kept.0 -= 1;
        if kept.0 == 0 {
            kept.1.clear();
        }
    }
}
