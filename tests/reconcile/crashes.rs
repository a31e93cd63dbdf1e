//! `reconcile crash`: what crashed, with what became of the work all the same; and the files that wait.

use serde_json::{Value, json};

use super::{FAILS, only, play, told};
use crate::stage::Stage;

/// A crash file as a supervisor leaves it.
fn file(agent: &str, turn: &str) -> String {
    let file = json!({
        "type": "crash", "v": 1, "at": "2099-01-01T00:00:00.000Z", "program": "turn", "version": "9.9.9", "pid": 7,
        "process": null, "agent": agent, "turn": turn, "message": "token=hunter2 is gone", "place": "src/x.rs:1:2",
        "backtrace": "0: main api_key=hunter2",
    });
    format!("{file}\n")
}

fn plant(stage: &Stage, name: &str, text: &str) {
    let folder = stage.path("state/crashes");
    let _ = std::fs::create_dir(&folder);
    std::fs::write(folder.join(name), text).unwrap();
}

/// bmad 54, 65; 3.3: what finished stays finished, and its crash is seen beside it.
#[test]
fn a_crash_after_the_work_had_finished_hides_nothing_and_changes_nothing() {
    let stage = Stage::new();
    play(&stage, "a", "1", "init; result done").assert_end("completed", 0);
    plant(&stage, "1-turn-7.json", &file("a", "t1"));
    let crash = only(&stage, &["crash", "list"], "crash");
    assert_eq!((&crash["who"], &crash["kind"]), (&json!("turn"), &json!("panic")), "{crash}");
    assert_eq!((&crash["outcome"], &crash["run_state"]), (&json!("completed"), &json!("completed")), "{crash}");
    assert_eq!(stage.run_of("a")["state"], "completed");
    assert!(!stage.path("state/crashes/1-turn-7.json").exists());
    assert_eq!(only(&stage, &["crash", "show", "c1"], "crash")["crash"], "c1");
}

/// bmad 3.3, gap 13.
#[test]
fn no_secret_is_shown() {
    let stage = Stage::new();
    let words = "init; err password=hunter2 sk-abcdefghijklmnopqrstuvwxyz012345; die KILL";
    play(&stage, "a", "1", words).assert_end("killed", 137);
    plant(&stage, "1-turn-7.json", &file("a", "t1"));
    for (args, count) in [(&["crash", "list"][..], 2), (&["crash", "show", "c1"], 1), (&["crash", "show", "c2"], 1)] {
        let said = stage.reconcile(args);
        assert_eq!(said.records.len(), count, "{said:?}");
        let text = format!("{:?}", said.records);
        assert!(!text.contains("hunter2") && !text.contains("sk-abcd") && text.contains("[redacted]"), "{text}");
    }
}

/// bmad 3.3, gaps 9, 10: neither a stop nor a success masks a crash, and each crash stays.
#[test]
fn a_reopened_run_keeps_its_crashes_and_so_does_one_that_was_stopped() {
    let stage = Stage::new();
    play(&stage, "a", "1", "init; die KILL").assert_end("killed", 137);
    stage.turn(&["stop", "a"]);
    only(&stage, &["crash", "list", "--run", "r1"], "crash");
    stage.reconcile(&["reopen", "r1", "--why", "x"]);
    play(&stage, "a", "1", "init; die KILL").assert_end("killed", 137);
    stage.reconcile(&["reopen", "r1", "--why", "x"]);
    play(&stage, "a", "1", "init; result done").assert_end("completed", 0);
    let all = told(&stage, &["crash", "list", "--agent", "a", "--since", "1d"], "crash");
    let turns: Vec<&Value> = all.iter().map(|crash| &crash["turn"]).collect();
    assert_eq!(turns, [&json!("t1"), &json!("t2")]);
    assert!(all.iter().all(|crash| crash["run_state"] == "completed" && crash["outcome"] == "killed"), "{all:?}");
    assert_eq!(told(&stage, &["crash", "list", "--agent", "b"], "crash"), [] as [Value; 0]);
    assert_eq!(told(&stage, &["crash", "list", "--since", "0s"], "crash"), [] as [Value; 0]);
    stage.reconcile(&["crash", "show", "c9"]).assert_refused(66, "no crash c9");
}

/// Who may not write sees what there is, and is told what is not shown.
#[test]
fn a_folder_that_is_read_only_answers_and_says_how_many_files_wait() {
    if !crate::contract::is_root() {
        println!("skipped: not root");
        return;
    }
    let stage = Stage::new();
    play(&stage, "a", "1", FAILS).assert_end("failed", 1);
    play(&stage, "b", "1", "init; die KILL").assert_end("killed", 137);
    plant(&stage, "1-turn-7.json", &file("a", "t1"));
    let folder = stage.name("state");
    let mut command = stage.command("unshare");
    let script = format!("mount --bind {folder} {folder} && mount -o remount,ro,bind {folder} && exec \"$@\"");
    command.args(["-m", "sh", "-c", &script, "sh", crate::stage::RECONCILE, "crash", "list"]);
    let call = stage.call(command);
    assert_eq!((call.code, call.all("crash").len()), (0, 1), "{call:?}");
    assert!(call.stderr.contains("1 crash files in") && call.stderr.contains("are not shown"), "{call:?}");
    assert!(stage.path("state/crashes/1-turn-7.json").exists());
    assert_eq!(told(&stage, &["crash", "list"], "crash").len(), 2);
}
