//! What a program wrote to stderr, by its first and its last words. Called with the last look, and by `turn conform`.
//! Never a verdict: the first words can show a refusal before anything happened, the last are for people.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::seam::regular;

/// Enough for a program's own refusal.
const HEAD: u64 = 16 * 1024;
/// Enough for its last words.
const TAIL: u64 = 4 * 1024;
/// Characters of them that are kept.
const WORDS: usize = 500;

/// The two ends of stderr.
#[derive(Clone, Debug, Default)]
pub struct Stderr {
    /// The beginning.
    pub head: Vec<u8>,
    /// The end.
    pub tail: Vec<u8>,
}

impl Stderr {
    /// Reads both ends of a file, of which nothing after `limit` counts. The agent may have put something else in its
    /// place: only a regular file is read.
    ///
    /// # Errors
    /// What opening and reading give.
    pub fn read(path: &Path, limit: u64) -> std::io::Result<Self> {
        let mut file = regular::open(path)?;
        let length = file.metadata()?.len().min(limit);
        let mut ends = Self::default();
        (&mut file).take(HEAD.min(length)).read_to_end(&mut ends.head)?;
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        file.take(TAIL.min(length)).read_to_end(&mut ends.tail)?;
        Ok(ends)
    }
}

/// The last lines with something on them, as far as they fit; no terminal control sequences.
#[must_use]
pub fn last_words(tail: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(tail);
    let mut lines: Vec<String> = Vec::new();
    let mut left = WORDS;
    for line in text.lines().rev().map(plain).filter(|line| !line.is_empty()) {
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

/// A line without colours and other control characters.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => {
                // `ESC [ parameters final`; any other sequence is taken to be one letter long.
                if letters.next() == Some('[') {
                    letters.find(|letter| ('\u{40}'..='\u{7e}').contains(letter));
                }
            }
            letter if letter.is_control() => {}
            letter => text.push(letter),
        }
    }
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_that_fit() {
        let long = "x".repeat(600);
        for (tail, words) in [
            ("", None),
            ("\n \n\u{1b}[0m\n", None),
            ("one\n\ntwo\n", Some("one\ntwo".to_owned())),
            ("\u{1b}[31mError:\u{1b}[39m no key\r\n", Some("Error: no key".to_owned())),
            (&format!("first\n{long}\n"), Some("x".repeat(500))),
            (&format!("{long}\nlast\n"), Some("last".to_owned())),
        ] {
            assert_eq!(last_words(tail.as_bytes()), words, "{tail:?}");
        }
        assert!(last_words(b"a\xff b").is_some());
    }
}
