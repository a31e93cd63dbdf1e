//! A turn's stream as `turn.event` records, from its beginning: what has come, then what comes later.
//! Used by `turn log`, and beside a supervisor by `--events`. It has a place of its own in the file: whoever prints
//! slowly is late, and misses nothing.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use refloat::clock::Tick;
use refloat::emit::Emitter;
use refloat::error::{IoContext, Result};
use refloat::id::TurnId;
use refloat::model::Turn;
use refloat::observe::STREAM;
use refloat::record::{TurnEvent, count};
use refloat::runtime::{Fit, Line, LineKind, Reading, Splitter};
use refloat::seam::follow::Follow;

/// A longer line is shown by its beginning.
const LONGEST_EVENT: usize = 64 * 1024;
/// So many characters of it.
const TEXT: usize = 4096;

/// A stream that is printed.
pub(crate) struct Events {
    turn: TurnId,
    source: Source,
    splitter: Splitter,
    reading: Reading,
    lines: i64,
}

impl Events {
    /// None where there is no stream.
    pub(crate) fn open(turn: &Turn, log_dir: &Path) -> Result<Option<Self>> {
        let path = log_dir.join(STREAM);
        let follow = Follow::open(&path).or_fail(|| format!("cannot read {}", path.display()))?;
        let reading = Reading::new(Arc::clone(&turn.description));
        Ok(follow.map(|follow| Self {
            turn: turn.id,
            source: Source::of(follow),
            splitter: Splitter::new(0),
            reading,
            lines: 0,
        }))
    }

    /// Prints the lines that have come since.
    pub(crate) fn print(&mut self, out: &mut Emitter) -> Result<()> {
        while !out.is_closed() && self.splitter.fill(&mut self.source).or_fail(|| "cannot read the stream".into())? > 0
        {
            while let Some(line) = self.splitter.next_line() {
                self.lines += 1;
                let kind = self.reading.line(&line, Tick::now());
                out.emit(&event(self.turn, self.lines, kind, &line))?;
            }
        }
        Ok(())
    }

    /// Prints what is left of a stream to which nothing comes any more, a last line without its end too. What a process
    /// that could not be ended writes from now on is left in the file.
    pub(crate) fn print_last(&mut self, out: &mut Emitter) -> Result<()> {
        self.source.seal().or_fail(|| "cannot read the stream".into())?;
        self.print(out)?;
        if let Some(line) = self.splitter.finish() {
            let kind = self.reading.line(&line, Tick::now());
            self.lines += 1;
            out.emit(&event(self.turn, self.lines, kind, &line))?;
        }
        Ok(())
    }
}

/// A growing file as a reader, which comes to an end where nothing has come yet.
pub(crate) struct Source {
    follow: Follow,
    limit: u64,
}

impl Source {
    pub(crate) const fn of(follow: Follow) -> Self {
        Self { follow, limit: u64::MAX }
    }

    /// Nothing is read beyond what is there now.
    fn seal(&mut self) -> io::Result<()> {
        self.limit = self.follow.length()?;
        Ok(())
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.follow.up_to(self.limit).read(buffer)
    }
}

fn event(turn: TurnId, number: i64, kind: LineKind, line: &Line<'_>) -> TurnEvent {
    let whole = line.fit == Fit::Whole && line.bytes.len() <= LONGEST_EVENT;
    let event = if whole { serde_json::from_slice(line.bytes).ok() } else { None };
    let text = String::from_utf8_lossy(line.bytes);
    let shown: String = text.chars().take(TEXT).collect();
    let lossy = event.is_none() && (line.fit != Fit::Whole || shown.as_bytes() != line.bytes);
    TurnEvent {
        turn,
        line: number,
        kind,
        offset: count(line.start),
        bytes: count(line.end - line.start),
        text: if event.is_some() { None } else { Some(shown) },
        event,
        text_lossy: lossy,
    }
}
