//! Marks of which a column cannot be read: they are told, they count as unknown, they cost no other its answer, and a hand
//! ends them.

use serde_json::json;

use super::planted::{Owner, orphan, owned, timed};
use super::seen::{NO_NONCE, how, id, names};
use crate::contract::{Home, Said, binary};
use crate::stage::Stage;

/// What somebody else may have written, column by column.
const GARBAGE: [(&str, &str); 5] =
    [("owner", "'{half'"), ("owner", "'[]'"), ("beat", "'{}'"), ("first", "'7'"), ("doubted", "'\"x\"'")];

fn spoil(home: &Home, name: &str, column: &str, garbage: &str) {
    home.sql(&format!(
        "PRAGMA ignore_check_constraints = 1; UPDATE mark SET {column} = {garbage} WHERE name = '{name}'"
    ));
}

/// It is told on stderr, in one line, with the command that ends it.
#[track_caller]
fn told(said: Said, code: i32) -> Said {
    let said = said.failed(code, "k2 (dispatch b) cannot be read: column");
    assert!(said.err.ends_with("hint: end it by its id: mark clear k2\n"), "{said:?}");
    assert_eq!(said.err.lines().count(), 2, "{said:?}");
    said
}

/// `a` lives, `b` cannot be read, `c` is stale.
fn three(home: &Home) -> Owner {
    let owner = Owner::start(home);
    owned(home, "a", &owner);
    timed(home, "b");
    orphan(home, "c");
    owner
}

#[test]
fn it_is_listed_and_shown_among_the_others() {
    for (column, garbage) in GARBAGE {
        let home = Home::new();
        let _owner = three(&home);
        spoil(&home, "b", column, garbage);
        let before = home.dump();
        let listed = told(home.mark(&["list"]), 74).records();
        assert_eq!(names(&listed), ["a", "b", "c"], "{column}");
        assert_eq!((how(&listed[1]), &listed[1]["removed"]), ("unreadable unreadable".into(), &json!(false)));
        for (args, found) in [
            (&["--unknown"][..], &["b"][..]),
            (&["--stale", "--unknown"], &["b", "c"]),
            (&["--kind", "dispatch"], &["a", "b", "c"]),
            (&["--name", "b"], &["b"]),
            (&["--limit", "2"], &["b", "c"]),
        ] {
            assert_eq!(names(&told(home.mark(&[&["list"], args].concat()), 74).records()), found, "{args:?}");
        }
        // Who did not ask for it is not told.
        for (args, found) in [
            (&["--live"][..], &["a"][..]),
            (&["--kind", "note"], &[]),
            (&["--name", "c"], &["c"]),
            (&["--limit", "1"], &["c"]),
        ] {
            assert_eq!(names(&home.mark(&[&["list"], args].concat()).silent(0).records()), found, "{args:?}");
        }
        let shown = told(home.mark(&["show", "k3", "k2", "k1"]), 74).records();
        assert_eq!(names(&shown), ["c", "b", "a"]);
        assert_eq!(home.mark(&["show", "k1"]).silent(0).record("mark")["name"], "a");
        assert_eq!(home.mark(&["list", "-q"]).with_code(74).err.lines().count(), 1, "-q prints no hint");
        assert_eq!(home.dump(), before, "a look changes nothing");
    }
}

#[test]
fn a_question_takes_it_for_one_that_may_hold() {
    for (column, garbage) in GARBAGE {
        let home = Home::new();
        let owner = three(&home);
        spoil(&home, "b", column, garbage);
        let asked = |words: &[&str]| home.mark(&[&["check", "dispatch"], words].concat());
        assert_eq!(names(&told(asked(&["--exit-code"]), 1).records()), ["a", "b"], "one is known to be live");
        assert_eq!(names(&told(asked(&[]), 74).records()), ["a", "b"]);
        told(asked(&["b", "--exit-code"]), 69);
        asked(&["a", "--exit-code"]).silent(1);
        asked(&["c", "--exit-code"]).silent(0);
        owner.signal(nix::sys::signal::Signal::SIGKILL);
        owner.until_state('Z');
        let alone = told(asked(&["--exit-code"]), 69).records();
        assert_eq!(names(&alone), ["b"], "none is known to be live");
        asked(&["--scope", "/proc", "--exit-code"]).silent(0);
    }
}

#[test]
fn a_hold_that_cannot_be_read_is_not_gone() {
    let home = Home::new();
    for name in ["lead", "@all"] {
        home.marked(&["set", "hold", name, "--until", "1h"]);
        spoil(&home, name, "first", "'{}'");
        let said = home.mark(&["check", "hold", "lead", "--exit-code"]).failed(69, "cannot be read");
        assert_eq!(names(&said.records()), [name]);
        home.mark(&["clear", if name == "lead" { "k1" } else { "k2" }]).silent(0);
    }
    home.mark(&["check", "hold", "lead", "--exit-code"]).silent(0);
}

/// By its name nobody can tell whose it is; by its id a hand ends it, whatever it says, and there is an account of it.
#[test]
fn it_is_changed_by_nobody_but_ended_by_its_id() {
    for (column, garbage) in GARBAGE {
        let home = Home::new();
        let _owner = three(&home);
        let nonce = home.marked(&["show", "k2"])["nonce"].as_str().unwrap().to_owned();
        spoil(&home, "b", column, garbage);
        let before = home.dump();
        for words in [
            &["set", "dispatch", "b"][..],
            &["set", "dispatch", "b", "--owner-pid", "self"],
            &["set", "dispatch", "b", "--nonce", &nonce],
            &["beat", "dispatch", "b"],
            &["beat", "k1", "k2"],
            &["clear", "dispatch", "b"],
            &["clear", "dispatch", "b", "--nonce", &nonce],
            &["clear", "k2", "--nonce", NO_NONCE],
        ] {
            assert_eq!(told(home.mark(words), 76).out, "", "{words:?}");
        }
        home.mark(&["clear", "k2", "k9"]).failed(66, "no mark k9");
        assert_eq!(home.dump(), before);
        let ended = home.mark(&["clear", "k1", "k2"]).silent(0).records();
        let account = &ended[1];
        assert_eq!((id(account), how(account)), ("k2", "removed unreadable".into()));
        assert_eq!((&account["removed_how"], &account["removed_by"]), (&json!("cleared"), &json!("operator")));
        for again in [&["clear", "k2"][..], &["show", "k2"], &["list", "--removed", "--name", "b"]] {
            assert_eq!(home.marked(again)["removed_at"], account["removed_at"], "{again:?}");
        }
        assert_eq!(names(&home.mark(&["list"]).silent(0).records()), ["c"]);
        assert_eq!(id(&home.marked(&["set", "dispatch", "b"])), "k4");
    }
}

/// The way out is for what stands: of an end that cannot be read nothing is left to be done.
#[test]
fn an_end_that_cannot_be_read_is_told_without_a_way_out() {
    let home = Home::new();
    home.marked(&["set", "dispatch", "a"]);
    home.marked(&["clear", "k1"]);
    home.sql("UPDATE mark SET ended_why = 'worn_out'");
    let before = home.dump();
    for words in [&["show", "k1"][..], &["list", "--removed"], &["clear", "k1"]] {
        let said = home.mark(words).failed(74, "k1 (dispatch a) cannot be read: column ended_why holds worn_out");
        assert_eq!((said.err.lines().count(), how(&said.record("mark"))), (1, "unreadable unreadable".into()));
    }
    home.mark(&["list"]).silent(0);
    assert_eq!(home.dump(), before);
}

/// Nobody knows that it is gone: whoever starts, plans or looks takes it for one that holds.
#[test]
fn a_hold_that_cannot_be_read_keeps_its_agent_and_is_named_with_the_way_out() {
    let stage = Stage::new();
    let fails = stage.play("a", "init; result-error no").with(&["--max-attempts", "3"]).call();
    fails.assert_end("failed", 1);
    stage.sql("UPDATE retry SET due_at = 1; UPDATE run SET held_until = 1");
    stage.mail(&["send", "--from", "x", "--to", "a", "--subject", "s"]);
    let found = |words: &[&str]| stage.reconcile(words).records.len();
    let waiting = || {
        let mut probe = stage.command(binary("probe"));
        probe.args(["mail", "a"]);
        stage.call(probe).last("evidence").clone()
    };
    assert_eq!((found(&["retry", "due"]), waiting()["reason"].clone()), (1, json!("mail_ready")));
    stage.hold(&["a", "--until", "1h"]);
    stage.sql("UPDATE mark SET first = '{}'");
    let turn = |more: &[&str]| stage.turn(&[&["run", "--agent", "a"], more, &["--", "true"]].concat());
    let refused = turn(&[]);
    refused.assert_refused(75, "agent a may be held back: k1 (hold a) cannot be read: column first");
    assert!(refused.stderr.ends_with("hint: go ahead with --now, or end it: mark clear k1\n"), "{refused:?}");
    assert_eq!(found(&["retry", "due"]), 0);
    let mail = waiting();
    assert_eq!((&mail["reason"], &mail["detail"]["mark"]), (&json!("agent_held"), &json!("k1")));
    let seen = stage.probe(&["a"]);
    let told: Vec<_> = seen.all("evidence").into_iter().filter(|one| one["subject_kind"] == "mark").collect();
    assert_eq!((told.len(), &told[0]["meaning"], &told[0]["reason"]), (1, &json!("unknown"), &json!("unreadable")));
    assert_eq!((&told[0]["detail"]["name"], &told[0]["detail"]["set_by"]), (&json!("a"), &json!(null)));
    assert_eq!(stage.reconcile(&["a"]).last("verdict")["command"][1], "check", "no turn that would be refused");
    assert_eq!(stage.mark(&["clear", "k1"]).code, 0);
    assert_eq!(found(&["retry", "due"]), 1);
    assert_eq!(turn(&[]).code, 0);
    stage.hold(&["a"]);
    stage.sql("UPDATE mark SET beat = '[]'");
    assert_eq!((turn(&[]).code, turn(&["--now"]).code), (75, 0));
}
