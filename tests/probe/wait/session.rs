//! `tmux`: the end of a session, told by its server, its pane's process or its pane's terminal; and what is none.

use std::process::{Child, Command};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::{asleep, ended, piped, record, words};
use crate::adopted::{Server, fake, has_tmux};
use crate::stage::{Stage, until};

/// Signals to its process do not end it.
const DEAF: &str = "trap '' HUP TERM; while :; do sleep 600; done";

fn wait(stage: &Stage, name: &str, more: &[&str]) -> Command {
    let mut command = stage.command(env!("CARGO_BIN_EXE_probe"));
    command.env("TMUX_TMPDIR", stage.path("tmux")).env_remove("TMUX");
    command.args(["wait", "tmux", name, "gone", "--socket", "one"]).args(more);
    piped(command)
}

/// A wait that has seen its session and has set all its watches: server, process, terminal.
fn watching(stage: &Stage, name: &str) -> Child {
    let child = wait(stage, name, &["--timeout", "60s"]).spawn().unwrap();
    until("the watches", || {
        let fds = std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap();
        let names: Vec<String> = fds
            .filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok())
            .map(|link| link.display().to_string())
            .collect();
        let have = |what: &str| names.iter().filter(|name| name.contains(what)).count();
        have("inotify") == 1 && have("pidfd") == 2
    });
    super::sleeping(&child);
    child
}

fn pid(number: i64) -> Pid {
    Pid::from_raw(i32::try_from(number).unwrap())
}

fn pane_pid(server: &Server<'_>, session: &str) -> i64 {
    server.tmux(&["list-panes", "-t", session, "-F", "#{pane_pid}"]).parse().unwrap()
}

fn told(end: &Value) -> (bool, [&str; 3]) {
    (end["polled"].as_bool().unwrap(), words(end))
}

/// The terminal alone tells it: the process in the pane lives on.
#[test]
fn a_session_that_is_killed_wakes_it_though_its_process_does_not_die_of_it() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    server.session("build", DEAF);
    server.session("build-2", "sleep 600");
    let deaf = pane_pid(&server, "=build");
    let waiter = watching(&stage, "build");
    server.tmux(&["kill-session", "-t", "=build"]);
    let end = ended(waiter, 0);
    assert_eq!((told(&end), &end["looks"]), ((false, ["met", "not_listed", "notice"]), &2.into()));
    assert!(std::path::Path::new(&format!("/proc/{deaf}")).exists());
    kill(pid(deaf), Signal::SIGKILL).unwrap();
    let end = record(wait(&stage, "build", &[]), 0);
    assert_eq!((told(&end), &end["looks"]), ((false, ["met", "never_seen", "null"]), &2.into()), "two looks agree");
    let end = record(wait(&stage, "build", &["--timeout", "0s"]), 0);
    assert_eq!(end["outcome"], "met", "the second look is a part of the first");
    let end = record(wait(&stage, "build-2", &["--timeout", "0s"]), 75);
    assert_eq!(told(&end), (false, ["timeout", "listed", "null"]), "no prefix is a name");
}

#[test]
fn the_end_of_the_last_process_in_a_session_wakes_it_and_not_that_of_the_first() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    let id = server.session("build", "sleep 600");
    server.session("keeper", "sleep 600");
    let first = pane_pid(&server, "build");
    server.tmux(&["new-window", "-d", "-t", "build", "sleep 600"]);
    let panes = server.tmux(&["list-panes", "-s", "-t", "build", "-F", "#{pane_pid}"]);
    let second: i64 = panes.lines().find(|line| **line != first.to_string()).unwrap().parse().unwrap();
    let waiter = watching(&stage, "build");
    kill(pid(first), Signal::SIGKILL).unwrap();
    until("the pane's end", || server.tmux(&["list-panes", "-s", "-t", "build"]).lines().count() == 1);
    // Once seen it is followed by its id.
    server.tmux(&["rename-session", "-t", &id, "other"]);
    kill(pid(second), Signal::SIGKILL).unwrap();
    let end = ended(waiter, 0);
    assert_eq!((&end["outcome"], &end["reason"]), (&"met".into(), &"not_listed".into()), "{end}");
    assert!(["notice", "poll"].contains(&end["woken_by"].as_str().unwrap()), "{end}");
}

#[test]
fn a_pane_is_waited_for_by_its_id() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    server.session("build", "sleep 600");
    let pane = server.tmux(&["split-window", "-d", "-P", "-F", "#{pane_id}", "-t", "build", "sleep 600"]);
    let waiter = watching(&stage, &pane);
    server.tmux(&["kill-pane", "-t", &pane]);
    assert_eq!(told(&ended(waiter, 0)), (false, ["met", "not_listed", "notice"]));
}

#[test]
fn the_death_of_the_server_ends_all_who_wait_for_its_sessions() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    server.session("a", "sleep 600");
    server.session("b", "sleep 600");
    let waiters = ["a", "b"].map(|name| watching(&stage, name));
    kill(pid(server.pid()), Signal::SIGKILL).unwrap();
    for waiter in waiters {
        // On a busy machine the look may come before all that tells of its end can be watched: then it is asked for.
        let end = ended(waiter, 0);
        let (polled, words) = told(&end);
        let woken_by = if polled { "poll" } else { "notice" };
        assert_eq!(words, ["met", "no_server", woken_by], "{end}");
    }
    let end = record(wait(&stage, "a", &[]), 0);
    assert_eq!((told(&end), &end["looks"]), ((false, ["met", "no_server", "null"]), &2.into()));
}

/// A stopped server says nothing, which says nothing; and the time is kept all the same.
#[test]
fn a_server_that_does_not_answer_is_not_gone() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    server.session("build", "sleep 600");
    let number = pid(server.pid());
    kill(number, Signal::SIGSTOP).unwrap();
    let end = record(wait(&stage, "build", &["--timeout", "500ms"]), 75);
    assert_eq!(words(&end), ["timeout", "timeout", "null"], "{end}");
    kill(number, Signal::SIGCONT).unwrap();
    let waiter = watching(&stage, "build");
    kill(number, Signal::SIGSTOP).unwrap();
    let deaf = record(wait(&stage, "build", &["--timeout", "0s"]), 75);
    assert_eq!(deaf["reason"], "timeout");
    kill(number, Signal::SIGCONT).unwrap();
    server.tmux(&["kill-session", "-t", "build"]);
    assert_eq!(ended(waiter, 0)["outcome"], "met");
}

/// A socket is a name, and a server lives without it.
#[test]
fn a_socket_that_was_taken_away_is_no_end_of_a_session() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    // Ids begin anew with each server: the next one's first session is no other `build`.
    server.session("keeper", "sleep 600");
    server.session("build", "sleep 600");
    let number = pid(server.pid());
    let process = pane_pid(&server, "build");
    let mut waiter = watching(&stage, "build");
    let socket = stage.path(&format!("tmux/tmux-{}/one", rustix::process::geteuid().as_raw()));
    std::fs::remove_file(&socket).unwrap();
    let end = record(wait(&stage, "build", &["--timeout", "60s"]), 69);
    assert_eq!((told(&end), &end["looks"]), ((false, ["unknown", "no_socket", "null"]), &1.into()));
    // A second server where the first one was: what it does not list it never had.
    server.session("another", "sleep 600");
    assert!(waiter.try_wait().unwrap().is_none());
    kill(pid(process), Signal::SIGKILL).unwrap();
    until("the look at another server", || {
        // ppoll(2) on nothing at all: it has lost its signs, and polls.
        let call = std::fs::read_to_string(format!("/proc/{}/syscall", waiter.id())).unwrap_or_default();
        waiter.try_wait().unwrap().is_some() || call.split(' ').nth(2) == Some("0x0")
    });
    assert!(waiter.try_wait().unwrap().is_none(), "another server's word");
    kill(number, Signal::SIGKILL).unwrap();
    let end = ended(waiter, 0);
    assert_eq!((&end["outcome"], &end["reason"]), (&"met".into(), &"no_server".into()), "{end}");
    assert!(end["looks"].as_i64().unwrap() <= 4 + end["waited_ms"].as_i64().unwrap() / 250, "it spins: {end}");
}

#[test]
fn a_pane_that_remains_when_its_process_is_dead_does_not_look_alive() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    server.session("build", "sleep 600");
    server.tmux(&["set-option", "-g", "remain-on-exit", "on"]);
    let process = pane_pid(&server, "build");
    let mut waiter = watching(&stage, "build");
    kill(pid(process), Signal::SIGKILL).unwrap();
    server.until_told("the end of the wait", || waiter.try_wait().unwrap().is_some());
    let end = ended(waiter, 0);
    assert_eq!((&end["outcome"], &end["reason"]), (&"met".into(), &"pane_dead".into()), "{end}");
}

#[test]
fn what_keeps_tmux_from_being_asked_is_unknown_at_once_or_waited_out() {
    let stage = Stage::new();
    std::fs::create_dir(stage.path("tmux")).unwrap();
    let mut none = wait(&stage, "build", &["--timeout", "60s"]);
    none.env("PATH", stage.path("nothing"));
    assert_eq!(words(&record(none, 69)), ["unknown", "not_installed", "null"]);
    let said = [
        ("error connecting to /tmp/x (Permission denied)", Some("permission_denied")),
        ("protocol version mismatch (client 8, server 7)", Some("version_mismatch")),
        ("server exited unexpectedly", None),
        ("something else", None),
    ];
    for (words_of_tmux, lasting) in said {
        let path = fake(&stage, &format!("echo '{words_of_tmux}' >&2; exit 1"));
        let mut command = wait(&stage, "build", &["--timeout", "300ms"]);
        command.env("PATH", path);
        match lasting {
            Some(why) => assert_eq!(words(&record(command, 69)), ["unknown", why, "null"]),
            None => {
                let end = record(command, 75);
                assert_eq!((&end["outcome"], &end["polled"]), (&"timeout".into(), &true.into()), "{end}");
            }
        }
    }
}

/// Where its server is in another namespace only tmux can tell, and is asked often.
#[test]
fn a_server_that_cannot_be_seen_is_asked_again_and_again() {
    let stage = Stage::new();
    std::fs::create_dir(stage.path("tmux")).unwrap();
    let list = stage.path("list");
    std::fs::write(&list, "$3|1763000000|4194305|1763000001|@5|%7|4194306|0||||/tmp/s::build\nbuffer-limit 50\n")
        .unwrap();
    let path = fake(
        &stage,
        &format!(
            "echo >>{0}.asked; if [ -s {0} ]; then cat {0}; else echo no current target >&2; exit 1; fi",
            list.display()
        ),
    );
    let mut command = wait(&stage, "build", &["--timeout", "60s"]);
    let waiter = asleep({
        command.env("PATH", path);
        command
    });
    // Asked a second time it has seen the session in the first answer.
    until("a second question", || std::fs::read(stage.path("list.asked")).is_ok_and(|asked| asked.len() > 1));
    std::fs::write(&list, "").unwrap();
    let end = ended(waiter, 0);
    assert_eq!((&end["outcome"], &end["reason"]), (&"met".into(), &"not_listed".into()));
    assert!(end["polled"] == true && end["woken_by"] == "poll" || end["woken_by"].is_null(), "{end}");
}
