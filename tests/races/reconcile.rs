//! Many passes at once over many broken runs, beside turns that begin and end, and passes that are killed: each run is
//! repaired once and as one undisturbed pass would have done it, and who lives is left alone.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::Signal;
use refloat::seam::wait;
use serde_json::Value;

use super::{Barrier, campaign};
use crate::scene::broken::{broken, copy, seen};
use crate::scene::{Ended, Running, Stage, process_is_gone, records, until};

const CROWD: usize = 16;

fn runs() -> usize {
    campaign("REFLOAT_RUNS", 40)
}

/// What one undisturbed pass makes of it: its plan, its result and what is recorded then.
struct Undisturbed {
    plan: Vec<Value>,
    result: Vec<Value>,
    seen: Vec<String>,
}

fn pass(stage: &Stage, words: &[&str]) -> Vec<Value> {
    let done = stage.reconcile(words).output().unwrap();
    assert_eq!((done.status.code(), String::from_utf8_lossy(&done.stderr).as_ref()), (Some(0), ""), "{words:?}");
    records(&done.stdout)
}

fn undisturbed(planted: &Stage) -> Undisturbed {
    let stage = copy(planted);
    let before = seen(&stage);
    let plan = pass(&stage, &[]);
    assert_eq!(seen(&stage), before, "a plan writes nothing");
    let result = pass(&stage, &["--apply"]);
    let after = seen(&stage);
    let again = pass(&stage, &["--apply"]);
    assert_eq!(again.last().unwrap()["repaired"], 0, "a second pass finds nothing to do");
    assert!(again.iter().all(|verdict| verdict["applied"] != true), "{again:#?}");
    assert_eq!(seen(&stage), after, "and writes nothing");
    stage.assert_repaired_once();
    Undisturbed { plan, result, seen: after }
}

/// What a plan and its result have to agree in: a pause is counted from when it is written, and what is done needs no command.
fn said(verdict: &Value) -> Value {
    let mut said = verdict.as_object().unwrap().clone();
    for key in ["at", "applied", "command", "not_before"] {
        said.remove(key);
    }
    // A zombie is reaped meanwhile: another reason of the same death.
    let because = said["because"].to_string().replace("(zombie)", "(no_such_process)");
    said.insert("because".into(), because.into());
    Value::Object(said)
}

fn verdicts(records: &[Value]) -> Vec<&Value> {
    records.iter().filter(|record| record["type"] == "verdict").collect()
}

/// The plan is the result, record by record, and a second pass is none.
#[test]
fn a_plan_of_many_kinds_of_runs_is_what_a_pass_does_and_a_second_one_does_nothing() {
    let runs = runs();
    let planted = broken(runs);
    let once = undisturbed(&planted);
    let (planned, done) = (verdicts(&once.plan), verdicts(&once.result));
    assert_eq!(planned.len(), runs);
    for (planned, done) in planned.iter().zip(&done) {
        assert_eq!(said(planned), said(done));
        assert_eq!((&planned["applied"], &done["applied"]), (&false.into(), &true.into()), "{done:#}");
    }
    let mut kinds = BTreeMap::new();
    for verdict in &done {
        *kinds.entry(format!("{} {} {}", verdict["verdict"], verdict["cause"], verdict["action"])).or_insert(0) += 1;
    }
    println!("{runs} runs: {kinds:#?}");
    assert!(runs < 40 || kinds.len() >= 12, "{kinds:#?}");
}

/// Turns of agents of their own, one after the other, until the passes are over.
fn turns(stage: &Stage, agent: &str, passes: &std::sync::atomic::AtomicBool) -> i64 {
    let mut count = 0;
    while !passes.load(std::sync::atomic::Ordering::Acquire) || count == 0 {
        let turn = stage.plain(agent, &["--parent", "boss", "--capability", "none"], &["exit 0"]).output().unwrap();
        assert_eq!(turn.status.code(), Some(0), "{turn:?}");
        count += 1;
    }
    count
}

/// Two turns that stay: one is watched, and one is not.
fn that_stay(stage: &Stage) -> Vec<(Running, i32)> {
    let begin = |agent: &str| {
        let mut turn = Running::start(&mut stage.claude(agent, &["--parent", "boss"], &["init", "hang"]));
        let pid = turn.record()["pid"].as_i64().unwrap();
        (turn, i32::try_from(pid).unwrap())
    };
    let stay = vec![begin("watched"), begin("alone")];
    stay[1].0.kill(Signal::SIGKILL);
    until("the supervisor's end", || process_is_gone(stay[1].0.pid()));
    stay
}

/// B4, B20
#[test]
fn many_passes_beside_turns_repair_each_run_once_and_touch_no_turn() {
    let runs = runs();
    let planted = broken(runs);
    let once = undisturbed(&planted);
    for _ in 0..campaign("REFLOAT_ROUNDS", 1) {
        let stage = copy(&planted);
        let stay = that_stay(&stage);
        let barrier = Barrier::new(&stage);
        let crowd: Vec<Running> =
            (0..campaign("REFLOAT_RACERS", CROWD)).map(|_| barrier.hold(&stage.reconcile(&["--apply"]))).collect();
        let over = std::sync::atomic::AtomicBool::new(false);
        let (ends, begun) = std::thread::scope(|scope| {
            let agents: Vec<_> = (0..CROWD).map(|at| format!("live{at}")).collect();
            let turns: Vec<_> = agents
                .into_iter()
                .map(|agent| {
                    let (stage, over) = (&stage, &over);
                    scope.spawn(move || turns(stage, &agent, over))
                })
                .collect();
            barrier.open(&crowd);
            let ends: Vec<Ended> = crowd.into_iter().map(Running::end).collect();
            over.store(true, std::sync::atomic::Ordering::Release);
            (ends, turns.into_iter().map(|turns| turns.join().unwrap()).sum::<i64>())
        });
        assert_once(&ends, runs);
        // Who was being finished by another pass when it came, may be left to a last one.
        pass(&stage, &["--apply"]);
        assert_eq!(seen(&stage), once.seen);
        let live = "FROM turn WHERE agent GLOB 'live*' AND outcome";
        assert_eq!(stage.count(&format!("SELECT count(*) {live} = 'completed'")), begun);
        assert_eq!(stage.count(&format!("SELECT count(*) {live} <> 'completed'")), 0);
        assert_eq!(stage.count("SELECT count(*) FROM mail WHERE recipient = 'boss' AND kind = 'worker_died'"), 0);
        for (_, pid) in &stay {
            assert!(!process_is_gone(*pid), "an agent that lives was ended");
        }
        println!("{} passes over {runs} runs beside {begun} turns: {}", ends.len(), shared(&ends));
        for agent in ["watched", "alone"] {
            assert!(stage.turn(&["stop", agent]).output().unwrap().status.success());
        }
        stay.into_iter().for_each(|(turn, _)| drop(turn.end()));
        stage.assert_repaired_once();
    }
}

/// Each run was repaired by one pass, and by no second one.
fn assert_once(ends: &[Ended], runs: usize) {
    let mut repaired: BTreeMap<&str, usize> = BTreeMap::new();
    for end in ends {
        assert_eq!((end.code(), end.errors.as_str()), (Some(0), ""), "{end:?}");
        for verdict in verdicts(&end.records) {
            let agent = verdict["agent"].as_str().unwrap();
            *repaired.entry(agent).or_default() += usize::from(verdict["applied"] == true);
            assert!(agent.starts_with('b') || verdict["applied"] == false, "a live turn was touched: {verdict}");
        }
    }
    let broken: Vec<_> = repaired.iter().filter(|(agent, _)| agent.starts_with('b')).collect();
    assert_eq!(broken.len(), runs);
    assert!(broken.iter().all(|(_, times)| **times == 1), "{broken:?}");
}

/// How many each pass has repaired: the overlap.
fn shared(ends: &[Ended]) -> String {
    let of = |end: &Ended, key: &str| end.records.last().unwrap()[key].as_i64().unwrap();
    let each: Vec<String> =
        ends.iter().map(|end| format!("{}+{}", of(end, "repaired"), of(end, "skipped_busy"))).collect();
    format!("repaired+busy {}", each.join(" "))
}

/// However often it is killed on the way, the end is that of a pass that was not.
#[test]
fn passes_that_are_killed_leave_what_one_undisturbed_pass_would_have_left() {
    let planted = broken(runs());
    let once = undisturbed(&planted);
    for round in 0..campaign("REFLOAT_ROUNDS", 2) {
        let stage = copy(&planted);
        let mut killed = 0;
        for step in 0..8 {
            // Each run that is open has a record: so far it comes for certain, and then a little further.
            let open = stage.count("SELECT count(*) FROM run WHERE ended_at IS NULL");
            let barrier = Barrier::new(&stage);
            let mut crowd: Vec<Running> = (0..3).map(|_| barrier.hold(&stage.reconcile(&["--apply"]))).collect();
            barrier.open(&crowd);
            (0..open / 4).for_each(|_| drop(crowd[0].record()));
            wait::pause(Duration::from_micros((round as u64 * 8 + step) * 7_919 % 20_000));
            killed += crowd.into_iter().map(Running::kill_now).filter(Ended::was_killed).count();
            assert_eq!(stage.texts("PRAGMA integrity_check"), ["ok"]);
        }
        let last = pass(&stage, &["--apply"]);
        assert!(last.last().unwrap()["repaired"].as_u64().unwrap() < runs() as u64, "what was repaired is repaired");
        assert_eq!(seen(&stage), once.seen);
        assert_eq!(pass(&stage, &["--apply"]).last().unwrap()["repaired"], 0);
        stage.assert_repaired_once();
        println!("{killed} of 24 passes killed; the last one repaired {}", last.last().unwrap()["repaired"]);
        assert!(killed > 0);
    }
}

/// What becomes of the turn that begins after the look.
#[derive(Clone, Copy, Debug)]
enum Then {
    Watched,
    Alone,
    Ended,
}

/// A pass that has looked and cannot go on: what it prints is not read, and its pipe is full before it comes to `a`.
fn held_up(stage: &Stage) -> (std::process::Child, std::io::PipeReader) {
    let (mut out, into) = std::io::pipe().unwrap();
    fcntl(into.as_fd(), FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
    let mut command = stage.reconcile(&["--apply"]);
    let child = command.stdout(into).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(command);
    // The first record comes after all looks.
    out.read_exact(&mut [0; 1]).unwrap();
    (child, out)
}

/// B20: what has changed since the look is seen under the lock.
#[test]
fn a_turn_that_begins_between_the_look_and_the_repair_is_not_ended() {
    for (then, skipped) in [(Then::Watched, "busy"), (Then::Alone, "moved_on"), (Then::Ended, "moved_on")] {
        let stage = Stage::new();
        let sleeper = Running::start(stage.command("sleep").arg("600"));
        for at in 0..20 {
            let (agent, pid) = (format!("w{at}"), sleeper.pid().to_string());
            assert!(stage.turn(&["adopt", "--agent", &agent, "--pid", &pid]).output().unwrap().status.success());
        }
        let options = ["--parent", "lead", "--capability", "none", "--max-attempts", "3"];
        let mut dead = Running::start(&mut stage.claude("a", &options, &["init", "hang"]));
        let started = dead.record();
        dead.kill_now();
        let shim = i32::try_from(started["shim_pid"].as_i64().unwrap()).unwrap();
        crate::scene::kill(shim, Signal::SIGKILL);
        until("the turn lock", || process_is_gone(shim) && stage.lock_is_free("a"));

        let (mut pass, mut out) = held_up(&stage);
        let last = if matches!(then, Then::Ended) { "result done" } else { "hang" };
        let mut next = Running::start(&mut stage.claude("a", &options, &["init", last]));
        while next.record()["type"] != "turn.started" {}
        let agent = stage.recorded_pid("child").unwrap();
        let next = match then {
            Then::Watched => Some(next),
            Then::Alone => {
                next.kill_now();
                None
            }
            Then::Ended => {
                assert_eq!(next.end().code(), Some(0));
                None
            }
        };
        let mut text = Vec::new();
        out.read_to_end(&mut text).unwrap();
        assert!(pass.wait().unwrap().success());
        let text = [b"{".as_slice(), &text].concat();
        let told = records(&text);
        let verdict = verdicts(&told).into_iter().find(|verdict| verdict["agent"] == "a").unwrap();
        assert_eq!(told.last().unwrap()["skipped_busy"], i64::from(skipped == "busy"), "{told:#?}");
        assert_eq!(
            (&verdict["skipped"], &verdict["applied"]),
            (&skipped.into(), &false.into()),
            "{then:?} {verdict:#}"
        );
        assert_eq!(stage.texts("SELECT outcome FROM turn WHERE id = 1"), ["lost"], "by the turn that came after it");
        assert_eq!(stage.count("SELECT count(*) FROM mail WHERE kind = 'worker_died'"), 0);
        if !matches!(then, Then::Ended) {
            assert!(!process_is_gone(agent), "{then:?}: its agent goes on");
            assert_eq!(stage.texts("SELECT coalesce(outcome, 'open') FROM turn WHERE id = 2"), ["open"]);
            assert!(stage.turn(&["stop", "a"]).output().unwrap().status.success());
        }
        drop(next.map(Running::end));
        sleeper.kill_now();
        stage.assert_whole();
    }
}
