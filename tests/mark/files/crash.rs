//! A clean-up is killed at every call that touches the outside, and its disk fails at any of them: the file is the whole old
//! or the whole new one, the account tells what has gone and nothing else, and the next pass does the rest.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

use serde_json::Value;

use super::{Desk, MARKER, TTL, entry, marker};
use crate::support::can_trace;

/// What a pass calls, as far as it can change something or be asked for it.
const CALLS: &str = "openat,flock,fchown,fchmod,utimensat,write,pwrite64,fsync,fdatasync,ftruncate,renameat2,rename,unlink,\
    unlinkat,close,statx,newfstatat,read,pread64,fcntl,mkdir,getdents64,readlink,lseek";
const WRITES: &str =
    "openat,fchown,fchmod,utimensat,write,pwrite64,fsync,fdatasync,ftruncate,renameat2,unlink,unlinkat,mkdir";

/// What is to be done to the file.
#[derive(Clone, Copy, Debug)]
enum Work {
    Rewrite,
    Remove,
    MoveAside,
}

impl Work {
    fn content(self) -> String {
        match self {
            Self::Rewrite => marker(&[entry("old", TTL, "/r", None), entry("new", 1, "/r", None)]).to_string(),
            Self::Remove => marker(&[entry("old", TTL, "/r", None)]).to_string(),
            Self::MoveAside => "{\"active_tenta".to_owned(),
        }
    }

    /// The name that the account tells.
    const fn gone(self) -> &'static str {
        if let Self::MoveAside = self { MARKER } else { "old" }
    }
}

/// A desk with one file, and the account of an earlier removal so that the state file is there.
struct Scene {
    desk: Desk,
    work: Work,
    before: String,
}

impl Scene {
    fn new(work: Work) -> Self {
        let desk = Desk::new();
        desk.home.mark(&["set", "hold", "x", "--until", "2h"]).silent(0);
        let mut scene = Self { desk, work, before: String::new() };
        scene.reset();
        scene
    }

    /// As it was before any clean-up.
    fn reset(&mut self) {
        let folder = self.desk.home.path("markers");
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::create_dir(folder).unwrap();
        self.desk.home.sql("DELETE FROM mark WHERE file IS NOT NULL");
        self.before = self.work.content();
        self.desk.put(MARKER, &self.before, 60);
    }

    fn traced(&self, log: &str, what: &[&str]) -> Output {
        let args = ["--apply".to_owned(), "--files".to_owned(), self.desk.glob()];
        let pass = self.desk.home.command("mark-cleanup", args);
        let mut strace = self.desk.home.bare("strace", ["-qq", "-o"]);
        strace.arg(self.desk.home.path(log)).args(what).arg(pass.get_program()).args(pass.get_args());
        strace.env("REFLOAT_STATE", self.desk.home.state()).output().unwrap()
    }

    /// Every call, and how often it is made.
    fn points(&mut self, calls: &str) -> Vec<(String, usize)> {
        let whole = self.traced("log", &["-e", &format!("trace={calls}")]);
        assert!(whole.status.success(), "{whole:?}");
        let log = std::fs::read_to_string(self.desk.home.path("log")).unwrap();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for name in log.lines().filter_map(|line| Some(line.split_once('(')?.0)) {
            *counts.entry(name.trim()).or_default() += 1;
        }
        let all = counts.into_iter().flat_map(|(name, count)| (1..=count).map(move |number| (name.to_owned(), number)));
        let all: Vec<_> = all.collect();
        let every = std::env::var("REFLOAT_EVERY").ok().and_then(|text| text.parse().ok());
        let every = every.unwrap_or_else(|| all.len().div_ceil(60).max(1));
        all.into_iter().step_by(every).collect()
    }

    /// Right after it: nothing is half done.
    fn is_whole(&self, point: &str) {
        let text = std::fs::read_to_string(self.desk.path(MARKER)).ok();
        let is_old = text.as_ref() == Some(&self.before);
        match self.work {
            Work::Rewrite => {
                assert!(is_old || text.as_ref().is_some_and(|text| self.is_new(text)), "{point}: {text:?}")
            }
            _ => assert!(is_old || text.is_none(), "{point}: {text:?}"),
        }
        let account = self.desk.account();
        assert!(account.len() <= 1, "{point}: {account:?}");
        assert!(account.is_empty() || !is_old, "{point}: a row without a removal");
        // What has gone without a row lies beside it yet.
        let beside = |name: &String| std::fs::read_to_string(self.desk.path(name)).unwrap() == self.before;
        assert!(
            !account.is_empty() || is_old || self.desk.names().iter().any(beside),
            "{point}: {:?}",
            self.desk.names()
        );
    }

    fn is_new(&self, text: &str) -> bool {
        let file: Value = serde_json::from_str(text).unwrap();
        let names: Vec<_> =
            file["active_tentacles"].as_array().unwrap().iter().map(|one| super::word(one, "name")).collect();
        names == ["new"]
    }

    /// After the next pass all is done, once, and nothing lies about.
    fn goes_on(&self, point: &str) {
        self.desk.clean(&["--apply"]).silent(0);
        let names = self.desk.names();
        match self.work {
            Work::Rewrite => assert!(self.is_new(&self.desk.text(MARKER)) && names == [MARKER], "{point}: {names:?}"),
            Work::Remove => assert!(names.is_empty(), "{point}: {names:?}"),
            Work::MoveAside => {
                assert_eq!((names.len(), self.desk.text(&names[0])), (1, self.before.clone()), "{point}: {names:?}");
                assert!(names[0].starts_with(&format!("{MARKER}.unreadable-")), "{point}: {names:?}");
            }
        }
        assert_eq!(self.desk.account(), [self.work.gone()], "{point}");
    }
}

fn killed(work: Work) {
    if !can_trace() {
        return;
    }
    let mut scene = Scene::new(work);
    let points = scene.points(CALLS);
    let mut hit = 0;
    for (name, number) in &points {
        scene.reset();
        let inject = format!("inject={name}:signal=KILL:when={number}");
        let ended = scene.traced("none", &["-e", &format!("trace={name}"), "-e", &inject]);
        hit += usize::from(ended.status.signal() == Some(9));
        let point = format!("{work:?} killed at {name} {number}");
        scene.is_whole(&point);
        scene.goes_on(&point);
    }
    println!("{work:?}: killed at {hit} of {} points", points.len());
    assert!(hit * 10 > points.len() * 8, "{hit} of {}", points.len());
}

#[test]
fn a_rewrite_that_is_killed_at_any_call_leaves_a_whole_file_and_a_true_account() {
    killed(Work::Rewrite);
}

#[test]
fn a_removal_that_is_killed_at_any_call_leaves_a_whole_file_and_a_true_account() {
    killed(Work::Remove);
}

#[test]
fn a_move_aside_that_is_killed_at_any_call_leaves_a_whole_file_and_a_true_account() {
    killed(Work::MoveAside);
}

#[test]
fn a_disk_that_fails_at_any_write_leaves_a_whole_file_and_a_true_account() {
    if !can_trace() {
        return;
    }
    let mut codes = BTreeMap::new();
    for work in [Work::Rewrite, Work::Remove, Work::MoveAside] {
        let mut scene = Scene::new(work);
        for (index, (name, number)) in scene.points(WRITES).iter().enumerate() {
            scene.reset();
            let error = if index % 2 == 0 { "ENOSPC" } else { "EIO" };
            let inject = format!("inject={name}:error={error}:when={number}");
            let ended = scene.traced("none", &["-e", &format!("trace={name}"), "-e", &inject]);
            let point = format!("{work:?}: {inject}: {ended:?}");
            assert!(ended.status.code().is_some_and(|code| code != 70), "{point}");
            *codes.entry(ended.status.code()).or_insert(0) += 1;
            scene.is_whole(&point);
            scene.goes_on(&point);
        }
    }
    println!("failing disk: exit codes {codes:?}");
    assert!(codes.len() > 1, "no error was seen: {codes:?}");
}

/// A disk that is really full: the folder of the markers is one of its own. A marker on another disk is cleaned up.
#[test]
fn on_a_full_disk_the_old_file_stays() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: mounting a small disk wants root");
        return;
    }
    let scene = Scene::new(Work::Rewrite);
    let folder = scene.desk.home.path("markers");
    let script = "mount -t tmpfs -o size=64k tmpfs \"$1\" && cp \"$2\" \"$1/$3\" && : > \"$1/$3.lock\" &&
        { dd if=/dev/zero of=\"$1/ballast\" bs=4k 2>/dev/null; shift 3; \"$@\"; code=$?; cat \"$FILE\"; exit $code; }";
    let copy = scene.desk.home.path("copy");
    std::fs::write(&copy, &scene.before).unwrap();
    let file = scene.desk.path(MARKER);
    let mut full = Command::new("unshare");
    full.args(["--mount", "sh", "-c", script, "sh"]).arg(&folder).arg(&copy).arg(MARKER);
    let other = scene.desk.home.path("other");
    std::fs::write(&other, &scene.before).unwrap();
    full.args([env!("CARGO_BIN_EXE_mark-cleanup"), "--apply", "--files"]).arg(&file).arg("--files").arg(&other);
    let said = full.env("REFLOAT_STATE", scene.desk.home.state()).env("FILE", &file).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert_eq!(said.status.code(), Some(74), "{out} {err}");
    assert!(
        out.ends_with(&scene.before) && err.contains("cannot change") && err.contains("no space left"),
        "{out} {err}"
    );
    assert!(out.contains("\"type\":\"mark-cleanup.ended\""), "{out}");
    assert_ne!(std::fs::read_to_string(&other).unwrap(), scene.before);
    assert_eq!(scene.desk.account().len(), 1, "of the other file");
}
