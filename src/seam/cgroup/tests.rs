//! Groups made for real where the host allows it; their finding on written mount tables.

use std::process::Command;

use super::*;
use crate::seam::process::{identity_of, look};
use crate::seam::support::{BOUND, Zoo, is_root, say};

fn made(name: &str) -> Option<Cgroup> {
    match Cgroup::plan(&format!("refloat-test-{name}-{}", own_pid())).and_then(|path| Cgroup::make(&path)) {
        Ok(group) => Some(group),
        Err(reason) => {
            say(&format!("no cgroup can be made here: {reason}"));
            None
        }
    }
}

fn start_in(group: &Path, script: &str) -> Zoo {
    Zoo::start(&format!("echo 0 > {}/cgroup.procs; {script}", group.display()))
}

#[test]
fn a_group_is_counted_killed_and_removed() {
    let Some(group) = made("kill") else { return };
    assert!(!group.populated().unwrap());
    assert_eq!(Cgroup::open(group.path()).unwrap(), group);
    let mut zoo = start_in(group.path(), "setsid sleep 1000 & echo ready; wait");
    assert!(group.populated().unwrap());
    assert!(group.members().unwrap().contains(&zoo.pid()));
    let busy = group.remove(Duration::from_millis(20)).unwrap_err();
    assert_eq!(busy.raw_os_error(), Some(Errno::BUSY.raw_os_error()));
    group.kill().unwrap();
    // Reaped only afterwards: zombies keep no group populated.
    group.remove(BOUND).unwrap();
    assert!(zoo.all_gone() && !group.path().exists());
    zoo.child.wait().unwrap();
    assert!(group.remove(Duration::ZERO).is_ok(), "a group that is gone is no error");
    assert_eq!(Cgroup::open(group.path()).unwrap_err().kind(), io::ErrorKind::NotFound);
    assert!(gone(&group.populated().unwrap_err()));
}

#[test]
fn groups_inside_the_group_go_too() {
    let Some(group) = made("nested") else { return };
    let inner = group.path().join("own/deeper");
    fs::create_dir_all(&inner).unwrap();
    let mut zoo = start_in(&inner, "echo ready; sleep 1000");
    assert!(group.populated().unwrap() && group.members().unwrap().contains(&zoo.pid()));
    group.kill().unwrap();
    group.remove(BOUND).unwrap();
    assert!(zoo.all_gone() && !group.path().exists());
    zoo.child.wait().unwrap();
}

#[test]
fn without_cgroup_kill_they_are_frozen_and_killed() {
    let Some(group) = made("freeze") else { return };
    let mut zoo = start_in(group.path(), "sleep 1000 & sleep 1000 & echo ready; wait");
    group.freeze_and_kill().unwrap();
    group.remove(BOUND).unwrap();
    assert!(zoo.all_gone());
    zoo.child.wait().unwrap();
}

#[test]
fn a_member_does_not_kill_itself() {
    const NAME: &str = "seam::cgroup::tests::a_member_does_not_kill_itself";
    if !crate::seam::support::alone(NAME) {
        return;
    }
    let Some(group) = made("self") else { return };
    let parent = own_group().unwrap();
    group.join().unwrap();
    assert_eq!(own_group().unwrap(), group.path());
    assert_eq!(group.kill().unwrap_err().kind(), io::ErrorKind::Deadlock);
    Cgroup { path: parent }.join().unwrap();
    group.remove(BOUND).unwrap();
}

#[test]
fn a_name_is_used_once() {
    let Some(group) = made("twice") else { return };
    let name = group.path().file_name().unwrap().to_str().unwrap();
    assert_eq!(Cgroup::plan(name).and_then(|path| Cgroup::make(&path)).unwrap_err(), NoCgroup::Exists);
    group.remove(BOUND).unwrap();
}

#[test]
fn an_ordinary_folder_is_no_group() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Cgroup::open(folder.path()).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn the_mount_is_found() {
    let line =
        |root: &str, point: &str, kind: &str| format!("41 31 0:38 {root} {point} rw,relatime shared:1 - {kind} x rw");
    let found = |line: String, own: &str| mount_of(&line, own).map(|path| path.display().to_string());
    assert_eq!(found(line("/", "/sys/fs/cgroup", "cgroup2"), "/a/b").as_deref(), Some("/sys/fs/cgroup/a/b"));
    assert_eq!(found(line("/a", "/sys/fs/cgroup", "cgroup2"), "/a/b").as_deref(), Some("/sys/fs/cgroup/b"));
    assert_eq!(found(line("/", "/m\\040n", "cgroup2"), "/a").as_deref(), Some("/m n/a"));
    assert_eq!(found(line("/other", "/sys/fs/cgroup", "cgroup2"), "/a/b"), None);
    assert_eq!(found(line("/", "/sys/fs/cgroup", "cgroup2"), "/../b"), None);
    assert_eq!(found(line("/", "/sys/fs/cgroup/cpu", "cgroup"), "/"), None);
}

#[test]
fn the_reason_is_kept() {
    for (errno, word) in
        [(Errno::ACCESS, "cgroup_denied"), (Errno::ROFS, "cgroup_read_only"), (Errno::NOENT, "cgroup_not_mounted")]
    {
        assert_eq!(reason(errno).word(), word);
    }
    if !is_root() {
        return say("not root: no read-only mount tried");
    }
    const NAME: &str = "seam::cgroup::tests::a_read_only_tree";
    // Where we are in a group below the mount, its folder is no mount point yet.
    let script = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"";
    let Some(tree) = own_group() else { return say("no cgroup2 mount here") };
    let tree = tree.display().to_string();
    let through = ["unshare", "--mount", "sh", "-c", script, &tree];
    assert!(crate::seam::support::again(NAME, &through, "").status().unwrap().success());
}

#[test]
fn a_read_only_tree() {
    if crate::seam::support::inner("seam::cgroup::tests::a_read_only_tree") {
        assert_eq!(
            Cgroup::plan("refloat-test-ro").and_then(|path| Cgroup::make(&path)).unwrap_err(),
            NoCgroup::ReadOnly
        );
    }
}

#[test]
fn the_killed_are_dead_for_the_process_instrument_too() {
    let Some(group) = made("look") else { return };
    let mut child =
        Command::new("sh").args(["-c", "read x; sleep 1000"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    fs::write(group.path().join("cgroup.procs"), pid.to_string()).unwrap();
    let who = identity_of(pid).unwrap();
    group.kill().unwrap();
    group.remove(BOUND).unwrap();
    child.wait().unwrap();
    assert!(matches!(look(&who), crate::seam::process::Life::Dead(_)));
}
