//! Objects that name their process: the active marker of the story automator, and locks with a `pid` and a time.

use std::ffi::OsStr;
use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;

use super::json::Object;
use super::time::told_by_script as told;
use crate::clock::Stamp;
use crate::model::{Entry, Held, Marker, MarkerForm, Reason, Told, Unfit};

/// The story automator calls its own marker stale so long after its heartbeat.
const SILENCE: Duration = Duration::from_secs(30 * 60);
/// What only its marker has.
const AUTOMATOR: [&str; 3] = ["storiesRemaining", "currentStory", "projectSlug"];
/// When something began, by the keys that tools use for it.
const BEGAN: [&str; 4] = ["createdAt", "startedAt", "acquiredAt", "startTime"];
/// When it was renewed.
const HEARTBEAT: &str = "heartbeat";

/// None where it is another form.
pub(super) fn read(object: &Object<'_>, text: &str, name: &OsStr) -> Option<Result<Marker, Unfit>> {
    let dated = object.has(&BEGAN) || object.has(&[HEARTBEAT]);
    let form = match dated {
        true if object.has(&AUTOMATOR) => MarkerForm::StoryAutomator,
        true if object.has(&["pid"]) => MarkerForm::Lock,
        _ => return None,
    };
    let holder = object.get("pid").map(pid);
    // A process that nobody can name is no process: neither alive nor gone.
    if let Some(None) = holder {
        return Some(Err(Unfit::Damaged(Reason::Unparsable)));
    }
    let set = BEGAN.iter().find_map(|key| told(object.get(key)).at());
    let slug = || object.text("projectSlug").filter(|_| form == MarkerForm::StoryAutomator);
    let entry = Entry {
        name: slug().or_else(|| super::name_of(name)),
        id: object.text("token"),
        scope: None,
        set,
        told: beat(object, set),
        ttl: (form == MarkerForm::StoryAutomator).then_some(SILENCE),
        holder: holder.flatten().map(|pid| Held { pid, start_ticks: None }),
        data: Some(text.trim().to_owned()),
    };
    Some(Ok(Marker { form, signed: false, outer: None, entries: vec![entry] }))
}

/// Its heartbeat; before the first one, its beginning.
fn beat(object: &Object<'_>, set: Option<Stamp>) -> Told {
    match (told(object.get(HEARTBEAT)), set) {
        (Told::Nothing, Some(set)) => Told::At(set),
        (told, _) => told,
    }
}

/// A pid as a number or as text.
fn pid(value: &RawValue) -> Option<i32> {
    match serde_json::from_str(value.get()).ok()? {
        Value::Number(number) => super::pid::pid(&number.to_string()),
        Value::String(text) => super::pid::pid(text.trim()),
        _ => None,
    }
}
