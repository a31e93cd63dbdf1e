//! The one way out. To stdout: records, one JSON object per line, or columns for people. To stderr: one line at a time.
//! A closed pipe is silent and changes nothing; any other write error is exit code 74.

use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};

use serde::Serialize;

use crate::clock::Stamp;
use crate::error::{Failure, Result};
use crate::living;
use crate::scrub::scrub;
use crate::scrub_json::scrub_json;
use crate::table::{Layout, Style, Table};

/// One line on stderr in one write: a name in it cannot break the line or reach the terminal's controls.
/// Where stderr is closed there is nobody to tell.
pub fn say(line: &str) {
    let _ = std::io::stderr().write_all(format!("{}{}\n", living::clearing(), one_line(line)).as_bytes());
}

/// How records are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object per line
    Jsonl,
    /// Aligned columns
    Table,
}

/// What becomes of what looks like a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// It is printed as it is.
    Printed,
    /// Something else stands in its place.
    Scrubbed,
}

/// What can be printed: a wire type with its name and its columns.
pub trait Record: Serialize {
    /// The value of `type`.
    const TYPE: &'static str;
    /// The columns people read, in order: heading and text.
    fn columns(&self) -> Vec<(&'static str, String)>;
}

/// Every record begins with its type, its version and its time.
#[derive(Serialize)]
struct Envelope<'a, R> {
    #[serde(rename = "type")]
    kind: &'static str,
    v: u8,
    at: Stamp,
    #[serde(flatten)]
    record: &'a R,
}

/// A record with its envelope, as one line.
pub fn line<R: Record>(record: &R, at: Stamp) -> Result<Vec<u8>> {
    let mut line = Vec::new();
    write_line(&mut line, record, at).map(|()| line)
}

/// The same, in place of what the line held.
fn write_line<R: Record>(line: &mut Vec<u8>, record: &R, at: Stamp) -> Result<()> {
    line.clear();
    let envelope = Envelope { kind: R::TYPE, v: 1, at, record };
    serde_json::to_writer(&mut *line, &envelope).map_err(|error| Failure::io("cannot write a record", error))?;
    line.push(b'\n');
    Ok(())
}

/// Prints records.
pub struct Emitter {
    format: Format,
    secrets: Secrets,
    /// The beginning of a line that is not whole yet, and may be the beginning of a secret.
    unscrubbed: Vec<u8>,
    closed: bool,
    /// The line that was printed last: its room serves the next.
    line: Vec<u8>,
    table: Option<Table>,
    /// The columns of the table that was printed last.
    above: Option<Layout>,
    style: Style,
}

impl Emitter {
    /// An emitter to stdout.
    #[must_use]
    pub fn stdout(format: Format) -> Self {
        let style = if format == Format::Table { Style::of_stdout() } else { Style::PLAIN };
        Self {
            format,
            secrets: Secrets::Printed,
            unscrubbed: Vec::new(),
            closed: false,
            line: Vec::new(),
            table: None,
            above: None,
            style,
        }
    }

    /// The same, with what becomes of secrets.
    #[must_use]
    pub fn with(self, secrets: Secrets) -> Self {
        Self { secrets, ..self }
    }

    /// Prints a record made now.
    pub fn emit<R: Record>(&mut self, record: &R) -> Result<()> {
        self.emit_at(record, Stamp::now())
    }

    /// Prints a record of an earlier moment.
    pub fn emit_at<R: Record>(&mut self, record: &R, at: Stamp) -> Result<()> {
        match self.format {
            Format::Jsonl => {
                let mut line = std::mem::take(&mut self.line);
                let written = write_line(&mut line, record, at).and_then(|()| match self.secrets {
                    Secrets::Printed => self.write(&line),
                    Secrets::Scrubbed => self.write(scrub_json(&String::from_utf8_lossy(&line)).as_bytes()),
                });
                self.line = line;
                written
            }
            Format::Table => self.add_row(R::TYPE, record.columns()),
        }
    }

    /// Prints bytes as they are: `turn log --raw`.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        if self.secrets == Secrets::Printed {
            return self.write(bytes);
        }
        self.unscrubbed.extend_from_slice(bytes);
        let whole = memchr::memrchr(b'\n', &self.unscrubbed).map_or(0, |newline| newline + 1);
        self.scrubbed(whole)
    }

    /// Prints so much of what was held back, without its secrets.
    fn scrubbed(&mut self, length: usize) -> Result<()> {
        let text: Vec<u8> = self.unscrubbed.drain(..length).collect();
        self.write(scrub(&String::from_utf8_lossy(&text)).as_bytes())
    }

    /// Prints what is held back for alignment. Called before a long wait and at the end.
    pub fn finish(&mut self) -> Result<()> {
        self.scrubbed(self.unscrubbed.len())?;
        let Some(table) = self.table.take() else { return Ok(()) };
        let (text, layout) = table.render(self.style, self.above.take());
        self.above = Some(layout);
        self.write(text.as_bytes())
    }

    /// Whether records are held back for their columns.
    #[must_use]
    pub const fn is_table(&self) -> bool {
        matches!(self.format, Format::Table)
    }

    /// Whether nobody reads any more.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Rows of one type stand in one table.
    fn add_row(&mut self, kind: &'static str, columns: Vec<(&'static str, String)>) -> Result<()> {
        if self.table.as_ref().is_some_and(|table| table.kind != kind) {
            self.finish()?;
        }
        let table = self.table.get_or_insert_with(|| Table::new(kind, columns.iter().map(|(name, _)| *name).collect()));
        let secrets = self.secrets;
        let cell = |text: String| if secrets == Secrets::Scrubbed { one_line(&scrub(&text)) } else { one_line(&text) };
        table.push(columns.into_iter().map(|(_, text)| cell(text)).collect());
        Ok(())
    }

    /// One write per record. A pipe may still take only a part of a long one: then the rest follows.
    fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        living::clear_for_stdout();
        let stdout = std::io::stdout();
        let fd: BorrowedFd<'_> = stdout.as_fd();
        while !self.closed && !bytes.is_empty() {
            match rustix::io::write(fd, bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => wait_writable(fd),
                Err(rustix::io::Errno::PIPE) => self.closed = true,
                Err(error) => return Err(Failure::io("cannot write to standard output", error)),
            }
        }
        Ok(())
    }
}

/// A caller may have handed over a non-blocking pipe.
fn wait_writable(fd: BorrowedFd<'_>) {
    let _ =
        rustix::event::poll(&mut [rustix::event::PollFd::from_borrowed_fd(fd, rustix::event::PollFlags::OUT)], None);
}

/// Control characters would break a line, a table, or the terminal.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
