//! `mark check`: the question of git hooks, continuous integration and schedulers.

use super::seen::{aged, how, names};
use crate::contract::Home;
use crate::probe::pid::Sleeper;

fn code(home: &Home, args: &[&str]) -> i32 {
    let asked = home.mark(&[&["check"], args, &["--exit-code"]].concat());
    let code = asked.code();
    let printed = asked.silent(code).out;
    assert_eq!(printed.is_empty(), code == 0, "it prints those that hold, or may: {printed}");
    let plain = home.mark(&[&["check"], args].concat()).silent(0).records();
    assert_eq!(plain.len(), printed.lines().count(), "without --exit-code it is no failure");
    code
}

#[test]
fn the_exit_code_says_live_unknown_or_none() {
    let home = Home::new();
    let owner = Sleeper::start(&home);
    home.marked(&["set", "other", "x"]);
    assert_eq!(code(&home, &["dispatch"]), 0, "nothing of the kind");
    home.marked(&["set", "dispatch", "stale", "--ttl", "1h"]);
    aged(&home, 3_600_000);
    assert_eq!(code(&home, &["dispatch"]), 0, "stale holds nothing");
    home.marked(&["set", "dispatch", "away", "--owner-pid", &owner.text()]);
    home.sql("UPDATE mark SET owner = json_set(owner, '$.machine', '0123456789abcdef0123456789abcdef') WHERE id = 3");
    assert_eq!(code(&home, &["dispatch"]), 69);
    assert_eq!(code(&home, &["dispatch", "stale"]), 0);
    home.marked(&["set", "dispatch", "live", "--owner-pid", &owner.text()]);
    assert_eq!(code(&home, &["dispatch"]), 1, "what is known to be live decides");
    let found = home.mark(&["check", "dispatch"]).silent(0).records();
    let found: Vec<_> = names(&found).into_iter().zip(found.iter().map(how)).collect();
    assert_eq!(found, [("away", "unknown other_host".to_owned()), ("live", "live running".to_owned())]);
    assert_eq!((code(&home, &["dispatch", "away"]), code(&home, &["dispatch", "live"])), (69, 1));
    home.mark(&["clear", "k4"]).silent(0);
    assert_eq!(code(&home, &["dispatch"]), 69);
}

#[test]
fn an_agent_is_held_by_its_own_hold_and_by_one_for_all() {
    let home = Home::new();
    home.marked(&["set", "hold", "lead", "--until", "1h"]);
    assert_eq!((code(&home, &["hold", "lead"]), code(&home, &["hold", "b1"])), (1, 0));
    home.marked(&["set", "hold", "@all", "--until", "1h"]);
    for (name, found) in [("lead", &["lead", "@all"][..]), ("b1", &["@all"]), ("@all", &["@all"])] {
        assert_eq!(names(&home.mark(&["check", "hold", name]).silent(0).records()), found);
    }
    // Of any other kind a name means itself alone.
    home.marked(&["set", "dispatch", "@all"]);
    assert_eq!((code(&home, &["dispatch", "b1"]), code(&home, &["dispatch", "@all"])), (0, 1));
    assert_eq!(code(&home, &["hold"]), 1);
}

#[test]
fn a_question_about_a_folder_is_answered_by_the_marks_around_and_below_it() {
    let home = Home::new();
    for folder in ["a/b/c", "a2", "d"] {
        std::fs::create_dir_all(home.path("home").join(folder)).unwrap();
    }
    home.marked(&["set", "dispatch", "x", "--scope", "a/b"]);
    for (scope, expected) in [("a/b", 1), ("a/b/c", 1), ("a", 1), ("/", 1), (".", 1), ("a2", 0), ("d", 0), ("/proc", 0)]
    {
        assert_eq!(code(&home, &["dispatch", "--scope", scope]), expected, "{scope}");
        let listed = home.mark(&["list", "--scope", scope]).silent(0).records();
        assert_eq!(i32::try_from(listed.len()).unwrap(), expected, "{scope}");
    }
    assert_eq!(code(&home, &["dispatch"]), 1, "here, if no folder is named");
    home.mark(&["check", "dispatch", "--exit-code", "--scope", "nowhere"]).failed(66, "no folder nowhere");
}
