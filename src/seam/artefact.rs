//! How a file that somebody else writes looks at this moment: is it there, what is it, what is in it.
//! Called by `owed` before and after an attempt. It opens nothing but regular files, so it never waits for a FIFO and
//! never wakes a device; it reads a bounded part of them, and never writes.
//! (A network file system that does not answer makes it wait: stat(2) has no deadline.)

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use hmac_sha256::Hash;

use super::document;
use super::regular::{Reached, modified_ns, name};
use crate::error::{io_text, is_missing};
use crate::model::{FileSeen, Look, Said};

/// So much of a file is hashed, in less than a second. Of a longer one, this first part, its length and its time are compared.
pub const HASHED: u64 = 64 * 1024 * 1024;
/// A longer result is not read.
pub const RESULT: u64 = 8 * 1024 * 1024;
/// A file that is being written is looked at so often, before it is called so.
const LOOKS: usize = 3;
/// Why such a file is not read.
const WRITTEN: &str = "it is being written";

/// Looks at a file. A link is followed: what is owed is what it leads to.
#[must_use]
pub fn file(path: &Path) -> Look {
    look(path, false)
}

/// Looks at a result: a file with a JSON object that has a `status`.
#[must_use]
pub fn result(path: &Path) -> Look {
    look(path, true)
}

fn look(path: &Path, is_result: bool) -> Look {
    let restless = |look: &Look| matches!(look, Look::File(seen) if seen.unread.as_deref() == Some(WRITTEN));
    let mut look = look_once(path, is_result);
    for _ in 1..LOOKS {
        if !restless(&look) {
            break;
        }
        look = look_once(path, is_result);
    }
    look
}

fn look_once(path: &Path, is_result: bool) -> Look {
    match Reached::at(path) {
        Err(error) if is_missing(&error) => Look::Absent,
        Err(error) => Look::Unknown { why: io_text(&error) },
        Ok(found) if !found.data.is_file() => Look::Other { what: name(found.data.file_type()).to_owned() },
        Ok(found) => match read(&found, is_result) {
            Ok(seen) => Look::File(seen),
            Err(error) => Look::Unknown { why: io_text(&error) },
        },
    }
}

fn read(found: &Reached, is_result: bool) -> io::Result<FileSeen> {
    let data = &found.data;
    let unread = |why: String| FileSeen {
        size: data.len(),
        modified_ns: modified_ns(data),
        sha256: None,
        whole: false,
        said: is_result.then(|| Said::Nothing(why.clone())),
        unread: Some(why),
    };
    let mut file = match found.open() {
        Ok(file) => file,
        Err(error) => return Ok(unread(io_text(&error))),
    };
    let text = match digest(&mut file, is_result && data.len() <= RESULT) {
        Ok(text) => text,
        Err(error) => return Ok(unread(io_text(&error))),
    };
    // Somebody writes it just now: half of one content and half of another is neither.
    let after = file.metadata()?;
    if (after.len(), modified_ns(&after)) != (data.len(), modified_ns(data)) {
        return Ok(unread(WRITTEN.to_owned()));
    }
    Ok(FileSeen {
        size: data.len(),
        modified_ns: modified_ns(data),
        sha256: Some(text.0),
        whole: data.len() <= HASHED,
        unread: None,
        said: is_result
            .then(|| text.1.map_or_else(|| Said::Nothing("longer than 8 MiB".to_owned()), |text| said(&text))),
    })
}

/// The hash of the first part, and all of the text if that is wanted.
fn digest(file: &mut File, keep: bool) -> io::Result<(String, Option<Vec<u8>>)> {
    let mut hash = Hash::new();
    let mut text = keep.then(Vec::new);
    let mut rest = file.take(HASHED);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = match rest.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(&buffer[..read]);
        if let Some(text) = &mut text {
            text.extend_from_slice(&buffer[..read]);
        }
    }
    let hex = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((hex, text))
}

/// What a result says.
fn said(text: &[u8]) -> Said {
    let status = document::object(text).and_then(|object| document::status(&object));
    status.map_or_else(|why| Said::Nothing(why.word().to_owned()), Said::Status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(look: Look) -> FileSeen {
        match look {
            Look::File(seen) => seen,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_is_seen_with_its_hash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        assert_eq!(file(&path), Look::Absent);
        assert_eq!(file(&path.join("below")), Look::Absent);
        std::fs::write(&path, "abc").unwrap();
        let found = seen(file(&path));
        // The example of FIPS 180-4.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((found.size, found.sha256.as_deref(), found.whole, found.said), (3, Some(abc), true, None));
        assert_eq!(file(&path.join("below")), Look::Absent);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(seen(file(&link)).sha256.as_deref(), Some(abc));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(file(&link), Look::Absent, "a link to nothing is nothing");
    }

    #[test]
    fn what_is_no_file_is_named_and_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let what = |path: &Path| match result(path) {
            Look::Other { what } => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(what(folder.path()), "a folder");
        assert_eq!(what(&fifo), "a FIFO");
        assert_eq!(what(&socket), "a socket");
        assert_eq!(what(Path::new("/dev/zero")), "a device");
        let around = folder.path().join("around");
        std::os::unix::fs::symlink(&around, &around).unwrap();
        assert!(matches!(file(&around), Look::Unknown { .. }), "{:?}", file(&around));
    }

    #[test]
    fn a_long_file_is_hashed_in_its_first_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long");
        File::create(&path).unwrap().set_len(HASHED + 1).unwrap();
        let found = seen(result(&path));
        assert_eq!((found.size, found.whole, found.sha256.is_some()), (HASHED + 1, false, true));
        assert_eq!(found.said, Some(Said::Nothing("longer than 8 MiB".into())));
    }

    #[test]
    fn a_result_says_its_status_or_why_it_says_nothing() {
        let status = |text: &str| Said::Status(text.to_owned());
        let nothing = |why: &str| Said::Nothing(why.to_owned());
        let rows = [
            (r#"{"status":"done"}"#, status("done")),
            (" {\"x\":[1],\n\"status\": \" Done\\u001b \"}\n", status("Done")),
            ("", nothing("it is empty")),
            (" \n", nothing("it is empty")),
            (r#"{"status":"do"#, nothing("its JSON is cut off")),
            (r#"{"status":"done"}{"status":"done"}"#, nothing("it is more than one JSON document")),
            ("status: done", nothing("it is not one JSON document")),
            (r#"["done"]"#, nothing("it is not a JSON object")),
            (r#""done""#, nothing("it is not a JSON object")),
            (r#"{"status":true}"#, nothing("its status is not text")),
            (r#"{"state":"done"}"#, nothing("it has no status")),
        ];
        for (text, expected) in rows {
            assert_eq!(said(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(said(b"{\"status\":\"\xff\"}"), nothing("it is not one JSON document"));
    }
}
