//! Reads a turn's stream file as it grows, in bounded memory, and folds it into facts.
//! Used by whoever supervises or finishes a turn; the file is the only record of its events.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use crate::clock::Tick;
use crate::runtime::{Description, Facts, Output, Reading, Splitter};
use crate::seam::follow::Follow;

/// The stream's name in the turn's log folder.
pub const STREAM: &str = "stream.jsonl";
/// The name of what the agent wrote to stderr.
pub const STDERR: &str = "stderr.log";

/// So much opaque output is read at once.
const CHUNK: usize = 256 * 1024;

/// A stream and how far it has been read.
#[derive(Debug)]
pub struct Observer {
    follow: Follow,
    splitter: Splitter,
    reading: Reading,
    /// What opaque output is read into.
    chunk: Option<Vec<u8>>,
}

impl Observer {
    /// Opens the stream of a turn at its beginning; none where there is none.
    ///
    /// # Errors
    /// What opening gives.
    pub fn open(log_dir: &Path, description: &Arc<Description>) -> io::Result<Option<Self>> {
        let follow = Follow::open(&log_dir.join(STREAM))?;
        Ok(follow.map(|follow| Self {
            follow,
            splitter: Splitter::new(0),
            reading: Reading::new(Arc::clone(description)),
            chunk: (description.output == Output::Opaque).then(|| vec![0; CHUNK]),
        }))
    }

    /// What is known so far.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        self.reading.facts()
    }

    /// How many bytes have been read.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.follow.offset()
    }

    /// Reads all that has come, as read at `now`; says whether anything has.
    ///
    /// # Errors
    /// What reading gives.
    pub fn pump(&mut self, now: Tick) -> io::Result<bool> {
        self.pump_to(u64::MAX, now)
    }

    /// The same, but nothing beyond `limit`: what comes later is not the agent's.
    ///
    /// # Errors
    /// What reading gives.
    pub fn pump_to(&mut self, limit: u64, now: Tick) -> io::Result<bool> {
        let before = self.follow.offset();
        let mut source = self.follow.up_to(limit);
        if let Some(buffer) = &mut self.chunk {
            loop {
                match source.read(buffer)? {
                    0 => break,
                    read => self.reading.chunk(&buffer[..read], now),
                }
            }
        } else {
            while self.splitter.fill(&mut source)? > 0 {
                while let Some(line) = self.splitter.next_line() {
                    self.reading.line(&line, now);
                }
            }
        }
        Ok(self.follow.offset() != before)
    }

    /// Nothing more will come: a last line without its `\n` is a line too.
    pub fn finish(&mut self, now: Tick) {
        if self.chunk.is_none()
            && let Some(line) = self.splitter.finish()
        {
            self.reading.line(&line, now);
        }
    }
}
