//! `mark beat`: whose mark goes on, and what a beat cannot bring back.

use serde_json::json;

use super::seen::{NO_NONCE, aged, how, id, names, nonce};
use crate::contract::Home;
use crate::probe::pid::Sleeper;

#[test]
fn a_beat_gives_a_mark_its_whole_time_again() {
    let home = Home::new();
    let set = home.marked(&["set", "dispatch", "b1", "--ttl", "1h", "--data", "1"]);
    aged(&home, 3_000_000);
    assert!(home.marked(&["show", "k1"])["age_ms"].as_i64().unwrap() >= 3_000_000);
    for (which, beats) in [(&["k1"][..], 1), (&["dispatch", "b1"], 2), (&["k1", "--nonce", nonce(&set)], 3)] {
        let beat = home.marked(&[&["beat"], which].concat());
        assert_eq!((&beat["already_set"], &beat["beats"]), (&json!(true), &json!(beats)));
        assert!(beat["age_ms"].as_i64().unwrap() < 3_000_000, "{beat}");
        for key in ["mark", "nonce", "set_at", "ttl_ms", "until", "owner", "data"] {
            assert_eq!(beat[key], set[key], "{key}: {beat}");
        }
    }
    // Over its time, and nobody has replaced it: it is the same claim still.
    aged(&home, 3_600_000);
    assert_eq!(home.stands("k1"), "stale over_clock");
    assert_eq!(how(&home.marked(&["beat", "dispatch", "b1"])), "live within_clock");
}

#[test]
fn a_beat_brings_back_no_owner_no_until_and_nothing_that_has_ended() {
    let home = Home::new();
    let mut owner = Sleeper::start(&home);
    home.marked(&["set", "dispatch", "gone", "--owner-pid", &owner.text()]);
    home.marked(&["set", "dispatch", "over", "--until", "1h"]);
    home.marked(&["set", "dispatch", "cleared"]);
    home.mark(&["clear", "k3"]).silent(0);
    home.sql("UPDATE mark SET until = 1 WHERE id = 2");
    owner.kill();
    let before = home.dump();
    home.mark(&["beat", "k1"])
        .failed(76, "k1 (dispatch gone) is stale (zombie): a beat cannot renew it\nhint: set it anew");
    for which in [&["k2"][..], &["dispatch", "over"]] {
        home.mark(&[&["beat"], which].concat()).failed(76, "k2 (dispatch over) is stale (until_reached)");
    }
    home.mark(&["beat", "k3"]).failed(76, "k3 (dispatch cleared) has ended: cleared by operator");
    home.mark(&["beat", "dispatch", "cleared"]).failed(66, "no dispatch cleared stands for ");
    home.mark(&["beat", "k4"]).failed(66, "no mark k4");
    assert_eq!(home.dump(), before);
}

/// Or the first owner's loop would keep another's mark alive and take it for its own.
#[test]
fn who_lost_a_mark_learns_it_by_the_next_beat() {
    let home = Home::new();
    let mine = home.marked(&["set", "dispatch", "b1", "--ttl", "1s"]);
    aged(&home, 1000);
    let thief = Sleeper::start(&home);
    home.marked(&["set", "dispatch", "b1", "--owner-pid", &thief.text()]);
    let before = home.dump();
    let said = home.mark(&["beat", "dispatch", "b1"]).failed(76, "k2 (dispatch b1) is not ours: operator set it for");
    assert!(said.err.contains("hint: beat it all the same: mark beat k2"), "{said:?}");
    for which in [&["dispatch", "b1"][..], &["k2"]] {
        home.mark(&[&["beat"], which, &["--nonce", nonce(&mine)]].concat()).failed(76, "another claim");
    }
    home.mark(&["beat", "k1", "--nonce", nonce(&mine)]).failed(76, "k1 (dispatch b1) has ended: replaced by operator");
    home.mark(&["beat", "k1", "--nonce", NO_NONCE]).failed(76, "another claim");
    assert_eq!(home.dump(), before);
    assert_eq!(id(&home.marked(&["beat", "k2"])), "k2");
}

#[test]
fn several_go_on_or_none_of_them() {
    let home = Home::new();
    home.mark(&["beat", "k1"]).failed(66, "no state at");
    assert!(!home.state().parent().unwrap().exists());
    for name in ["a", "b", "c"] {
        home.marked(&["set", "dispatch", name]);
    }
    home.mark(&["clear", "k2"]).silent(0);
    let before = home.dump();
    home.mark(&["beat", "k1", "k2"]).failed(76, "has ended");
    assert_eq!(home.dump(), before);
    assert_eq!(names(&home.mark(&["beat", "k3", "k1"]).silent(0).records()), ["c", "a"]);
}

/// It is renewed by the clock of now; a beat in the future is a finding until then.
#[test]
fn a_beat_in_the_future_is_unknown_until_the_next_one() {
    let home = Home::new();
    home.marked(&["set", "dispatch", "b1"]);
    aged(&home, -3_600_000);
    let mark = home.marked(&["show", "k1"]);
    assert_eq!((how(&mark), &mark["age_ms"]), ("unknown clock_skew".into(), &json!(null)));
    assert_eq!(how(&home.marked(&["beat", "k1"])), "live within_clock");
}
