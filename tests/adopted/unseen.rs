//! A session whose process cannot be seen from here, as in another pid namespace: what tmux says is all there is.

use std::fs;

use serde_json::{Value, json};

use super::{Server, has_tmux, kill_and_wait};
use crate::stage::{Stage, until};

/// An adopted session of which only tmux knows the process.
fn unseen(stage: &Stage, server: &Server<'_>) -> String {
    let id = server.session("b1", "sleep 600");
    let call = server.adopt("b1", "b1", &[]);
    assert_eq!(call.last("run.adopted")["state"], "in_turn");
    stage.sql("UPDATE worker SET process = NULL");
    stage.assert_observed("b1", "alive", "listed");
    stage.assert_no_turn("b1", 76, "lives (listed)");
    id
}

/// A server in another pid namespace: its numbers mean nothing here, and no process of ours is taken for its own.
#[test]
fn a_servers_process_in_another_pid_namespace_is_not_looked_for_among_ours() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    let Some(mut apart) = server.start_apart() else { return };
    let call = server.adopt("b1", "b1", &[]);
    let adopted = call.last("run.adopted");
    assert_eq!((&adopted["state"], &adopted["pid"]), (&json!("in_turn"), &Value::Null), "{call:?}");
    assert!(adopted["tmux_server_pid"].as_i64().unwrap() < 10, "a number of its own namespace: {adopted}");
    stage.assert_observed("b1", "alive", "listed");
    stage.assert_no_turn("b1", 76, "session b1 lives (listed)");
    let stop = stage.turn(&["stop", "b1", "--kill"]);
    assert_eq!((stop.code, server.is_up()), (69, true), "{stop:?}");
    apart.kill().unwrap();
    apart.wait().unwrap();
}

/// tmux answered, and it is not listed.
#[test]
fn a_session_that_is_no_longer_listed_is_gone() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    let id = unseen(&stage, &server);
    // The same id on the same server, and not the same session: ids are told apart by when they began.
    stage.sql("UPDATE worker SET tmux = json_set(tmux, '$.found.created', json_extract(tmux, '$.found.created') - 9)");
    stage.assert_observed("b1", "gone", "not_listed");
    stage.sql("UPDATE worker SET tmux = json_set(tmux, '$.found.created', json_extract(tmux, '$.found.created') + 9)");
    stage.assert_observed("b1", "alive", "listed");
    server.session("b1-2", "sleep 600");
    server.tmux(&["kill-session", "-t", &id]);
    stage.assert_observed("b1", "gone", "not_listed");
    server.session("b1", "sleep 600");
    stage.assert_observed("b1", "gone", "not_listed");
    stage.turn(&["run", "--agent", "b1", "--", "true"]).assert_end("completed", 0);
}

/// A pane that a grouped session shows too, or that was moved to another session, is the one that it was.
#[test]
fn a_pane_that_other_sessions_show_is_still_the_one_that_was_adopted() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    let id = unseen(&stage, &server);
    // tmux lists sessions by their names: this one comes first.
    server.tmux(&["new-session", "-d", "-s", "a", "-t", &id]);
    stage.assert_observed("b1", "alive", "listed");
    server.tmux(&["kill-session", "-t", "=a"]);
    server.session("c", "sleep 600");
    server.tmux(&["move-window", "-s", "=b1:", "-t", "=c:"]);
    stage.assert_observed("b1", "alive", "listed");
    server.tmux(&["kill-session", "-t", "=c"]);
    until("the server's end", || !server.is_up());
}

/// A server without sessions has answered too.
#[test]
fn a_server_without_sessions_has_answered() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    let id = unseen(&stage, &server);
    server.tmux(&["set-option", "-g", "exit-empty", "off"]);
    server.tmux(&["kill-session", "-t", &id]);
    stage.assert_observed("b1", "gone", "not_listed");
}

/// A dead pane that remains does not look alive.
#[test]
fn a_dead_pane_that_remains_is_gone() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    let id = unseen(&stage, &server);
    server.tmux(&["set-option", "-t", &id, "remain-on-exit", "on"]);
    kill_and_wait(server.tmux(&["display-message", "-p", "-t", &id, "#{pane_pid}"]).parse().unwrap());
    server.until_told("its end", || stage.observed("b1") == ("gone".into(), "pane_dead".into()));
}

/// Nobody is behind the socket, and the recorded server is gone too. field 4.
#[test]
fn with_its_server_a_session_is_gone_for_certain() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    unseen(&stage, &server);
    kill_and_wait(server.pid());
    stage.assert_observed("b1", "gone", "no_server");
    server.session("b1", "sleep 600");
    stage.assert_observed("b1", "gone", "no_server");
    // The server's process was never seen either: then one silent socket proves nothing.
    stage.sql("UPDATE worker SET tmux = json_set(tmux, '$.found.server', NULL)");
    stage.assert_observed("b1", "unknown", "socket_replaced");
    server.tmux(&["kill-server"]);
    until("the server's end", || stage.observed("b1") == ("unknown".into(), "no_server".into()));
    stage.assert_no_turn("b1", 69, "no_server");
}

/// The socket is gone, or another server has it, and the recorded server lives.
#[test]
fn a_socket_that_was_taken_away_is_no_death() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    unseen(&stage, &server);
    let pid = server.pid();
    fs::remove_file(server.socket()).unwrap();
    stage.assert_observed("b1", "unknown", "no_socket");
    stage.assert_no_turn("b1", 69, "no_socket");
    server.session("b1", "sleep 600");
    assert_ne!(server.pid(), pid);
    stage.assert_observed("b1", "unknown", "socket_replaced");
    stage.assert_no_turn("b1", 69, "socket_replaced");
    kill_and_wait(pid);
    stage.assert_observed("b1", "gone", "no_server");
}

/// What cannot be seen is not signalled.
#[test]
fn a_kill_of_a_process_that_cannot_be_seen_signals_nothing_and_says_so() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    unseen(&stage, &server);
    let stop = stage.turn(&["stop", "b1", "--kill"]);
    assert_eq!((stop.code, &stop.last("turn.stopped")["state"]), (69, &json!("stopped")), "{stop:?}");
    assert!(stop.stderr.contains("nothing was signalled"), "{stop:?}");
    assert_eq!(server.tmux(&["list-sessions", "-F", "#{session_name}"]), "b1");
}
