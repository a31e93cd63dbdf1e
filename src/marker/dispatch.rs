//! The dispatch marker: who works where. `active_tentacles` is a list of objects (`name`, `ts`, `git_root`, `tentacle_id`),
//! of plain names, or of both; an older file has one `tentacle` instead. It names no process.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::value::RawValue;

use super::json::{self, Object, text};
use super::time::{span, told};
use crate::model::{Entry, Marker, MarkerForm, Reason, Told, Unfit};

/// What an entry lives where the file does not say it.
const TTL: Duration = Duration::from_secs(4 * 3600);
/// The list.
pub(super) const LIST: &str = "active_tentacles";
/// The one.
const ONE: &str = "tentacle";

/// None where it is another form.
pub(super) fn read(object: &Object<'_>) -> Option<Result<Marker, Unfit>> {
    object.has(&[LIST, ONE]).then(|| marker(object).ok_or(Unfit::Damaged(Reason::Unparsable)))
}

fn marker(object: &Object<'_>) -> Option<Marker> {
    let ttl = object.get("ttl_seconds").map_or(Some(TTL), span)?;
    let entries = match object.get(LIST) {
        // Which of two lists counts is anybody's guess.
        Some(_) if object.count(LIST) > 1 => return None,
        Some(list) => elements(list)?.into_iter().map(|element| entry(element, ttl)).collect(),
        None => vec![only(object, ttl)?],
    };
    let signed = object.get("sig").is_some_and(|sig| sig.get() != "null");
    Some(Marker { form: MarkerForm::Dispatch, signed, outer: outer(object), entries })
}

/// The elements of a list, as they are written.
pub(super) fn elements(list: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(list.get()).ok()
}

fn outer(object: &Object<'_>) -> Option<crate::clock::Stamp> {
    told(object.get("ts")).at().max(told(object.get("written_at")).at())
}

fn entry(element: &RawValue, ttl: Duration) -> Entry {
    let data = Some(element.get().to_owned());
    let plain = Entry {
        name: text(element),
        id: None,
        scope: None,
        set: None,
        told: Told::Nothing,
        ttl: Some(ttl),
        holder: None,
        data,
    };
    let Some(object) = json::part(element.get()) else { return plain };
    let told = told(object.get("ts"));
    Entry {
        name: object.text("name"),
        id: object.text("tentacle_id"),
        scope: object.text("git_root").map(PathBuf::from),
        set: told.at(),
        told,
        ..plain
    }
}

/// The one entry of an older file: what it does not say itself the file says.
fn only(object: &Object<'_>, ttl: Duration) -> Option<Entry> {
    let own = entry(object.get(ONE).filter(|one| one.get() != "null")?, ttl);
    let told = if own.told == Told::Nothing { told(object.get("ts")) } else { own.told };
    let scope = own.scope.or_else(|| object.text("git_root").map(PathBuf::from));
    Some(Entry { told, set: told.at(), scope, ..own })
}
