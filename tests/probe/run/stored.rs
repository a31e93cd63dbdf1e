//! `--record`: what is stored is what is printed, and a run's rows stay few.

use serde_json::Value;

use crate::stage::{Call, Stage};

/// What is stored of evidence, as the records have it.
fn stored(stage: &Stage) -> Vec<Value> {
    let file = stage.sqlite();
    let columns = "id, run, turn, subject_kind, subject, instrument, finding, meaning, reason, detail, observed_at";
    let mut all = file.prepare(&format!("SELECT {columns} FROM evidence ORDER BY id")).unwrap();
    let row = |row: &rusqlite::Row<'_>| {
        let text = |at: usize| row.get::<_, String>(at).map(Value::from);
        let id = |letter: &str, at: usize| {
            row.get::<_, Option<i64>>(at).map(|id| id.map_or(Value::Null, |id| format!("{letter}{id}").into()))
        };
        let detail: Value = serde_json::from_str(&row.get::<_, String>(9)?).unwrap();
        let at = refloat::clock::Stamp::from_millis(row.get(10)?).to_string();
        let ids = vec![id("e", 0)?, id("r", 1)?, id("t", 2)?];
        let words = (3..9).map(text).collect::<Result<Vec<_>, _>>()?;
        Ok(Value::from([ids, words, vec![detail, at.into()]].concat()))
    };
    all.query_map([], row).unwrap().map(Result::unwrap).collect()
}

/// The same of what was printed.
fn printed(call: &Call) -> Vec<Value> {
    let keys = [
        "evidence",
        "run",
        "turn",
        "subject_kind",
        "subject",
        "instrument",
        "finding",
        "meaning",
        "reason",
        "detail",
        "observed_at",
    ];
    let of = |one: &Value| Value::from(keys.map(|key| one[key].clone()).to_vec());
    call.all("evidence").into_iter().map(of).collect()
}

#[test]
fn what_is_stored_is_what_is_printed_and_the_next_look_takes_its_place() {
    let stage = Stage::new();
    stage.unwatched("a", "init; hang", &[]);
    stage.adopt("b", i64::from(std::process::id()), &[]);
    assert!(stored(&stage).is_empty());
    let first = stage.probe(&["--all", "--record"]);
    assert_eq!((first.code, stored(&stage)), (0, printed(&first)), "{first:#?}");
    let ids = |call: &Call| call.all("judgement").iter().map(|one| one["rests_on"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&first)[0].as_array().unwrap()[0], "e1");
    // Without it nothing is stored, and nothing has an id.
    assert!(stage.look(&["--all"]).all("evidence").iter().all(|one| one["evidence"].is_null()));
    let second = stage.probe(&["a", "--record"]);
    let count = printed(&first).len();
    assert_eq!(stored(&stage).len(), count, "each look took the place of the one before");
    assert!(stored(&stage).ends_with(&printed(&second)));
    assert_eq!(
        stored(&stage).iter().filter(|one| one[1] == "r2").count(),
        printed(&first).iter().filter(|one| one[1] == "r2").count()
    );
    stage.turn(&["stop", "a"]);
}

#[test]
fn with_a_new_turn_the_evidence_of_the_earlier_one_goes() {
    let stage = Stage::new();
    stage.play("a", "init; result-error no").with(&["--max-attempts", "3"]).call();
    stage.probe(&["a", "--record"]);
    assert!(stored(&stage).iter().all(|one| one[2] == "t1"));
    stage.play("a", "init; result-error no").call();
    let call = stage.probe(&["a", "--record"]);
    assert_eq!(stored(&stage), printed(&call));
    assert!(stored(&stage).iter().all(|one| one[2] == "t2"));
}

#[test]
fn a_word_that_is_none_is_refused_by_the_state_file() {
    let stage = Stage::new();
    stage.adopt("b", i64::from(std::process::id()), &[]);
    stage.probe(&["b", "--record"]);
    for column in ["subject_kind", "instrument", "finding", "meaning", "reason"] {
        let refused = stage.sqlite().execute(&format!("UPDATE evidence SET {column} = 'no_such_word'"), []);
        assert!(refused.is_err(), "{column}");
    }
}
