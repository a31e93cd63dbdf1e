//! `--schema`: a valid JSON Schema that takes what the command prints, and nothing that differs from it in a key.

use jsonschema::Validator;
use serde_json::{Value, json};

use super::{Home, records};

pub(super) fn schema(home: &Home, program: &str) -> Validator {
    let said = super::Said::of(&mut home.command(program, ["--schema"])).silent(0);
    let schema: Value = serde_json::from_str(&said.out).unwrap();
    assert!(jsonschema::meta::is_valid(&schema), "{schema:#}");
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn the_schema_of_each_command_takes_every_line_it_prints() {
    let home = Home::new();
    for (program, lines) in records::examples(&home) {
        let schema = schema(&home, program);
        for line in lines {
            let record: Value = serde_json::from_str(&line).unwrap();
            let wrong: Vec<String> = schema.iter_errors(&record).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{wrong:?}\n{line}");
        }
    }
}

#[test]
fn the_schema_of_each_command_refuses_a_missing_key_an_extra_key_and_a_wrong_value() {
    let home = Home::new();
    for (program, lines) in records::examples(&home) {
        let schema = schema(&home, program);
        for line in lines {
            let record: Value = serde_json::from_str(&line).unwrap();
            for (what, bad) in spoilt(&record) {
                assert!(!schema.is_valid(&bad), "{what}: {bad}");
            }
        }
    }
}

/// The keys whose values are words of a list, times or ids.
const CHECKED: &[&str] = &[
    "type",
    "at",
    "turn",
    "run",
    "mail",
    "thread",
    "reply_to",
    "to_run",
    "terminal_mail",
    "outcome",
    "outcome_source",
    "cause",
    "state_before",
    "state_after",
    "state",
    "hold",
    "resume",
    "contained_by",
    "capability",
    "wish",
    "kind",
    "mail_type",
    "priority",
    "attributed_by",
    "started_at",
    "ended_at",
    "booted_at",
    "opened_at",
    "changed_at",
    "held_until",
    "retry_at",
    "until",
    "notice",
    "beat_at",
    "progress_at",
    "launch_until",
    "observed",
    "observed_why",
    "sent_at",
    "lease_until",
    "lease_turn",
    "delayed_until",
    "acked_at",
    "expires_at",
    "woken_by",
    "condition",
    "deadline_at",
    "limit_resets_at",
    "retry",
    "class",
    "due_at",
    "since",
    "closed_at",
    "taken_by",
    "dead_letter",
    "run_state",
    "opened_by",
    "resolved_at",
    "resolved_by",
    "crash",
    "who",
    "crashed_at",
    "ended_by",
];

/// The record with one thing wrong, in every way.
fn spoilt(record: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let mut add = |what: String, key: &str, value: Option<Value>| {
        let mut bad = record.clone();
        let object = bad.as_object_mut().unwrap();
        match value {
            Some(value) => object.insert(key.to_owned(), value),
            None => object.remove(key),
        };
        all.push((what, bad));
    };
    add("an extra key".into(), "surplus", Some(json!(null)));
    add("another version".into(), "v", Some(json!(2)));
    for (key, value) in record.as_object().unwrap() {
        add(format!("without {key}"), key, None);
        if CHECKED.contains(&key.as_str()) {
            add(format!("a wrong word in {key}"), key, Some(json!("no such word")));
        }
        if !matches!(key.as_str(), "event" | "payload" | "data") {
            add(format!("an object in {key}"), key, Some(json!({})));
        }
        if key.ends_with("_ms") {
            add(format!("a fraction in {key}"), key, Some(json!(1.5)));
        }
        if value.is_array() {
            add(format!("null for the array {key}"), key, Some(json!(null)));
        }
    }
    all
}

#[test]
fn no_record_has_a_null_array_or_a_number_as_an_id() {
    let home = Home::new();
    for (_, lines) in records::examples(&home) {
        for line in lines {
            let record: Value = serde_json::from_str(&line).unwrap();
            assert!(record.get("command").is_none_or(Value::is_array), "{line}");
            for key in ["turn", "run", "mail", "thread"] {
                assert!(record.get(key).is_none_or(|id| id.is_string() || id.is_null()), "{line}");
            }
        }
    }
}
