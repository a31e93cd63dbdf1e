//! What a user may not do, and what others hold: said, and nothing half done.

use std::fs::File;
use std::os::unix::process::CommandExt;

use serde_json::json;

use super::{Desk, MARKER, TTL, ended, entry, marks, told, word};
use crate::contract::Said;

#[test]
fn who_may_not_read_or_write_a_file_is_told_so() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can become another user");
        return;
    }
    let desk = Desk::new();
    let secret = desk.dispatch(&[entry("a", TTL, "/r", None)]);
    desk.put("open", json!({ "active_tentacles": [{ "name": "b", "ts": "5" }] }).to_string(), 0);
    let modes = |path: &std::path::Path, mode: u32| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    modes(&secret, 0o600);
    // There anybody may make files, but not change those of others.
    let free = desk.home.path("free");
    std::fs::create_dir(&free).unwrap();
    modes(&free, 0o1777);
    std::fs::write(free.join("m"), json!({ "active_tentacles": [{ "name": "c", "ts": "5" }] }).to_string()).unwrap();
    for folder in [desk.home.path(""), desk.home.path("markers")] {
        modes(&folder, 0o755);
    }
    let nobody = |words: &[&str], glob: &str| {
        let mut command = desk.home.command("mark-cleanup", [&["--files", glob], words].concat());
        Said::of(
            command
                .current_dir("/")
                .env("REFLOAT_STATE", "/tmp/refloat-test-of-nobody/state.db")
                .uid(65_534)
                .gid(65_534),
        )
    };
    let seen = nobody(&["--apply"], &desk.glob());
    assert_eq!(told(&seen.records()), ["- unreadable permission_denied", "b stale over_clock"], "{seen:?}");
    assert_eq!((word(&seen.records()[1], "kept_why"), seen.code()), ("permission_denied".into(), 0));
    assert_eq!(desk.names(), [MARKER, "open"]);
    let seen = nobody(&["--apply"], &format!("{}/*", free.display()));
    assert_eq!((word(&seen.records()[0], "kept_why"), seen.code()), ("permission_denied".into(), 0));
    assert!(!free.join("m.lock").exists(), "a lock of ours would keep its tool out");
    modes(&desk.home.path("markers"), 0o700);
    let blind = nobody(&[], &desk.glob());
    assert_eq!(
        told(&blind.records()),
        ["- unreadable permission_denied"],
        "a folder that cannot be listed hides what fits"
    );
}

#[test]
fn a_file_that_its_tool_holds_is_kept_and_the_next_pass_takes_it() {
    let desk = Desk::new();
    desk.dispatch(&[entry("a", TTL, "/r", None), entry("b", 1, "/r", None)]);
    let before = desk.text(MARKER);
    let lock = File::create(desk.path(&format!("{MARKER}.lock"))).unwrap();
    lock.lock().unwrap();
    let said = desk.clean(&["--apply"]).silent(0);
    assert_eq!((word(&said.records()[0], "kept_why"), desk.text(MARKER)), ("busy".into(), before));
    drop(lock);
    assert_eq!(ended(&desk.clean(&["--apply"]).silent(0))["removed"], 1);
}

/// Some tools lock the file itself, and some hold a lock whose file is damaged.
#[test]
fn a_file_that_somebody_holds_is_kept_whatever_stands_in_it() {
    let desk = Desk::new();
    let gone = r#"{"pid":2147483647,"startedAt":"2026-01-01T00:00:00Z"}"#;
    let all = [("damaged", "no JSON"), ("held.lock", gone), ("held.pid", "2147483647")];
    let held: Vec<File> = all.iter().map(|(name, content)| File::open(desk.put(name, content, 60)).unwrap()).collect();
    held.iter().for_each(|file| file.lock().unwrap());
    // A link in the place of the tool's lock costs its own file alone.
    desk.dispatch(&[entry("a", TTL, "/r", None)]);
    std::os::unix::fs::symlink("nowhere", desk.path(&format!("{MARKER}.lock"))).unwrap();
    let said = desk.clean(&["--apply"]).silent(0);
    let why = |said: &Said| marks(&said.records()).iter().map(|one| word(one, "kept_why")).collect::<Vec<_>>();
    assert_eq!(why(&said), ["busy", "is_link", "busy", "busy"]);
    drop(held);
    assert_eq!(ended(&desk.clean(&["--apply"]).silent(0))["removed"], 3);
}

/// The lock that is made for it is the owner's too, who has to open it later.
#[test]
fn the_lock_of_a_tool_is_made_as_its_owners_file() {
    use std::os::unix::fs::MetadataExt;
    let desk = Desk::new();
    let path = desk.dispatch(&[entry("a", TTL, "/r", None), entry("b", 1, "/r", None)]);
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(65_534), Some(65_534)).unwrap();
    }
    let owner = |path: &std::path::Path| {
        let data = std::fs::metadata(path).unwrap();
        (data.uid(), data.gid())
    };
    let before = owner(&path);
    desk.clean(&["--apply"]).silent(0);
    assert_eq!((owner(&path), owner(&desk.path(&format!("{MARKER}.lock")))), (before, before));
}

/// A state file that is busy costs nothing: what was taken out is put back.
#[test]
fn a_removal_without_its_account_does_not_happen() {
    let desk = Desk::new();
    desk.dispatch(&[entry("a", TTL, "/r", None), entry("b", 1, "/r", None)]);
    let before = desk.text(MARKER);
    // Nobody can make a state file there.
    let glob = desk.glob();
    let mut command = desk.home.command("mark-cleanup", ["--apply", "--files", &glob]);
    let said = Said::of(command.env("REFLOAT_STATE", "/proc/none/state.db"));
    assert_ne!(said.code(), 0, "{said:?}");
    assert_eq!((desk.text(MARKER), desk.names()), (before, vec![MARKER.to_owned()]));
}
