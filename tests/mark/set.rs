//! `mark set`: what a mark is by default, and what becomes of one that is there.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde_json::{Value, json};

use super::seen::{NO_NONCE, aged, how, id, nonce};
use crate::contract::{Home, Said};
use crate::probe::pid::Sleeper;

const HOURS: i64 = 3_600_000;

fn millis(mark: &Value, key: &str) -> i64 {
    let time: refloat::clock::Stamp = mark[key].as_str().unwrap().parse().unwrap();
    time.millis()
}

#[test]
fn a_mark_without_options_is_nobodys_and_ends_after_four_hours() {
    let home = Home::new();
    let mark = home.marked(&["set", "dispatch", "b1"]);
    assert_eq!((id(&mark), how(&mark)), ("k1", "live within_clock".into()));
    for (key, value) in [
        ("kind", json!("dispatch")),
        ("name", json!("b1")),
        ("ttl_ms", json!(4 * HOURS)),
        ("set_by", json!("operator")),
        ("scope", json!(home.path("home").canonicalize().unwrap())),
        ("beats", json!(0)),
        ("bound", json!(false)),
        ("already_set", json!(false)),
        ("removed", json!(false)),
    ] {
        assert_eq!(mark[key], value, "{key}: {mark}");
    }
    for key in ["owner", "owner_pid", "run", "turn", "until", "data", "removed_at"] {
        assert!(mark[key].is_null(), "{key}: {mark}");
    }
    assert_eq!(millis(&mark, "ends_at"), millis(&mark, "set_at") + 4 * HOURS);
    assert!(nonce(&mark).len() == 32 && nonce(&mark).bytes().all(|digit| digit.is_ascii_hexdigit()));
    assert_eq!(home.stands("k1"), "live within_clock");
}

#[test]
fn until_and_an_owner_are_ends_too() {
    let home = Home::new();
    let hold = home.marked(&["set", "hold", "lead", "--until", "2h"]);
    assert_eq!((how(&hold), &hold["ttl_ms"], &hold["scope"]), ("live before_until".into(), &json!(null), &json!("/")));
    assert_eq!(hold["ends_at"], hold["until"]);
    let at = home.marked(&["set", "hold", "@all", "--until", "2100-01-01T00:00:00Z", "--ttl", "1h"]);
    assert_eq!((&at["until"], &at["ttl_ms"]), (&json!("2100-01-01T00:00:00.000Z"), &json!(HOURS)));
    assert_eq!(millis(&at, "ends_at"), millis(&at, "set_at") + HOURS, "whichever comes first");
    let owned = home.marked(&["set", "dispatch", "b1", "--owner-pid", "self", "--ttl", "none"]);
    assert_eq!((how(&owned), &owned["ttl_ms"], &owned["ends_at"]), ("live running".into(), &json!(null), &json!(null)));
    let both = home.marked(&["set", "dispatch", "b2", "--owner-pid", "self"]);
    assert_eq!(both["ttl_ms"], 4 * HOURS, "the owner alone would do, and may hang");
}

#[test]
fn one_that_is_anothers_and_live_is_refused_with_who_holds_it_and_a_way_out() {
    let home = Home::new();
    let (owner, other) = (Sleeper::start(&home), Sleeper::start(&home));
    home.marked(&["set", "dispatch", "b1", "--owner-pid", &owner.text()]);
    let before = home.dump();
    let held = format!("k1 (dispatch b1) is live: operator set it for process {}", owner.text());
    for more in [&["--owner-pid", &other.text()][..], &["--owner-pid", "self"], &[]] {
        home.mark(&[&["set", "dispatch", "b1"], more].concat()).failed(75, &held);
    }
    assert_eq!(home.dump(), before);
    let said = home.mark(&["set", "dispatch", "b1"]);
    let way = said.err.split("mark ").last().unwrap().trim();
    home.mark(&way.split(' ').collect::<Vec<_>>()).silent(0);
    assert_eq!(id(&home.marked(&["set", "dispatch", "b1"])), "k2");
    home.marked(&["set", "dispatch", "b2"]);
    let nobodys = ["set", "dispatch", "b2", "--owner-pid", "self"];
    home.mark(&nobodys).failed(75, "k3 (dispatch b2) is live: operator set it\n");
    home.sql("UPDATE mark SET owner = NULL WHERE id = 3");
    home.marked(&["set", "dispatch", "b3", "--owner-pid", &owner.text()]);
    home.sql("UPDATE mark SET owner = json_set(owner, '$.pid_ns', 1) WHERE id = 4");
    home.mark(&["set", "dispatch", "b3"]).failed(75, "k4 (dispatch b3) may be live: ");
}

/// The same id is another mark in another state file.
#[test]
fn the_way_out_is_about_the_state_file_that_was_named() {
    let home = Home::new();
    home.marked(&["set", "dispatch", "untouched"]);
    for file in ["other.db", "it's here.db"] {
        let on = ["--state", file];
        home.mark(&[&on[..], &["set", "dispatch", "b1", "--ttl", "1h"]].concat()).silent(0);
        let said = home.mark(&[&on[..], &["set", "dispatch", "b1", "--owner-pid", "self"]].concat());
        let way = said.failed(75, "k1 (dispatch b1) is live").err.split("end it: ").last().unwrap().trim().to_owned();
        let typed = way.replacen("mark", "\"$0\"", 1);
        let cleared = Said::of(&mut home.bare("bash", ["-c", &typed, crate::contract::binary("mark")]));
        assert_eq!(cleared.silent(0).record("mark")["name"], "b1", "{way}");
    }
    assert_eq!(home.stands("k1"), "live within_clock");
}

#[test]
fn one_that_is_ours_is_renewed_with_what_it_is_to_be_from_now_on() {
    let home = Home::new();
    let first = home.marked(&["set", "dispatch", "b1", "--owner-pid", "self", "--data", r#"{"b":1,"a":[]}"#]);
    let again = ["set", "dispatch", "b1", "--owner-pid", "parent", "--ttl", "1h", "--until", "2h"];
    let second = home.marked(&again);
    for key in ["mark", "nonce", "set_at", "owner", "data", "set_by"] {
        assert_eq!(first[key], second[key], "{key}: {second}");
    }
    assert_eq!((&second["already_set"], &second["beats"], &second["ttl_ms"]), (&json!(true), &json!(1), &json!(HOURS)));
    assert!(second["until"].is_string() && millis(&second, "beat_at") >= millis(&first, "beat_at"), "{second}");
    let third = home.marked(&["set", "dispatch", "b1", "--owner-pid", "self", "--data", "7"]);
    assert_eq!((&third["data"], &third["until"], &third["ttl_ms"]), (&json!(7), &json!(null), &json!(4 * HOURS)));
    // What nobody owns is renewed by whoever set it.
    home.marked(&["set", "hold", "lead"]);
    assert_eq!(home.marked(&["set", "hold", "lead", "--ttl", "2h"])["already_set"], true);
    assert_eq!(home.marked(&["show", "k2"])["ttl_ms"], 2 * HOURS);
}

#[test]
fn its_nonce_renews_a_mark_whoever_set_it_and_can_hand_it_over() {
    let home = Home::new();
    home.mark(&["set", "dispatch", "b1", "--nonce", NO_NONCE]).failed(66, "no state at");
    assert!(!home.state().parent().unwrap().exists(), "who names a claim makes nothing");
    let (first, next) = (Sleeper::start(&home), Sleeper::start(&home));
    let mark = home.marked(&["set", "dispatch", "b1", "--owner-pid", &first.text()]);
    let set = |more: &[&str]| home.mark(&[&["set", "dispatch", "b1"], more].concat());
    let before = home.dump();
    set(&["--nonce", NO_NONCE]).failed(76, "k1 (dispatch b1) is another claim: its nonce is not 0000");
    set(&["--nonce", NO_NONCE, "--owner-pid", &first.text()]).failed(76, "another claim");
    assert_eq!(home.dump(), before);
    let kept = set(&["--nonce", nonce(&mark)]).silent(0).record("mark");
    assert_eq!((&kept["owner"], &kept["already_set"]), (&mark["owner"], &json!(true)), "its owner stays");
    let endless = set(&["--nonce", nonce(&mark), "--ttl", "none"]).silent(0).record("mark");
    assert_eq!((&endless["owner"], &endless["ttl_ms"]), (&mark["owner"], &json!(null)));
    let handed = set(&["--nonce", nonce(&mark), "--owner-pid", &next.text()]).silent(0).record("mark");
    assert_eq!((&handed["owner_pid"], &handed["beats"]), (&json!(next.pid()), &json!(3)));
    let never = ["--nonce", nonce(&mark), "--owner-pid", "none", "--ttl", "none"];
    set(&never).failed(2, "this mark would never end");
    let freed = set(&["--nonce", nonce(&mark), "--owner-pid", "none"]).silent(0).record("mark");
    assert_eq!((&freed["owner"], how(&freed)), (&json!(null), "live within_clock".into()));
    home.mark(&["clear", "k1"]).silent(0);
    set(&["--nonce", nonce(&mark)]).failed(76, "it has ended");
    assert_eq!(home.mark(&["list"]).silent(0).out, "");
}

#[test]
fn one_that_is_stale_is_replaced_and_stays_as_the_account() {
    let home = Home::new();
    let mut owner = Sleeper::start(&home);
    home.marked(&["set", "dispatch", "owner", "--owner-pid", &owner.text(), "--ttl", "7d"]);
    home.marked(&["set", "dispatch", "ttl", "--ttl", "1h"]);
    home.marked(&["set", "dispatch", "until", "--until", "1h"]);
    owner.kill();
    aged(&home, HOURS);
    home.sql("UPDATE mark SET until = 1 WHERE name = 'until'");
    for (name, old, why) in [("owner", "k1", "zombie"), ("ttl", "k2", "over_clock"), ("until", "k3", "until_reached")] {
        assert_eq!(home.stands(old), format!("stale {why}"));
        let old_nonce = home.marked(&["show", old])["nonce"].clone();
        let new = home.marked(&["set", "dispatch", name]);
        assert_eq!(
            (&new["already_set"], &new["beats"], how(&new)),
            (&json!(false), &json!(0), "live within_clock".into())
        );
        assert!(id(&new) != old && new["nonce"] != old_nonce, "{new}");
        let account = home.marked(&["show", old]);
        assert_eq!(how(&account), format!("removed {why}"));
        assert_eq!((&account["removed_how"], &account["removed_by"]), (&json!("replaced"), &json!("operator")));
        assert_eq!(account["nonce"], old_nonce);
    }
    assert_eq!(home.mark(&["list"]).silent(0).records().len(), 3);
}

#[test]
fn data_is_any_json_of_a_bounded_size() {
    let home = Home::new();
    for (number, data) in
        ["null", "0", "\"x\"", "[1,2]", r#"{"a":{"b":"ü\u0000 "}}"#, "-1.5e3", " [ ] "].iter().enumerate()
    {
        let mark = home.marked(&["set", "note", &format!("n{number}"), "--data", data]);
        assert_eq!(mark["data"], serde_json::from_str::<Value>(data).unwrap(), "{data}");
        assert_eq!(home.marked(&["show", id(&mark)])["data"], mark["data"]);
    }
    let most = format!("\"{}\"", "x".repeat((64 << 10) - 2));
    assert_eq!(home.marked(&["set", "note", "most", "--data", &most])["data"].as_str().unwrap().len(), (64 << 10) - 2);
    let before = home.dump();
    for (data, words) in [
        (&*format!("\"{}\"", "x".repeat((64 << 10) - 1)), "--data has more than 64 KiB"),
        ("", "--data is not JSON"),
        ("{", "--data is not JSON"),
        ("{} {}", "--data is not JSON"),
        ("NaN", "--data is not JSON"),
        (&"[".repeat(1000), "--data is not JSON"),
    ] {
        home.mark(&["set", "note", "bad", "--data", data]).failed(2, words);
    }
    for (word, bytes) in [("--data", &b"\"\xff\""[..]), ("--until", b"\xff"), ("--nonce", b"\xff")] {
        let words = ["set", "note", "bad", word].map(OsStr::new);
        let mut command = home.command("mark", words.into_iter().chain([OsStr::from_bytes(bytes)]));
        Said::of(&mut command).failed(2, "invalid UTF-8");
    }
    let mut command = home.command("mark", [OsStr::new("set"), OsStr::new("note"), OsStr::from_bytes(b"a\xff")]);
    Said::of(&mut command).failed(2, "invalid UTF-8");
    assert_eq!(home.dump(), before);
}

#[test]
fn names_may_be_words_of_every_language() {
    let home = Home::new();
    let long = "ü".repeat(100);
    for name in ["b1", "fix the login page", "作業員", "a.b", "k1", "@all", &long, "a'b\"c$d"] {
        assert_eq!(home.marked(&["set", "note", name])["name"], name);
        assert_eq!(home.marked(&["clear", "note", name])["name"], name);
    }
    home.mark(&["set", "note", &format!("{long}x")]).failed(2, "1 to 200 bytes");
    home.mark(&["set", &"k".repeat(101), "x"]).failed(2, "a kind has 1 to 100");
    assert_eq!(home.marked(&["set", &"k".repeat(100), "x"])["kind"], "k".repeat(100));
}

/// It would hold nobody back, and nobody would be told.
#[test]
fn a_hold_of_what_can_be_no_agent_is_refused() {
    let home = Home::new();
    for name in ["@All", "@builders", "the lead", "lead?", "t1"] {
        let said = home.mark(&["set", "hold", name]).failed(2, &format!("no agent can be called '{name}': "));
        assert!(said.err.ends_with("hint: for every agent: @all\n"), "{said:?}");
    }
    home.marked(&["set", "hold", "Lead.2"]);
}

/// As the token of a claim on mail: who scrubs wants to show a record, and not to act on it.
#[test]
fn a_scrubbed_record_has_no_nonce_and_none_of_the_secrets_in_its_data() {
    let home = Home::new();
    let data = r#"{"token":"abcdefgh12345678","next":"tests"}"#;
    let mark = home.marked(&["set", "note", "n", "--data", data, "--scrub"]);
    assert_eq!((nonce(&mark), &mark["data"]), ("[redacted]", &json!({"token": "[redacted]", "next": "tests"})));
    let whole = home.marked(&["show", "k1"]);
    assert_eq!((nonce(&whole).len(), &whole["data"]["token"]), (32, &json!("abcdefgh12345678")));
}

/// A token was given out by a state file: where there is none it is good for nothing, and nothing is made.
#[test]
fn a_token_without_a_state_file_makes_none() {
    let home = Home::new();
    for (program, words) in [
        ("mark", &["set", "dispatch", "b1"][..]),
        ("mark", &["set", "dispatch", "b1", "--owner-pid", "self"]),
        ("mail", &["send", "--to", "lead", "--subject", "s", "--body", "b"]),
    ] {
        let said = Said::of(home.command(program, words).env("REFLOAT_TOKEN", "0123456789abcdef"));
        let said = said.failed(76, "the token of this turn is unknown here");
        assert!(said.err.contains("hint: REFLOAT_TOKEN and REFLOAT_STATE belong together"), "{said:?}");
        assert!(!home.state().parent().unwrap().exists(), "{program}: nothing was done");
    }
}
