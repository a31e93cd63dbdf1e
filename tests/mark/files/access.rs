//! What a user may not do, and what others hold: said, and nothing half done.

use std::fs::File;
use std::os::unix::process::CommandExt;

use serde_json::json;

use super::{Desk, MARKER, TTL, ended, entry, told, word};
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
