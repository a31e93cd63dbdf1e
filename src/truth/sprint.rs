//! What a sprint file says of one key: real YAML, the map `development_status`, the value at the key or its `status`.
//! Called by `bmad`. It never answers with the value of another key, and what is not sound says why.

use super::plain;
use super::yaml::{Cell, Entry, Map, Value, read as read_yaml};
use crate::model::{KeyKind, Pick, Reason, Says, Silence, Source, Status, StatusForm, StatusReading, StoryKey, shown};

/// So many keys are named, where several could be meant or are not known.
const NAMED: usize = 50;

/// Reads what the file says of the key.
#[must_use]
pub fn read(bytes: &[u8], asked: &StoryKey) -> StatusReading {
    match map_of(bytes) {
        Ok(map) => find(&map, asked),
        Err(silence) => StatusReading::nothing(silence),
    }
}

fn map_of(bytes: &[u8]) -> Result<Map, Silence> {
    let text = plain::text(bytes)?;
    let mut maps = read_yaml(text, Some("development_status"))?;
    match (maps.pop(), maps.len()) {
        (Some(Some(map)), 0) => Ok(map),
        (Some(_), 1..) => Err(Silence::with(Reason::DuplicateKey, "development_status stands there more than once")),
        (Some(None), _) => Err(Silence::with(Reason::NoMap, "development_status is no map")),
        (None, _) if has_no_content(text) => Err(Silence::with(Reason::Empty, "there is nothing but comments")),
        (None, _) => Err(Silence::with(Reason::NoMap, "there is no development_status")),
    }
}

fn has_no_content(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

fn find(map: &Map, asked: &StoryKey) -> StatusReading {
    let keys: Vec<StoryKey> = map.iter().map(|entry| StoryKey::of(&entry.key)).collect();
    let named = |indexes: &[usize]| indexes.iter().take(NAMED).map(|index| shown(&map[*index].key)).collect();
    let reading = match asked.pick(&keys) {
        Pick::One(index) => at(&map[index]),
        Pick::Several(all) => {
            let same = all.iter().all(|index| map[*index].key == map[all[0]].key);
            let reason = if same { Reason::DuplicateKey } else { Reason::Ambiguous };
            let sources = all.iter().take(NAMED).flat_map(|index| at(&map[*index]).sources).collect();
            StatusReading { candidates: named(&all), sources, ..StatusReading::nothing(Silence::of(reason)) }
        }
        Pick::None(near) => {
            let merged = map.iter().any(|entry| entry.key == "<<");
            let silence = match merged {
                true => Silence::with(Reason::Alias, "it may come from a map that is merged in"),
                false => Silence::of(Reason::NoKey),
            };
            StatusReading { candidates: named(&near), ..StatusReading::nothing(silence) }
        }
    };
    let other = keys.iter().filter(|key| key.kind() == KeyKind::Other && key.text != "<<");
    StatusReading { unknown_keys: other.take(NAMED).map(|key| shown(&key.text)).collect(), ..reading }
}

/// What stands at a key.
fn at(entry: &Entry) -> StatusReading {
    let (says, sources) = match &entry.cell.value {
        Value::Map(statuses) => nested(statuses),
        _ => (said(&entry.cell), vec![source(&entry.cell, entry.line, StatusForm::Entry)]),
    };
    StatusReading { key: Some(shown(&entry.key)), sources, ..StatusReading::nothing(Silence::of(Reason::NoStatus)) }
        .saying(says)
}

fn nested(statuses: &[Cell]) -> (Says, Vec<Source>) {
    let sources = statuses.iter().take(NAMED).map(|cell| source(cell, cell.line, StatusForm::Nested)).collect();
    let says = match statuses {
        [] => Says::Nothing(Silence::with(Reason::NoStatus, "its map has no status")),
        [one] => said(one),
        _ => Says::Nothing(Silence::with(Reason::DuplicateKey, "its map has several keys status")),
    };
    (says, sources)
}

fn source(cell: &Cell, line: u64, form: StatusForm) -> Source {
    let raw = match &cell.value {
        Value::Text(text) | Value::Other(text) => shown(text),
        Value::Empty => String::new(),
        Value::List => "a list".to_owned(),
        Value::Map(_) => "a map".to_owned(),
        Value::Alias => "an alias".to_owned(),
    };
    let status = match &cell.value {
        Value::Text(text) => Status::of(text).map(|status| status.word),
        _ => None,
    };
    Source { path: None, line, form, raw, status }
}

/// The status in a cell; what is cut in its middle is no word at all.
fn said(cell: &Cell) -> Says {
    let nothing = |reason, what: &str| Says::Nothing(Silence::with(reason, what));
    match &cell.value {
        Value::Text(text) => match Status::said(text) {
            Says::Status(status) if cell.at_end && status.may_be_cut() => {
                nothing(Reason::CutOff, "its value ends with the file, in the middle of a line")
            }
            says => says,
        },
        Value::Empty if cell.at_end => nothing(Reason::CutOff, "the file ends where its value would begin"),
        Value::Empty => Says::Nothing(Silence::of(Reason::EmptyValue)),
        Value::Other(text) => nothing(Reason::NotAStatus, &format!("YAML reads '{}' as no text", shown(text))),
        Value::List => nothing(Reason::NotAStatus, "it is a list"),
        Value::Map(_) => nothing(Reason::NotAStatus, "it is a map"),
        Value::Alias => Says::Nothing(Silence::of(Reason::Alias)),
    }
}
