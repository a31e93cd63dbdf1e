//! The supervisor is killed at any moment of a start: either the agent runs under a recorded turn, or it never does.

use std::time::Duration;

use refloat::clock::Tick;

use crate::scene::{Running, Stage, records};

/// Kills in one test; a campaign sets `REFLOAT_KILLS`.
fn kills() -> u64 {
    std::env::var("REFLOAT_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(80)
}

/// T22
#[test]
fn a_supervisor_killed_before_go_leaves_no_agent_without_a_row() {
    let stage = Stage::new();
    let line = format!("run echo $REFLOAT_TURN >>{}", stage.word("ran"));
    let script = [line.as_str(), "exit 0"];
    let begin = Tick::now();
    assert!(stage.plain("a", &[], &script).output().unwrap().status.success());
    let span = Tick::now().since(begin).as_micros() as u64;
    let mut killed = 0;
    for number in 0..kills() {
        let turn = Running::start(&mut stage.plain("a", &["--max-attempts", "2"], &script));
        // Spread over the length of a turn without a random source: steps of a prime.
        let until = Tick::now().plus(Duration::from_micros(number * 7919 % span));
        while Tick::now() < until {
            std::hint::spin_loop();
        }
        killed += i32::from(turn.kill_now().was_killed());
        let told = stage.settle("a");
        let next = told.iter().find(|record| record["type"] == "turn.started").unwrap();
        let unstarted = told.iter().any(|record| record["outcome"] == "never_started");
        assert!(!unstarted || next["attempt"] == 1, "it has cost an attempt: {told:?}");
    }
    let ran = std::fs::read_to_string(stage.path("ran")).unwrap();
    let mut ran: Vec<&str> = ran.lines().collect();
    let runs = ran.len();
    ran.dedup();
    assert_eq!(ran.len(), runs, "a turn ran twice");
    let done = stage.texts("SELECT 't' || id FROM turn WHERE outcome NOT IN ('never_started', 'lost')");
    let without: Vec<_> = ran.iter().filter(|turn| !done.contains(&(**turn).to_owned())).collect();
    assert!(without.is_empty(), "agents that ran without a turn of theirs: {without:?}");
    let lost = stage.count("SELECT count(*) FROM turn WHERE outcome = 'lost'");
    assert_eq!(lost, 0, "a shim that is alive loses nothing");
    let unstarted = stage.count("SELECT count(*) FROM turn WHERE outcome = 'never_started'");
    println!("{killed} killed, {unstarted} turns never started, {runs} agents ran");
    stage.assert_whole();
}

/// The row is there before anything is started, and a turn without it would find no way to start.
#[test]
fn a_turn_that_never_started_is_told_first_and_the_next_one_runs() {
    let stage = Stage::new();
    assert_eq!(stage.next("a", &[]).status.code(), Some(0));
    // What a kill between the first transaction and the shim's start leaves.
    stage.run_sql(
        "INSERT INTO run (agent, capability, state, epoch, max_attempts, opened_at, changed_at)
         SELECT agent, capability, 'booting', 1, max_attempts, opened_at, changed_at FROM run WHERE id = 1",
    );
    stage.run_sql(
        "INSERT INTO turn (run, agent, epoch, attempt, token, description, command, command_lossy, cwd, cwd_lossy, before, again, limits, deadline_ms,
             resume, contained_by, last_mail, supervisor, booted_at)
         SELECT 2, agent, 1, 1, 'abcdefabcdefabcdef', description, command, command_lossy, cwd, cwd_lossy, before, again, limits, deadline_ms,
             resume, contained_by, last_mail, supervisor, booted_at FROM turn WHERE id = 1",
    );
    let next = stage.next("a", &[]);
    let said = records(&next.stdout);
    assert_eq!(next.status.code(), Some(0), "{next:?}");
    assert_eq!((&said[0]["turn"], &said[0]["outcome"]), (&"t2".into(), &"never_started".into()), "{said:?}");
    assert_eq!((&said[1]["run"], &said[1]["attempt"]), (&"r2".into(), &1.into()), "{said:?}");
}
