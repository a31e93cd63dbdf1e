//! Waiting for a file, on notices of itself and of the folder that its name is in; while there is no such folder, of the
//! nearest one that there is. Where others write without the kernel's telling it is looked at every quarter of a second.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Condition, Look, Subject};
use crate::error::{Failure, IoContext, Result};
use crate::exit::Exit;
use crate::filesystem;
use crate::judge::seen::{self, FileStat};
use crate::model::{Awaited, Reason, WaitEnd, WokenBy};
use crate::seam::follow::Watch;

/// What is awaited of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileAwaited {
    /// Another content, another file of its name, one where there was none, none where there was one.
    Changed,
    /// It is there.
    Exists,
    /// It is not there.
    Gone,
}

/// A file, a folder, or whatever is at a path, behind its links.
pub struct File {
    awaited: FileAwaited,
    path: PathBuf,
    name: PathBuf,
    watch: Option<Watch>,
    /// What was there when the watch was set.
    watched: Vec<(PathBuf, FileStat)>,
    silent: bool,
    first: Option<FileStat>,
}

impl File {
    /// What is at this path.
    ///
    /// # Errors
    /// 74 where a relative path has no folder to begin from.
    pub fn at(awaited: FileAwaited, path: &Path) -> Result<Self> {
        let absolute = std::path::absolute(path).or_fail(|| format!("cannot find {}", path.display()))?;
        let (watch, watched, name) = (None, Vec::new(), path.to_owned());
        Ok(Self { awaited, path: absolute, name, watch, watched, silent: false, first: None })
    }

    /// The file, and the folder that its name is in, for it and for what it links to; the nearest above of each that there is.
    fn paths(&self) -> Vec<PathBuf> {
        let target = std::fs::canonicalize(&self.path).ok().filter(|target| *target != self.path);
        let mut paths = Vec::new();
        for path in std::iter::once(&self.path).chain(&target) {
            paths.extend(path.exists().then(|| path.clone()));
            paths.extend(path.ancestors().skip(1).find(|folder| folder.is_dir()).map(Path::to_owned));
        }
        paths
    }

    /// Sets all watches; none if one of them cannot be had.
    fn set(paths: &[PathBuf]) -> io::Result<Watch> {
        let watch = Watch::new()?;
        for path in paths {
            match if path.is_dir() { watch.add_names(path) } else { watch.add_file(path) } {
                // Gone since: its folder tells, or the next look.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
        Ok(watch)
    }
}

/// What is at a path, without opening it.
fn stat(path: &Path) -> FileStat {
    match path.metadata() {
        Ok(data) => FileStat::Present {
            file: (data.dev(), data.ino()),
            length: data.len(),
            written: (data.mtime(), data.mtime_nsec()),
        },
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            FileStat::Absent
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => FileStat::Hidden(Reason::PermissionDenied),
        Err(error) if error.raw_os_error() == Some(nix::libc::ELOOP) => FileStat::Hidden(Reason::LinkLoop),
        Err(_) => FileStat::Hidden(Reason::LookFailed),
    }
}

/// Which file it is, whatever is in it.
fn same(was: FileStat, is: FileStat) -> bool {
    match (was, is) {
        (FileStat::Present { file: was, .. }, FileStat::Present { file: is, .. }) => was == is,
        _ => was == is,
    }
}

impl Condition for File {
    fn awaited(&self) -> Awaited {
        match self.awaited {
            FileAwaited::Changed => Awaited::FileChanged,
            FileAwaited::Exists => Awaited::FileExists,
            FileAwaited::Gone => Awaited::FileGone,
        }
    }

    fn subject(&self) -> Subject {
        let lossy = self.name.to_str().is_none();
        Subject { lossy, ..Subject::named(self.name.to_string_lossy()) }
    }

    fn watch(&mut self) {
        let paths = self.paths();
        let stays =
            |((was, stat_then), now): (&(PathBuf, FileStat), &PathBuf)| was == now && same(*stat_then, stat(now));
        if self.watch.is_some() && self.watched.len() == paths.len() && self.watched.iter().zip(&paths).all(stays) {
            return;
        }
        // Before the watch: what comes between the two is then watched again, and not taken for what was seen.
        self.watched = paths.iter().map(|path| (path.clone(), stat(path))).collect();
        self.silent = paths.iter().any(|path| filesystem::is_silent(path));
        self.watch = Self::set(&paths).ok();
    }

    fn look(&mut self, _within: Duration) -> Result<Look> {
        let now = stat(&self.path);
        let first = *self.first.get_or_insert(now);
        let seen = match self.awaited {
            FileAwaited::Changed => seen::changed(first, now),
            FileAwaited::Exists => seen::exists(now),
            FileAwaited::Gone => seen::gone(now),
        };
        Ok(seen.into())
    }

    fn notices(&self) -> Vec<(BorrowedFd<'_>, WokenBy)> {
        self.watch.iter().map(|watch| (watch.as_fd(), WokenBy::Notice)).collect()
    }

    fn is_noticed(&mut self) -> Result<bool> {
        if let Some(watch) = &self.watch {
            watch.drain().or_fail(|| format!("cannot wait for {}", self.path.display()))?;
        }
        Ok(true)
    }

    fn is_deaf(&self) -> bool {
        self.watch.is_none() || self.silent
    }

    fn failure(&self, end: WaitEnd, reason: Reason) -> Failure {
        let path = self.name.display();
        match (end, self.awaited) {
            (WaitEnd::Unknown, _) => Failure::new(Exit::Unknown, format!("{path} cannot be looked at: {reason}")),
            (_, FileAwaited::Changed) => Failure::busy(format!("{path} has not changed")),
            (_, FileAwaited::Exists) => Failure::busy(format!("{path} is not there")),
            (_, FileAwaited::Gone) => Failure::busy(format!("{path} is still there")),
        }
    }
}
