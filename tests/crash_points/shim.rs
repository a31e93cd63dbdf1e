//! The shim is killed at its calls: those of a start behind `strace -f`, where whoever comes to the point first dies,
//! and those of an end by a strace that takes hold of the shim alone while its agent waits.

use std::process::{Child, Stdio};

use nix::sys::signal::Signal;

use super::{CALLS, Tally, calls, can_trace, points, script, strace, survives};
use crate::scene::{Running, Stage, Witness, kill, until};

/// A turn whose agent waits for the file `go`, its shim traced with `what`.
fn held(stage: &Stage, what: &[&str]) -> (Running, Child) {
    let _ = std::fs::remove_file(stage.path("go"));
    let mut steps = script(stage);
    steps.insert(3, format!("wait-file {}", stage.word("go")));
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let options = ["--parent", "lead", "--capability", "none", "--kill-after", "100ms"];
    let mut turn = Running::start(&mut stage.plain("a", &options, &steps));
    let shim = turn.record()["shim_pid"].to_string();
    let mut tracer = strace(stage, &stage.path("log"), what);
    let tracer = tracer.args(["-p", &shim]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let pid = tracer.id().to_string();
    // A point that comes at once may have killed it before it is seen.
    until("strace to take hold of the shim", || traced_by(&shim).is_none_or(|tracer| tracer == pid));
    (turn, tracer)
}

/// None for a process that is gone.
fn traced_by(pid: &str) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some(status.lines().find_map(|line| line.strip_prefix("TracerPid:"))?.trim().to_owned())
}

/// Lets the agent end; the supervisor lives on, or is killed before the shim has anything to do.
fn finish(stage: &Stage, turn: Running, mut tracer: Child, alone: bool) {
    let turn = if alone {
        turn.kill_now();
        None
    } else {
        Some(turn)
    };
    stage.touch("go");
    tracer.wait().unwrap();
    until("the lock", || turn.is_some() || stage.lock_is_free("a"));
    if let Some(turn) = turn {
        let ended = turn.end();
        assert!(matches!(ended.code(), Some(0 | 125)), "{ended:?}");
    }
}

#[test]
fn a_shim_killed_at_any_system_call_of_its_end_leaves_nothing_broken() {
    if !can_trace() {
        return;
    }
    let stage = Stage::new();
    let mut witness = Witness::new(&stage.path("witness"));
    let trace = format!("trace={CALLS}");
    let (turn, tracer) = held(&stage, &["-e", &trace]);
    finish(&stage, turn, tracer, false);
    let points = points(&calls(&stage.path("log")), 60);
    let mut tally = Tally::default();
    for (index, (name, number)) in points.iter().enumerate() {
        let inject = format!("inject={name}:signal=KILL:when={number}");
        let (turn, tracer) = held(&stage, &["-e", &format!("trace={name}"), "-e", &inject]);
        let alone = index % 2 == 1;
        finish(&stage, turn, tracer, alone);
        survives(&stage, &mut witness, &format!("{inject}, supervisor dead: {alone}"));
        tally.count(&stage);
    }
    println!("shim at its end: {} points; {:?}", points.len(), tally.0);
    assert!(points.len() > 20 && tally.0.contains_key("lost"), "{points:?}");
}

#[test]
fn supervisor_shim_and_child_killed_at_any_system_call_of_a_start_leave_nothing_broken() {
    if !can_trace() {
        return;
    }
    let stage = Stage::new();
    let mut witness = Witness::new(&stage.path("witness"));
    // No child that stays: strace follows it too, and would wait for it.
    let steps = [format!("fifo {}", stage.word("witness")), "exit 0".to_owned()];
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let run = |inject: &[&str]| {
        let turn = stage.plain("a", &["--parent", "lead", "--capability", "none", "--kill-after", "100ms"], &steps);
        let mut command = strace(&stage, &stage.path("log"), inject);
        command.arg("-f").arg(turn.get_program()).args(turn.get_args());
        command.output().unwrap()
    };
    assert!(run(&["-e", &format!("trace={CALLS}")]).status.success());
    let shim = stage.recorded_pid("shim").unwrap().to_string();
    let log = std::fs::read_to_string(stage.path("log")).unwrap();
    let own: String = log.lines().filter(|line| line.starts_with(&shim)).map(|line| format!("{line}\n")).collect();
    std::fs::write(stage.path("shim.log"), own).unwrap();
    let points = points(&calls(&stage.path("shim.log")), 80);
    let mut tally = Tally::default();
    for (name, number) in &points {
        let inject = format!("inject={name}:signal=KILL:when={number}");
        run(&["-e", &format!("trace={name}"), "-e", &inject]);
        survives(&stage, &mut witness, &inject);
        tally.count(&stage);
    }
    println!("start: {} points; {:?}", points.len(), tally.0);
    assert!(points.len() > 20, "{points:?}");
}

/// Whatever the moment, by the clock instead of by the call.
#[test]
fn a_shim_killed_at_a_random_moment_leaves_nothing_broken() {
    let stage = Stage::new();
    let mut witness = Witness::new(&stage.path("witness"));
    let steps = script(&stage);
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let mut tally = Tally::default();
    for number in 0..40_u64 {
        let turn = Running::start(&mut stage.plain("a", &["--parent", "lead", "--capability", "none"], &steps));
        let pid = turn.pid();
        let mut shim = None;
        until("the shim", || {
            let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
            shim = children.split_whitespace().next().and_then(|child| child.parse().ok());
            shim.is_some() || crate::scene::process_is_gone(pid)
        });
        let end = refloat::clock::Tick::now().plus(std::time::Duration::from_micros(number * 7919 % 30_000));
        while refloat::clock::Tick::now() < end {
            std::hint::spin_loop();
        }
        if let Some(shim) = shim.filter(|_| !crate::scene::process_is_gone(pid)) {
            kill(shim, Signal::SIGKILL);
        }
        let ended = turn.end();
        assert!(matches!(ended.code(), Some(0 | 125)), "{ended:?}");
        survives(&stage, &mut witness, &format!("kill {number}"));
        tally.count(&stage);
    }
    println!("shim killed by the clock: {:?}", tally.0);
}
