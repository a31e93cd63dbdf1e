//! Alone with a marker file: no other clean-up works in its folder meanwhile, and its own tool waits. Both are flocks, so
//! that they end with their holder.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::libc;
use rustix::fs::{Gid, Uid, fchown};

use super::look::Seen;
use crate::flock::{self, Hold};

/// Who holds one of them holds it for a moment.
const PATIENCE: Duration = Duration::from_secs(1);

/// The lock of the tool that a marker file is of: `NAME.lock`.
#[derive(Clone, Copy, Debug)]
pub enum ToolLock<'s> {
    /// The tool always takes it: it is made where it is missing, as a file of the marker's owner.
    Made(&'s Seen),
    /// It is taken where it is there.
    IfThere,
}

/// Held for as long as a marker file is changed.
#[derive(Debug)]
pub struct Claim {
    pub(super) folder: File,
    pub(super) path: PathBuf,
    _tool: Vec<File>,
}

impl Claim {
    /// Waits a moment for both locks. None: others hold one of them.
    ///
    /// # Errors
    /// What opening the folder or the lock gives.
    pub fn take(path: &Path, tool: ToolLock<'_>) -> io::Result<Option<Self>> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let Some(folder) = flock::take(File::open(parent)?, Hold::Alone, PATIENCE)? else { return Ok(None) };
        let mut held = Vec::new();
        // Some tools lock the very file that says who they are.
        for (path, tool) in [(beside(path), tool), (path.to_owned(), ToolLock::IfThere)] {
            let Some(file) = lock_file(&path, tool)? else { continue };
            match flock::take(file, Hold::Alone, PATIENCE)? {
                Some(file) => held.push(file),
                None => return Ok(None),
            }
        }
        Ok(Some(Self { folder, path: path.to_owned(), _tool: held }))
    }

    /// The file's name in its folder.
    pub(super) fn name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

fn lock_file(path: &Path, tool: ToolLock<'_>) -> io::Result<Option<File>> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let there = || File::options().read(true).custom_flags(flags).open(path);
    match (there(), tool) {
        (Err(error), ToolLock::Made(like)) if error.kind() == ErrorKind::NotFound => match made(path, flags, like) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => there().map(Some),
            made => made.map(Some),
        },
        (Err(error), _) if error.kind() == ErrorKind::NotFound => Ok(None),
        (opened, _) => opened.map(Some),
    }
}

/// Its tool has to be able to open it.
fn made(path: &Path, flags: i32, like: &Seen) -> io::Result<File> {
    let (mode, data) = (like.data.mode() & 0o666, &like.data);
    let me = rustix::process::geteuid();
    if !me.is_root() && me.as_raw() != data.uid() {
        return Err(ErrorKind::PermissionDenied.into());
    }
    let file = File::options().write(true).create_new(true).mode(mode).custom_flags(flags).open(path)?;
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (data.uid(), data.gid()) {
        fchown(&file, Some(Uid::from_raw(data.uid())), Some(Gid::from_raw(data.gid())))?;
    }
    Ok(file)
}
