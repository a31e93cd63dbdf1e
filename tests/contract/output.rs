//! Standard streams as callers really hand them over: closed, gone, full, not blocking, of the wrong kind.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use serde_json::Value;

use super::{Home, Said, binary};

/// A command whose standard streams the shell changes first: `>&-`.
fn redirected(home: &Home, redirection: &str, words: &[&str]) -> Command {
    let script = format!("exec \"$@\" {redirection}");
    let mut all = vec!["-c", &script, "sh", binary(words[0])];
    all.extend(&words[1..]);
    let mut command = home.bare("/bin/sh", all);
    command.env("REFLOAT_STATE", home.state());
    command
}

/// The write end of a pipe whose reader has gone.
fn gone() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn full() -> Stdio {
    File::create("/dev/full").unwrap().into()
}

fn outcome(home: &Home, turn: &str) -> Value {
    home.turn(&["show", turn]).silent(0).record("turn.ended")["outcome"].clone()
}

const QUESTIONS: &[&[&str]] = &[
    &["turn", "list"],
    &["turn", "list", "--format", "table"],
    &["turn", "show", "a"],
    &["turn", "log", "t1"],
    &["turn", "log", "t1", "--raw"],
    &["turn", "log", "t1", "--follow"],
    &["turn", "conform", "t1"],
    &["turn", "runtimes"],
    &["turn", "attach", "t1"],
    &["mail", "list"],
    &["turn", "--help"],
    &["turn", "run", "--help"],
    &["turn", "--schema"],
    &["turn", "--version"],
];

#[test]
fn a_closed_stdout_or_a_reader_that_is_gone_is_silent_and_changes_no_exit_code() {
    let home = Home::new();
    home.play("a", &[], "init; result ok").silent(0);
    home.mail(&["send", "--from", "o", "--to", "a", "--subject", "s"]).silent(0);
    for words in QUESTIONS {
        Said::of(&mut redirected(&home, ">&-", words)).silent(0);
        Said::of(home.command(words[0], &words[1..]).stdout(gone())).silent(0);
    }
    for (steps, code, word) in
        [("init; result ok", 0, "completed"), ("init; result-error no", 1, "failed"), ("init; die KILL", 137, "killed")]
    {
        Said::of(home.playing("b", &[], steps).stdout(gone())).silent(code);
        assert_eq!(home.turn(&["show", "b"]).records()[1]["outcome"], word);
    }
    Said::of(&mut redirected(&home, ">&-", &["turn", "run", "--agent", "c", "--", "false"])).silent(1);
    Said::of(home.command("mail", ["send", "--from", "o", "--to", "a", "--subject", "2"]).stdout(gone())).silent(0);
    assert_eq!(home.mail(&["list"]).records().len(), 2, "stored, though nobody read that it was");
}

#[test]
fn a_reader_that_leaves_in_the_middle_of_a_log_ends_it_silently() {
    let home = Home::new();
    home.play("a", &[], "init; flood 3000000; result ok").silent(0);
    for more in [&[][..], &["--raw"], &["--follow"]] {
        let mut command = home.command("turn", ["log", "t1"].iter().chain(more));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n') && !line.is_empty());
        drop(out);
        Said::from(child.wait_with_output().unwrap()).silent(0);
    }
}

#[test]
fn a_full_disk_behind_stdout_is_74_and_the_turn_still_ends_and_is_recorded() {
    let home = Home::new();
    for (number, (steps, word)) in
        [("init; result ok", "completed"), ("init; result-error no", "failed")].iter().enumerate()
    {
        let said = Said::of(home.playing("a", &[], steps).stdout(full()));
        said.failed(74, "turn: cannot write to standard output: no space left on device");
        assert_eq!(outcome(&home, &format!("t{}", number + 1)), *word);
    }
    for words in QUESTIONS.iter().filter(|words| **words != ["mail", "list"]) {
        let said = Said::of(home.command(words[0], &words[1..]).stdout(full()));
        said.failed(74, "cannot write to standard output: no space left on device");
    }
    let send = ["send", "--from", "o", "--to", "a", "--subject", "s"];
    Said::of(home.command("mail", send).stdout(full())).failed(74, "cannot write to standard output");
    assert_eq!(home.mail(&["list"]).records().len(), 1, "committed first, printed after");
}

#[test]
fn a_stdout_that_cannot_be_written_is_74() {
    let home = Home::new();
    home.turn(&["run", "--agent", "a", "--", "true"]).silent(0);
    Said::of(&mut redirected(&home, "1</dev/null", &["turn", "list"]))
        .failed(74, "cannot write to standard output: bad file");
}

#[test]
fn closed_stdin_and_stderr_change_nothing() {
    let home = Home::new();
    for (number, closed) in ["<&-", "2>&-", "<&- 2>&-", "<&- >&- 2>&-"].into_iter().enumerate() {
        let said =
            Said::of(&mut redirected(&home, closed, &["turn", "run", "--agent", "a", "--", "sh", "-c", "cat; echo x"]));
        assert_eq!((said.code(), said.err.as_str()), (0, ""), "{closed}");
        let turn = format!("t{}", number + 1);
        assert_eq!(home.turn(&["log", &turn, "--raw"]).silent(0).out, "x\n", "{closed}");
    }
    let said = Said::of(&mut redirected(&home, "2>&-", &["turn", "show", "t99"]));
    assert_eq!((said.code(), said.out.as_str(), said.err.as_str()), (66, "", ""));
    let said = Said::of(&mut redirected(&home, "2>&-", &["turn", "bogus"]));
    assert_eq!((said.code(), said.out.as_str()), (2, ""));
}

#[test]
fn a_pipe_that_does_not_block_gets_every_byte() {
    let home = Home::new();
    home.play("a", &[], "init; flood 500000; result ok").silent(0);
    let written = std::fs::read(home.path("state/logs/t1/stream.jsonl")).unwrap();
    let raw = unblocking(&home, &["log", "t1", "--raw"]);
    assert!(raw == written, "{} of {} bytes", raw.len(), written.len());
    let lines = unblocking(&home, &["log", "t1"]);
    let lines = lines.split_inclusive(|byte| *byte == b'\n');
    let whole = lines.filter(|line| serde_json::from_slice::<Value>(line).is_ok()).count();
    assert_eq!(whole, written.iter().filter(|byte| **byte == b'\n').count());
}

/// What a command writes into a pipe that does not block, read only once the pipe is full.
fn unblocking(home: &Home, args: &[&str]) -> Vec<u8> {
    let (mut reader, writer) = std::io::pipe().unwrap();
    fcntl_setfl(&writer, fcntl_getfl(&writer).unwrap() | OFlags::NONBLOCK).unwrap();
    let mut child = home.command("turn", args).stdout(writer.try_clone().unwrap()).spawn().unwrap();
    wait_full(&writer.into());
    let mut read = Vec::new();
    reader.read_to_end(&mut read).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    read
}

fn wait_full(writer: &OwnedFd) {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let breath = Timespec { tv_sec: 0, tv_nsec: 2_000_000 };
    for _ in 0..30_000 {
        if poll(&mut [PollFd::from_borrowed_fd(writer.as_fd(), PollFlags::OUT)], Some(&now)).unwrap() == 0 {
            return;
        }
        poll(&mut [], Some(&breath)).unwrap();
    }
    panic!("the pipe was never full");
}

/// A datagram socket keeps the bounds of writes.
#[test]
fn each_record_is_one_line_in_one_write() {
    let home = Home::new();
    for agent in ["a", "b", "c"] {
        home.turn(&["run", "--agent", agent, "--", "true"]).silent(0);
    }
    for (args, records) in [(&["list"][..], 3), (&["show", "a"], 2), (&["run", "--agent", "d", "--", "true"], 2)] {
        let (ours, theirs) = UnixDatagram::pair().unwrap();
        let status = home.command("turn", args).stdout(OwnedFd::from(theirs)).status().unwrap();
        assert_eq!(status.code(), Some(0));
        ours.set_nonblocking(true).unwrap();
        let mut buffer = vec![0; 1 << 20];
        let mut writes = 0;
        while let Ok(length) = ours.recv(&mut buffer) {
            if length == 0 {
                break;
            }
            let text = std::str::from_utf8(&buffer[..length]).unwrap();
            assert!(text.ends_with('\n') && text.matches('\n').count() == 1, "{text:?}");
            writes += 1;
        }
        assert_eq!(writes, records, "{args:?}");
    }
}

#[test]
fn a_log_that_is_followed_ends_with_the_turns_own_end() {
    let home = Home::new();
    home.play("a", &[], "init; say hi; result ok").silent(0);
    let records = home.turn(&["log", "t1", "--follow"]).silent(0).records();
    assert_eq!(records.last().unwrap()["type"], "turn.ended");
    let shown = home.turn(&["show", "t1"]).record("turn.ended");
    assert_eq!(*records.last().unwrap(), shown, "the stored record, with its own time");
    let again = home.turn(&["attach", "t1"]).silent(0).record("turn.ended");
    assert_eq!(again, shown);
}
