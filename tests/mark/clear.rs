//! `mark clear`: who may end a mark by its name, and what is told.

use serde_json::json;

use super::seen::{NO_NONCE, aged, how, id, names, nonce};
use crate::contract::{Home, Said, binary};
use crate::probe::pid::Sleeper;

#[test]
fn a_mark_of_ours_or_of_nobody_ends_by_its_name() {
    let home = Home::new();
    home.marked(&["set", "dispatch", "ours", "--owner-pid", "self"]);
    home.marked(&["set", "dispatch", "nobodys"]);
    for (name, number) in [("ours", "k1"), ("nobodys", "k2")] {
        let cleared = home.marked(&["clear", "dispatch", name]);
        assert_eq!((id(&cleared), how(&cleared)), (number, "removed -".into()));
        assert_eq!((&cleared["removed"], &cleared["removed_how"]), (&json!(true), &json!("cleared")));
        assert_eq!(cleared["removed_by"], "operator");
        assert!(cleared["removed_at"].is_string());
        assert_eq!(
            home.marked(&["show", number])["removed_at"],
            cleared["removed_at"],
            "what is stored is what is told"
        );
    }
    assert_eq!(home.mark(&["list"]).silent(0).out, "");
}

/// A script's helpers end what the script has set.
#[test]
fn who_descends_from_the_owner_may_end_it_by_its_name() {
    let home = Home::new();
    let script = r#""$0" set dispatch b1 --owner-pid $$ && sh -c 'sh -c "\"$0\" clear dispatch b1; exit \$?" "$0"; exit $?' "$0"; exit $?"#;
    let mut command = home.bare("bash", ["-c", script, binary("mark")]);
    let said = Said::of(command.env("REFLOAT_STATE", home.state())).silent(0).records();
    assert_eq!((said[0]["removed"].clone(), said[1]["removed"].clone()), (json!(false), json!(true)), "{said:?}");
}

#[test]
fn anothers_live_mark_is_not_ended_by_its_name_and_is_by_its_id() {
    let home = Home::new();
    let owner = Sleeper::start(&home);
    home.marked(&["set", "dispatch", "b1", "--owner-pid", &owner.text()]);
    let before = home.dump();
    let refused = home.mark(&["clear", "dispatch", "b1"]);
    let words = format!("k1 (dispatch b1) is not ours: operator set it for process {}", owner.text());
    let refused = refused.failed(76, &words);
    assert!(
        refused.err.contains("hint: clear it all the same: mark clear k1\n") && refused.out.is_empty(),
        "{refused:?}"
    );
    assert_eq!(home.dump(), before);
    home.sql("UPDATE mark SET owner = json_set(owner, '$.pid_ns', 1)");
    home.mark(&["clear", "dispatch", "b1"]).failed(76, "not ours");
    assert_eq!(home.marked(&["clear", "k1"])["removed_how"], "cleared");
}

#[test]
fn what_is_stale_is_ended_by_everybody_and_told_why() {
    let home = Home::new();
    let mut owner = Sleeper::start(&home);
    home.marked(&["set", "dispatch", "gone", "--owner-pid", &owner.text()]);
    home.marked(&["set", "dispatch", "old", "--ttl", "1s"]);
    owner.kill();
    owner.0.wait().unwrap();
    aged(&home, 1000);
    for (name, why) in [("gone", "no_such_process"), ("old", "over_clock")] {
        assert_eq!(how(&home.marked(&["clear", "dispatch", name])), format!("removed {why}"));
    }
}

#[test]
fn a_nonce_ends_its_own_claim_alone() {
    let home = Home::new();
    let owner = Sleeper::start(&home);
    let mark = home.marked(&["set", "dispatch", "b1", "--owner-pid", &owner.text()]);
    for which in [&["k1"][..], &["dispatch", "b1"]] {
        let words = [&["clear"], which, &["--nonce", NO_NONCE]].concat();
        home.mark(&words).failed(76, "k1 (dispatch b1) is another claim");
    }
    let mine = ["clear", "dispatch", "b1", "--nonce", nonce(&mark)];
    assert_eq!(id(&home.marked(&mine)), "k1");
    assert_eq!(home.mark(&mine).silent(0).out, "", "by its name it is not there");
    // Somebody else has it now: a trap of the first one does no harm.
    home.marked(&["set", "dispatch", "b1"]);
    home.mark(&mine).failed(76, "k2 (dispatch b1) is another claim");
    assert_eq!(home.marked(&["clear", "k1", "--nonce", nonce(&mark)])["removed"], true);
    home.mark(&["clear", "k1", "--nonce", NO_NONCE]).failed(76, "another claim");
}

#[test]
fn nothing_to_clear_is_silent_and_what_has_ended_is_told_again() {
    let home = Home::new();
    home.mark(&["clear", "dispatch", "b1"]).failed(66, "no state at");
    home.mark(&["clear", "k1"]).failed(66, "no state at");
    assert!(!home.state().parent().unwrap().exists());
    home.marked(&["set", "dispatch", "b1"]);
    for words in [&["clear", "dispatch", "b2"][..], &["clear", "hold", "b1"]] {
        assert_eq!(home.mark(words).silent(0).out, "", "{words:?}");
    }
    let first = home.marked(&["clear", "k1"]);
    let before = home.dump();
    let again = home.marked(&["clear", "k1"]);
    assert_eq!((&again["removed_at"], &again["removed_how"]), (&first["removed_at"], &first["removed_how"]));
    assert_eq!(home.mark(&["clear", "dispatch", "b1"]).silent(0).out, "");
    home.mark(&["clear", "k2"]).failed(66, "no mark k2\nhint: see: mark list");
    assert_eq!(home.dump(), before);
}

/// Whoever clears it in the wrong folder learns that it stands.
#[test]
fn where_one_of_that_name_stands_for_another_folder_that_is_told() {
    let home = Home::new();
    home.marked(&["set", "hold", "lead", "--scope", "."]);
    let said = home.mark(&["clear", "hold", "lead"]);
    let hint = "hint: no hold lead stands for /; for other folders: mark show k1\n";
    assert_eq!((said.code(), said.out.as_str(), said.err.as_str()), (0, "", hint));
    home.mark(&["clear", "hold", "lead", "-q"]).silent(0);
    assert_eq!(home.stands("k1"), "live within_clock");
}

#[test]
fn several_are_ended_by_their_ids_or_none_of_them() {
    let home = Home::new();
    for name in ["a", "b", "c"] {
        home.marked(&["set", "dispatch", name]);
    }
    home.mark(&["clear", "k1", "k9", "k2"]).failed(66, "no mark k9");
    assert_eq!(names(&home.mark(&["list"]).silent(0).records()), ["a", "b", "c"]);
    let said = home.mark(&["clear", "k3", "k1", "k3"]).silent(0).records();
    assert_eq!(names(&said), ["c", "a", "c"], "as they were named");
    assert_eq!(names(&home.mark(&["list"]).silent(0).records()), ["b"]);
    // An id where a kind should be, and a name where an id should be: nothing is guessed.
    for words in [&["k2", "b"][..], &["dispatch", "b", "c"], &["dispatch"], &["k2", "dispatch"]] {
        home.mark(&[&["clear"], words].concat()).failed(2, "is not an id of the form k1");
    }
}
