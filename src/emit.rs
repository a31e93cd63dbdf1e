//! The one way out. To stdout: records, one JSON object per line, or columns for people. To stderr: one line at a time.
//! A closed pipe is silent and changes nothing; any other write error is exit code 74.

use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::clock::Stamp;
use crate::error::{Failure, Result};

/// One line on stderr in one write: a name in it cannot break the line or reach the terminal's controls.
/// Where stderr is closed there is nobody to tell.
pub fn say(line: &str) {
    let _ = std::io::stderr().write_all(format!("{}\n", one_line(line)).as_bytes());
}

/// How records are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object per line
    Jsonl,
    /// Aligned columns
    Table,
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
    let envelope = Envelope { kind: R::TYPE, v: 1, at, record };
    let mut line = serde_json::to_vec(&envelope).map_err(|error| Failure::io("cannot write a record", error))?;
    line.push(b'\n');
    Ok(line)
}

/// Prints records.
pub struct Emitter {
    format: Format,
    closed: bool,
    table: Option<Table>,
    style: Style,
}

impl Emitter {
    /// An emitter to stdout.
    #[must_use]
    pub fn stdout(format: Format) -> Self {
        let style = if format == Format::Table { Style::of_stdout() } else { Style { width: None, colour: false } };
        Self { format, closed: false, table: None, style }
    }

    /// Prints a record made now.
    pub fn emit<R: Record>(&mut self, record: &R) -> Result<()> {
        self.emit_at(record, Stamp::now())
    }

    /// Prints a record of an earlier moment.
    pub fn emit_at<R: Record>(&mut self, record: &R, at: Stamp) -> Result<()> {
        match self.format {
            Format::Jsonl => {
                let line = line(record, at)?;
                self.write(&line)
            }
            Format::Table => self.add_row(R::TYPE, record.columns()),
        }
    }

    /// Prints bytes as they are: `turn log --raw`.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.write(bytes)
    }

    /// Prints what is held back for alignment. Called before a long wait and at the end.
    pub fn finish(&mut self) -> Result<()> {
        match self.table.take() {
            Some(table) => self.write(table.filled().render(self.style).as_bytes()),
            None => Ok(()),
        }
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
        table.rows.push(columns.into_iter().map(|(_, text)| one_line(&text)).collect());
        Ok(())
    }

    /// One write per record. A pipe may still take only a part of a long one: then the rest follows.
    fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
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

#[derive(Clone, Copy)]
struct Style {
    width: Option<usize>,
    colour: bool,
}

impl Style {
    fn of_stdout() -> Self {
        let stdout = std::io::stdout();
        let terminal = rustix::termios::isatty(&stdout);
        let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).filter(|width| *width > 0);
        let window = rustix::termios::tcgetwinsize(&stdout).ok().map(|size| usize::from(size.ws_col));
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            width: if terminal { window.filter(|width| *width > 0).or(columns) } else { columns },
            colour: terminal && !no_colour,
        }
    }
}

struct Table {
    kind: &'static str,
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    const fn new(kind: &'static str, headings: Vec<&'static str>) -> Self {
        Self { kind, headings, rows: Vec::new() }
    }

    /// Without the columns that are empty in every row.
    fn filled(&self) -> Self {
        let kept: Vec<usize> =
            (0..self.headings.len()).filter(|&at| self.rows.iter().any(|row| !row[at].is_empty())).collect();
        let rows = self.rows.iter().map(|row| kept.iter().map(|&at| row[at].clone()).collect()).collect();
        Self { kind: self.kind, headings: kept.iter().map(|&at| self.headings[at]).collect(), rows }
    }

    fn render(&self, style: Style) -> String {
        let mut widths: Vec<usize> = self.headings.iter().map(|heading| heading.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        if let Some(limit) = style.width {
            shrink(&mut widths, limit);
        }
        let headings: Vec<String> = self.headings.iter().map(|heading| heading.to_uppercase()).collect();
        let mut text = paint(&line_of(&headings, &widths), style.colour, "1");
        for row in &self.rows {
            let colour = row.iter().find_map(|cell| colour_of(cell));
            text.push_str(&paint(&line_of(row, &widths), style.colour && colour.is_some(), colour.unwrap_or("0")));
        }
        text
    }
}

/// Takes from the widest column, one at a time, until the line fits; no column goes below four.
fn shrink(widths: &mut [usize], limit: usize) {
    let gaps = 2 * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > limit {
        match widths.iter_mut().max() {
            Some(widest) if *widest > 4 => *widest -= 1,
            _ => return,
        }
    }
}

fn line_of(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        let cell = cut(cell, *width);
        let gap = width.saturating_sub(cell.width()) + 2;
        line.push_str(&cell);
        line.extend(std::iter::repeat_n(' ', gap));
    }
    line.truncate(line.trim_end().len());
    line
}

fn cut(cell: &str, width: usize) -> String {
    if cell.width() <= width {
        return cell.to_owned();
    }
    let mut text = String::new();
    for c in cell.chars() {
        if text.width() + unicode_width::UnicodeWidthChar::width(c).unwrap_or(0) + 1 > width {
            break;
        }
        text.push(c);
    }
    text.push('…');
    text
}

fn paint(line: &str, colour: bool, code: &str) -> String {
    if colour { format!("\x1b[{code}m{line}\x1b[0m\n") } else { format!("{line}\n") }
}

/// Red for what failed, yellow for what waits for somebody, green for what went well.
fn colour_of(word: &str) -> Option<&'static str> {
    match word {
        "completed" => Some("32"),
        "limited" | "blocked" | "waiting" | "silent" => Some("33"),
        "failed" | "crashed" | "timed_out" | "stalled" | "killed" | "lost" | "no_result" | "auth" | "spawn_failed"
        | "aborted" | "stopped" => Some("31"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(width: Option<usize>) -> String {
        let mut table = Table::new("x", vec!["agent", "task"]);
        table.rows.push(vec!["lead".into(), "a long task that fills the line".into()]);
        table.rows.push(vec!["日本".into(), "b".into()]);
        table.render(Style { width, colour: false })
    }

    #[test]
    fn columns_line_up_for_wide_characters() {
        assert_eq!(table(None), "AGENT  TASK\nlead   a long task that fills the line\n日本   b\n");
    }

    #[test]
    fn the_widest_column_gives_way() {
        assert_eq!(table(Some(20)), "AGENT  TASK\nlead   a long task …\n日本   b\n");
    }
}
