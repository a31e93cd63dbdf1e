//! Workers that somebody else started: gone by the kernel's word at once, by tmux's word only twice; what they owe counts.

use crate::adopted::{Server, has_tmux, kill_and_wait, lives};
use crate::stage::{Stage, until};

const PARENT: [&str; 4] = ["--parent", "lead", "--capability", "none"];

#[test]
fn a_worker_that_is_gone_is_recorded_as_crashed_and_its_parent_told_once() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("a", pid, &PARENT);
    stage.assert_planned(&["a"], "running alive identity none - in_turn");
    stage.assert_settled(&["a", "--kill-orphans", "--kill-stalled"]);
    assert!(lives(pid));
    kill_and_wait(pid);
    stage.turn(&["beat", "a"]);
    stage.assert_repaired(&["a"], "vanished gone identity mark_crashed lost crashed");
    assert_eq!(stage.heard("lead", "worker_died"), 1);
    assert_eq!(stage.count("SELECT count(*) FROM crash WHERE kind = 'vanished' AND run = 1"), 1);
    stage.assert_planned(&["a"], "vanished recorded terminal none lost crashed");
}

#[test]
fn a_number_that_was_reused_is_dead_at_once_and_another_namespace_is_unknown() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("a", pid, &PARENT);
    let was = stage.count("SELECT json_extract(process, '$.pid_ns') FROM worker");
    stage.sql("UPDATE worker SET process = json_set(process, '$.pid_ns', 1)");
    stage.assert_planned(&["a"], "unknown look_failed identity none - in_turn");
    stage.assert_settled(&["a"]);
    stage.sql(&format!("UPDATE worker SET process = json_set(process, '$.pid_ns', {was}, '$.start_ticks', 1)"));
    stage.assert_repaired(&["a"], "vanished gone identity mark_crashed lost crashed");
    assert!(lives(pid), "nothing is killed");
}

/// Another boot of this host.
#[test]
fn a_worker_of_another_boot_is_gone() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("a", pid, &PARENT);
    stage.sql("UPDATE worker SET process = json_set(process, '$.boot', '00000000-0000-4000-8000-000000000000')");
    stage.assert_repaired(&["a"], "vanished gone identity mark_crashed lost crashed");
}

#[test]
fn work_that_is_done_ends_its_run_and_not_its_session() {
    let stage = Stage::new();
    let file = stage.path("result.json");
    let pid = stage.background("w", &["hang"]);
    let expect = format!("result:{}", file.display());
    stage.adopt("a", pid, &[&PARENT[..], &["--expect", &expect]].concat());
    std::fs::write(&file, r#"{"status":"done"}"#).unwrap();
    stage.assert_repaired(&["a"], "finished expectation_met durable_result adopt completed completed");
    assert!(lives(pid), "its session is not ours to end");
    assert_eq!(stage.heard("lead", "worker_died"), 0);
}

/// What its children and its mail keep open is not over, though nobody of it lives.
#[test]
fn a_worker_that_is_done_waits_for_its_children() {
    let stage = Stage::new();
    let file = stage.path("result.json");
    let (pid, child) = (stage.background("w", &["hang"]), stage.background("c", &["hang"]));
    stage.adopt("a", pid, &["--expect", &format!("result:{}", file.display())]);
    stage.adopt("c", child, &["--parent", "a", "--capability", "none"]);
    std::fs::write(&file, r#"{"status":"done"}"#).unwrap();
    kill_and_wait(pid);
    stage.assert_planned(&["a"], "waiting open_children intentional_wait none - in_turn");
    stage.assert_settled(&["a"]);
    assert_eq!(stage.turn(&["end", "c", "--outcome", "completed"]).code, 0);
    stage.assert_repaired(&["a"], "finished expectation_met durable_result adopt completed completed");
}

/// Asked as soon as the kernel has its end, which is before tmux has.
#[test]
fn the_exit_of_a_pane_that_stays_tells_how_its_work_ended() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "panes");
    server.session("keep", "sleep 60");
    server.tmux(&["set-option", "-g", "remain-on-exit", "on"]);
    for (agent, command, wanted) in [
        ("good", "exit 0", "finished exit_code durable_result adopt completed completed"),
        ("bad", "exit 3", "failed exit_code durable_result notify_parent failed failed"),
        ("shot", "kill -KILL $$", "killed signal durable_result notify_parent killed failed"),
    ] {
        let gate = stage.name(&format!("{agent}.gate"));
        server.session(agent, &format!("while test ! -e {gate}; do sleep 0.02; done; {command}"));
        assert_eq!(server.adopt(agent, agent, &PARENT).code, 0);
        let pid = stage.count("SELECT json_extract(process, '$.pid') FROM worker ORDER BY run DESC");
        std::fs::write(&gate, "").unwrap();
        until("its end", || !lives(pid));
        stage.assert_repaired(&[agent], wanted);
    }
    assert_eq!(stage.heard("lead", "worker_died"), 2);
}

/// A fall of many sessions at once is one event, and each parent hears once of each run.
#[test]
fn fifty_runs_on_one_server_that_was_killed_are_one_event_and_fifty_verdicts() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "fall");
    for at in 0..50 {
        let name = format!("w{at}");
        server.session(&name, "sleep 600");
        assert_eq!(server.adopt(&name, &name, &PARENT).code, 0);
    }
    kill_and_wait(server.pid());
    let plan = stage.reconcile(&[]);
    let call = stage.reconcile(&["--apply"]);
    let ended = call.last("reconcile.ended");
    assert_eq!((&ended["runs"], &ended["repaired"], &ended["servers_lost"]), (&50.into(), &50.into(), &1.into()));
    let all = call.all("verdict");
    assert!(all.iter().all(|one| one["verdict"] == "vanished" && one["state_after"] == "crashed"), "{all:#?}");
    // Zombies are being reaped meanwhile, which is another reason of the same death.
    let said: Vec<_> = all.iter().map(|one| super::brief(one)).collect();
    let planned: Vec<_> = plan.all("verdict").iter().map(|one| super::brief(one)).collect();
    assert_eq!(said, planned);
    assert_eq!(stage.heard("lead", "worker_died"), 50);
    stage.assert_settled(&[]);
}

/// What tmux alone says of a death has to be said twice, for all runs together.
#[test]
fn a_session_that_tmux_does_not_list_is_gone_by_two_looks() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "looks");
    server.session("keep", "sleep 600");
    for name in ["w1", "w2"] {
        server.session(name, "sleep 600");
        assert_eq!(server.adopt(name, name, &PARENT).code, 0);
    }
    // The process in the pane cannot be looked at from here.
    stage.sql("UPDATE worker SET process = json_set(process, '$.pid_ns', 1)");
    stage.assert_planned(&["w1"], "running alive identity none - in_turn");
    server.tmux(&["kill-session", "-t", "=w1"]);
    server.tmux(&["kill-session", "-t", "=w2"]);
    let plan = stage.assert_planned(&["w1"], "vanished gone identity mark_crashed lost crashed");
    assert_eq!(plan["looks"], 2, "{plan}");
    let done = stage.assert_repaired(&["w1"], "vanished gone identity mark_crashed lost crashed");
    assert_eq!(done["looks"], 2, "{done}");
}

#[test]
fn a_session_that_never_came_costs_no_attempt() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "never");
    server.session("keep", "sleep 600");
    assert_eq!(server.adopt("a", "later", &[&PARENT[..], &["--launch-deadline", "1h"]].concat()).code, 0);
    stage.assert_planned(&["a"], "launching launch_pending launch_pending none - booting");
    stage.assert_settled(&["a"]);
    let earlier = "launch_until = launch_until - 7200000, adopted = json_set(adopted, '$.boottime_ms',
        json_extract(adopted, '$.boottime_ms') - 7200000)";
    stage.sql(&format!("UPDATE worker SET {earlier}"));
    let never = "never_started never_appeared launch_pending notify_parent never_started failed";
    stage.assert_repaired(&["a"], never);
    assert_eq!((stage.run_of("a")["attempts"].clone(), stage.heard("lead", "worker_died")), (0.into(), 1));
}
