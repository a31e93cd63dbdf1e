//! What a program wrote to stderr, by its first and its last words. Called with the last look, and by `turn conform`.
//! Never a verdict: the first words can show a refusal before anything happened, the last are for people.

use std::path::Path;

use crate::seam::follow::{Follow, Grown};

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
    /// Reads both ends of a file, of which nothing after `limit` counts. Its agent can put a FIFO there, which would be
    /// waited for: none where there is no regular file.
    ///
    /// # Errors
    /// What reading gives.
    pub fn read(path: &Path, limit: u64) -> std::io::Result<Option<Self>> {
        let Some(mut file) = Follow::open(path)? else { return Ok(None) };
        let length = file.length()?.min(limit);
        let head = read(&mut file, 0, HEAD.min(length))?;
        let tail = read(&mut file, length.saturating_sub(TAIL), TAIL.min(length))?;
        Ok(Some(Self { head, tail }))
    }
}

/// So many bytes of a file, or those that there are.
fn read(file: &mut Follow, start: u64, bytes: u64) -> std::io::Result<Vec<u8>> {
    file.seek(start);
    let mut all = vec![0; usize::try_from(bytes).unwrap_or(usize::MAX)];
    let mut filled = 0;
    while let Some(room) = all.get_mut(filled..).filter(|room| !room.is_empty())
        && let Grown::Bytes(read) = file.read(room)?
    {
        filled += read;
    }
    all.truncate(filled);
    Ok(all)
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
