//! The folder that a mark is for: named in many ways, the same in one; and what is refused as a folder.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde_json::{Value, json};

use super::seen::{id, names};
use crate::contract::{Home, Said};

fn within(home: &Home, folder: &str, args: &[&str]) -> Said {
    Said::of(home.command("mark", args).current_dir(home.path("home").join(folder)))
}

fn git(home: &Home, args: &[&str]) {
    let mut command = home.bare("git", ["-c", "user.name=x", "-c", "user.email=x@x", "-c", "init.defaultBranch=main"]);
    let done = command.args(args).env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    assert!(done.status.success(), "{args:?}: {done:?}");
}

fn folder(home: &Home, name: &str) -> Value {
    json!(home.path("home").join(name).canonicalize().unwrap())
}

#[test]
fn without_a_scope_a_mark_is_for_the_work_tree_around_here_else_for_here() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("home/plain/inner")).unwrap();
    git(&home, &["init", "-q", "repo"]);
    std::fs::create_dir_all(home.path("home/repo/src/deep")).unwrap();
    git(&home, &["-C", "repo", "commit", "-q", "--allow-empty", "-m", "x"]);
    git(&home, &["-C", "repo", "worktree", "add", "-q", "../linked"]);
    std::fs::create_dir(home.path("home/linked/src")).unwrap();
    for (here, scope) in [
        ("plain/inner", "plain/inner"),
        ("repo", "repo"),
        ("repo/src/deep", "repo"),
        ("linked/src", "linked"),
        ("repo/.git", "repo"),
    ] {
        let mark = within(&home, here, &["set", "dispatch", &here.replace('/', "-")]).silent(0).record("mark");
        assert_eq!(mark["scope"], folder(&home, scope), "{here}");
        assert_eq!(mark["scope_lossy"], false);
    }
    let hold = within(&home, "repo", &["set", "hold", "lead"]).silent(0).record("mark");
    assert_eq!(hold["scope"], "/");
    // From anywhere in the tree it is the same mark.
    let again = within(&home, "repo/src", &["set", "dispatch", "repo"]).silent(0).record("mark");
    assert_eq!((id(&again), &again["already_set"]), ("k2", &json!(true)));
    assert_eq!(within(&home, "repo/src/deep", &["clear", "dispatch", "repo"]).silent(0).records().len(), 1);
    within(&home, "linked", &["clear", "hold", "lead"]).silent(0).record("mark");
}

/// tentacle 53
#[test]
fn the_same_name_in_two_work_trees_is_two_marks_and_clearing_one_keeps_the_other() {
    let home = Home::new();
    git(&home, &["init", "-q", "one"]);
    git(&home, &["init", "-q", "two"]);
    let set = |repo| within(&home, repo, &["set", "dispatch", "b1"]).silent(0).record("mark");
    let (one, two) = (set("one"), set("two"));
    assert!(id(&one) != id(&two) && one["nonce"] != two["nonce"]);
    for repo in ["one", "two"] {
        within(&home, repo, &["check", "dispatch", "--exit-code"]).silent(1);
        let found = within(&home, repo, &["check", "dispatch"]).silent(0).record("mark");
        assert_eq!(found["scope"], folder(&home, repo));
    }
    assert_eq!(id(&within(&home, "one", &["clear", "dispatch", "b1"]).silent(0).record("mark")), "k1");
    within(&home, "one", &["check", "dispatch", "--exit-code"]).silent(0);
    within(&home, "two", &["check", "dispatch", "--exit-code"]).silent(1);
}

/// tentacle 51
#[test]
fn two_dispatches_for_one_tree_stand_beside_each_other_and_each_ends_alone() {
    let home = Home::new();
    let first = home.marked(&["set", "dispatch", "b1"]);
    home.marked(&["set", "dispatch", "b2"]);
    let check = || home.mark(&["check", "dispatch", "--exit-code"]);
    assert_eq!(names(&check().silent(1).records()), ["b1", "b2"]);
    assert_eq!(home.marked(&["show", "k1"])["beat_at"], first["beat_at"], "what others do gives no time");
    home.marked(&["clear", "dispatch", "b1"]);
    assert_eq!(names(&check().silent(1).records()), ["b2"]);
    home.marked(&["clear", "dispatch", "b2"]);
    check().silent(0);
}

/// tentacle 55
#[test]
fn folders_written_with_dots_and_links_are_the_folder_that_they_lead_to() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("home/a/b")).unwrap();
    std::os::unix::fs::symlink("a/b", home.path("home/link")).unwrap();
    let absolute = home.path("home/a/b");
    for (number, scope) in
        ["a/b", "a/../a/./b/", "link", "link/.", "a/b/../b", absolute.to_str().unwrap()].iter().enumerate()
    {
        let mark = home.marked(&["set", "dispatch", "x", "--scope", scope]);
        assert_eq!((id(&mark), &mark["scope"]), ("k1", &folder(&home, "a/b")), "{scope}");
        assert_eq!(mark["beats"], number, "{scope}");
        assert_eq!(names(&home.mark(&["check", "dispatch", "--scope", scope]).silent(0).records()), ["x"]);
    }
    assert_eq!(id(&home.marked(&["beat", "dispatch", "x", "--scope", "link"])), "k1");
    assert_eq!(id(&home.marked(&["clear", "dispatch", "x", "--scope", "a/b/../../link"])), "k1");
}

#[test]
fn what_is_no_folder_is_refused_and_makes_nothing() {
    let home = Home::new();
    std::fs::write(home.path("home/file"), "").unwrap();
    std::os::unix::fs::symlink("nowhere", home.path("home/dangling")).unwrap();
    std::os::unix::fs::symlink("loop", home.path("home/loop")).unwrap();
    let calls: [&[&str]; 5] =
        [&["set", "x", "y"], &["clear", "x", "y"], &["beat", "x", "y"], &["list"], &["check", "x"]];
    for call in calls {
        for scope in ["nowhere", "file", "file/x", "dangling"] {
            let said = home.mark(&[call, &["--scope", scope]].concat()).failed(66, &format!("no folder {scope}: "));
            assert!(said.err.contains("hint: "), "{said:?}");
        }
        home.mark(&[call, &["--scope", "loop"]].concat()).failed(74, "cannot look at folder loop: ");
        home.mark(&[call, &["--scope", ""]].concat()).failed(2, "--scope");
    }
    assert!(!home.state().parent().unwrap().exists());
}

#[test]
fn a_folder_that_is_not_utf8_is_kept_as_it_is_and_shown_as_text_stands_for_it() {
    let home = Home::new();
    let (bad, other) = (Path::new(OsStr::from_bytes(b"w\xff")), Path::new(OsStr::from_bytes(b"w\xfe")));
    for name in [bad, other] {
        std::fs::create_dir(home.path("home").join(name)).unwrap();
    }
    let mark = |folder: &Path, args: &[&str]| {
        let mut command = home.command("mark", args);
        Said::of(command.arg("--scope").arg(folder)).silent(0).records()
    };
    let set = mark(bad, &["set", "dispatch", "x"]);
    assert_eq!(set[0]["scope_lossy"], true);
    assert!(set[0]["scope"].as_str().unwrap().ends_with("/home/w\u{fffd}"), "{set:?}");
    assert_eq!(id(&mark(other, &["set", "dispatch", "x"])[0]), "k2", "another folder, however alike they look");
    assert_eq!(mark(bad, &["list"]).len(), 1);
    assert_eq!(id(&mark(bad, &["clear", "dispatch", "x"])[0]), "k1");
    assert_eq!(id(&mark(other, &["check", "dispatch"])[0]), "k2");
}

#[test]
fn a_folder_that_is_gone_leaves_a_mark_that_is_cleared_by_its_id() {
    let home = Home::new();
    std::fs::create_dir(home.path("home/gone")).unwrap();
    home.marked(&["set", "dispatch", "x", "--scope", "gone"]);
    std::fs::remove_dir(home.path("home/gone")).unwrap();
    home.mark(&["clear", "dispatch", "x", "--scope", "gone"]).failed(66, "cleared by its id");
    assert_eq!(home.mark(&["list"]).silent(0).records().len(), 1);
    assert_eq!(home.marked(&["clear", "k1"])["removed"], true);
}

/// An agent's work tree often stands inside the main one; what is in progress in the one keeps nobody from a commit in the
/// other. A hold is for all that is below its folder.
#[test]
fn a_check_stops_at_the_border_of_a_work_tree_and_a_hold_does_not() {
    let home = Home::new();
    git(&home, &["init", "-q", "repo"]);
    git(&home, &["-C", "repo", "commit", "-q", "--allow-empty", "-m", "x"]);
    git(&home, &["-C", "repo", "worktree", "add", "-q", "trees/x"]);
    std::fs::create_dir(home.path("home/repo/src")).unwrap();
    for (here, name) in [("repo", "main"), ("repo/trees/x", "linked"), (".", "around")] {
        within(&home, here, &["set", "dispatch", name]).silent(0);
    }
    within(&home, "repo", &["set", "hold", "@all", "--scope", ".", "--ttl", "1h"]).silent(0);
    let check = |here: &str, kind: &str| within(&home, here, &["check", kind, "--scope", "."]).silent(0).records();
    for (here, found) in [
        ("repo", vec!["main", "around"]),
        ("repo/src", vec!["main", "around"]),
        ("repo/trees", vec!["main", "around"]),
        ("repo/trees/x", vec!["linked", "around"]),
        (".", vec!["main", "linked", "around"]),
    ] {
        assert_eq!(names(&check(here, "dispatch")), found, "{here}");
        assert_eq!(names(&check(here, "hold")), ["@all"], "{here}");
    }
    // A list and a clean-up are told a folder to look in: they look into all of it.
    let all = within(&home, "repo", &["list", "--kind", "dispatch", "--scope", "."]).silent(0).records();
    assert_eq!(all.len(), 3);
}
