//! A small file that somebody else may be writing at this moment: read whole and at rest, or not at all.
//! Called by `bmad` for stories and sprint files. It is bounded in bytes and in time, and opens nothing but regular files.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hmac_sha256::Hash;

use super::regular::{self, modified_ns};
use super::wait;
use crate::clock::Stamp;
use crate::error::{io_text, is_missing};
use crate::model::{Reason, Silence};

/// A longer file is not read: a sprint of a thousand stories has 100 KB.
pub const MOST: u64 = 8 * 1024 * 1024;
/// Who writes a file in place is taken to be done when it has not changed for so long. What lies between two writes of one
/// content cannot be seen otherwise: half of a file is a sound file too.
const REST: Duration = Duration::from_millis(20);
/// It is waited for so often.
const LOOKS: usize = 5;

/// A file, as it was at rest.
#[derive(Debug)]
pub struct Steady {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Its last change, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// SHA-256 of it.
    pub sha256: String,
}

/// Reads a file; a link is followed.
///
/// # Errors
/// Why it cannot be read.
pub fn read(path: &Path) -> Result<Steady, Silence> {
    for _ in 0..LOOKS {
        if let Some(steady) = look(path).map_err(|error| silence(&error))? {
            return Ok(steady);
        }
    }
    Err(Silence::of(Reason::BeingWritten))
}

/// None: it was not at rest.
fn look(path: &Path) -> io::Result<Option<Steady>> {
    let mut file = regular::open(path)?;
    let data = file.metadata()?;
    if data.len() > MOST {
        return Err(io::Error::from(ErrorKind::FileTooLarge));
    }
    if let Some(rest) = unrest(age_ms(&data), is_settled(&data)) {
        wait::pause(rest);
        return Ok(None);
    }
    let bytes = all(&mut file)?;
    let after = file.metadata()?;
    if (after.len(), modified_ns(&after), bytes.len() as u64) != (data.len(), modified_ns(&data), data.len()) {
        return Ok(None);
    }
    let sha256 = Hash::hash(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Some(Steady { bytes, modified_ns: modified_ns(&data), sha256 }))
}

fn all(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MOST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// How long it is until it is at rest.
fn unrest(age_ms: i64, is_settled: bool) -> Option<Duration> {
    let rest = i64::try_from(REST.as_millis()).unwrap_or(i64::MAX);
    let left = u64::try_from(rest.saturating_sub(age_ms)).unwrap_or_default();
    (!is_settled && age_ms >= 0 && left > 0).then(|| Duration::from_millis(left))
}

/// A time in the future says nothing: nobody waits for it.
fn age_ms(data: &Metadata) -> i64 {
    Stamp::now().millis() - Stamp::from_nanos(modified_ns(data)).millis()
}

/// A file that was moved to its place, or got its times or rights last, is whole: its inode has changed after its content.
fn is_settled(data: &Metadata) -> bool {
    (data.ctime(), data.ctime_nsec()) > (data.mtime(), data.mtime_nsec())
}

fn silence(error: &io::Error) -> Silence {
    match error.kind() {
        _ if is_missing(error) => Silence::of(Reason::NoFile),
        ErrorKind::PermissionDenied => Silence::of(Reason::PermissionDenied),
        _ if error.raw_os_error() == Some(nix::libc::ELOOP) => Silence::of(Reason::LinkLoop),
        ErrorKind::FileTooLarge => Silence::with(Reason::TooBig, format!("longer than {} MiB", MOST >> 20)),
        ErrorKind::InvalidInput => Silence::with(Reason::NotAFile, io_text(error)),
        _ => Silence::with(Reason::LookFailed, io_text(error)),
    }
}

/// The names in a folder, at most so many; none where there is no such folder.
///
/// # Errors
/// Why it cannot be listed, and that it has more.
pub fn names(folder: &Path, most: usize) -> Result<Vec<PathBuf>, Silence> {
    let list = || -> io::Result<Vec<PathBuf>> {
        std::fs::read_dir(folder)?.take(most + 1).map(|entry| entry.map(|entry| entry.path())).collect()
    };
    match list() {
        Ok(names) if names.len() > most => {
            Err(Silence::with(Reason::TooBig, format!("{} has more than {most} files", folder.display())))
        }
        Ok(mut names) => {
            names.sort();
            Ok(names)
        }
        Err(error) if is_missing(&error) => Ok(Vec::new()),
        Err(error) => {
            Err(Silence { what: Some(format!("{}: {}", folder.display(), io_text(&error))), ..silence(&error) })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::clock::Tick;

    #[test]
    fn the_table_of_rest() {
        let rows = [(0, false, Some(20)), (19, false, Some(1)), (20, false, None), (-5, false, None), (0, true, None)];
        for (age, settled, millis) in rows {
            assert_eq!(unrest(age, settled), millis.map(Duration::from_millis), "{age} {settled}");
        }
    }

    #[test]
    fn a_file_is_read_with_its_hash_and_what_is_none_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let why = |path: &Path| read(path).unwrap_err().reason;
        assert_eq!((why(&path), why(&path.join("below"))), (Reason::NoFile, Reason::NoFile));
        std::fs::write(&path, "abc").unwrap();
        let steady = read(&path).unwrap();
        assert!(steady.sha256.starts_with("ba7816bf8f01cfea") && steady.bytes == b"abc", "{steady:?}");
        assert_eq!((why(&path.join("below")), why(folder.path())), (Reason::NoFile, Reason::NotAFile));
        File::options().write(true).open(&path).unwrap().set_len(MOST + 1).unwrap();
        assert_eq!(why(&path), Reason::TooBig);
        assert_eq!(names(folder.path(), 1).unwrap(), std::slice::from_ref(&path));
        assert_eq!(names(&folder.path().join("none"), 1).unwrap(), [] as [&Path; 0]);
        std::fs::write(folder.path().join("g"), "").unwrap();
        assert_eq!(names(folder.path(), 1).unwrap_err().reason, Reason::TooBig);
    }

    /// A file that somebody writes again and again is none that is at rest; when that ends it is read.
    #[test]
    fn a_file_that_is_not_at_rest_is_told_as_that() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let mut file = File::create(&path).unwrap();
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    file.write_all(b"x").unwrap();
                    file.set_len(0).unwrap();
                    wait::pause(Duration::from_micros(200));
                }
            });
            let until = Tick::now().plus(Duration::from_secs(60));
            let seen = std::iter::repeat_with(|| read(&path).err()).find(|why| why.is_some() || Tick::now() > until);
            ended.store(true, Ordering::Relaxed);
            assert_eq!(seen.flatten().map(|why| why.reason), Some(Reason::BeingWritten));
        });
        assert!(read(&path).is_ok());
    }
}
