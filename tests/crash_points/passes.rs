//! A pass over runs of many kinds is killed at its calls, and its writes fail: what it had repaired is repaired, the rest is
//! as it was, and the next pass does it. One that may not write, or finds the state file busy, says so.

use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

use super::{calls, campaign, can_trace, points, traced};
use crate::scene::broken::{broken, copy, seen};
use crate::scene::{Stage, records};

/// Adopted workers, lost turns, and turns that ended in several ways.
const RUNS: usize = 12;

/// Broken runs, what is recorded of them before a pass, and after one.
struct Planted {
    planted: Stage,
    before: Vec<String>,
    after: Vec<String>,
}

impl Planted {
    fn new() -> Self {
        let planted = broken(RUNS);
        let undisturbed = copy(&planted);
        assert!(undisturbed.reconcile(&["--apply"]).output().unwrap().status.success());
        Self { before: seen(&planted), after: seen(&undisturbed), planted }
    }

    /// Puts the state of the broken runs onto a stage.
    fn restore(&self, stage: &Stage) {
        let _ = std::fs::remove_dir_all(stage.path("state"));
        let done = Command::new("cp").arg("-a").arg(self.planted.path("state")).arg(stage.path("state")).status();
        assert!(done.unwrap().success());
    }

    /// After a death: each run is as it was or as it has to be, and the next pass does the rest.
    fn goes_on(&self, stage: &Stage, point: &str) {
        assert_eq!(stage.texts("PRAGMA integrity_check"), ["ok"], "{point}");
        for line in seen(stage) {
            assert!(self.before.contains(&line) || self.after.contains(&line), "{point}: half done: {line}");
        }
        let half = stage.texts(
            "SELECT run.id FROM run JOIN turn ON turn.run = run.id
             WHERE (turn.outcome IS NULL) <> (run.state = 'in_turn')",
        );
        assert!(half.is_empty(), "{point}: a turn without its run: {half:?}");
        let next = stage.reconcile(&["--apply"]).output().unwrap();
        assert_eq!((next.status.code(), next.stderr.len()), (Some(0), 0), "{point}: {next:?}");
        assert_eq!(seen(stage), self.after, "{point}");
        stage.assert_repaired_once();
    }
}

#[test]
fn a_pass_that_is_killed_at_any_call_has_repaired_each_run_or_left_it_as_it_was() {
    if !can_trace() {
        return;
    }
    let (planted, stage) = (Planted::new(), Stage::new());
    let prepare = || {
        planted.restore(&stage);
        vec!["--apply".to_owned()]
    };
    let pass = |words: &[&str]| stage.reconcile(words);
    campaign("a pass", &stage, &pass, prepare, None, |_, point| planted.goes_on(&stage, point));
}

const WRITES: &str = "write,pwrite64,fsync,fdatasync,ftruncate,rename,openat,mkdir,unlink";

/// Never a bug's code, never a panic, and never more than the runs that it could not write.
#[test]
fn a_disk_that_fails_at_any_write_of_a_pass_breaks_nothing() {
    if !can_trace() {
        return;
    }
    let (planted, stage) = (Planted::new(), Stage::new());
    let run = |inject: &[&str]| -> Output {
        planted.restore(&stage);
        traced(&stage, "log", inject, &stage.reconcile(&["--apply"]), None).output().unwrap()
    };
    let whole = run(&["-e", &format!("trace={WRITES}")]);
    assert!(whole.status.success(), "{whole:?}");
    let all = points(&calls(&stage.path("log")), 40);
    let mut codes = std::collections::BTreeMap::new();
    for (index, (name, number)) in all.iter().enumerate() {
        let error = if index % 2 == 0 { "ENOSPC" } else { "EIO" };
        let inject = format!("inject={name}:error={error}:when={number}");
        let ended = run(&["-e", &format!("trace={name}"), "-e", &inject]);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.code().is_some_and(|code| code != 70), "{inject}: {ended:?}");
        assert!(!said.contains("panicked"), "{inject}: {said}");
        *codes.entry(ended.status.code()).or_insert(0) += 1;
        planted.goes_on(&stage, &inject);
    }
    println!("failing disk: {} points; exit codes {codes:?}", all.len());
    assert!(codes.len() > 1, "no error was seen: {codes:?}");
}

/// A plan is for everybody who may read; a pass that may not write says why and has done nothing.
#[test]
fn without_the_right_to_write_there_is_a_plan_and_no_pass() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can become another user");
        return;
    }
    let planted = Planted::new();
    let stage = &planted.planted;
    let own = stage.reconcile(&[]).output().unwrap();
    assert_eq!(seen(stage), planted.before);
    let shell = |words: &[&str]| assert!(Command::new(words[0]).args(&words[1..]).status().unwrap().success());
    let (all, state) = (stage.word(""), stage.word("state"));
    shell(&["chown", "-R", "65534:65534", &all]);
    shell(&["chmod", "-R", "a-w", &state]);
    let nobody = |words: &[&str]| {
        let mut command = stage.reconcile(words);
        command.uid(65_534).gid(65_534).output().unwrap()
    };
    let plan = nobody(&[]);
    assert_eq!(plan.status.code(), Some(0), "{plan:?}");
    assert_eq!(records(&plan.stdout).len(), RUNS + 1);
    assert_eq!(records(&own.stdout).last().unwrap()["planned"], RUNS);
    let pass = nobody(&["--apply"]);
    let said = String::from_utf8_lossy(&pass.stderr).into_owned();
    assert_eq!((pass.status.code(), pass.stdout.len()), (Some(77), 0), "{said}");
    assert!(said.starts_with("reconcile: ") && said.contains("hint: "), "{said}");
    assert_eq!(seen(stage), planted.before);
}

/// Whoever may not write now could not for the next run either: the pass is over, and what it has done is done.
#[test]
#[ignore = "waits out the 30 s that a command waits for another one"]
fn a_state_file_that_stays_busy_ends_the_pass() {
    let planted = Planted::new();
    let stage = &planted.planted;
    let lock = std::fs::File::options().write(true).open(stage.path("state/state.lock")).unwrap();
    lock.lock().unwrap();
    let pass = stage.reconcile(&["--apply"]).output().unwrap();
    let said = String::from_utf8_lossy(&pass.stderr).into_owned();
    assert_eq!(pass.status.code(), Some(75), "{said}");
    assert!(said.contains("another command is writing"), "{said}");
    assert_eq!(records(&pass.stdout).iter().filter(|record| record["applied"] == true).count(), 0);
    assert_eq!(seen(stage), planted.before, "nothing is half done");
    lock.unlock().unwrap();
    planted.goes_on(stage, "busy");
}
