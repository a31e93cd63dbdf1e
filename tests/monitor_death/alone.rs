//! `turn` alone dies: killed, killed with its process group, its terminal closed, told to hang up.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, killpg};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};

use crate::scene::{Running, Stage, kill, process_is_gone, records, until};
use crate::support::fake_agent;

/// Says a word, waits until it is told to, says another, and ends when it is told to.
fn patient(stage: &Stage) -> Vec<String> {
    let file = |name: &str| stage.word(name);
    vec![
        "line one".into(),
        format!("touch {}", file("started")),
        format!("wait-file {}", file("go")),
        "line two".into(),
        format!("wait-file {}", file("end")),
        "exit 0".into(),
    ]
}

/// What stands between the test and `turn`: a shell that waits for `$(turn run …)` and holds things that must not
/// be passed on: a lock as `flock` does it, and both ends of a pipe as make's jobserver does it.
const SHELL: &str = r#"
exec 9>"$DIR/held"
flock -n 9 || exit 3
exec 8<>"$DIR/jobs"
out=$("$@" 2>"$DIR/turn.err")
echo "code $?"
exec 9>&- 8>&-
"#;

/// A caller whose `$(…)` is under way, with the agent started.
struct Caller {
    stage: Stage,
    shell: Child,
    turn: i32,
}

impl Caller {
    fn start(behind: &[&str]) -> Self {
        let stage = Stage::new();
        mkfifo(&stage.path("jobs"), Mode::S_IRWXU).unwrap();
        let mut words: Vec<String> = behind.iter().map(|word| (*word).to_owned()).collect();
        words.extend([env!("CARGO_BIN_EXE_turn"), "run", "--agent", "a", "--parent", "lead", "--"].map(String::from));
        words.push(fake_agent().display().to_string());
        words.extend(patient(&stage));
        let mut shell = stage.command("sh");
        shell.args(["-c", SHELL, "sh"]).args(&words).env("DIR", stage.path(""));
        let shell = shell.process_group(0).stdout(Stdio::piped()).spawn().unwrap();
        stage.await_file("started");
        let turn = stage.recorded_pid("supervisor").unwrap();
        Self { stage, shell, turn }
    }

    /// The caller gets its prompt back although the agent works on; nothing of the caller's is held by anybody.
    fn assert_returned(&mut self) -> String {
        let mut said = String::new();
        self.shell.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        self.shell.wait().unwrap();
        self.assert_let_go();
        said
    }

    /// Whoever was killed may take a moment to go; the agent stays, and must not have what was the caller's.
    fn assert_let_go(&self) {
        let held = File::options().write(true).open(self.stage.path("held")).unwrap();
        until("the caller's lock, which lives on in the turn", || held.try_lock().is_ok());
        let jobs = File::options().write(true).custom_flags(OFlag::O_NONBLOCK.bits()).clone();
        let path = self.stage.path("jobs");
        let nobody = Some(nix::errno::Errno::ENXIO as i32);
        until("the caller's pipe, which lives on in the turn", || {
            jobs.open(&path).is_err_and(|error| error.raw_os_error() == nobody)
        });
    }
}

/// The agent goes on and ends by itself; lock, stream and exit record say so; the next turn tells its end first.
fn assert_work_lives(stage: &Stage, turn: i32) {
    let stream = stage.log_dir("t1").join("stream.jsonl");
    let child = stage.recorded_pid("child").unwrap();
    until("the end of turn", || process_is_gone(turn));
    assert!(!stage.lock_is_free("a"), "the shim holds the lock");
    assert!(!process_is_gone(child));
    assert_eq!(std::fs::read_to_string(&stream).unwrap(), "one\n");
    let busy = stage.turn(&["run", "--agent", "a", "--lock-wait", "0s", "--", "true"]).output().unwrap();
    assert_eq!(busy.status.code(), Some(75), "{busy:?}");
    assert!(String::from_utf8_lossy(&busy.stderr).contains("turn attach t1"), "{busy:?}");
    stage.touch("go");
    until("the stream to grow", || std::fs::read_to_string(&stream).unwrap() == "one\ntwo\n");
    assert!(!stage.lock_is_free("a"));
    stage.touch("end");
    let exit = stage.await_end("a", "t1");
    assert_eq!((&exit["code"], &exit["ended_by"]), (&0.into(), &"agent".into()), "{exit}");

    let next = stage.next("a", &[]);
    assert_eq!(next.status.code(), Some(0), "{next:?}");
    let said = records(&next.stdout);
    let kinds: Vec<_> =
        said.iter().map(|record| (record["type"].as_str().unwrap(), record["turn"].as_str().unwrap())).collect();
    assert_eq!(kinds, [("turn.ended", "t1"), ("turn.started", "t2"), ("turn.ended", "t2")]);
    // It owed its parent a mail and sent none: the parent hears of it, once.
    assert_eq!((&said[0]["outcome"], &said[0]["exit_code"]), (&"silent".into(), &0.into()), "{}", said[0]);
    let told = stage.texts("SELECT json_extract(payload, '$.turn') FROM mail WHERE recipient = 'lead' ORDER BY id");
    assert_eq!(told.iter().filter(|turn| *turn == "t1").count(), 1, "{told:?}");
    stage.assert_whole();
}

/// B20, T20
#[test]
fn the_agent_outlives_a_killed_supervisor_and_its_caller_returns_at_once() {
    let mut caller = Caller::start(&[]);
    kill(caller.turn, Signal::SIGKILL);
    assert_eq!(caller.assert_returned(), "code 137\n");
    assert_work_lives(&caller.stage, caller.turn);
}

/// B20
#[test]
fn the_agent_outlives_the_kill_of_the_supervisors_whole_process_group() {
    let mut caller = Caller::start(&[]);
    let group = Pid::from_raw(caller.shell.id().cast_signed());
    killpg(group, Signal::SIGKILL).unwrap();
    assert_eq!(caller.assert_returned(), "");
    assert_work_lives(&caller.stage, caller.turn);
}

#[test]
fn the_agent_outlives_the_supervisors_terminal() {
    if Command::new("script").arg("--version").output().is_err() {
        println!("skipped: no script(1) to make a terminal");
        return;
    }
    // As the leader of the terminal's session, and as its foreground job.
    for (before, after) in [("exec", ""), ("", "; true")] {
        let stage = Stage::new();
        let words: Vec<String> = patient(&stage).iter().map(|word| format!("'{word}'")).collect();
        let (turn, agent, errors) = (env!("CARGO_BIN_EXE_turn"), fake_agent(), stage.word("errors"));
        let words = format!("'{turn}' run --agent a --parent lead -- '{}' {}", agent.display(), words.join(" "));
        let mut terminal = stage.command("script");
        terminal.args(["-qc", &format!("{before} {words} 2>'{errors}' {after}"), "/dev/null"]).env("SHELL", "/bin/sh");
        let mut terminal = terminal.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        stage.await_file("started");
        let turn = stage.recorded_pid("supervisor").unwrap();
        terminal.kill().unwrap();
        terminal.wait().unwrap();
        until("the end of turn", || process_is_gone(turn));
        let said = std::fs::read_to_string(stage.path("errors")).unwrap();
        assert!(said.contains("turn attach t1"), "it has left, and was not killed: {said}");
        assert_work_lives(&stage, turn);
    }
}

#[test]
fn a_hang_up_detaches_the_supervisor_and_says_how_to_come_back() {
    let stage = Stage::new();
    let wait = format!("wait-file {}", stage.word("end"));
    let mut turn = Running::start(&mut stage.plain("a", &[], &["line one", &wait, "exit 3"]));
    assert_eq!(turn.record()["type"], "turn.started");
    turn.kill(Signal::SIGHUP);
    let left = turn.end();
    assert_eq!(left.code(), Some(75), "{left:?}");
    assert!(left.errors.contains("turn attach t1"), "{left:?}");
    assert!(left.records.is_empty() && !stage.lock_is_free("a"));
    let attached = Running::start(&mut stage.turn(&["attach", "a"]));
    stage.touch("end");
    let ended = attached.end();
    assert_eq!((ended.code(), &ended.last()["outcome"]), (Some(1), &"failed".into()), "{ended:?}");
    assert_eq!(ended.last()["exit_code"], 3);
    stage.assert_whole();
}

/// A supervisor that does not run for a while loses nothing: the kernel keeps the stream and the shim.
#[test]
fn a_stopped_supervisor_finds_everything_when_it_goes_on() {
    let stage = Stage::new();
    let wait = format!("wait-file {}", stage.word("go"));
    let script = ["init", "say one", &wait, "flood 3000000", "say two", "result done", "exit 0"];
    let mut turn = Running::start(&mut stage.claude("a", &["--grace", "1h"], &script));
    assert_eq!(turn.record()["type"], "turn.started");
    turn.kill(Signal::SIGSTOP);
    stage.touch("go");
    until("the agent's end", || stage.exit_record("t1").is_some_and(|record| record["tree"] == "gone"));
    assert!(!turn.is_over() && !stage.lock_is_free("a"), "a stopped supervisor holds the lock");
    turn.kill(Signal::SIGCONT);
    let ended = turn.end();
    assert_eq!((ended.code(), &ended.last()["outcome"]), (Some(0), &"completed".into()), "{ended:?}");
    let lines = std::fs::read(stage.log_dir("t1").join("stream.jsonl")).unwrap();
    let lines = lines.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(ended.last()["events"], lines, "every line was read");
    stage.assert_whole();
}
