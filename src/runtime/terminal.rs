//! What a terminal line says: well or badly, and why. Called by `Reading` for lines that are valid JSON.
//! Only the program's own fields and, where it has none, its own message are read. Must never guess a time.

use super::description::{Description, Says, TerminalRules, UsageRules};
use super::facts::{Limit, Source, Terminal, Told, Usage};
use super::json::Raw;
use super::matching::{Pointer, has_any};
use super::times::{self, Time};
use crate::clock::Tick;

/// Characters of a message that are kept.
const MESSAGE: usize = 500;
/// Bytes of an id that are believed.
const ID: usize = 256;

/// What the provider asserted in typed fields before the terminal line.
#[derive(Clone, Debug, Default)]
pub(super) struct Asserted {
    /// The last assertion that no progress has overtaken.
    pub(super) standing: Option<Says>,
    /// The details of the last limit asserted.
    pub(super) limit_kind: Option<String>,
    pub(super) until: Option<Time>,
}

/// A failure of which nothing is known.
pub(super) const fn unexplained(at: Tick) -> Terminal {
    Terminal {
        at,
        clean: false,
        cut: false,
        session: None,
        http_status: None,
        limit: None,
        told: Told { kind: None, resets_at: None, retry_after: None },
        auth: None,
        resume_refused: false,
        message: None,
    }
}

/// Reads what a line says of the turn's end; `may_be_clean` says whether its rule lets it speak of success.
pub(super) fn read(
    description: &Description,
    raw: Raw<'_>,
    asserted: &Asserted,
    may_be_clean: bool,
    at: Tick,
) -> Option<Terminal> {
    let rules = description.terminal.as_ref()?;
    let session = description.session.as_deref().and_then(|key| id_at(raw, &[key.to_owned()]));
    let clean = may_be_clean && rules.clean.holds(raw);
    let cut = clean && rules.cut.as_ref().is_some_and(|cut| cut.holds(raw));
    let blank = Terminal { clean, cut, session, ..unexplained(at) };
    if clean {
        return Some(blank);
    }
    let text = rules.message.iter().find_map(|pointer| pointer.of(raw)?.text());
    let message = Message::new(rules, text.as_deref().unwrap_or_default());
    let status = status(rules, raw, &message);
    let cause = cause(rules, status, asserted, &message);
    let told = told(rules, cause.as_ref().and_then(|cause| cause.limit_kind.clone()), asserted, raw, &message);
    Some(Terminal {
        http_status: status.map(|(status, _)| status),
        limit: cause.as_ref().filter(|cause| cause.says == Says::Limit).map(|cause| Limit::of(&told, cause.source)),
        told,
        auth: cause.as_ref().filter(|cause| cause.says == Says::Auth).map(|cause| cause.source),
        resume_refused: rules.resume_refused.as_ref().is_some_and(|when| when.holds(raw)),
        message: text.is_some().then(|| message.text.chars().take(MESSAGE).collect()),
        ..blank
    })
}

/// A message, unfolded if it is JSON text itself.
struct Message {
    /// As it was told, with what the program puts before the JSON text (pi: `401: {"message":…}`).
    whole: String,
    /// What is in it.
    text: String,
    inner_status: Option<u16>,
}

impl Message {
    fn new(rules: &TerminalRules, text: &str) -> Self {
        let after = rules.inner_after.iter().filter_map(|words| inside(text, words));
        let inner = after.filter_map(first_object).next();
        let inner_text = inner.and_then(|raw| rules.inner_message.iter().find_map(|pointer| pointer.of(raw)?.text()));
        Self {
            whole: text.to_owned(),
            text: inner_text.as_deref().unwrap_or(text).to_owned(),
            inner_status: inner.and_then(|raw| first_status(&rules.inner_status, raw)),
        }
    }
}

/// What follows these words; the whole text, where they are empty and the text is an object.
fn inside<'t>(text: &'t str, words: &str) -> Option<&'t str> {
    if words.is_empty() { Some(text.trim()) } else { text.split_once(words).map(|(_, rest)| rest.trim_start()) }
}

/// The object that a text begins with, whatever follows it.
fn first_object(text: &str) -> Option<Raw<'_>> {
    let whole = Raw::object(text.as_bytes(), |_, _| {}).filter(|raw| raw.is_valid());
    whole.or_else(|| Raw::first(text.as_bytes()).filter(|raw| raw.is_valid()))
}

/// The HTTP status and where it stood: a typed field, or the program's own words at the start of the message.
fn status(rules: &TerminalRules, raw: Raw<'_>, message: &Message) -> Option<(u16, Source)> {
    let typed = first_status(&rules.status, raw).or(message.inner_status);
    let said = || rules.status_after.iter().find_map(|words| status_after(&message.whole, words));
    typed.map(|status| (status, Source::TypedField)).or_else(|| said().map(|status| (status, Source::TerminalMessage)))
}

fn first_status(pointers: &[Pointer], raw: Raw<'_>) -> Option<u16> {
    pointers.iter().find_map(|pointer| pointer.of(raw)?.scalar()).filter(|status| (100..600).contains(status))
}

fn status_after(text: &str, words: &str) -> Option<u16> {
    let rest = text.strip_prefix(words)?;
    let (digits, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
    let is_word = !rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'));
    digits.parse().ok().filter(|status| is_word && (100..600).contains(status))
}

struct Cause {
    says: Says,
    source: Source,
    limit_kind: Option<String>,
}

/// What the failure is about: the status where it is telling, else what stands asserted, else the words of a
/// message without a status (one with a status may quote anything: its words count only where a rule names it).
fn cause(
    rules: &TerminalRules,
    status: Option<(u16, Source)>,
    asserted: &Asserted,
    message: &Message,
) -> Option<Cause> {
    let told = status.and_then(|(status, source)| Some((says_status(rules, status)?, source)));
    let (says, source) = match (told, asserted.standing) {
        (Some(told), _) => told,
        (None, Some(says)) => (says, Source::TypedField),
        (None, None) => return cause_of_text(rules, status.map(|(status, _)| status), &message.text),
    };
    Some(Cause { says, source, limit_kind: None })
}

pub(super) fn says_status(rules: &TerminalRules, status: u16) -> Option<Says> {
    match status {
        _ if rules.limit_status.contains(&status) => Some(Says::Limit),
        _ if rules.auth_status.contains(&status) => Some(Says::Auth),
        500..=599 => Some(Says::Other), // the server's own failure (500, 529), whatever was said before
        _ => None,
    }
}

fn cause_of_text(rules: &TerminalRules, status: Option<u16>, text: &str) -> Option<Cause> {
    let rule = rules.texts.iter().find(|rule| rule.status == status && has_any(text, &rule.contains))?;
    Some(Cause { says: rule.says, source: Source::TerminalMessage, limit_kind: rule.limit_kind.clone() })
}

/// What is said of a limit, whether or not it ended at one.
fn told(rules: &TerminalRules, kind: Option<String>, asserted: &Asserted, raw: Raw<'_>, message: &Message) -> Told {
    let at = |pointers: &[Pointer], read: fn(Raw<'_>) -> Option<Time>| {
        pointers.iter().find_map(|pointer| read(pointer.of(raw)?))
    };
    let said = || rules.time_after.iter().find_map(|words| times::after(&message.text, words));
    // The typed time of the line, then of an earlier one, then the words: the first that is there.
    let typed = at(&rules.resets_at, times::moment).or_else(|| at(&rules.retry_after, times::wait)).or(asserted.until);
    let (told, said) = (typed, said());
    let moment = |time| if let Some(Time::At(stamp)) = time { Some(stamp) } else { None };
    let span = |time| if let Some(Time::In(span)) = time { Some(span) } else { None };
    Told {
        kind: kind.or_else(|| asserted.limit_kind.clone()),
        resets_at: moment(told).or_else(|| moment(said)),
        retry_after: span(told).or_else(|| span(said)),
    }
}

impl Limit {
    /// The limit that is told of, as known from `source`.
    pub(super) fn of(told: &Told, source: Source) -> Self {
        Self { kind: told.kind.clone(), resets_at: told.resets_at, retry_after: told.retry_after, source }
    }
}

/// The id at a path: a text that is neither empty nor longer than ids are.
pub(super) fn id_at(raw: Raw<'_>, path: &[String]) -> Option<String> {
    raw.at(path).and_then(id)
}

/// The id that this value is.
pub(super) fn id(raw: Raw<'_>) -> Option<String> {
    raw.text().filter(|text| (1..=ID).contains(&text.len())).map(std::borrow::Cow::into_owned)
}

/// Adds the usage of one terminal line to what was said before.
pub(super) fn usage(rules: &UsageRules, raw: Raw<'_>, before: Usage) -> Usage {
    let tokens = |pointers: &[Pointer], before: Option<u64>| {
        let found = pointers.iter().filter_map(|pointer| pointer.of(raw)?.scalar::<u64>()).reduce(u64::saturating_add);
        merged(rules, found, before)
    };
    let number = |pointer: &Option<Pointer>| pointer.as_ref().and_then(|pointer| pointer.of(raw));
    Usage {
        tokens_in: tokens(&rules.tokens_in, before.tokens_in),
        tokens_out: tokens(&rules.tokens_out, before.tokens_out),
        tokens_cached: tokens(&rules.tokens_cached, before.tokens_cached),
        num_turns: merged(rules, number(&rules.num_turns).and_then(Raw::scalar), before.num_turns),
        cost_usd: cost(rules, number(&rules.cost_usd).and_then(Raw::scalar), before.cost_usd),
    }
}

fn merged(rules: &UsageRules, found: Option<u64>, before: Option<u64>) -> Option<u64> {
    match (found, before) {
        (Some(found), Some(before)) if rules.add_up => Some(found.saturating_add(before)),
        (found, before) => found.or(before),
    }
}

/// Money is a number and not less than none.
fn cost(rules: &UsageRules, found: Option<f64>, before: Option<f64>) -> Option<f64> {
    match (found.filter(|cost| cost.is_finite() && *cost >= 0.0), before) {
        (Some(found), Some(before)) if rules.add_up_cost => Some(found + before),
        (found, before) => found.or(before),
    }
}
