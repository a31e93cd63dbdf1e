//! `tests/matrix.tsv`: every shipped runtime against every way in which a turn ends, played in a turn.
//! A row names the capture (or, for cursor, the written stream) that shows it; a hole says why it is one.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![allow(clippy::disallowed_macros, clippy::print_stdout, reason = "a test says what it saw")]

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};

use crate::captures::{Capture, SHORT};
use crate::stage::{Call, Running, Stage, TURN};
use crate::support::{self, fake_agent};

const TABLE: &str = include_str!("matrix.tsv");
const HEAD: &str = "runtime\tending\tstream\toutcome\tcause\texit";
const THREADS: usize = 4;
const ENDINGS: [&str; 14] = [
    "ok",
    "tool",
    "resume",
    "unknown session",
    "auth",
    "no key",
    "limit",
    "server error",
    "refused connection",
    "dropped answer",
    "hang",
    "TERM",
    "KILL",
    "cut stream",
];

/// A row of the table.
#[derive(Debug)]
struct Cell {
    runtime: &'static str,
    ending: &'static str,
    stream: &'static str,
    outcome: &'static str,
    cause: &'static str,
    exit: &'static str,
}

impl Cell {
    fn all() -> Vec<Self> {
        let mut lines = TABLE.lines();
        assert_eq!(lines.next(), Some(HEAD));
        let cells = lines.map(|line| {
            let [runtime, ending, stream, outcome, cause, exit] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("not six cells: {line}")
            };
            Self { runtime, ending, stream, outcome, cause, exit }
        });
        cells.collect()
    }

    fn hole(&self) -> Option<&'static str> {
        self.stream.strip_prefix("not possible: ")
    }

    fn agent(&self) -> String {
        format!("{}-{}", self.runtime, self.ending.replace(' ', "-"))
    }

    /// Its capture, with the end cut off where that is the ending.
    fn capture(&self, stage: &Stage) -> Capture {
        let whole = Capture::named(self.runtime, self.stream);
        if self.ending != "cut stream" {
            return whole;
        }
        let deciding = whole.meta["terminal"]["line"].as_u64().unwrap() as usize;
        whole.changed(stage, |lines| without_the_end(&lines, deciding), |_| {})
    }

    /// Plays it: the record of the turn's end, and the exit code.
    fn play(&self, stage: &Stage) -> Call {
        match (self.stream.strip_prefix("steps: "), self.ending) {
            (Some(steps), _) => self.plain(stage, steps),
            (None, "unknown session") => self.unknown_session(stage),
            (None, "resume") => {
                let capture = self.capture(stage);
                let asked = capture.meta["resumed"].as_str().unwrap().to_owned();
                let call = capture.play(stage, &self.agent(), 0).with(&["--resume", &asked]).call();
                assert_eq!((call.word("resume"), call.word("session_asked")), ("same", asked.as_str()), "{call:#?}");
                call
            }
            (None, "cut stream") => {
                let call = self.capture(stage).replay(stage);
                assert_eq!(call.ended()["ignored_lines"], 1, "{call:#?}");
                call
            }
            (None, _) => self.capture(stage).replay(stage),
        }
    }

    /// The program refuses the session of whoever asks for it, and serves whoever does not.
    fn unknown_session(&self, stage: &Stage) -> Call {
        let capture = self.capture(stage);
        let asked = capture.meta["resumed"].as_str().unwrap();
        let program = stage.path(&format!("{}-that-refuses", self.runtime));
        let play = |name: &str| support::capture(&format!("{}/{name}", self.runtime)).display().to_string();
        let text = format!(
            "#!/bin/sh\ncase \" $* \" in *{asked}*) play={};; *) play={};; esac\nFAKE_AGENT_SCRIPT=\"inline:replay $play 0\" exec {} \"$@\"\n",
            play(self.stream),
            play("ok"),
            fake_agent().display()
        );
        support::executable(&program, &text);
        let mut command = stage.command(TURN);
        command.args(["run", "--agent", &self.agent(), "--runtime", self.runtime, "--prompt", "go on"]);
        command.args(["--resume", asked, "--max-attempts", "3", "--program"]).arg(program);
        stage.call(command)
    }

    fn plain(&self, stage: &Stage, steps: &str) -> Call {
        let mut command = stage.command(TURN);
        command.args(["run", "--agent", &self.agent()]);
        if self.ending == "hang" {
            command.args(SHORT);
        }
        command.arg("--").arg(fake_agent()).args(steps.split("; "));
        if !matches!(self.ending, "TERM" | "KILL") {
            return stage.call(command);
        }
        let mut running = Running::begin(stage, command);
        running.until("turn.started");
        if self.ending == "TERM" {
            stage.turn(&["stop", &self.agent(), "--wait", "60s"]);
        } else {
            kill(running.agent_pid(), Signal::SIGKILL).unwrap();
        }
        running.end()
    }

    fn differs(&self, stage: &Stage) -> Option<String> {
        let call = self.play(stage);
        let ends = call.all("turn.ended");
        let end = ends.first().expect("an end");
        let got = [end["outcome"].as_str().unwrap(), end["cause"].as_str().unwrap(), &call.code.to_string()];
        let tries = if self.outcome == "resume_refused" { 2 } else { 1 };
        let right = got == [self.outcome, self.cause, self.exit] && ends.len() == tries;
        (!right).then(|| format!("{self:?}\n    got {got:?} in {} turns: {}", ends.len(), call.ended()))
    }
}

/// The stream up to the middle of its n-th line.
fn without_the_end(lines: &str, deciding: usize) -> String {
    let lines: Vec<&str> = lines.split_inclusive('\n').collect();
    let last = lines[deciding - 1];
    let half = (0..=last.len() / 2).rfind(|index| last.is_char_boundary(*index)).unwrap();
    lines[..deciding - 1].concat() + &last[..half]
}

#[test]
fn every_runtime_has_a_cell_for_every_ending_and_holes_say_why() {
    let stage = Stage::new();
    let cells = Cell::all();
    let listed = stage.turn(&["runtimes"]).records;
    let mut missing: BTreeSet<(String, &str)> = BTreeSet::new();
    for runtime in listed.iter().map(|one| one["runtime"].as_str().unwrap()) {
        missing.extend(ENDINGS.map(|ending| (runtime.to_owned(), ending)));
    }
    assert_eq!(missing.len(), 8 * ENDINGS.len());
    for cell in &cells {
        assert!(missing.remove(&(cell.runtime.to_owned(), cell.ending)), "unknown, or twice: {cell:?}");
        assert!(cell.hole().is_none_or(|why| why.len() > 5), "why? {cell:?}");
        assert_eq!(cell.hole().is_some(), cell.outcome == "-", "{cell:?}");
    }
    assert!(missing.is_empty(), "no cell for {missing:?}");
}

/// The table says what the captures' own meta files demand, and which streams were only written.
#[test]
fn the_cells_agree_with_the_meta_files() {
    let own = ["unknown session", "cut stream"];
    for cell in Cell::all().iter().filter(|cell| cell.hole().is_none() && cell.runtime != "plain") {
        let capture = Capture::named(cell.runtime, cell.stream);
        assert_eq!(capture.meta["written"].is_null(), cell.runtime != "cursor", "{cell:?}");
        if !own.contains(&cell.ending) {
            let (outcome, code) = capture.demand();
            assert_eq!((cell.outcome, cell.exit), (outcome, code.to_string().as_str()), "{cell:?}");
        }
        let asks = matches!(cell.ending, "resume" | "unknown session");
        assert_eq!(capture.meta["resumed"] != Value::Null, asks, "{cell:?}");
        let sent = match cell.ending {
            "TERM" => json!("SIGTERM"),
            "KILL" => json!("SIGKILL"),
            _ => Value::Null,
        };
        assert_eq!(capture.meta["signal_sent"], sent, "{cell:?}");
    }
}

#[test]
fn every_cell_ends_as_the_table_says() {
    let stage = Stage::new();
    let cells: Vec<Cell> = Cell::all().into_iter().filter(|cell| cell.hole().is_none()).collect();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let difference = cell.differs(&stage);
                    wrong.lock().unwrap().extend(difference);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    wrong.iter().for_each(|line| println!("{line}"));
    println!("{} of {} cells end as the table says", cells.len() - wrong.len(), cells.len());
    assert_eq!(wrong.len(), 0);
}
