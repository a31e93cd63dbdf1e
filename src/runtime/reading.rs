//! The fold over the lines of one turn's stream. Called by `turn` as the stream grows, and by whoever reads it
//! again later: the same lines at the same ticks give the same facts.
//! Must never believe words: only the program's own fields and, where it has none, its own terminal message.

use std::collections::HashSet;
use std::sync::Arc;

use super::description::{Description, LineKind, LineRule, Output, Says, Verdict};
use super::facts::{Facts, Terminal};
use super::json::Raw;
use super::lines::{Fit, Line};
use super::matching::Pointer;
use super::rules::{Found, Rules};
use super::terminal::{self, Asserted};
use super::times;
use crate::clock::Tick;

/// Tool calls that are remembered as open at once.
const OPEN_TOOLS: usize = 1024;

/// Reads one turn's stream, line by line.
#[derive(Debug)]
pub struct Reading {
    description: Arc<Description>,
    rules: Rules,
    asserted: Asserted,
    open: HashSet<String>,
    /// A line has spoilt the terminal line to come.
    spoilt: bool,
    facts: Facts,
}

impl Reading {
    /// Nothing read yet.
    #[must_use]
    pub fn new(description: impl Into<Arc<Description>>) -> Self {
        let description = description.into();
        Self {
            rules: Rules::new(&description),
            description,
            asserted: Asserted::default(),
            open: HashSet::new(),
            spoilt: false,
            facts: Facts::default(),
        }
    }

    /// What is known so far.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Takes the next line, read at `now`. Of opaque output a line is progress, whatever is on it.
    ///
    /// A line is an event when it is UTF-8, one JSON object, and has a top-level text `type`. Space and terminal
    /// control sequences around the object are passed over. For lines that decide something (all but plain
    /// progress and keep-alive) the whole grammar is checked, for the others the outline: members, strings and
    /// balanced brackets, and no control characters (see the head of `json.rs`).
    pub fn line(&mut self, line: &Line<'_>, now: Tick) -> LineKind {
        let kind = match (self.description.output, line.fit) {
            (Output::Opaque, _) => {
                self.event(LineKind::Progress, now);
                LineKind::Progress
            }
            (Output::JsonLines, Fit::Oversize) => LineKind::Oversize,
            (Output::JsonLines, _) => self.json_line(line.bytes, now),
        };
        self.count_ignored(kind);
        kind
    }

    /// Takes a chunk of opaque output, for a reader that does not wait for ends of lines: each chunk is progress,
    /// each `\n` in it an event. Use this or [`Reading::line`] for a stream, not both.
    pub fn chunk(&mut self, bytes: &[u8], now: Tick) {
        if bytes.is_empty() {
            return;
        }
        self.event(LineKind::Progress, now);
        self.facts.events += memchr::memchr_iter(b'\n', bytes).count() as u64;
        self.facts.events -= 1;
    }

    fn json_line(&mut self, bytes: &[u8], now: Tick) -> LineKind {
        let bytes = without_dressing(bytes);
        if bytes.is_empty() {
            return LineKind::Blank;
        }
        if std::str::from_utf8(bytes).is_err() {
            return LineKind::NotUtf8;
        }
        let (mut name, mut session) = (None, None);
        let session_key = self.description.session.as_deref().map(str::as_bytes);
        let type_key = self.description.type_field.as_bytes();
        let outline = Raw::object(bytes, |key, value| {
            if key == type_key {
                name = Some(value);
            } else if Some(key) == session_key {
                session = Some(value);
            }
        });
        let Some(raw) = outline else { return not_an_object(bytes) };
        if bytes.iter().fold(u8::MAX, |least, &byte| least.min(byte)) < b' ' && !raw.is_valid() {
            return LineKind::NotJson;
        }
        let Some(name) = name.and_then(Raw::text) else { return LineKind::Unknown };
        self.typed_line(&name, bytes, raw, session, now)
    }

    fn typed_line(&mut self, name: &str, bytes: &[u8], raw: Raw<'_>, session: Option<Raw<'_>>, now: Tick) -> LineKind {
        let (rule, ids) = match self.rules.find(name, bytes, raw) {
            Found::Unknown if raw.is_valid() => {
                self.event(LineKind::Unknown, now);
                return LineKind::Unknown;
            }
            Found::Unknown | Found::NotJson => return LineKind::NotJson,
            Found::Rule(rule, ids) => (rule, ids),
        };
        let kind = rule.kind;
        let here = rule.session.as_ref().and_then(|pointer| pointer.of(raw));
        let (verdict, usage) = (rule.verdict, rule.usage || kind == LineKind::Terminal);
        assert_what_it_says(&mut self.asserted, rule, raw);
        move_tools(&mut self.open, kind, ids);
        self.see_session(here.or(session));
        self.event(kind, now);
        if usage && let Some(rules) = &self.description.usage {
            self.facts.usage = terminal::usage(rules, raw, self.facts.usage);
        }
        match verdict {
            _ if kind == LineKind::Terminal => self.terminal(verdict.unwrap_or(Verdict::Own), raw, now),
            Some(verdict) => self.verdict(verdict, raw, now),
            None => {}
        }
        self.facts.open_tools = self.open.len();
        kind
    }

    /// Remembers the session; compared in place first, since nearly every line carries the same one.
    fn see_session(&mut self, session: Option<Raw<'_>>) {
        let Some(seen) = session else { return };
        let same = seen.text().is_some_and(|text| self.facts.session.as_deref() == Some(&*text));
        if !same && let Some(id) = terminal::id(seen) {
            self.facts.session = Some(id);
        }
    }

    /// A line that is no terminal one says how things stand.
    fn verdict(&mut self, verdict: Verdict, raw: Raw<'_>, now: Tick) {
        if verdict == Verdict::Standing {
            return;
        }
        self.facts.verdict = self.read_verdict(verdict, raw, now);
        self.facts.verdicts += 1;
        self.spoilt |= verdict == Verdict::Spoils;
    }

    fn read_verdict(&self, verdict: Verdict, raw: Raw<'_>, now: Tick) -> Option<Terminal> {
        terminal::read(&self.description, raw, &self.asserted, verdict == Verdict::Own, now)
    }

    /// The turn is over. What follows opens another one.
    fn terminal(&mut self, verdict: Verdict, raw: Raw<'_>, now: Tick) {
        let standing = self.facts.verdict.take();
        let end = match (verdict, standing) {
            (Verdict::Standing, Some(standing)) => Some(Terminal { at: now, ..standing }),
            // It closes what an earlier terminal line has decided.
            (Verdict::Standing, None) if self.facts.terminal.is_some() && !self.facts.working_again => None,
            (Verdict::Standing, None) => Some(terminal::unexplained(now)),
            (verdict, standing) => self.own(verdict, standing, raw, now),
        };
        if let Some(end) = end {
            self.facts.terminal = Some(end);
            self.facts.terminals += 1;
        }
        self.facts.working_again = false;
        self.asserted.standing = None;
        self.spoilt = false;
        self.open.clear(); // a call that was begun and left does not outlive its turn (codex: tool_abandoned)
    }

    /// What a terminal line says itself, unless an earlier one has spoilt it; a failure without words takes those of
    /// the standing verdict.
    fn own(&self, verdict: Verdict, standing: Option<Terminal>, raw: Raw<'_>, now: Tick) -> Option<Terminal> {
        let own = self.read_verdict(verdict, raw, now)?;
        let wordless = !own.clean && own.message.is_none() && own.http_status.is_none();
        let spoilt = own.clean && self.spoilt;
        match standing.filter(|standing| !standing.clean) {
            Some(standing) if spoilt || wordless => {
                Some(Terminal { at: now, session: own.session.or(standing.session), ..standing })
            }
            _ if spoilt => Some(terminal::unexplained(now)),
            _ => Some(own),
        }
    }

    /// Counts an event, and what its kind means for the clocks.
    fn event(&mut self, kind: LineKind, now: Tick) {
        let facts = &mut self.facts;
        facts.events += 1;
        facts.first_event.get_or_insert(now);
        facts.last_event = Some(now);
        facts.started |= kind == LineKind::Start;
        facts.spoke |= !matches!(kind, LineKind::Start | LineKind::KeepAlive | LineKind::Unknown);
        facts.negatives += u64::from(kind == LineKind::Negative);
        if is_progress(kind) {
            facts.last_progress = Some(now);
            // A terminal line right behind another one closes it: no work went on in between.
            facts.working_again |= facts.terminal.is_some() && kind != LineKind::Terminal;
        }
    }

    fn count_ignored(&mut self, kind: LineKind) {
        let ignored = &mut self.facts.ignored;
        let counter = match kind {
            LineKind::Blank => &mut ignored.blank,
            LineKind::NotJson => &mut ignored.not_json,
            LineKind::NotUtf8 => &mut ignored.not_utf8,
            LineKind::Unknown => &mut ignored.unknown,
            LineKind::Oversize => &mut ignored.oversize,
            _ => return,
        };
        *counter += 1;
    }
}

/// Whether a line of this kind re-arms the stall clock.
fn is_progress(kind: LineKind) -> bool {
    use LineKind::{Progress, Start, Terminal, ToolClose, ToolOpen};
    matches!(kind, Start | Progress | ToolOpen | ToolClose | Terminal)
}

/// A typed assertion stands until the next one, or until the model's work goes on all the same.
fn assert_what_it_says(asserted: &mut Asserted, rule: &LineRule, raw: Raw<'_>) {
    if let Some(says) = rule.says {
        asserted.standing = Some(says);
    } else if matches!(rule.kind, LineKind::Progress | LineKind::ToolOpen | LineKind::ToolClose) {
        asserted.standing = None;
    }
    let tells = rule.limit_kind.is_some() || rule.resets_at.is_some() || rule.retry_after.is_some();
    if rule.says == Some(Says::Limit) && tells {
        let value = |pointer: &Option<Pointer>| pointer.as_ref().and_then(|pointer| pointer.of(raw));
        asserted.limit_kind = value(&rule.limit_kind).and_then(terminal::id);
        let moment = value(&rule.resets_at).and_then(times::moment);
        asserted.until = moment.or_else(|| value(&rule.retry_after).and_then(times::wait));
    }
}

fn move_tools(open: &mut HashSet<String>, kind: LineKind, ids: Vec<String>) {
    for id in ids {
        match kind {
            LineKind::ToolOpen if open.len() < OPEN_TOOLS => {
                open.insert(id);
            }
            LineKind::ToolClose => {
                open.remove(&id);
            }
            _ => {}
        }
    }
}

/// A line that is no object: JSON of another form is unknown, everything else is not JSON.
fn not_an_object(bytes: &[u8]) -> LineKind {
    match serde_json::from_slice::<serde::de::IgnoredAny>(bytes) {
        Ok(_) => LineKind::Unknown,
        Err(_) => LineKind::NotJson,
    }
}

/// The line without space and terminal control sequences around it. Terminals are reset in mid-stream by
/// programs that think they have one: `ESC [ ? 1004 l` has been seen before a line of JSON.
fn without_dressing(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes.trim_ascii();
    while let Some(after) = rest.strip_prefix(b"\x1b") {
        rest = after[control_sequence(after)..].trim_ascii_start();
    }
    while let [inside @ .., last] = rest
        && *last != b'}'
        && let Some(escape) = memchr::memrchr(b'\x1b', inside)
        && escape + 1 + control_sequence(&rest[escape + 1..]) == rest.len()
    {
        rest = rest[..escape].trim_ascii_end();
    }
    rest
}

/// The length of a control sequence behind its ESC: `[ parameters final` (ECMA-48), `] text BEL`, or one byte.
fn control_sequence(bytes: &[u8]) -> usize {
    let end = match bytes.first() {
        None => return 0,
        Some(b'[') => bytes[1..].iter().position(|byte| (0x40..=0x7e).contains(byte)),
        Some(b']') => memchr::memchr(0x07, &bytes[1..]),
        Some(_) => return 1,
    };
    end.map_or(bytes.len(), |end| end + 2)
}
