//! The fake agent itself: what other tests rely on when they use it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::fs::{File, read, read_dir, read_to_string};
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::{Family, Witness, capture, fake_agent};

/// A capture with what this test needs of it.
struct Recorded {
    prefix: PathBuf,
    meta: Value,
}

impl Recorded {
    fn all() -> Vec<Self> {
        let metas = ["claude", "codex"].map(|cli| read_dir(capture(cli)).expect("the captures"));
        let paths = metas.into_iter().flatten().map(|entry| entry.unwrap().path());
        let prefixes = paths.filter_map(|path| path.to_str()?.strip_suffix(".meta.json").map(PathBuf::from));
        let all: Vec<Self> = prefixes.map(Self::read).collect();
        assert!(all.len() > 130, "{} captures", all.len());
        all
    }

    fn read(prefix: PathBuf) -> Self {
        let meta = read_to_string(beside(&prefix, "meta.json")).unwrap();
        Self { meta: serde_json::from_str(&meta).unwrap(), prefix }
    }

    fn stdout(&self) -> Option<Vec<u8>> {
        read(beside(&self.prefix, "stdout.jsonl")).ok()
    }

    fn signal_sent(&self) -> Option<Signal> {
        self.meta["signal_sent"].as_str().map(|name| name.parse().unwrap())
    }

    fn was_cut(&self) -> bool {
        !self.meta["cut_ms"].is_null()
    }

    fn ends_by_itself(&self) -> bool {
        self.signal_sent().is_none() && !self.was_cut()
    }

    fn start(&self, family: &Family) -> Child {
        let mut agent = family.agent(&[&format!("replay {}", self.prefix.display())]);
        agent.stdout(Stdio::piped()).stderr(File::create(family.path("stderr")).unwrap()).spawn().unwrap()
    }

    fn assert_end(&self, status: ExitStatus) {
        let code = self.meta["exit_code"].as_i64();
        let signal = self.meta["signal"].as_str().map(|name| name.parse::<Signal>().unwrap() as i32);
        let ended = (status.code().map(i64::from), status.signal());
        assert_eq!(ended, (code, signal), "end of {}", self.prefix.display());
    }

    fn assert_stdout(&self, got: &[u8]) {
        let Some(expected) = self.stdout() else {
            let bytes = self.meta["stdout_bytes"].as_u64().unwrap();
            return assert_eq!(got.len() as u64, bytes, "stdout of {}", self.prefix.display());
        };
        assert!(got == expected, "stdout of {}: {}", self.prefix.display(), String::from_utf8_lossy(got));
    }
}

fn beside(prefix: &Path, ending: &str) -> PathBuf {
    format!("{}.{ending}", prefix.display()).into()
}

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
}

fn read_all(child: &mut Child) -> Vec<u8> {
    let mut bytes = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn replays_every_capture_that_ends_by_itself() {
    let family = Family::new();
    for recorded in Recorded::all().iter().filter(|recorded| recorded.ends_by_itself()) {
        let mut child = recorded.start(&family);
        recorded.assert_stdout(&read_all(&mut child));
        recorded.assert_end(child.wait().unwrap());
        assert_eq!(read(family.path("stderr")).unwrap(), read(beside(&recorded.prefix, "stderr.txt")).unwrap());
        let left = recorded.meta["left_running"].as_array().unwrap().len();
        let holds_stdout = recorded.meta["scenario"] == "tool_bg_holds_stdout";
        if left > 0 {
            assert_eq!(family.alive().len(), if holds_stdout { 0 } else { left }, "{}", recorded.prefix.display());
            family.kill();
        }
    }
}

#[test]
fn replays_every_capture_that_got_a_signal() {
    let family = Family::new();
    for recorded in &Recorded::all() {
        let Some(signal) = recorded.signal_sent() else { continue };
        let mut child = recorded.start(&family);
        let mut seen = vec![0];
        child.stdout.as_mut().unwrap().read_exact(&mut seen).unwrap();
        if signal == Signal::SIGKILL {
            let before = lines_before_the_kill(recorded);
            seen.resize(before, 0);
            child.stdout.as_mut().unwrap().read_exact(&mut seen[1..]).unwrap();
        }
        send(&child, signal);
        seen.extend(read_all(&mut child));
        recorded.assert_stdout(&seen);
        recorded.assert_end(child.wait().unwrap());
    }
}

/// Bytes of the lines that came before the signal.
fn lines_before_the_kill(recorded: &Recorded) -> usize {
    let sent = recorded.meta["signal_sent_ms"].as_u64();
    let early = recorded.meta["line_ms"].as_array().unwrap().iter().filter(|ms| ms.as_u64() < sent).count();
    let stdout = recorded.stdout().unwrap();
    stdout.split_inclusive(|byte| *byte == b'\n').take(early).map(<[u8]>::len).sum()
}

#[test]
fn hangs_where_the_capture_was_cut() {
    let family = Family::new();
    for recorded in Recorded::all().iter().filter(|recorded| recorded.was_cut()) {
        let mut child = recorded.start(&family);
        let mut seen = recorded.stdout().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut seen).unwrap();
        recorded.assert_stdout(&seen);
        assert!(child.try_wait().unwrap().is_none(), "{} ended", recorded.prefix.display());
        send(&child, Signal::SIGKILL);
        recorded.assert_end(child.wait().unwrap());
    }
}

#[test]
fn replays_in_recorded_time() {
    let family = Family::new();
    let prefix = capture("claude/slow");
    let start = refloat::clock::Tick::now();
    let status = family.agent(&[&format!("replay {} 10", prefix.display())]).stdout(Stdio::null()).status().unwrap();
    let took = refloat::clock::Tick::now().since(start);
    assert!(status.success());
    assert!(took.as_millis() >= 540, "5.5 s at ten times the speed took {took:?}");
}

#[test]
fn dies_of_real_signals() {
    let family = Family::new();
    for signal in [Signal::SIGTERM, Signal::SIGKILL, Signal::SIGSEGV, Signal::SIGABRT, Signal::SIGINT] {
        let status = family.agent(&[&format!("die {signal}")]).status().unwrap();
        assert_eq!(status.signal(), Some(signal as i32));
        assert!(!status.core_dumped());
    }
}

#[test]
fn floods_to_the_byte() {
    let family = Family::new();
    for (bytes, line, write) in [(1_000_000, 500, 4096), (1000, 400, 7), (400, 400, 65536), (70_000, 8192, 1_000_000)] {
        let output = family.agent(&[&format!("flood {bytes} {line} {write}")]).output().unwrap();
        assert_eq!(output.stdout.len(), bytes);
        for line in output.stdout.split_inclusive(|byte| *byte == b'\n') {
            assert_eq!(serde_json::from_slice::<Value>(line).unwrap()["type"], "assistant");
        }
    }
    let output = family.agent(&["longresult 5000000", "longline 100"]).output().unwrap();
    assert_eq!(output.stdout.len(), 5_000_100);
    let result: Value = serde_json::from_slice(&output.stdout[..5_000_000]).unwrap();
    assert_eq!((result["type"].as_str(), result["is_error"].as_bool()), (Some("result"), Some(false)));
}

#[test]
fn stands_in_for_a_program_with_arguments() {
    let family = Family::new();
    let (args, stdin) = (family.path("args"), family.path("stdin"));
    let script = format!("inline:record-args {}; record-stdin {}; init; exit 7", args.display(), stdin.display());
    let mut agent = family.agent(&["-p", "--session-id", "s-1", "exit 1"]);
    std::fs::write(family.path("prompt"), "hi\nthere").unwrap();
    let prompt = File::open(family.path("prompt")).unwrap();
    let output = agent.env("FAKE_AGENT_SCRIPT", script).stdin(prompt).output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(read_to_string(args).unwrap(), "-p\n--session-id\ns-1\nexit 1\n");
    assert_eq!(read_to_string(stdin).unwrap(), "hi\nthere");
    let init: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(init["session_id"], "s-1");
}

#[test]
fn refuses_a_wrong_script_before_it_plays() {
    let family = Family::new();
    for wrong in ["no-such-step", "sleep", "spawn strange", "on TERM { hang", "zoo nobody", "fork-burst 100000"] {
        let output = family.agent(&["line early", wrong]).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(99), 0), "{wrong}");
    }
}

#[test]
fn serves_caught_signals_in_its_waits() {
    let family = Family::new();
    let script = family.path("script");
    std::fs::write(&script, "# two lines of a block\non TERM {\n  line caught; exit 5\n}\nline ready\nhang\n").unwrap();
    let mut agent = family.agent(&[]);
    let mut child = agent.env("FAKE_AGENT_SCRIPT", script).stdout(Stdio::piped()).spawn().unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 6]).unwrap();
    send(&child, Signal::SIGTERM);
    assert_eq!(read_all(&mut child), b"caught\n");
    assert_eq!(child.wait().unwrap().code(), Some(5));
}

#[test]
fn descriptors_it_was_given_reach_its_descendants() {
    let family = Family::new();
    let mut witness = Witness::new(&family.path("witness"));
    let mut shell = Command::new("/bin/sh");
    let line = r#"exec "$0" 'spawn double-fork+setsid' 'exit 0' 9>"$1""#;
    family.enroll(shell.arg("-c").arg(line).arg(fake_agent()).arg(family.path("witness")));
    assert!(shell.status().unwrap().success());
    assert!(!witness.everyone_gone());
    family.kill();
    assert!(witness.everyone_gone());
}

/// How many processes each member leaves at the least, and whether a FIFO and a lock of the agent show them.
const LEAVE: [(&str, usize, bool); 16] = [
    ("setsid", 1, true),
    ("double-fork", 1, true),
    ("no-env", 1, true),
    ("ignore-term", 1, true),
    ("stopped", 1, true),
    ("holds-stdout", 1, true),
    ("fork-storm 20", 1, true),
    ("fork-burst 10", 10, true),
    ("fork-chain 50", 1, true),
    ("exponential 3", 2, true),
    ("respawn", 1, true),
    ("leak-fds", 1, true),
    ("subreaper", 2, true),
    ("closes-all", 1, false),
    ("no-stdin", 0, false),
    ("gib 1000000", 0, false),
];

#[test]
fn zoo_members_leave_what_they_say() {
    for (member, least, shown) in LEAVE {
        let family = Family::new();
        let mut witness = Witness::new(&family.path("witness"));
        let hold = family.path("hold");
        let steps = [
            format!("fifo {}", family.path("witness").display()),
            format!("hold {}", hold.display()),
            format!("zoo {member}"),
        ];
        let mut agent = family.agent(&steps.each_ref().map(String::as_str));
        let status = agent.stdout(File::create(family.path("stdout")).unwrap()).status().unwrap();
        assert_eq!(status.code(), Some(0), "{member}");
        let stdout = read_to_string(family.path("stdout")).unwrap();
        let last: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
        assert_eq!(last["type"], "result", "{member}");

        let hold = File::open(hold).unwrap();
        assert_eq!(witness.everyone_gone(), !shown, "{member}");
        assert_eq!(hold.try_lock().is_ok(), !shown, "{member}");
        wait_for(member, || family.alive().len() >= least);
        family.kill();
        assert!(witness.everyone_gone(), "{member}");
        assert!(hold.try_lock().is_ok(), "{member}");
    }
}

/// Processes of a burst enter themselves in the list when they come to run.
fn wait_for(what: &str, reached: impl Fn() -> bool) {
    let start = refloat::clock::Tick::now();
    while !reached() {
        assert!(refloat::clock::Tick::now().since(start).as_secs() < 30, "{what} does not come");
        std::thread::yield_now();
    }
}

#[test]
fn closes_every_descriptor() {
    let family = Family::new();
    family.agent(&["spawn closes-all"]).status().unwrap();
    let alive = family.alive();
    let [pid] = alive.as_slice() else { panic!("{alive:?}") };
    wait_for("the closing", || read_dir(format!("/proc/{pid}/fd")).unwrap().count() == 0);
}

#[test]
fn kills_its_group_and_its_parent() {
    let family = Family::new();
    let status = family.agent(&["zoo kill-group"]).process_group(0).stdout(Stdio::null()).status().unwrap();
    assert_eq!(status.signal(), Some(9));
    let status = family.agent(&["spawn plain { kill-parent; hang }", "hang"]).status().unwrap();
    assert_eq!(status.signal(), Some(9));
    assert_eq!(family.alive().len(), 1);
}

#[test]
fn ends_by_itself_after_its_life() {
    let family = Family::new();
    let steps = ["spawn setsid+ignore-term", "ignore TERM INT HUP", "hang"];
    let status = family.agent(&steps).env("FAKE_AGENT_LIFE", "1").status().unwrap();
    assert_eq!(status.signal(), Some(Signal::SIGALRM as i32));
    wait_for("the end of the family", || family.alive().is_empty());
}
