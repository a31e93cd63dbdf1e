//! `file`: what is a change, an arrival, an end; where the kernel tells it, and where it does not.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::{asleep, ended, injected, record, wait, words};
use crate::contract::{Home, is_root};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

type Act<'a> = &'a dyn Fn(&Path);

#[test]
fn each_change_of_a_file_wakes_it_with_its_own_word() {
    let append = |path: &Path| fs::write(path, "longer than it was").unwrap();
    let same_length = |path: &Path| fs::write(path, "new").unwrap();
    let cut = |path: &Path| fs::File::options().write(true).open(path).unwrap().set_len(0).unwrap();
    let rename = |path: &Path| {
        fs::write(path.with_extension("new"), "old").unwrap();
        fs::rename(path.with_extension("new"), path).unwrap();
    };
    let remove = |path: &Path| fs::remove_file(path).unwrap();
    let moved = |path: &Path| fs::rename(path, path.with_extension("old")).unwrap();
    let folder_moved = |path: &Path| {
        let folder = path.parent().unwrap();
        fs::rename(folder, folder.with_extension("old")).unwrap();
    };
    let acts: [(Act<'_>, &str); 7] = [
        (&append, "modified"),
        (&same_length, "modified"),
        (&cut, "modified"),
        (&rename, "replaced"),
        (&remove, "removed"),
        (&moved, "removed"),
        (&folder_moved, "removed"),
    ];
    let home = Home::new();
    for (number, (act, why)) in acts.iter().enumerate() {
        let folder = home.path(&format!("f{number}"));
        fs::create_dir(&folder).unwrap();
        let path = folder.join("file");
        fs::write(&path, "old").unwrap();
        let waiter = asleep(wait(&home, &["file", text(&path), "changed", "--timeout", "60s"]));
        act(&path);
        let end = ended(waiter, 0);
        assert_eq!((words(&end), &end["polled"]), (["met", why, "notice"], &false.into()), "act {number}: {end}");
    }
}

#[test]
fn a_file_that_comes_later_is_noticed_also_with_its_folders() {
    let home = Home::new();
    for (what, why) in [("changed", "appeared"), ("exists", "present")] {
        let path = home.path(&format!("{what}/deep/er/file"));
        let waiter = asleep(wait(&home, &["file", text(&path), what, "--timeout", "60s"]));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        super::sleeping(&waiter);
        fs::write(&path, "x").unwrap();
        assert_eq!(words(&ended(waiter, 0)), ["met", why, "notice"]);
    }
}

#[test]
fn what_is_so_already_ends_it_at_once_and_what_is_not_ends_in_time() {
    let home = Home::new();
    fs::write(home.path("home/file"), "x").unwrap();
    for (args, words_now) in [(["file", "file", "exists"], "present"), (["file", "none/at/all", "gone"], "no_file")] {
        let end = record(wait(&home, &args), 0);
        assert_eq!((words(&end), &end["looks"]), (["met", words_now, "null"], &1.into()));
    }
    let rows = [("file", "gone", "present"), ("none", "exists", "no_file"), ("file", "changed", "unchanged")];
    for (file, what, why) in rows {
        let end = record(wait(&home, &["file", file, what, "--timeout", "0s"]), 75);
        assert_eq!((words(&end), &end["subject"]), (["timeout", why, "null"], &file.into()));
        assert_eq!((&end["looks"], &end["polled"]), (&1.into(), &false.into()));
    }
    let waiter = asleep(wait(&home, &["file", "file", "gone", "--timeout", "60s"]));
    fs::remove_file(home.path("home/file")).unwrap();
    assert_eq!(words(&ended(waiter, 0)), ["met", "no_file", "notice"]);
}

/// What a link leads to is what is meant, in whatever folder it is.
#[test]
fn a_link_is_looked_through() {
    let home = Home::new();
    fs::create_dir(home.path("real")).unwrap();
    fs::write(home.path("real/file"), "x").unwrap();
    symlink(home.path("real/file"), home.path("link")).unwrap();
    let link = home.path("link");
    let waiter = asleep(wait(&home, &["file", text(&link), "changed", "--timeout", "60s"]));
    fs::write(home.path("real/new"), "x").unwrap();
    fs::rename(home.path("real/new"), home.path("real/file")).unwrap();
    assert_eq!(words(&ended(waiter, 0)), ["met", "replaced", "notice"]);
    let waiter = asleep(wait(&home, &["file", text(&link), "changed", "--timeout", "60s"]));
    symlink(home.path("home"), home.path("other")).unwrap();
    fs::rename(home.path("other"), &link).unwrap();
    assert_eq!(words(&ended(waiter, 0)), ["met", "replaced", "notice"]);
}

#[test]
fn other_attributes_and_other_files_are_no_change() {
    let home = Home::new();
    let path = home.path("home/file");
    fs::write(&path, "x").unwrap();
    let waiter = asleep(wait(&home, &["file", "file", "changed", "--timeout", "1s"]));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(home.path("home/neighbour"), "x").unwrap();
    let end = ended(waiter, 75);
    assert_eq!((words(&end), &end["polled"]), (["timeout", "unchanged", "null"], &false.into()));
}

/// A log beside the file: its folder tells of names, not of what is written.
#[test]
fn a_neighbour_that_is_written_to_wakes_nobody() {
    let home = Home::new();
    fs::write(home.path("home/log"), "x").unwrap();
    let waiter = asleep(wait(&home, &["file", "result", "exists", "--timeout", "1s"]));
    for _ in 0..50 {
        fs::write(home.path("home/log"), "more").unwrap();
    }
    let end = ended(waiter, 75);
    assert_eq!((words(&end), &end["looks"]), (["timeout", "no_file", "null"], &2.into()));
}

/// `/proc` tells no changes, as other hosts' file systems do not.
#[test]
fn where_changes_are_not_told_it_polls_and_says_so() {
    let home = Home::new();
    let mut child = home.bare("sleep", ["600"]).spawn().unwrap();
    let path = format!("/proc/{}/comm", child.id());
    let waiter = asleep(wait(&home, &["file", &path, "gone", "--timeout", "60s"]));
    child.kill().unwrap();
    child.wait().unwrap();
    let end = ended(waiter, 0);
    assert_eq!((words(&end), &end["polled"]), (["met", "no_file", "poll"], &true.into()));
}

/// EMFILE: no instance of inotify is left for this user. ENOSPC: no watch.
#[test]
fn without_notices_it_polls_and_says_so() {
    let home = Home::new();
    for (number, call) in ["inotify_init1:error=EMFILE", "inotify_add_watch:error=ENOSPC"].iter().enumerate() {
        let path = home.path(&format!("file{number}"));
        let Some(command) = injected(&home, call, &["file", text(&path), "exists", "--timeout", "60s"]) else {
            return;
        };
        let waiter = super::piped(command).spawn().unwrap();
        fs::write(&path, "x").unwrap();
        let end = ended(waiter, 0);
        assert!(end["woken_by"] == "poll" && end["polled"] == true || end["looks"] == 1, "{end}");
        let late = injected(&home, call, &["file", "none", "exists", "--timeout", "600ms"]).unwrap();
        let late = record(late, 75);
        assert_eq!((words(&late), &late["polled"]), (["timeout", "no_file", "null"], &true.into()));
        assert!((3..=4).contains(&late["looks"].as_i64().unwrap()), "{late}");
    }
}

#[test]
fn a_path_that_may_not_be_looked_at_is_unknown_at_once() {
    let home = Home::new();
    fs::create_dir(home.path("closed")).unwrap();
    fs::set_permissions(home.path("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    let path = home.path("closed/file");
    let mut command = wait(&home, &["file", text(&path), "gone", "--timeout", "60s"]);
    if is_root() {
        let user = ["--reuid=65534", "--regid=65534", "--clear-groups", env!("CARGO_BIN_EXE_probe"), "wait"];
        fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o755)).unwrap();
        command = home.bare("setpriv", [&user[..], &["file", text(&path), "gone", "--timeout", "60s"]].concat());
        command.current_dir("/");
    } else {
        fs::set_permissions(home.path("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    }
    assert_eq!(words(&record(command, 69)), ["unknown", "permission_denied", "null"]);
    fs::set_permissions(home.path("closed"), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_name_that_is_not_text_is_told_with_its_mark() {
    let home = Home::new();
    let name = OsStr::from_bytes(b"caf\xe9");
    let mut command = home.command("probe", ["wait", "file"]);
    command.arg(name).args(["gone"]);
    let end = record(command, 0);
    assert_eq!((&end["subject"], &end["subject_lossy"]), (&"caf\u{fffd}".into(), &true.into()));
}
