//! The shim dies, with its supervisor or alone: what it leaves is found, named, ended and never joined by a second agent.

use nix::sys::signal::Signal;

use crate::scene::{Running, Stage, Witness, kill, process_is_gone, records, until};

/// A tree that no signal to a group and no parent's death reaches.
const STUBBORN: &str = "spawn setsid+ignore-term+double-fork";

/// Kills supervisor and shim of a turn, neither of which can do anything about the other's death.
fn kill_both(stage: &Stage, turn: Running) {
    let shim = stage.recorded_pid("shim").unwrap();
    let child = stage.recorded_pid("child").unwrap();
    turn.kill(Signal::SIGSTOP);
    kill(shim, Signal::SIGKILL);
    until("the shim's end", || process_is_gone(shim));
    assert!(turn.kill_now().was_killed());
    until("the agent to die with its parent", || process_is_gone(child));
}

/// A turn of `a` under way, with a descendant that its agent's death does not reach.
fn started(stage: &Stage, options: &[&str], witness: &mut Witness) -> Running {
    let fifo = format!("fifo {}", stage.word("witness"));
    let touch = format!("touch {}", stage.word("reached"));
    let mut turn = Running::start(&mut stage.plain("a", options, &[&fifo, STUBBORN, &touch, "hang"]));
    assert_eq!(turn.record()["type"], "turn.started");
    witness.await_somebody();
    stage.await_file("reached");
    turn
}

/// B20, T20
#[test]
fn what_outlives_supervisor_and_shim_is_refused_until_it_is_ended() {
    for contain in ["auto", "subreaper"] {
        let stage = Stage::new();
        let mut witness = Witness::new(&stage.path("witness"));
        let turn = started(&stage, &["--contain", contain, "--parent", "lead", "--capability", "none"], &mut witness);
        kill_both(&stage, turn);
        assert!(stage.lock_is_free("a"), "a lock dies with its holders");
        assert!(!witness.everyone_gone());

        let refused = stage.next("a", &[]);
        let why = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(76), "{refused:?}");
        assert!(why.contains("t1 is orphaned") && why.contains("still run") && why.contains("--kill-orphans"), "{why}");
        assert_eq!(stage.turn(&["attach", "a"]).output().unwrap().status.code(), Some(76));
        assert_eq!(stage.count("SELECT count(*) FROM turn"), 1, "no second agent beside the orphans");
        assert!(!witness.everyone_gone());

        let next = stage.next("a", &["--kill-orphans"]);
        assert!(witness.everyone_gone(), "{contain}: not all are gone");
        assert_eq!(next.status.code(), Some(0), "{next:?}");
        let said = records(&next.stdout);
        assert_eq!((&said[0]["turn"], &said[0]["outcome"]), (&"t1".into(), &"lost".into()), "{said:?}");
        assert_eq!((&said[1]["turn"], &said[1]["attempt"]), (&"t2".into(), &2.into()), "{said:?}");
        stage.assert_whole();
    }
}

#[test]
fn turn_stop_ends_what_outlived_supervisor_and_shim() {
    for contain in ["auto", "subreaper"] {
        let stage = Stage::new();
        let mut witness = Witness::new(&stage.path("witness"));
        let turn = started(&stage, &["--contain", contain, "--parent", "lead", "--capability", "none"], &mut witness);
        kill_both(&stage, turn);
        let stopped = stage.turn(&["stop", "a"]).output().unwrap();
        assert!(witness.everyone_gone(), "{contain}: not all are gone");
        assert_eq!(stopped.status.code(), Some(0), "{stopped:?}");
        let said = records(&stopped.stdout).pop().unwrap();
        assert_eq!((&said["outcome"], &said["state"]), (&"aborted".into(), &"stopped".into()), "{said}");
        assert_eq!(stage.count("SELECT count(*) FROM mail WHERE kind = 'worker_died'"), 1);
        stage.assert_whole();
    }
}

/// What only descent from the supervisor leads to: no environment, no session, no group of the agent's.
const UNTRACEABLE: &str = "spawn setsid+ignore-term+double-fork+no-env";

#[test]
fn a_supervisor_whose_shim_is_killed_ends_the_rest_itself() {
    for contain in ["auto", "subreaper"] {
        let stage = Stage::new();
        let mut witness = Witness::new(&stage.path("witness"));
        let fifo = format!("fifo {}", stage.word("witness"));
        let touch = format!("touch {}", stage.word("reached"));
        let script = [fifo.as_str(), STUBBORN, UNTRACEABLE, "fork-burst 20", &touch, "hang"];
        let mut turn = Running::start(&mut stage.plain("a", &["--contain", contain], &script));
        assert_eq!(turn.record()["type"], "turn.started");
        stage.await_file("reached");
        kill(stage.recorded_pid("shim").unwrap(), Signal::SIGKILL);
        let ended = turn.end();
        assert!(witness.everyone_gone(), "{contain}: not all are gone when turn returns");
        let last = ended.last();
        assert_eq!((ended.code(), &last["outcome"], &last["cause"]), (Some(125), &"lost".into(), &"shim_died".into()));
        assert_eq!(last["children_left"], 0, "{last}");
        assert!(stage.lock_is_free("a"));
        stage.assert_whole();
    }
}

/// The same with a supervisor that is not the tree's subreaper.
#[test]
fn an_attached_supervisor_whose_shim_is_killed_ends_the_rest_too() {
    for contain in ["auto", "subreaper"] {
        let stage = Stage::new();
        let mut witness = Witness::new(&stage.path("witness"));
        let turn = started(&stage, &["--contain", contain], &mut witness);
        assert!(turn.kill_now().was_killed());
        let attached = Running::start(&mut stage.turn(&["attach", "a"]));
        let pid = attached.pid();
        until("the new supervisor", || stage.recorded_pid("supervisor") == Some(pid));
        kill(stage.recorded_pid("shim").unwrap(), Signal::SIGKILL);
        let ended = attached.end();
        assert!(witness.everyone_gone(), "{contain}: not all are gone when turn returns");
        assert_eq!((ended.code(), &ended.last()["outcome"]), (Some(125), &"lost".into()), "{ended:?}");
        stage.assert_whole();
    }
}

#[test]
fn a_result_that_stands_in_the_stream_survives_the_shim() {
    let stage = Stage::new();
    let touch = format!("touch {}", stage.word("reached"));
    let script = ["init", "say one", "result done", STUBBORN, &touch, "hang"];
    let mut turn = Running::start(&mut stage.claude("a", &["--grace", "1h"], &script));
    assert_eq!(turn.record()["type"], "turn.started");
    stage.await_file("reached");
    kill(stage.recorded_pid("shim").unwrap(), Signal::SIGKILL);
    let ended = turn.end();
    assert_eq!((ended.code(), &ended.last()["outcome"]), (Some(0), &"completed".into()), "{ended:?}");
    stage.assert_whole();
}
