//! What a terminal line says: well or badly, and why. Called by `Reading` for lines that are valid JSON.
//! Only the program's own fields and, where it has none, its own message are read. Must never guess a time.

use std::time::Duration;

use super::description::{Description, Says, TerminalRules, UsageRules};
use super::facts::{Limit, Source, Terminal, Usage};
use super::json::Raw;
use super::matching::{Pointer, has_any};
use crate::clock::{Stamp, Tick};

/// Characters of a message that are kept.
const MESSAGE: usize = 500;
/// Bytes of an id that are believed.
const ID: usize = 256;
/// Seconds since 1970 that are believed: up to the year 2286. (Milliseconds in that place would be far beyond.)
const SECONDS: std::ops::RangeInclusive<i64> = 1..=9_999_999_999;

/// What the provider asserted in typed fields before the terminal line.
#[derive(Clone, Debug, Default)]
pub(super) struct Asserted {
    /// The last assertion that no progress has overtaken.
    pub(super) standing: Option<Says>,
    /// The details of the last limit asserted.
    pub(super) limit_kind: Option<String>,
    pub(super) resets_at: Option<Stamp>,
}

/// Reads a terminal line.
pub(super) fn read(description: &Description, raw: Raw<'_>, asserted: &Asserted, at: Tick) -> Option<Terminal> {
    let rules = description.terminal.as_ref()?;
    let session = description.session.as_deref().and_then(|key| id_at(raw, &[key.to_owned()]));
    let clean = rules.clean.holds(raw);
    let blank = Terminal {
        at,
        clean,
        session,
        http_status: None,
        limit: None,
        auth: None,
        resume_refused: false,
        message: None,
    };
    if clean {
        return Some(blank);
    }
    let text = rules.message.iter().find_map(|pointer| pointer.of(raw)?.text());
    let message = Message::new(rules, text.as_deref().unwrap_or_default());
    let status = status(rules, raw, &message);
    let cause = cause(rules, status, asserted, &message);
    Some(Terminal {
        http_status: status.map(|(status, _)| status),
        limit: cause
            .as_ref()
            .filter(|cause| cause.says == Says::Limit)
            .map(|cause| limit(rules, cause, asserted, &message)),
        auth: cause.as_ref().filter(|cause| cause.says == Says::Auth).map(|cause| cause.source),
        resume_refused: rules.resume_refused.as_ref().is_some_and(|when| when.holds(raw)),
        message: text.is_some().then(|| message.text.chars().take(MESSAGE).collect()),
        ..blank
    })
}

/// A message, unfolded if it is JSON text itself.
struct Message {
    text: String,
    inner_status: Option<u16>,
}

impl Message {
    fn new(rules: &TerminalRules, text: &str) -> Self {
        let inner = Raw::object(text.trim().as_bytes(), |_, _| {}).filter(|raw| raw.is_valid());
        let inner_text = inner.and_then(|raw| rules.inner_message.iter().find_map(|pointer| pointer.of(raw)?.text()));
        Self {
            text: inner_text.as_deref().unwrap_or(text).to_owned(),
            inner_status: inner.and_then(|raw| first_status(&rules.inner_status, raw)),
        }
    }
}

/// The HTTP status and where it stood: a typed field, or the program's own words at the start of the message.
fn status(rules: &TerminalRules, raw: Raw<'_>, message: &Message) -> Option<(u16, Source)> {
    let typed = first_status(&rules.status, raw).or(message.inner_status);
    let said = || rules.status_after.iter().find_map(|words| status_after(&message.text, words));
    typed.map(|status| (status, Source::TypedField)).or_else(|| said().map(|status| (status, Source::TerminalMessage)))
}

fn first_status(pointers: &[Pointer], raw: Raw<'_>) -> Option<u16> {
    pointers.iter().find_map(|pointer| pointer.of(raw)?.scalar()).filter(|status| (100..600).contains(status))
}

fn status_after(text: &str, words: &str) -> Option<u16> {
    let digits: String = text.strip_prefix(words)?.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|status| (100..600).contains(status))
}

struct Cause {
    says: Says,
    source: Source,
    limit_kind: Option<String>,
}

/// What the failure is about: the status where it is telling, else what stands asserted, else the words of a
/// message without a status (one with a status may quote anything).
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
        (None, None) if status.is_none() => return cause_of_text(rules, &message.text),
        (None, None) => return None,
    };
    Some(Cause { says, source, limit_kind: None })
}

fn says_status(rules: &TerminalRules, status: u16) -> Option<Says> {
    match status {
        _ if rules.limit_status.contains(&status) => Some(Says::Limit),
        _ if rules.auth_status.contains(&status) => Some(Says::Auth),
        500..=599 => Some(Says::Other), // the server's own failure (500, 529), whatever was said before
        _ => None,
    }
}

fn cause_of_text(rules: &TerminalRules, text: &str) -> Option<Cause> {
    let rule = rules.texts.iter().find(|rule| has_any(text, &rule.contains))?;
    Some(Cause { says: rule.says, source: Source::TerminalMessage, limit_kind: rule.limit_kind.clone() })
}

fn limit(rules: &TerminalRules, cause: &Cause, asserted: &Asserted, message: &Message) -> Limit {
    Limit {
        kind: cause.limit_kind.clone().or_else(|| asserted.limit_kind.clone()),
        resets_at: asserted.resets_at,
        retry_after: rules.retry_in.iter().find_map(|words| retry_in(&message.text, words)),
        source: cause.source,
    }
}

/// A relative time after these words: "3s", "1.5s", "20ms", "6m0s", "3 days 6 hours". A clock time is none:
/// it comes without its zone.
fn retry_in(text: &str, words: &str) -> Option<Duration> {
    let start = text.to_ascii_lowercase().find(words)? + words.len();
    let mut rest = text.get(start..)?;
    let mut sum = None;
    while let Some((step, after)) = one_span(rest) {
        sum = Some(sum.unwrap_or(Duration::ZERO).checked_add(step)?);
        rest = after;
    }
    sum
}

fn one_span(text: &str) -> Option<(Duration, &str)> {
    let text = text.trim_start();
    let (number, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.')?);
    let rest = rest.trim_start();
    let (unit, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len()));
    let seconds = match unit.to_ascii_lowercase().as_str() {
        "ms" => 0.001,
        "s" | "sec" | "second" | "seconds" => 1.0,
        "m" | "min" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    };
    let span = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
    Some((span, rest))
}

/// The moment at a pointer to seconds since 1970.
pub(super) fn stamp_at(raw: Raw<'_>, pointer: &Pointer) -> Option<Stamp> {
    let seconds: i64 = pointer.of(raw)?.scalar()?;
    SECONDS.contains(&seconds).then(|| Stamp::from_millis(seconds * 1000))
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
        cost_usd: number(&rules.cost_usd).and_then(Raw::scalar).or(before.cost_usd),
    }
}

fn merged(rules: &UsageRules, found: Option<u64>, before: Option<u64>) -> Option<u64> {
    match (found, before) {
        (Some(found), Some(before)) if rules.add_up => Some(found.saturating_add(before)),
        (found, before) => found.or(before),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_times_only() {
        for (text, millis) in [
            ("Please try again in 3s.", Some(3000)),
            ("try again in 1.898s. Visit", Some(1898)),
            ("Try again in 20ms", Some(20)),
            ("try again in 6m0s", Some(360_000)),
            ("try again in 3 days 6 hours.", Some(280_800_000)),
            ("try again in 1 minute", Some(60_000)),
            ("try again at 9:34 AM.", None),
            ("try again in a while", None),
            ("try again in 5", None),
            ("try again in 99999999999999999999999999 days", None),
            ("İİİ try again in 2s", Some(2000)),
        ] {
            assert_eq!(retry_in(text, "try again in "), millis.map(Duration::from_millis), "{text}");
        }
    }
}
