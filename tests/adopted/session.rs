//! Adopted tmux sessions: found by their exact name, followed by their ids, gone with their process.

use serde_json::{Value, json};

use super::{Server, has_tmux, kill_and_wait, lives, state_of};
use crate::stage::{Stage, until};

/// field 3
#[test]
fn a_session_that_is_there_is_a_run_with_its_panes_process() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    let id = server.session("b1", "sleep 600");
    let call = server.adopt("b1", "b1", &["--parent", "lead"]);
    let adopted = call.last("run.adopted").clone();
    let pane: i64 = server.tmux(&["display-message", "-p", "-t", &id, "#{pane_pid}"]).parse().unwrap();
    let expected = [
        ("state", json!("in_turn")),
        ("pid", json!(pane)),
        ("tmux", json!("b1")),
        ("tmux_session", json!(id)),
        ("tmux_socket", json!(server.socket().to_str().unwrap())),
        ("tmux_server_pid", json!(server.pid())),
        ("launch_until", Value::Null),
    ];
    for (key, value) in expected {
        assert_eq!(adopted[key], value, "{key}: {adopted}");
    }
    assert_eq!(state_of(pane).unwrap().1, server.pid(), "tmux is its parent, not we");
    stage.assert_observed("b1", "alive", "running");
    server.tmux(&["rename-session", "-t", &id, "other"]);
    stage.assert_observed("b1", "alive", "running");
    stage.assert_no_turn("b1", 76, &format!("session b1 (process {pane}) lives"));
    server.session("keeper", "sleep 600");
    server.tmux(&["kill-session", "-t", &id]);
    until("its end", || !lives(pane));
    assert_eq!((stage.observed("b1").0, stage.run_of("b1")["state"].clone()), ("gone".into(), json!("in_turn")));
    let call = stage.turn(&["run", "--agent", "b1", "--", "true"]);
    assert_eq!((&call.ended()["run"], call.word("outcome")), (&adopted["run"], "silent"), "the mail is owed still");
}

/// field 31c: a look starts no server. A heartbeat that comes before the session is stored, and says nothing of it; the one after it finds it.
#[test]
fn a_session_that_comes_later_is_booting_until_a_beat_finds_it() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    let adopted = server.adopt("b1", "b1", &[]);
    let adopted = adopted.last("run.adopted");
    assert_eq!(
        (&adopted["state"], &adopted["pid"], &adopted["tmux_session"]),
        (&json!("booting"), &Value::Null, &Value::Null)
    );
    assert!(adopted["launch_until"].is_string());
    assert!(!server.socket().exists(), "a look starts no server");
    stage.assert_observed("b1", "unknown", "launching");
    stage.assert_no_turn("b1", 75, "has yet to come");
    assert_eq!(stage.turn(&["beat", "b1"]).last("run.beat")["state"], "booting");
    let id = server.session("b1", "sleep 600");
    stage.assert_observed("b1", "alive", "listed");
    assert_eq!(stage.run_of("b1")["state"], "booting", "looking writes nothing");
    stage.assert_no_turn("b1", 76, "session b1 lives");
    let beat = stage.turn(&["beat", "b1"]);
    assert_eq!((&beat.last("run.beat")["state"], &beat.last("run.beat")["beats"]), (&json!("in_turn"), &json!(2)));
    let run = stage.run_of("b1");
    assert_eq!((&run["tmux_session"], &run["tmux_server_pid"]), (&json!(id), &json!(server.pid())));
    assert!(run["pid"].is_i64() && run["start_ticks"].is_i64(), "{run}");
    stage.assert_observed("b1", "alive", "running");
}

#[test]
fn a_session_that_never_came_is_gone_after_its_launch_deadline() {
    if !has_tmux() {
        return;
    }
    for is_up in [false, true] {
        let stage = Stage::new();
        let server = Server::new(&stage, "one");
        if is_up {
            server.session("keeper", "sleep 600");
        }
        let call = server.adopt("b1", "b1", &["--launch-deadline", "1ms", "--max-attempts", "2"]);
        assert_eq!(call.last("run.adopted")["state"], "booting");
        until("the deadline", || stage.observed("b1") == ("gone".into(), "never_appeared".into()));
        stage.turn(&["run", "--agent", "b1", "--", "false"]).assert_end("failed", 1);
        assert_eq!(stage.run_of("b1")["run"], "r1");
    }
}

/// A twin is never taken for it, and every name that tmux can hold is found by what was typed.
#[test]
fn a_session_is_found_by_its_whole_name_however_odd() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    server.session("live-2", "sleep 600");
    assert_eq!(server.adopt("twin", "live", &[]).last("run.adopted")["state"], "booting");
    stage.assert_observed("twin", "unknown", "launching");
    server.session("live", "sleep 600");
    assert_eq!(stage.turn(&["beat", "twin"]).last("run.beat")["state"], "in_turn");
    let ids = |agent: &str| stage.run_of(agent)["tmux_session"].clone();
    let two = server.adopt("two", "live-2", &[]).last("run.adopted")["tmux_session"].clone();
    assert!(two != ids("twin") && two == ids("two"));
    let rows = [
        ("a.b:c", "a_b_c"),
        ("naïve 日本|x", "naïve 日本|x"),
        ("sp ace  two", "sp ace  two"),
        ("=eq*?[x]", "=eq*?[x]"),
        (r"back\slash", r"back\\slash"),
        ("100%", "100%"),
    ];
    for (number, (typed, stored)) in rows.iter().enumerate() {
        let id = server.session(typed, "sleep 600");
        let agent = format!("odd{number}");
        let call = server.adopt(&agent, typed, &[]);
        let adopted = call.last("run.adopted");
        assert_eq!((&adopted["state"], &adopted["tmux"]), (&json!("in_turn"), &json!(stored)), "{typed}: {call:?}");
        assert_eq!(adopted["tmux_session"], json!(id), "{typed}");
        let by_id = server.adopt(&format!("{agent}-id"), &id, &[]);
        assert_eq!(by_id.last("run.adopted")["tmux"], json!(stored), "{typed}");
    }
    server.adopt("none", "$999", &[]).assert_refused(66, "no session $999");
}

/// A server with its sessions goes, or its sessions live without it; nobody is taken for somebody else.
#[test]
fn a_killed_server_takes_its_sessions_and_a_new_one_does_not_bring_them_back() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    server.session("b1", "sleep 600");
    let pane = server.adopt("b1", "b1", &[]).last("run.adopted")["pid"].as_i64().unwrap();
    super::kill_and_wait(server.pid());
    until("its end", || !lives(pane));
    assert_eq!(stage.observed("b1").0, "gone");
    // The new server begins to count anew: the same id, the same name.
    assert_eq!(server.session("b1", "sleep 600"), "$0");
    assert_eq!(stage.observed("b1").0, "gone");
    stage.turn(&["run", "--agent", "b1", "--", "true"]).assert_end("completed", 0);
}

/// A process that outlives its session is alive whatever tmux says of it.
#[test]
fn a_process_that_outlives_its_session_is_not_gone() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    let command =
        format!("exec {} 'ignore HUP' 'touch {}' hang", crate::support::fake_agent().display(), stage.name("up"));
    let id = server.session("b1", &command);
    until("the agent", || stage.path("up").exists());
    let pane = server.adopt("b1", "b1", &[]).last("run.adopted")["pid"].as_i64().unwrap();
    server.session("keeper", "sleep 600");
    server.tmux(&["kill-session", "-t", &id]);
    assert!(lives(pane));
    stage.assert_observed("b1", "alive", "running");
    stage.assert_no_turn("b1", 76, "lives (running)");
}

#[test]
fn a_kill_is_for_the_panes_process_and_never_for_the_server() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    server.session("keeper", "sleep 600");
    server.session("b1", "sleep 600");
    let pane = server.adopt("b1", "b1", &[]).last("run.adopted")["pid"].clone();
    let pid = server.pid();
    let call = stage.turn(&["adopt", "--agent", "x", "--pid", &pid.to_string()]);
    call.assert_refused(76, "is a tmux server");
    let stop = stage.turn(&["stop", "b1", "--kill"]);
    assert_eq!((stop.code, &stop.last("turn.stopped")["signalled_pid"]), (0, &pane), "{stop:?}");
    assert!(!lives(pane.as_i64().unwrap()) && lives(pid));
    assert_eq!(server.tmux(&["list-sessions", "-F", "#{session_name}"]), "keeper");
    // One that has come since, and that no beat has found, is found by the kill.
    assert_eq!(server.adopt("b2", "b2", &[]).last("run.adopted")["state"], "booting");
    server.session("b2", "sleep 600");
    let stop = stage.turn(&["stop", "b2", "--kill"]);
    assert!(stop.last("turn.stopped")["signalled_pid"].is_i64(), "{stop:?}");
    until("its end", || server.tmux(&["list-sessions", "-F", "#{session_name}"]) == "keeper");
}

/// It was none when it was adopted.
#[test]
fn a_process_that_has_become_a_server_is_not_killed() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let socket = stage.name("socket");
    let become_one = format!("exec exec tmux -f /dev/null -S {socket} -D");
    let pid = stage.background("w", &[&format!("wait-file {}", stage.name("go")), &become_one]);
    stage.adopt("b1", pid, &[]);
    std::fs::write(stage.path("go"), "").unwrap();
    let name = format!("/proc/{pid}/comm");
    until("the server", || std::fs::read_to_string(&name).is_ok_and(|name| name.starts_with("tmux: server")));
    stage.turn(&["stop", "b1", "--kill"]).assert_refused(76, "is a tmux server");
    assert!(lives(pid));
    kill_and_wait(pid);
}

#[test]
fn what_has_ended_in_a_pane_that_remains_is_not_adopted() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    server.session("keeper", "sleep 600");
    server.tmux(&["set-option", "-g", "remain-on-exit", "on"]);
    server.session("dead", "exit 3");
    let dead = || server.tmux(&["list-panes", "-a", "-F", "#{session_name} #{pane_dead}"]).contains("dead 1");
    server.until_told("its end", dead);
    server.adopt("b1", "dead", &[]).assert_refused(76, "what ran in its first pane has ended");
    assert!(!stage.state().exists());
}
