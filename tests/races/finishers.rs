//! A turn that has ended while nobody watched, and everybody who could finish it, at once.

use nix::sys::signal::Signal;
use serde_json::Value;

use super::{Barrier, campaign};
use crate::stage::{Running, Stage, kill, process_is_gone, records, until};

/// A turn of `a` without supervisor; its agent has failed, or its shim was killed too.
fn unfinished(stage: &Stage, lost: bool) {
    let ready = format!("touch {}", stage.word("ready"));
    let wait = format!("wait-file {}", stage.word("go"));
    let options = ["--parent", "lead", "--max-attempts", "1"];
    let turn = Running::start(&mut stage.plain("a", &options, &[&ready, &wait, "exit 3"]));
    stage.await_file("ready");
    let shim = stage.recorded_pid("shim").unwrap();
    let child = stage.recorded_pid("child").unwrap();
    turn.kill(Signal::SIGSTOP);
    if lost {
        kill(shim, Signal::SIGKILL);
        until("the agent's end", || process_is_gone(child));
    } else {
        stage.touch("go");
        until("the shim's end", || process_is_gone(shim));
    }
    assert!(turn.kill_now().was_killed());
}

/// The ends of t1 that somebody printed.
fn ends(all: &[Value]) -> Vec<&Value> {
    all.iter().filter(|record| record["type"] == "turn.ended" && record["turn"] == "t1").collect()
}

/// T21, B11
#[test]
fn many_finishers_of_one_turn_record_one_outcome_and_one_notice() {
    for round in 0..campaign("REFLOAT_ROUNDS", 3) * 4 {
        let lost = round % 2 == 1;
        let stage = Stage::new();
        unfinished(&stage, lost);
        let barrier = Barrier::new(&stage);
        let mut crowd: Vec<Running> = (0..4)
            .map(|number| barrier.hold(&stage.turn(&["attach", if number % 2 == 0 { "t1" } else { "a" }])))
            .collect();
        crowd.push(barrier.hold(&stage.plain("a", &["--lock-wait", "60s"], &["exit 0"])));
        crowd.push(barrier.hold(&stage.turn(&["stop", "a", "--wait", "60s"])));
        barrier.open(&crowd);
        let all: Vec<_> = crowd.into_iter().map(Running::end).collect();

        let told: Vec<Value> = all.iter().flat_map(|end| end.records.clone()).collect();
        let recorded = records(&stage.turn(&["attach", "t1"]).output().unwrap().stdout);
        assert!(ends(&told).iter().all(|end| **end == recorded[0]), "{told:?}");
        let allowed = if lost { ["lost", "aborted"] } else { ["failed", "failed"] };
        assert!(allowed.contains(&recorded[0]["outcome"].as_str().unwrap()), "{recorded:?}");
        for attach in &all[..4] {
            // The newest turn of `a` may be the next one already, and supervised; an attach is told so.
            let others = attach.last_or_null()["turn"] != "t1";
            assert!(!attach.records.is_empty() || attach.code() == Some(75), "{attach:?}");
            assert!(others || attach.code() == all_code(&recorded[0]), "{attach:?}");
        }
        assert!(all.iter().all(|end| !end.errors.contains("locked")), "{all:?}");
        assert!(matches!(all[4].code(), Some(0 | 76 | 143)), "turn run: {:?}", all[4]);
        assert_eq!(all[5].code(), Some(0), "turn stop: {:?}", all[5]);
        let notices = "SELECT count(*) FROM mail WHERE kind = 'worker_died' AND json_extract(payload, '$.run') = 'r1'";
        assert_eq!(stage.count(notices), 1, "{told:?}");
        stage.settle("a");
        stage.assert_whole();
    }
}

/// The exit code that a recorded end stands for.
fn all_code(ended: &Value) -> Option<i32> {
    Some(match ended["outcome"].as_str().unwrap() {
        "failed" => 1,
        "lost" => 125,
        "aborted" => 143,
        other => panic!("{other}"),
    })
}
