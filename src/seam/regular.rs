//! Files that somebody names, or that an agent may have replaced: opened only if they are regular files.
//! Called wherever such a file is read at once. It opens no FIFO and no device, and never reads more than was asked for.
//! What stat(2) tells of a file is put in words and numbers here too.

use std::fs::{File, FileType, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::libc;
use rustix::fs::{Mode, OFlags};

use crate::model::NotFile;

/// What is at a path, and nothing that could notice was opened: no FIFO has a reader by it, no device is woken.
#[derive(Debug)]
pub(super) struct Reached {
    file: File,
    /// What stat(2) tells of it.
    pub(super) data: Metadata,
}

impl Reached {
    /// What the path leads to; a link is followed.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        let file = File::from(rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?);
        Ok(Self { data: file.metadata()?, file })
    }

    /// Opens it for reading: this file, whatever is at the path by now.
    pub(super) fn open(&self) -> io::Result<File> {
        let name = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        let opened = File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(name);
        // It is there: what is not is /proc.
        opened.map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => io::Error::other("there is no /proc to open it by"),
            _ => error,
        })
    }
}

/// Opens a regular file for reading; a link is followed.
///
/// # Errors
/// What open(2) gives, and `InvalidInput` for anything but a regular file.
pub fn open(path: &Path) -> io::Result<File> {
    let reached = Reached::at(path)?;
    let kind = reached.data.file_type();
    if kind.is_file() { reached.open() } else { Err(invalid(format!("it is {}", name(kind)))) }
}

/// All of a file of at most so many MiB.
///
/// # Errors
/// As [`open`], and `InvalidInput` for a longer one.
pub fn read(path: &Path, most_mib: u64) -> io::Result<Vec<u8>> {
    let most = most_mib << 20;
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(invalid(format!("it is longer than {most_mib} MiB"))) } else { Ok(bytes) }
}

fn invalid(why: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, why)
}

/// A file's last change, in nanoseconds since 1970.
pub(super) fn modified_ns(data: &Metadata) -> i64 {
    data.mtime().saturating_mul(1_000_000_000).saturating_add(data.mtime_nsec())
}

/// What something is that is no regular file.
pub(super) fn not_file(kind: FileType) -> NotFile {
    match kind {
        kind if kind.is_dir() => NotFile::Folder,
        kind if kind.is_fifo() => NotFile::Fifo,
        kind if kind.is_socket() => NotFile::Socket,
        _ => NotFile::Device,
    }
}

/// The same as a person says it.
pub(super) fn name(kind: FileType) -> &'static str {
    match not_file(kind) {
        NotFile::Folder => "a folder",
        NotFile::Fifo => "a FIFO",
        NotFile::Socket => "a socket",
        NotFile::Device => "a device",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_regular_file_is_read_and_no_more_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let (file, fifo) = (folder.path().join("file"), folder.path().join("fifo"));
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        std::fs::write(&file, "text").unwrap();
        assert_eq!(read(&file, 1).unwrap(), b"text");
        File::options().write(true).open(&file).unwrap().set_len(1 << 40).unwrap();
        let why = |path: &Path| read(path, 1).unwrap_err().to_string();
        assert_eq!(why(&file), "it is longer than 1 MiB");
        assert_eq!((why(&fifo), why(folder.path())), ("it is a FIFO".to_owned(), "it is a folder".to_owned()));
        assert_eq!(why(Path::new("/dev/zero")), "it is a device");
        assert_eq!(read(&folder.path().join("none"), 1).unwrap_err().kind(), ErrorKind::NotFound);
    }
}
