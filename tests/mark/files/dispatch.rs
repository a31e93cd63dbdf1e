//! The dispatch marker: what is told of its entries, which of them go, and that nothing else of the file changes.

use serde_json::{Value, json};

use super::{Desk, MARKER, TTL, ended, entry, marker, marks, now, told, word};

#[test]
fn each_entry_is_a_mark_with_its_folder_and_its_own_time() {
    let desk = Desk::new();
    let root = desk.home.path("home");
    let dotted = format!("{}/../home", root.display());
    desk.dispatch(&[entry("a", 60, &dotted, Some("id-1")), entry("b", TTL, "/r", None), json!("plain")]);
    let records = desk.clean(&[]).silent(0).records();
    let all = marks(&records);
    assert_eq!(told(&records), ["a live within_clock", "b stale over_clock", "plain unknown missing_key"]);
    assert_eq!(all[0]["scope"], root.to_str().unwrap(), "roots are canonical");
    assert_eq!((word(all[0], "kind"), word(all[0], "nonce")), ("dispatch".into(), "id-1".into()));
    assert_eq!(
        (&all[0]["mark"], &all[0]["ttl_ms"], &all[2]["scope"]),
        (&Value::Null, &json!(TTL * 1000), &Value::Null)
    );
    assert_eq!(all[1]["file"], desk.path(MARKER).to_str().unwrap());
    assert_eq!(all.iter().map(|one| &one["would_remove"]).collect::<Vec<_>>(), [false, true, false]);
    assert!(!desk.home.state().exists(), "looking makes no state file");
}

/// Row by row: what was live for ever, a traceback, or "none found".
#[test]
fn an_entry_without_a_time_is_unknown_for_as_long_as_it_may_live() {
    let desk = Desk::new();
    let odd =
        json!([{"name": "none"}, {"name": "garbled", "ts": "soon"}, "plain", {"name": "ahead", "ts": now() + 9999}]);
    let text = json!({ "active_tentacles": odd, "ttl_seconds": 600 }).to_string();
    desk.put(MARKER, &text, 590);
    let unknown = [
        "none unknown missing_key",
        "garbled unknown unparsable",
        "plain unknown missing_key",
        "ahead unknown clock_skew",
    ];
    assert_eq!(desk.told(), unknown);
    assert_eq!(ended(&desk.clean(&["--apply"]).silent(0))["removed"], 0);
    assert_eq!(desk.text(MARKER), text);
    desk.put(MARKER, &text, 600);
    assert_eq!(desk.told(), ["none", "garbled", "plain", "ahead"].map(|name| format!("{name} stale over_clock")));
    let said = desk.clean(&["--apply"]).silent(0);
    assert_eq!((ended(&said)["removed"].clone(), desk.names()), (json!(4), vec![]));
    assert_eq!(desk.account(), ["none", "garbled", "plain", "ahead"]);
}

/// The whole file says when it was written too: where its time is younger than that of the file, it counts.
#[test]
fn the_later_time_of_the_file_counts() {
    let desk = Desk::new();
    for (ts, state) in [(now(), "unknown"), (now() - 700, "stale"), (now() + 5000, "stale")] {
        desk.put(MARKER, json!({ "active_tentacles": ["a"], "ts": ts, "ttl_seconds": 600 }).to_string(), 700);
        assert!(desk.told()[0].starts_with(&format!("a {state}")), "{ts}: {:?}", desk.told());
    }
}

#[test]
fn stale_entries_go_and_every_other_byte_of_the_file_stays() {
    let desk = Desk::new();
    let (young, old) = (now(), now() - TTL);
    let text = |list: &str| {
        format!(
            "{{\n  \"zz\": 1.50,\n  \"name\": \"é\\u00e9\",\"ts\":\"{young}\",\n  \"active_tentacles\": [{list}],\n  \"ttl_seconds\": {TTL}\n}}\n"
        )
    };
    let (stale, plain) = (format!("{{\"name\":\"old\", \"ts\":\"{old}\"}}"), "\"plain\"");
    let live = format!("{{ \"ts\" : {young}, \"name\":\"new\" }}");
    desk.put(MARKER, text(&format!("{stale}, {live}, {stale}, {plain}")), 100);
    let before = std::fs::metadata(desk.path(MARKER)).unwrap();
    let said = desk.clean(&["--apply"]).silent(0);
    assert_eq!(desk.text(MARKER), text(&format!("{live}, {plain}")));
    let after = std::fs::metadata(desk.path(MARKER)).unwrap();
    assert_eq!(before.modified().unwrap(), after.modified().unwrap(), "a clean-up renews nothing");
    assert_eq!(before.permissions(), after.permissions());
    let end = ended(&said);
    assert_eq!(
        (&end["live"], &end["stale"], &end["unknown"], &end["removed"]),
        (&json!(1), &json!(2), &json!(1), &json!(2))
    );
    let removed = desk.home.mark(&["list", "--removed"]).silent(0).records();
    assert_eq!((removed.len(), &removed[0]["file"]), (2, &json!(desk.path(MARKER).to_str().unwrap())));
    assert_eq!((&removed[0]["data"]["name"], &removed[0]["removed_how"]), (&json!("old"), &json!("cleaned")));
    assert_eq!(desk.names(), [MARKER]);
}

/// FM-4: the agent was killed, its entry blocks commits until its time is over.
#[test]
fn after_its_time_one_clean_up_frees_the_repository_and_leaves_the_others() {
    let desk = Desk::new();
    let (here, there) = (desk.home.path("home"), desk.home.path("other"));
    std::fs::create_dir(&there).unwrap();
    let of = |age: i64| {
        vec![entry("killed", age, here.to_str().unwrap(), None), entry("works", 5, there.to_str().unwrap(), None)]
    };
    let check = |scope: &str| desk.mark(&["check", "dispatch", "--exit-code", "--scope", scope]);
    desk.dispatch(&of(TTL - 100));
    assert_eq!((check("."), 1).0.code(), 1);
    desk.clean(&["--apply"]).silent(0);
    assert_eq!(check(".").silent(1).records().len(), 1, "it may still work");
    desk.dispatch(&of(TTL));
    assert_eq!(check(".").silent(0).records().len(), 0, "what is stale blocks nobody");
    desk.clean(&["--apply"]).silent(0);
    assert_eq!(check(".").silent(0).records().len(), 0);
    assert_eq!(told(&check(there.to_str().unwrap()).silent(1).records()), ["works live within_clock"]);
    assert_eq!(desk.told(), ["works live within_clock"]);
}

#[test]
fn a_check_of_files_says_live_unknown_and_none() {
    let desk = Desk::new();
    let code = |words: &[&str]| desk.mark(&[&["check", "dispatch", "--exit-code"], words].concat()).code();
    assert_eq!(code(&[]), 0, "nothing is there");
    desk.put(MARKER, r#"{"active_tentacles":["plain"]}"#, 0);
    assert_eq!((code(&[]), code(&["plain"]), code(&["other"])), (69, 69, 0));
    desk.put("broken", "{\"active_tenta", 60);
    assert_eq!(code(&["other"]), 69, "what cannot be read may be anything");
    std::fs::remove_file(desk.path("broken")).unwrap();
    desk.dispatch(&[json!("plain"), entry("a", 0, desk.home.path("home").to_str().unwrap(), None)]);
    assert_eq!((code(&[]), code(&["a"])), (1, 1));
    let listed = |words: &[&str]| told(&desk.mark(&[&["list"], words].concat()).silent(0).records());
    assert_eq!(listed(&["--live"]), ["a live within_clock"]);
    assert_eq!(listed(&["--unknown"]), ["plain unknown missing_key"]);
    assert_eq!(listed(&["--kind", "hold"]), [""; 0]);
}

#[test]
fn the_same_name_in_two_folders_and_in_two_sessions_is_four_marks() {
    let desk = Desk::new();
    desk.dispatch(&[
        entry("b", TTL, "/r", Some("one")),
        entry("b", 5, "/r", Some("two")),
        entry("b", TTL, "/s", None),
        entry("b", 5, "/r", None),
    ]);
    desk.clean(&["--apply", "--scope", "/r"]).code();
    let left: Value = serde_json::from_str(&desk.text(MARKER)).unwrap();
    let said = desk.clean(&["--apply"]).silent(0);
    let records = said.records();
    let kept: Vec<_> =
        marks(&records).iter().filter(|one| one["removed"] == false).map(|one| word(one, "nonce")).collect();
    assert_eq!(kept, ["two", "-"], "{left}");
}

#[test]
fn the_filters_and_the_limit_hold_for_entries_too() {
    let desk = Desk::new();
    let here = desk.home.path("home");
    let root = here.to_str().unwrap();
    desk.dispatch(&[entry("a", TTL, root, None), entry("b", TTL, "/elsewhere", None), entry("c", TTL, root, None)]);
    assert_eq!(ended(&desk.clean(&["--apply", "--kind", "lock"]).silent(0))["removed"], 0);
    let said = desk.clean(&["--apply", "--scope", root, "--limit", "1"]).silent(0);
    assert_eq!(
        (&ended(&said)["removed"], &ended(&said)["more"], desk.account()),
        (&json!(1), &json!(true), vec!["a".to_owned()])
    );
    let said = desk.clean(&["--apply", "--scope", root]).silent(0);
    assert_eq!((&ended(&said)["removed"], &ended(&said)["more"]), (&json!(1), &json!(false)));
    assert_eq!(told(&desk.clean(&[]).silent(0).records()), ["b stale over_clock"]);
}

/// What a dry run says is what is done, whichever folder it is called in.
#[test]
fn a_dry_run_changes_nothing_and_says_what_would_be_done() {
    let desk = Desk::new();
    desk.dispatch(&[entry("a", TTL, "/elsewhere", None), entry("b", 1, "/elsewhere", None)]);
    let before = desk.text(MARKER);
    let dry = desk.clean(&[]).silent(0);
    assert_eq!((desk.text(MARKER), desk.names(), desk.home.state().exists()), (before, vec![MARKER.to_owned()], false));
    let done = desk.clean(&["--apply"]).silent(0);
    let picked = |records: &[Value], key: &str| -> Vec<String> {
        marks(records).iter().filter(|one| one[key] == true).map(|one| word(one, "name")).collect()
    };
    assert_eq!(picked(&dry.records(), "would_remove"), picked(&done.records(), "removed"));
    assert!(!desk.text(MARKER).contains("\"a\""));
}

#[test]
fn a_signed_file_is_rewritten_by_nobody_but_its_tool() {
    let desk = Desk::new();
    let signed = |entries: &[Value]| {
        let mut file = marker(entries);
        file["sig"] = "5f".into();
        file.to_string()
    };
    let text = signed(&[entry("a", TTL, "/r", None), entry("b", 1, "/r", None)]);
    desk.put(MARKER, &text, 0);
    let records = desk.clean(&["--apply"]).silent(0).records();
    assert_eq!((word(&records[0], "kept_why"), &records[0]["removed"]), ("signed".into(), &json!(false)));
    assert_eq!((word(&records[1], "kept_why"), desk.text(MARKER)), ("-".into(), text));
    desk.put(MARKER, signed(&[entry("a", TTL, "/r", None), entry("b", TTL, "/r", None)]), 0);
    desk.clean(&["--apply"]).silent(0);
    assert_eq!(desk.names(), [""; 0]);
}

#[test]
fn a_pattern_that_nothing_fits_is_named_and_a_bad_one_is_refused() {
    let desk = Desk::new();
    desk.put("x.refloat-y", "4711", 0);
    std::fs::remove_file(desk.path("x.refloat-y")).unwrap();
    let end = ended(&desk.clean(&["--files", "none/*", "--files", "gone"]).silent(0));
    assert_eq!((&end["unmatched"], &end["files"]), (&json!([desk.glob(), "none/*", "gone"]), &json!(0)));
    for bad in ["[", "a**", "", "a/"] {
        assert_eq!(desk.clean(&["--files", bad]).code(), 2, "{bad}");
    }
    assert_eq!(desk.home.mark(&["list"]).code(), 66, "without --files a state file is needed");
}
