//! Sixteen people who settle the same account at once, some of them beside a turn that begins: it is done once.

use super::{Barrier, campaign};
use crate::scene::{Running, Stage};

const CROWD: usize = 16;

/// A run of `a` that fails, with so many attempts.
fn failed(attempts: &str) -> Stage {
    let stage = Stage::new();
    let options = ["--parent", "lead", "--capability", "none", "--max-attempts", attempts];
    assert_eq!(stage.plain("a", &options, &["exit 3"]).output().unwrap().status.code(), Some(1));
    stage
}

/// The exit codes of as many as there are, who all do this.
fn crowd(stage: &Stage, words: &[&str]) -> Vec<i32> {
    let barrier = Barrier::new(stage);
    let crowd: Vec<Running> = (0..CROWD).map(|_| barrier.hold(&stage.reconcile(words))).collect();
    barrier.open(&crowd);
    let mut codes: Vec<i32> = crowd.into_iter().map(|one| one.end().code().unwrap()).collect();
    codes.sort_unstable();
    codes
}

fn once() -> Vec<i32> {
    let mut codes = vec![76; CROWD];
    codes[0] = 0;
    codes
}

#[test]
fn many_who_reopen_replay_or_cancel_do_it_once() {
    for _ in 0..campaign("REFLOAT_ROUNDS", 3) {
        for words in [&["reopen", "r1", "--why", "x"][..], &["deadletter", "replay", "d1"]] {
            let stage = failed("1");
            assert_eq!(crowd(&stage, words), once(), "{words:?}");
            assert_eq!(stage.count("SELECT count(*) FROM reopening"), 1);
            assert_eq!(stage.count("SELECT count(*) FROM retry WHERE state = 'open'"), 1);
            assert_eq!(stage.texts("SELECT epoch || state || max_attempts FROM run"), ["2between_turns2"]);
        }
        let stage = failed("3");
        assert_eq!(crowd(&stage, &["retry", "cancel", "r1", "--why", "x"]), vec![0; CROWD], "all are told the same");
        assert_eq!(stage.count("SELECT count(*) FROM mail WHERE kind = 'worker_died'"), 1);
        assert_eq!(stage.texts("SELECT state FROM retry"), ["cancelled"]);
        stage.assert_whole();
    }
}

/// A mail is sent once more, and not sixteen times.
#[test]
fn many_who_replay_a_dead_mail_send_one() {
    for _ in 0..campaign("REFLOAT_ROUNDS", 3) {
        let stage = failed("1");
        let late = ["send", "--from", "b", "--to", "run:r1", "--type", "result", "--subject", "done"];
        assert!(stage.mail(&late).output().unwrap().status.success());
        assert_eq!(crowd(&stage, &["deadletter", "replay", "d2"]), once());
        assert_eq!(stage.count("SELECT count(*) FROM mail WHERE subject = 'done'"), 2);
    }
}

/// A new run of the agent and the old one never stand beside each other, and whoever comes second is refused.
#[test]
fn a_reopening_and_a_turn_that_opens_a_run_leave_one_open_run() {
    for _ in 0..campaign("REFLOAT_ROUNDS", 3) * 3 {
        let stage = failed("1");
        let barrier = Barrier::new(&stage);
        let mut crowd: Vec<Running> =
            (0..4).map(|_| barrier.hold(&stage.reconcile(&["reopen", "r1", "--why", "x"]))).collect();
        let next = stage.plain("a", &["--lock-wait", "60s", "--max-attempts", "5"], &["exit 3"]);
        crowd.push(barrier.hold(&next));
        barrier.open(&crowd);
        let codes: Vec<i32> = crowd.into_iter().map(|one| one.end().code().unwrap()).collect();
        assert_eq!(codes[4], 1, "the turn runs all the same: {codes:?}");
        let reopened = codes[..4].iter().filter(|code| **code == 0).count();
        assert!(codes[..4].iter().all(|code| [0, 75, 76].contains(code)), "{codes:?}");
        assert_eq!(i64::try_from(reopened).unwrap(), stage.count("SELECT count(*) FROM reopening"), "{codes:?}");
        // The turn is that of the reopened run, which it may have ended once more, or of a new one, and then nothing was.
        assert_eq!(stage.count("SELECT count(*) FROM run"), if reopened > 0 { 1 } else { 2 }, "{codes:?}");
        let told = stage.count("SELECT count(*) FROM mail WHERE kind = 'worker_died'");
        assert_eq!(told, stage.count("SELECT count(*) FROM dead_letter"), "each end once: {codes:?}");
    }
}
