//! The monitor of somebody's worker dies: what became of the work is found in its sources of truth, and nowhere else.

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;

use super::{Watched, fallbacks};
use crate::adopted::{has_tmux, lives};
use crate::stage::Stage;

const SUCCESS: &str = "finished monitoring_failed_verified_success adopt";

/// A file was last changed long ago.
fn age(file: &Path) {
    let before = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    std::fs::File::options().append(true).open(file).unwrap().set_modified(before).unwrap();
}

fn says_since_long(stage: &Stage, story: &str, sprint: &str) {
    stage.says(story, sprint);
    age(&stage.path("project/docs/stories/1-2-login.md"));
    age(&stage.path("project/docs/sprint-status.yaml"));
}

/// Named by the operator, or promised when the worker was adopted.
const OWED: [&[&str]; 2] = [&[], &["story:1-2", "sprint:1-2"]];

#[test]
fn a_finished_story_is_a_verified_success_whoever_has_died() {
    if !has_tmux() {
        return;
    }
    for name in fallbacks() {
        for (expect, dead) in [(OWED[0], false), (OWED[1], false), (OWED[0], true), (OWED[1], true)] {
            let stage = Stage::new();
            says_since_long(&stage, "review", "review");
            let watched = Watched::new(&stage, expect);
            watched.kill("monitor");
            if dead {
                watched.kill("worker");
            }
            stage.says("done", "done");
            let plan = watched.fallback(name, &[]);
            assert_eq!((plan.code, plan.verdict().as_str()), (0, SUCCESS), "{name} {expect:?} {plan:#?}");
            assert_eq!(stage.run_of("dev")["state"], "in_turn", "a plan changes nothing");
            let done = watched.fallback(name, &["--apply"]);
            assert_eq!((done.code, done.verdict().as_str()), (0, SUCCESS), "{name} {expect:?} {done:#?}");
            let run = stage.run_of("dev");
            assert_eq!((&run["state"], &run["attempts"]), (&json!("completed"), &json!(0)), "{run:#}");
            let again = watched.fallback(name, &["--apply"]);
            assert_eq!((again.code, again.verdict().as_str()), (0, "finished recorded none"), "{again:#?}");
            assert!(again.err.starts_with(&format!("{name}: r1 of dev: finished (recorded)\n")), "{again:#?}");
        }
    }
}

#[test]
fn a_dead_monitor_costs_no_attempt_and_is_not_waited_for() {
    if !has_tmux() {
        return;
    }
    for name in fallbacks() {
        let stage = Stage::new();
        says_since_long(&stage, "ready-for-dev", "ready-for-dev");
        let watched = Watched::new(&stage, &[]);
        stage.says("in-progress", "in-progress");
        let supervised = watched.fallback(name, &["--apply"]);
        assert_eq!((supervised.code, supervised.verdict().as_str()), (10, "running alive none"), "{supervised:#?}");
        let before = (stage.run_of("dev")["attempts"].clone(), stage.tables());
        watched.kill("monitor");
        let alone = watched.fallback(name, &["--apply"]);
        let cause = "running monitoring_failed_verified_incomplete none";
        assert_eq!((alone.code, alone.verdict().as_str()), (10, cause), "{alone:#?}");
        assert_eq!((stage.run_of("dev")["attempts"].clone(), stage.tables()), before, "nothing is written for it");
    }
}

/// The end of the worker is one; that of its monitor changes nothing of it.
#[test]
fn an_unfinished_story_is_verified_incomplete_as_if_no_monitor_had_died() {
    if !has_tmux() {
        return;
    }
    for name in fallbacks() {
        let ends: Vec<_> = [false, true]
            .into_iter()
            .map(|monitor_dies| {
                let stage = Stage::new();
                says_since_long(&stage, "ready-for-dev", "ready-for-dev");
                let watched = Watched::new(&stage, &[]);
                stage.says("in-progress", "in-progress");
                if monitor_dies {
                    watched.kill("monitor");
                }
                watched.kill("worker");
                let ran = watched.fallback(name, &["--apply"]);
                assert_eq!((ran.code, ran.verdict().as_str()), (20, "vanished gone mark_crashed"), "{ran:#?}");
                let run = stage.run_of("dev");
                (run["state"].clone(), run["attempts"].clone())
            })
            .collect();
        assert_eq!(ends[0], ends[1], "{name}");
    }
}

#[test]
fn a_done_from_before_proves_nothing() {
    if !has_tmux() {
        return;
    }
    for name in fallbacks() {
        for expect in OWED {
            let stage = Stage::new();
            says_since_long(&stage, "done", "done");
            let watched = Watched::new(&stage, expect);
            watched.kill("monitor");
            let ran = watched.fallback(name, &["--apply"]);
            let cause = "running monitoring_failed_verified_incomplete none";
            assert_eq!((ran.code, ran.verdict().as_str()), (10, cause), "{name} {expect:?} {ran:#?}");
            watched.kill("worker");
            let ran = watched.fallback(name, &["--apply"]);
            assert_eq!((ran.code, ran.verdict().as_str()), (20, "vanished gone mark_crashed"), "{name} {ran:#?}");
        }
    }
}

/// The file is young for another's line, or for a word that was written once more: only the operator knows better.
#[test]
fn a_young_file_with_an_old_word_is_held_to_the_baseline_that_was_given() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    says_since_long(&stage, "review", "review");
    let watched = Watched::new(&stage, &[]);
    watched.kill("worker");
    stage.says("review", "review");
    let step = |more: &[&str]| watched.fallback("fallback", &[&["--target", "review"], more].concat());
    let kept = step(&["--baseline", "review"]);
    assert_eq!((kept.code, kept.verdict().as_str()), (20, "vanished gone mark_crashed"), "{kept:#?}");
    let moved = step(&["--baseline", "in-progress"]);
    assert_eq!((moved.code, moved.verdict().as_str()), (0, "finished expectation_met adopt"), "{moved:#?}");
    std::fs::remove_file(stage.path("project/docs/stories/1-2-login.md")).unwrap();
    let alone = step(&[]);
    assert_eq!((alone.code, alone.verdict().as_str()), (69, "unknown owed_unknown none"), "{alone:#?}");
}

#[test]
fn sources_that_contradict_each_other_are_for_a_person_and_nothing_is_repaired() {
    if !has_tmux() {
        return;
    }
    for name in fallbacks() {
        for expect in OWED {
            let stage = Stage::new();
            says_since_long(&stage, "in-progress", "in-progress");
            let watched = Watched::new(&stage, expect);
            watched.kill("monitor");
            watched.kill("worker");
            stage.says("done", "review");
            let before = stage.tables();
            let ran = watched.fallback(name, &["--apply"]);
            let conflict = "conflict sources_contradict ask_human";
            assert_eq!((ran.code, ran.verdict().as_str()), (30, conflict), "{name} {expect:?} {ran:#?}");
            assert_eq!(stage.tables(), before);
        }
    }
}

#[test]
fn a_monitor_whose_process_and_file_are_gone_is_a_dead_monitor_too() {
    let stage = Stage::new();
    says_since_long(&stage, "review", "review");
    let pid = stage.background("w", &["hang"]);
    stage.adopt("dev", pid, &[]);
    stage.says("done", "done");
    let output = stage.name("never-written.jsonl");
    let ran = stage.script("fallback", &["dev", "--story", "1-2", "--output", &output, "--evidence"]);
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert!(ran.out.contains("monitoring_failed_verified_success"), "{ran:#?}");
    let pieces: Vec<serde_json::Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(pieces.iter().all(|piece| piece["run"] == "r1" && piece["attempt"] == 1), "{ran:#?}");
    assert!(lives(pid));
}
