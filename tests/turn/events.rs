//! `--events`: each line of the stream once, in order, as it comes; and a reader who does not read delays nobody.

use std::io::{PipeReader, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use refloat::clock::Tick;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use serde_json::Value;

use crate::stage::{Call, Running, Stage, TURN, until};

/// The events of a call, or of `turn log`, without the time at which they were printed.
fn events(records: &[Value]) -> Vec<Value> {
    let events = records.iter().filter(|record| record["type"] == "turn.event");
    events
        .map(|event| {
            let mut event = event.clone();
            event.as_object_mut().unwrap().remove("at");
            event
        })
        .collect()
}

/// What `turn log` says of a turn.
fn log(stage: &Stage, turn: &str) -> Vec<Value> {
    events(&stage.turn(&["log", turn]).records)
}

fn assert_whole(stage: &Stage, call: &Call, turn: &str) {
    let kinds: Vec<&str> = call.records.iter().map(|record| record["type"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("turn.started", "turn.ended"));
    assert!(kinds[1..kinds.len() - 1].iter().all(|kind| *kind == "turn.event"), "{kinds:?}");
    assert_eq!(events(&call.records), log(stage, turn));
}

#[test]
fn each_line_is_printed_once_in_order_while_the_agent_works_on() {
    let stage = Stage::new();
    let script = format!(
        "init; wait-file {}; say two; line noise; wait-file {}; result done; raw tail",
        stage.name("go1"),
        stage.name("go2")
    );
    let mut running = stage.play("a", &script).with(&["--events"]).start();
    assert_eq!(running.until("turn.event")["line"], 1);
    // The agent goes on only because its line has been read here.
    std::fs::write(stage.path("go1"), "").unwrap();
    while running.next()["line"] != 3 {}
    std::fs::write(stage.path("go2"), "").unwrap();
    let call = running.end();
    call.assert_end("completed", 0);
    assert_whole(&stage, &call, "t1");
    let kinds: Vec<_> = events(&call.records).iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["start", "progress", "not_json", "terminal", "not_json"]);
}

#[test]
fn the_events_of_a_quick_a_plain_and_a_loud_turn_are_those_of_its_log() {
    let stage = Stage::new();
    let quick = stage.play("a", "init; result done").with(&["--events"]).call();
    assert_whole(&stage, &quick, "t1");
    let loud = stage.play("a", "init; flood 2000000 700; result done").with(&["--events"]).call();
    assert_whole(&stage, &loud, "t2");
    assert!(events(&loud.records).len() > 2500);
    let plain = stage.turn(&["run", "--agent", "p", "--events", "--", "printf", "one\\ntwo"]);
    assert_whole(&stage, &plain, "t3");
    assert_eq!(events(&plain.records).len(), 2);
    let missing = stage.turn(&["run", "--agent", "p", "--events", "--", "/no/such/program"]);
    missing.assert_end("spawn_failed", 127);
    assert_eq!(events(&missing.records), [] as [Value; 0]);
}

#[test]
fn a_session_that_was_refused_has_its_events_before_those_of_the_fresh_try() {
    let stage = Stage::new();
    stage.play("a", "init s-1; result-error no").with(&["--max-attempts", "5"]).call();
    let refused = r#"line {"type":"result","subtype":"error_during_execution","is_error":true,"num_turns":0,"session_id":"s-1","errors":["No conversation found with session ID: s-1"]}; exit 1"#;
    let call = stage.play("a", refused).with(&["--events"]).call();
    let kinds: Vec<&str> = call.records.iter().map(|record| record["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["turn.started", "turn.event", "turn.ended", "turn.started", "turn.event", "turn.ended"],
        "{call:#?}"
    );
    assert_eq!(call.records[1]["turn"], call.records[0]["turn"]);
    assert_eq!(call.records[4]["turn"], call.records[3]["turn"]);
}

/// A `turn` whose output nobody reads yet.
struct Unread {
    child: Child,
    out: PipeReader,
}

impl Unread {
    fn start(mut command: Command) -> Self {
        let (out, theirs) = std::io::pipe().unwrap();
        let child = command.stdout(theirs).stderr(Stdio::null()).spawn().unwrap();
        Self { child, out }
    }

    /// The same into a pipe that is full of something else.
    fn start_full(mut command: Command) -> (Self, usize) {
        let (out, mut theirs) = std::io::pipe().unwrap();
        let flags = fcntl_getfl(&theirs).unwrap();
        fcntl_setfl(&theirs, flags | OFlags::NONBLOCK).unwrap();
        let mut filled = 0;
        while let Ok(written) = theirs.write(&[b' '; 4096]) {
            filled += written;
        }
        fcntl_setfl(&theirs, flags).unwrap();
        (Self { child: command.stdout(theirs).stderr(Stdio::null()).spawn().unwrap(), out }, filled)
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Reads to the end.
    fn end(mut self) -> Call {
        let mut text = String::new();
        self.out.read_to_string(&mut text).unwrap();
        let records = text.trim_start().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Call { code: self.child.wait().unwrap().code().unwrap(), records, stderr: String::new() }
    }
}

/// The recorded outcome of a turn, once it has one.
fn outcome(stage: &Stage, turn: &str) -> Value {
    until("the outcome", || {
        stage.state().exists()
            && stage.turn(&["show", turn]).records.iter().any(|record| record["type"] == "turn.ended")
    });
    stage.turn(&["show", turn]).ended()["outcome"].clone()
}

fn playing(stage: &Stage, agent: &str, script: &str, more: &[&str]) -> Command {
    let mut play = stage.play(agent, script).with(more);
    play.ready();
    play.command
}

#[test]
fn a_reader_who_does_not_read_delays_neither_the_agent_nor_a_clock_nor_the_outcome() {
    let stage = Stage::new();
    let loud = format!("init; flood 3000000; touch {}; result done", stage.name("written"));
    let unread = Unread::start(playing(&stage, "a", &loud, &["--events"]));
    assert_eq!(outcome(&stage, "t1"), "completed");
    assert!(stage.path("written").exists());
    // Its supervisor still has all to print, and keeps nothing from anybody.
    assert_eq!(stage.turn(&["run", "--agent", "a", "--lock-wait", "5s", "--", "true"]).code, 0);
    let call = unread.end();
    assert_eq!(call.code, 0);
    assert_whole(&stage, &call, "t1");

    let silent = ["--events", "--stall", "400ms", "--kill-after", "100ms"];
    let unread = Unread::start(playing(&stage, "b", "init; flood 3000000; hang", &silent));
    assert_eq!(outcome(&stage, "t3"), "stalled");
    let call = unread.end();
    call.assert_end("stalled", 124);
    assert_whole(&stage, &call, "t3");
}

#[test]
fn a_stop_and_a_signal_reach_a_supervisor_whose_output_nobody_reads() {
    let stage = Stage::new();
    let quick = ["--events", "--kill-after", "100ms"];
    let unread = Unread::start(playing(&stage, "a", "init; flood 3000000; hang", &quick));
    until("the turn", || stage.state().exists() && stage.turn(&["list", "--open"]).records.len() == 1);
    until("its start", || stage.turn(&["show", "t1"]).last("turn")["started_at"].is_string());
    kill(unread.pid(), Signal::SIGTERM).unwrap();
    assert_eq!(outcome(&stage, "t1"), "aborted");
    // Everything is recorded, the lock is free; the second signal ends the printing.
    assert_eq!(stage.turn(&["run", "--agent", "a", "--lock-wait", "5s", "--", "true"]).code, 0);
    let Unread { mut child, out } = unread;
    until("the end", || {
        kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).unwrap();
        std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap().contains(") Z ")
    });
    assert_eq!(child.wait().unwrap().code(), Some(143));
    drop(out);
}

#[test]
fn a_full_pipe_at_the_start_delays_nothing_without_events_too() {
    let stage = Stage::new();
    let (unread, filled) = Unread::start_full(playing(&stage, "a", "init; result done", &[]));
    assert_eq!(outcome(&stage, "t1"), "completed");
    assert!(filled > 4096);
    let call = unread.end();
    call.assert_end("completed", 0);
    assert_eq!(call.records.len(), 2);
}

#[test]
fn what_waits_for_a_reader_waits_in_the_file_and_not_in_memory() {
    let stage = Stage::new();
    let unread = Unread::start(playing(&stage, "a", "init; flood 150000000; result done", &["--events"]));
    assert_eq!(outcome(&stage, "t1"), "completed");
    let status = std::fs::read_to_string(format!("/proc/{}/status", unread.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 48 * 1024, "{peak} KiB for a stream of 150 MB");
    let Unread { mut child, out } = unread;
    // The reader leaves: that is silent.
    drop(out);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_reader_who_leaves_changes_no_exit_code() {
    let stage = Stage::new();
    let script = format!("init; wait-file {}; flood 1000000; result-error no", stage.name("go"));
    let Unread { mut child, out } = Unread::start(playing(&stage, "a", &script, &["--events"]));
    drop(out);
    std::fs::write(stage.path("go"), "").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn attach_prints_the_stream_from_its_beginning_before_and_after_the_end() {
    let stage = Stage::new();
    let script = format!("init; say one; wait-file {}; result done", stage.name("go"));
    let mut running = stage.play("a", &script).start();
    running.until_written(300);
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    let attach = || {
        let mut command = stage.command(TURN);
        command.args(["attach", "a", "--events"]);
        Running::begin(&stage, command)
    };
    let mut attached = attach();
    assert_eq!(attached.until("turn.event")["line"], 1);
    std::fs::write(stage.path("go"), "").unwrap();
    let call = attached.end();
    call.assert_end("completed", 0);
    assert_eq!(events(&call.records), log(&stage, "t1"));
    let again = attach().end();
    assert_eq!(events(&again.records), log(&stage, "t1"));
    assert_eq!((again.records.len(), again.ended()), (4, call.ended()));
    let quiet = stage.turn(&["attach", "a"]);
    assert_eq!(events(&quiet.records).len(), 0);
}

/// A supervisor that leaves (HUP) does not stay for a reader.
#[test]
fn a_supervisor_that_leaves_does_not_wait_for_a_reader() {
    let stage = Stage::new();
    let script = format!("init; flood 3000000; wait-file {}; result done", stage.name("go"));
    let unread = Unread::start(playing(&stage, "a", &script, &["--events"]));
    until("the start", || stage.state().exists() && !stage.turn(&["list"]).records.is_empty());
    until("its start", || stage.turn(&["show", "t1"]).last("turn")["started_at"].is_string());
    let start = Tick::now();
    kill(unread.pid(), Signal::SIGHUP).unwrap();
    let Unread { mut child, out } = unread;
    assert_eq!(child.wait().unwrap().code(), Some(75));
    assert!(Tick::now().since(start).as_secs() < 30);
    assert!(out.as_fd().try_clone_to_owned().is_ok());
    std::fs::write(stage.path("go"), "").unwrap();
    stage.turn(&["attach", "a"]).assert_end("completed", 0);
}
