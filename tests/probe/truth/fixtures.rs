//! Every fixture through the commands: the finding that follows from its reading.

use std::path::{Path, PathBuf};

use super::{ask, found};
use crate::contract::Home;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/truth")
}

fn rows(kind: &str) -> Vec<Vec<String>> {
    let table = std::fs::read_to_string(folder().join(format!("{kind}.tsv"))).unwrap();
    table.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// What a reading means for the target `done`.
fn expected(says: &str) -> String {
    match says.split_at_checked(1) {
        Some(("!", reason)) => format!("unknown unknown {reason}"),
        Some(("?", _)) => "unknown unknown unknown_status".to_owned(),
        _ if says == "done" => "yes done at_target".to_owned(),
        _ => "no not_done other_status".to_owned(),
    }
}

/// bmad 91, 92, 93, 94, 78, 80, 77; 6.1 to 6.4.
#[test]
fn every_fixture_is_found_as_its_table_says() {
    let home = Home::new();
    let mut wrong = Vec::new();
    let mut count = 0;
    let mut hold = |args: &[&str], says: &str, raw: &str| {
        count += 1;
        let evidence = ask(&home, args);
        let word = says.trim_start_matches('?');
        let status = if says.starts_with('!') { "null" } else { word };
        let told = (evidence["detail"]["status"].as_str().unwrap_or("null"), found(&evidence));
        let shown = evidence["detail"]["raw"].as_str().unwrap_or_default();
        if told != (status, expected(says)) || (status != "null" && shown != raw) {
            wrong.push(format!("{args:?}: want {says}: {evidence}"));
        }
        assert!(evidence["age_ms"].as_i64().is_some() && evidence["detail"]["files"].as_array().unwrap().len() == 1);
    };
    for row in rows("story") {
        let path = folder().join("story").join(&row[0]);
        hold(&["story", path.to_str().unwrap()], &row[2], &row[3]);
    }
    for row in rows("sprint") {
        let path = folder().join("sprint").join(&row[0]);
        hold(&["sprint", &row[2], "--file", path.to_str().unwrap()], &row[3], &row[4]);
    }
    println!("{count} readings");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
