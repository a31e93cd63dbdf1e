//! `mark list` and `mark show`: which marks, in which order, and how people see them.

use serde_json::json;
use unicode_width::UnicodeWidthStr;

use super::seen::{aged, how, id, names};
use crate::contract::{Home, Said};
use crate::probe::pid::Sleeper;

fn listed(home: &Home, args: &[&str]) -> Vec<String> {
    let found = home.mark(&[&["list"], args].concat()).silent(0).records();
    names(&found).into_iter().map(str::to_owned).collect()
}

/// A live one, one over its time, one whose owner is elsewhere, a hold, and one for a folder above.
fn several() -> Home {
    let home = Home::new();
    let owner = Sleeper::start(&home);
    std::fs::create_dir(home.path("home/inner")).unwrap();
    home.marked(&["set", "dispatch", "live"]);
    home.marked(&["set", "dispatch", "stale", "--ttl", "1h"]);
    home.marked(&["set", "dispatch", "unknown", "--owner-pid", &owner.text(), "--ttl", "none"]);
    home.marked(&["set", "hold", "lead", "--until", "1h"]);
    home.marked(&["set", "note", "live", "--scope", "inner"]);
    home.sql("UPDATE mark SET owner = json_set(owner, '$.pid_ns', 1) WHERE id = 3");
    aged(&home, 3_600_000);
    home
}

#[test]
fn marks_are_listed_oldest_first_and_by_what_was_asked_for() {
    let home = several();
    let all = ["live", "stale", "unknown", "lead", "live"];
    for (args, expected) in [
        (&[][..], &all[..]),
        (&["--kind", "dispatch"], &["live", "stale", "unknown"]),
        (&["--kind", "none"], &[]),
        (&["--name", "live"], &["live", "live"]),
        (&["--name", "live", "--kind", "note"], &["live"]),
        (&["--live"], &["live", "lead", "live"]),
        (&["--stale"], &["stale"]),
        (&["--unknown"], &["unknown"]),
        (&["--stale", "--unknown"], &["stale", "unknown"]),
        (&["--stale", "--kind", "hold"], &[]),
        (&["--scope", "/"], &all),
        (&["--scope", "inner"], &all),
        (&["--scope", "/proc"], &["lead"]),
        (&["--limit", "2"], &["lead", "live"]),
        (&["--limit", "0"], &all),
        (&["--limit", "9"], &all),
        (&["--limit", "1", "--kind", "dispatch"], &["unknown"]),
        (&["--limit", "1", "--live", "--kind", "dispatch"], &["live"]),
        (&["--removed"], &[]),
    ] {
        assert_eq!(listed(&home, args), expected, "{args:?}");
    }
    let before = home.dump();
    assert_eq!(how(&home.mark(&["list", "--stale"]).silent(0).record("mark")), "stale over_clock");
    assert_eq!(home.dump(), before, "a look changes nothing");
    home.mark(&["list", "--scope", "nowhere"]).failed(66, "no folder nowhere");
}

#[test]
fn the_removed_are_looked_for_until_there_are_as_many_as_were_asked_for() {
    let home = several();
    // More than are read at a time, all of them newer than the few that are asked for.
    let ids: Vec<String> = (1..=5).map(|number| format!("k{number}")).collect();
    let words: Vec<&str> = ["clear"].into_iter().chain(ids.iter().map(String::as_str)).collect();
    home.mark(&words).silent(0);
    home.sql(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
         INSERT INTO mark (kind, name, scope, nonce, host, bound, set_by, first, beat, ttl_ms, ended_at, ended_how, ended_by)
         SELECT 'noise', 'n' || i, CAST('/proc' AS BLOB), 'x', host, 0, 'operator', first, beat, 1, 1, 'cleaned', 'operator'
         FROM n, mark WHERE mark.id = 1",
    );
    for (args, expected) in [
        (&["--limit", "2"][..], &["n599", "n600"][..]),
        (&["--kind", "dispatch", "--limit", "2"], &["stale", "unknown"]),
        (&["--kind", "dispatch"], &["live", "stale", "unknown"]),
        (&["--scope", "inner", "--limit", "3"], &["unknown", "lead", "live"]),
        (&["--name", "live", "--limit", "1"], &["live"]),
        (&["--name", "live", "--kind", "dispatch"], &["live"]),
        (&["--kind", "none", "--limit", "1"], &[]),
    ] {
        assert_eq!(listed(&home, &[&["--removed"], args].concat()), expected, "{args:?}");
    }
    assert_eq!(listed(&home, &["--removed"]).len(), 605);
    assert_eq!(listed(&home, &["--removed", "--limit", "300"])[0], "n301");
    assert_eq!(listed(&home, &[]).len(), 0);
}

#[test]
fn a_mark_is_shown_by_its_id_as_it_stands_or_as_it_ended() {
    let home = several();
    home.mark(&["clear", "k2"]).silent(0);
    let found = home.mark(&["show", "k3", "k2", "k1"]).silent(0).records();
    let seen: Vec<String> = found.iter().map(|mark| format!("{} {}", id(mark), how(mark))).collect();
    assert_eq!(seen, ["k3 unknown other_namespace", "k2 removed over_clock", "k1 live within_clock"]);
    assert_eq!((&found[1]["removed"], &found[1]["age_ms"]), (&json!(true), &json!(null)));
    home.mark(&["show", "k1", "k9"]).failed(66, "no mark k9\nhint: see: mark list");
}

#[test]
fn without_a_state_file_there_is_nothing_to_look_at_and_none_is_made() {
    let home = Home::new();
    for args in [&["list"][..], &["list", "--removed"], &["show", "k1"], &["check", "dispatch"]] {
        let said = home.mark(args).failed(66, "no state at");
        assert!(said.err.contains("hint: the first command that writes makes it"), "{said:?}");
        assert!(home.mark(&[args, &["-q"]].concat()).failed(66, "no state at").err.lines().count() == 1);
    }
    assert!(!home.state().parent().unwrap().exists());
}

#[test]
fn the_table_fits_a_terminal_and_keeps_what_matters() {
    let home = several();
    let long = "作業員".repeat(20);
    home.marked(&["set", "dispatch", &long, "--owner-pid", "self"]);
    home.mark(&["clear", "k1", "k2"]).silent(0);
    let table = |columns: &str, args: &[&str]| {
        let mut command = home.command("mark", [&["list", "--format", "table"], args].concat());
        let said = Said::of(command.env("COLUMNS", columns)).silent(0).out;
        assert!(said.lines().all(|line| line.width() <= columns.parse().unwrap()), "{said}");
        said
    };
    let at_80 = table("80", &[]);
    let heading = at_80.lines().next().unwrap();
    for name in ["MARK", "KIND", "NAME", "STATE", "REASON", "ENDS"] {
        assert!(heading.contains(name), "{name}: {at_80}");
    }
    assert!(at_80.contains("k6") && at_80.contains("live") && at_80.contains('…'), "{at_80}");
    let removed = table("200", &["--removed"]);
    for word in ["ENDED BY", "cleared", "over_clock", "operator"] {
        assert!(removed.contains(word), "{word}: {removed}");
    }
    assert!(table("80", &["--removed"]).contains("cleared"), "{removed}");
    for narrow in ["40", "20"] {
        table(narrow, &[]);
    }
}
