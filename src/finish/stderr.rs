//! What a program wrote to stderr, by its two ends. Called with the last look, and by `turn conform`.
//! Never a verdict: the first words can show a refusal before anything happened, the last are for people, and what
//! looks like a secret is taken out of them. It reads a bounded part of a regular file, and waits for nobody.

use std::borrow::Cow;
use std::io::{self, Read};
use std::path::Path;

use crate::scrub::scrub;
use crate::seam::follow::Follow;

/// Enough for a program's own refusal.
const HEAD: u64 = 16 * 1024;
/// Enough for its end: secrets are found in more than is kept, so that none is cut into pieces that look like nothing.
const TAIL: u64 = 64 * 1024;
/// Characters of its last words.
const WORDS: usize = 500;
/// Bytes of its last lines.
const KEPT: usize = 4 * 1024;
/// So many lines.
const LINES: usize = 20;

/// The two ends of stderr.
#[derive(Clone, Debug, Default)]
pub struct Stderr {
    head: Vec<u8>,
    tail: Vec<u8>,
    /// The tail begins somewhere in the middle.
    cut: bool,
}

impl Stderr {
    /// Reads both ends of a file, of which nothing after `limit` counts; none where there is no regular file.
    ///
    /// # Errors
    /// What open(2) and pread(2) give.
    pub fn read(path: &Path, limit: u64) -> io::Result<Option<Self>> {
        let Some(mut file) = Follow::open(path)? else { return Ok(None) };
        let length = file.length()?.min(limit);
        let start = length.saturating_sub(TAIL);
        let head = read(&mut file, 0, HEAD.min(length))?;
        let tail = read(&mut file, start, length)?;
        Ok(Some(Self { head, tail, cut: start > 0 }))
    }

    /// The beginning, as it was written.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// The last lines with something on them, as far as they fit: words for a message.
    #[must_use]
    pub fn last_words(&self) -> Option<String> {
        let text = self.text();
        let mut lines: Vec<String> = Vec::new();
        let mut left = WORDS;
        for line in text.lines().rev().map(str::trim).filter(|line| !line.is_empty()) {
            let length = line.chars().count();
            if length > left && !lines.is_empty() {
                break;
            }
            lines.push(line.chars().skip(length.saturating_sub(left)).collect());
            left = left.saturating_sub(length + 1);
        }
        lines.reverse();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// The last 20 lines, at most 4 KiB of them: for the record of a crash.
    #[must_use]
    pub fn last_lines(&self) -> Option<String> {
        let text = self.text();
        let text = text.trim_end();
        let lines = text.rmatch_indices('\n').nth(LINES - 1).map_or(0, |(newline, _)| newline + 1);
        let start = lines.max(text.len().saturating_sub(KEPT));
        let kept = (start..=text.len()).find_map(|start| text.get(start..)).unwrap_or_default();
        (!kept.is_empty()).then(|| kept.to_owned())
    }

    /// The end as text for people: without colours, control characters and secrets.
    fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.tail);
        // The first word may be the end of one, and not be known for what it is.
        let whole: Cow<'_, str> = match (self.cut, text.split_once(char::is_whitespace)) {
            (false, _) => text,
            (true, rest) => rest.map_or("", |(_, rest)| rest).to_owned().into(),
        };
        scrub(&plain(&whole))
    }
}

/// The bytes of a file from one place to another, or those that there are.
fn read(file: &mut Follow, start: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(start);
    file.up_to(end).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A text without colours and other control characters.
fn plain(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => {
                // `ESC [ parameters final`; any other sequence is taken to be one letter long.
                if letters.next() == Some('[') {
                    letters.find(|letter| ('\u{40}'..='\u{7e}').contains(letter));
                }
            }
            '\n' | '\t' => kept.push(letter),
            letter if letter.is_control() => {}
            letter => kept.push(letter),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(tail: impl AsRef<[u8]>) -> Stderr {
        Stderr { tail: tail.as_ref().to_vec(), ..Stderr::default() }
    }

    #[test]
    fn the_last_words_are_the_lines_that_fit() {
        let long = "x".repeat(600);
        for (tail, words) in [
            ("", None),
            ("\n \n\u{1b}[0m\n", None),
            ("one\n\ntwo\n", Some("one\ntwo".to_owned())),
            ("\u{1b}[31mError:\u{1b}[39m no key\r\n", Some("Error: no key".to_owned())),
            (&format!("first\n{long}\n"), Some("x".repeat(500))),
            (&format!("{long}\nlast\n"), Some("last".to_owned())),
        ] {
            assert_eq!(ending(tail).last_words(), words, "{tail:?}");
        }
        assert!(ending(b"a\xff b").last_words().is_some());
    }

    #[test]
    fn the_last_lines_are_20_and_not_more_than_4_kib() {
        let many: String = (0..100).map(|number| format!("  line {number}\n")).collect();
        let kept = ending(many).last_lines().unwrap();
        let kept: Vec<&str> = kept.lines().collect();
        assert_eq!((kept.len(), kept[0], kept[19]), (20, "  line 80", "  line 99"), "they are as they were indented");
        let wide = ending("ä".repeat(10_000)).last_lines().unwrap();
        assert!(wide.len() <= KEPT && wide.len() > KEPT - 4);
        assert_eq!(ending("one\n\n").last_lines().as_deref(), Some("one"));
        assert_eq!(ending("").last_lines(), None);
    }

    #[test]
    fn no_view_shows_a_secret_whole_coloured_or_cut_by_the_window() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stderr.log");
        let key = |times| format!("sk-{}", "k3y".repeat(times));
        for (written, expected) in [
            (format!("{}\nbye\n", key(40_000)), Some("bye")),
            (format!("key {}\nbye\n", key(2_000)), Some("key sk-[redacted]\nbye")),
            (format!("key \u{1b}[1msk-k3yk3y\u{1b}[0m{}\nbye\n", "k3y".repeat(20)), Some("key sk-[redacted]\nbye")),
            (key(40_000), None),
        ] {
            std::fs::write(&path, &written).unwrap();
            let seen = Stderr::read(&path, u64::MAX).unwrap().unwrap();
            assert_eq!(seen.last_lines().as_deref(), expected);
            assert_eq!(seen.last_words().as_deref(), expected);
        }
    }

    #[test]
    fn only_a_regular_file_is_read_and_nothing_after_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stderr.log");
        std::fs::write(&path, "first\nlast\nafterwards\n").unwrap();
        let seen = Stderr::read(&path, 11).unwrap().unwrap();
        assert_eq!((seen.head(), seen.last_lines().as_deref()), (&b"first\nlast\n"[..], Some("first\nlast")));
        let long = format!("{}\nlast\nafterwards\n", "x".repeat(100_000));
        std::fs::write(&path, &long).unwrap();
        let seen = Stderr::read(&path, 100_006).unwrap().unwrap();
        assert_eq!((seen.head().len() as u64, seen.last_words().as_deref()), (HEAD, Some("last")));
        let fifo = folder.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for other in [fifo, folder.path().to_owned(), folder.path().join("none")] {
            assert!(Stderr::read(&other, u64::MAX).unwrap().is_none(), "{}", other.display());
        }
    }
}
