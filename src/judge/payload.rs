//! What the payload of a protocol mail has to hold: one table, checked before anything is stored.

use serde_json::{Map, Value};

use crate::model::MailType;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    /// A text, or null.
    TextOrNull,
    Integer,
    Texts,
    Flag,
    /// A time like 2026-11-20T07:31:02.123Z.
    Time,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// A field: its name, what it holds, and whether it has to be there.
struct Field(&'static str, Kind, bool);

const NEEDED: bool = true;
const MAY_MISS: bool = false;

/// The fields of each type; a type without fields takes any object. Further keys are free.
const fn fields(kind: MailType) -> &'static [Field] {
    use Kind::{Flag, Integer, Text, TextOrNull, Texts, Time, Word};
    use MailType as M;
    match kind {
        M::WorkerDone => &[
            Field("taskId", Text, NEEDED),
            Field("branch", Text, NEEDED),
            Field("exitCode", Integer, NEEDED),
            Field("filesModified", Texts, NEEDED),
        ],
        M::WorkerDied => &[
            Field("agentName", Text, NEEDED),
            Field("capability", Text, NEEDED),
            Field("taskId", TextOrNull, NEEDED),
            Field("reason", Text, NEEDED),
            Field("lastActivity", Time, NEEDED),
            Field("terminatedBy", Word(&["tier0", "tier1", "runner"]), NEEDED),
        ],
        M::MergeReady => &[
            Field("branch", Text, NEEDED),
            Field("taskId", Text, NEEDED),
            Field("agentName", Text, NEEDED),
            Field("filesModified", Texts, NEEDED),
        ],
        M::Merged => &[Field("branch", Text, NEEDED), Field("taskId", Text, NEEDED), Field("tier", Text, NEEDED)],
        M::MergeFailed => &[
            Field("branch", Text, NEEDED),
            Field("taskId", Text, NEEDED),
            Field("conflictFiles", Texts, NEEDED),
            Field("errorMessage", Text, NEEDED),
        ],
        M::Escalation => &[
            Field("severity", Word(&["warning", "error", "critical"]), NEEDED),
            Field("taskId", TextOrNull, MAY_MISS),
            Field("context", Text, NEEDED),
        ],
        M::HealthCheck => {
            &[Field("agentName", Text, NEEDED), Field("checkType", Word(&["liveness", "readiness"]), NEEDED)]
        }
        M::Dispatch => &[
            Field("taskId", Text, NEEDED),
            Field("specPath", Text, NEEDED),
            Field("capability", Text, NEEDED),
            Field("fileScope", Texts, NEEDED),
            Field("skipScouts", Flag, MAY_MISS),
            Field("skipReview", Flag, MAY_MISS),
            Field("maxAgents", Integer, MAY_MISS),
        ],
        M::Assign => &[
            Field("taskId", Text, NEEDED),
            Field("specPath", Text, NEEDED),
            Field("workerName", Text, NEEDED),
            Field("branch", Text, NEEDED),
        ],
        M::DecisionGate => {
            &[Field("options", Texts, NEEDED), Field("context", Text, NEEDED), Field("deadline", Time, MAY_MISS)]
        }
        M::Status | M::Question | M::Result | M::Error | M::ChildrenDone | M::Steer | M::Nudge => &[],
    }
}

/// Checks the payload of a mail of this type.
///
/// # Errors
/// What is wrong with which field.
pub fn check(kind: MailType, payload: &Map<String, Value>) -> Result<(), String> {
    for Field(name, holds, needed) in fields(kind) {
        match payload.get(*name) {
            None if *needed => return Err(format!("the payload of {kind} has no field '{name}'")),
            None => {}
            Some(value) if fits(*holds, value) => {}
            Some(_) => return Err(format!("the field '{name}' in the payload of {kind} is not {}", words(*holds))),
        }
    }
    Ok(())
}

fn fits(kind: Kind, value: &Value) -> bool {
    match kind {
        Kind::Text => value.is_string(),
        Kind::TextOrNull => value.is_string() || value.is_null(),
        Kind::Integer => value.is_i64() || value.is_u64(),
        Kind::Texts => value.as_array().is_some_and(|all| all.iter().all(Value::is_string)),
        Kind::Flag => value.is_boolean(),
        Kind::Time => value.as_str().is_some_and(|text| text.parse::<crate::clock::Stamp>().is_ok()),
        Kind::Word(known) => value.as_str().is_some_and(|word| known.contains(&word)),
    }
}

fn words(kind: Kind) -> String {
    match kind {
        Kind::Text => "a text".into(),
        Kind::TextOrNull => "a text or null".into(),
        Kind::Integer => "an integer".into(),
        Kind::Texts => "an array of texts".into(),
        Kind::Flag => "true or false".into(),
        Kind::Time => "a time like 2026-11-20T07:31:02.123Z".into(),
        Kind::Word(known) => format!("one of {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(kind: Kind) -> Value {
        match kind {
            Kind::Text | Kind::TextOrNull => "x".into(),
            Kind::Integer => 3.into(),
            Kind::Texts => vec!["a", "b"].into(),
            Kind::Flag => true.into(),
            Kind::Time => "2026-11-20T07:31:02.123Z".into(),
            Kind::Word(known) => known[0].into(),
        }
    }

    fn whole(kind: MailType) -> Map<String, Value> {
        fields(kind).iter().map(|Field(name, holds, _)| ((*name).to_owned(), good(*holds))).collect()
    }

    #[test]
    fn every_field_of_every_type_is_looked_at() {
        let mut looked = 0;
        for kind in MailType::ALL {
            let mut payload = whole(*kind);
            payload.insert("more".into(), Value::Null);
            assert_eq!(check(*kind, &payload), Ok(()), "{kind}");
            for Field(name, holds, needed) in fields(*kind) {
                let mut missing = payload.clone();
                missing.remove(*name);
                assert_eq!(check(*kind, &missing).is_err(), *needed, "{kind} without {name}");
                let mut wrong = payload.clone();
                wrong.insert((*name).to_owned(), Value::from(vec![1.5]));
                let said = check(*kind, &wrong).unwrap_err();
                assert!(said.contains(name) && said.contains(&words(*holds)), "{said}");
                looked += 1;
            }
        }
        assert_eq!(looked, 40);
    }

    #[test]
    fn a_type_that_is_no_protocol_takes_any_object() {
        for kind in [MailType::Status, MailType::Question, MailType::Result, MailType::Error, MailType::Steer] {
            assert_eq!(check(kind, &Map::from_iter([("x".to_owned(), Value::from(1))])), Ok(()));
        }
    }
}
