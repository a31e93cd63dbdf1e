//! Times and spans as other tools write them: seconds as a number or as text, or a date. Called by the forms.

use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;

use super::json::text;
use crate::clock::Stamp;
use crate::model::Told;

/// Longer than anything that is in progress: ten years.
const LONGEST: f64 = 10.0 * 365.0 * 86_400.0;
/// No clock tells more seconds; what does tells milliseconds, or nothing.
const LATEST: f64 = 253_402_300_799.0;
/// The year 2001: no such tool is older.
const FIRST: f64 = 1_000_000_000.0;

/// A time.
pub(super) fn told(value: Option<&RawValue>) -> Told {
    let Some(value) = value.filter(|value| value.get() != "null") else { return Told::Nothing };
    let date = || text(value)?.trim().parse().ok();
    let seconds = number(value).filter(|seconds| (0.0..=LATEST).contains(seconds));
    seconds.map(|seconds| Stamp::from_millis((seconds * 1000.0) as i64)).or_else(date).map_or(Told::Garbled, Told::At)
}

/// A time of a tool that may count milliseconds, as JavaScript does: none counts so many seconds, and what is too few for
/// a date is none (the ticks of a process).
pub(super) fn told_by_script(value: Option<&RawValue>) -> Told {
    match value.and_then(number) {
        Some(few) if few < FIRST => Told::Garbled,
        Some(millis) if (FIRST * 100.0..LATEST * 1000.0).contains(&millis) => {
            Told::At(Stamp::from_millis(millis as i64))
        }
        _ => told(value),
    }
}

/// A span in seconds; none where it is none that anything can last.
pub(super) fn span(value: &RawValue) -> Option<Duration> {
    let seconds = number(value).filter(|seconds| *seconds > 0.0 && *seconds <= LONGEST)?;
    Some(Duration::from_secs_f64(seconds))
}

/// A number, also as text.
fn number(value: &RawValue) -> Option<f64> {
    let number = match serde_json::from_str(value.get()).ok()? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => text.parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}
