//! Turns that have ended and whose end nobody has recorded. What is concluded is what `turn attach` then records.

use std::path::PathBuf;

use super::{found, of_role, words};
use crate::stage::{Stage, until};

fn log_dir(stage: &Stage) -> PathBuf {
    stage.path("state/logs/t1")
}

fn await_end(stage: &Stage) {
    let record = log_dir(stage).join("exit.json");
    until("the exit record", || std::fs::read_to_string(&record).is_ok_and(|text| text.contains("\"gone\"")));
    let lock = stage.path("state/locks/a.turn");
    until("the lock", || crate::support::is_free(&lock));
}

#[test]
fn an_end_that_nobody_recorded_is_judged_as_it_will_be_recorded() {
    let rows = [
        ("init; say hi; result done", "1", "finished clean_result durable_result adopt", 0, "completed"),
        ("init; result-error no", "1", "failed error_result durable_result deadletter", 1, "failed"),
        ("init; say hi; exit 3", "1", "failed no_terminal_event durable_result deadletter", 1, "failed"),
        ("init; die KILL", "1", "killed signal durable_result deadletter", 1, "failed"),
        ("init; die SEGV", "1", "crashed signal durable_result deadletter", 1, "failed"),
        ("init; result-error no", "3", "failed error_result durable_result retry_at", 1, "between_turns"),
    ];
    for (script, attempts, wanted, code, state) in rows {
        let stage = Stage::new();
        let go = stage.name("go");
        stage.unwatched("a", &format!("wait-file {go}; {script}"), &["--max-attempts", attempts]);
        std::fs::write(&go, "").unwrap();
        await_end(&stage);
        let call = stage.assert_judged("a", wanted, code);
        let judgement = call.last("judgement");
        assert_eq!((&judgement["state_after"], &judgement["observed"]), (&state.into(), &"gone".into()), "{script}");
        assert_eq!(found(&call, "exit_record"), ["done exited"]);
        assert_eq!(found(&call, "survivors"), ["dead nothing_left"]);
        assert_eq!(words(judgement, "command"), "reconcile r1 --apply");
        stage.assert_comes_true("a");
    }
}

#[test]
fn a_turn_whose_shim_was_killed_too_has_vanished_without_a_word() {
    let stage = Stage::new();
    stage.unwatched("a", "init; say hi; hang", &[]);
    let agent = stage.pid_of("a", "child");
    stage.kill_recorded("a", "shim");
    until("the end of the agent", || crate::scene::process_is_gone(agent));
    let call = stage.look(&["a", "--exit-code"]);
    let judgement = call.last("judgement");
    assert_eq!((&judgement["verdict"], &judgement["rule"], call.code), (&"vanished".into(), &"identity".into(), 1));
    assert_eq!((&judgement["observed"], &judgement["outcome"]), (&"gone".into(), &"lost".into()));
    assert_eq!(found(&call, "exit_record"), ["not_done no_exit_record"]);
    assert_eq!(found(&call, "survivors"), ["dead nothing_left"]);
    stage.assert_comes_true("a");
}

#[test]
fn what_a_dead_shim_has_left_is_an_orphan_and_named() {
    let stage = Stage::new();
    stage.unwatched("a", "init; spawn setsid; say hi; hang", &[]);
    let agent = stage.pid_of("a", "child");
    until("the child", || stage.family.alive().len() >= 2);
    stage.kill_recorded("a", "shim");
    until("the end of the agent", || crate::scene::process_is_gone(agent));
    let call = stage.assert_judged("a", "orphaned shim_gone orphaned none", 1);
    assert_eq!(found(&call, "survivors"), ["alive left_behind"]);
    let judgement = call.last("judgement");
    assert_eq!(
        (&judgement["observed"], words(judgement, "command")),
        (&"alive".into(), "reconcile r1 --apply --kill-orphans".to_owned())
    );
    stage.family.kill();
    until("nobody", || stage.family.alive().is_empty());
    assert!(stage.judged("a").starts_with("vanished"));
}

#[test]
fn finished_work_is_adopted_though_everybody_died_and_half_a_result_is_none() {
    let rows = [
        (r#"{"status":"done"}"#, "finished monitoring_failed_verified_success durable_result adopt", 0, "reached"),
        (r#"{"status":"do"#, "unknown owed_unknown", 69, "undecided"),
        (r#"{"status":"failed"}"#, "vanished", 1, "contradicted"),
    ];
    for (result, wanted, code, reason) in rows {
        let stage = Stage::new();
        let file = stage.name("result.json");
        stage.unwatched("a", "init; hang", &["--expect", &format!("result:{file}")]);
        std::fs::write(&file, result).unwrap();
        stage.kill_recorded("a", "shim");
        let agent = stage.pid_of("a", "child");
        until("the end of the agent", || crate::scene::process_is_gone(agent));
        let call = stage.look(&["a", "--exit-code"]);
        assert_eq!(found(&call, "baseline").first().and_then(|one| one.split_once(' ')).map(|one| one.1), Some(reason));
        let judged = super::brief(call.last("judgement"));
        assert!(judged.starts_with(wanted) && call.code == code, "{result}: {judged} {}", call.code);
    }
}

#[test]
fn a_record_of_the_end_that_is_half_written_or_of_another_turn_is_none() {
    let stage = Stage::new();
    let go = stage.name("go");
    stage.unwatched("a", &format!("wait-file {go}; init; result done"), &[]);
    std::fs::write(&go, "").unwrap();
    await_end(&stage);
    let file = log_dir(&stage).join("exit.json");
    let whole = std::fs::read_to_string(&file).unwrap();
    let half = whole[..whole.len() / 2].to_owned();
    for text in [half, String::new(), whole.replace("\"t1\"", "\"t2\"")] {
        std::fs::write(&file, text).unwrap();
        let call = stage.look(&["a"]);
        assert_eq!(found(&call, "exit_record"), ["not_done no_exit_record"]);
        // The stream says it too.
        assert_eq!(super::brief(call.last("judgement")), "finished clean_result durable_result adopt");
    }
}

#[test]
fn a_turn_that_was_never_let_go_has_never_started() {
    let stage = Stage::new();
    stage.play("a", "init; result done").call();
    let unstarted = "outcome = NULL, ended = NULL, ended_at = NULL, shim = NULL, child = NULL, started_at = NULL, started_tick = NULL";
    stage.sql(&format!("UPDATE turn SET {unstarted}; UPDATE run SET state = 'booting', ended_at = NULL"));
    std::fs::remove_dir_all(log_dir(&stage)).unwrap();
    let call = stage.assert_judged("a", "never_started not_released launch_pending adopt", 1);
    assert_eq!((of_role(&call, "supervisor"), found(&call, "pidfd").len()), ("dead no_such_process".into(), 1));
    stage.assert_comes_true("a");
}

#[test]
fn after_a_reboot_everybody_is_gone_for_certain() {
    let stage = Stage::new();
    stage.play("a", "init; say hi; result done").call();
    let boot = "'00000000-1111-2222-3333-444444444444'";
    let other = |who: &str| format!("{who} = json_set({who}, '$.boot', {boot})");
    let open = "outcome = NULL, ended = NULL, ended_at = NULL";
    let [supervisor, shim, child] = ["supervisor", "shim", "child"].map(other);
    stage.sql(&format!(
        "UPDATE turn SET {open}, {supervisor}, {shim}, {child}; UPDATE run SET state = 'in_turn', ended_at = NULL"
    ));
    std::fs::remove_dir_all(log_dir(&stage)).unwrap();
    let call = stage.look(&["a", "--exit-code"]);
    for role in ["supervisor", "shim", "agent"] {
        assert_eq!(of_role(&call, role), "dead rebooted");
    }
    assert_eq!(
        (found(&call, "survivors"), found(&call, "stream")),
        (vec!["dead nothing_left".to_owned()], vec!["unknown no_stream".to_owned()])
    );
    assert_eq!((call.last("judgement")["verdict"].clone(), call.code), ("vanished".into(), 1));
    // Somebody holds the lock: then nobody is gone.
    let lock = std::fs::File::open(stage.path("state/locks/a.turn")).unwrap();
    lock.lock().unwrap();
    assert_eq!(stage.judged("a"), "unsupervised no_supervisor identity attach");
}
