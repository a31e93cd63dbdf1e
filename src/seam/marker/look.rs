//! One look at a marker file: all of it, as it stood at one moment.

use std::fs::Metadata;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::clock::Stamp;
use crate::error::is_missing;
use crate::filesystem;
use crate::model::{NotFile, Reason};
use crate::seam::regular::{Reached, modified_ns, not_file};

/// A longer file is no marker, and is not read.
const MOST: u64 = 1 << 20;
/// A file that is being written is looked at so often, before it is called so.
const LOOKS: usize = 3;

/// What is at a path.
#[derive(Debug)]
pub enum Look {
    /// Nothing: it has gone since it was listed.
    Vanished,
    /// Something that is not read, and why.
    Unread {
        /// Why.
        why: Reason,
        /// A symbolic link led to it.
        is_link: bool,
    },
    /// A file.
    Read(Box<Seen>),
}

/// A file, as it stood.
#[derive(Debug)]
pub struct Seen {
    /// All of it.
    pub bytes: Vec<u8>,
    /// When it was written last.
    pub written: Stamp,
    /// A symbolic link led to it.
    pub is_link: bool,
    /// Other hosts write to its file system.
    pub shared: bool,
    pub(super) data: Metadata,
}

/// Looks at a file.
#[must_use]
pub fn look(path: &Path) -> Look {
    let is_link = match std::fs::symlink_metadata(path) {
        Ok(data) => data.file_type().is_symlink(),
        Err(error) if is_missing(&error) => return Look::Vanished,
        Err(error) => return Look::Unread { why: why(&error), is_link: false },
    };
    for _ in 0..LOOKS {
        match once(path, is_link) {
            Ok(Some(look)) => return look,
            Ok(None) => {}
            // A link that leads to nothing is there.
            Err(error) if is_missing(&error) && !is_link => return Look::Vanished,
            Err(error) => return Look::Unread { why: why(&error), is_link },
        }
    }
    Look::Unread { why: Reason::BeingWritten, is_link }
}

/// None: somebody writes it just now.
fn once(path: &Path, is_link: bool) -> io::Result<Option<Look>> {
    let reached = Reached::at(path)?;
    if !reached.data.is_file() {
        return Ok(Some(Look::Unread { why: of(not_file(reached.data.file_type())), is_link }));
    }
    if reached.data.len() > MOST {
        return Ok(Some(Look::Unread { why: Reason::TooBig, is_link }));
    }
    let mut file = reached.open()?;
    let mut bytes = Vec::new();
    (&mut file).take(MOST + 1).read_to_end(&mut bytes)?;
    let after = file.metadata()?;
    let stands = |data: &Metadata| (data.len(), modified_ns(data));
    if stands(&after) != stands(&reached.data) || bytes.len() as u64 != after.len() {
        return Ok(None);
    }
    // One that cannot be asked may be shared.
    let shared = filesystem::shared(path).map_or(true, |kind| kind.is_some());
    let written = Stamp::from_nanos(modified_ns(&after));
    Ok(Some(Look::Read(Box::new(Seen { bytes, written, is_link, shared, data: after }))))
}

pub(super) fn why(error: &io::Error) -> Reason {
    match error.kind() {
        _ if is_missing(error) => Reason::NoFile,
        ErrorKind::PermissionDenied => Reason::PermissionDenied,
        _ if error.raw_os_error() == Some(nix::libc::ELOOP) => Reason::LinkLoop,
        _ => Reason::LookFailed,
    }
}

const fn of(kind: NotFile) -> Reason {
    match kind {
        NotFile::Folder => Reason::IsFolder,
        NotFile::Fifo => Reason::IsFifo,
        NotFile::Socket => Reason::IsSocket,
        NotFile::Device => Reason::IsDevice,
    }
}
