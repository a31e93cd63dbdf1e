//! The tree of a turn: all of it ends with the turn, however it ends; its group is on record; no child waits for a stdin.

use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use serde_json::json;

use crate::stage::{Play, Running, Stage, TURN, until};
use crate::support::{Witness, fake_agent};

/// What agents leave behind: a server with their stdout, one in a session of its own, an orphan that only KILL ends.
const SERVERS: &str = "spawn holds-stdout; spawn setsid; spawn double-fork+setsid+ignore-term+no-env; spawn setsid { fork-burst 5; ready; hang }";

/// A turn with such servers, each of which the witness sees.
fn with_servers<'s>(stage: &'s Stage, agent: &str, end: &str) -> (Play<'s>, Witness) {
    let fifo = stage.path(&format!("witness.{agent}"));
    let witness = Witness::new(&fifo);
    let script = format!("fifo {}; init; {SERVERS}; {end}", fifo.display());
    (stage.play(agent, &script).with(&["--kill-after", "100ms"]), witness)
}

/// Lesson 25: the leak was on the good path too.
#[test]
fn what_an_agent_started_is_gone_after_every_end() {
    let stage = Stage::new();
    for (agent, end, args, outcome, code) in [
        ("good", "result done", &[][..], "completed", 0),
        ("bad", "result-error no; exit 1", &[], "failed", 1),
        ("crashed", "die SEGV", &[], "killed", 139),
        ("mute", "exit 0", &[], "no_result", 1),
        ("silent", "hang", &["--stall", "300ms"], "stalled", 124),
        ("endless", "repeat 9999 { say on; sleep 10 }", &["--deadline", "300ms"], "timed_out", 124),
        ("lingering", "result done; hang", &["--grace", "200ms"], "completed", 0),
    ] {
        let (play, mut witness) = with_servers(&stage, agent, end);
        let call = play.with(args).call();
        assert!(witness.everyone_gone(), "{agent}: somebody is left: {call:#?}");
        assert_eq!(call.assert_end(outcome, code).ended()["children_left"], 0, "{agent}");
    }
    assert_eq!(stage.family.alive(), [] as [i32; 0]);
}

/// Lesson 29: a stop is for the whole tree, and nobody has to ask for that.
#[test]
fn a_stop_ends_the_whole_tree_of_a_shell() {
    let stage = Stage::new();
    let mut witness = Witness::new(&stage.path("witness"));
    let agent = fake_agent().display().to_string();
    let shell = format!(
        "'{agent}' 'fifo {}' 'spawn setsid+ignore-term' 'touch {}' hang & wait",
        stage.name("witness"),
        stage.name("up")
    );
    let mut command = stage.command(TURN);
    command.args(["run", "--agent", "a", "--kill-after", "100ms", "--", "sh", "-c", &shell]);
    let mut running = Running::begin(&stage, command);
    running.until("turn.started");
    witness.await_somebody();
    until("the children", || stage.path("up").exists());
    assert_eq!(stage.turn(&["stop", "a", "--wait", "60s"]).code, 0);
    assert!(witness.everyone_gone());
    assert_eq!(running.end().assert_end("aborted", 143).ended()["children_left"], 0);
}

/// Lesson 31b: the group is known before the agent runs, and is gone after a good end.
#[test]
fn the_cgroup_of_a_turn_is_on_record_while_it_runs_and_removed_after_its_success() {
    let stage = Stage::new();
    let script = format!("init; spawn setsid+double-fork; wait-file {}; result done", stage.name("go"));
    let running = stage.play("a", &script).start();
    running.until_written(1);
    let recorded: Option<String> =
        stage.sqlite().query_row("SELECT cgroup FROM turn WHERE outcome IS NULL", [], |row| row.get(0)).unwrap();
    let is_in_it = running.started()["contained_by"] == "cgroup";
    assert_eq!(recorded.is_some(), is_in_it);
    if let Some(path) = &recorded {
        let members = std::fs::read_to_string(format!("{path}/cgroup.procs")).unwrap();
        assert!(members.lines().any(|pid| pid == running.agent_pid().to_string()), "{members}");
    }
    std::fs::write(stage.path("go"), "").unwrap();
    running.end().assert_end("completed", 0);
    assert_eq!(stage.groups_left(), Vec::<String>::new());
}

/// Lesson 30: whoever reads meets the end, also where the caller's own stdin stays open.
#[test]
fn an_agent_without_a_prompt_has_no_open_stdin_and_neither_has_what_it_starts() {
    let stage = Stage::new();
    let steps = [
        format!("record-fds {}", stage.name("fds")),
        "read-stdin".into(),
        format!("run cat >{}", stage.name("hook")),
        "exit 0".into(),
    ];
    let mut command = stage.command(TURN);
    command.args(["run", "--agent", "a", "--deadline", "30s", "--"]).arg(fake_agent()).args(&steps);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let open = child.stdin.take().unwrap();
    let output = child.wait_with_output().unwrap();
    drop(open);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let fds = std::fs::read_to_string(stage.path("fds")).unwrap();
    assert!(fds.lines().any(|line| line == "0 /dev/null"), "{fds}");
    assert!(stage.path("hook").exists(), "its child has met the end too");
}

/// Lesson 36: progress holds back a silence, not the deadline.
#[test]
fn an_agent_that_never_falls_silent_ends_at_the_deadline() {
    let stage = Stage::new();
    let endless = "init; repeat 99999 { say on; sleep 10 }";
    let call = stage.play("a", endless).with(&["--stall", "60s", "--deadline", "500ms"]).call();
    assert_eq!(call.assert_end("timed_out", 124).word("cause"), "deadline");
}

/// Lesson 50: what was said is not lost with the process; the next turn of the run asks for the same session.
#[test]
fn after_a_death_the_next_turn_resumes_the_session_and_the_run_shows_which() {
    let stage = Stage::new();
    for (agent, end, outcome) in
        [("killed", "die KILL", "killed"), ("lost", "kill-parent; hang", "lost"), ("mute", "exit 0", "no_result")]
    {
        let args = stage.name(&format!("args.{agent}"));
        let dies = stage.play(agent, &format!("init s-{agent}; say half; {end}")).with(&["--max-attempts", "3"]);
        let first = dies.with(&["--resume", &format!("s-{agent}")]).call();
        assert_eq!(first.word("outcome"), outcome, "{first:#?}");
        let session = json!(format!("s-{agent}"));
        assert_eq!(stage.run_of(agent)["session"], session, "it is shown");
        let next = stage.play(agent, &format!("record-args {args}; init; result done")).call();
        next.assert_end("completed", 0);
        assert_eq!((next.word("resume"), &next.ended()["session_asked"]), ("same", &session));
        let given = std::fs::read_to_string(&args).unwrap();
        assert!(given.contains(&format!("--resume\ns-{agent}\n")), "{given}");
    }
}

/// Lesson 47: a resume that was asked for and did not happen is said, whatever the way in which it did not.
#[test]
fn a_resume_that_did_not_happen_is_never_silent() {
    let stage = Stage::new();
    let other = stage.play("other", "init s-2; result done").with(&["--resume", "s-1"]).call();
    assert_eq!((other.code, other.word("resume")), (0, "mismatch"));
    assert!(other.stderr.contains("s-1") && other.stderr.contains("s-2"), "{}", other.stderr);
    let refuses = "err no rollout found for thread id s-1; exit 1";
    let refused = stage.play_as("codex", "refused", refuses).with(&["--resume", "s-1"]).call();
    let ends = refused.all("turn.ended");
    assert_eq!((&ends[0]["outcome"], &ends[0]["resume"]), (&json!("resume_refused"), &json!("refused")));
    assert_eq!((ends.len(), &ends[1]["resume"]), (2, &json!("fresh")));
    assert!(refused.stderr.contains("s-1"), "{}", refused.stderr);
    let kept = stage.turn(&["show", ends[0]["turn"].as_str().unwrap()]);
    assert_eq!(kept.last("turn.ended")["resume"], "refused", "the record keeps it");
}

/// Lesson 31: with supervisor and shim gone the record still says whom to stop.
#[test]
fn who_runs_is_on_record_before_it_runs_and_can_be_stopped_by_it() {
    let stage = Stage::new();
    let mut running = stage.play("a", &format!("touch {}; init; hang", stage.name("ran"))).start();
    let (pid, shim) = (running.agent_pid(), running.started()["shim_pid"].as_i64().unwrap());
    let row: (i64, i64, i64) = stage
        .sqlite()
        .query_row("SELECT json_extract(child, '$.pid'), json_extract(shim, '$.pid'), json_extract(child, '$.start_ticks') IS NOT NULL FROM turn", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(row, (i64::from(pid.as_raw()), shim, 1));
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    kill(pid, None).unwrap();
    let stopped = stage.turn(&["stop", "a", "--wait", "60s"]);
    assert_eq!((stopped.code, &stopped.last("turn.stopped")["outcome"]), (0, &json!("aborted")));
    assert_eq!(kill(pid, None::<Signal>), Err(nix::errno::Errno::ESRCH));
}
