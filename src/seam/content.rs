//! What kind of text bytes are, and whether they are whole: JSON, lines of JSON, comma-separated values, any text.
//! Called by `glimpse`. It reads what it is given, and no file; of a long one that is its two ends.

use serde::de::IgnoredAny;

use crate::model::{Content, ContentKind, Form, Reading};

/// So many rows show whether a text is a table.
const ROWS: usize = 10;

/// What was read of a file.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    /// All of it, or its first part.
    pub(super) head: Vec<u8>,
    /// Its last part, where `head` is not all of it.
    pub(super) tail: Option<Vec<u8>>,
    /// It changed while it was read, or so lately that it may have.
    pub(super) restless: bool,
}

/// What these bytes are, taken for this kind; of none: for what they seem to be.
pub(super) fn of(bytes: &Bytes, kind: Option<ContentKind>) -> Content {
    let head = bytes.head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes.head);
    let tail = bytes.tail.as_deref();
    if tail.is_none() && head.trim_ascii().is_empty() {
        return Content::Empty;
    }
    let is_binary = [Some(head), tail].into_iter().flatten().any(|part| part.contains(&0));
    let kind = kind.unwrap_or_else(|| if is_binary { ContentKind::Binary } else { seeming(head) });
    let last = tail.unwrap_or(head);
    let blank = Reading {
        kind,
        form: Form::Binary,
        records: None,
        bad_lines: 0,
        columns: None,
        last_line_whole: last.ends_with(b"\n"),
        restless: bytes.restless,
    };
    Content::Read(match kind {
        _ if is_binary => blank,
        ContentKind::Json => json(head, tail, blank),
        ContentKind::Jsonl => json_lines(head, tail, blank),
        ContentKind::Csv => table(head, tail, blank),
        ContentKind::Text => Reading { form: Form::Good, records: tail.is_none().then(|| count(head)), ..blank },
        // Asked for, and it is text.
        ContentKind::Binary => Reading { form: Form::Other, ..blank },
    })
}

fn seeming(head: &[u8]) -> ContentKind {
    let text = head.trim_ascii_start();
    if text.starts_with(b"{") || text.starts_with(b"[") {
        let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        let first = lines.next().map(one_document);
        return match first {
            Some(Whole::Yes) if lines.next().is_some() => ContentKind::Jsonl,
            _ => ContentKind::Json,
        };
    }
    let rows: Vec<Row> = rows(head).filter(|row| row.ended).take(ROWS).collect();
    let is_table = rows.len() > 1 && rows[0].values > 1 && rows.iter().all(|row| row.values == rows[0].values);
    if is_table { ContentKind::Csv } else { ContentKind::Text }
}

fn count(text: &[u8]) -> u64 {
    text.strip_suffix(b"\n").unwrap_or(text).split(|byte| *byte == b'\n').count() as u64
}

/// Whether a text is one JSON document.
enum Whole {
    Yes,
    Cut,
    Several,
    No,
}

fn one_document(text: &[u8]) -> Whole {
    // What is passed over is not checked for UTF-8.
    let Ok(text) = std::str::from_utf8(text) else { return Whole::No };
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    match documents.next() {
        Some(Err(error)) if error.is_eof() => return Whole::Cut,
        Some(Ok(_)) => {}
        _ => return Whole::No,
    }
    match documents.next() {
        None => Whole::Yes,
        Some(Err(error)) if !error.is_eof() => Whole::No,
        Some(_) => Whole::Several,
    }
}

fn json(head: &[u8], tail: Option<&[u8]>, blank: Reading) -> Reading {
    if tail.is_some() {
        return Reading { form: Form::TooLong, ..blank };
    }
    let (form, records) = match one_document(head) {
        Whole::Yes => (Form::Good, Some(1)),
        Whole::Cut => (Form::Cut, Some(0)),
        Whole::Several => (Form::Several, None),
        Whole::No => (Form::Other, None),
    };
    Reading { form, records, ..blank }
}

fn json_lines(head: &[u8], tail: Option<&[u8]>, blank: Reading) -> Reading {
    let (mut good, mut bad, mut cut) = (0_u64, 0_u64, false);
    let mut add = |line: &[u8], ended: bool| match one_document(line) {
        _ if line.trim_ascii().is_empty() => {}
        Whole::Yes => good += 1,
        Whole::Cut if !ended => cut = true,
        _ => bad += 1,
    };
    let (first, last) = match tail {
        None => (head, &[][..]),
        // The line in which the first part ends, and the one in which the last part begins, were not read.
        Some(tail) => (up_to_line(head), after_line(tail)),
    };
    for part in [first, last] {
        for line in part.split_inclusive(|byte| *byte == b'\n') {
            add(line, line.ends_with(b"\n"));
        }
    }
    let form = match (good, bad, cut) {
        (0, 0, false) => Form::TooLong,
        (0, 0, true) => Form::Cut,
        (0, _, _) => Form::Other,
        (_, 1.., _) => Form::SomeBad,
        (_, 0, true) => Form::LastCut,
        (_, 0, false) => Form::Good,
    };
    Reading { form, records: tail.is_none().then_some(good), bad_lines: bad, ..blank }
}

fn up_to_line(head: &[u8]) -> &[u8] {
    head.iter().rposition(|byte| *byte == b'\n').map_or(&[], |end| &head[..=end])
}

fn after_line(tail: &[u8]) -> &[u8] {
    tail.iter().position(|byte| *byte == b'\n').map_or(&[], |end| &tail[end + 1..])
}

/// A row of a table (RFC 4180).
struct Row {
    values: u64,
    /// It ends with a line feed, and not in quotes.
    ended: bool,
}

fn rows(text: &[u8]) -> impl Iterator<Item = Row> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (mut values, mut quoted) = (1, false);
        let end = rest.iter().position(|byte| {
            match byte {
                b'"' => quoted = !quoted,
                b',' if !quoted => values += 1,
                _ => {}
            }
            *byte == b'\n' && !quoted
        });
        rest = end.map_or(&[], |end| &rest[end + 1..]);
        Some(Row { values, ended: end.is_some() })
    })
}

fn table(head: &[u8], tail: Option<&[u8]>, blank: Reading) -> Reading {
    // Where the last part begins, nobody knows whether in quotes: only the first part is read as rows.
    let rows: Vec<Row> = rows(if tail.is_some() { up_to_line(head) } else { head }).collect();
    let columns = rows.first().map_or(0, |row| row.values);
    let good = rows.iter().filter(|row| row.values == columns).count() as u64;
    let cut = rows.last().is_some_and(|row| !row.ended && row.values < columns);
    let bad = rows.len() as u64 - good - u64::from(cut);
    let form = match (bad, cut) {
        _ if rows.is_empty() => Form::TooLong,
        (1.., _) => Form::Other,
        (0, true) => Form::LastCut,
        (0, false) => Form::Good,
    };
    Reading { form, records: tail.is_none().then_some(good), bad_lines: bad, columns: Some(columns), ..blank }
}

#[cfg(test)]
#[path = "content_tests.rs"]
mod tests;
