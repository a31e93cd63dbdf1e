//! Cleaners beside those who set, beat and clear: each stale mark is removed once, and nothing that lives is.

use std::collections::BTreeMap;
use std::process::Command;

use super::{Barrier, campaign};
use crate::scene::{Running, Stage};

const STALE: usize = 300;
/// Each of them is late, and some beat in time.
const LATE: usize = 24;

fn shell(stage: &Stage, script: &str) -> Command {
    let mut command = stage.command("sh");
    command.args(["-c", script]).env("MARK", env!("CARGO_BIN_EXE_mark"));
    command
}

fn set(stage: &Stage, args: &[&str]) {
    let mut set = stage.command(env!("CARGO_BIN_EXE_mark"));
    let said = set.args(["set", "dispatch", "--scope", "/"]).args(args).output().unwrap();
    assert!(said.status.success(), "{said:?}");
}

fn fill(stage: &Stage, name: &str, count: usize) {
    stage.run_sql(&format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
         INSERT INTO mark (kind, name, scope, nonce, owner, host, bound, set_by, first, beat, ttl_ms)
         SELECT kind, name || i, scope, nonce || i, owner, host, bound, set_by, first, beat, ttl_ms
         FROM mark JOIN n WHERE name = '{name}'"
    ));
}

#[test]
fn many_cleaners_remove_each_stale_mark_once_and_nothing_that_lives() {
    let stage = Stage::new();
    let gone = ["--owner-pid", "1999999", "--even-if-gone"];
    set(&stage, &[&["stale"], &gone[..]].concat());
    fill(&stage, "stale", STALE - 1);
    set(&stage, &["live", "--owner-pid", &std::process::id().to_string()]);
    fill(&stage, "live", 7);
    set(&stage, &["late", "--ttl", "1h"]);
    stage.run_sql("UPDATE mark SET beat = json_set(beat, '$.boottime_ms', json_extract(beat, '$.boottime_ms') - 3600000) WHERE name = 'late'");
    fill(&stage, "late", LATE - 1);
    let crowd = campaign("REFLOAT_RACERS", 16);
    let barrier = Barrier::new(&stage);
    let cleaner = || {
        let mut command = stage.command(env!("CARGO_BIN_EXE_mark-cleanup"));
        command.arg("--apply");
        command
    };
    let cleaners: Vec<Running> = (0..crowd).map(|_| barrier.hold(&cleaner())).collect();
    let setter = |number: usize| {
        let script = format!(
            "for n in 1 2 3 4; do $MARK set dispatch new{number}-$n --scope / --ttl 1h || exit 9
            $MARK set dispatch brief{number}-$n --scope / --owner-pid $$ || exit 9; done >/dev/null"
        );
        barrier.hold(&shell(&stage, &script))
    };
    let beater = |number: usize| {
        let names = (number..LATE - 1).step_by(4).map(|n| format!("late{}", n + 1)).collect::<Vec<_>>().join(" ");
        let script = format!(
            "for n in {names}; do $MARK beat dispatch $n --scope / 2>$HOME.{number}
            case $? in 0) ;; 66) ;; *) cat $HOME.{number} >&2; exit 9;; esac; done"
        );
        barrier.hold(&shell(&stage, &script))
    };
    let setters: Vec<Running> = (0..4).map(setter).collect();
    let beaters: Vec<Running> = (0..4).map(beater).collect();
    let mut all: Vec<Running> = cleaners.into_iter().chain(setters).chain(beaters).collect();
    barrier.open(&all);
    let rest = all.split_off(crowd);
    let (mut removed, mut counted) = (BTreeMap::new(), 0);
    for cleaner in all {
        let ended = cleaner.end();
        assert_eq!((ended.code(), ended.errors.as_str()), (Some(0), ""));
        for mark in ended.records.iter().filter(|record| record["removed"] == true) {
            *removed.entry(mark["mark"].as_str().unwrap().to_owned()).or_insert(0) += 1;
            assert!(!mark["name"].as_str().unwrap().starts_with("live"), "{mark}");
            assert!(!mark["name"].as_str().unwrap().starts_with("new"), "{mark}");
        }
        counted += ended.last()["removed"].as_u64().unwrap();
        let skewed = ended.records.iter().find(|record| record["reason"] == "clock_skew");
        assert!(skewed.is_none(), "no clock was set: {skewed:?}");
    }
    let mut beaten = Vec::new();
    for racer in rest {
        let ended = racer.end();
        assert_eq!(ended.code(), Some(0), "{ended:?}");
        beaten.extend(ended.records.iter().map(|mark| mark["mark"].as_str().unwrap().to_owned()));
    }
    assert_eq!(stage.texts("PRAGMA integrity_check"), ["ok"]);
    assert!(removed.values().all(|times| *times == 1), "removed twice: {removed:?}");
    let cleaned = stage.texts("SELECT 'k' || id FROM mark WHERE ended_how = 'cleaned' ORDER BY 'k' || id");
    assert_eq!(removed.keys().cloned().collect::<Vec<_>>(), cleaned, "what was told is what is stored");
    assert_eq!(counted, u64::try_from(cleaned.len()).unwrap());
    assert!(beaten.iter().all(|mark| !removed.contains_key(mark)), "beaten and removed");
    for (name, count) in [("live%", 8), ("new%", 16)] {
        assert_eq!(
            stage.count(&format!("SELECT count(*) FROM mark WHERE name LIKE '{name}' AND ended_at IS NULL")),
            count
        );
    }
    assert_eq!(stage.count("SELECT count(*) FROM mark WHERE name LIKE 'stale%' AND ended_at IS NULL"), 0);
    let late = LATE - beaten.len();
    println!(
        "{crowd} cleaners: {} removed once each; of {LATE} late ones {late} cleaned, the rest beaten",
        removed.len()
    );
}
