//! What tmux says, row by row; and a real server on a socket of its own.

use super::*;

const ROW: &str = "$3|1763000000|4242|1763000001|@5|%7|4250|0||||/tmp/a b:c|d/s::naïve_b|c d";
const END: &str = "buffer-limit 50\n";

fn pane() -> Pane {
    Pane {
        session: "$3".into(),
        created: 1_763_000_000,
        group: None,
        name: "naïve_b|c d".into(),
        window: "@5".into(),
        pane: "%7".into(),
        pid: 4250,
        dead: None,
    }
}

fn listed(text: &str) -> Snapshot {
    match snapshot::read(&format!("{}\n{END}", text.trim_end_matches('\n'))) {
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
        ("1|7||", PaneEnd { status: Some(7), ..PaneEnd::default() }),
        ("1||9|1763000009", PaneEnd { status: None, signal: Some(9), at: Some(1_763_000_009) }),
        ("1|||", PaneEnd::default()),
    ] {
        assert_eq!(listed(&ROW.replace("0|||", fields)).panes[0].dead, Some(end), "{fields}");
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
        ROW.replace("::", ":").replace("b:c", "b"),
        ROW.replace("0|||", "1|x||"),
        ROW.replace("0|||", "0|||x"),
        ROW.replace("4242", "4243"),
    ];
    for line in bad {
        for text in [format!("{ROW}\n{line}\n{END}"), format!("{line}\n{ROW}\n{END}")] {
            assert_unparsable(&text);
        }
    }
}

#[track_caller]
fn assert_unparsable(text: &str) {
    let answer = snapshot::read(text);
    assert!(matches!(answer, Answer::Failed { failing: Reason::Unparsable, .. }), "{text:?}: {answer:?}");
}

/// A cut between two lines would make the rest look gone.
#[test]
fn an_answer_without_its_last_line_was_cut() {
    let whole = format!("{ROW}\n{}\n{END}", ROW.replace("%7", "%8"));
    for cut in 1..whole.len() {
        if whole.is_char_boundary(cut) {
            assert_unparsable(&whole[..cut]);
        }
    }
    assert_eq!(listed(whole.strip_suffix(END).unwrap()).panes.len(), 2);
    assert_eq!(snapshot::read(END), Answer::Empty);
    let nothing = snapshot::read("");
    assert!(matches!(nothing, Answer::Failed { failing: Reason::EmptyAnswer, .. }), "{nothing:?}");
}

#[test]
fn what_tmux_refuses_is_told_apart() {
    use Reason as F;
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
        ("couldn't create directory /no current target/can't find session: x", F::NoDirectory),
        ("open terminal failed: can't find terminfo", F::TmuxFailed),
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
        ROW.replace("naïve_b|c d", "live-2").replace("$3", "$33").replace("%7", "%70"),
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

/// The names that real sessions got (tmux 3.3a) that were made with these.
#[test]
fn a_name_is_found_as_it_was_typed_and_as_tmux_stores_it() {
    let rows = [
        ("a\tb", r"a\tb"),
        (r"a.b:c\d", r"a_b_c\\d"),
        ("cr\rbel\u{7}bs\u{8}vt\u{b}ff\u{c}", r"cr\rbel\abs\bvt\vff\f"),
        ("e\u{1b}\u{1}\u{7f}z", r"e\033\001\177z"),
        (r#"naïve "q" 'x' $HOME ${x} $1"#, r#"naïve "q" 'x' \$HOME \${x} $1"#),
        ("new\nline", r"new\nline"),
        (" lead ", " lead "),
        ("w*[x]?", "w*[x]?"),
        ("=eq", "=eq"),
        ("$3", "$3"),
        ("%7", "%7"),
    ];
    for (typed, stored) in rows {
        let snapshot = listed(&ROW.replace("naïve_b|c d", stored).replace("$3|", "$4|"));
        for asked in [typed, stored] {
            assert_eq!(snapshot.matching(&Target::Name(asked.to_owned())).len(), 1, "{asked}");
        }
        assert!(snapshot.matching(&Target::Name(typed[1..].to_owned())).is_empty(), "{typed}");
    }
    // As it is first: both may be there.
    let both = listed(&format!(
        "{}\n{}",
        ROW.replace("naïve_b|c d", r"a\\\\b"),
        ROW.replace("$3", "$4").replace("naïve_b|c d", r"a\\b")
    ));
    assert_eq!(both.session(r"a\\b").unwrap().session, "$4");
}

#[test]
fn a_target_is_an_id_a_pattern_or_a_name() {
    for (text, kind) in
        [("$3", "Session"), ("@5", "Window"), ("%7", "Pane"), ("b1", "Name"), ("$", "Name"), ("%x", "Name")]
    {
        assert!(format!("{:?}", Target::read(text)).starts_with(&format!("Ok({kind}(")), "{text}");
    }
    for text in ["*", "a?", "[ab]", "[!a]*", "$*"] {
        assert!(matches!(Target::read(text), Ok(Target::Pattern(_))), "{text}");
    }
    for text in ["[", "a***"] {
        assert!(Target::read(text).unwrap_err().contains("is not a pattern"), "{text}");
    }
}

#[test]
fn a_pattern_fits_whole_names_and_an_id_is_whole() {
    let names = ["e1-s1-1", "e1-s1-10", "e1-s1-1-r2", "a_b", "other-e1-s1-1"];
    let rows: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            ROW.replace("naïve_b|c d", name).replace("$3", &format!("${at}")).replace("%7", &format!("%{at}"))
        })
        .collect();
    let snapshot = listed(&rows.join("\n"));
    let found = |asked: &str| -> Vec<&str> {
        snapshot.matching(&Target::read(asked).unwrap()).iter().map(|panes| panes[0].name.as_str()).collect()
    };
    for (asked, expected) in [
        ("e1-s1-1", &["e1-s1-1"][..]),
        ("e1-s1-1*", &["e1-s1-1", "e1-s1-10", "e1-s1-1-r2"]),
        ("e1-s1-1?", &["e1-s1-10"]),
        ("e1-s1-[1-9]", &["e1-s1-1"]),
        ("a.[ab]", &["a_b"]),
        ("E1*", &[]),
        ("*s1-1", &["e1-s1-1", "other-e1-s1-1"]),
        ("$1", &["e1-s1-10"]),
        ("%0", &["e1-s1-1"]),
        ("%00", &[]),
        ("$5", &[]),
    ] {
        assert_eq!(found(asked), expected, "{asked}");
    }
    // All have the same window, but each session's own panes alone are its own.
    assert_eq!(found("@5"), ["e1-s1-1"]);
}
