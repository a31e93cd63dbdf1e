//! Entries are taken out of a dispatch marker, and every other byte of it stays: it is not written anew, it is cut.

use serde_json::value::RawValue;

use super::dispatch::{LIST, elements};
use super::json;

/// The file without the entries that have these places in its list. None where that cannot be: it has no such list, or
/// nothing of it would be left.
#[must_use]
pub fn without(bytes: &[u8], gone: &[usize]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let object = json::object(text.strip_prefix('\u{feff}').unwrap_or(text)).ok()?;
    let elements = elements(object.get(LIST)?)?;
    let spans: Vec<(usize, usize)> = elements.iter().map(|element| span(text, element)).collect::<Option<_>>()?;
    let last = (0..spans.len()).rfind(|place| !gone.contains(place))?;
    let mut rest = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for place in gone_in_order(gone, spans.len()) {
        // With the comma that parts it from what stays: the one behind it, or behind the last that stays the one before.
        let cut =
            if place < last { (spans[place].0, spans[place + 1].0) } else { (spans[place - 1].1, spans[place].1) };
        rest.extend_from_slice(bytes.get(from..cut.0)?);
        from = cut.1;
    }
    rest.extend_from_slice(bytes.get(from..)?);
    Some(rest)
}

fn gone_in_order(gone: &[usize], all: usize) -> impl Iterator<Item = usize> {
    (0..all).filter(|place| gone.contains(place))
}

/// Where a part of a text stands in it.
fn span(text: &str, part: &RawValue) -> Option<(usize, usize)> {
    let part = part.get();
    let from = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    (text.get(from..from + part.len())? == part).then_some((from, from + part.len()))
}
