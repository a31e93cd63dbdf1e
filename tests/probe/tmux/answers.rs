//! What is true of a server and of all on it, by what real servers answer or do not answer.

use std::fs;
use std::os::unix::process::CommandExt;

use serde_json::{Value, json};

use super::{assert_findings, call, command, of_kind, probe};
use crate::adopted::{Server, has_tmux, kill_and_wait};
use crate::contract::is_root;
use crate::stage::{Stage, until};

#[test]
fn a_server_that_never_was_is_unknown_for_there_is_no_socket() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    let call = probe(&server, &["b1", "--exit-code"]);
    assert_findings(&call, &["server one unknown unknown no_socket", "session b1 unknown unknown no_socket"]);
    assert_eq!(call.code, 69, "{call:?}");
    let detail = &of_kind(&call, "server")["detail"];
    assert_eq!((&detail["socket"], &detail["pid"]), (&json!(server.socket()), &Value::Null));
    assert_findings(&probe(&server, &["--all"]), &["server one unknown unknown no_socket"]);
}

#[test]
fn a_session_that_a_living_server_does_not_list_is_dead_and_its_prefix_twin_is_not_it() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    server.session("live-2", "sleep 600");
    let call = probe(&server, &["live", "--exit-code"]);
    assert_findings(&call, &["server one yes alive answered", "session live no dead not_listed"]);
    assert_eq!(call.code, 1, "{call:?}");
    let detail = &of_kind(&call, "session")["detail"];
    assert_eq!((&detail["looks"], &detail["inherited"], &detail["name"]), (&json!(1), &json!(false), &Value::Null));
    assert_eq!(detail["server_pid"], json!(server.pid()));
}

#[test]
fn a_session_that_is_there_is_told_with_its_server_and_its_process() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    let id = server.session("b1", "exec sleep 600");
    let shown = server.tmux(&["display-message", "-p", "-t", &id, "#{pane_pid} #{session_created} #{start_time}"]);
    let numbers: Vec<i64> = shown.split(' ').map(|number| number.parse().unwrap()).collect();
    let call = probe(&server, &["b1", "--exit-code"]);
    let process = format!("process {} yes alive running", numbers[0]);
    assert_findings(&call, &["server one yes alive answered", "session b1 yes alive listed", &process]);
    assert_eq!((call.code, &call.last("probe.ended")["yes"]), (0, &json!(3)));
    let at = |seconds: i64| json!(refloat::clock::Stamp::from_millis(seconds * 1000));
    let told = &of_kind(&call, "server")["detail"];
    assert_eq!(
        (&told["pid"], &told["started_at"], &told["sessions"]),
        (&json!(server.pid()), &at(numbers[2]), &json!(1))
    );
    let who = format!("{}:{}@", server.pid(), crate::adopted::start_ticks_of(server.pid()));
    assert!(told["identity"].as_str().unwrap().starts_with(&who), "{told}");
    let session = &of_kind(&call, "session")["detail"];
    for (key, value) in [
        ("session", json!(id)),
        ("name", json!("b1")),
        ("created_at", at(numbers[1])),
        ("windows", json!(1)),
        ("panes", json!(1)),
        ("panes_dead", json!(0)),
        ("pid", json!(numbers[0])),
        ("foreground", json!("sleep")),
        ("exit_code", Value::Null),
        ("server_pid", json!(server.pid())),
    ] {
        assert_eq!(session[key], value, "{key}");
    }
    let process = of_kind(&call, "process");
    assert_eq!((&process["instrument"], &process["detail"]["identity_unproven"]), (&json!("pidfd"), &json!(false)));
    assert_eq!(process["detail"]["start_ticks"], json!(crate::adopted::start_ticks_of(numbers[0])));
}

/// A fall of many sessions at once is one event.
#[test]
fn a_killed_server_is_one_event_that_all_sessions_inherit_after_two_looks() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    server.session("b1", "sleep 600");
    server.session("b2", "sleep 600");
    let identity = of_kind(&probe(&server, &["b1"]), "server")["detail"]["identity"].as_str().unwrap().to_owned();
    kill_and_wait(server.pid());
    let gone = [
        "server one no dead no_server",
        "session b1 no dead no_server",
        "session b2 no dead no_server",
        "session b* no dead no_server",
        "pane %0 no dead no_server",
    ];
    let asked = ["b1", "b2", "b*", "%0"];
    let call = probe(&server, &asked);
    assert_findings(&call, &gone);
    for record in call.all("evidence") {
        assert_eq!(record["detail"]["looks"], json!(2), "{record}");
        assert!(record["subject_kind"] == "server" || record["detail"]["inherited"] == true, "{record}");
    }
    // One silent socket proves nothing, unless the server's process was recorded.
    let call = probe(&server, &["b1", "--looks", "1"]);
    assert_findings(&call, &["server one unknown unknown no_server", "session b1 unknown unknown no_server"]);
    let call = probe(&server, &[&asked[..], &["--server", &identity]].concat());
    assert_findings(&call, &gone);
    let detail = &of_kind(&call, "server")["detail"];
    assert_eq!((&detail["recorded"], &detail["looks"]), (&json!("gone"), &json!(1)));
}

#[test]
fn a_socket_that_was_deleted_under_a_living_server_is_no_death_until_its_process_is_gone() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    server.session("b1", "sleep 600");
    let pid = server.pid();
    let identity = of_kind(&probe(&server, &["b1"]), "server")["detail"]["identity"].as_str().unwrap().to_owned();
    fs::remove_file(server.socket()).unwrap();
    let lost = ["server one unknown unknown no_socket", "session b1 unknown unknown no_socket"];
    assert_findings(&probe(&server, &["b1"]), &lost);
    let call = probe(&server, &["b1", "--server", &identity]);
    assert_findings(&call, &lost);
    assert_eq!(of_kind(&call, "server")["detail"]["recorded"], json!("alive"));
    // A second server on the same path is another one.
    server.session("b1", "sleep 600");
    let call = probe(&server, &["b1", "--all"][..1]);
    assert_eq!(call.last("probe.ended")["yes"], json!(3), "what was not recorded cannot be missed");
    let replaced = ["server one unknown unknown socket_replaced", "session b1 unknown unknown socket_replaced"];
    let call = probe(&server, &["b1", "--server", &identity]);
    assert_findings(&call, &replaced);
    assert_eq!(of_kind(&call, "server")["detail"]["pid"], json!(server.pid()), "who answered instead");
    kill_and_wait(server.pid());
    assert_findings(&probe(&server, &["b1", "--server", &identity]), &replaced);
    kill_and_wait(pid);
    let gone = ["server one no dead no_server", "session b1 no dead no_server"];
    assert_findings(&probe(&server, &["b1", "--server", &identity]), &gone);
}

#[test]
fn a_server_without_sessions_says_so() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    let id = server.session("b1", "sleep 600");
    server.tmux(&["set-option", "-g", "exit-empty", "off"]);
    server.tmux(&["kill-session", "-t", &id]);
    let call = probe(&server, &["--all"]);
    assert_findings(&call, &["server one yes alive no_sessions"]);
    assert_eq!(of_kind(&call, "server")["detail"]["sessions"], json!(0));
    let call = probe(&server, &["b1", "%0", "b?"]);
    let absent = ["session b1 no dead not_listed", "pane %0 no dead not_listed", "session b? no dead not_listed"];
    assert_findings(&call, &[&["server one yes alive no_sessions"], &absent[..]].concat());
}

/// Killed from outside, or ended at once: gone, and no exit code is made up.
#[test]
fn a_session_that_somebody_killed_or_that_ended_at_once_is_gone_without_an_exit_code() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    server.session("keeper", "sleep 600");
    let id = server.session("b1", "sleep 600");
    server.tmux(&["kill-session", "-t", &id]);
    server.session("b2", "exit 3");
    until("its end", || !server.tmux(&["list-sessions", "-F", "#{session_name}"]).contains("b2"));
    for asked in ["b1", &id, "b2"] {
        let call = probe(&server, &[asked]);
        assert_findings(&call, &["server one yes alive answered", &format!("session {asked} no dead not_listed")]);
        let detail = &of_kind(&call, "session")["detail"];
        assert_eq!((&detail["exit_code"], &detail["signal"]), (&Value::Null, &Value::Null));
    }
}

#[test]
fn a_socket_that_may_not_be_used_is_no_absence() {
    if !has_tmux() || !is_root() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    server.session("b1", "sleep 600");
    let socket = server.socket();
    let copy = stage.path("probe");
    // Copied by somebody else, as `executable` writes.
    assert!(stage.command("cp").arg(crate::contract::binary("probe")).arg(&copy).status().unwrap().success());
    let open =
        |path: &std::path::Path, mode| fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode));
    open(copy.parent().unwrap(), 0o755).unwrap();
    let mut unprivileged = command(&stage, &["b1", "--socket", socket.to_str().unwrap(), "--exit-code"]);
    let args: Vec<_> = unprivileged.get_args().map(std::ffi::OsStr::to_owned).collect();
    unprivileged = stage.command(&copy);
    unprivileged.args(args).env_remove("TMUX").env("HOME", "/nonexistent").uid(65534).gid(65534).current_dir("/");
    let call = call(&stage, unprivileged);
    let subject = socket.to_str().unwrap();
    let denied = [
        format!("server {subject} unknown unknown permission_denied"),
        "session b1 unknown unknown permission_denied".into(),
    ];
    assert_findings(&call, &denied.each_ref().map(String::as_str));
    assert_eq!(call.code, 69);
    assert!(of_kind(&call, "server")["detail"]["said"].as_str().unwrap().contains("Permission denied"));
    until("it lives", || server.is_up());
}

/// tmux itself calls it "no server" where no socket is: of a session this says nothing.
#[test]
fn what_is_no_socket_is_no_death() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let file = stage.path("file");
    fs::write(&file, "").unwrap();
    fs::create_dir(stage.path("folder")).unwrap();
    for path in [file, stage.path("folder"), "/dev/null".into()] {
        let path = path.to_str().unwrap();
        let call = call(&stage, command(&stage, &["b1", "--socket", path]));
        let server = format!("server {path} unknown unknown connect_failed");
        assert_findings(&call, &[&server, "session b1 unknown unknown connect_failed"]);
    }
}
