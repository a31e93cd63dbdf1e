//! What nobody can read, and what is no marker: told, never "none found", never deleted.

use std::fs::File;

use serde_json::json;

use super::{Desk, MARKER, ended, told, word};
use crate::contract::Said;
use crate::support::until;

/// Each was a traceback, or "no active marker found".
#[test]
fn a_damaged_file_is_told_and_moved_aside_whole() {
    for (content, reason) in [
        (&b"not json"[..], "unparsable"),
        (b"{\"active_tentacles\": [", "unparsable"),
        (b"[1,2]", "not_an_object"),
        (b"\"text\"", "not_an_object"),
        (b"", "empty"),
        (b"\xff\xfe{}", "not_text"),
        (b"{\"active_tentacles\":[\"a\"],\"ttl_seconds\":\"soon\"}", "unparsable"),
        (b"{\"active_tentacles\":[\"a\"],\"ttl_seconds\":-1}", "unparsable"),
    ] {
        let desk = Desk::new();
        desk.put(MARKER, content, 60);
        let dry = desk.clean(&[]).silent(0).records();
        assert_eq!((told(&dry), &dry[0]["would_remove"]), (vec![format!("- unreadable {reason}")], &json!(true)));
        assert_eq!(desk.names(), [MARKER], "a dry run");
        let said = desk.clean(&["--apply"]).silent(0);
        let record = &said.records()[0];
        let moved = word(record, "moved_to");
        assert_eq!((word(record, "state"), word(record, "removed_how")), ("unreadable".into(), "moved_aside".into()));
        assert_eq!(std::fs::read(&moved).unwrap(), content);
        let names = desk.names();
        assert_eq!(names.len(), 1, "{names:?}");
        let time = names[0].strip_prefix(&format!("{MARKER}.unreadable-")).unwrap();
        assert!(time.len() == 16 && time.ends_with('Z') && time.as_bytes()[8] == b'T', "{time}");
        assert_eq!((&ended(&said)["unreadable"], desk.account()), (&json!(1), vec![MARKER.to_owned()]));
        let again = ended(&desk.clean(&["--apply"]).silent(0));
        assert_eq!((&again["files"], &again["unmatched"]), (&json!(0), &json!([desk.glob()])), "it is passed over");
    }
}

/// Tools empty the file and then write it: half of a file is no damage.
#[test]
fn what_was_written_just_now_is_kept() {
    let desk = Desk::new();
    desk.put(MARKER, "{\"active_tenta", 0);
    desk.put("empty", "", 0);
    desk.put("tool.lock", "", 3600);
    let expected = ["- unknown being_written", "- unknown being_written", "- unknown empty"];
    assert_eq!(told(&desk.clean(&["--apply"]).silent(0).records()), expected);
    assert_eq!((desk.names(), desk.path("tool.lock").exists()), (vec![MARKER.to_owned(), "empty".into()], true));
}

#[test]
fn what_is_something_else_is_told_and_stays() {
    let desk = Desk::new();
    desk.put("a.json", r#"{"name":"settings"}"#, 3600);
    desk.put("b.jsonl", "{\"a\":1}\n{\"a\":2}\n", 3600);
    std::fs::create_dir(desk.path("c")).unwrap();
    nix::unistd::mkfifo(&desk.path("d"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(desk.path("e")).unwrap();
    File::create(desk.path("f")).unwrap().set_len(50 << 20).unwrap();
    let reasons = ["not_a_marker", "several_documents", "is_folder", "is_fifo", "is_socket", "too_big"];
    let said = desk.clean(&["--apply"]).silent(0);
    assert_eq!(told(&said.records()), reasons.map(|reason| format!("- unreadable {reason}")));
    assert_eq!((desk.names().len(), desk.home.state().exists()), (6, false));
    assert_eq!((&ended(&said)["kept"], &ended(&said)["files"]), (&json!(6), &json!(6)));
    for name in ["a.json", "b.jsonl", "e", "f"] {
        let _ = std::fs::remove_file(desk.path(name));
    }
    let check = |kind: &str| desk.mark(&["check", kind, "--exit-code"]).code();
    assert_eq!(check("dispatch"), 0, "no mark is hidden in a folder or a FIFO");
}

#[test]
fn a_link_is_read_and_never_changed() {
    let desk = Desk::new();
    let outside = desk.home.path("home/outside");
    let stale = json!({ "active_tentacles": [{ "name": "a", "ts": "5" }] }).to_string();
    for content in [stale.as_str(), "damaged"] {
        let path = desk.put("x", content, 60);
        std::fs::rename(path, &outside).unwrap();
        let _ = std::fs::remove_file(desk.path("link"));
        std::os::unix::fs::symlink(&outside, desk.path("link")).unwrap();
        let said = desk.clean(&["--apply"]).silent(0);
        assert_eq!(word(&said.records()[0], "kept_why"), "is_link", "{said:?}");
        assert_eq!(
            (std::fs::read_to_string(&outside).unwrap(), desk.names()),
            (content.to_owned(), vec!["link".to_owned()])
        );
    }
    std::fs::remove_file(&outside).unwrap();
    assert_eq!(desk.told(), ["- unreadable no_file"]);
}

/// A folder of somebody else's that a link leads to is not ours to tidy.
#[test]
fn a_file_behind_a_link_that_fits_is_never_changed() {
    let desk = Desk::new();
    std::fs::create_dir(desk.home.path("home/theirs")).unwrap();
    let outside = desk.home.path("home/theirs/m");
    std::fs::write(&outside, json!({ "active_tentacles": [{ "name": "a", "ts": "5" }] }).to_string()).unwrap();
    std::os::unix::fs::symlink(desk.home.path("home/theirs"), desk.path("link")).unwrap();
    let clean = |glob: &str| {
        let glob = format!("{}/{glob}", desk.home.path("markers").display());
        crate::contract::Said::of(&mut desk.home.command("mark-cleanup", ["--apply", "--files", &glob])).silent(0)
    };
    let said = clean("*/m");
    assert_eq!((word(&said.records()[0], "kept_why"), outside.exists()), ("is_link".into(), true));
    assert_eq!(told(&clean("**/m").records()), ["mark-cleanup.ended"; 0]);
    assert_eq!((ended(&clean("link/m"))["removed"].clone(), outside.exists()), (json!(1), false), "it was named");
}

/// Whoever wrote it so: no entry keeps the others from going.
#[test]
fn an_entry_that_nobody_can_store_goes_all_the_same() {
    let desk = Desk::new();
    let deep = "[".repeat(5_000) + &"]".repeat(5_000);
    let text = format!(r#"{{"active_tentacles":[{deep},"\ud800",{{"ts":"5","name":"x\u0000y"}}]}}"#);
    desk.put(MARKER, text, 999_999);
    assert_eq!(ended(&desk.clean(&["--apply"]).silent(0))["removed"], 3);
    assert_eq!(desk.names(), [""; 0]);
}

/// What is in the way where a file should go to stays too.
#[test]
fn two_files_of_one_second_are_both_kept() {
    let desk = Desk::new();
    for _ in 0..3 {
        desk.put(MARKER, "damaged", 60);
        desk.clean(&["--apply"]).silent(0);
    }
    until("three files", || desk.names().len() == 3);
    assert!(desk.names().iter().all(|name| name.contains(".unreadable-")));
}

/// A pattern that is too wide finds them too.
#[test]
fn neither_the_state_file_nor_what_stands_beside_it_nor_any_database_is_moved() {
    let desk = Desk::new();
    desk.home.mark(&["set", "dispatch", "a"]).silent(0);
    let (state, link) = (desk.home.state(), desk.home.path("link"));
    let folder = state.parent().unwrap();
    std::os::unix::fs::symlink(folder, &link).unwrap();
    std::fs::create_dir_all(folder.join("logs/t1")).unwrap();
    std::fs::write(folder.join("logs/t1/stderr.log"), "no JSON").unwrap();
    let names = || {
        let mut all: Vec<_> = std::fs::read_dir(folder).unwrap().map(|one| one.unwrap().file_name()).collect();
        all.extend(std::fs::read_dir(folder.join("logs/t1")).unwrap().map(|one| one.unwrap().file_name()));
        all.sort();
        all
    };
    for name in ["state.db", "bell", "logs/t1/stderr.log"] {
        let file = File::options().append(true).open(folder.join(name)).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    }
    let before = names();
    for above in [folder, &link] {
        let wide = format!("{}/**", above.display());
        let said = Said::of(&mut desk.home.command("mark-cleanup", ["--apply", "--files", wide.as_str()])).silent(0);
        assert_eq!((&ended(&said)["removed"], names()), (&json!(0), before.clone()), "{said:?}");
    }
    std::fs::copy(&state, desk.path("other.db")).unwrap();
    desk.written("other.db", 60);
    let said = desk.clean(&["--apply"]).silent(0);
    assert_eq!(desk.names(), ["other.db"]);
    assert!(told(&said.records()).contains(&"- unreadable not_a_marker".to_owned()), "{said:?}");
}
