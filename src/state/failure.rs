//! What an error of SQLite or of the file system means to the caller: exit code, words, next step.
//! Every error that leaves this folder goes through here.

use std::io;
use std::path::Path;

use rusqlite::{Error, ErrorCode, ffi};

use crate::error::Failure;
use crate::exit::Exit;

/// An error of SQLite on this state file.
pub(super) fn failure_from(error: Error, file: &Path) -> Failure {
    let Some(code) = error.sqlite_error_code() else { return unreadable(error, file) };
    let extended = error.sqlite_error().map_or(0, |error| error.extended_code);
    let name = file.display();
    let (exit, what) = match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
            (Exit::Busy, format!("state file {name} is busy"))
        }
        ErrorCode::DiskFull => (Exit::Io, format!("no room left for state file {name}")),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
            (Exit::Malformed, format!("state file {name} is damaged"))
        }
        ErrorCode::ReadOnly if extended == ffi::SQLITE_READONLY_DBMOVED => {
            (Exit::Busy, format!("state file {name} was replaced meanwhile"))
        }
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
            (Exit::Permission, format!("state file {name} cannot be written"))
        }
        ErrorCode::CannotOpen => (Exit::CannotCreate, format!("cannot open state file {name}")),
        ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory => (Exit::Io, format!("cannot use state file {name}")),
        _ => (Exit::Bug, format!("state file {name}")),
    };
    let failure = Failure { exit, cause: anyhow::Error::msg(words(&error)).context(what), hint: None };
    match next_step(exit, extended, file) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// SQLite's own words for an error, lowercase.
fn words(error: &Error) -> String {
    match error {
        Error::SqliteFailure(error, None) => error.to_string().to_lowercase(),
        Error::SqliteFailure(_, Some(text)) | Error::SqlInputError { msg: text, .. } => text.to_lowercase(),
        error => error.to_string().to_lowercase(),
    }
}

fn next_step(exit: Exit, extended: i32, file: &Path) -> Option<String> {
    let folder = file.parent().unwrap_or(file).display();
    match exit {
        Exit::Busy => Some("nothing was written; run the same command again".into()),
        Exit::Malformed => Some(format!("keep the file; see what is left: sqlite3 '{}' .recover", file.display())),
        Exit::Permission => Some(format!("chmod u+w '{folder}' '{}'", file.display())),
        Exit::Io if extended & 0xff == ffi::SQLITE_FULL || extended == ffi::SQLITE_IOERR_SHMSIZE => {
            Some(format!("nothing was written; make room on the disk of {folder}, then run the same command again"))
        }
        _ => None,
    }
}

/// An error of rusqlite's own: a value of the wrong kind is a damaged file, the rest is our mistake.
fn unreadable(error: Error, file: &Path) -> Failure {
    let exit = match error {
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => Exit::Malformed,
        _ => Exit::Bug,
    };
    let what = format!("cannot read state file {}", file.display());
    Failure { exit, cause: anyhow::Error::msg(words(&error)).context(what), hint: None }
}

/// An I/O error while making or opening one of our files.
pub(super) fn create(what: String, error: impl Into<io::Error>) -> Failure {
    let error = error.into();
    let exit = match error.kind() {
        io::ErrorKind::PermissionDenied => Exit::Permission,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Exit::Io,
        io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::NotFound
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::AlreadyExists => Exit::CannotCreate,
        _ => Exit::Io,
    };
    let failure = Failure::io(what, error).exit(exit);
    match exit {
        Exit::Permission => failure.hint("choose a state file of your own: --state PATH"),
        Exit::CannotCreate => failure.hint("choose another state file: --state PATH"),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: i32) -> Failure {
        failure_from(Error::SqliteFailure(ffi::Error::new(code), None), Path::new("/s/state.db"))
    }

    #[test]
    fn every_kind_of_error_has_its_exit_code() {
        for (code, exit) in [
            (ffi::SQLITE_BUSY, Exit::Busy),
            (ffi::SQLITE_BUSY_SNAPSHOT, Exit::Busy),
            (ffi::SQLITE_FULL, Exit::Io),
            (ffi::SQLITE_IOERR_WRITE, Exit::Io),
            (ffi::SQLITE_IOERR_SHMSIZE, Exit::Io),
            (ffi::SQLITE_CORRUPT, Exit::Malformed),
            (ffi::SQLITE_NOTADB, Exit::Malformed),
            (ffi::SQLITE_READONLY, Exit::Permission),
            (ffi::SQLITE_READONLY_DBMOVED, Exit::Busy),
            (ffi::SQLITE_CANTOPEN, Exit::CannotCreate),
            (ffi::SQLITE_CONSTRAINT_CHECK, Exit::Bug),
            (ffi::SQLITE_ERROR, Exit::Bug),
        ] {
            let failure = failure(code);
            assert_eq!(failure.exit, exit, "{code}: {failure}");
            assert!(failure.to_string().contains("/s/state.db"), "{failure}");
            assert_eq!(failure.to_string(), failure.to_string().to_lowercase());
        }
        assert_eq!(failure_from(Error::QueryReturnedNoRows, Path::new("/s")).exit, Exit::Bug);
    }
}
