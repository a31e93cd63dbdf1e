//! A marker file is changed in two steps. First the new content and the old change places, or the old file gets a name of
//! ours: all of it is still there. Once the caller has its account written, the old goes (`finish`); else everything is put
//! back (`undo`). Whoever comes after a kill finds by the names, and by the account, which of the two to do (`leftover`).
//! What is put away is compared with what was read, so that nothing goes that nobody has judged.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, RenameFlags, Timespec, Timestamps, Uid, fchmod, fchown, futimens, openat,
    renameat_with, unlinkat,
};

use super::claim::Claim;
use super::look::Seen;
use super::name::{self, Leftover, Way};
use crate::clock::Stamp;
use crate::model::Reason;

/// A file that is replaced each time it is put back is, after so many times, kept beside.
const SWAPS: usize = 16;

/// Why a file was not changed. It is as it was.
#[derive(Debug)]
pub enum Failed {
    /// It cannot be, or not now.
    Kept(Reason),
    /// An error of the disk.
    Error(io::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::Kept(Reason::PermissionDenied),
            ErrorKind::NotFound => Self::Kept(Reason::Changed),
            // A file system that cannot exchange two files, rename without replacing, or take so long a name.
            ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::InvalidFilename => {
                Self::Kept(Reason::NotSupported)
            }
            _ if error.raw_os_error() == Some(nix::libc::ELOOP) => Self::Kept(Reason::IsLink),
            _ => Self::Error(error),
        }
    }
}

impl From<rustix::io::Errno> for Failed {
    fn from(errno: rustix::io::Errno) -> Self {
        io::Error::from(errno).into()
    }
}

/// A change whose first step is done.
#[derive(Debug)]
pub struct Changed<'c> {
    claim: &'c Claim,
    old: Leftover,
    /// What the old content is told by.
    hash: String,
    /// Where it goes, if it is moved out of the way.
    to: Option<OsString>,
}

impl Claim {
    /// Puts a new content in the place of what was read.
    ///
    /// # Errors
    /// Why it could not be.
    pub fn rewrite(&self, seen: &Seen, new: &[u8]) -> Result<Changed<'_>, Failed> {
        let id = id();
        let part = Leftover::new(self.name(), &id, Way::Part);
        let swap = Leftover::new(self.name(), &id, Way::Swap(name::hash(new)));
        let made = self.write(&part, seen, new).and_then(|()| self.move_to(&part.name(), &swap.name()));
        if let Err(failed) = made {
            let _ = unlinkat(&self.folder, part.name(), AtFlags::empty());
            return Err(failed);
        }
        if let Err(failed) = self.exchange(&swap.name()) {
            let _ = unlinkat(&self.folder, swap.name(), AtFlags::empty());
            return Err(failed);
        }
        self.checked(Changed { claim: self, old: swap, hash: name::hash(&seen.bytes), to: None }, seen)
    }

    /// Takes the file away.
    ///
    /// # Errors
    /// Why it could not be.
    pub fn remove(&self, seen: &Seen) -> Result<Changed<'_>, Failed> {
        self.put_away(seen, Way::Gone, None)
    }

    /// Moves the file out of the way, to a name with this time.
    ///
    /// # Errors
    /// Why it could not be.
    pub fn move_aside(&self, seen: &Seen, at: Stamp) -> Result<Changed<'_>, Failed> {
        self.put_away(seen, Way::Aside, Some(self.free(at)))
    }

    fn put_away(&self, seen: &Seen, way: Way, to: Option<OsString>) -> Result<Changed<'_>, Failed> {
        let old = Leftover::new(self.name(), &id(), way);
        self.move_to(self.name(), &old.name())?;
        self.checked(Changed { claim: self, old, hash: name::hash(&seen.bytes), to }, seen)
    }

    /// Somebody may have written it since it was read.
    fn checked<'c>(&self, changed: Changed<'c>, seen: &Seen) -> Result<Changed<'c>, Failed> {
        let failed = match self.read(&changed.old.name()) {
            Ok(bytes) if bytes == seen.bytes => match self.sync() {
                Ok(()) => return Ok(changed),
                Err(error) => error.into(),
            },
            Ok(_) => Failed::Kept(Reason::Changed),
            Err(error) => error.into(),
        };
        changed.undo()?;
        Err(failed)
    }

    /// With owner, rights and times of the old one: a clean-up renews nothing.
    fn write(&self, part: &Leftover, seen: &Seen, new: &[u8]) -> Result<(), Failed> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&self.folder, part.name(), flags, Mode::RUSR | Mode::WUSR)?);
        file.write_all(new)?;
        let (own, like) = (file.metadata()?, &seen.data);
        if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
            fchown(&file, Some(Uid::from_raw(like.uid())), Some(Gid::from_raw(like.gid())))?;
        }
        fchmod(&file, Mode::from_raw_mode(like.mode() & 0o7777))?;
        let time = |seconds, nanos| Timespec { tv_sec: seconds, tv_nsec: nanos };
        let (read, written) = (time(like.atime(), like.atime_nsec()), time(like.mtime(), like.mtime_nsec()));
        futimens(&file, &Timestamps { last_access: read, last_modification: written })?;
        Ok(file.sync_all()?)
    }

    fn read(&self, name: &OsStr) -> io::Result<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = File::from(openat(&self.folder, name, flags, Mode::empty())?);
        if !file.metadata()?.is_file() {
            return Err(ErrorKind::NotFound.into());
        }
        let mut bytes = Vec::new();
        file.take(4 << 20).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn exchange(&self, with: &OsStr) -> Result<(), Failed> {
        Ok(renameat_with(&self.folder, self.name(), &self.folder, with, RenameFlags::EXCHANGE)?)
    }

    /// Nothing is ever replaced.
    fn move_to(&self, from: &OsStr, to: &OsStr) -> Result<(), Failed> {
        Ok(renameat_with(&self.folder, from, &self.folder, to, RenameFlags::NOREPLACE)?)
    }

    fn sync(&self) -> io::Result<()> {
        match self.folder.sync_all() {
            // Some file systems have nothing to do for a folder, and say so.
            Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
            done => done,
        }
    }

    /// Puts a file back under the name it had; where another has come since, both are kept.
    fn put_back(&self, old: &OsStr) -> Result<Option<PathBuf>, Failed> {
        match self.move_to(old, self.name()) {
            Err(Failed::Error(error)) if error.kind() == ErrorKind::AlreadyExists => self.set_aside(old).map(Some),
            done => done.map(|()| None),
        }
    }

    /// Puts what is under a name of ours in the place of our own content, known by this hash. Where a tool that takes no lock
    /// has put another file there meanwhile, that one is the newest, and goes back in the same way.
    fn swap_back(&self, old: &OsStr, new: &str) -> Result<Option<PathBuf>, Failed> {
        let mut expected = new.to_owned();
        for _ in 0..SWAPS {
            let inside = name::hash(&self.read(old)?);
            self.exchange(old)?;
            if name::hash(&self.read(old)?) == expected {
                break;
            }
            expected = inside;
        }
        self.discard(old, &expected)
    }

    /// Removes a file if its content is known by this hash. Another one was written by somebody who did not see it move: it
    /// is kept beside.
    fn discard(&self, old: &OsStr, hash: &str) -> Result<Option<PathBuf>, Failed> {
        if name::hash(&self.read(old)?) != hash {
            return self.set_aside(old).map(Some);
        }
        unlinkat(&self.folder, old, AtFlags::empty())?;
        Ok(None)
    }

    fn set_aside(&self, old: &OsStr) -> Result<PathBuf, Failed> {
        self.aside(old, self.free(Stamp::now()))
    }

    fn aside(&self, old: &OsStr, to: OsString) -> Result<PathBuf, Failed> {
        let mut to = to;
        while let Err(failed) = self.move_to(old, &to) {
            match failed {
                Failed::Error(error) if error.kind() == ErrorKind::AlreadyExists => to = self.free(Stamp::now()),
                other => return Err(other),
            }
        }
        Ok(self.path.with_file_name(to))
    }

    /// A name beside it that nothing has.
    fn free(&self, at: Stamp) -> OsString {
        let names = (0..).map(|number| name::aside(self.name(), at, number));
        let is_free = |name: &OsString| std::fs::symlink_metadata(self.path.with_file_name(name)).is_err();
        names.take(10_000).find(is_free).unwrap_or_else(|| name::aside(self.name(), at, 0))
    }
}

impl Changed<'_> {
    /// The removal, for the account of it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.old.id
    }

    /// Where the file goes, if it is moved out of the way.
    #[must_use]
    pub fn to(&self) -> Option<PathBuf> {
        self.to.as_ref().map(|to| self.claim.path.with_file_name(to))
    }

    /// The account is written: the old goes. Says where it is, if it is still somewhere.
    ///
    /// # Errors
    /// What keeps it; the next clean-up does it.
    pub fn finish(self) -> Result<Option<PathBuf>, Failed> {
        let Self { claim, old, hash, to } = self;
        let kept = match to {
            Some(to) => claim.aside(&old.name(), to).map(Some),
            None => claim.discard(&old.name(), &hash),
        }?;
        claim.sync()?;
        Ok(kept)
    }

    /// There is no account: everything is as it was.
    ///
    /// # Errors
    /// What keeps it from being so; the next clean-up does it.
    pub fn undo(self) -> Result<(), Failed> {
        let Self { claim, old, .. } = self;
        match &old.way {
            Way::Swap(new) => {
                claim.swap_back(&old.name(), new)?;
            }
            _ => {
                claim.put_back(&old.name())?;
            }
        }
        Ok(claim.sync()?)
    }
}

/// Ends what a clean-up that was killed has begun: goes on where its account was written, and else puts everything back.
/// What cannot be put back any more is kept beside; says where.
///
/// # Errors
/// What keeps it.
pub fn leftover(claim: &Claim, left: &Leftover, is_accounted: bool) -> Result<Option<PathBuf>, Failed> {
    let name = left.name();
    let kept = match (&left.way, is_accounted) {
        (Way::Part, _) | (Way::Gone, true) => unlinkat(&claim.folder, &name, AtFlags::empty()).map(|()| None)?,
        (Way::Aside, true) => Some(claim.set_aside(&name)?),
        (Way::Gone | Way::Aside, false) => claim.put_back(&name)?,
        (Way::Swap(new), _) => {
            let is_new = |name: &OsStr| claim.read(name).is_ok_and(|bytes| name::hash(&bytes) == *new);
            if is_accounted || is_new(&name) {
                unlinkat(&claim.folder, &name, AtFlags::empty())?;
                None
            } else if is_new(claim.name()) {
                claim.swap_back(&name, new)?
            } else {
                Some(claim.set_aside(&name)?)
            }
        }
    };
    claim.sync()?;
    Ok(kept)
}

fn id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
