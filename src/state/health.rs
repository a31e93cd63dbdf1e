//! The state file looked at by who only looks: what state it is in, and what is beside it.
//! Called by `probe state`. It refuses nothing, waits for no restore, brings no file up to date and makes none of ours.

use std::fs::{File, Metadata, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::header::{self, Header, Kept, NotOurs};
use super::open::{existing_lock_file, writable};
use super::{Place, State, folder, turn};
use crate::error::{Failure, io_text, is_missing};
use crate::exit::Exit;
use crate::filesystem;
use crate::model::{Health, StateCheck, StateFolder, StateHeader};

/// So many names of the folder are read.
const NAMES: usize = 10_000;
/// So many leftovers are told.
const LEFTOVERS: usize = 100;

/// Looks at the state file.
#[must_use]
pub fn look(place: &Place) -> Health {
    let mut health = nothing();
    look_at_folder(place, &mut health);
    if health.folder == StateFolder::Safe {
        look_at_file(place, &mut health);
    }
    health
}

const fn nothing() -> Health {
    Health {
        folder: StateFolder::None,
        folder_mode: None,
        folder_writable: None,
        file_system: None,
        free_bytes: None,
        header: StateHeader::Missing,
        size: None,
        mode: None,
        wal_bytes: None,
        schema: None,
        check: StateCheck::NotAsked,
        oldest: None,
        bell: false,
        leftovers: Vec::new(),
        error: None,
    }
}

fn look_at_folder(place: &Place, health: &mut Health) {
    let about = match std::fs::metadata(place.folder()) {
        Ok(about) => about,
        Err(error) => {
            health.folder = match error.kind() {
                _ if is_missing(&error) => return,
                ErrorKind::PermissionDenied => StateFolder::Denied,
                _ => StateFolder::Failed,
            };
            health.error = Some(io_text(&error));
            return;
        }
    };
    if !about.is_dir() {
        return;
    }
    health.folder_mode = Some(mode(&about));
    health.folder_writable = Some(writable(place.folder()));
    health.file_system = Some(filesystem::kind(place.folder())).filter(|kind| !kind.is_empty());
    health.free_bytes =
        rustix::fs::statvfs(place.folder()).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    health.folder = match folder::check(place.folder()) {
        Ok(_) => StateFolder::Safe,
        Err(failure) => {
            health.error = Some(failure.to_string());
            match failure.exit {
                Exit::Permission => StateFolder::Unsafe,
                Exit::Config => StateFolder::Shared,
                _ => StateFolder::Failed,
            }
        }
    };
}

fn mode(about: &Metadata) -> u32 {
    about.mode() & 0o7777
}

fn look_at_file(place: &Place, health: &mut Health) {
    if let Ok(about) = std::fs::symlink_metadata(&place.file) {
        health.size = Some(about.len());
        health.mode = Some(mode(&about));
    }
    health.wal_bytes = place.with_suffix("-wal").metadata().ok().map(|wal| wal.len());
    health.bell = place.companion("bell").exists();
    health.leftovers = leftovers(place, health.size.is_some());
    match header::examine(&place.file) {
        Ok((header, kept)) => {
            health.header = StateHeader::Ours;
            health.schema = Some(header.version);
            look_inside(place, (&header, kept), health);
        }
        Err(why) => {
            health.header = word(&why);
            health.error = (health.header != StateHeader::Missing).then(|| why.refusal(&place.file).to_string());
        }
    }
}

fn word(why: &NotOurs) -> StateHeader {
    match why {
        NotOurs::Missing => StateHeader::Missing,
        NotOurs::Empty => StateHeader::Empty,
        NotOurs::NotAFile | NotOurs::NotSqlite | NotOurs::OtherProgram => StateHeader::Foreign,
        NotOurs::OtherUser(_) => StateHeader::OtherUser,
        NotOurs::Closed(error) if error.kind() == ErrorKind::PermissionDenied => StateHeader::Denied,
        NotOurs::Closed(_) | NotOurs::Failed(..) => StateHeader::Failed,
    }
}

fn look_inside(place: &Place, header: (&Header, Kept), health: &mut Health) {
    let open = match share(place) {
        Ok(open) => open,
        Err((check, error)) => {
            (health.check, health.error) = (check, error);
            return;
        }
    };
    let asked = State::open_as_it_is(place, header, open).and_then(|state| {
        health.check = StateCheck::Ok;
        health.schema = Some(state.version()?);
        if let Some(damage) = state.damage()? {
            (health.check, health.error) = (StateCheck::Damaged, Some(damage));
            return Ok(());
        }
        // A newer schema may have no such question.
        health.oldest = state.read("look for open turns", turn::oldest_open).unwrap_or_default();
        Ok(())
    });
    if let Err(failure) = asked {
        (health.check, health.error) = (check_of(&failure), Some(failure.to_string()));
    }
}

fn check_of(failure: &Failure) -> StateCheck {
    match failure.exit {
        Exit::Malformed => StateCheck::Damaged,
        Exit::Busy => StateCheck::Busy,
        Exit::Unknown => StateCheck::WalUnreadable,
        _ => StateCheck::Failed,
    }
}

/// `open.lock`, shared with all who have the state open, if no restore has it; none where it is not there.
fn share(place: &Place) -> Result<Option<File>, (StateCheck, Option<String>)> {
    let failed = |why: String| (StateCheck::Failed, Some(why));
    let Some(file) = existing_lock_file(place).map_err(|failure| failed(failure.to_string()))? else {
        return Ok(None);
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err((StateCheck::Restoring, None)),
        Err(TryLockError::Error(error)) => Err(failed(io_text(&error))),
    }
}

/// Names beside the state file that a killed creator, a restore or another mode of SQLite has left.
fn leftovers(place: &Place, is_there: bool) -> Vec<String> {
    let own = place.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_left = |name: &str| {
        let Some(suffix) = name.strip_prefix(&own) else { return false };
        let orphan = !is_there && (suffix == "-wal" || suffix == "-shm");
        orphan || suffix == "-journal" || suffix.starts_with(".new") || suffix.starts_with(".replaced-")
    };
    let mut names: Vec<String> = names(place.folder()).filter(|name| is_left(name)).take(LEFTOVERS).collect();
    names.sort_unstable();
    names
}

fn names(folder: &Path) -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(NAMES);
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned())
}

impl State {
    /// What SQLite's quick check finds wrong first; none: nothing.
    fn damage(&self) -> crate::error::Result<Option<String>> {
        let view = self.view("check the state file");
        let found: Option<String> = view.one("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        Ok(found.filter(|found| found != "ok"))
    }
}
