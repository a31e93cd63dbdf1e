//! The wire types: what stands on stdout, apart from what refloat thinks in.
//! A record has all its keys always, in this order; null where there is no value.

pub mod block;
mod conform;
mod event;
pub mod evidence;
mod judgement;
mod ledger;
mod mail;
mod mark;
mod owed;
mod reopened;
mod run;
mod turn;
mod verdict;
mod wait;
mod worker;

pub use conform::{Conform, RuntimeRecord, UnknownLine};
pub use event::{TurnEvent, TurnStalled, TurnStopped};
pub use evidence::{Evidence, ProbeEnded};
pub use judgement::Judgement;
pub use ledger::{CrashRecord, DeadLetterRecord, RetryRecord};
pub use mail::{MailAcked, MailPurged, MailRecord, MailReleased, MailSent};
pub use mark::{MarkCleanupEnded, MarkRecord};
pub use owed::{ExpectedRecord, OwedRecord};
pub use reopened::RunReopened;
pub use run::RunRecord;
pub use turn::{TurnEnded, TurnRecord, TurnStarted};
pub use verdict::{ReconcileEnded, RuleRecord, VerdictRecord};
pub use wait::WaitEnded;
pub use worker::{RunAdopted, RunBeat, RunEnded, TurnYielded, WorkerFacts, WorkerLife};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

use crate::emit::Record;

/// The JSON Schema of one record type, envelope included.
pub fn schema_of<R: Record + JsonSchema>() -> (&'static str, Schema) {
    // As serialised: every key is required, also one that may be null.
    let settings = SchemaSettings::draft2020_12().for_serialize();
    (R::TYPE, settings.into_generator().into_root_schema_for::<R>())
}

/// One document for several record types: `oneOf` by `type`.
#[must_use]
pub fn document(records: Vec<(&'static str, Schema)>) -> String {
    let mut definitions = Map::new();
    let mut choices = Vec::new();
    for (name, schema) in records {
        let mut schema = schema.to_value();
        add_envelope(&mut schema, name);
        if let Some(Value::Object(inner)) = schema.as_object_mut().and_then(|object| object.remove("$defs")) {
            definitions.extend(inner);
        }
        if let Some(object) = schema.as_object_mut() {
            object.remove("$schema");
        }
        definitions.insert(name.to_owned(), schema);
        choices.push(object([("$ref", Value::from(format!("#/$defs/{name}")))]));
    }
    let document = object([
        ("$schema", Value::from("https://json-schema.org/draft/2020-12/schema")),
        ("oneOf", Value::from(choices)),
        ("$defs", Value::Object(definitions)),
    ]);
    format!("{document:#}\n")
}

fn add_envelope(schema: &mut Value, name: &str) {
    let stamp = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$";
    let envelope = [
        ("type", object([("const", Value::from(name))])),
        ("v", object([("const", Value::from(1))])),
        ("at", object([("type", Value::from("string")), ("pattern", Value::from(stamp))])),
    ];
    let Some(root) = schema.as_object_mut() else { return };
    root.insert("additionalProperties".into(), Value::from(false));
    for (key, value) in envelope {
        if let Some(Value::Object(properties)) = root.get_mut("properties") {
            properties.insert(key.into(), value);
        }
        if let Some(Value::Array(required)) = root.get_mut("required") {
            required.push(Value::from(key));
        }
    }
}

fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// A cell for a value that may be missing.
fn cell<T: std::fmt::Display>(value: Option<&T>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

/// A count as records have it: their numbers are those of SQLite.
#[must_use]
pub fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Milliseconds as people read them: `850ms`, `12.3s`, `4m05s`, `2h03m`.
#[must_use]
pub fn span(millis: i64) -> String {
    let seconds = millis / 1000;
    match seconds {
        _ if millis < 1000 => format!("{millis}ms"),
        0..60 => format!("{}.{}s", seconds, millis % 1000 / 100),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}
