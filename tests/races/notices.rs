//! A parent hears of the end of a run once and not before it: for every way to fail, for one attempt to three, with the
//! supervisor of every turn killed, and with two who finish the turn at once, one of them killed on the way.

use nix::sys::signal::Signal;
use refloat::seam::wait;

use super::Barrier;
use crate::scene::{Running, Stage, kill, process_is_gone, until};

/// How a turn goes after the death of its supervisor.
struct Way {
    outcome: &'static str,
    options: &'static [&'static str],
    script: &'static str,
    /// It uses up an attempt, and is tried again while there are some.
    counts: bool,
    /// What the parent hears at the end, if anything.
    kind: Option<&'static str>,
}

/// Nothing is owed to the parent, unless the options say so.
const NO_MAIL: &[&str] = &["--capability", "none"];

const fn way(outcome: &'static str, script: &'static str, counts: bool) -> Way {
    Way { outcome, options: NO_MAIL, script, counts, kind: Some("worker_died") }
}

const WAYS: &[Way] = &[
    way("failed", "result-error no", true),
    way("no_result", "exit 0", true),
    way("killed", "die KILL", true),
    way("lost", "kill-parent; hang", true),
    Way { options: &["--capability", "builder"], ..way("silent", "result done", false) },
    Way { options: &["--capability", "none", "--stall", "50ms"], ..way("stalled", "hang", false) },
    Way { options: &["--capability", "none", "--deadline", "700ms"], ..way("timed_out", "hang", false) },
    Way {
        kind: None,
        ..way(
            "limited",
            r#"line {"type":"result","is_error":true,"api_error_status":429,"result":"no"}; exit 1"#,
            false,
        )
    },
    Way {
        kind: Some("escalation"),
        ..way("auth", r#"line {"type":"result","is_error":true,"api_error_status":401,"result":"no"}; exit 1"#, false)
    },
];

impl Way {
    /// A turn whose supervisor is killed before its agent goes on to its end.
    fn begin(&self, stage: &Stage, attempts: &str) {
        let script = [&format!("init; touch {}; wait-file {}", stage.word("ready"), stage.word("go")), self.script];
        let options = [&["--parent", "lead", "--max-attempts", attempts], self.options].concat();
        let turn = Running::start(&mut stage.claude("a", &options, &script));
        stage.await_file("ready");
        // A clock may have been faster; then there is only less left to finish.
        turn.kill_now();
        stage.touch("go");
    }
}

/// Two who finish the newest turn, one of them killed after so long. Returns once it has an outcome.
fn finish(stage: &Stage, round: u64) {
    let shim = stage.recorded_pid("shim").unwrap();
    let barrier = Barrier::new(stage);
    let crowd: Vec<Running> = (0..2).map(|_| barrier.hold(&stage.turn(&["attach", "a"]))).collect();
    let victim = crowd[0].pid();
    barrier.open(&crowd);
    wait::pause(std::time::Duration::from_micros(500 + round * 7_919 % 30_000));
    kill(victim, Signal::SIGKILL);
    for one in crowd {
        one.end();
    }
    let open = || stage.count("SELECT count(*) FROM turn WHERE outcome IS NULL");
    until("an outcome", || {
        if open() > 0 {
            stage.turn(&["attach", "a"]).output().unwrap();
        }
        open() == 0
    });
    until("the shim's end", || process_is_gone(shim));
}

fn told(stage: &Stage, kind: &str) -> i64 {
    stage.count(&format!("SELECT count(*) FROM mail WHERE recipient = 'lead' AND kind = '{kind}'"))
}

/// overstory B4, B14; field 9
#[test]
fn a_parent_hears_once_of_each_run_that_ends_whoever_finishes_its_turns() {
    let mut round = 0;
    for way in WAYS {
        for attempts in 1..=3 {
            let stage = Stage::new();
            let turns = if way.counts { attempts } else { 1 };
            for turn in 1..=turns {
                let _ = std::fs::remove_file(stage.path("go"));
                let _ = std::fs::remove_file(stage.path("ready"));
                way.begin(&stage, &attempts.to_string());
                finish(&stage, round);
                round += 1;
                let outcome = stage.texts("SELECT outcome FROM turn ORDER BY id DESC LIMIT 1");
                assert_eq!(outcome, [way.outcome], "turn {turn} of {attempts}");
                let all = told(&stage, "worker_died") + told(&stage, "escalation");
                let here = (all, way.kind.map_or(0, |kind| told(&stage, kind)));
                let due = i64::from(turn == turns && way.kind.is_some());
                assert_eq!(here, (due, due), "{}: after turn {turn} of {turns}", way.outcome);
                // And so are its retry and its dead letter.
                let open = stage.count("SELECT count(*) FROM retry WHERE state = 'open'");
                let dead = stage.count("SELECT count(*) FROM dead_letter");
                let again = way.counts && turn < turns || way.outcome == "limited";
                assert_eq!(open, i64::from(again), "{}: retries", way.outcome);
                assert_eq!(dead, i64::from(way.counts && turn == turns), "{}: dead letters", way.outcome);
            }
            assert_eq!(stage.count("SELECT count(*) FROM run"), 1, "{}", way.outcome);
            // Nobody who comes later tells it again.
            for command in [["attach", "a"], ["stop", "a"], ["show", "a"]] {
                stage.turn(&command).output().unwrap();
            }
            let again = told(&stage, "worker_died") + told(&stage, "escalation");
            // Two of them were open still: the stop ended them, and that is told.
            let all = i64::from(way.kind.is_some()) + i64::from(["auth", "limited"].contains(&way.outcome));
            assert_eq!(again, all, "{}: told again", way.outcome);
            stage.assert_whole();
        }
    }
}

/// The same for a run that is stopped: by its record alone, or with a turn.
#[test]
fn a_parent_hears_once_of_a_run_that_is_stopped_by_many() {
    for in_turn in [false, true] {
        let stage = Stage::new();
        let way =
            way(if in_turn { "aborted" } else { "failed" }, if in_turn { "hang" } else { "result-error no" }, true);
        way.begin(&stage, "3");
        if !in_turn {
            finish(&stage, 3);
        }
        let barrier = Barrier::new(&stage);
        let stops: Vec<Running> = (0..4).map(|_| barrier.hold(&stage.turn(&["stop", "a", "--wait", "60s"]))).collect();
        barrier.open(&stops);
        for stop in stops {
            let end = stop.end();
            assert_eq!(end.code(), Some(0), "{end:?}");
        }
        assert_eq!(told(&stage, "worker_died"), 1, "in a turn: {in_turn}");
        assert_eq!(stage.count("SELECT count(*) FROM dead_letter"), 0, "a stop is none");
        assert_eq!(stage.count("SELECT count(*) FROM retry WHERE state = 'open'"), 0);
        stage.assert_whole();
    }
}
