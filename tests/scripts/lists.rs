//! The lists for a person: of one run, and of all that was under way.

use std::process::Command;

use nix::sys::signal::Signal;

use crate::scene::{Witness, kill, process_is_gone};
use crate::stage::{Stage, until};

const SECRET: &str = "sk-ant-0123456789abcdef0123456789";

/// Supervisor and shim of `a` are dead, and something of its tree is not.
fn orphan(stage: &Stage) -> crate::stage::Running {
    let witness = Witness::new(&stage.path("witness"));
    let (fifo, reached) = (stage.name("witness"), stage.name("reached"));
    let script = format!("fifo {fifo}; init; say hi; spawn setsid+ignore-term+double-fork; touch {reached}; hang");
    let running = stage.play("a", &script).with(&["--max-attempts", "1"]).start();
    witness.await_somebody();
    until("the agent", || std::path::Path::new(&reached).exists());
    let shim = stage.pid_of("a", "shim");
    running.signal(Signal::SIGSTOP);
    kill(shim, Signal::SIGKILL);
    until("the shim's end", || process_is_gone(shim));
    running.signal(Signal::SIGKILL);
    let id = running.child.id().cast_signed();
    until("the end of the supervisor", || process_is_gone(id));
    running
}

#[test]
fn after_an_interruption_every_next_step_is_told_in_its_order() {
    let stage = Stage::new();
    let fails = "init; result-error no";
    stage.play("given", fails).with(&["--max-attempts", "1"]).call().assert_end("failed", 1);
    stage.play("again", fails).with(&["--max-attempts", "3"]).call().assert_end("failed", 1);
    stage.sql("UPDATE retry SET due_at = due_at - 600000; UPDATE run SET held_until = held_until - 600000");
    let unwatched = stage.unwatched("alone", "init; hang", &[]);
    let orphan = orphan(&stage);
    let mut mark = stage.command(env!("CARGO_BIN_EXE_mark"));
    mark.args(["set", "dispatch", "b1", "--owner-pid", "999999", "--even-if-gone"]);
    assert_eq!(stage.call(mark).code, 0);
    let before = stage.tables();
    let ran = stage.script("after-interruption", &[]);
    assert_eq!((ran.code, ran.err.as_str()), (10, ""), "{ran:#?}");
    let all: Vec<&str> = ran.out.lines().collect();
    assert_eq!(all.len(), 5, "{ran:#?}");
    assert_eq!(all[0], "1 mark of operator: stale (no_such_process): mark-cleanup --apply");
    let lines = &all[1..];
    assert_eq!(lines[0], "r4 of a: orphaned (shim_gone): 'reconcile' 'r4' '--apply' '--kill-orphans'");
    assert_eq!(lines[1], "r3 of alone: unsupervised (no_supervisor): 'turn' 'attach' 'alone'");
    assert!(lines[2].starts_with("r2 of again: retry (due since "), "{ran:#?}");
    assert!(lines[2].contains("'turn' 'run'") && lines[2].contains("'again'"), "{ran:#?}");
    assert_eq!(lines[3], "r1 of given: dead letter (max_attempts): reconcile deadletter show d1");
    assert_eq!(stage.tables(), before, "it only looks");
    drop((unwatched, orphan));
}

#[test]
fn after_an_interruption_that_left_nothing_nothing_is_to_be_done() {
    let stage = Stage::new();
    stage.play("a", "init; result done").call().assert_end("completed", 0);
    let ran = stage.script("after-interruption", &[]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{ran:#?}");
}

#[test]
fn the_checklist_names_what_is_so_and_each_next_step() {
    let stage = Stage::new();
    let orphan = orphan(&stage);
    for set in [
        &["hold", "@all", "--until", "2h"][..],
        &["hold", "a", "--owner-pid", "999999", "--even-if-gone", "--ttl", "none"],
        &["hold", "a", "--scope", "/tmp"],
    ] {
        let mut mark = stage.command(env!("CARGO_BIN_EXE_mark"));
        mark.arg("set").args(set);
        assert_eq!(stage.call(mark).code, 0);
    }
    stage.sql("UPDATE mark SET first = '{}' WHERE id = 3");
    let before = stage.tables();
    let ran = stage.script("checklist", &["a"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:#?}");
    for words in [
        "   k1 (hold @all): held (before_until), operator set it, until ",
        ": mark clear k1\n   k2 (hold a): free (no_such_process), operator set it: mark-cleanup --apply\n",
        "   k3 (hold a): unknown (unreadable): mark clear k3\n",
        "1. State: what is recorded of r1 of a\n   in_turn, attempt 0 of 1, since ",
        "The last lines of t1",
        "2. Processes and locks",
        "orphaned (shim_gone), by rule orphaned\n   next: 'reconcile' 'r1' '--apply' '--kill-orphans'",
        "turn attach a",
    ] {
        assert!(ran.out.contains(words), "{words}: {ran:#?}");
    }
    assert_eq!(stage.tables(), before, "it only looks");
    drop(orphan);
}

#[test]
fn the_bundle_has_the_records_and_the_logs_and_no_secrets() {
    let stage = Stage::new();
    let script = format!("init; say password=hunter2secret; say the key is {SECRET}; result-error Bearer {SECRET}");
    let args = ["--max-attempts", "1", "--prompt", "go", "--", "--api-key", "plainword-value"];
    let call = stage.play("a", &script).with(&args).prompt(None).call();
    assert_eq!(call.code, 1, "{call:?}");
    let bundle = stage.name("bundle.tar");
    let ran = stage.script("checklist", &["a", "--bundle", &bundle]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:#?}");
    let told = |options: &str| {
        let output = Command::new("tar").args([options, &bundle]).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let names = told("-tf");
    for name in ["show.jsonl", "probe.jsonl", "explain.jsonl", "stream.tail", "stderr.tail", "checklist.txt"] {
        assert!(names.contains(&format!("checklist/{name}\n")), "{names}");
    }
    let text = told("-xOf");
    for secret in ["hunter2secret", "0123456789abcdef", "plainword-value"] {
        assert!(!text.contains(secret) && !ran.out.contains(secret), "{secret} in {text}");
        let kept = stage.turn(&["show", "a"]).records.iter().map(ToString::to_string).collect::<String>();
        let raw = std::fs::read_to_string(stage.path("state/logs/t1/stream.jsonl")).unwrap();
        assert!(kept.contains(secret) || raw.contains(secret), "{secret} was never there");
    }
    assert!(text.contains("[redacted]") && text.contains("\"outcome\":\"failed\""), "{text}");
    let twice = stage.script("checklist", &["a", "--bundle", &bundle]);
    assert_eq!(twice.code, 73, "{twice:#?}");
}
