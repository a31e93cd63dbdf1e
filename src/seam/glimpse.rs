//! One bounded look at a file that somebody else writes, and the wait for its next change.
//! Called by `probe output` and `probe result`; how long a file is and when it changed is asked by `gather` and `turn attach`
//! too. It never waits for a FIFO, reads at most 8 MiB, and never writes.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::Duration;

use super::artefact::RESULT;
use super::content::{self, Bytes};
use super::document::{self, Required};
use super::follow::Watch;
use super::regular::{Reached, modified_ns, not_file};
use super::wait;
use crate::clock::{Stamp, Tick};
use crate::error::{io_text, is_missing};
use crate::model::{Claim, Content, ContentKind, Glimpse, NotFile, Stand};

/// Of a longer file than a result may be, so much is read of either end.
const END: u64 = 64 * 1024;
/// A file that is being written is read so often, with a pause between.
const READS: usize = 3;
/// So long the kernel may give a file the same time of change again (its tick is 10 ms at most).
const TICK: Duration = Duration::from_millis(12);

/// What a look finds, and the error in words where there was one.
#[derive(Clone, Debug)]
pub struct Looked<T> {
    /// What was found.
    pub glimpse: Glimpse<T>,
    /// The instrument's own words.
    pub error: Option<String>,
}

/// Looks at a file of this kind; of none: of the kind that it seems to be.
#[must_use]
pub fn output(path: &Path, kind: Option<ContentKind>) -> Looked<Content> {
    let torn = |content: &Content| match content {
        Content::Read(reading) => reading.restless && reading.form.may_be_torn(),
        _ => false,
    };
    let meaning = |read: Result<Bytes, ErrorKind>| match read {
        Ok(bytes) => content::of(&bytes, kind),
        Err(ErrorKind::PermissionDenied) => Content::Denied,
        Err(_) => Content::Failed,
    };
    look(path, meaning, torn)
}

/// Looks at a result, and what it has to hold beside its status.
#[must_use]
pub fn result(path: &Path, required: &[Required]) -> Looked<Claim> {
    let meaning = |read: Result<Bytes, ErrorKind>| match read {
        Ok(bytes) => claim(&bytes, required),
        Err(ErrorKind::PermissionDenied) => Claim::Denied,
        Err(_) => Claim::Failed,
    };
    look(path, meaning, |claim| *claim == Claim::Restless)
}

fn claim(bytes: &Bytes, required: &[Required]) -> Claim {
    if bytes.tail.is_some() {
        return Claim::TooLong;
    }
    let object = document::object(&bytes.head);
    let said = object.and_then(|object| document::status(&object).map(|status| (status, object)));
    let (status, object) = match said {
        Ok(said) => said,
        Err(_) if bytes.restless => return Claim::Restless,
        Err(why) => return Claim::Nothing(why),
    };
    let document = object.into();
    match required.iter().find_map(|required| required.lack(&document)) {
        Some(lack) => Claim::Without(status, lack),
        None => Claim::Status(status),
    }
}

/// Looks, and looks again while what was read is `torn`: half of one content and half of another may be neither.
fn look<T>(path: &Path, meaning: impl Fn(Result<Bytes, ErrorKind>) -> T, torn: impl Fn(&T) -> bool) -> Looked<T> {
    let mut looked = look_once(path, &meaning);
    for _ in 1..READS {
        if !matches!(&looked.glimpse, Glimpse::File(_, read) if torn(read)) {
            break;
        }
        wait::pause(TICK);
        looked = look_once(path, &meaning);
    }
    looked
}

fn look_once<T>(path: &Path, meaning: impl Fn(Result<Bytes, ErrorKind>) -> T) -> Looked<T> {
    let mut error = None;
    let glimpse = match found(path) {
        Ok(Ok((stand, read))) => {
            error = read.as_ref().err().map(io_text);
            Glimpse::File(stand, meaning(read.map_err(|error| error.kind())))
        }
        Ok(Err(other)) => Glimpse::NotFile(other),
        Err(failed) => {
            error = Some(io_text(&failed));
            missed(&failed)
        }
    };
    Looked { glimpse, error }
}

fn missed<T>(error: &io::Error) -> Glimpse<T> {
    match error.kind() {
        _ if is_missing(error) => Glimpse::Absent,
        ErrorKind::PermissionDenied => Glimpse::Denied,
        _ if error.raw_os_error() == Some(nix::libc::ELOOP) => Glimpse::Loop,
        _ => Glimpse::Failed,
    }
}

type Found = (Stand, io::Result<Bytes>);

fn found(path: &Path) -> io::Result<Result<Found, NotFile>> {
    let reached = Reached::at(path)?;
    if !reached.data.is_file() {
        return Ok(Err(not_file(reached.data.file_type())));
    }
    let read = reached.open().and_then(|file| read(&file, &reached.data));
    Ok(Ok((stand(&reached.data), read)))
}

fn read(file: &File, data: &Metadata) -> io::Result<Bytes> {
    let size = data.len();
    let (head, tail) = if size <= RESULT {
        (part(file, 0, size)?, None)
    } else {
        (part(file, 0, END)?, Some(part(file, size - END, END)?))
    };
    let now = Stamp::now();
    let before = stand(data);
    let lately = before.modified <= now && now < before.modified.plus(TICK);
    let restless = lately || stand(&file.metadata()?) != before;
    Ok(Bytes { head, tail, restless })
}

/// At most so many bytes from there.
fn part(file: &File, from: u64, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(most).unwrap_or(usize::MAX)];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], from + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

fn stand(data: &Metadata) -> Stand {
    let modified = Stamp::from_nanos(modified_ns(data));
    Stand { size: data.len(), modified, inode: format!("{:x}:{}", data.dev(), data.ino()) }
}

/// How whatever is at a path stands, by stat(2) alone; none where there is nothing.
///
/// # Errors
/// What stat(2) gives.
pub fn stat(path: &Path) -> io::Result<Option<Stand>> {
    match std::fs::metadata(path) {
        Ok(data) => Ok(Some(stand(&data))),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// How the file at a path stands now; none where there is no regular file.
fn stands(path: &Path) -> Option<Stand> {
    Reached::at(path).ok().filter(|reached| reached.data.is_file()).map(|reached| stand(&reached.data))
}

/// Waits until the file stands otherwise than it did, for so long at most. The kernel gives notice; where it does not,
/// the time passes. The watch comes before the look, so that nothing is missed between.
pub fn await_change(path: &Path, before: Option<&Stand>, most: Duration) {
    let deadline = Tick::now().plus(most);
    let changed = || stands(path).as_ref() != before;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let watched = [&[folder, path][..], &[folder], &[path]].into_iter().find_map(|paths| Watch::on(paths).ok());
    let Some(watch) = watched else {
        wait::pause(most);
        return;
    };
    while !changed() {
        let noticed = wait::readable(watch.as_fd(), deadline);
        if !matches!(noticed, Ok(true)) || watch.drain().is_err() {
            return;
        }
    }
}

#[cfg(test)]
#[path = "glimpse_tests.rs"]
mod tests;
