//! What a clean-up tells and what it takes away.

use serde_json::json;

use super::planted::{Owner, Pass, age, clean, column, fill, orphan, other_owner, owned, pass, set, stored, timed};
use crate::contract::{Home, Said};

const HOUR: i64 = 3_600_000;

/// One of each sort; the stale ones are `gone`, `old` and `due`.
fn one_of_each(home: &Home) -> Owner {
    let owner = Owner::start(home);
    owned(home, "busy", &owner);
    timed(home, "young");
    orphan(home, "gone");
    timed(home, "old");
    age(home, "old", HOUR);
    set(home, &["hold", "later", "--until", "2h"]);
    set(home, &["hold", "due", "--until", "2h"]);
    home.sql("UPDATE mark SET until = 1000 WHERE name = 'due'");
    owned(home, "away", &owner);
    other_owner(home, "away", "machine", "'0123456789abcdef0123456789abcdef'");
    owner
}

/// 3.5: nothing, live, stale and what cannot be told are told apart, where all of them were exit 0 and a line of prose.
#[test]
fn nothing_there_is_told_from_no_state_file() {
    let home = Home::new();
    for args in [&[][..], &["--apply"]] {
        let said = clean(&home, args).failed(66, "no state at");
        assert_eq!(said.out, "");
    }
    assert!(!home.state().exists(), "a clean-up makes no state file");
    timed(&home, "a");
    home.mark(&["clear", "dispatch", "a"]).silent(0);
    for args in [&[][..], &["--apply"]] {
        let pass = pass(&home, args);
        assert_eq!((pass.marks.len(), pass.counts()), (0, [0; 6]));
        assert_eq!((&pass.ended["applied"], &pass.ended["more"]), (&json!(!args.is_empty()), &json!(false)));
    }
}

#[test]
fn a_plan_says_exactly_what_is_then_removed_and_a_second_pass_finds_nothing() {
    let home = Home::new();
    let _owner = one_of_each(&home);
    let before = stored(&home);
    let plan = pass(&home, &[]);
    assert_eq!(stored(&home), before, "a plan changes nothing");
    assert_eq!((plan.marks.len(), plan.counts()), (7, [3, 3, 1, 0, 0, 7]));
    for (name, told) in [
        ("busy", "live running"),
        ("young", "live within_clock"),
        ("gone", "stale no_such_process"),
        ("old", "stale over_clock"),
        ("later", "live before_until"),
        ("due", "stale until_reached"),
        ("away", "unknown other_host"),
    ] {
        assert_eq!(plan.told(name), told);
    }
    assert_eq!((plan.names("would_remove"), plan.names("removed")), (vec!["gone", "old", "due"], vec![]));
    let done = pass(&home, &["--apply"]);
    assert_eq!(
        (done.names("would_remove"), done.names("removed")),
        (vec!["gone", "old", "due"], vec!["gone", "old", "due"])
    );
    assert_eq!((done.marks.len(), done.counts()), (7, [3, 3, 1, 0, 3, 4]));
    assert!(done.marks.iter().all(|mark| mark["removed"] != mark["removed_at"].is_null()), "{done:?}");
    let after = stored(&home);
    let again = pass(&home, &["--apply"]);
    assert_eq!((again.marks.len(), again.counts()), (4, [3, 0, 1, 0, 0, 4]));
    assert_eq!(stored(&home), after, "a second pass does nothing");
    assert_accounted(&home, &done);
}

/// What was removed is told afterwards: who did it, how and why.
#[track_caller]
fn assert_accounted(home: &Home, done: &Pass) {
    let kept = home.mark(&["list", "--removed"]).silent(0).records();
    let removed: Vec<_> = done.marks.iter().filter(|mark| mark["removed"] == true).collect();
    assert_eq!(kept.len(), removed.len());
    for (kept, told) in kept.iter().zip(removed) {
        assert_eq!((&kept["state"], &kept["removed_how"]), (&json!("removed"), &json!("cleaned")), "{kept}");
        for key in ["mark", "name", "nonce", "reason", "removed_at", "removed_by", "removed_how"] {
            assert_eq!(kept[key], told[key], "{key}");
        }
        assert_eq!(kept["removed_by"], "operator");
    }
}

#[test]
fn a_kind_and_a_folder_bound_what_is_looked_at() {
    let home = Home::new();
    for folder in ["home/app", "home/app/part", "home/other"] {
        std::fs::create_dir_all(home.path(folder)).unwrap();
        for kind in ["dispatch", "lint"] {
            let scope = home.path(folder);
            let name = folder.replace('/', "-");
            set(&home, &[kind, &name, "--scope", scope.to_str().unwrap(), "--owner-pid", "1999999", "--even-if-gone"]);
        }
    }
    let app = home.path("home/app");
    let part = pass(&home, &["--apply", "--kind", "lint", "--scope", app.to_str().unwrap()]);
    assert_eq!(part.counts(), [0, 2, 0, 0, 2, 0]);
    assert_eq!(part.names("removed"), ["home-app", "home-app-part"]);
    let below = home.path("home/app/part");
    let above = pass(&home, &["--apply", "--scope", below.to_str().unwrap()]);
    assert_eq!((above.counts(), above.names("removed")), ([0, 2, 0, 0, 2, 0], vec!["home-app", "home-app-part"]));
    assert_eq!(pass(&home, &["--kind", "lint"]).names("would_remove"), ["home-other"]);
    assert_eq!(pass(&home, &["--kind", "nothing"]).counts(), [0; 6]);
    clean(&home, &["--scope", "no/such/folder"]).failed(66, "no folder no/such/folder: ");
    clean(&home, &["--limit", "0"]).failed(2, "0 is not in");
}

/// What lives does not count against the limit, and the next pass goes on where this one stopped.
#[test]
fn behind_a_limit_nobody_starves() {
    let home = Home::new();
    let owner = Owner::start(&home);
    for name in ["l1", "l2", "l3"] {
        owned(&home, name, &owner);
    }
    for name in ["s1", "s2", "s3", "s4", "s5"] {
        orphan(&home, name);
    }
    let plan = pass(&home, &["--limit", "2"]);
    assert_eq!(
        (plan.names("would_remove"), plan.count("stale"), &plan.ended["more"]),
        (vec!["s1", "s2"], 5, &json!(true))
    );
    for (names, more) in [(vec!["s1", "s2"], true), (vec!["s3", "s4"], true), (vec!["s5"], false), (vec![], false)] {
        let done = pass(&home, &["--apply", "--limit", "2"]);
        assert_eq!((done.names("removed"), &done.ended["more"]), (names, &json!(more)));
        assert_eq!(done.count("live"), 3);
    }
    let exact = Home::new();
    orphan(&exact, "s1");
    assert_eq!(pass(&exact, &["--limit", "1"]).ended["more"], false);
}

/// More than are looked at in one go, and more than one pass removes.
#[test]
fn many_marks_are_cleaned_up_in_pages() {
    let home = Home::new();
    let owner = Owner::start(&home);
    orphan(&home, "s");
    fill(&home, "s", 10_019);
    owned(&home, "live", &owner);
    for (told, counts, more) in [
        (10_022, [1, 10_020, 0, 0, 10_000, 21], true),
        (22, [1, 20, 0, 0, 20, 1], false),
        (2, [1, 0, 0, 0, 0, 1], false),
    ] {
        let done: Said = clean(&home, &["--apply"]).silent(0);
        assert_eq!(done.out.lines().count(), told);
        let last = done.out.lines().last().unwrap().to_owned() + "\n";
        let done = Pass::of(&Said { out: last, ..done });
        assert_eq!((done.counts(), &done.ended["more"]), (counts, &json!(more)));
    }
    let ends = column(&home, "ended_how");
    assert_eq!(ends.iter().filter(|end| *end == "cleaned").count(), 10_020);
}
