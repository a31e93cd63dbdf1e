//! When a limit is lifted, in every form in which it is told. Called for typed fields and for a program's own message.
//! Pure: a form without its zone ("at 9:34 AM") is none, and whether a time makes sense is the judge's question.

use std::time::Duration;

use super::json::Raw;
use crate::clock::Stamp;

/// A time that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// A moment.
    At(Stamp),
    /// A while after the line.
    In(Duration),
}

/// Numbers up to here are seconds since 1970 (the year 2286), larger ones milliseconds.
const SECONDS: f64 = 9_999_999_999.0;
/// Numbers up to here are believed to be milliseconds since 1970.
const MILLIS: f64 = SECONDS * 1000.0;

/// The moment that a field holds: seconds or milliseconds since 1970, as a number or its digits, RFC 3339 or an HTTP date.
pub(super) fn moment(raw: Raw<'_>) -> Option<Time> {
    match number(raw) {
        Some(number) => since_1970(number),
        None => date(raw.text()?.trim()),
    }
}

/// The wait that a field holds, as `Retry-After` does: seconds, a span in words, or a date after all.
pub(super) fn wait(raw: Raw<'_>) -> Option<Time> {
    match number(raw) {
        Some(number) => Duration::try_from_secs_f64(number).ok().map(Time::In),
        None => {
            let text = raw.text()?;
            span(&text).map(Time::In).or_else(|| date(text.trim()))
        }
    }
}

/// The time behind these words of a message: a span with its units, a date, or a number that is a moment. A bare
/// number of seconds only where the words are the name of a header or a field, and end with `:` or `=`.
pub(super) fn after(text: &str, words: &str) -> Option<Time> {
    let start = find_in_any_case(text, words)?;
    let rest = text.get(start..)?.trim_start();
    let date = || rest.get(..HTTP_DATE).and_then(date).or_else(|| date(first_word(rest)));
    span(rest).map(Time::In).or_else(date).or_else(|| {
        let number = first_word(rest).parse::<f64>().ok()?;
        let header = words.trim_end().ends_with([':', '=']);
        let large = since_1970(number).filter(|_| number > 1e9);
        large.or_else(|| Duration::try_from_secs_f64(number).ok().filter(|_| header).map(Time::In))
    })
}

/// The length of an HTTP date.
const HTTP_DATE: usize = "Wed, 21 Oct 2026 07:28:00 GMT".len();

fn find_in_any_case(text: &str, words: &str) -> Option<usize> {
    // Byte positions stay what they are: only ASCII letters are folded.
    Some(text.to_ascii_lowercase().find(&words.to_ascii_lowercase())? + words.len())
}

fn first_word(text: &str) -> &str {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    text[..end].trim_end_matches(['.', ',', ';', ')', ']', '}', '"', '\''])
}

fn number(raw: Raw<'_>) -> Option<f64> {
    raw.scalar::<f64>().or_else(|| raw.text()?.trim().parse().ok())
}

fn since_1970(number: f64) -> Option<Time> {
    let millis = match number {
        _ if !(1.0..=MILLIS).contains(&number) => return None,
        _ if number > SECONDS => number,
        _ => number * 1000.0,
    };
    #[expect(clippy::cast_possible_truncation, reason = "below 10^13")]
    let millis = millis as i64;
    Some(Time::At(Stamp::from_millis(millis)))
}

fn date(text: &str) -> Option<Time> {
    text.parse().ok().or_else(|| Stamp::from_http_date(text)).map(Time::At)
}

/// A span at the start: "3s", "1.5s", "20ms", "6m0s", "3 days 6 hours", "1 day, 2 hours and 5 minutes".
fn span(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum: Option<Duration> = None;
    while let Some((step, after)) = one_span(rest) {
        sum = Some(sum.unwrap_or(Duration::ZERO).checked_add(step)?);
        rest = after.trim_start_matches([',', ' ']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
    }
    sum
}

fn one_span(text: &str) -> Option<(Duration, &str)> {
    let text = text.trim_start();
    let (number, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.')?);
    let rest = rest.trim_start();
    let (unit, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len()));
    let seconds = match unit.to_ascii_lowercase().as_str() {
        "ms" | "millisecond" | "milliseconds" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 604_800.0,
        _ => return None,
    };
    let span = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
    Some((span, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Option<Time> {
        Some(Time::At(Stamp::from_millis(seconds * 1000)))
    }

    fn wait_of(millis: u64) -> Option<Time> {
        Some(Time::In(Duration::from_millis(millis)))
    }

    fn field(json: &str, read: fn(Raw<'_>) -> Option<Time>) -> Option<Time> {
        let line = format!("{{\"x\":{json}}}");
        read(Raw::object(line.as_bytes(), |_, _| {}).unwrap().at(&["x".to_owned()]).unwrap())
    }

    #[test]
    fn moments_of_every_form() {
        for (json, expected) in [
            ("1795167065", at(1_795_167_065)),
            ("1795167065000", at(1_795_167_065)),
            ("1795167065.5", Some(Time::At(Stamp::from_millis(1_795_167_065_500)))),
            ("\"1795167065\"", at(1_795_167_065)),
            ("\"2026-11-20T09:31:05Z\"", at(1_795_167_065)),
            ("\"2026-11-20T10:31:05.000+01:00\"", at(1_795_167_065)),
            ("\"Fri, 20 Nov 2026 09:31:05 GMT\"", at(1_795_167_065)),
            ("0", None),
            ("-5", None),
            ("1e300", None),
            ("true", None),
            ("\"9:34 AM\"", None),
            ("\"\"", None),
            ("{}", None),
        ] {
            assert_eq!(field(json, moment), expected, "{json}");
        }
    }

    #[test]
    fn waits_of_every_form() {
        for (json, expected) in [
            ("120", wait_of(120_000)),
            ("\"120\"", wait_of(120_000)),
            ("0.25", wait_of(250)),
            ("\"34.074824224s\"", Some(Time::In(Duration::from_secs_f64(34.074_824_224)))),
            ("\"3 days 6 hours\"", wait_of(280_800_000)),
            ("\"Fri, 20 Nov 2026 09:31:05 GMT\"", at(1_795_167_065)),
            ("-1", None),
            ("\"soon\"", None),
            ("null", None),
        ] {
            assert_eq!(field(json, wait), expected, "{json}");
        }
    }

    #[test]
    fn times_in_words() {
        for (text, expected) in [
            ("Please try again in 3s.", wait_of(3000)),
            ("try again in 1.898s. Visit", wait_of(1898)),
            ("Try again in 20ms", wait_of(20)),
            ("try again in 6m0s", wait_of(360_000)),
            ("try again in 3 days 6 hours.", wait_of(280_800_000)),
            ("try again in 1 day, 2 hours and 5 minutes.", wait_of(93_900_000)),
            ("try again in 1 minute", wait_of(60_000)),
            ("try again in 99999999999999999999999999 days", None),
            ("try again in a while", None),
            ("try again in 5", None),
            ("İİİ try again in 2s", wait_of(2000)),
            ("try again at 9:34 AM.", None),
        ] {
            assert_eq!(after(text, "try again in "), expected, "{text}");
        }
        for (text, words, expected) in [
            ("x Retry-After: 120)", "retry-after:", wait_of(120_000)),
            ("Retry-After: Fri, 20 Nov 2026 09:31:05 GMT.", "retry-after:", at(1_795_167_065)),
            ("resets at 2026-11-20T09:31:05Z.", "resets at ", at(1_795_167_065)),
            ("usage limit reached|1795167065", "limit reached|", at(1_795_167_065)),
            ("resets at 120", "resets at ", None),
            ("resets at 3 pm", "resets at ", None),
        ] {
            assert_eq!(after(text, words), expected, "{text}");
        }
    }
}
