//! Equal pids in two pid namespaces, and one state folder.

use std::process::{Command, Output};

use crate::scene::{Running, Stage};

/// The command as a low pid of a namespace of its own.
fn in_a_namespace(stage: &Stage, command: &Command) -> Command {
    let mut unshare = stage.command("unshare");
    unshare.args(["--pid", "--fork", "--mount-proc", "--kill-child"]);
    unshare.arg(command.get_program()).args(command.get_args());
    unshare
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

/// B18
#[test]
fn a_turn_in_another_pid_namespace_holds_the_lock_too() {
    let stage = Stage::new();
    if !in_a_namespace(&stage, &Command::new("true")).output().is_ok_and(|done| done.status.success()) {
        println!("skipped: no pid namespace can be made here");
        return;
    }
    let steps = [format!("touch {}", stage.word("ready")), format!("wait-file {}", stage.word("go")), "exit 0".into()];
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let held = Running::start(&mut in_a_namespace(&stage, &stage.plain("a", &[], &steps)));
    stage.await_file("ready");
    let second = stage.plain("a", &["--lock-wait", "0s"], &["exit 0"]);
    let inside = in_a_namespace(&stage, &second).output().unwrap();
    assert_eq!(code(&inside), Some(75), "{inside:?}");
    let mut outside = stage.plain("a", &["--lock-wait", "0s"], &["exit 0"]);
    assert_eq!(code(&outside.output().unwrap()), Some(75));
    stage.touch("go");
    let ended = held.end();
    assert_eq!(ended.code(), Some(0), "{ended:?}");
    let after = in_a_namespace(&stage, &second).output().unwrap();
    assert_eq!(code(&after), Some(0), "{after:?}");
    assert_eq!(stage.count("SELECT count(*) FROM turn"), 2);
    stage.assert_whole();
}

/// A container that is killed in mid-turn never comes back, and nobody can look into it any more.
#[test]
fn a_turn_whose_namespace_is_gone_is_ended_by_who_says_so() {
    for ending in ["stop", "run"] {
        let stage = Stage::new();
        if !in_a_namespace(&stage, &Command::new("true")).output().is_ok_and(|done| done.status.success()) {
            println!("skipped: no pid namespace can be made here");
            return;
        }
        let steps = [format!("touch {}", stage.word("ready")), "hang".into()];
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        let parent = ["--parent", "lead", "--max-attempts", "1"];
        let held = Running::start(&mut in_a_namespace(&stage, &stage.plain("a", &parent, &steps)));
        stage.await_file("ready");
        let stop = |more: &[&str]| stage.turn(&[&["stop", "a", "--wait", "200ms"], more].concat()).output().unwrap();
        let run = |more: &[&str]| stage.plain("a", more, &["exit 0"]).output().unwrap();
        assert_eq!((code(&stop(&["--kill"])), code(&run(&["--lock-wait", "0s"]))), (Some(75), Some(75)), "it lives");
        held.kill_now();
        crate::scene::until("its end", || stage.lock_is_free("a"));
        for unsure in [stop(&[]), run(&[]), stage.turn(&["attach", "a"]).output().unwrap()] {
            assert_eq!(code(&unsure), Some(69), "{unsure:?}");
            assert!(String::from_utf8_lossy(&unsure.stderr).contains("turn stop a --kill"), "{unsure:?}");
        }
        let ended = if ending == "stop" { stop(&["--kill"]) } else { run(&["--kill-orphans"]) };
        assert_eq!(code(&ended), Some(0), "{ended:?}");
        assert_eq!(stage.count("SELECT count(*) FROM turn WHERE outcome IS NULL"), 0);
        assert_eq!(stage.count("SELECT count(*) FROM mail WHERE kind = 'worker_died'"), 1);
        assert_eq!(code(&run(&[])), Some(0));
        stage.assert_whole();
    }
}
