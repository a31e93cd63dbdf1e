//! The bell beside the state file, which every writer rings after its commit; while there is no state file, the nearest
//! folder that exists. Where the kernel gives no notices it is deaf, and the waiter polls. A watch is on a file, not on
//! its path: what has been put there instead is found by the waiter's next look.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::{IoContext, Result};
use crate::model::WokenBy;
use crate::seam::follow::Watch;
use crate::state::Place;

/// What is watched.
enum On {
    /// Nothing yet, or no longer what it was.
    Nothing,
    /// The bell itself.
    Bell(Watch),
    /// A folder in which a state file may come.
    Folder(Watch),
    /// The kernel refuses notices.
    Deaf,
}

pub(super) struct Bell {
    file: PathBuf,
    bell: PathBuf,
    on: On,
    /// The path that is watched, and what was there.
    watched: Option<(PathBuf, Inode)>,
}

/// Device and number: one file, whatever its path.
type Inode = (u64, u64);

fn inode(path: &Path) -> Option<Inode> {
    path.metadata().ok().map(|data| (data.dev(), data.ino()))
}

impl Bell {
    pub(super) fn new(place: &Place) -> Self {
        Self { file: place.file.clone(), bell: place.companion("bell"), on: On::Nothing, watched: None }
    }

    /// Watches what there is to watch now.
    pub(super) fn arm(&mut self) {
        let has_come = matches!(self.on, On::Folder(_)) && self.bell.exists();
        let stays = self.watched.as_ref().is_none_or(|(path, was)| inode(path) == Some(*was));
        if !has_come && stays && !matches!(self.on, On::Nothing) {
            return;
        }
        self.on = On::Nothing;
        // A path may go between the look and the watch: then the next one is tried. The root stays.
        for path in self.paths() {
            // Before the watch: what comes between the two is then watched again, and not taken for what was seen.
            self.watched = inode(&path).map(|inode| (path.clone(), inode));
            match Watch::on(&[&path]) {
                Ok(watch) if path == self.bell => self.on = On::Bell(watch),
                Ok(watch) => self.on = On::Folder(watch),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(_) => self.on = On::Deaf,
            }
            break;
        }
    }

    /// The bell, then the folders from the state file's up.
    fn paths(&self) -> Vec<PathBuf> {
        let bell = self.file.exists().then(|| self.bell.clone());
        bell.into_iter().chain(self.file.ancestors().skip(1).map(Path::to_owned)).collect()
    }

    /// Whether only looking helps.
    pub(super) fn is_deaf(&self) -> bool {
        matches!(self.on, On::Deaf | On::Nothing)
    }

    /// What becomes readable when it rings.
    pub(super) fn notice(&self) -> Option<(BorrowedFd<'_>, WokenBy)> {
        match &self.on {
            On::Bell(watch) => Some((watch.as_fd(), WokenBy::Bell)),
            On::Folder(watch) => Some((watch.as_fd(), WokenBy::Notice)),
            On::Nothing | On::Deaf => None,
        }
    }

    /// Takes what has been noticed.
    pub(super) fn take(&mut self) -> Result<()> {
        let (watch, is_folder) = match &self.on {
            On::Bell(watch) => (watch, false),
            On::Folder(watch) => (watch, true),
            On::Nothing | On::Deaf => return Ok(()),
        };
        let noticed = watch.drain().or_fail(|| "cannot wait for the bell".to_owned())?;
        // A folder's notice may mean a nearer folder.
        if noticed.gone || is_folder && !self.bell.exists() {
            self.on = On::Nothing;
        }
        Ok(())
    }
}
