//! A pass as a whole: one run's failure stops no other, a held lock is left alone, the exit code answers, and every rule
//! can be seen at work.

use serde_json::Value;

use crate::adopted::kill_and_wait;
use crate::stage::Stage;

#[test]
fn one_runs_failure_is_said_and_counted_and_the_others_are_repaired() {
    let stage = Stage::new();
    for agent in ["a", "b", "c"] {
        let pid = stage.background(agent, &["hang"]);
        stage.adopt(agent, pid, &[]);
        kill_and_wait(pid);
    }
    stage.sql(
        "CREATE TRIGGER breaks BEFORE UPDATE ON run WHEN NEW.agent = 'b'
         BEGIN SELECT RAISE(ABORT, 'planted'); END",
    );
    let call = stage.reconcile(&["--apply"]);
    assert_eq!(call.code, 74, "{call:#?}");
    assert!(call.stderr.contains("reconcile: r2 of b: ") && call.stderr.contains("planted"), "{call:#?}");
    let skipped: Vec<_> = call.all("verdict").iter().map(|one| one["skipped"].clone()).collect();
    assert_eq!(Value::from(skipped), serde_json::json!([null, "failed", null]), "{call:#?}");
    let ended = call.last("reconcile.ended");
    assert_eq!((&ended["repaired"], &ended["errors"]), (&2.into(), &1.into()));
    stage.sql("DROP TRIGGER breaks");
    assert_eq!(stage.reconcile(&["--apply"]).last("reconcile.ended")["repaired"], 1);
    stage.assert_settled(&[]);
}

/// A row that cannot be read costs no other run its verdict, and nobody judges its own run.
#[test]
fn a_row_that_cannot_be_read_stops_no_other_run() {
    let stage = Stage::new();
    for agent in ["a", "b"] {
        let pid = stage.background(agent, &["hang"]);
        stage.adopt(agent, pid, &[]);
        kill_and_wait(pid);
    }
    stage.sql("UPDATE worker SET process = '{}' WHERE run = 1");
    for args in [&[][..], &["--apply"]] {
        let call = stage.reconcile(args);
        assert_eq!(call.code, 74, "{call:#?}");
        assert!(call.stderr.starts_with("reconcile: r1 of a: "), "{call:#?}");
        let of: Vec<_> = call.all("verdict").iter().map(|one| one["run"].clone()).collect();
        assert_eq!(Value::from(of), serde_json::json!(["r2"]), "{call:#?}");
        let ended = call.last("reconcile.ended");
        assert_eq!((&ended["runs"], &ended["errors"]), (&2.into(), &1.into()));
    }
    assert_eq!(stage.probe(&["--all"]).code, 74);
    stage.sql("UPDATE run SET state = 'stopped', ended_at = 1 WHERE id = 1");
    assert_eq!(stage.reconcile(&[]).code, 0);
}

#[test]
fn whose_supervisor_lock_is_held_is_skipped() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("a", pid, &[]);
    kill_and_wait(pid);
    let locks = stage.state().parent().unwrap().join("locks");
    std::fs::create_dir_all(&locks).unwrap();
    let lock = std::fs::File::create(locks.join("a.supervisor")).unwrap();
    lock.lock().unwrap();
    let call = stage.reconcile(&["--apply"]);
    assert_eq!((call.code, &call.last("verdict")["skipped"]), (0, &"busy".into()), "{call:#?}");
    assert_eq!(call.last("reconcile.ended")["skipped_busy"], 1);
    assert_eq!(stage.run_of("a")["state"], "in_turn");
    lock.unlock().unwrap();
    stage.assert_repaired(&["a"], "vanished gone identity mark_crashed lost crashed");
}

#[test]
fn the_exit_code_answers_for_one_run() {
    let stage = Stage::new();
    assert_eq!(stage.play("done", "init; result done").call().code, 0);
    stage.play("bad", "init; result-error no; exit 1").call();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("alive", pid, &[]);
    stage.adopt("hidden", pid, &[]);
    stage.sql("UPDATE worker SET process = json_set(process, '$.pid_ns', 1) WHERE run = 4");
    for (agent, code) in [("done", 0), ("bad", 1), ("alive", 75), ("hidden", 69)] {
        assert_eq!(stage.reconcile(&[agent, "--exit-code"]).code, code, "{agent}");
        assert_eq!(stage.reconcile(&[agent]).code, 0, "{agent}");
    }
    assert_eq!(stage.reconcile(&["--exit-code"]).code, 2);
    assert_eq!(stage.reconcile(&["nobody"]).code, 66);
    assert_eq!(stage.reconcile(&["done", "-"]).code, 2);
}

#[test]
fn every_rule_that_was_tried_is_explained_with_its_evidence() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("a", pid, &[]);
    let call = stage.reconcile(&["explain", "a"]);
    let rules: Vec<_> = call.all("rule").iter().map(|one| one["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["terminal", "durable_result", "intentional_wait", "launch_pending", "identity"]);
    let decided: Vec<_> = call.all("rule").iter().map(|one| one["decided"] == true).collect();
    assert_eq!(decided, [false, false, false, false, true]);
    assert!(call.all("evidence").iter().any(|one| one["detail"]["role"] == "worker"), "{call:#?}");
    assert_eq!(call.last("verdict")["verdict"], "running");
}

/// B16: looking writes nothing, and revives and ends nobody.
#[test]
fn a_plan_needs_no_right_to_write() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("a", pid, &[]);
    kill_and_wait(pid);
    for _ in 0..3 {
        stage.assert_planned(&[], "vanished gone identity mark_crashed lost crashed");
    }
    assert_eq!(stage.run_of("a")["state"], "in_turn");
}

/// Two passes at once: each death is recorded once and told once.
#[test]
fn many_passes_at_once_record_each_end_once() {
    let stage = Stage::new();
    for at in 0..6 {
        let agent = format!("w{at}");
        let pid = stage.background(&agent, &["hang"]);
        stage.adopt(&agent, pid, &["--parent", "lead", "--capability", "none"]);
        kill_and_wait(pid);
    }
    let calls: Vec<_> = std::thread::scope(|scope| {
        let passes: Vec<_> = (0..6).map(|_| scope.spawn(|| stage.reconcile(&["--apply"]))).collect();
        passes.into_iter().map(|pass| pass.join().unwrap()).collect()
    });
    assert!(calls.iter().all(|call| call.code == 0), "{calls:#?}");
    let repaired: i64 = calls.iter().map(|call| call.last("reconcile.ended")["repaired"].as_i64().unwrap()).sum();
    assert_eq!((repaired, stage.heard("lead", "worker_died")), (6, 6), "{calls:#?}");
    stage.assert_settled(&[]);
}

/// What is printed can be typed: on the state file that an option has named, from wherever.
#[test]
fn the_next_command_names_the_state_file_that_an_option_has_named_and_works_as_it_stands() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("a", pid, &[]);
    kill_and_wait(pid);
    let state = stage.state().to_str().unwrap().to_owned();
    let look = stage.reconcile(&["a", "--state", &state]);
    let command = look.last("verdict")["command"].clone();
    assert_eq!(command, serde_json::json!(["reconcile", "--state", state, "r1", "--apply"]));
    let mut typed = stage.command(crate::stage::RECONCILE);
    typed.env_remove("REFLOAT_STATE").current_dir("/");
    typed.args(command.as_array().unwrap().iter().skip(1).map(|word| word.as_str().unwrap()));
    let call = stage.call(typed);
    assert_eq!((call.code, call.last("verdict")["applied"].clone()), (0, true.into()), "{call:#?}");
}
