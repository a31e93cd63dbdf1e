//! The last lines of a file, bounded and without secrets. Called for what an agent that crashed wrote to stderr.

use std::io;
use std::path::Path;

use crate::scrub::scrub;
use crate::seam::follow::{Follow, Grown};

/// So much is read: secrets are found in more than is kept, so that none is cut into pieces that look like nothing.
const READ: u64 = 64 * 1024;
/// So much is kept.
const KEPT: usize = 4 * 1024;
/// So many lines.
const LINES: usize = 20;

/// The end of the file; none where it is no file, cannot be read or says nothing.
pub(super) fn tail(path: &Path) -> Option<String> {
    let text = read(path).ok()??;
    let text = shorten(&scrub(&text)).to_owned();
    (!text.is_empty()).then_some(text)
}

fn read(path: &Path) -> io::Result<Option<String>> {
    let Some(mut file) = Follow::open(path)? else { return Ok(None) };
    let start = file.length()?.saturating_sub(READ);
    file.seek(start);
    let mut bytes = vec![0; usize::try_from(READ).unwrap_or(usize::MAX)];
    let mut filled = 0;
    while let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty())
        && let Grown::Bytes(read) = file.read(room)?
    {
        filled += read;
    }
    bytes.truncate(filled);
    let text = String::from_utf8_lossy(&bytes);
    // The first word may be the end of one, and not be known for what it is.
    let whole = if start == 0 { &*text } else { text.split_once(char::is_whitespace).map_or("", |(_, rest)| rest) };
    Ok(Some(whole.to_owned()))
}

/// The last lines of a text, at most 4 KiB of them.
fn shorten(text: &str) -> &str {
    let text = text.trim_end();
    let lines = text.rmatch_indices('\n').nth(LINES - 1).map_or(0, |(newline, _)| newline + 1);
    let start = lines.max(text.len().saturating_sub(KEPT));
    (start..=text.len()).find_map(|start| text.get(start..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_and_not_more_than_4_kib_are_kept() {
        let many: String = (0..100).map(|number| format!("line {number}\n")).collect();
        let kept: Vec<&str> = shorten(&many).lines().collect();
        assert_eq!((kept.len(), kept[0], kept[19]), (20, "line 80", "line 99"));
        let wide = "ä".repeat(10_000);
        assert!(shorten(&wide).len() <= KEPT && shorten(&wide).len() > KEPT - 4);
        assert_eq!(shorten("one\n\n"), "one");
        assert_eq!(shorten(""), "");
    }

    #[test]
    fn a_secret_that_is_cut_by_the_window_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stderr.log");
        let secret = format!("sk-{}", "k3y".repeat(40_000));
        std::fs::write(&path, format!("{secret}\nbye\n")).unwrap();
        assert_eq!(tail(&path).as_deref(), Some("bye"));
        std::fs::write(&path, format!("key {}\nbye\n", "sk-".to_owned() + &"k3y".repeat(2_000))).unwrap();
        assert_eq!(tail(&path).as_deref(), Some("key sk-[redacted]\nbye"));
        std::fs::write(&path, &secret).unwrap();
        assert_eq!(tail(&path), None);
        assert_eq!(tail(folder.path()), None, "a folder");
        assert_eq!(tail(&folder.path().join("none")), None);
    }
}
