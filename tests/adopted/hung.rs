//! A tmux that does not answer, or answers nonsense: it costs its timeout, and is never taken for an absence.

use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use refloat::clock::Tick;
use serde_json::json;

use super::{Server, fake, has_tmux, listing, lives, state_of, with_path};
use crate::stage::{Stage, until};

const ADOPT: [&str; 5] = ["adopt", "--agent", "b1", "--tmux", "b1"];

#[test]
fn what_tmux_cannot_answer_is_unknown_with_its_reason_and_nothing_is_stored() {
    let rows = [
        ("echo 'error connecting to /tmp/s (Permission denied)' >&2; exit 1", "permission_denied"),
        ("echo 'server exited unexpectedly' >&2; exit 1", "server_exited"),
        ("echo \"couldn't create directory /x (Read-only file system)\" >&2; exit 1", "no_directory"),
        ("echo 'protocol version mismatch (client 8, server 7)' >&2; exit 1", "version_mismatch"),
        ("echo 'error connecting to /tmp/s (Protocol not available)' >&2; exit 1", "connect_failed"),
        ("echo 'need UTF-8 locale (LC_CTYPE)' >&2; exit 1", "tmux_failed"),
        ("exit 1", "empty_answer"),
        ("exit 0", "empty_answer"),
        ("echo '|||||||||| garbage'", "unparsable"),
        ("echo '$0|1|2|3|@0|%0|'", "unparsable"),
        ("echo '$0|1|2|3|@0|%0|4|0||||/tmp/s::other'", "unparsable"),
        ("kill -9 $$", "empty_answer"),
    ];
    for (script, reason) in rows {
        let stage = Stage::new();
        let path = fake(&stage, script);
        with_path(&stage, &path, &ADOPT).assert_refused(69, &format!("cannot ask tmux ({reason})"));
        assert!(!stage.state().exists(), "{script}");
    }
}

#[test]
fn what_tmux_says_of_nobody_there_is_an_answer() {
    let rows = [
        "echo 'no server running on /tmp/s' >&2; exit 1",
        "echo 'error connecting to /tmp/s (No such file or directory)' >&2; exit 1",
        "echo 'no current target' >&2; exit 1",
        "echo 'buffer-limit 50'",
    ];
    for script in rows {
        let stage = Stage::new();
        let path = fake(&stage, script);
        let call = with_path(&stage, &path, &ADOPT);
        assert_eq!(call.last("run.adopted")["state"], "booting", "{script}: {call:?}");
    }
}

#[test]
fn without_tmux_a_session_is_unknown_and_a_process_is_adopted_all_the_same() {
    let stage = Stage::new();
    std::fs::create_dir(stage.path("empty")).unwrap();
    let none = stage.path("empty").into_os_string();
    let call = with_path(&stage, &none, &ADOPT);
    call.assert_refused(69, "not_installed");
    assert!(call.stderr.contains("hint: install tmux, or adopt the process: --pid"), "{call:?}");
    let file = stage.path("empty/tmux");
    std::fs::write(&file, "no program").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    with_path(&stage, &none, &ADOPT).assert_refused(69, "exec_failed");
    assert!(!stage.state().exists());
    let pid = stage.background("w", &["hang"]).to_string();
    assert_eq!(with_path(&stage, &none, &["adopt", "--agent", "b1", "--pid", &pid]).code, 0);
}

/// A program that hangs is killed with what it waits for.
#[test]
fn a_tmux_that_hangs_costs_its_timeout_and_is_killed() {
    let stage = Stage::new();
    let file = stage.path("hung");
    let path = fake(&stage, &format!("sleep 600 & echo $! >{0}.new; mv {0}.new {0}; wait", file.display()));
    let before = Tick::now();
    with_path(&stage, &path, &ADOPT).assert_refused(69, "cannot ask tmux (timeout)");
    assert!(Tick::now().since(before).as_secs() < 30);
    assert!(!stage.state().exists());
    let pid = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
    until("its end", || !lives(pid));
}

/// A server that is stopped is unknown; whose process tells is not asked for there, and a beat is stored all the same.
#[test]
fn a_stopped_server_is_unknown_and_is_asked_only_where_nothing_else_tells() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    server.session("b1", "sleep 600");
    server.adopt("b1", "b1", &[]);
    assert_eq!(server.adopt("later", "later", &[]).last("run.adopted")["state"], "booting");
    let pid = server.pid();
    kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGSTOP).unwrap();
    until("its stop", || state_of(pid).unwrap().0 == 'T');
    stage.assert_observed("b1", "alive", "running");
    let path = fake(&stage, &format!("touch {}", stage.name("asked")));
    let seen = with_path(&stage, &path, &["show", "b1"]);
    assert_eq!((seen.last("run")["observed"].as_str(), stage.path("asked").exists()), (Some("alive"), false));
    let runs = stage.turn(&["list", "--open"]);
    let seen: Vec<_> = runs.all("run").iter().map(|run| (run["agent"].clone(), run["observed_why"].clone())).collect();
    assert_eq!(seen, [(json!("b1"), json!("running")), (json!("later"), json!("timeout"))]);
    stage.assert_no_turn("later", 69, "timeout");
    let beat = stage.turn(&["beat", "later"]);
    assert_eq!((&beat.last("run.beat")["beats"], &beat.last("run.beat")["state"]), (&json!(1), &json!("booting")));
    let runs = stage.count("SELECT count(*) FROM run");
    server.adopt("third", "b1", &[]).assert_refused(69, "cannot ask tmux (timeout)");
    assert_eq!(stage.count("SELECT count(*) FROM run"), runs);
    kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGCONT).unwrap();
}

/// Numbers that tmux tells are believed only of a tmux server and its own children.
#[test]
fn no_process_is_taken_for_a_panes_on_a_number_alone() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    server.session("keeper", "sleep 600");
    let (one, two) = (stage.background("one", &["hang"]), stage.background("two", &["hang"]));
    // A child of a process that is no tmux.
    let (mut child, me) = (stage.command("sleep").arg("600").spawn().unwrap(), i64::from(std::process::id()));
    for (agent, claims, pane) in [("a", one, two), ("b", server.pid(), two), ("c", me, i64::from(child.id()))] {
        let path = fake(&stage, &listing(&format!("$0|1|{claims}|1|@0|%0|{pane}|0||||/tmp/s::s")));
        let call = with_path(&stage, &path, &["adopt", "--agent", agent, "--tmux", "s"]);
        let adopted = call.last("run.adopted");
        assert_eq!((&adopted["state"], &adopted["pid"]), (&json!("in_turn"), &json!(null)), "{agent}: {call:?}");
        assert_eq!(adopted["tmux_server_pid"], json!(claims));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// What tmux alone says of an absence has to be said twice before anything starts for it.
#[test]
fn one_look_that_says_gone_and_one_that_does_not_agree_start_nothing() {
    let stage = Stage::new();
    let one = listing("$0|1|4194304|1|@0|%0|4194304|0||||/tmp/s::s");
    let none = "echo 'buffer-limit 50'";
    let path = fake(&stage, &one);
    with_path(&stage, &path, &["adopt", "--agent", "b1", "--tmux", "s"]);
    let count = stage.name("looks");
    let once = format!("if [ -e {count} ]; then {one}; else touch {count}; {none}; fi");
    let path = fake(&stage, &once);
    let run = ["run", "--agent", "b1", "--", "true"];
    with_path(&stage, &path, &run).assert_refused(69, "restless");
    let path = fake(&stage, none);
    with_path(&stage, &path, &run).assert_end("completed", 0);
}
