//! `turn log`: what the agent wrote, to stdout and to stderr, at once and while it comes.

use std::process::{Command, Stdio};

use crate::stage::{Stage, TURN, until};
use crate::support::can_trace;

fn log(stage: &Stage, args: &[&str]) -> Command {
    let mut command = stage.command(TURN);
    command.args(["log", "t1"]).args(args);
    command
}

#[test]
fn what_the_agent_wrote_to_stderr_is_printed_as_it_is() {
    let stage = Stage::new();
    stage.turn(&["run", "--agent", "a", "--", "sh", "-c", "printf 'no\\377 record\\nand no end' >&2; echo out"]);
    let said = log(&stage, &["--stderr"]).output().unwrap();
    assert_eq!((said.status.code(), said.stdout.as_slice()), (Some(0), &b"no\xff record\nand no end"[..]));
    assert_eq!(log(&stage, &["--stderr", "--raw"]).output().unwrap().stdout, said.stdout);
    assert_eq!(log(&stage, &["--raw"]).output().unwrap().stdout, b"out\n");
}

#[test]
fn both_can_be_followed_to_the_end_of_the_turn() {
    let stage = Stage::new();
    let script = format!(
        "echo one; echo bad >&2; while ! test -e {}; do sleep 0.05; done; echo two; echo worse >&2",
        stage.name("go")
    );
    let mut command = stage.command(TURN);
    command.args(["run", "--agent", "a", "--", "sh", "-c", &script]);
    let mut running = crate::stage::Running::begin(&stage, command);
    running.until("turn.started");
    running.until_written(4);
    let follow = |args: &[&str]| log(&stage, args).stdout(Stdio::piped()).spawn().unwrap();
    let (raw, errors) = (follow(&["--raw", "--follow"]), follow(&["--stderr", "--follow"]));
    let watched = running.log("stream.jsonl");
    until("the followers", || {
        [&raw, &errors].iter().all(|child| {
            let folder = std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap();
            let names = folder.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
            names.filter(|name| name.parent() == watched.parent()).count() > 0
        })
    });
    std::fs::write(stage.path("go"), "").unwrap();
    running.end().assert_end("completed", 0);
    assert_eq!(raw.wait_with_output().unwrap().stdout, b"one\ntwo\n");
    assert_eq!(errors.wait_with_output().unwrap().stdout, b"bad\nworse\n");
}

/// Each notice of a busy stream used to open and close the state file.
#[test]
fn whoever_follows_opens_the_state_file_once() {
    if !can_trace() {
        return;
    }
    let stage = Stage::new();
    let script = format!("init; wait-file {}; repeat 30 {{ say on; sleep 20 }}; result done", stage.name("go"));
    let running = stage.play("a", &script).start();
    let trace = stage.path("trace");
    let mut command = stage.command("strace");
    command.args(["-f", "-e", "trace=openat", "-o"]).arg(&trace).arg(TURN).args(["log", "t1", "--follow"]);
    let mut follower = crate::stage::Running::begin(&stage, command);
    follower.until("turn.event");
    std::fs::write(stage.path("go"), "").unwrap();
    running.end().assert_end("completed", 0);
    let call = follower.end();
    assert_eq!((call.all("turn.event").len(), call.word("outcome")), (32, "completed"));
    let trace = std::fs::read_to_string(trace).unwrap();
    let opened = trace.lines().filter(|line| line.contains("state.db\"")).count();
    assert!((1..=3).contains(&opened), "opened {opened} times:\n{trace}");
}

/// Whoever finishes the turn opens the file, and a FIFO would be waited for, with every signal held back.
#[test]
fn an_agent_that_puts_a_fifo_in_place_of_its_stderr_holds_nobody() {
    let stage = Stage::new();
    stage.turn(&["run", "--agent", "a", "--", "true"]).assert_end("completed", 0);
    for (seen, turn, end) in [(2, "t2", 0), (3, "t3", 3)] {
        let errors = stage.name(&format!("state/logs/{turn}/stderr.log"));
        let mut command = stage.command(TURN);
        command.args(["run", "--agent", "a", "--", "sh", "-c", &format!("rm {errors} && mkfifo {errors}; exit {end}")]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until("its outcome", || stage.count("SELECT count(*) FROM turn WHERE outcome IS NOT NULL") == seen);
        assert_eq!(child.wait().unwrap().code(), Some(i32::from(end != 0)));
    }
}
