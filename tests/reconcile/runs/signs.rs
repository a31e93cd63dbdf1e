//! What is no sign of life, and what is no sign of death: old age, beats, numbers, and somebody's looking.

use crate::adopted::{kill_and_wait, lives, state_of};
use crate::scene::process_is_gone;
use crate::stage::{Stage, until};

const PARENT: [&str; 4] = ["--parent", "lead", "--capability", "none"];
const VANISHED: &str = "vanished gone identity mark_crashed lost crashed";
const RUNNING: &str = "running alive identity none - in_turn";

/// Moves a worker's beat by so many milliseconds of the clock that runs through sleep.
fn beat_later(stage: &Stage, ms: i64) {
    let moved = "json_set(beat, '$.boottime_ms', json_extract(beat, '$.boottime_ms') + ";
    stage.sql(&format!("UPDATE worker SET beat = {moved} {ms})"));
}

/// A beat protects for as long as it is young; one from the future not at all, and none of them overrules a death.
#[test]
fn a_beat_from_the_future_protects_nobody() {
    const UNKNOWN: &str = "unknown look_failed identity none - in_turn";
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("a", pid, &PARENT);
    let was = stage.count("SELECT json_extract(process, '$.pid_ns') FROM worker");
    stage.sql("UPDATE worker SET process = json_set(process, '$.pid_ns', 1)");
    for (moved, wanted) in [
        (0, UNKNOWN),
        (90_000_000, "needs_human unknown_too_long identity ask_human - in_turn"),
        (-90_000_000, "needs_human unknown_too_long identity ask_human - in_turn"),
    ] {
        stage.turn(&["beat", "a"]);
        stage.sql("UPDATE run SET changed_at = 1");
        beat_later(&stage, moved);
        stage.assert_planned(&["a"], wanted);
        stage.assert_settled(&["a"]);
    }
    stage.sql(&format!("UPDATE worker SET process = json_set(process, '$.pid_ns', {was})"));
    kill_and_wait(pid);
    stage.turn(&["beat", "a"]);
    beat_later(&stage, 90_000_000);
    stage.assert_repaired(&["a"], VANISHED);
}

/// Work that lives is not ended for its age: only what it tells of its progress counts against it.
#[test]
fn nobody_is_dead_for_being_old() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("a", pid, &PARENT);
    stage.unwatched("b", "init; hang", &[]);
    stage.sql("UPDATE run SET changed_at = 1");
    stage.assert_planned(&["a"], RUNNING);
    stage.assert_planned(&["b"], "unsupervised no_supervisor identity attach - in_turn");
    stage.assert_settled(&["--kill-orphans", "--kill-stalled", "--unknown-after", "1s"]);
    assert!(lives(pid) && !process_is_gone(stage.pid_of("b", "child")));
}

/// It has a number, a start time and an entry in /proc, and is dead.
#[test]
fn a_worker_that_nobody_has_waited_for_is_gone() {
    let stage = Stage::new();
    let mut child = stage.command("sleep").arg("600").spawn().unwrap();
    let pid = i64::from(child.id());
    stage.adopt("a", pid, &PARENT);
    stage.assert_planned(&["a"], RUNNING);
    kill_and_wait(pid);
    assert_eq!(state_of(pid).map(|(state, _)| state), Some('Z'));
    stage.assert_repaired(&["a"], VANISHED);
    child.wait().unwrap();
}

/// The numbers of a turn's processes are others' now: nothing of it lives, and the others are left alone.
#[test]
fn who_has_the_numbers_of_a_dead_turn_is_not_taken_for_it_and_not_ended() {
    let stage = Stage::new();
    let other = stage.background("w", &["hang"]);
    let running = stage.unwatched("a", "init; hang", &["--max-attempts", "1"]);
    stage.kill_recorded("a", "shim");
    let agent = running.agent_pid().as_raw();
    until("the agent to die with its shim", || process_is_gone(agent));
    let reused = |who: &str| format!("{who} = json_set({who}, '$.pid', {other}, '$.start_ticks', 1)");
    stage.sql(&format!("UPDATE turn SET {}, {}, {}", reused("shim"), reused("child"), reused("supervisor")));
    let killing = ["a", "--kill-orphans", "--kill-stalled"];
    stage.assert_repaired(&killing, "vanished shim_died identity mark_crashed lost crashed");
    assert!(lives(other), "nobody else is ended");
}

/// B12: who watches, asks and writes to an agent adds nothing to its life, and a silent one that lives is not replaced.
#[test]
fn looking_at_a_silent_agent_is_no_sign_of_it() {
    const SILENT: &str = "stalled no_progress silent none - in_turn";
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    let child = stage.background("c", &["hang"]);
    stage.adopt("a", pid, &PARENT);
    stage.adopt("c", child, &["--parent", "a", "--capability", "none"]);
    stage.turn(&["beat", "a", "--progress", "half"]);
    let earlier = "json_set(progress, '$.boottime_ms', json_extract(progress, '$.boottime_ms') - 7200000)";
    stage.sql(&format!("UPDATE worker SET progress = {earlier} WHERE run = 1"));
    for _ in 0..3 {
        stage.assert_planned(&["a"], SILENT);
        stage.reconcile(&["--apply", "--kill-stalled", "--kill-orphans"]);
        let mut probe = stage.command(env!("CARGO_BIN_EXE_probe"));
        probe.args(["run", "a", "--record"]);
        assert_eq!(stage.call(probe).code, 0);
        assert_eq!(stage.mail(&["send", "--from", "lead", "--to", "a", "--subject", "are you there"]).code, 0);
        stage.turn(&["beat", "a"]);
    }
    stage.assert_planned(&["a"], SILENT);
    assert!(lives(pid), "an adopted worker is never ended");
    let ran = stage.path("ran");
    let second = stage.turn(&["run", "--agent", "a", "--", "touch", ran.to_str().unwrap()]);
    assert_eq!((second.code, ran.exists()), (76, false), "no second one beside it: {second:?}");
}
