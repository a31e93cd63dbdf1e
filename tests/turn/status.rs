//! The living line on a terminal: what it says, that it goes away, and that it costs nothing where nobody sees it.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::process::Stdio;

use refloat::clock::Tick;
use refloat::seam::wait;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Action, Winsize, tcflow, tcsetwinsize};
use unicode_width::UnicodeWidthStr;

use crate::stage::{Call, Play, Running, Stage, until};

const CLEAR: &str = "\r\u{1b}[K";

/// A terminal that is looked at from behind.
struct Terminal {
    ours: File,
    seen: String,
}

impl Terminal {
    /// Of so many columns; and its end for a program.
    fn new(columns: u16) -> (Self, OwnedFd) {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        tcsetwinsize(&ours, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
        let theirs = File::options().read(true).write(true).open(name).unwrap();
        (Self { ours: File::from(ours), seen: String::new() }, theirs.into())
    }

    fn read(&mut self) -> bool {
        let soon = Tick::now().plus(std::time::Duration::from_secs(60));
        assert!(wait::readable(self.ours.as_fd(), soon).unwrap(), "the terminal stays dark: {:?}", self.seen);
        let mut buffer = [0; 4096];
        // The end of a terminal whose other side is closed is EIO.
        let read = self.ours.read(&mut buffer).unwrap_or(0);
        self.seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
        read > 0
    }

    fn until(&mut self, words: &str) {
        while !self.seen.contains(words) {
            assert!(self.read(), "no {words:?} in {:?}", self.seen);
        }
    }

    fn read_out(mut self) -> String {
        while self.read() {}
        self.seen
    }
}

/// What was drawn, one after the other.
fn drawn(seen: &str) -> Vec<&str> {
    seen.split(['\r', '\n']).filter_map(|part| part.strip_suffix("\u{1b}[K")).filter(|part| !part.is_empty()).collect()
}

/// Begins a turn with this terminal behind its stderr.
fn begin(mut play: Play<'_>, stderr: OwnedFd, term: &str) -> std::process::Child {
    play.ready();
    play.command.env("TERM", term).stdout(Stdio::null()).stderr(stderr).spawn().unwrap()
}

#[test]
fn the_line_says_who_and_in_which_phase_and_leaves_nothing_behind() {
    let stage = Stage::new();
    let tool = r#"line {"type":"assistant","message":{"content":[{"type":"tool_use","id":"x"}]}}"#;
    let script = format!(
        "wait-file {}; init; wait-file {}; {tool}; wait-file {}; result done; wait-file {}",
        stage.name("go1"),
        stage.name("go2"),
        stage.name("go3"),
        stage.name("go4")
    );
    let (mut terminal, theirs) = Terminal::new(100);
    let mut child = begin(stage.play("lead", &script), theirs, "xterm");
    for (go, words) in [
        ("go1", "t1 lead | starting | "),
        ("go2", "t1 lead | model | "),
        ("go3", "| 1 tool open"),
        ("go4", "t1 lead | ending | "),
    ] {
        terminal.until(words);
        std::fs::write(stage.path(go), "").unwrap();
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let seen = terminal.read_out();
    assert!(seen.contains("| 1 event") && seen.contains("| last event 0s ago |"), "{seen:?}");
    assert!(!seen.contains('\n') && seen.ends_with(CLEAR), "one line, and gone: {seen:?}");
}

#[test]
fn the_line_is_gone_before_another_is_written_and_comes_again() {
    let stage = Stage::new();
    let script = format!("init; wait-file {}; exit 3", stage.name("go"));
    let (mut terminal, theirs) = Terminal::new(100);
    let report = ["--stall", "600ms", "--on-stall", "report"];
    let mut child = begin(stage.play("a", &script).with(&report), theirs, "xterm");
    terminal.until("t1 a | model, stalled |");
    std::fs::write(stage.path("go"), "").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let seen = terminal.read_out();
    let lines: Vec<&str> = seen.split("\r\n").collect();
    for (line, words) in lines.iter().zip(["turn: t1 of a is silent for", "turn: t1 of a ended no_result", "hint: "]) {
        // Every line begins at the left, on a line that was cleared if something stood there.
        let shown = line.rsplit(CLEAR).next().unwrap();
        assert!(shown.starts_with(words), "{words}: {seen:?}");
    }
    assert_eq!(lines.len(), 4, "{seen:?}");
}

#[test]
fn the_line_is_never_wider_than_the_terminal() {
    let stage = Stage::new();
    for columns in [20, 60] {
        let script = format!("init; wait-file {}; result done", stage.name(&format!("go{columns}")));
        let (mut terminal, theirs) = Terminal::new(columns);
        let agent = format!("an-agent-with-a-name-longer-than-a-line-{columns}");
        let mut child = begin(stage.play(&agent, &script), theirs, "xterm");
        terminal.until("…");
        std::fs::write(stage.path(&format!("go{columns}")), "").unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
        let seen = terminal.read_out();
        assert!(drawn(&seen).iter().all(|line| line.width() < usize::from(columns)), "{seen:?}");
    }
}

#[test]
fn a_busy_stream_draws_no_more_often_than_once_a_second() {
    let stage = Stage::new();
    let (terminal, theirs) = Terminal::new(100);
    let script = "init; repeat 100 { say on; sleep 20 }; result done";
    let start = Tick::now();
    let mut child = begin(stage.play("a", script), theirs, "xterm");
    let seen = terminal.read_out();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let seconds = usize::try_from(Tick::now().since(start).as_secs()).unwrap();
    // One for each second, one for each change of the phase: to the model, to the end.
    let drawn = drawn(&seen);
    assert!((2..=seconds + 4).contains(&drawn.len()), "{} in {seconds} s: {drawn:?}", drawn.len());
}

#[test]
fn nobody_is_shown_what_nobody_sees() {
    let stage = Stage::new();
    for (quiet, term) in [(&["-q"][..], "xterm"), (&[], "dumb"), (&[], "")] {
        let (terminal, theirs) = Terminal::new(100);
        let mut child = begin(stage.play("a", "init; sleep 700; result done").with(quiet), theirs, term);
        assert_eq!((terminal.read_out().as_str(), child.wait().unwrap().code()), ("", Some(0)), "{quiet:?} {term}");
    }
    let call = stage.play("a", "init; sleep 700; result done").env("TERM", "xterm").call();
    assert_eq!((call.stderr.as_str(), call.code), ("", 0));
}

#[test]
fn a_terminal_that_is_stopped_holds_nobody() {
    let stage = Stage::new();
    for (end, outcome, code) in [("result done", "completed", 0), ("exit 3", "no_result", 1)] {
        let go = stage.name(&format!("go{code}"));
        let (mut terminal, theirs) = Terminal::new(100);
        let stopped = theirs.try_clone().unwrap();
        let mut child = begin(stage.play("a", &format!("init; wait-file {go}; {end}")), theirs, "xterm");
        terminal.until(" a | model | ");
        tcflow(&stopped, Action::OOff).unwrap();
        // The line is due again meanwhile.
        let due = Tick::now().plus(std::time::Duration::from_millis(1500));
        until("the next line", || Tick::now() >= due);
        std::fs::write(go, "").unwrap();
        let ended = format!("SELECT count(*) FROM turn WHERE outcome = '{outcome}'");
        until("its outcome", || stage.count(&ended) == 1);
        // What is still to be said is said when the agent is free.
        let next = stage.turn(&["run", "--agent", "a", "--lock-wait", "20s", "--", "true"]);
        assert_eq!(next.code, 0, "{next:?}");
        tcflow(&stopped, Action::OOn).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code));
    }
}

/// How often a process has slept.
fn sleeps(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
    line.trim().parse().unwrap()
}

/// How often a process that waits is woken in three seconds.
fn wakes(pid: u32) -> u64 {
    let pause = |millis| {
        let start = Tick::now();
        until("the pause", || Tick::now().since(start).as_millis() >= millis);
    };
    pause(300);
    let before = sleeps(pid);
    pause(3000);
    sleeps(pid) - before
}

#[test]
fn a_turn_that_waits_sleeps_and_on_a_terminal_wakes_once_a_second() {
    let stage = Stage::new();
    let script = format!("init; wait-file {}; result done", stage.name("go"));
    let running: Running = stage.play("a", &script).env("TERM", "xterm").start();
    let (mut terminal, theirs) = Terminal::new(100);
    let mut child = begin(stage.play("b", &script), theirs, "xterm");
    terminal.until("t2 b | model | ");
    let (silent, shown) = (wakes(running.child.id()), wakes(child.id()));
    std::fs::write(stage.path("go"), "").unwrap();
    let call: Call = running.end();
    assert_eq!((call.code, child.wait().unwrap().code()), (0, Some(0)));
    assert_eq!(silent, 0, "without a terminal nothing wakes it");
    // One for the clock; writing to a terminal can be another.
    assert!((1..=10).contains(&shown), "{shown} in three seconds");
    drop(terminal);
}
