//! How it looks: at all open runs, whatever cannot be read, while others write, and without a trace.

use super::{found, of_role};
use crate::contract::Home;
use crate::probe::readonly::looks_only;
use crate::stage::Stage;

#[test]
fn all_are_all_open_runs_and_not_the_newest_fifty() {
    let stage = Stage::new();
    let own = i64::from(std::process::id());
    for number in 0..60 {
        stage.adopt(&format!("w{number}"), own, &[]);
    }
    stage.play("between", "init; result-error no").with(&["--max-attempts", "2"]).call();
    stage.play("ended", "init; result done").call();
    stage.sql("UPDATE run SET state = 'booting' WHERE agent = 'w0'");
    let call = stage.look(&["--all", "--exit-code"]);
    let judged: Vec<_> = call.all("judgement").iter().map(|one| one["agent"].as_str().unwrap().to_owned()).collect();
    assert_eq!((judged.len(), call.code), (61, 0), "{judged:?}");
    assert!(judged.contains(&"w0".to_owned()) && judged.contains(&"between".to_owned()));
    let (ended, evidence) = (call.last("probe.ended"), call.all("evidence").len());
    assert_eq!(ended["evidence"], evidence);
    assert_eq!(call.records.last().unwrap()["type"], "probe.ended");
    // The worst of them answers.
    stage.sql("UPDATE worker SET process = json_set(process, '$.start_ticks', 1) WHERE run = 2");
    assert_eq!(stage.look(&["--all", "--exit-code"]).code, 1);
    stage.sql("UPDATE worker SET process = json_set(process, '$.pid_ns', 1) WHERE run = 3");
    assert_eq!(stage.look(&["--all", "--exit-code"]).code, 69);
}

#[test]
fn several_are_named_in_any_way_and_one_that_does_not_exist_is_66() {
    let stage = Stage::new();
    stage.play("a", "init; result done").call();
    stage.play("b", "init; result done").call();
    let call = stage.look(&["r1", "t2", "a"]);
    let judged: Vec<_> = call.all("judgement").iter().map(|one| one["agent"].clone()).collect();
    assert_eq!(judged, ["a", "b"]);
    assert_eq!(call.last("probe.ended")["unknown"], 0);
    for nobody in ["r9", "t9", "nobody"] {
        let call = stage.probe(&["a", nobody]);
        assert_eq!((call.code, call.records.len()), (66, 0), "{call:?}");
        assert!(call.stderr.contains(&format!("no run, turn or agent '{nobody}'")), "{call:?}");
    }
    let call = stage.look(&["--all", "--exit-code"]);
    assert_eq!((call.code, call.records.len()), (0, 1), "no run is open: {call:?}");
    let empty = Stage::new();
    let call = empty.probe(&["--all"]);
    assert_eq!(call.code, 66, "{call:?}");
    assert!(call.stderr.contains("no state"), "{call:?}");
}

#[test]
fn what_this_version_cannot_read_is_unknown_and_no_crash() {
    let stage = Stage::new();
    stage.unwatched("a", "init; hang", &[]);
    stage.sql("UPDATE turn SET description = '{\"tomorrow\": 1}'");
    let call = stage.assert_judged("a", "unsupervised no_supervisor identity attach", 0);
    assert_eq!(found(&call, "stream"), ["unknown unreadable"]);
    let agent = stage.pid_of("a", "child");
    stage.kill_recorded("a", "shim");
    crate::stage::until("the end of the agent", || crate::scene::process_is_gone(agent));
    let call = stage.assert_judged("a", "unknown end_unreadable identity none", 69);
    assert_eq!(found(&call, "stream"), ["unknown unreadable"]);
    assert!(of_role(&call, "agent").starts_with("dead "), "{call:#?}");
    assert_eq!(call.last("judgement")["alarming"], true);
}

#[test]
fn log_folders_that_are_gone_and_locks_that_cannot_be_opened_are_answers() {
    let stage = Stage::new();
    stage.unwatched("a", "init; hang", &[]).until_written(50);
    std::fs::remove_dir_all(stage.path("state/logs")).unwrap();
    let call = stage.assert_judged("a", "unsupervised no_supervisor identity attach", 0);
    assert_eq!(
        (found(&call, "stream"), found(&call, "exit_record")),
        (vec!["unknown no_stream".to_owned()], vec!["not_done no_exit_record".to_owned()])
    );
    // A lock file that is none: nobody can say who holds it.
    let locks = stage.path("state/locks");
    std::fs::rename(&locks, stage.path("state/locks.away")).unwrap();
    std::fs::write(&locks, "").unwrap();
    let call = stage.look(&["a"]);
    assert_eq!(found(&call, "flock"), ["unknown look_failed", "unknown look_failed"]);
    assert_eq!(call.last("judgement")["observed"], "alive");
    stage.family.kill();
}

#[test]
fn a_state_file_that_others_write_to_is_read_all_the_same() {
    let stage = Stage::new();
    stage.play("a", "init; result done").call();
    let writer = stage.sqlite();
    writer.execute_batch("BEGIN IMMEDIATE; UPDATE run SET task = 'x'").unwrap();
    let lock = std::fs::File::open(stage.path("state/state.lock")).unwrap();
    lock.lock().unwrap();
    let call = stage.probe(&["a"]);
    assert_eq!((call.code, call.last("judgement")["verdict"].as_str()), (0, Some("finished")), "{call:?}");
}

#[test]
fn it_does_nothing_but_look() {
    let home = Home::new();
    home.play("a", &["--max-attempts", "3"], "init; result-error no");
    let pid = std::process::id().to_string();
    home.turn(&["adopt", "--agent", "b", "--pid", &pid, "--expect", "file:x", "--log", "y"]).silent(0);
    home.turn(&["adopt", "--agent", "c", "--tmux", "nobody", "--socket", home.path("socket").to_str().unwrap()]);
    let Some(said) = looks_only(&home, &["run", "--all"], |_| {}) else { return };
    assert!(said.silent(0).out.contains("\"judgement\""));
}
