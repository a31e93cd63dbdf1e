//! Whether the folder of the state file is safe: ours, writable by nobody else, on a local disk.
//! Called before anything in it is opened. Creates folders only in `make`.

use std::fs::{DirBuilder, File, Metadata};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use super::failure;
use crate::error::{Failure, Result, is_missing};
use crate::exit::Exit;
use crate::filesystem;

/// Makes the folder and the missing ones above it (0700), then checks it.
pub(super) fn make(folder: &Path) -> Result<()> {
    if check(folder)? {
        return Ok(());
    }
    let above = folder.ancestors().find(|level| level.exists()).unwrap_or(Path::new("/"));
    refuse_shared(above)?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| failure::create(format!("cannot create state folder {}", folder.display()), error))?;
    sync_up_to(folder, above);
    check(folder).map(|_| ())
}

/// Refuses a folder that is not safe; tells whether there is one.
pub(super) fn check(folder: &Path) -> Result<bool> {
    match std::fs::metadata(folder) {
        Ok(found) if !found.is_dir() => {
            Err(Failure::new(Exit::Config, format!("{} is not a folder", folder.display()))
                .hint("choose another state file: --state PATH"))
        }
        Ok(found) => {
            refuse_others(folder, &found)?;
            refuse_shared(folder)?;
            Ok(true)
        }
        Err(error) if is_missing(&error) => Ok(false),
        Err(error) => Err(failure::create(format!("cannot look at state folder {}", folder.display()), error)),
    }
}

fn refuse_others(folder: &Path, found: &Metadata) -> Result<()> {
    let name = folder.display();
    let euid = rustix::process::geteuid().as_raw();
    if found.uid() != euid {
        return Err(Failure::new(
            Exit::Permission,
            format!("state folder {name} belongs to user {}, this is user {euid}", found.uid()),
        )
        .hint(format!("run as user {}, or choose a folder of your own: --state PATH", found.uid())));
    }
    if found.mode() & 0o022 == 0 {
        return Ok(());
    }
    let failure = Failure::new(Exit::Permission, format!("others may write to state folder {name}"));
    // A sticky folder (/tmp) is meant to be shared: the step is another folder, not another mode.
    Err(if found.mode() & 0o1000 != 0 {
        failure.hint(format!("choose a folder of its own: --state {}", folder.join("refloat/state.db").display()))
    } else {
        failure.hint(format!("chmod go-w '{name}'"))
    })
}

/// Makes the new entries durable: a folder's name is kept by the folder above it. Best effort.
fn sync_up_to(folder: &Path, above: &Path) {
    for level in folder.ancestors().skip(1).take_while(|level| level.starts_with(above)) {
        let _ = File::open(level).and_then(|level| level.sync_all());
    }
}

/// flock and the WAL's shared memory do not cross hosts, and a shared folder fails by losing writes, not by an error.
fn refuse_shared(folder: &Path) -> Result<()> {
    let kind = filesystem::shared(folder)
        .map_err(|error| failure::create(format!("cannot look at state folder {}", folder.display()), error))?;
    match kind {
        None => Ok(()),
        Some(kind) => Err(Failure::new(
            Exit::Config,
            format!("state folder {} is on a shared file system ({kind})", folder.display()),
        )
        .hint("locks do not hold across hosts: choose a folder on a local disk, --state PATH")),
    }
}
