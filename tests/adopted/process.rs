//! Adopted processes: who they are, whether they live, and what may start beside them.

use std::process::Command;

use serde_json::{Value, json};

use super::{can_unshare, kill_and_wait, lives, start_ticks_of, state_of};
use crate::stage::{Running, Stage, TURN, until};

/// field 31, 3, 4
#[test]
fn a_process_that_somebody_else_started_becomes_a_run() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    let parent = state_of(pid).unwrap().1;
    let adopted = stage.adopt("b1", pid, &["--task", "index", "--parent", "lead", "--log", "w.log"]);
    let expected = [
        ("state", json!("in_turn")),
        ("task", json!("index")),
        ("parent", json!("lead")),
        ("capability", json!("builder")),
        ("max_attempts", json!(3)),
        ("pid", json!(pid)),
        ("start_ticks", json!(start_ticks_of(pid))),
        ("tmux", Value::Null),
        ("launch_until", Value::Null),
    ];
    for (key, value) in expected {
        assert_eq!(adopted[key], value, "{key}: {adopted}");
    }
    assert!(adopted["log"].as_str().unwrap().starts_with('/') && adopted["log"].as_str().unwrap().ends_with("/w.log"));
    let run = stage.run_of("b1");
    assert_eq!((&run["state"], &run["adopted"], &run["pid"]), (&json!("in_turn"), &json!(true), &json!(pid)));
    stage.assert_observed("b1", "alive", "running");
    assert_eq!(
        (state_of(pid).unwrap().1, parent == i64::from(std::process::id())),
        (parent, false),
        "no child of ours"
    );
    let open = stage.turn(&["list", "--open"]);
    assert_eq!((open.last("run")["agent"].as_str(), open.all("turn").len()), (Some("b1"), 0));
    assert_eq!(stage.turn(&["list"]).records.len(), 0, "it has no turns");
}

/// Whoever lives is not joined by a second agent.
#[test]
fn while_it_lives_no_turn_starts_beside_it_and_nobody_supervises_it() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("b1", pid, &[]);
    stage.assert_no_turn("b1", 76, &format!("process {pid} lives"));
    let again = stage.turn(&["adopt", "--agent", "b1", "--pid", &pid.to_string()]);
    again.assert_refused(76, "has an open run: r1 is in_turn");
    let attached = stage.turn(&["attach", "b1"]);
    attached.assert_refused(76, "is adopted");
    assert!(attached.stderr.contains("turn show b1"), "{attached:?}");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.try_into().unwrap()), nix::sys::signal::Signal::SIGSTOP)
        .unwrap();
    until("its stop", || state_of(pid).unwrap().0 == 'T');
    stage.assert_observed("b1", "alive", "stopped");
    stage.assert_no_turn("b1", 76, "lives (stopped)");
    assert!(lives(pid));
}

/// field 6: recorded and observed stand side by side.
#[test]
fn one_that_ends_without_a_word_is_gone_and_its_run_goes_on_with_turns() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    let adopted = stage.adopt("b1", pid, &["--max-attempts", "2"]);
    assert_eq!(stage.turn(&["beat", "b1"]).code, 0, "a fresh beat protects no dead process");
    kill_and_wait(pid);
    let run = stage.run_of("b1");
    assert_eq!((&run["state"], &run["observed"]), (&json!("in_turn"), &json!("gone")), "looking writes nothing");
    assert!(["no_such_process", "zombie"].contains(&run["observed_why"].as_str().unwrap()), "{run}");
    let call = stage.turn(&["run", "--agent", "b1", "--", "false"]);
    call.assert_end("failed", 1);
    assert_eq!((call.ended()["run"].clone(), call.word("state_before")), (adopted["run"].clone(), "between_turns"));
    let run = stage.run_of("b1");
    assert_eq!((&run["adopted"], &run["observed"], &run["attempts"]), (&json!(false), &Value::Null, &json!(1)));
    stage.turn(&["beat", "b1"]).assert_refused(76, "is not adopted");
    stage.turn(&["end", "b1", "--outcome", "completed"]).assert_refused(76, "is not adopted");
    let token = adopted["token"].as_str().unwrap();
    let mail = ["send", "--to", "operator", "--subject", "late"];
    stage.with_token(crate::stage::MAIL, token, &mail).assert_refused(76, "a turn has taken it over");
    assert_eq!(stage.turn(&["list", "--open"]).all("run").len(), 0);
    stage.turn(&["run", "--agent", "b1", "--", "true"]).assert_end("completed", 0);
}

/// field 14, 18: a number that was given out again is another process.
#[test]
fn another_process_with_its_number_is_not_it() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("b1", pid, &[]);
    stage.sql("UPDATE worker SET process = json_set(process, '$.start_ticks', 1)");
    stage.assert_observed("b1", "gone", "pid_reused");
    let stopped = stage.turn(&["stop", "b1", "--kill"]);
    assert_eq!((stopped.code, &stopped.last("turn.stopped")["signalled_pid"]), (0, &Value::Null), "{stopped:?}");
    assert!(lives(pid), "somebody else was killed");
}

/// field 1, 15, 16: not knowing is neither life nor death.
#[test]
fn one_that_cannot_be_looked_at_is_unknown_and_nothing_starts_or_dies_for_it() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("b1", pid, &[]);
    for (path, value, why) in [
        ("pid_ns", "1", "other_namespace"),
        ("time_ns", "1", "other_namespace"),
        ("boot", "'11111111-2222-3333-4444-555555555555'", "other_boot"),
    ] {
        stage.sql("UPDATE worker SET adopted = json_remove(adopted, '$.kept')");
        let kept: String = stage.sqlite().query_row("SELECT process FROM worker", [], |row| row.get(0)).unwrap();
        stage.sql(&format!("UPDATE worker SET process = json_set(process, '$.machine', '', '$.{path}', {value})"));
        stage.assert_observed("b1", "unknown", why);
        stage.assert_no_turn("b1", 69, why);
        stage.sqlite().execute("UPDATE worker SET process = ?1", [kept]).unwrap();
    }
    stage.sql("UPDATE worker SET process = json_set(process, '$.pid_ns', 1)");
    let stopped = stage.turn(&["stop", "b1", "--kill"]);
    assert_eq!((stopped.code, &stopped.last("turn.stopped")["state"]), (69, &json!("stopped")), "{stopped:?}");
    assert!(stopped.stderr.contains("nothing was signalled"), "{stopped:?}");
    assert!(lives(pid));
}

#[test]
fn who_is_not_there_or_cannot_be_seen_is_not_adopted() {
    let stage = Stage::new();
    let refused = |pid: &str, code: i32, words: &str| {
        stage.turn(&["adopt", "--agent", "b1", "--pid", pid]).assert_refused(code, words);
        assert!(!stage.state().exists(), "nothing is stored");
    };
    refused("4194304", 66, "no process 4194304");
    let mut child = Command::new("true").spawn().unwrap();
    let pid = i64::from(child.id());
    until("a zombie", || state_of(pid).unwrap().0 == 'Z');
    refused(&pid.to_string(), 76, "it is a zombie");
    child.wait().unwrap();
    let mut inside = stage.command("unshare");
    inside.args(["--pid", "--fork", "--kill-child", crate::stage::TURN, "adopt", "--agent", "b1", "--pid", "1"]);
    if can_unshare() {
        stage.call(inside).assert_refused(69, "foreign_proc");
        assert!(!stage.state().exists());
    } else {
        println!("skipped: no pid namespace can be made here");
    }
}

/// field 10, 34: a beat says that a process wrote, progress that work goes on.
#[test]
fn a_beat_is_not_progress() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("b1", pid, &[]);
    let run = stage.run_of("b1");
    assert_eq!((&run["beats"], &run["beat_at"], &run["progress_at"]), (&json!(0), &Value::Null, &Value::Null));
    let first = stage.turn(&["beat", "b1"]).last("run.beat").clone();
    assert_eq!((&first["beats"], &first["progress_at"]), (&json!(1), &Value::Null));
    let second = stage.turn(&["beat", "b1", "--progress", "14 of 60"]).last("run.beat").clone();
    assert_eq!((&second["progress_at"], &second["progress"]), (&second["beat_at"], &json!("14 of 60")));
    // It was a while ago, by the boot's own clock, whatever the wall clock says.
    stage.sql(
        "UPDATE worker SET progress = json_set(progress, '$.boottime_ms', json_extract(progress, '$.boottime_ms') - 7200000)",
    );
    let third = stage.turn(&["beat", "b1"]).last("run.beat").clone();
    assert_eq!((&third["beats"], &third["progress_at"]), (&json!(3), &second["progress_at"]), "renewed by a mere beat");
    let run = stage.run_of("b1");
    let ages = (run["beat_age_ms"].as_i64().unwrap(), run["progress_age_ms"].as_i64().unwrap());
    assert!(ages.0 < 60_000 && (7_200_000..7_260_000).contains(&ages.1), "{run}");
    assert_eq!((&run["clock_skew"], &run["progress"]), (&json!(false), &json!("14 of 60")));
}

/// A beat from the future protects nobody.
#[test]
fn a_stored_time_in_the_future_is_told_and_has_no_age() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("b1", pid, &[]);
    stage.turn(&["beat", "b1"]);
    stage.sql("UPDATE worker SET beat = json_set(beat, '$.boot', 'another', '$.at', '2999-01-01T00:00:00.000Z')");
    let run = stage.run_of("b1");
    assert_eq!((&run["beat_age_ms"], &run["clock_skew"]), (&Value::Null, &json!(true)), "{run}");
}

/// The look at the worker and the transaction that begins a turn are two moments.
#[test]
fn a_run_that_is_adopted_while_a_turn_is_about_to_begin_is_not_joined() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("b1", pid, &[]);
    // Until the turn has looked, the run is another agent's.
    stage.sql("UPDATE run SET agent = 'nobody'");
    turn_that_has_looked(&stage, "UPDATE run SET agent = 'b1'").end().assert_refused(76, "was adopted meanwhile");
    assert!(!stage.path("ran").exists());
    assert_eq!(stage.run_of("b1")["adopted"], true);
}

/// What a look could not find may beat the moment after.
#[test]
fn a_worker_that_beats_while_a_turn_is_about_to_begin_is_not_joined() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("b1", pid, &[]);
    kill_and_wait(pid);
    let beat = "UPDATE worker SET beats = beats + 1";
    turn_that_has_looked(&stage, beat).end().assert_refused(76, "its worker has just beaten");
    assert!(!stage.path("ran").exists());
    assert_eq!(stage.run_of("b1")["adopted"], true);
    assert_eq!(stage.turn(&["run", "--agent", "b1", "--", "true"]).code, 0, "it is still gone");
}

/// A turn of b1 whose look is over, and that does not begin before this has happened.
fn turn_that_has_looked(stage: &Stage, sql: &str) -> Running {
    let lock = std::fs::File::open(stage.path("state/state.lock")).unwrap();
    lock.lock().unwrap();
    let mut command = stage.command(TURN);
    command.args(["run", "--agent", "b1", "--", "touch", &stage.name("ran")]);
    let running = Running::begin(stage, command);
    let inode = format!(":{} ", std::os::unix::fs::MetadataExt::ino(&lock.metadata().unwrap()));
    until("the wait for its transaction", || {
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|line| line.contains("-> FLOCK") && line.contains(&inode))
    });
    stage.sql(sql);
    running
}
