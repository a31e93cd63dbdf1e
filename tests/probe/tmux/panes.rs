//! Sessions with one pane and with many, and what became of the process in each.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::{assert_findings, findings, of_kind, probe};
use crate::adopted::{Server, has_tmux};
use crate::stage::{Stage, until};

/// A server whose panes remain.
fn remaining<'s>(stage: &'s Stage) -> Server<'s> {
    let server = Server::new(stage, "one");
    server.session("keeper", "exec sleep 600");
    server.tmux(&["set-option", "-g", "remain-on-exit", "on"]);
    server
}

/// Those of whose ends tmux tells how they were.
fn dead_panes(server: &Server<'_>) -> usize {
    let told = server.tmux(&["list-panes", "-a", "-F", "#{pane_dead}#{pane_dead_status}#{pane_dead_signal}"]);
    told.lines().filter(|dead| dead.len() > 1).count()
}

/// With a global remain-on-exit, and with the session's own.
#[test]
fn a_pane_that_remains_is_dead_with_its_exit_code_or_its_signal() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = remaining(&stage);
    let ends = [
        ("ok", "exit 0", json!(0), Value::Null),
        ("nine", "exit 9", json!(9), Value::Null),
        ("killed", "kill -9 $$", Value::Null, json!(9)),
    ];
    for (name, script, _, _) in &ends {
        server.session(name, script);
    }
    server.until_told("their ends", || dead_panes(&server) == 3);
    for (name, _, code, signal) in ends {
        let call = probe(&server, &[name, "--exit-code"]);
        assert_eq!(call.code, 1, "{call:?}");
        let detail = &of_kind(&call, "session")["detail"];
        let process = format!("process {} no dead pane_dead", detail["pid"]);
        let session = format!("session {name} no dead pane_dead");
        assert_findings(&call, &["server one yes alive answered", &session, &process]);
        assert_eq!(
            (&detail["exit_code"], &detail["signal"], &detail["panes_dead"]),
            (&code, &signal, &json!(1)),
            "{name}"
        );
        assert!(detail["ended_at"].is_string() && detail["foreground"].is_null(), "{detail}");
        // The number of a process that tmux has waited for may be another's by now: it is not looked at.
        assert_eq!(of_kind(&call, "process")["instrument"], "tmux");
    }
}

#[test]
fn each_pane_of_a_session_is_told_by_itself_and_one_dead_one_does_not_make_the_session_dead() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = remaining(&stage);
    let id = server.session("b1", "exec sleep 600");
    let window = format!("{id}:");
    server.tmux(&["split-window", "-t", &window, "exit 9"]);
    server.tmux(&["new-window", "-d", "-t", &window, "exec sleep 600"]);
    server.until_told("its end", || dead_panes(&server) == 1);
    let listed = server.tmux(&["list-panes", "-s", "-t", &id, "-F", "#{pane_id} #{pane_pid} #{pane_dead}"]);
    let call = probe(&server, &["b1"]);
    let mut expected = vec!["server one yes alive answered".to_owned(), "session b1 yes alive listed".into()];
    for line in listed.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let words = if fields[2] == "1" { ["no dead pane_dead"; 2] } else { ["yes alive listed", "yes alive running"] };
        expected.push(format!("pane {} {}", fields[0], words[0]));
        expected.push(format!("process {} {}", fields[1], words[1]));
    }
    assert_eq!(findings(&call), expected);
    let session = &call.all("evidence")[1]["detail"];
    let counts = ["windows", "panes", "panes_dead", "pane", "pid"].map(|key| session[key].clone());
    assert_eq!(counts, [json!(2), json!(3), json!(1), Value::Null, Value::Null]);
    let dead = *call
        .all("evidence")
        .iter()
        .find(|record| record["subject_kind"] == "pane" && record["finding"] == "no")
        .unwrap();
    assert_eq!((&dead["detail"]["exit_code"], &dead["detail"]["session"]), (&json!(9), &json!(id)));
    // The dead pane by its own id, and a window by its.
    let pane = dead["subject"].as_str().unwrap();
    let call = probe(&server, &[pane]);
    assert_eq!(
        (of_kind(&call, "pane")["subject"].as_str(), &of_kind(&call, "pane")["reason"]),
        (Some(pane), &json!("pane_dead"))
    );
    let window = dead["detail"]["window"].as_str().unwrap();
    let call = probe(&server, &[window]);
    assert_eq!(call.last("probe.ended")["evidence"], json!(5), "the server, two panes and their processes: {call:?}");
    assert_findings(&probe(&server, &["@99"]), &["server one yes alive answered", "pane @99 no dead not_listed"]);
    // When all are dead, so is the session.
    for line in listed.lines().filter(|line| !line.ends_with(" 1")) {
        let pid = line.split(' ').nth(1).unwrap().parse().unwrap();
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }
    server.until_told("their ends", || dead_panes(&server) == 3);
    assert!(findings(&probe(&server, &["b1"])).contains(&"session b1 no dead pane_dead".to_owned()));
}

/// Two sessions show the same windows; each of them is there, and so is what runs in them.
#[test]
fn grouped_sessions_are_each_there_with_the_same_pane() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    let id = server.session("b1", "exec sleep 600");
    server.tmux(&["new-session", "-d", "-s", "a", "-t", &id]);
    let call = probe(&server, &["a", "b1"]);
    let sessions: Vec<_> =
        call.all("evidence").into_iter().filter(|record| record["subject_kind"] == "session").collect();
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0]["detail"]["pane"], sessions[1]["detail"]["pane"]);
    assert_eq!((&sessions[0]["detail"]["group"], &sessions[0]["detail"]["panes"]), (&json!("b1"), &json!(1)));
    let pane = sessions[0]["detail"]["pane"].as_str().unwrap();
    assert_eq!(probe(&server, &[pane]).last("probe.ended")["evidence"], json!(3), "one pane is one record");
    server.tmux(&["kill-session", "-t", &id]);
    let call = probe(&server, &["a", "b1"]);
    let kinds: Vec<String> = findings(&call).into_iter().filter(|line| line.starts_with("session")).collect();
    assert_eq!(kinds, ["session a yes alive listed", "session b1 no dead not_listed"]);
}

/// The session lives, and the shell in it; what ran in the shell does not.
#[test]
fn a_shell_whose_command_has_ended_has_its_terminal_again() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    let id = server.session("b1", "exec bash --norc -i");
    let foreground = || of_kind(&probe(&server, &["b1"]), "session")["detail"]["foreground"].clone();
    server.tmux(&["send-keys", "-t", &format!("{id}:"), "sleep 600", "Enter"]);
    until("the command", || foreground() == "sleep");
    server.tmux(&["send-keys", "-t", &format!("{id}:"), "C-c"]);
    until("its end", || foreground() == "bash");
    let call = probe(&server, &["b1"]);
    assert_eq!(
        (&of_kind(&call, "session")["reason"], &of_kind(&call, "process")["reason"]),
        (&json!("listed"), &json!("running"))
    );
}

/// A server in another pid namespace: its sessions are there, and no process of ours is taken for one of theirs.
#[test]
fn the_process_of_a_pane_in_another_pid_namespace_is_unknown() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    let Some(mut apart) = server.start_apart() else { return };
    let call = probe(&server, &["b1"]);
    let pid = &of_kind(&call, "session")["detail"]["pid"];
    let process = format!("process {pid} unknown unknown not_a_child");
    assert_findings(&call, &["server one yes alive answered", "session b1 yes alive listed", &process]);
    assert_eq!(
        (&of_kind(&call, "server")["detail"]["identity"], &of_kind(&call, "process")["detail"]["start_ticks"]),
        (&Value::Null, &Value::Null)
    );
    apart.kill().unwrap();
    apart.wait().unwrap();
}
