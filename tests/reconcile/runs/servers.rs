//! tmux servers that do not answer, lose their socket, or tell of an end later than the kernel: what tmux has not said is no
//! death, and what it says of an exit counts whenever it says it.

use std::ffi::OsString;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::adopted::{Server, fake, has_tmux, kill_and_wait, listing, lives, state_of};
use crate::stage::{Call, RECONCILE, Stage, until};

const PARENT: [&str; 4] = ["--parent", "lead", "--capability", "none"];
const VANISHED: &str = "vanished gone identity mark_crashed lost crashed";
const UNKNOWN: &str = "unknown look_failed identity none - in_turn";
/// What tmux is asked for, of a pane that is dead and tells nothing of it.
const ROW: &str = "#{session_id}|#{session_created}|#{pid}|#{start_time}|#{window_id}|#{pane_id}|#{pane_pid}|1||||\
                   #{socket_path}:#{session_group}:#{session_name}";
const FINISHED: &str = "finished exit_code durable_result adopt completed completed";

/// A server whose panes stay when their process has ended.
fn remaining<'s>(stage: &'s Stage, name: &'static str) -> Server<'s> {
    let server = Server::new(stage, name);
    server.session("keep", "sleep 600");
    server.tmux(&["set-option", "-g", "remain-on-exit", "on"]);
    server
}

/// A worker in a session of its name, which ends like this once the gate is opened; the path of the gate.
fn gated(server: &Server<'_>, agent: &str, end: &str) -> String {
    let gate = server.stage().name(&format!("{agent}.gate"));
    server.session(agent, &format!("while test ! -e {gate}; do sleep 0.02; done; {end}"));
    assert_eq!(server.adopt(agent, agent, &PARENT).code, 0);
    gate
}

/// The process of a worker, as it is recorded.
fn process_of(stage: &Stage, run: i64) -> i64 {
    stage.count(&format!("SELECT json_extract(process, '$.pid') FROM worker WHERE run = {run}"))
}

/// Opens the gate; back once the kernel and tmux both have its end.
fn end(server: &Server<'_>, agent: &str, gate: &str) {
    std::fs::write(gate, "").unwrap();
    let told = ["list-panes", "-t", &format!("={agent}"), "-F", "#{pane_dead}#{pane_dead_status}#{pane_dead_signal}"];
    server.until_told("a dead pane", || server.tmux(&told).len() > 1);
}

fn signal(pid: i64, signal: Signal) {
    kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
}

fn stop(server: &Server<'_>) -> i64 {
    let pid = server.pid();
    signal(pid, Signal::SIGSTOP);
    until("its stop", || state_of(pid).is_some_and(|(state, _)| state == 'T'));
    pid
}

#[test]
fn a_server_that_is_stopped_ends_nobody_and_stores_nothing() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "stopped");
    server.session("hidden", "sleep 600");
    server.session("seen", "sleep 600");
    for agent in ["hidden", "seen"] {
        assert_eq!(server.adopt(agent, agent, &PARENT).code, 0);
    }
    // Its process cannot be looked at from here: tmux alone can tell.
    stage.sql("UPDATE worker SET process = json_set(process, '$.pid_ns', 1) WHERE run = 1");
    let pid = stop(&server);
    let call = stage.reconcile(&["--apply"]);
    let said: Vec<_> = call.all("verdict").iter().map(|one| super::brief(one)).collect();
    assert_eq!(said, [UNKNOWN, "running alive identity none - in_turn"], "{call:#?}");
    let ended = call.last("reconcile.ended");
    assert_eq!((&ended["repaired"], &ended["unknown"], &ended["servers_lost"]), (&0.into(), &1.into(), &0.into()));
    signal(pid, Signal::SIGCONT);
    stage.assert_planned(&["hidden"], "running alive identity none - in_turn");
    assert_eq!(stage.heard("lead", "worker_died"), 0);
}

#[test]
fn a_socket_that_was_deleted_or_taken_over_ends_nobody() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "deleted");
    server.session("hidden", "sleep 600");
    server.session("seen", "sleep 600");
    for agent in ["hidden", "seen"] {
        assert_eq!(server.adopt(agent, agent, &PARENT).code, 0);
    }
    stage.sql("UPDATE worker SET process = json_set(process, '$.pid_ns', 1) WHERE run = 1");
    let pid = server.pid();
    std::fs::remove_file(server.socket()).unwrap();
    for _ in 0..2 {
        stage.assert_planned(&["hidden"], UNKNOWN);
        stage.assert_planned(&["seen"], "running alive identity none - in_turn");
        stage.assert_settled(&["--kill-orphans", "--kill-stalled"]);
        // Another one has it: the ids of that one's sessions begin anew, and mean others.
        if !server.socket().exists() {
            server.session("hidden", "sleep 600");
        }
    }
    assert!(lives(pid) && server.pid() != pid);
    kill_and_wait(pid);
    for agent in ["hidden", "seen"] {
        stage.assert_repaired(&[agent], VANISHED);
    }
    assert_eq!(stage.heard("lead", "worker_died"), 2);
}

/// The kernel's word comes first: tmux hears of the death a moment later, and until it has told how the work ended, nobody is
/// called crashed.
#[test]
fn how_a_pane_ended_is_asked_of_a_server_that_was_stopped_when_its_process_died() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = remaining(&stage, "late");
    let gate = gated(&server, "good", "exit 0");
    let worker = process_of(&stage, 1);
    let pid = stop(&server);
    std::fs::write(gate, "").unwrap();
    until("its end", || !lives(worker));
    let call = stage.reconcile(&["good", "--apply"]);
    assert_eq!((super::brief(call.last("verdict")).as_str(), call.code), (UNKNOWN, 0), "{call:#?}");
    signal(pid, Signal::SIGCONT);
    stage.assert_repaired(&["good"], FINISHED);
    assert_eq!(stage.heard("lead", "worker_died"), 0);
}

/// A `tmux` in front of the real one, each of whose odd answers is changed by this.
fn changed(stage: &Stage, change: &str) -> OsString {
    let path = std::env::var("PATH").unwrap();
    let odd = stage.name("odd");
    fake(
        stage,
        &format!("PATH='{path}'; if mkdir {odd} 2>/dev/null; then {change}; else rmdir {odd}; exec tmux \"$@\"; fi"),
    )
}

fn reconcile(stage: &Stage, path: &OsString, args: &[&str]) -> Call {
    let mut command = stage.command(RECONCILE);
    command.args(args).env("PATH", path);
    stage.call(command)
}

#[test]
fn an_end_that_tmux_has_not_told_yet_is_asked_for_once_more() {
    if !has_tmux() {
        return;
    }
    for (what, change) in [
        ("the pane looks alive still", "tmux \"$@\" | sed 's/|1|0||[0-9]*|/|0||||/'"),
        ("the pane is dead, and its process was not asked for yet", "tmux \"$@\" | sed 's/|1|0||[0-9]*|/|1||||/'"),
        ("no answer in time", "exec sleep 60"),
    ] {
        let stage = Stage::new();
        let server = remaining(&stage, "untold");
        let gate = gated(&server, "good", "exit 0");
        end(&server, "good", &gate);
        let path = changed(&stage, change);
        let plan = reconcile(&stage, &path, &["good"]);
        assert_eq!(super::brief(plan.last("verdict")), FINISHED, "{what}: {plan:#?}");
        let done = reconcile(&stage, &path, &["good", "--apply"]);
        assert_eq!(super::brief(done.last("verdict")), FINISHED, "{what}: {done:#?}");
        assert_eq!(stage.run_of("good")["state"], "completed", "{what}");
        assert_eq!(stage.heard("lead", "worker_died"), 0, "{what}");
    }
}

/// tmux has missed the end of its child, and the child waits to be asked: then the kernel tells what tmux would.
#[test]
fn an_end_that_tmux_has_missed_is_told_by_the_kernel() {
    if !has_tmux() {
        return;
    }
    for (end, wanted) in [
        ("exit 0", FINISHED),
        ("exit 3", "failed exit_code durable_result notify_parent failed failed"),
        ("kill -KILL $$", "killed signal durable_result notify_parent killed failed"),
    ] {
        let stage = Stage::new();
        let server = remaining(&stage, "missed");
        let gate = gated(&server, "good", end);
        let worker = process_of(&stage, 1);
        let row = server.tmux(&["list-panes", "-t", "=good", "-F", ROW]);
        let pid = stop(&server);
        std::fs::write(gate, "").unwrap();
        until("its end", || !lives(worker));
        let path = fake(&stage, &listing(&row));
        for apply in [&["good"][..], &["good", "--apply"]] {
            let call = reconcile(&stage, &path, apply);
            assert_eq!(super::brief(call.last("verdict")), wanted, "{end}: {call:#?}");
        }
        signal(pid, Signal::SIGCONT);
    }
}

/// Between the look and the repair somebody closed the pane: what it had told is still so.
#[test]
fn what_tmux_has_told_of_an_end_stays_told() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = remaining(&stage, "told");
    let gate = gated(&server, "good", "exit 0");
    end(&server, "good", &gate);
    let odd = stage.name("odd");
    let then = format!("rmdir {odd}; tmux \"$@\" | grep -v ':good$'");
    let path = std::env::var("PATH").unwrap();
    let path =
        fake(&stage, &format!("PATH='{path}'; if mkdir {odd} 2>/dev/null; then exec tmux \"$@\"; else {then}; fi"));
    let done = reconcile(&stage, &path, &["good", "--apply"]);
    assert_eq!(super::brief(done.last("verdict")), FINISHED, "{done:#?}");
    assert_eq!(stage.run_of("good")["state"], "completed");
}

/// A program that was put into the pane anew is not the worker, and its end is not the worker's.
#[test]
fn the_exit_of_another_program_in_the_pane_is_not_the_workers() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = remaining(&stage, "anew");
    gated(&server, "good", "exit 3");
    server.tmux(&["respawn-pane", "-k", "-t", "=good:", "exit 0"]);
    server.until_told("a dead pane", || {
        server.tmux(&["list-panes", "-t", "=good", "-F", "#{pane_dead}#{pane_dead_status}"]) == "10"
    });
    stage.assert_repaired(&["good"], VANISHED);
    assert_eq!(stage.heard("lead", "worker_died"), 1);
}
