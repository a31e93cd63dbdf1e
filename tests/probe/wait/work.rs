//! `run`, `turn` and `mail`: what is recorded, told by the bell; and what nobody will record any more.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::{asleep, ended, record, wait, words};
use crate::contract::Home;

fn pid(number: &Value) -> Pid {
    Pid::from_raw(i32::try_from(number.as_i64().unwrap()).unwrap())
}

/// An adopted worker, which is this test: its run is open until somebody ends it.
fn adopted(home: &Home, agent: &str) {
    let pid = std::process::id().to_string();
    home.turn(&["adopt", "--agent", agent, "--pid", &pid]).silent(0);
}

#[test]
fn the_recorded_end_of_a_run_rings_the_bell() {
    let home = Home::new();
    adopted(&home, "lead");
    adopted(&home, "other");
    let waiters = ["r1", "lead"].map(|who| asleep(wait(&home, &["run", who, "ended", "--timeout", "60s"])));
    home.turn(&["end", "other", "--outcome", "completed"]).silent(0);
    waiters.iter().for_each(super::sleeping);
    home.turn(&["end", "lead", "--outcome", "completed"]).silent(0);
    for waiter in waiters {
        let end = ended(waiter, 0);
        assert_eq!((words(&end), &end["polled"]), (["met", "end_recorded", "bell"], &false.into()));
        assert_eq!([&end["agent"], &end["run"], &end["state"]], ["lead", "r1", "completed"]);
    }
    let end = record(wait(&home, &["run", "lead", "ended"]), 0);
    assert_eq!((words(&end), &end["looks"]), (["met", "end_recorded", "null"], &1.into()));
}

/// The name is a run's at the first look: a later one is other work.
#[test]
fn an_agents_next_run_is_not_the_one_that_was_waited_for() {
    let home = Home::new();
    adopted(&home, "lead");
    let waiter = asleep(wait(&home, &["run", "lead", "ended", "--timeout", "60s"]));
    home.sql(
        "BEGIN; UPDATE run SET state = 'failed', ended_at = changed_at;
        INSERT INTO run (agent, capability, state, hold, max_attempts, opened_at, changed_at)
        VALUES ('lead', 'none', 'waiting', 'awaiting', 1, 1, 1); COMMIT",
    );
    let end = ended(waiter, 0);
    assert_eq!(
        (words(&end), &end["run"], &end["state"]),
        (["met", "end_recorded", "backstop"], &"r1".into(), &"failed".into())
    );
    assert_eq!(record(wait(&home, &["run", "lead", "ended", "--timeout", "0s"]), 75)["run"], "r2");
}

#[test]
fn another_standing_is_a_change_and_a_heartbeat_is_none() {
    let home = Home::new();
    home.turn(&["run", "--agent", "lead", "--max-attempts", "9", "--", "false"]).silent(1);
    let waiter = asleep(wait(&home, &["run", "lead", "changed", "--timeout", "60s"]));
    home.mail(&["send", "--from", "x", "--to", "lead", "--subject", "s"]).silent(0);
    super::sleeping(&waiter);
    home.turn(&["stop", "lead"]).silent(0);
    let end = ended(waiter, 0);
    assert_eq!((words(&end), &end["state"]), (["met", "changed", "bell"], &"stopped".into()));
}

#[test]
fn the_outcome_of_a_turn_rings_the_bell() {
    let home = Home::new();
    let go = home.path("go");
    let script = format!("until [ -e {} ]; do sleep 0.01; done", go.display());
    let mut turn = home.command("turn", ["run", "--agent", "lead", "--", "sh", "-c", &script]);
    let mut turn = turn.stdout(std::process::Stdio::null()).spawn().unwrap();
    crate::stage::until("the turn", || home.turn(&["show", "t1"]).code() == 0);
    let waiters = [["turn", "t1"], ["run", "lead"]]
        .map(|[kind, who]| asleep(wait(&home, &[kind, who, "ended", "--timeout", "60s"])));
    fs::write(go, "").unwrap();
    let ends = waiters.map(|waiter| ended(waiter, 0));
    assert_eq!((words(&ends[0]), &ends[0]["turn"]), (["met", "end_recorded", "bell"], &"t1".into()));
    assert_eq!((words(&ends[1]), &ends[1]["state"]), (["met", "end_recorded", "bell"], &"completed".into()));
    assert!(turn.wait().unwrap().success());
}

/// A killed monitor is no end of a turn, and no reason to wait for ever for what it would have recorded.
#[test]
fn a_turn_that_nobody_watches_any_more_is_said_to_be_abandoned() {
    let home = Home::new();
    let go = home.path("go");
    let script = format!("until [ -e {} ]; do sleep 0.01; done", go.display());
    let mut turn = home.command("turn", ["run", "--agent", "lead", "--", "sh", "-c", &script]);
    let mut turn = turn.stdout(std::process::Stdio::null()).spawn().unwrap();
    crate::stage::until("the turn", || home.turn(&["show", "t1"]).out.contains("\"started_at\":\"20"));
    let waiters = [["turn", "t1"], ["run", "r1"]]
        .map(|[kind, who]| asleep(wait(&home, &[kind, who, "ended", "--timeout", "60s"])));
    turn.kill().unwrap();
    turn.wait().unwrap();
    let alone = record(wait(&home, &["turn", "t1", "ended", "--timeout", "500ms"]), 75);
    assert_eq!(words(&alone)[..2], ["timeout", "no_end_recorded"], "the shim holds the lock while the agent works");
    fs::write(go, "").unwrap();
    for waiter in waiters {
        let end = ended(waiter, 69);
        assert_eq!(words(&end), ["unknown", "abandoned", "backstop"]);
        assert_eq!((&end["turn"], &end["run"]), (&"t1".into(), &"r1".into()));
    }
    home.turn(&["attach", "t1"]).with_code(0);
    assert_eq!(record(wait(&home, &["run", "lead", "ended"]), 0)["state"], "completed");
}

#[test]
fn what_there_is_not_is_said_at_once() {
    let home = Home::new();
    let no_state = format!("no state at {}", home.state().display());
    home.probe(&["wait", "run", "lead", "ended"]).failed(66, &no_state);
    home.probe(&["wait", "turn", "t1", "ended"]).failed(66, &no_state);
    assert!(!home.path("state").exists());
    adopted(&home, "lead");
    home.probe(&["wait", "run", "r2", "ended"]).failed(66, "no run or agent 'r2'");
    home.probe(&["wait", "run", "leader", "changed"]).failed(66, "no run or agent 'leader'");
    home.probe(&["wait", "turn", "t9", "ended"]).failed(66, "no turn t9");
}

/// What a process watches, as the kernel tells it.
fn watched(pid: u32) -> String {
    let fds = fs::read_dir(format!("/proc/{pid}/fdinfo")).into_iter().flatten();
    let texts = fds.filter_map(|fd| fs::read_to_string(fd.ok()?.path()).ok());
    texts.filter(|text| text.contains("inotify")).collect()
}

/// A restore takes the file away for a moment, and puts another there.
#[test]
fn a_state_file_that_was_there_is_waited_for() {
    let home = Home::new();
    adopted(&home, "lead");
    home.sql("PRAGMA wal_checkpoint(TRUNCATE)");
    let mut waiter = asleep(wait(&home, &["run", "lead", "ended", "--timeout", "60s"]));
    let before = watched(waiter.id());
    for name in ["state.db", "bell"] {
        fs::rename(home.path("state").join(name), home.path(name)).unwrap();
    }
    crate::stage::until("a look where it was", || {
        waiter.try_wait().unwrap().is_some() || ![before.as_str(), ""].contains(&watched(waiter.id()).as_str())
    });
    super::sleeping(&waiter);
    for name in ["bell", "state.db"] {
        fs::rename(home.path(name), home.path("state").join(name)).unwrap();
    }
    home.turn(&["end", "lead", "--outcome", "completed"]).silent(0);
    assert_eq!(ended(waiter, 0)["outcome"], "met");
}

#[test]
fn mail_is_waited_for_as_by_mail_wait() {
    let home = Home::new();
    let waiter = asleep(wait(&home, &["mail", "lead", "--timeout", "60s"]));
    home.mail(&["send", "--from", "x", "--to", "lead", "--subject", "s", "--queue"]).silent(0);
    let end = ended(waiter, 0);
    assert!(end["woken_by"] == "notice" || end["woken_by"] == "bell", "{end}");
    let mut ends: Vec<Value> = vec![record(wait(&home, &["mail", "lead"]), 0)];
    ends.push(home.mail(&["wait", "--agent", "lead"]).silent(0).record("wait.ended"));
    for end in &mut ends {
        end.as_object_mut().unwrap().retain(|key, _| !["at", "waited_ms"].contains(&key.as_str()));
    }
    assert_eq!(ends[0], ends[1]);
    assert_eq!((words(&ends[0]), &ends[0]["mail"]), (["met", "mail_ready", "null"], &"m1".into()));
    home.turn(&["run", "--agent", "lead", "--max-attempts", "9", "--", "false"]).silent(1);
    home.turn(&["stop", "lead"]).silent(0);
    assert_eq!(words(&record(wait(&home, &["mail", "lead"]), 76)), ["stopped", "agent_stopped", "null"]);
}

#[test]
fn a_commit_wakes_everybody_once_and_only_those_it_is_for_end() {
    let home = Home::new();
    adopted(&home, "lead");
    adopted(&home, "other");
    let begin = |who: &str| wait(&home, &["run", who, "ended", "--timeout", "60s"]).spawn().unwrap();
    let waiters: Vec<_> = (0..64).map(|_| begin("lead")).collect();
    let mut other = begin("other");
    waiters.iter().chain([&other]).for_each(super::sleeping);
    home.turn(&["end", "lead", "--outcome", "completed"]).silent(0);
    for waiter in waiters {
        assert_eq!(words(&ended(waiter, 0)), ["met", "end_recorded", "bell"]);
    }
    assert!(other.try_wait().unwrap().is_none());
    kill(pid(&other.id().into()), Signal::SIGKILL).unwrap();
    other.wait().unwrap();
}
