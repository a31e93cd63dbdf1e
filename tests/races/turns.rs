//! One agent, many `turn run` at once, and a third of their supervisors killed.

use std::collections::BTreeMap;

use nix::sys::signal::Signal;
use refloat::clock::Tick;
use refloat::seam::wait;
use serde_json::Value;

use super::{Barrier, campaign};
use crate::scene::{Running, Stage, records};

/// Each agent makes a folder that only one can make, tells its turn, and takes the folder away.
fn racer(stage: &Stage) -> std::process::Command {
    let work = format!(
        "mkdir '{inside}' || echo $REFLOAT_TURN >>'{violations}'; echo $REFLOAT_TURN >>'{ran}'; rmdir '{inside}'",
        inside = stage.word("inside"),
        violations = stage.word("violations"),
        ran = stage.word("ran"),
    );
    stage.turn(&["run", "--agent", "a", "--parent", "lead", "--lock-wait", "10m", "--", "sh", "-c", &work])
}

/// Kills `victims` of the crowd at moments spread without a random source: whoever supervises at every other one,
/// else whoever is next in line. Returns how many of them supervised.
fn slaughter(stage: &Stage, crowd: &mut [Running], victims: usize) -> usize {
    let pids: Vec<i32> = crowd.iter().map(Running::pid).collect();
    let mut killed: Vec<i32> = Vec::new();
    let mut supervisors = 0;
    while killed.len() < victims && crowd.iter_mut().any(|one| !one.is_over()) {
        let number = killed.len() as u64;
        wait::pause(std::time::Duration::from_micros(1_000 + number * 7_919 % 23_000));
        let supervises = number.is_multiple_of(2);
        let last_in_line = || pids.iter().rev().find(|pid| !killed.contains(pid)).copied();
        let victim = if supervises { supervisor(stage) } else { last_in_line() };
        let Some(victim) = victim.filter(|pid| pids.contains(pid) && !killed.contains(pid)) else { continue };
        supervisors += usize::from(supervises);
        crowd[pids.iter().position(|pid| *pid == victim).unwrap()].kill(Signal::SIGKILL);
        killed.push(victim);
    }
    supervisors
}

fn supervisor(stage: &Stage) -> Option<i32> {
    if !stage.state().exists() {
        return None;
    }
    let found = stage.texts("SELECT json_extract(supervisor, '$.pid') FROM turn WHERE outcome IS NULL");
    found.first()?.parse().ok()
}

/// T20, B20, B21
#[test]
fn one_agent_at_a_time_whoever_is_killed() {
    let stage = Stage::new();
    let crowd = campaign("REFLOAT_RACERS", 24);
    let barrier = Barrier::new(&stage);
    let mut racers: Vec<Running> = (0..crowd).map(|_| barrier.hold(&racer(&stage))).collect();
    let begin = Tick::now();
    barrier.open(&racers);
    let supervisors = slaughter(&stage, &mut racers, crowd / 3);
    let ends: Vec<_> = racers.into_iter().map(Running::end).collect();
    let last = racer(&stage).output().unwrap();

    let killed = ends.iter().filter(|end| end.was_killed()).count();
    println!(
        "{crowd} racers, {killed} killed, {supervisors} of them while they supervised; {} ms",
        Tick::now().since(begin).as_millis()
    );
    for end in ends.iter().filter(|end| !end.was_killed()) {
        assert_eq!(end.code(), Some(1), "{end:?}");
        assert!(
            end.errors.lines().all(|line| line.contains(" ended ") || line.starts_with("hint: what the agent")),
            "{end:?}"
        );
    }
    assert_eq!(last.status.code(), Some(1), "{last:?}");
    let errors: String = ends.iter().map(|end| end.errors.as_str()).collect();
    assert!(!errors.contains("database is locked"), "{errors}");
    assert!(!stage.path("violations").exists(), "two agents at once: {:?}", std::fs::read(stage.path("violations")));

    let mut told: Vec<Value> = ends.into_iter().flat_map(|end| end.records).collect();
    told.extend(records(&last.stdout));
    assert_one_end_per_turn(&stage, &told);
    assert_every_agent_had_its_turn(&stage);
    stage.assert_whole();
}

/// However many told it, a turn's end is the one that is recorded; and each turn had an epoch of its own.
fn assert_one_end_per_turn(stage: &Stage, told: &[Value]) {
    let mut starts = BTreeMap::new();
    for start in told.iter().filter(|record| record["type"] == "turn.started") {
        let turn = start["turn"].as_str().unwrap().to_owned();
        assert!(starts.insert(turn, start).is_none(), "started twice: {start}");
    }
    for end in told.iter().filter(|record| record["type"] == "turn.ended") {
        let turn = end["turn"].as_str().unwrap();
        let attached = stage.turn(&["attach", turn]).output().unwrap();
        assert_eq!(&records(&attached.stdout)[0], end, "the recorded end");
    }
    assert_eq!(stage.count("SELECT count(*) - count(DISTINCT run || '/' || epoch) FROM turn"), 0);
    assert_eq!(stage.count("SELECT count(*) FROM turn WHERE outcome NOT IN ('silent', 'never_started')"), 0);
}

fn assert_every_agent_had_its_turn(stage: &Stage) {
    let ran = std::fs::read_to_string(stage.path("ran")).unwrap();
    let mut ran: Vec<&str> = ran.lines().collect();
    ran.sort_unstable();
    let mut done = stage.texts("SELECT 't' || id FROM turn WHERE outcome = 'silent'");
    done.sort_unstable();
    assert_eq!(ran, done, "each recorded agent ran once, and no other");
}
