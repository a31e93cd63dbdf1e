//! Turns of ours that nobody watches any more: what goes on is left alone, and what has ended is recorded as it ended.

use nix::sys::signal::Signal;

use super::until_free;
use crate::scene::{kill, process_is_gone};
use crate::stage::{Stage, until};

/// B20: a killed runner is no reason to touch its agent.
#[test]
fn an_agent_whose_supervisor_was_killed_goes_on() {
    let stage = Stage::new();
    let running = stage.unwatched("a", "init; say hi; hang", &[]);
    let plan = stage.assert_planned(&["a"], "unsupervised no_supervisor identity attach - in_turn");
    assert_eq!(plan["command"], serde_json::json!(["turn", "attach", "a"]));
    stage.assert_settled(&["a", "--kill-orphans", "--kill-stalled"]);
    assert!(!process_is_gone(running.agent_pid().as_raw()), "nothing is killed for it");
    let watched = stage.play("b", "init; hang").start();
    stage.assert_planned(&["b"], "running watched identity none - in_turn");
    stage.turn(&["stop", "a"]);
    stage.turn(&["stop", "b"]);
    watched.end();
}

#[test]
fn work_that_was_finished_while_nobody_watched_is_adopted() {
    let stage = Stage::new();
    let gate = stage.name("gate");
    let script = format!("init; wait-file {gate}; result done; exit 0");
    stage.unwatched("a", &script, &["--parent", "lead", "--capability", "none"]);
    std::fs::write(&gate, "").unwrap();
    until_free(&stage, "a");
    let done = stage.assert_repaired(&["a"], "finished clean_result durable_result adopt completed completed");
    assert_eq!(done["command"], serde_json::json!([]));
    assert_eq!(stage.turn(&["show", "t1"]).last("turn.ended")["outcome"], "completed");
    assert_eq!(stage.heard("lead", "worker_died"), 0);
    stage.assert_planned(&["a"], "finished recorded terminal none completed completed");
}

/// B4: a crashed turn is told, once.
#[test]
fn a_killed_agent_is_tried_again_or_given_up_and_its_parent_told_once() {
    let stage = Stage::new();
    let killed = |agent: &str, attempts: &str| {
        let args = ["--parent", "lead", "--capability", "none", "--max-attempts", attempts];
        let running = stage.unwatched(agent, "init; hang", &args);
        kill(running.agent_pid().as_raw(), Signal::SIGKILL);
        until_free(&stage, agent);
    };
    killed("a", "3");
    let done = stage.assert_repaired(&["a"], "killed signal durable_result retry_at killed between_turns");
    assert_eq!((&done["retry"], stage.heard("lead", "worker_died")), (&"killed".into(), 0));
    assert_eq!(done["not_before"], stage.run_of("a")["held_until"]);
    stage.assert_planned(&["a"], "waiting retry_pending intentional_wait none killed between_turns");
    killed("b", "1");
    stage.assert_repaired(&["b"], "killed signal durable_result deadletter killed failed");
    assert_eq!(stage.heard("lead", "worker_died"), 1);
    assert_eq!(stage.count("SELECT count(*) FROM dead_letter"), 1);
    assert_eq!(stage.count("SELECT count(*) FROM crash WHERE kind = 'killed'"), 2);
}

#[test]
fn a_program_that_died_of_a_fault_has_crashed() {
    let stage = Stage::new();
    let running = stage.unwatched("a", "init; hang", &[]);
    kill(running.agent_pid().as_raw(), Signal::SIGABRT);
    until_free(&stage, "a");
    stage.assert_repaired(&["a"], "crashed signal durable_result deadletter killed failed");
}

#[test]
fn what_is_gone_without_a_word_has_vanished() {
    let stage = Stage::new();
    let running =
        stage.unwatched("a", "init; hang", &["--parent", "lead", "--capability", "none", "--max-attempts", "1"]);
    stage.kill_recorded("a", "shim");
    let agent = running.agent_pid().as_raw();
    until("the agent to die with its shim", || process_is_gone(agent));
    stage.assert_repaired(&["a"], "vanished shim_died identity mark_crashed lost crashed");
    assert_eq!(stage.heard("lead", "worker_died"), 1);
    assert_eq!(stage.count("SELECT count(*) FROM crash WHERE kind = 'vanished'"), 1);
}

/// What it owes is there: the work is not thrown away, and a monitor's death is no failure of it.
#[test]
fn a_lost_turn_whose_result_is_there_has_finished() {
    let stage = Stage::new();
    let (file, gate) = (stage.path("result.json"), stage.name("gate"));
    let expect = format!("result:{}", file.display());
    stage.unwatched("a", &format!("init; touch {gate}; hang"), &["--expect", &expect]);
    until("the agent", || std::path::Path::new(&gate).exists());
    let incomplete = "unsupervised monitoring_failed_verified_incomplete identity attach - in_turn";
    stage.assert_planned(&["a"], incomplete);
    std::fs::write(&file, r#"{"status":"done"}"#).unwrap();
    stage.assert_planned(&["a"], "unsupervised monitoring_failed_verified_success identity attach - in_turn");
    stage.kill_recorded("a", "shim");
    let agent = stage.pid_of("a", "child");
    until("the agent to die with its shim", || process_is_gone(agent));
    let success = "finished monitoring_failed_verified_success durable_result adopt completed completed";
    stage.assert_repaired(&["a"], success);
}

/// The mail that it owes is its own word: what was done and told is not done again.
#[test]
fn an_agent_that_was_killed_after_its_last_mail_has_finished() {
    let stage = Stage::new();
    let gate = stage.name("gate");
    let script = format!("init; {}; touch {gate}; hang", stage.sends("lead", "worker_done"));
    let running = stage.unwatched("a", &script, &["--parent", "lead", "--max-attempts", "3"]);
    until("the mail", || std::path::Path::new(&gate).exists());
    kill(running.agent_pid().as_raw(), Signal::SIGKILL);
    until_free(&stage, "a");
    stage.assert_repaired(&["a"], "finished expectation_met durable_result adopt completed completed");
    assert_eq!((stage.heard("lead", "worker_done"), stage.heard("lead", "worker_died")), (1, 0));
}

/// Two sources of one truth that contradict each other are for a person, and nothing is repaired.
#[test]
fn a_story_and_a_sprint_file_that_disagree_are_a_conflict() {
    let stage = Stage::new();
    let root = stage.path("project");
    std::fs::create_dir_all(root.join("docs/stories")).unwrap();
    let (story, sprint) = (root.join("docs/stories/1-2-login.md"), root.join("docs/sprint-status.yaml"));
    std::fs::write(&story, "# Login\n\nStatus: in-progress\n").unwrap();
    std::fs::write(&sprint, "development_status:\n  1-2-login: in-progress\n").unwrap();
    let cwd = root.display().to_string();
    let args = ["--cwd", &cwd, "--expect", "story:1-2", "--expect", "sprint:1-2"];
    let running = stage.unwatched("a", "init; hang", &args);
    std::fs::write(&story, "# Login\n\nStatus: done\n").unwrap();
    kill(running.agent_pid().as_raw(), Signal::SIGKILL);
    until_free(&stage, "a");
    let plan = stage.assert_planned(&["a"], "conflict sources_contradict durable_result ask_human - in_turn");
    assert_eq!(plan["command"], serde_json::json!(["reconcile", "explain", "r1"]));
    stage.assert_settled(&["a"]);
    std::fs::write(&sprint, "development_status:\n  1-2-login: done\n").unwrap();
    let done = "finished monitoring_failed_verified_success durable_result adopt completed completed";
    stage.assert_repaired(&["a"], done);
}

#[test]
fn a_result_that_cannot_be_read_ends_nothing() {
    let stage = Stage::new();
    let file = stage.path("result.json");
    let expect = format!("result:{}", file.display());
    let running = stage.unwatched("a", "init; hang", &["--expect", &expect]);
    std::fs::write(&file, r#"{"status":"#).unwrap();
    kill(running.agent_pid().as_raw(), Signal::SIGKILL);
    until_free(&stage, "a");
    stage.assert_planned(&["a"], "unknown owed_unknown durable_result none - in_turn");
    stage.assert_settled(&["a"]);
    stage.sql("UPDATE run SET changed_at = changed_at - 3600000");
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    let stream = running.log("stream.jsonl");
    std::fs::File::options().append(true).open(stream).unwrap().set_modified(old).unwrap();
    stage.assert_planned(&["a"], "needs_human unknown_too_long durable_result ask_human - in_turn");
    stage.assert_settled(&["a"]);
}

/// Another boot of this host: whatever has these numbers now is somebody else.
#[test]
fn a_host_that_was_booted_anew_has_nothing_of_it() {
    let stage = Stage::new();
    stage.unwatched("a", "init; hang", &[]);
    stage.kill_recorded("a", "shim");
    let agent = stage.pid_of("a", "child");
    until("the agent to die with its shim", || process_is_gone(agent));
    let boot =
        |who: &str| format!("{who} = json_set({who}, '$.boot', '00000000-0000-4000-8000-000000000000', '$.pid', 1)");
    stage.sql(&format!("UPDATE turn SET {}, {}, {}", boot("shim"), boot("child"), boot("supervisor")));
    stage.assert_repaired(&["a"], "vanished shim_died identity mark_crashed lost crashed");
}

/// The design's (4): a supervisor that died before "go" has left nothing, and that costs no attempt.
#[test]
fn a_launch_that_never_happened_costs_no_attempt() {
    let stage = Stage::new();
    assert_eq!(stage.play("a", "init; result done").call().code, 0);
    stage.sql(
        "UPDATE run SET state = 'booting', ended_at = NULL, attempts = 0;
         UPDATE turn SET outcome = NULL, ended = NULL, ended_at = NULL, shim = NULL, child = NULL, started_at = NULL,
             started_tick = NULL, supervisor = json_set(supervisor, '$.start_ticks', 1)",
    );
    std::fs::remove_dir_all(stage.state().parent().unwrap().join("logs/t1")).unwrap();
    stage.assert_repaired(&["a"], "never_started not_released launch_pending adopt never_started booting");
    assert_eq!(stage.run_of("a")["attempts"], 0);
    let plan = stage.assert_planned(&["a"], "never_started not_released launch_pending resume never_started booting");
    assert_eq!(plan["command"][0], "turn");
}

/// An event of the first attempt neither blocks nor triggers anything in the second (Q4).
#[test]
fn an_end_of_an_older_attempt_says_nothing_of_this_one() {
    let stage = Stage::new();
    let args = ["--max-attempts", "3"];
    stage.play("a", "init; result-error no; exit 1").with(&args).call();
    let running = stage.unwatched("a", "init; hang", &args);
    stage.assert_planned(&["a"], "unsupervised no_supervisor identity attach - in_turn");
    kill(running.agent_pid().as_raw(), Signal::SIGKILL);
    until_free(&stage, "a");
    stage.assert_repaired(&["a"], "killed signal durable_result retry_at killed between_turns");
    assert_eq!(stage.run_of("a")["attempts"], 2);
}

#[test]
fn a_silent_agent_that_nobody_watches_is_ended_only_where_that_was_said() {
    let stage = Stage::new();
    let clocks = ["--stall", "50ms", "--first-event", "1h"];
    let running = stage.unwatched("a", "init; say hi; hang", &clocks);
    until("the silence", || stage.reconcile(&["a"]).last("verdict")["verdict"] == "stalled");
    stage.assert_planned(&["a"], "stalled no_progress silent attach - in_turn");
    stage.assert_settled(&["a", "--kill-orphans"]);
    let kill = ["a", "--kill-stalled"];
    let plan = stage.assert_repaired(&kill, "stalled no_progress silent kill_then_crash stalled timed_out");
    assert_eq!(plan["state_before"], "in_turn");
    assert!(process_is_gone(running.agent_pid().as_raw()));
}
