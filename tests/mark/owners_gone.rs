//! FM-2 and FM-4: whatever became of its owner, a mark blocks nobody any more as soon as that is certain, and never before.

use std::io::Write;

use nix::sys::signal::Signal;

use super::planted::{Owner, age, check, orphan, other_owner, owned, pass};
use crate::contract::{Home, Said, binary, nobody};
use crate::scene::Running;
use crate::support::until;

const HOURS: i64 = 4 * 3_600_000;

/// FM-2: nobody waits out a ttl, and nobody deletes a file by hand.
#[test]
fn after_a_kill_the_very_next_clean_up_frees_the_mark() {
    let home = Home::new();
    let owner = Owner::start(&home);
    owned(&home, "builder", &owner);
    assert_eq!((check(&home), pass(&home, &["--apply"]).counts()), (1, [1, 0, 0, 0, 0, 1]));
    owner.end();
    let done = pass(&home, &["--apply"]);
    assert_eq!((done.told("builder"), done.names("removed")), ("stale no_such_process".into(), vec!["builder"]));
    assert!(done.mark("builder")["age_ms"].as_i64().unwrap() < HOURS, "young as it is");
    assert_eq!((check(&home), pass(&home, &[]).counts()), (0, [0; 6]));
}

/// FM-4: a dispatch that came to nothing is told from one that runs: its mark went with the script that set it.
#[test]
fn after_a_dispatch_that_came_to_nothing_the_next_one_is_not_blocked() {
    let home = Home::new();
    let script = r#""$1" set dispatch story-7 --owner-pid $$ >/dev/null && exit 7"#;
    let mut lost = home.bare("sh", ["-c", script, "sh", binary("mark")]);
    assert_eq!(Said::of(lost.env("REFLOAT_STATE", home.state())).code(), 7);
    assert_eq!(check(&home), 0, "also before any clean-up");
    assert_eq!(pass(&home, &["--apply"]).names("removed"), ["story-7"]);
    let owner = Owner::start(&home);
    assert_eq!(owned(&home, "story-7", &owner)["already_set"], false);
    assert_eq!(check(&home), 1);
}

#[test]
fn each_end_of_an_owner_is_told_and_one_that_only_stands_still_lives() {
    let home = Home::new();
    let (zombie, stopped, other) = (Owner::start(&home), Owner::start(&home), Owner::start(&home));
    for (name, owner) in [("zombie", &zombie), ("stopped", &stopped), ("reused", &other), ("rebooted", &other)] {
        owned(&home, name, owner);
    }
    zombie.signal(Signal::SIGKILL);
    zombie.until_state('Z');
    stopped.signal(Signal::SIGSTOP);
    stopped.until_state('T');
    other_owner(&home, "reused", "start_ticks", "1");
    other_owner(&home, "rebooted", "boot", "'5b6ad4a5-0f2c-4b8e-9a0f-6f3f8d5f2f3c'");
    let done = pass(&home, &["--apply"]);
    for (name, told) in [
        ("zombie", "stale zombie"),
        ("stopped", "live stopped"),
        ("reused", "stale pid_reused"),
        ("rebooted", "stale rebooted"),
    ] {
        assert_eq!(done.told(name), told);
    }
    assert_eq!(done.names("removed"), ["zombie", "reused", "rebooted"]);
}

/// Nothing of it is removed before its ttl, and all of it after: unknown is no hiding place.
#[test]
fn an_owner_that_cannot_be_looked_at_keeps_its_mark_for_its_ttl_and_no_longer() {
    let home = Home::new();
    let owner = Owner::start(&home);
    let rows = [
        ("host", "machine", "'0123456789abcdef0123456789abcdef'", "other_host"),
        ("namespace", "pid_ns", "7", "other_namespace"),
        ("clock", "time_ns", "7", "other_namespace"),
        ("start", "start_ticks", "0", "start_unknown"),
    ];
    for (name, key, value, _) in rows {
        owned(&home, name, &owner);
        other_owner(&home, name, key, value);
    }
    assert_eq!(check(&home), 69);
    for _ in 0..2 {
        let kept = pass(&home, &["--apply"]);
        assert_eq!(kept.counts(), [0, 0, 4, 0, 0, 4]);
        for (name, _, _, why) in rows {
            assert_eq!(kept.told(name), format!("unknown {why}"));
            age(&home, name, HOURS / 2 - 60_000);
        }
    }
    for (name, ..) in rows {
        age(&home, name, 120_000);
    }
    let done = pass(&home, &["--apply"]);
    assert_eq!(done.counts(), [0, 4, 0, 0, 4, 0]);
    assert!(done.marks.iter().all(|mark| mark["reason"] == "over_clock"), "{done:?}");
    assert_eq!(check(&home), 0);
}

/// A container sets a mark; outside nobody can look at its owner, in it anybody can.
#[test]
fn a_mark_of_another_pid_namespace_is_unknown_outside_and_told_inside() {
    let home = Home::new();
    let inside = |script: &str| {
        let mut command = home.bare("unshare", ["--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", script]);
        command.env("REFLOAT_STATE", home.state());
        command.env("MARK", binary("mark")).env("CLEAN", binary("mark-cleanup"));
        command
    };
    if !inside("true").output().is_ok_and(|done| done.status.success()) {
        return println!("skipped: no pid namespace can be made here");
    }
    let script =
        "sleep 1000 & $MARK set dispatch inner --owner-pid $! >/dev/null; read go; kill -9 $!; wait $! 2>/dev/null;
        exec $CLEAN --apply";
    let mut container = inside(script);
    let gate = home.path("gate");
    nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let held = std::fs::File::options().read(true).write(true).open(&gate).unwrap();
    container.stdin(std::fs::File::open(&gate).unwrap());
    let container = Running::start(&mut container);
    until("the mark", || home.state().exists() && check(&home) == 69);
    assert_eq!(pass(&home, &["--apply"]).told("inner"), "unknown other_namespace");
    (&held).write_all(b"go\n").unwrap();
    let ended = container.end();
    assert_eq!((ended.code(), ended.errors.as_str()), (Some(0), ""), "{ended:?}");
    assert_eq!((&ended.records[0]["reason"], &ended.records[0]["removed"]), (&"no_such_process".into(), &true.into()));
    assert_eq!(check(&home), 0);
}

/// `hidepid`: what `/proc` does not show may live; what has no number any more does not.
#[test]
fn a_hidden_owner_is_unknown_until_it_is_gone() {
    let home = Home::new();
    if !crate::contract::is_root() {
        return println!("skipped: not root, no hidden process to look at");
    }
    let owner = Owner::start(&home);
    let pid = owner.pid().to_string();
    Said::of(&mut nobody(&home, "mark", &["set", "dispatch", "a", "--owner-pid", &pid])).silent(0);
    let hidden = || {
        let script =
            "mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$@\"";
        let clean = binary("mark-cleanup");
        let mut command = home.bare("unshare", ["--mount", "sh", "-c", script, "sh", clean, "--apply"]);
        command.env("REFLOAT_STATE", home.path("nobody/state.db")).current_dir(home.path("nobody"));
        Said::of(&mut command)
    };
    let kept = hidden();
    if kept.err.contains("mount") {
        return println!("skipped: /proc cannot be mounted here");
    }
    let kept = kept.silent(0).record("mark");
    assert_eq!(
        (&kept["state"], &kept["reason"], &kept["removed"]),
        (&"unknown".into(), &"hidden".into(), &false.into())
    );
    owner.end();
    let gone = hidden().silent(0).record("mark");
    assert_eq!((&gone["reason"], &gone["removed"]), (&"no_such_process".into(), &true.into()));
}

/// Its owner's end is the end of that claim alone.
#[test]
fn the_same_name_set_by_a_new_owner_is_not_the_old_one() {
    let home = Home::new();
    let old = orphan(&home, "a");
    let owner = Owner::start(&home);
    let new = owned(&home, "a", &owner);
    assert_ne!((&old["mark"], &old["nonce"]), (&new["mark"], &new["nonce"]));
    assert_eq!(pass(&home, &["--apply"]).counts(), [1, 0, 0, 0, 0, 1]);
    assert_eq!(check(&home), 1);
}
