//! Between a clean-up's look and its removal: the cleaner is stopped there, and what is renewed meanwhile stays.

use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::planted::{Pass, age, column, fill, orphan, pass, stored, timed};
use crate::contract::{Home, Said, binary};
use crate::support::{can_trace, until};

const HOUR: i64 = 3_600_000;

/// A clean-up that has read the rows, and is stopped as it looks at the first owner.
struct Stopped(Option<Child>);

impl Stopped {
    fn start(home: &Home, args: &[&str]) -> Self {
        let log = home.path("trace");
        let inject = "inject=pidfd_open:signal=STOP:when=1";
        // With `-D` the tracer is the grandchild, and this is the cleaner itself.
        let stop = ["-D", "-q", "-o", log.to_str().unwrap(), "-e", "trace=pidfd_open", "-e", inject];
        let mut command = home.bare("strace", [&stop[..], &[binary("mark-cleanup")], args].concat());
        command.env("REFLOAT_STATE", home.state()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let cleaner = Self(Some(command.spawn().unwrap()));
        let is_stopped = || std::fs::read_to_string(&log).is_ok_and(|said| said.contains("stopped by SIGSTOP"));
        until("the cleaner's look", is_stopped);
        cleaner
    }

    fn go_on(mut self) -> Said {
        let cleaner = self.0.take().unwrap();
        kill(Pid::from_raw(cleaner.id().cast_signed()), Signal::SIGCONT).unwrap();
        Said::from(cleaner.wait_with_output().unwrap()).silent(0)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        if let Some(mut cleaner) = self.0.take() {
            let _ = cleaner.kill();
            let _ = cleaner.wait();
        }
    }
}

fn ends(home: &Home) -> Vec<String> {
    column(home, "name || ' ' || coalesce(ended_how, 'stands')")
}

#[test]
fn a_mark_that_is_renewed_between_look_and_removal_stays() {
    if !can_trace() {
        return;
    }
    let home = Home::new();
    orphan(&home, "gone");
    let old = ["beaten", "set-again", "cleared", "replaced", "left"];
    for name in old {
        timed(&home, name);
        age(&home, name, HOUR);
    }
    let cleaner = Stopped::start(&home, &["--apply"]);
    home.mark(&["beat", "dispatch", "beaten"]).silent(0);
    timed(&home, "set-again");
    home.mark(&["clear", "dispatch", "cleared"]).silent(0);
    home.mark(&["clear", "dispatch", "replaced"]).silent(0);
    timed(&home, "replaced");
    assert_eq!(ends(&home).len(), 8, "set anew they are other marks");
    let done = Pass::of(&cleaner.go_on());
    assert_eq!((done.names("would_remove").len(), done.names("removed")), (6, vec!["gone", "left"]));
    assert_eq!(done.counts(), [2, 6, 0, 0, 2, 6], "the two that were set anew come after them");
    assert_eq!(
        ends(&home),
        [
            "gone cleaned",
            "beaten stands",
            "set-again replaced",
            "cleared cleared",
            "replaced cleared",
            "left cleaned",
            "set-again stands",
            "replaced stands",
        ]
    );
    let after = pass(&home, &["--apply"]);
    assert_eq!(after.counts(), [3, 0, 0, 0, 0, 3]);
}

/// What one cleaner has removed, the other one does not account for.
#[test]
fn what_another_cleaner_has_removed_meanwhile_is_its_own() {
    if !can_trace() {
        return;
    }
    let home = Home::new();
    orphan(&home, "a");
    orphan(&home, "b");
    let slow = Stopped::start(&home, &["--apply"]);
    assert_eq!(pass(&home, &["--apply"]).names("removed"), ["a", "b"]);
    let accounts = stored(&home);
    let done = Pass::of(&slow.go_on());
    assert_eq!((done.count("stale"), done.count("removed")), (2, 0));
    assert_eq!(stored(&home), accounts, "one account each");
}

/// A mark that is set while a clean-up looks at those before it is not taken for one of the future.
#[test]
fn a_mark_that_was_set_after_the_pass_began_is_live() {
    if !can_trace() {
        return;
    }
    let home = Home::new();
    orphan(&home, "gone");
    fill(&home, "gone", 10_000);
    let cleaner = Stopped::start(&home, &["--apply", "--limit", "1"]);
    timed(&home, "new");
    let told = cleaner.go_on();
    let new: Value = serde_json::from_str(told.out.lines().rev().nth(1).unwrap()).unwrap();
    assert_eq!((&new["name"], &new["state"], &new["reason"]), (&"new".into(), &"live".into(), &"within_clock".into()));
    assert_eq!(column(&home, "doubted").last().unwrap(), "null");
}
