//! A pid file: `PID`, or `PID START_TICKS`, as text.

use std::ffi::OsStr;

use crate::model::{Entry, Held, Marker, MarkerForm, Reason, Told, Unfit};

/// None where it is another form: it does not begin as a number.
pub(super) fn read(text: &str, name: &OsStr) -> Option<Result<Marker, Unfit>> {
    let mut words = text.split_ascii_whitespace();
    let first = words.next()?;
    let digits = first.strip_prefix('-').unwrap_or(first);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let start = match (words.next(), words.next()) {
        (None, _) => Some(None),
        (Some(ticks), None) => number(ticks).map(Some),
        _ => None,
    };
    let held = pid(first).zip(start).map(|(pid, start_ticks)| Held { pid, start_ticks });
    Some(held.map(|held| marker(held, name)).ok_or(Unfit::Damaged(Reason::Unparsable)))
}

/// A number that a process can have.
pub(super) fn pid(text: &str) -> Option<i32> {
    number(text).and_then(|number| i32::try_from(number).ok()).filter(|pid| *pid > 0)
}

/// Digits alone.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn marker(held: Held, name: &OsStr) -> Marker {
    let data = match held.start_ticks {
        Some(ticks) => format!(r#"{{"pid":{},"start_ticks":{ticks}}}"#, held.pid),
        None => format!(r#"{{"pid":{}}}"#, held.pid),
    };
    let entry = Entry {
        name: super::name_of(name),
        id: None,
        scope: None,
        set: None,
        told: Told::Nothing,
        ttl: None,
        holder: Some(held),
        data: Some(data),
    };
    Marker { form: MarkerForm::Pid, signed: false, outer: None, entries: vec![entry] }
}
