//! The top of a YAML document: its keys and what stands at them, as they stand there. Called by both readers.
//! Nothing is expanded and nothing is built that was not asked for: an alias stays an alias, a duplicate is seen, and
//! a file that multiplies itself costs no more than its length.

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use crate::model::{Reason, Silence};

/// A scalar, or what stands in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A text: a plain one that YAML reads as a number or a truth value is none.
    Text(String),
    /// `null`, `~`, or nothing.
    Empty,
    /// A number, a truth value.
    Other(String),
    /// A list.
    List,
    /// A map, and what stands at its keys `status`.
    Map(Vec<Cell>),
    /// An alias.
    Alias,
}

/// A value, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) line: u64,
    pub(super) value: Value,
    /// It ends where the file ends, without the end of its line.
    pub(super) at_end: bool,
}

/// A key, and what stands at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: u64,
    pub(super) cell: Cell,
}

/// A map that somebody asked for.
pub(super) type Map = Vec<Entry>;
/// A map with more keys is no sprint of anybody.
const MOST: usize = 20_000;

/// Reads one document. The maps at the top-level key `inner` are read too, each time it stands there: `None` is something else
/// than a map. The top level itself is read where `inner` is none.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn read(text: &str, inner: Option<&str>) -> Result<Vec<Option<Map>>, Silence> {
    Reader { text, parser: Parser::new_from_str(text) }.document(inner).map_err(|wrong| wrong.silence(text))
}

/// What keeps a document from being read.
enum Wrong {
    Scan(ScanError),
    Silence(Silence),
}

impl From<ScanError> for Wrong {
    fn from(error: ScanError) -> Self {
        Self::Scan(error)
    }
}

struct Reader<'t> {
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
}

type Node<'t> = (Event<'t>, Span);

impl<'t> Reader<'t> {
    fn document(&mut self, inner: Option<&str>) -> Result<Vec<Option<Map>>, Wrong> {
        let mut maps = Vec::new();
        let mut documents = 0;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(..) if documents == 1 => {
                    let what = format!("another document begins in line {}", span.start.line());
                    return Err(Wrong::Silence(Silence::with(Reason::SeveralDocuments, what)));
                }
                Event::DocumentStart(..) => documents += 1,
                Event::MappingStart(..) => match inner {
                    None => maps.push(Some(self.map()?)),
                    Some(name) => self.inner(name, &mut maps)?,
                },
                Event::StreamStart | Event::DocumentEnd => {}
                _ => self.skip(&(event, span))?,
            }
        }
        Ok(maps)
    }

    /// The maps at this key.
    fn inner(&mut self, name: &str, maps: &mut Vec<Option<Map>>) -> Result<(), Wrong> {
        loop {
            let key = self.next()?;
            if matches!(key.0, Event::MappingEnd) {
                return Ok(());
            }
            let is_it = matches!(&key.0, Event::Scalar(text, ..) if text == name);
            self.skip(&key)?;
            let value = self.next()?;
            match (&value.0, is_it) {
                (Event::MappingStart(..), true) => maps.push(Some(self.map()?)),
                (_, true) => {
                    maps.push(None);
                    self.skip(&value)?;
                }
                (_, false) => self.skip(&value)?,
            }
        }
    }

    /// The entries of the map that has begun.
    fn map(&mut self) -> Result<Map, Wrong> {
        let mut map = Map::new();
        loop {
            let key = self.next()?;
            let line = key.1.start.line() as u64;
            let name = match &key.0 {
                Event::MappingEnd => return Ok(map),
                Event::Scalar(text, ..) => text.to_string(),
                _ => String::new(),
            };
            self.skip(&key)?;
            let node = self.next()?;
            let mut cell = self.cell(&node);
            match node.0 {
                Event::MappingStart(..) => cell.value = Value::Map(self.statuses()?),
                _ => self.skip(&node)?,
            }
            map.push(Entry { key: name, line, cell });
            if map.len() > MOST {
                let what = format!("more than {MOST} keys");
                return Err(Wrong::Silence(Silence::with(Reason::TooBig, what)));
            }
        }
    }

    /// What stands at each key `status` of the map that has begun.
    fn statuses(&mut self) -> Result<Vec<Cell>, Wrong> {
        let mut found = Vec::new();
        loop {
            let key = self.next()?;
            let is_status = match &key.0 {
                Event::MappingEnd => return Ok(found),
                Event::Scalar(text, ..) => text.eq_ignore_ascii_case("status"),
                _ => false,
            };
            self.skip(&key)?;
            let value = self.next()?;
            if is_status && found.len() < MOST {
                found.push(self.cell(&value));
            }
            self.skip(&value)?;
        }
    }

    fn next(&mut self) -> Result<Node<'t>, Wrong> {
        match self.parser.next() {
            Some(node) => Ok(node?),
            None => Err(Wrong::Silence(Silence::of(Reason::NotYaml))),
        }
    }

    /// Reads over what has begun with this.
    fn skip(&mut self, node: &Node<'t>) -> Result<(), Wrong> {
        let opens = |event: &Event<'_>| matches!(event, Event::MappingStart(..) | Event::SequenceStart(..));
        let mut depth = u32::from(opens(&node.0));
        while depth > 0 {
            match self.next()?.0 {
                event if opens(&event) => depth += 1,
                Event::MappingEnd | Event::SequenceEnd => depth -= 1,
                _ => {}
            }
        }
        Ok(())
    }

    fn cell(&self, (event, span): &Node<'t>) -> Cell {
        let rest = span.byte_range().and_then(|range| self.text.get(range.end..));
        let at_end = rest.is_some_and(|rest| !rest.contains('\n')) && !self.text.ends_with('\n');
        Cell { line: span.start.line() as u64, value: scalar(event), at_end }
    }
}

fn scalar(event: &Event<'_>) -> Value {
    match event {
        Event::Scalar(text, ScalarStyle::Plain, _, None) => match &**text {
            "" | "~" | "null" | "Null" | "NULL" => Value::Empty,
            other if is_other(other) => Value::Other(other.to_owned()),
            other => Value::Text(other.to_owned()),
        },
        Event::Scalar(text, ..) => Value::Text(text.to_string()),
        Event::SequenceStart(..) => Value::List,
        Event::MappingStart(..) => Value::Map(Vec::new()),
        _ => Value::Alias,
    }
}

/// What YAML 1.1 or 1.2 reads as something else than text, as far as a person writes it for a status.
fn is_other(text: &str) -> bool {
    let truth = ["yes", "no", "true", "false", "on", "off", "y", "n"];
    truth.iter().any(|word| text.eq_ignore_ascii_case(word)) || text.parse::<f64>().is_ok()
}

impl Wrong {
    fn silence(self, text: &str) -> Silence {
        let error = match self {
            Self::Silence(silence) => return silence,
            Self::Scan(error) => error,
        };
        let number = error.marker().line();
        let line = text.lines().nth(number.saturating_sub(1)).unwrap_or_default();
        let indent = &line[..line.len() - line.trim_start().len()];
        let last = number >= text.lines().count() && !text.ends_with('\n');
        let reason = match error.kind() {
            ErrorKind::RecursionLimitExceeded => Reason::TooDeep,
            _ if indent.contains('\t') => Reason::Tabs,
            _ if last => Reason::CutOff,
            _ => Reason::NotYaml,
        };
        Silence::with(reason, format!("line {number}: {}", crate::model::shown(&error.to_string())))
    }
}
