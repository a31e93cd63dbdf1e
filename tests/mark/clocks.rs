//! A wall clock that is set: nothing live is removed, and nothing stale lives for ever.

use serde_json::{Value, json};

use super::planted::{Owner, Pass, age, column, earlier, orphan, other_owner, owned, pass, set, timed};
use crate::contract::{Home, Said};
use crate::ledger::{faketime, later};

const HOUR: i64 = 3_600_000;

/// A clean-up at another time of the wall clock.
fn pass_at(home: &Home, by: &str, args: &[&str]) -> Option<Pass> {
    let library = faketime()?;
    let mut command = home.command("mark-cleanup", args);
    later(&mut command, &library, by);
    Some(Pass::of(&Said::of(&mut command).silent(0)))
}

#[test]
fn within_one_boot_a_clock_that_is_set_removes_nothing_live_and_keeps_nothing_stale() {
    let home = Home::new();
    let owner = Owner::start(&home);
    timed(&home, "young");
    owned(&home, "owned", &owner);
    for (by, stale) in [("+400d", "s1"), ("-400d", "s2"), ("+0s", "s3")] {
        timed(&home, stale);
        age(&home, stale, HOUR);
        orphan(&home, &format!("{stale}-gone"));
        let Some(done) = pass_at(&home, by, &["--apply"]) else { return };
        assert_eq!(done.counts(), [2, 2, 0, 0, 2, 2], "{by}");
        assert_eq!((done.told("young"), done.told(stale)), ("live within_clock".into(), "stale over_clock".into()));
        assert!(done.mark("young")["age_ms"].as_i64().unwrap() < HOUR, "{by}");
        // The end that is told is by the clock of the record, and agrees with what is told of the state.
        let ends_later = |name: &str| done.mark(name)["ends_at"].as_str() > done.mark(name)["at"].as_str();
        assert_eq!((ends_later("young"), ends_later(stale)), (true, false), "{by}: {done:?}");
    }
}

/// It is a time of the wall clock, and means what the wall clock says.
#[test]
fn an_until_is_reached_by_the_wall_clock() {
    let home = Home::new();
    set(&home, &["hold", "lead", "--until", "2h"]);
    for (by, told) in [("-400d", "live before_until"), ("+1h", "live before_until"), ("+3h", "stale until_reached")] {
        let Some(plan) = pass_at(&home, by, &[]) else { return };
        assert_eq!(plan.told("lead"), told, "{by}");
    }
    assert_eq!(pass_at(&home, "+3h", &["--apply"]).unwrap().names("removed"), ["lead"]);
}

/// Set before the last boot by a clock that was ahead; ten years, so that nobody waits until that comes true.
fn set_ahead(home: &Home, name: &str) {
    home.sql(&format!(
        "UPDATE mark SET beat = json_set(beat, '$.boot', 'another', '$.at', '2036-01-01T00:00:00.000Z')
         WHERE name = '{name}'"
    ));
}

fn doubted(home: &Home) -> Vec<String> {
    column(home, "json_extract(doubted, '$.at')")
}

#[test]
fn a_beat_that_lies_in_the_future_counts_from_when_a_clean_up_first_saw_it() {
    let home = Home::new();
    let owner = Owner::start(&home);
    timed(&home, "nobodys");
    owned(&home, "elsewhere", &owner);
    other_owner(&home, "elsewhere", "machine", "'0123456789abcdef0123456789abcdef'");
    owned(&home, "living", &owner);
    let names = ["nobodys", "elsewhere", "living"];
    names.iter().for_each(|name| set_ahead(&home, name));
    let told = ["unknown clock_skew", "unknown other_host", "live running"];
    let assert_told = |pass: &Pass| names.iter().zip(told).for_each(|(name, told)| assert_eq!(pass.told(name), told));
    let plan = pass(&home, &[]);
    assert_told(&plan);
    assert!(plan.marks.iter().all(|mark| mark["age_ms"].is_null()), "{plan:?}");
    assert_eq!(doubted(&home), ["null"; 3], "a plan notes nothing");
    assert_told(&pass(&home, &["--apply"]));
    let since = doubted(&home);
    assert!(since.iter().all(|since| since != "null"), "{since:?}");
    let noted = pass(&home, &["--apply"]);
    assert_told(&noted);
    assert_eq!(doubted(&home), since, "noted once");
    assert!(noted.marks.iter().all(|mark| mark["ends_at"].as_str().unwrap() < "2036"), "{noted:?}");
    names.iter().for_each(|name| earlier(&home, name, "doubted", HOUR - 60_000));
    assert_eq!(pass(&home, &["--apply"]).count("stale"), 0);
    names.iter().for_each(|name| earlier(&home, name, "doubted", 4 * HOUR));
    let done = pass(&home, &["--apply"]);
    assert_eq!((done.counts(), done.names("removed")), ([0, 3, 0, 0, 3, 0], names.to_vec()));
    assert!(done.marks.iter().all(|mark| mark["reason"] == "over_clock"), "{done:?}");
}

/// Noted by a clock that was itself ahead, and then the host was booted anew: that note would hold for years.
#[test]
fn a_note_that_lies_in_the_future_too_is_written_anew() {
    let home = Home::new();
    timed(&home, "a");
    set_ahead(&home, "a");
    pass(&home, &["--apply"]);
    home.sql("UPDATE mark SET doubted = json_set(doubted, '$.boot', 'another', '$.at', '2035-01-01T00:00:00.000Z')");
    assert_eq!(pass(&home, &["--apply"]).told("a"), "unknown clock_skew");
    assert!(doubted(&home)[0].as_str() < "2035", "{:?}", doubted(&home));
    earlier(&home, "a", "doubted", HOUR);
    assert_eq!(pass(&home, &["--apply"]).names("removed"), ["a"]);
}

/// Once the clock is right again the age is what counts, and the note says nothing.
#[test]
fn a_note_counts_only_while_the_beat_lies_in_the_future() {
    let home = Home::new();
    let first = timed(&home, "a");
    timed(&home, "b");
    set_ahead(&home, "a");
    set_ahead(&home, "b");
    pass(&home, &["--apply"]);
    home.mark(&["beat", "k1"]).silent(0);
    assert_eq!(doubted(&home)[0], "null", "who beats is no longer in doubt");
    earlier(&home, "b", "doubted", 20 * HOUR);
    home.sql("UPDATE mark SET beat = (SELECT other.beat FROM mark AS other WHERE other.name = 'a') WHERE name = 'b'");
    let plan = pass(&home, &[]);
    assert_eq!((plan.told("a"), plan.told("b")), ("live within_clock".into(), "live within_clock".into()));
    let ends: Vec<&Value> = plan.marks.iter().map(|mark| &mark["ends_at"]).collect();
    assert_eq!(ends[0], ends[1]);
    assert!(ends[0].as_str() >= first["ends_at"].as_str(), "{ends:?}");
    assert_eq!(plan.ended["applied"], json!(false));
}
