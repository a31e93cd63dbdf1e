//! `reconcile reopen`: the only way out of an end, and what stands in it.

use serde_json::{Value, json};

use super::{FAILS, deaths, given_up, one, only, play, run_command, told};
use crate::stage::{Stage, until};

#[test]
fn every_end_can_be_left_and_the_way_out_stays_on_record() {
    let ends = [
        ("init; result done", "completed", 0),
        (FAILS, "failed", 1),
        ("init; kill-parent; hang", "crashed", 1),
        ("init; hang", "timed_out", 0),
    ];
    for (script, was, used) in ends {
        let stage = Stage::new();
        stage
            .play("a", script)
            .with(&["--parent", "lead", "--capability", "none", "--max-attempts", "1", "--stall", "200ms"])
            .call();
        let before = stage.run_of("a");
        assert_eq!((&before["state"], &before["attempts"]), (&json!(was), &json!(used)), "{before}");
        let heard = deaths(&stage);
        let reopened = only(&stage, &["reopen", "r1", "--why", "there is more to do"], "run.reopened");
        assert_eq!((&reopened["state_before"], &reopened["state"]), (&json!(was), &json!("between_turns")));
        assert_eq!((&reopened["max_attempts"], &reopened["by"]), (&json!(used.max(0) + 1), &json!("operator")));
        assert_eq!(reopened["session"], before["session"], "a session that is good stays");
        let after = stage.run_of("a");
        assert_eq!((&after["ended_at"], &after["epoch"]), (&Value::Null, &json!(2)), "{after}");
        let kept = "SELECT was || why || asked_by || (ended_at > 0) || max_attempts FROM reopening";
        assert_eq!(one::<String>(&stage, kept), format!("{was}there is more to dooperator11"));
        let shown = stage.turn(&["show", "r1"]).last("retry").clone();
        let way = [&shown["reopened_from"], &shown["reopened_by"], &shown["reopened_why"]];
        assert_eq!(way, [was, "operator", "there is more to do"], "{shown}");
        // Its next turn, by the command that was printed.
        let due = only(&stage, &["retry", "due"], "retry");
        assert_eq!((&due["retry"], &due["command"]), (&reopened["retry"], &reopened["command"]), "{due}");
        let mut next = run_command(&stage, &due);
        next.env("FAKE_AGENT_SCRIPT", "inline:init; result done");
        let call = stage.call(next);
        call.assert_end("completed", 0);
        assert_eq!((call.word("run"), call.word("turn")), ("r1", "t2"));
        assert_eq!(deaths(&stage), heard, "{was}: the parent heard of the first end, and that was all");
    }
}

/// A parent is told of the new end, once, and never of the reopening.
#[test]
fn a_reopened_run_that_fails_again_is_told_once_more_and_given_up_once_more() {
    let stage = given_up();
    for round in 1..=3 {
        assert_eq!(deaths(&stage), round);
        let open = told(&stage, &["deadletter", "list"], "dead_letter");
        assert_eq!(open.len(), 1, "round {round}: {open:?}");
        assert_eq!(open[0]["attempts"], json!(round));
        only(&stage, &["reopen", "r1", "--why", "again"], "run.reopened");
        assert_eq!(told(&stage, &["deadletter", "list"], "dead_letter"), [] as [Value; 0]);
        assert_eq!(deaths(&stage), round);
        play(&stage, "a", "1", FAILS).assert_end("failed", 1);
        assert_eq!(stage.run_of("a")["state"], "failed");
    }
    assert_eq!(one::<i64>(&stage, "SELECT count(*) FROM reopening"), 3);
}

#[test]
fn what_has_not_ended_or_would_stand_beside_another_is_refused_and_named() {
    let stage = Stage::new();
    play(&stage, "a", "2", FAILS).assert_end("failed", 1);
    let reopen = |run: &str| stage.reconcile(&["reopen", run, "--why", "x"]);
    reopen("r1").assert_refused(76, "run r1 of a has not ended: between_turns");
    reopen("r9").assert_refused(66, "no run r9");
    play(&stage, "a", "2", FAILS).assert_end("failed", 1);
    play(&stage, "a", "2", FAILS).assert_end("failed", 1);
    reopen("r1").assert_refused(76, "agent a has another open run: r2");
    let running = stage.play("a", "init; hang").start();
    reopen("r1").assert_refused(76, "agent a has another open run: r2");
    stage.turn(&["stop", "a"]);
    running.end();
    let dump = || one::<String>(&stage, "SELECT group_concat(id || state || epoch) FROM run");
    let before = dump();
    // Its parent is a child of it: each would wait for the other.
    stage.play("lead", FAILS).with(&["--parent", "a", "--max-attempts", "2"]).call();
    stage.sqlite().execute("UPDATE run SET parent = 'lead' WHERE id = 1", []).unwrap();
    reopen("r1").assert_refused(76, "is a parent of its parent");
    assert!(dump().starts_with(&before), "nothing was changed");
}

/// What an agent has left running is not joined by a second one.
#[test]
fn a_run_of_which_something_lives_is_not_reopened() {
    let stage = Stage::new();
    let ready = stage.name("ready");
    // The shim and its agent die, and what is left has neither group nor shim over it.
    let leaves =
        format!("setsid sh -c 'echo $$ >{ready}; exec sleep 1000' & while ! [ -s {ready} ]; do :; done; kill -9 $PPID");
    let options = ["run", "--agent", "a", "--contain", "subreaper", "--max-attempts", "1"];
    let mut running = stage.command(crate::stage::TURN);
    running.args(options).args(["--", "sh", "-c", &leaves]);
    let running = crate::stage::Running::begin(&stage, running);
    until("what is left", || std::fs::read_to_string(&ready).is_ok_and(|text| text.ends_with('\n')));
    running.end();
    let pid: i32 = std::fs::read_to_string(&ready).unwrap().trim().parse().unwrap();
    if !std::path::Path::new(&format!("/proc/{pid}")).exists() {
        // Its supervisor was there to end it; then one that bears the turn's token stands for it.
        let token: String = one(&stage, "SELECT token FROM turn");
        let mut left = stage.command("sleep").arg("1000").env("REFLOAT_TOKEN", token).spawn().unwrap();
        stage.reconcile(&["reopen", "r1", "--why", "x"]).assert_refused(76, "is orphaned");
        left.kill().unwrap();
        left.wait().unwrap();
    }
    only(&stage, &["reopen", "r1", "--why", "x"], "run.reopened");
}

/// A stop is lifted by a turn with a prompt, and by nothing else.
#[test]
fn a_stopped_agent_stays_stopped_and_the_command_lifts_that() {
    let stage = Stage::new();
    let running = stage.play("a", "init; hang").start();
    stage.turn(&["stop", "a"]);
    running.end();
    let call = stage.reconcile(&["reopen", "r1", "--why", "x"]);
    let reopened = call.last("run.reopened");
    assert_eq!(
        (call.code, &reopened["agent_stopped"], &reopened["state_before"]),
        (0, &json!(true), &json!("stopped"))
    );
    assert!(call.stderr.starts_with("hint: agent a is stopped"), "{call:?}");
    assert_eq!(told(&stage, &["retry", "due"], "retry"), [] as [Value; 0]);
    assert_eq!(only(&stage, &["retry", "list"], "retry")["held_by"], "stop");
    let mut next = run_command(&stage, reopened);
    next.env("FAKE_AGENT_SCRIPT", "inline:init; result done");
    stage.call(next).assert_end("completed", 0);
}

/// The worker of an adopted run has to be gone, and its turns are ours from then on.
#[test]
fn an_adopted_run_is_reopened_once_its_worker_is_gone() {
    let stage = Stage::new();
    let mut worker = stage.command("sleep").arg("1000").spawn().unwrap();
    let pid = worker.id().to_string();
    assert_eq!(stage.turn(&["adopt", "--agent", "a", "--pid", &pid]).code, 0);
    assert_eq!(stage.turn(&["end", "a", "--outcome", "failed", "--why", "no disk"]).code, 0);
    stage.reconcile(&["reopen", "r1", "--why", "x"]).assert_refused(76, "the worker of run r1 of a lives (running)");
    worker.kill().unwrap();
    worker.wait().unwrap();
    let reopened = only(&stage, &["reopen", "r1", "--why", "x"], "run.reopened");
    assert_eq!(
        (&reopened["command"], &reopened["state_before"]),
        (&json!([]), &json!("failed")),
        "nobody knows its words"
    );
    let next = play(&stage, "a", "1", "init; result done");
    assert_eq!(next.code, 76, "another parent: {next:?}");
    let next = stage.play("a", "init; result done").call();
    next.assert_end("completed", 0);
    assert_eq!(next.word("run"), "r1");
}

/// The end before is no part of what is owed now.
#[test]
fn what_the_run_owes_is_owed_anew() {
    let stage = Stage::new();
    let file = stage.name("report");
    let expect = ["--expect", &format!("file:{file}")];
    let writes = format!("init; run sh -c 'echo 1 >{file}'; result done");
    stage.play("a", &writes).with(&expect).call().assert_end("completed", 0);
    only(&stage, &["reopen", "r1", "--why", "x"], "run.reopened");
    stage.play("a", "init; result done").with(&["--run", "r1"]).call().assert_end("failed", 1);
}

/// An agent speaks for itself, and not with a token that is no longer good.
#[test]
fn who_does_it_is_the_bearer_of_the_token() {
    let stage = given_up();
    let with = |token: &str| {
        let mut command = stage.command(crate::stage::RECONCILE);
        command.args(["reopen", "r1", "--why", "x"]).env("REFLOAT_TOKEN", token);
        stage.call(command)
    };
    let old: String = one(&stage, "SELECT token FROM turn");
    with(&old).assert_refused(76, "its token is no longer good");
    let running = stage.play("lead", "init; hang").start();
    let token: String = one(&stage, "SELECT token FROM turn WHERE agent = 'lead'");
    assert_eq!(with(&token).last("run.reopened")["by"], "lead");
    stage.turn(&["stop", "lead"]);
    running.end();
}
