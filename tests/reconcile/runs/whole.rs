//! Turns from their broken middle to their end, by the commands that a verdict names: attached to, gone without their logs,
//! with work that was there before, and with children and mail that keep them.

use nix::sys::signal::Signal;

use super::until_free;
use crate::scene::{kill, process_is_gone};
use crate::stage::{Stage, until};

const PARENT: [&str; 6] = ["--parent", "lead", "--capability", "none", "--max-attempts", "1"];
const KILLED: &str = "killed signal durable_result deadletter killed failed";

/// Its supervisor is killed, its agent goes on, and whoever types the next command watches it to its end.
#[test]
fn the_command_of_an_unwatched_turn_watches_it_to_its_end() {
    let stage = Stage::new();
    let gate = stage.name("gate");
    let running = stage.unwatched("a", &format!("init; wait-file {gate}; say hi; result done"), &PARENT);
    let plan = stage.assert_planned(&["a"], "unsupervised no_supervisor identity attach - in_turn");
    let words: Vec<&str> = plan["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert_eq!(words, ["turn", "attach", "a"]);
    let mut attach = stage.command(crate::stage::TURN);
    attach.args(&words[1..]);
    let attached = crate::stage::Running::begin(&stage, attach);
    until("the new supervisor", || stage.pid_of("a", "supervisor") == attached.child.id().cast_signed());
    stage.assert_planned(&["a"], "running watched identity none - in_turn");
    stage.assert_settled(&["a", "--kill-orphans", "--kill-stalled"]);
    assert!(!process_is_gone(running.agent_pid().as_raw()));
    std::fs::write(&gate, "").unwrap();
    attached.end().assert_end("completed", 0);
    assert_eq!(stage.count("SELECT count(*) FROM turn"), 1, "nothing was started anew");
    stage.assert_planned(&["a"], "finished recorded terminal none completed completed");
    assert_eq!(stage.heard("lead", "worker_died"), 0);
}

/// Nobody can read how it ended, and everybody of it is gone.
#[test]
fn a_turn_whose_log_folder_is_gone_lives_on_and_is_lost_with_its_agent() {
    let stage = Stage::new();
    let running = stage.unwatched("a", "init; hang", &PARENT);
    running.until_written(50);
    std::fs::remove_dir_all(stage.state().parent().unwrap().join("logs")).unwrap();
    stage.assert_planned(&["a"], "unsupervised no_supervisor identity attach - in_turn");
    stage.assert_settled(&["a", "--kill-orphans", "--kill-stalled"]);
    kill(running.agent_pid().as_raw(), Signal::SIGKILL);
    until_free(&stage, "a");
    stage.assert_repaired(&["a"], "vanished shim_died identity mark_crashed lost crashed");
    assert_eq!(stage.heard("lead", "worker_died"), 1);
}

/// A `done` from before the attempt proves nothing, wherever it stands.
#[test]
fn what_was_done_before_the_attempt_ends_nothing() {
    let stage = Stage::new();
    let root = stage.path("project");
    std::fs::create_dir_all(root.join("docs/stories")).unwrap();
    let put = |name: &str, text: &str| std::fs::write(root.join(name), text).unwrap();
    put("docs/stories/1-2-login.md", "# Login\n\nStatus: done\n");
    put("docs/sprint-status.yaml", "development_status:\n  1-2-login: done\n");
    put("result.json", r#"{"status":"done"}"#);
    let cwd = root.display().to_string();
    for (agent, owed) in [("a", "story:1-2"), ("b", "sprint:1-2"), ("c", "result:result.json")] {
        let args = [&PARENT[..], &["--cwd", &cwd, "--expect", owed]].concat();
        let running = stage.unwatched(agent, "init; hang", &args);
        stage.assert_planned(&[agent], "unsupervised monitoring_failed_verified_incomplete identity attach - in_turn");
        kill(running.agent_pid().as_raw(), Signal::SIGKILL);
        until_free(&stage, agent);
        stage.assert_repaired(&[agent], KILLED);
    }
    let pid = stage.background("w", &["hang"]);
    stage.adopt("w", pid, &["--cwd", &cwd, "--expect", "result:result.json"]);
    stage.assert_planned(&["w"], "running alive identity none - in_turn");
    crate::adopted::kill_and_wait(pid);
    stage.assert_repaired(&["w"], "vanished gone identity mark_crashed lost crashed");
    assert_eq!(stage.heard("lead", "worker_died"), 3);
}

/// Its own work is done while nobody watches, and its children and its mail are not: the run waits, and is then gone on with.
#[test]
fn a_lead_that_finished_unwatched_waits_for_its_children_and_its_mail() {
    let stage = Stage::new();
    let gate = stage.name("gate");
    let args = ["--parent", "boss", "--capability", "none"];
    stage.unwatched("lead", &format!("init; wait-file {gate}; result done"), &args);
    let child = stage.background("c", &["hang"]);
    stage.adopt("c", child, &["--parent", "lead", "--capability", "none"]);
    std::fs::write(&gate, "").unwrap();
    until_free(&stage, "lead");
    stage.assert_repaired(&["lead"], "waiting open_children durable_result adopt waiting waiting");
    stage.assert_planned(&["lead"], "waiting open_children intentional_wait none waiting waiting");
    crate::adopted::kill_and_wait(child);
    stage.assert_repaired(&["c"], "vanished gone identity mark_crashed lost crashed");
    let plan = stage.assert_planned(&["lead"], "waiting unread_mail intentional_wait resume waiting waiting");
    assert_eq!(plan["command"][0], "turn", "{plan}");
    assert_eq!((stage.heard("lead", "worker_died"), stage.heard("boss", "worker_died")), (1, 0));
}

/// Q10: all that it waited for is there, and nobody is left to say so.
#[test]
fn a_wait_that_was_left_behind_by_finished_work_is_over() {
    let stage = Stage::new();
    let (file, child) = (stage.path("result.json"), stage.background("c", &["hang"]));
    let owed = format!("result:{}", file.display());
    stage.adopt("c", child, &["--parent", "lead", "--capability", "none"]);
    let call = stage.play("lead", "init; result waiting").with(&["--capability", "none", "--expect", &owed]).call();
    assert_eq!(call.word("outcome"), "waiting", "{call:#?}");
    std::fs::write(&file, r#"{"status":"done"}"#).unwrap();
    stage.assert_planned(&["lead"], "waiting open_children intentional_wait none waiting waiting");
    assert_eq!(stage.turn(&["end", "c", "--outcome", "completed"]).code, 0);
    // It is told that its last child has ended; what it has not read is not over.
    stage.assert_planned(&["lead"], "waiting unread_mail intentional_wait resume waiting waiting");
    assert_eq!(stage.mail(&["check", "--agent", "lead"]).code, 0);
    stage.assert_repaired(&["lead"], "finished expectation_met durable_result adopt completed completed");
}
