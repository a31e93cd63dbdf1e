//! A tmux that does not answer, or answers nonsense: unknown with its own reason, and its timeout is paid once.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use refloat::clock::Tick;

use super::{assert_findings, call, command, counting, findings, of_kind, with_path};
use crate::adopted::{Server, fake, has_tmux, listing, lives, state_of};
use crate::stage::{Stage, until};

#[test]
fn what_tmux_cannot_answer_is_unknown_with_its_own_reason() {
    let row = "$0|1|2|3|@0|%0|4|0||||/tmp/s::other";
    let cut = &row[..20];
    let rows = [
        ("echo 'error connecting to /tmp/s (Permission denied)' >&2; exit 1".to_owned(), "permission_denied"),
        ("echo 'server exited unexpectedly' >&2; exit 1".into(), "server_exited"),
        ("echo 'lost server' >&2; exit 1".into(), "server_exited"),
        ("echo \"couldn't create directory /x (Read-only file system)\" >&2; exit 1".into(), "no_directory"),
        ("echo 'protocol version mismatch (client 8, server 7)' >&2; exit 1".into(), "version_mismatch"),
        ("echo 'error connecting to /tmp/s (Protocol not available)' >&2; exit 1".into(), "connect_failed"),
        ("echo 'need UTF-8 locale (LC_CTYPE)' >&2; exit 1".into(), "tmux_failed"),
        ("exit 1".into(), "empty_answer"),
        ("exit 0".into(), "empty_answer"),
        ("echo".into(), "unparsable"),
        ("echo '|||||||||| garbage'".into(), "unparsable"),
        ("head -c 5000 /dev/urandom".into(), "unparsable"),
        // Half a line, and half a list: what follows the cut is not gone.
        (format!("printf %s '{cut}'"), "unparsable"),
        (format!("echo '{row}'"), "unparsable"),
        (format!("echo '{row}'; printf buffer-lim"), "unparsable"),
        // It answered, and did not come to an end.
        (format!("echo '{row}'; echo 'buffer-limit 50'; kill -9 $$"), "empty_answer"),
    ];
    for (script, reason) in rows {
        let stage = Stage::new();
        let path = fake(&stage, &script);
        let call = with_path(&stage, &path, &["b1", "other", "b*", "%0", "--exit-code"]);
        let expected = ["server default", "session b1", "session other", "session b*", "pane %0"];
        let expected = expected.map(|subject| format!("{subject} unknown unknown {reason}"));
        assert_findings(&call, &expected.each_ref().map(String::as_str));
        assert_eq!(call.code, 69, "{script}");
    }
}

#[test]
fn without_tmux_or_with_one_that_cannot_be_started_it_is_unknown() {
    let stage = Stage::new();
    fs::create_dir(stage.path("empty")).unwrap();
    let none = stage.path("empty").into_os_string();
    let call = with_path(&stage, &none, &["b1"]);
    assert_findings(
        &call,
        &["server default unknown unknown not_installed", "session b1 unknown unknown not_installed"],
    );
    let file = stage.path("empty/tmux");
    fs::write(&file, "no program").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let call = with_path(&stage, &none, &["--all"]);
    assert_findings(&call, &["server default unknown unknown exec_failed"]);
}

/// What hangs is killed with what it waits for, and asked once.
#[test]
fn a_tmux_that_hangs_costs_its_timeout_once_and_is_killed() {
    let stage = Stage::new();
    let file = stage.path("hung");
    let path = fake(&stage, &format!("sleep 600 & echo $! >>{0}; wait", file.display()));
    let before = Tick::now();
    let call = with_path(&stage, &path, &["b1", "b2", "b3", "b4", "b5", "--tmux-timeout", "500ms"]);
    assert!(Tick::now().since(before).as_secs() < 30);
    assert_eq!(call.last("probe.ended")["unknown"], 6, "{call:?}");
    assert_eq!(of_kind(&call, "server")["detail"]["said"], "no answer within 500 ms");
    let pids = fs::read_to_string(&file).unwrap();
    assert_eq!(pids.lines().count(), 1, "asked once");
    until("its end", || !lives(pids.trim().parse().unwrap()));
}

#[test]
fn a_stopped_server_costs_the_timeout_once_for_all_its_sessions_and_nothing_happens_when_it_wakes() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    let names = ["b1", "b2", "b3"];
    for name in names {
        server.session(name, "exec sleep 600");
    }
    let pid = server.pid();
    kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGSTOP).unwrap();
    until("its stop", || state_of(pid).unwrap().0 == 'T');
    let (path, calls) = counting(&stage);
    let mut asked = command(&stage, &[&names[..], &["--socket", "one", "--tmux-timeout", "1s"]].concat());
    asked.env("PATH", path);
    let stopped = call(&stage, asked);
    kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGCONT).unwrap();
    let subjects = ["server one", "session b1", "session b2", "session b3"];
    let expected = subjects.map(|subject| format!("{subject} unknown unknown timeout"));
    assert_findings(&stopped, &expected.each_ref().map(String::as_str));
    assert_eq!(calls(), 1, "asked once");
    until("its wake", || server.is_up());
    assert_eq!(super::probe(&server, &names).last("probe.ended")["yes"], 7);
}

/// Only two looks that agree make a server gone that was not recorded.
#[test]
fn what_the_second_look_does_not_confirm_is_no_death() {
    let none = "echo 'no server running on /tmp/s' >&2; exit 1";
    let rows = [
        (listing("$0|1|4194304|3|@0|%0|4194304|0||||/tmp/s::b1"), ["yes alive answered", "yes alive listed"], 1),
        ("echo 'buffer-limit 50'".to_owned(), ["yes alive no_sessions", "no dead not_listed"], 1),
        (
            "echo 'error connecting to /tmp/s (No such file or directory)' >&2; exit 1".into(),
            ["unknown unknown no_socket"; 2],
            1,
        ),
        ("exec sleep 600".into(), ["unknown unknown timeout"; 2], 1),
        (none.into(), ["no dead no_server"; 2], 2),
    ];
    for (then, [of_server, of_session], looks) in rows {
        let stage = Stage::new();
        let count = stage.name("looks");
        let path = fake(&stage, &format!("if [ -e {count} ]; then {then}; else touch {count}; {none}; fi"));
        let call = with_path(&stage, &path, &["b1", "--tmux-timeout", "500ms"]);
        let found: Vec<String> =
            findings(&call).iter().map(|line| line.splitn(3, ' ').nth(2).unwrap().to_owned()).collect();
        assert_eq!(found[..2], [of_server, of_session], "{then}: {call:?}");
        assert_eq!(of_kind(&call, "server")["detail"]["looks"], looks, "{then}");
        // Asked for one look, it does not look twice.
        std::fs::remove_file(&count).unwrap();
        let call = with_path(&stage, &path, &["b1", "--looks", "1"]);
        assert_findings(&call, &["server /tmp/s unknown unknown no_server", "session b1 unknown unknown no_server"]);
    }
}
