//! Writes fail: every one of the supervisor's and of the shim's, with ENOSPC and EIO.

use super::{Tally, calls, can_trace, points, script, strace, survives};
use crate::scene::{Stage, Witness, until};

const WRITES: &str = "write,pwrite64,fsync,fdatasync,ftruncate,rename,openat,mkdir";

/// Never a bug's code, never a panic: a disk that fails is said with a code of its own.
#[test]
fn a_disk_that_fails_at_any_write_of_a_turn_breaks_nothing() {
    if !can_trace() {
        return;
    }
    let stage = Stage::new();
    let mut witness = Witness::new(&stage.path("witness"));
    let steps = script(&stage);
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let run = |inject: &[&str], follow: bool| {
        let turn = stage.plain("a", &["--parent", "lead", "--capability", "none", "--kill-after", "100ms"], &steps);
        let mut command = strace(&stage, &stage.path("log"), inject);
        command.args(follow.then_some("-f")).arg(turn.get_program()).args(turn.get_args());
        command.output().unwrap()
    };
    let trace = format!("trace={WRITES}");
    assert!(run(&["-e", &trace], false).status.success());
    assert!(run(&["-e", &trace], false).status.success());
    let all = points(&calls(&stage.path("log")), 50);
    let mut tally = Tally::default();
    let mut codes = std::collections::BTreeMap::new();
    for (index, (name, number)) in all.iter().enumerate() {
        let error = if index % 2 == 0 { "ENOSPC" } else { "EIO" };
        for follow in [false, true] {
            let inject = format!("inject={name}:error={error}:when={number}");
            let ended = run(&["-e", &format!("trace={name}"), "-e", &inject], follow);
            let said = String::from_utf8_lossy(&ended.stderr);
            assert!(ended.status.code().is_some_and(|code| code != 70), "{inject}: {ended:?}");
            assert!(!said.contains("panicked"), "{inject}: {said}");
            *codes.entry(ended.status.code()).or_insert(0) += 1;
            until("the lock", || stage.lock_is_free("a"));
            survives(&stage, &mut witness, &format!("{inject} follow: {follow}"));
            tally.count(&stage);
        }
    }
    println!("failing disk: {} points; exit codes {codes:?}; {:?}", all.len() * 2, tally.0);
}
