//! What tmux says, row by row; and a real server on a socket of its own.

use super::*;

const ROW: &str = "$3|1763000000|4242|1763000001|@5|%7|4250|0|||/tmp/a b:c|d/s:naïve_b|c d";

fn pane() -> Pane {
    Pane {
        session: "$3".into(),
        created: 1_763_000_000,
        name: "naïve_b|c d".into(),
        window: "@5".into(),
        pane: "%7".into(),
        pid: 4250,
        dead: None,
    }
}

fn listed(text: &str) -> Snapshot {
    match snapshot(text) {
        Answer::Listed(snapshot) => snapshot,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_line_is_read_whatever_a_name_or_a_socket_holds() {
    let snapshot = listed(&format!("{ROW}\n"));
    assert_eq!(snapshot.server, Server { pid: 4242, started: 1_763_000_001, socket: "/tmp/a b:c|d/s".into() });
    assert_eq!(snapshot.panes, [pane()]);
}

#[test]
fn a_dead_pane_tells_how_it_ended() {
    for (fields, end) in [
        ("1|7|", PaneEnd { status: Some(7), signal: None }),
        ("1||9", PaneEnd { status: None, signal: Some(9) }),
        ("1||", PaneEnd::default()),
    ] {
        assert_eq!(listed(&ROW.replace("0||", fields)).panes[0].dead, Some(end), "{fields}");
    }
}

#[test]
fn an_answer_with_one_bad_line_is_no_answer() {
    let bad = [
        "".to_owned(),
        "\u{7f}".into(),
        ROW.replace("$3", ""),
        ROW.replace("$3", "3"),
        ROW.replace("4242", ""),
        ROW.replace("4242", "-1"),
        ROW.replace("1763000001", ""),
        ROW.replace("4250", "x"),
        ROW.replace("|0|", "|2|"),
        ROW.replace("naïve_b|c d", ""),
        ROW.rsplit_once(':').unwrap().0.replace("b:c", "b"),
        ROW.replace("4242", "4243"),
    ];
    for line in bad {
        let answer = snapshot(&format!("{ROW}\n{line}\n"));
        assert!(matches!(answer, Answer::Failed { failing: Failing::Unparsable, .. }), "{line:?}: {answer:?}");
    }
    assert_eq!(snapshot(""), Answer::Empty);
}

#[test]
fn what_tmux_refuses_is_told_apart() {
    use Failing as F;
    let socket = || "/tmp/x (y)/s".to_owned();
    let rows = [
        ("no server running on /tmp/x (y)/s", Answer::NoServer { socket: socket() }),
        ("error connecting to /tmp/x (y)/s (No such file or directory)", Answer::NoSocket { socket: socket() }),
        ("can't find session: live", Answer::NotFound),
        ("can't find window: @9", Answer::NotFound),
        ("no current target", Answer::Empty),
    ];
    for (said, answer) in rows {
        assert_eq!(refusal(said), answer, "{said}");
    }
    let failures = [
        ("error connecting to /tmp/s (Permission denied)", F::PermissionDenied),
        ("error connecting to /tmp/s (Protocol wrong type for socket)", F::ConnectFailed),
        ("directory /tmp/tmux-0 has unsafe permissions", F::PermissionDenied),
        ("server exited unexpectedly", F::ServerExited),
        ("lost server", F::ServerExited),
        ("couldn't create directory /x/tmux-0 (Read-only file system)", F::NoDirectory),
        ("protocol version mismatch (client 8, server 7)", F::VersionMismatch),
        ("", F::EmptyAnswer),
        ("tmux: need UTF-8 locale (LC_CTYPE) but have ANSI_X3.4-1968", F::TmuxFailed),
    ];
    for (said, failing) in failures {
        assert!(matches!(refusal(said), Answer::Failed { failing: found, .. } if found == failing), "{said}");
    }
}

#[test]
fn a_session_is_found_by_its_exact_name_or_id_alone() {
    let two = format!(
        "{}\n{}",
        ROW.replace("naïve_b|c d", "live-2").replace("$3", "$33"),
        ROW.replace("naïve_b|c d", "live")
    );
    let snapshot = listed(&two);
    let id = |asked: &str| snapshot.session(asked).map(|pane| pane.session.as_str());
    assert_eq!((id("live"), id("live-2")), (Some("$3"), Some("$33")));
    assert_eq!((id("$3"), id("$33")), (Some("$3"), Some("$33")));
    for absent in ["liv", "live-", "l*", "=live", "$", "$333", "3", ""] {
        assert_eq!(id(absent), None, "{absent}");
    }
    let odd = listed(&ROW.replace("naïve_b|c d", r"a_b_c\\d"));
    assert!(odd.session(r"a.b:c\d").is_some() && odd.session("a.b").is_none());
}
