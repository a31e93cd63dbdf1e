//! Growing files: reads what was appended, and wakes when something is.
//! Called by `turn` for its stream and by `probe wait`. It never writes, and never reads a byte twice.

use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;

use nix::libc;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use crate::error::is_missing;

/// Opens a regular file for reading. None: there is none at this path, but perhaps something else (a folder, a FIFO,
/// a device, a link), which is neither opened for good nor waited for.
///
/// # Errors
/// What open(2) gives.
pub(super) fn open_regular(path: &Path) -> io::Result<Option<File>> {
    use std::os::unix::fs::OpenOptionsExt;
    let opened = File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW).open(path);
    match opened.and_then(|file| Ok((file.metadata()?.is_file(), file))) {
        Ok((regular, file)) => Ok(regular.then_some(file)),
        Err(error) if is_missing(&error) => Ok(None),
        // A link (O_NOFOLLOW), a socket.
        Err(error) if matches!(error.raw_os_error(), Some(libc::ELOOP | libc::ENXIO)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A file that others append to, and how far it has been read.
#[derive(Debug)]
pub struct Follow {
    file: File,
    offset: u64,
}

/// What one read of a growing file finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grown {
    /// So many bytes are in the buffer; there may be more.
    Bytes(usize),
    /// Nothing has been appended.
    Nothing,
    /// The file is now shorter than what was read of it. (One that was cut and has grown past the offset again looks
    /// like one that has grown.)
    Truncated {
        /// Its length now.
        length: u64,
    },
}

impl Follow {
    /// Opens a file to be read from its beginning; none where there is no regular file.
    ///
    /// # Errors
    /// What open(2) gives.
    pub fn open(path: &Path) -> io::Result<Option<Self>> {
        Ok(open_regular(path)?.map(|file| Self { file, offset: 0 }))
    }

    /// How many bytes have been read.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next read begins at `offset`: after a truncation, or where an earlier reader stopped.
    pub fn seek(&mut self, offset: u64) {
        self.offset = offset;
    }

    /// How long the file is now.
    ///
    /// # Errors
    /// What fstat(2) gives.
    pub fn length(&self) -> io::Result<u64> {
        self.file.metadata().map(|data| data.len())
    }

    /// What has come, as a reader; nothing beyond `limit`.
    pub fn up_to(&mut self, limit: u64) -> UpTo<'_> {
        UpTo { follow: self, limit }
    }

    /// Reads what comes next into the caller's buffer, at most its size. A truncation is told until [`Follow::seek`].
    ///
    /// # Errors
    /// What pread(2) gives except `EINTR`.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<Grown> {
        let read = loop {
            match self.file.read_at(buffer, self.offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        if read > 0 {
            self.offset += read as u64;
            return Ok(Grown::Bytes(read));
        }
        let length = self.length()?;
        Ok(if length < self.offset { Grown::Truncated { length } } else { Grown::Nothing })
    }
}

/// The file as a reader up to a limit, which comes to an end where nothing has come yet. One that was cut by its own
/// writer is read on from its new end.
#[derive(Debug)]
pub struct UpTo<'f> {
    follow: &'f mut Follow,
    limit: u64,
}

impl Read for UpTo<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.limit.saturating_sub(self.follow.offset())).unwrap_or(usize::MAX);
        let most = buffer.len().min(left);
        if most == 0 {
            return Ok(0);
        }
        loop {
            match self.follow.read(&mut buffer[..most])? {
                Grown::Bytes(read) => return Ok(read),
                Grown::Nothing => return Ok(0),
                Grown::Truncated { length } => self.follow.seek(length),
            }
        }
    }
}

/// Notices of changes to several files or folders. Made only when it is needed: closing one can take
/// 7 to 15 ms in the kernel.
#[derive(Debug)]
pub struct Watch {
    fd: OwnedFd,
}

/// What has been noticed since the last time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noticed {
    /// A file was written, cut or given other attributes; in a folder, a name came or went.
    pub changed: bool,
    /// A watched file or folder itself was moved or removed: its path may name another now.
    pub gone: bool,
    /// Notices were lost: anything may have changed.
    pub overflow: bool,
}

impl Watch {
    /// Watches all of `paths`, for everything.
    ///
    /// # Errors
    /// `EMFILE` or `ENOSPC` when the user's watches are used up, `ENOENT` for a missing path: the caller polls instead.
    pub fn on(paths: &[&Path]) -> io::Result<Self> {
        let watch = Self::new()?;
        paths.iter().try_for_each(|path| watch.add(path, content() | names()))?;
        Ok(watch)
    }

    /// Watches nothing yet.
    ///
    /// # Errors
    /// `EMFILE` when the user's instances are used up.
    pub fn new() -> io::Result<Self> {
        Ok(Self { fd: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)? })
    }

    /// Watches a file for another content, and for its own end.
    ///
    /// # Errors
    /// As [`Watch::on`].
    pub fn add_file(&self, path: &Path) -> io::Result<()> {
        self.add(path, content())
    }

    /// Watches a folder for names that come and go, not for what is written to its files.
    ///
    /// # Errors
    /// As [`Watch::on`].
    pub fn add_names(&self, folder: &Path) -> io::Result<()> {
        self.add(folder, names())
    }

    fn add(&self, path: &Path, wanted: WatchFlags) -> io::Result<()> {
        // What was added for another path to the same file stays wanted.
        inotify::add_watch(&self.fd, path, wanted | WatchFlags::MASK_ADD)?;
        Ok(())
    }

    /// Takes all notices that have come, without waiting, and tells whether one is of this name in a folder: that it
    /// has gone, or that notices were lost.
    ///
    /// # Errors
    /// As [`Watch::drain`].
    pub fn drain_for(&self, name: &str) -> io::Result<bool> {
        let mut has_gone = false;
        self.each(|events, of| {
            let gone = ReadFlags::DELETE | ReadFlags::MOVED_FROM;
            has_gone |= events.contains(ReadFlags::QUEUE_OVERFLOW) || of == Some(name) && events.intersects(gone);
        })?;
        Ok(has_gone)
    }

    /// Takes all notices that have come, without waiting.
    ///
    /// # Errors
    /// What read(2) gives except `EAGAIN` and `EINTR`.
    pub fn drain(&self) -> io::Result<Noticed> {
        let mut noticed = Noticed::default();
        self.each(|events, _| noticed.add(events))?;
        Ok(noticed)
    }

    fn each(&self, mut tell: impl FnMut(ReadFlags, Option<&str>)) -> io::Result<()> {
        let mut buffer = [const { MaybeUninit::uninit() }; 4096];
        let mut reader = Reader::new(&self.fd, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => tell(event.events(), event.file_name().and_then(|name| name.to_str().ok())),
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(other) => return Err(other.into()),
            }
        }
    }
}

/// What is told of a file itself.
fn content() -> WatchFlags {
    WatchFlags::MODIFY | WatchFlags::ATTRIB | itself()
}

/// What is told of the names in a folder.
fn names() -> WatchFlags {
    WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVE | itself()
}

fn itself() -> WatchFlags {
    WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF
}

impl Noticed {
    fn add(&mut self, events: ReadFlags) {
        let gone = ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::IGNORED | ReadFlags::UNMOUNT;
        self.gone |= events.intersects(gone);
        self.overflow |= events.contains(ReadFlags::QUEUE_OVERFLOW);
        self.changed |= !events.intersects(gone | ReadFlags::QUEUE_OVERFLOW);
    }
}

impl AsFd for Watch {
    /// Readable when there are notices.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;
    use std::time::Duration;

    use super::*;
    use crate::clock::Tick;
    use crate::seam::wait;

    #[test]
    fn appended_bytes_are_read_once_and_a_cut_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stream");
        let mut writer = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        let mut follow = Follow::open(&path).unwrap().unwrap();
        let mut buffer = [0; 4];
        assert_eq!(follow.read(&mut buffer).unwrap(), Grown::Nothing);
        writer.write_all(b"abcdef").unwrap();
        assert_eq!(follow.read(&mut buffer).unwrap(), Grown::Bytes(4));
        assert_eq!(follow.read(&mut buffer).unwrap(), Grown::Bytes(2));
        assert_eq!((&buffer[..2], follow.offset()), (&b"ef"[..], 6));
        assert_eq!(follow.read(&mut buffer).unwrap(), Grown::Nothing);
        writer.set_len(3).unwrap();
        assert_eq!(follow.read(&mut buffer).unwrap(), Grown::Truncated { length: 3 });
        assert_eq!(follow.read(&mut buffer).unwrap(), Grown::Truncated { length: 3 });
        follow.seek(3);
        writer.write_all(b"g").unwrap();
        assert_eq!(follow.read(&mut buffer).unwrap(), Grown::Bytes(1));
        assert_eq!(buffer[0], b'g');
    }

    #[test]
    fn a_watch_wakes_for_each_file_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [folder.path().join("a"), folder.path().join("b")];
        paths.iter().for_each(|path| fs::write(path, "").unwrap());
        let watch = Watch::on(&[&paths[0], &paths[1]]).unwrap();
        assert_eq!(watch.drain().unwrap(), Noticed::default());
        for path in &paths {
            OpenOptions::new().append(true).open(path).unwrap().write_all(b"x").unwrap();
            assert!(wait::readable(watch.as_fd(), Tick::now().plus(Duration::from_secs(5))).unwrap());
            assert_eq!(watch.drain().unwrap(), Noticed { changed: true, ..Noticed::default() });
            assert!(!wait::readable(watch.as_fd(), Tick::now()).unwrap());
        }
        fs::remove_file(&paths[0]).unwrap();
        assert!(watch.drain().unwrap().gone);
    }

    #[test]
    fn a_folder_tells_a_new_name_and_a_missing_path_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let watch = Watch::on(&[folder.path()]).unwrap();
        fs::write(folder.path().join("new"), "").unwrap();
        assert!(watch.drain().unwrap().changed);
        let missing = folder.path().join("none");
        assert_eq!(Watch::on(&[&missing]).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
