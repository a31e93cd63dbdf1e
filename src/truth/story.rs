//! What a story's file says of its own status: its front matter, and the lines of its text that tell one.
//! Called by `bmad`. What stands in code, quotes, tables, comments and check boxes is not the story's status, and neither
//! is a sentence; where the places do not agree, nobody is believed.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::plain::{self, line_at};
use super::yaml::{self, Value};
use crate::model::{Reason, Says, Silence, Source, Status, StatusForm, StatusReading, shown};

/// So many places are told.
const NAMED: usize = 50;
/// More places tell nothing but that it is no story.
const MOST: usize = 1000;

/// Reads what the file says.
#[must_use]
pub fn read(bytes: &[u8]) -> StatusReading {
    let read = || -> Result<(Vec<Told>, Option<u64>), Silence> {
        let text = plain::text(bytes)?;
        let (front, body) = split(text)?;
        let mut told = front.map_or(Ok(Vec::new()), front_matter)?;
        told.extend(in_body(text, body)?);
        Ok((told, cut_line(text)))
    };
    match read() {
        Err(silence) => StatusReading::nothing(silence),
        Ok((told, cut)) => {
            let says = agree(&told, cut);
            let sources = told.into_iter().take(NAMED).map(|told| told.source).collect();
            StatusReading { sources, ..StatusReading::nothing(Silence::of(Reason::NoStatus)) }.saying(says)
        }
    }
}

/// A place, and the status of all that stands there: what is shown of it may be less.
struct Told {
    source: Source,
    status: Option<Status>,
}

/// The front matter with its place in the text, and where the body begins.
type Split<'t> = (Option<&'t str>, usize);

/// Front matter stands between a first line `---` and the next.
fn split(text: &str) -> Result<Split<'_>, Silence> {
    let mut lines = text.split_inclusive('\n');
    let Some(first) = lines.next().filter(|line| line.trim_end() == "---") else { return Ok((None, 0)) };
    let mut end = first.len();
    for line in lines {
        let after = end + line.len();
        if ["---", "..."].contains(&line.trim_end()) {
            return Ok((Some(&text[first.len()..end]), after));
        }
        end = after;
    }
    Err(Silence::of(Reason::UnclosedFrontMatter))
}

fn front_matter(text: &str) -> Result<Vec<Told>, Silence> {
    let maps = yaml::read(text, None)
        .map_err(|silence| Silence { what: silence.what.map(|what| format!("front matter, {what}")), ..silence })?;
    let entries = maps.into_iter().flatten().flatten();
    let statuses = entries.filter(|entry| entry.key.eq_ignore_ascii_case("status"));
    statuses.map(|entry| value(entry.line + 1, &entry.cell.value)).collect()
}

/// A status in the front matter, which begins after one line.
fn value(line: u64, value: &Value) -> Result<Told, Silence> {
    let told = |raw: &str| Ok(told(line, StatusForm::FrontMatter, raw));
    let wrong = |reason, what: &str| Err(Silence::with(reason, format!("front matter, line {line}: {what}")));
    match value {
        Value::Text(text) => told(text),
        Value::Empty => told(""),
        Value::Other(text) => wrong(Reason::NotAStatus, &format!("YAML reads '{}' as no text", shown(text))),
        Value::List | Value::Map(_) => wrong(Reason::NotAStatus, "it is a list or a map"),
        Value::Alias => wrong(Reason::Alias, "it is an alias"),
    }
}

fn told(line: u64, form: StatusForm, raw: &str) -> Told {
    let status = Status::of(raw);
    let word = status.as_ref().map(|status| status.word.clone());
    Told { source: Source { path: None, line, form, raw: shown(raw.trim()), status: word }, status }
}

/// A last line without its end: somebody may still be writing it.
fn cut_line(text: &str) -> Option<u64> {
    (!text.ends_with('\n')).then(|| line_at(text, text.len()))
}

/// One status, if all places that have one tell the same.
fn agree(all: &[Told], cut: Option<u64>) -> Says {
    let told: Vec<(&Source, &Status)> =
        all.iter().filter_map(|told| told.status.as_ref().map(|status| (&told.source, status))).collect();
    let Some((place, status)) = told.first() else {
        let reason = if all.is_empty() { Reason::NoStatus } else { Reason::EmptyValue };
        return Says::Nothing(Silence::of(reason));
    };
    if told.iter().any(|(_, other)| other.word != status.word) {
        let each: Vec<String> =
            told.iter().take(NAMED).map(|(place, _)| format!("line {} '{}'", place.line, place.raw)).collect();
        return Says::Nothing(Silence::with(Reason::Conflict, each.join(", ")));
    }
    if status.may_be_cut() && cut == Some(place.line) {
        return Says::Nothing(Silence::with(Reason::CutOff, "its status ends with the file, in the middle of a line"));
    }
    Says::Status((*status).clone())
}

/// Every place of the body that tells a status. Of the sections `Auto Run Result` only the last is of this run.
fn in_body(text: &str, from: usize) -> Result<Vec<Told>, Silence> {
    let mut body = Body::default();
    let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_FOOTNOTES;
    for (event, range) in Parser::new_ext(&text[from..], options).into_offset_iter() {
        body.take(event, from + range.start);
    }
    body.awaits_in_vain();
    if body.found.len() > MOST {
        return Err(Silence::with(Reason::TooBig, format!("more than {MOST} places tell a status")));
    }
    let last = body.auto_run;
    let of_this_run = |found: &&Found| found.auto_run.is_none_or(|number| number == last);
    let tell = |found: &Found| {
        let form = if found.auto_run.is_some() { StatusForm::AutoRunResult } else { found.form };
        told(line_at(text, found.at), form, &found.raw)
    };
    Ok(body.found.iter().filter(of_this_run).map(tell).collect())
}

/// A place in the body that tells a status.
struct Found {
    at: usize,
    form: StatusForm,
    raw: String,
    /// The section `Auto Run Result` that it stands in.
    auto_run: Option<usize>,
}

/// The body, as far as it was read.
#[derive(Default)]
struct Body {
    found: Vec<Found>,
    /// What is open and whose text does not count: quotes, code, tables.
    muted: usize,
    /// For each open item of a list: it is a check box.
    items: Vec<bool>,
    /// The lines of the block that is open, each with its place.
    lines: Vec<(usize, String)>,
    heading: Option<HeadingLevel>,
    /// A heading `Status` that awaits its text.
    awaits: Option<usize>,
    /// Sections `Auto Run Result` so far, and the level of the one that is open.
    auto_run: usize,
    in_auto_run: Option<HeadingLevel>,
}

impl Body {
    fn take(&mut self, event: Event<'_>, at: usize) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::TaskListMarker(_) => {
                if let Some(item) = self.items.last_mut() {
                    *item = true;
                }
            }
            Event::Text(text) => self.append(at, &text),
            // A label in code is code; a value in code is a value.
            Event::Code(code) => self.append(at, &format!("`{code}`")),
            // What is struck out does not count as what it was.
            Event::InlineHtml(html) if is_struck(&html) => self.append(at, &html),
            Event::SoftBreak | Event::HardBreak => self.lines.push((at, String::new())),
            Event::Rule => self.awaits_in_vain(),
            _ => {}
        }
    }

    fn append(&mut self, at: usize, text: &str) {
        match self.lines.last_mut() {
            Some((place, line)) => {
                if line.is_empty() {
                    *place = at;
                }
                line.push_str(text);
            }
            None => self.lines.push((at, text.to_owned())),
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.flush();
                self.awaits_in_vain();
                self.heading = Some(*level);
            }
            Tag::Item => {
                self.flush();
                self.items.push(false);
            }
            Tag::Paragraph | Tag::List(_) => self.flush(),
            tag if is_muted(tag) => {
                self.flush();
                self.awaits_in_vain();
                self.muted += 1;
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.end_heading();
                self.heading = None;
            }
            TagEnd::Item => {
                self.flush();
                self.items.pop();
            }
            TagEnd::Paragraph => self.flush(),
            TagEnd::BlockQuote(_)
            | TagEnd::CodeBlock
            | TagEnd::HtmlBlock
            | TagEnd::Table
            | TagEnd::FootnoteDefinition => {
                self.lines.clear();
                self.muted = self.muted.saturating_sub(1);
            }
            _ => {}
        }
    }

    /// The lines of the block that ends here, if they count.
    fn lines(&mut self) -> Vec<(usize, String)> {
        let lines = std::mem::take(&mut self.lines);
        if self.items.contains(&true) {
            self.awaits_in_vain();
        }
        if self.muted > 0 || self.items.contains(&true) { Vec::new() } else { lines }
    }

    fn tell(&mut self, at: usize, form: StatusForm, raw: &str) {
        let auto_run = self.in_auto_run.map(|_| self.auto_run);
        if self.found.len() <= MOST {
            self.found.push(Found { at, form, raw: raw.to_owned(), auto_run });
        }
    }

    fn end_heading(&mut self) {
        let lines = self.lines();
        let Some((at, text)) = lines.first() else { return };
        self.begin_section(text);
        // Lines over a rule that has no blank line before it are a heading to Markdown.
        if lines.len() > 1 {
            return self.tell_lines(&lines, StatusForm::Line);
        }
        match label(text) {
            Some("") => self.awaits = Some(*at),
            Some(value) => self.tell(*at, StatusForm::Heading, value),
            None if text.trim().eq_ignore_ascii_case("status") => self.awaits = Some(*at),
            None => {}
        }
    }

    fn begin_section(&mut self, heading: &str) {
        let level = self.heading.unwrap_or(HeadingLevel::H1);
        if heading.trim().trim_end_matches(':').eq_ignore_ascii_case("auto run result") {
            self.auto_run += 1;
            self.in_auto_run = Some(level);
        } else if self.in_auto_run.is_some_and(|open| level <= open) {
            self.in_auto_run = None;
        }
    }

    /// Under a heading `Status` there is no text.
    fn awaits_in_vain(&mut self) {
        if let Some(at) = self.awaits.take().filter(|_| self.muted == 0) {
            self.tell(at, StatusForm::Section, "");
        }
    }

    /// The block that ends here.
    fn flush(&mut self) {
        let form = if self.items.is_empty() { StatusForm::Line } else { StatusForm::Item };
        let lines = self.lines();
        let Some((at, first)) = lines.first() else { return };
        if self.awaits.take().is_some() && label(first).is_none() {
            self.tell(*at, StatusForm::Section, first);
            return;
        }
        self.tell_lines(&lines, form);
    }

    /// A sentence may break its line before the word: behind other text only a line that is nothing but a known status counts.
    fn tell_lines(&mut self, lines: &[(usize, String)], form: StatusForm) {
        let labelled = lines.iter().take_while(|(_, line)| is_labelled(line)).count();
        for (index, (at, line)) in lines.iter().enumerate() {
            let Some(value) = label(line) else { continue };
            if index < labelled || Status::of(value).is_some_and(|status| status.known) {
                self.tell(*at, form, value);
            }
        }
    }
}

const fn is_muted(tag: &Tag<'_>) -> bool {
    matches!(tag, Tag::BlockQuote(_) | Tag::CodeBlock(_) | Tag::HtmlBlock | Tag::Table(_) | Tag::FootnoteDefinition(_))
}

fn is_struck(html: &str) -> bool {
    let name = html.trim_start_matches(['<', '/']).split(|c: char| !c.is_ascii_alphanumeric()).next();
    name.is_some_and(|name| ["del", "s", "strike"].iter().any(|struck| name.eq_ignore_ascii_case(struck)))
}

/// What follows `Status:`.
fn label(line: &str) -> Option<&str> {
    let (label, value) = line.split_once(':')?;
    label.trim().eq_ignore_ascii_case("status").then(|| value.trim())
}

/// `Word: …`, `Two words: …`.
fn is_labelled(line: &str) -> bool {
    let is_label = |label: &str| {
        let label = label.trim();
        !label.is_empty() && label.len() <= 40 && label.chars().all(|c| c.is_alphanumeric() || " -_/&".contains(c))
    };
    line.split_once(':').is_some_and(|(label, _)| is_label(label))
}
