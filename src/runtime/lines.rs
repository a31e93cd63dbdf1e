//! Splits a growing stream into lines, in one buffer of bounded size, whatever the stream.
//! Called by whoever reads a turn's stream file. Must never split at anything but `\n`: text in a line may hold
//! U+2028, U+0085 and other "line" characters.

use std::io::{self, ErrorKind, Read};

use memchr::memchr;

use super::shorten::Shortener;

/// The buffer: the longest line that is kept whole, its `\n` included.
pub const BUFFER: usize = 1024 * 1024;
/// Read at once; small enough to be split while it is in the cache.
const PIECE: usize = 256 * 1024;
/// Read first, and twice as much each time: most streams that somebody comes back to are short, and there may be thousands.
const FIRST: usize = 16 * 1024;
/// Free bytes without which a shortened line is given up: it would come in drops.
const ROOM: usize = 64 * 1024;

/// One line, without its `\n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The bytes; empty if it is oversize.
    pub bytes: &'a [u8],
    /// Where it starts in the stream.
    pub start: u64,
    /// Where the next one starts.
    pub end: u64,
    /// Whether it fitted.
    pub fit: Fit,
    /// Whether its `\n` was seen; false only for the last one.
    pub terminated: bool,
}

/// Whether a line fitted into the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// As it came.
    Whole,
    /// Strings beyond 64 KiB were shortened.
    Shortened,
    /// Too long even so: its bytes are gone.
    Oversize,
}

/// How the line that is under way is kept.
#[derive(Debug)]
enum Mode {
    Whole,
    Shortened(Shortener),
    Skipped,
}

/// Splits what it is filled with into lines.
///
/// ```
/// # use refloat::runtime::Splitter;
/// let mut stream: &[u8] = b"one\ntwo\nrest";
/// let mut splitter = Splitter::new(0);
/// let mut lines = 0;
/// while splitter.fill(&mut stream)? > 0 {
///     while let Some(_line) = splitter.next_line() {
///         lines += 1;
///     }
/// }
/// assert_eq!(lines, 2);
/// assert_eq!(splitter.finish().map(|line| line.bytes), Some(&b"rest"[..]));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Splitter {
    buffer: Vec<u8>,
    /// The line under way is `buffer[start..end]`; before `seen` there is no `\n`, and it is shortened if it is to be.
    start: usize,
    seen: usize,
    end: usize,
    mode: Mode,
    /// So much is read next.
    piece: usize,
    /// Where in the stream the line under way starts, and where the next read does.
    line_start: u64,
    read_to: u64,
}

impl Splitter {
    /// A splitter for a stream that will be read from this offset on, where a line starts.
    #[must_use]
    pub fn new(offset: u64) -> Self {
        let mode = Mode::Whole;
        Self { buffer: Vec::new(), start: 0, seen: 0, end: 0, mode, piece: FIRST, line_start: offset, read_to: offset }
    }

    /// Reads once, and says how many bytes came; 0: nothing more for now. Take every line before the next call.
    ///
    /// # Errors
    /// Those of the reader, but for an interruption, after which it reads again.
    pub fn fill(&mut self, from: &mut impl Read) -> io::Result<usize> {
        self.make_room();
        let to = BUFFER.min(self.end + self.piece);
        self.piece = PIECE.min(self.piece * 2);
        if self.buffer.len() < to {
            self.buffer.resize(to, 0);
        }
        let read = loop {
            match from.read(&mut self.buffer[self.end..to]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.end += read;
        self.read_to += read as u64;
        Ok(read)
    }

    /// The next line that has its `\n`; none: fill again.
    pub fn next_line(&mut self) -> Option<Line<'_>> {
        let Some(ahead) = memchr(b'\n', &self.buffer[self.seen..self.end]) else {
            self.digest(self.end);
            self.end = self.seen;
            return None;
        };
        let newline = self.seen + ahead;
        let after = self.read_to - (self.end - newline - 1) as u64;
        self.digest(newline);
        Some(self.take(newline + 1, after, true))
    }

    /// The last line, if it has no `\n`. For when nothing more will come.
    pub fn finish(&mut self) -> Option<Line<'_>> {
        self.digest(self.end);
        (self.line_start < self.read_to).then(|| self.take(self.end, self.read_to, false))
    }

    /// Takes the bytes up to `to`, which have no `\n`, into the line under way, by its mode.
    fn digest(&mut self, to: usize) {
        self.seen = match &mut self.mode {
            Mode::Whole => to,
            Mode::Shortened(shortener) => shortener.pass(&mut self.buffer, self.seen, to),
            Mode::Skipped => self.start,
        };
    }

    /// Hands out `buffer[start..seen]` as the line, and begins the next one at `next`.
    fn take(&mut self, next: usize, after: u64, terminated: bool) -> Line<'_> {
        let fit = match std::mem::replace(&mut self.mode, Mode::Whole) {
            Mode::Whole => Fit::Whole,
            Mode::Shortened(_) => Fit::Shortened,
            Mode::Skipped => Fit::Oversize,
        };
        let line = (self.start, self.seen, self.line_start);
        (self.start, self.seen, self.line_start) = (next, next, after);
        Line { bytes: &self.buffer[line.0..line.1], start: line.2, end: after, fit, terminated }
    }

    /// Moves the line under way to the front; shortens it when it fills the buffer, and gives it up if that does not help.
    fn make_room(&mut self) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.seen, self.end) = (self.seen - self.start, self.end - self.start);
            self.start = 0;
        }
        if matches!(self.mode, Mode::Whole) && self.end == BUFFER {
            self.mode = Mode::Shortened(Shortener::new());
            self.seen = 0;
            self.digest(self.end);
            self.end = self.seen;
        }
        if matches!(self.mode, Mode::Shortened(_)) && self.end + ROOM > BUFFER {
            self.mode = Mode::Skipped;
            (self.seen, self.end) = (0, 0);
        }
    }
}
