//! A clean-up as cron runs it: with nothing around it, and nobody who reads what it says unless something is wrong.

use std::fs::File;
use std::process::{Command, Stdio};

use serde_json::json;

use super::planted::{Owner, Pass, clean, column, orphan, owned, pass, stored};
use crate::contract::{Home, Said, binary, well_said};
use crate::scene::records;

/// No environment, stdin closed, in the root folder.
fn bare(args: &[&str]) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "exec \"$@\" <&-", "sh", binary("mark-cleanup")]).args(args).env_clear().current_dir("/");
    command
}

fn state_of(home: &Home) -> String {
    home.state().to_str().unwrap().to_owned()
}

#[test]
fn a_line_of_a_crontab_needs_nothing_around_it() {
    let home = Home::new();
    let owner = Owner::start(&home);
    owned(&home, "live", &owner);
    let log = home.path("log");
    for number in 1..=3 {
        orphan(&home, "stale");
        let out = File::options().create(true).append(true).open(&log).unwrap();
        let done = bare(&["--apply", "--state", &state_of(&home)]).stdout(out).stderr(Stdio::piped()).output().unwrap();
        assert_eq!((done.status.code(), done.stderr.len()), (Some(0), 0), "{done:?}");
        let told = records(&std::fs::read(&log).unwrap());
        assert_eq!(told.len(), 3 * number, "every entry, every time: {told:?}");
        assert_eq!((&told.last().unwrap()["removed"], &told.last().unwrap()["live"]), (&json!(1), &json!(1)));
    }
}

#[test]
fn a_place_that_is_none_is_one_clear_line() {
    for (args, code, words) in [
        (&["--apply"][..], 78, "HOME is not set"),
        (&["--apply", "--state", "no/such/state.db"], 66, "no state at /no/such/state.db"),
        (&["--apply", "--state", ""], 2, "a value is required"),
        (&["--apply", "--state", "/proc/state.db"], 66, "no state at /proc/state.db"),
        (&["--apply", "--state", "/dev/null"], 78, "/dev/null"),
    ] {
        let said = Said::of(bare(args).stdout(Stdio::piped()).stderr(Stdio::piped()));
        assert_eq!((said.code(), said.out.as_str()), (code, ""), "{args:?}: {said:?}");
        assert!(said.err.contains(words), "{args:?}: {said:?}");
        well_said(&said.err);
        assert_eq!(said.err.lines().filter(|line| !line.starts_with("hint: ")).count(), 1, "{said:?}");
    }
}

/// Nobody reads, or nobody can be told: what was to be removed is, and the state file has the account of it.
#[test]
fn what_was_removed_is_accounted_for_also_where_it_could_not_be_printed() {
    for (to, code) in [(">&-", 0), ("| true", 0), (">/dev/full", 74)] {
        let home = Home::new();
        orphan(&home, "a");
        orphan(&home, "b");
        let script = format!("set -o pipefail; {} --apply {to}", binary("mark-cleanup"));
        let said = Said::of(home.bare("bash", ["-c", &script]).env("REFLOAT_STATE", home.state()));
        let words = if code == 0 { "" } else { "cannot write to standard output" };
        assert!(
            (code == said.code()) && (said.err.is_empty() == words.is_empty()) && said.err.contains(words),
            "{said:?}"
        );
        assert_eq!(column(&home, "ended_how"), ["cleaned"; 2], "{to}");
        let kept = home.mark(&["list", "--removed"]).silent(0).records();
        assert!(kept.iter().all(|mark| mark["reason"] == "no_such_process" && mark["removed"] == true), "{kept:?}");
        assert_eq!((kept.len(), pass(&home, &["--apply"]).counts()), (2, [0; 6]));
    }
}

/// An agent's own cron outlives its turn: to clean up needs no right, and the account names whose token it was.
#[test]
fn a_token_that_is_no_longer_good_keeps_nobody_from_cleaning_up() {
    let home = Home::new();
    let file = home.path("token");
    home.play("builder", &[], &format!("init; run printenv REFLOAT_TOKEN >{}; result done", file.display())).silent(0);
    let token = std::fs::read_to_string(&file).unwrap().trim().to_owned();
    for (token, by) in [(token.as_str(), "builder"), ("0123456789abcdef", "operator"), ("", "operator")] {
        let mark = orphan(&home, "a");
        let done = Said::of(home.command("mark-cleanup", ["--apply"]).env("REFLOAT_TOKEN", token)).silent(0);
        let done = Pass::of(&done);
        assert_eq!((&done.marks[0]["mark"], &done.marks[0]["removed_by"]), (&mark["mark"], &json!(by)));
    }
}

/// A column that nobody can read stops no other mark, and is told as long as it stands.
#[test]
fn a_mark_that_cannot_be_read_stops_no_other() {
    let home = Home::new();
    let owner = Owner::start(&home);
    for name in ["s1", "s2", "s3"] {
        orphan(&home, name);
    }
    owned(&home, "live", &owner);
    for (column, garbage) in [("owner", "{half"), ("beat", "{}"), ("first", "[]"), ("doubted", "7")] {
        home.sql(&format!(
            "PRAGMA ignore_check_constraints = 1; UPDATE mark SET {column} = '{garbage}' WHERE name = 's2'"
        ));
        let before = stored(&home);
        for args in [&[][..], &["--apply"]] {
            let said = clean(&home, args).failed(74, "k2 (dispatch s2) cannot be read: column");
            let told = Pass::of(&said);
            assert_eq!((told.told("s2"), told.count("unreadable")), ("unreadable unreadable".into(), 1));
            assert_eq!(
                (told.mark("s2")["would_remove"].clone(), told.mark("s2")["removed"].clone()),
                (json!(false), json!(false))
            );
            assert_eq!(
                (told.count("live"), told.count("removed")),
                (1, if args.is_empty() { 0 } else { told.count("stale") })
            );
        }
        assert_eq!(stored(&home)[1], before[1], "what nobody can read stays as it is");
        assert_eq!(column_of(&home, "s1"), "cleaned");
        assert_eq!(column_of(&home, "s3"), "cleaned");
        assert_eq!(pass(&home, &["--kind", "lint"]).counts(), [0; 6], "it is not meant");
        home.sql("PRAGMA ignore_check_constraints = 1; UPDATE mark SET owner = NULL, first = (SELECT first FROM mark WHERE name = 'live'),
            beat = (SELECT beat FROM mark WHERE name = 'live'), doubted = NULL WHERE name = 's2'");
    }
}

fn column_of(home: &Home, name: &str) -> String {
    column(home, &format!("CASE name WHEN '{name}' THEN ended_how END")).into_iter().find(|end| end != "null").unwrap()
}
