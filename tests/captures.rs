//! Every capture of the real programs, played in a turn: it ends as the capture's own `expect` demands.
//! What is expected comes from the meta files and the recorded streams, never from our own output.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![allow(clippy::disallowed_macros, clippy::print_stdout, reason = "a test says what it saw")]

use std::fs::{read, read_dir, read_to_string};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::signal::{Signal, kill, killpg};
use serde_json::{Value, json};

use crate::stage::{Call, Play, Running, Stage};
use crate::support;

const CAPTURES: usize = 387;
const RUNTIMES: [&str; 6] = ["claude", "codex", "copilot", "gemini", "opencode", "pi"];
const THREADS: usize = 4;
pub(crate) const SHORT: [&str; 6] = ["--first-event", "700ms", "--stall", "700ms", "--stall-tool", "700ms"];

/// A capture on disk.
pub(crate) struct Capture {
    runtime: &'static str,
    name: String,
    prefix: PathBuf,
    pub(crate) meta: Value,
}

impl Capture {
    fn read(runtime: &'static str, name: &str, prefix: PathBuf) -> Self {
        let meta = serde_json::from_str(&read_to_string(beside(&prefix, "meta.json")).unwrap()).unwrap();
        Self { runtime, name: name.to_owned(), prefix, meta }
    }

    pub(crate) fn named(runtime: &'static str, name: &str) -> Self {
        Self::read(runtime, name, support::capture(&format!("{runtime}/{name}")))
    }

    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for runtime in RUNTIMES {
            let files = read_dir(support::capture(runtime)).unwrap().map(|entry| entry.unwrap().file_name());
            let names = files.filter_map(|name| Some(name.to_str()?.strip_suffix(".meta.json")?.to_owned()));
            all.extend(names.map(|name| Self::named(runtime, &name)));
        }
        all
    }

    /// A copy with other lines and other meta data.
    pub(crate) fn changed(&self, stage: &Stage, lines: impl Fn(String) -> String, meta: impl Fn(&mut Value)) -> Self {
        let prefix = stage.path(&format!("copy-{}-{}", self.runtime, self.name));
        let mut copy = self.meta.clone();
        meta(&mut copy);
        std::fs::write(beside(&prefix, "meta.json"), copy.to_string()).unwrap();
        std::fs::write(beside(&prefix, "stdout.jsonl"), lines(self.stdout())).unwrap();
        std::fs::copy(beside(&self.prefix, "stderr.txt"), beside(&prefix, "stderr.txt")).unwrap();
        Self::read(self.runtime, &self.name, prefix)
    }

    fn stdout(&self) -> String {
        String::from_utf8(read(beside(&self.prefix, "stdout.jsonl")).unwrap()).unwrap()
    }

    fn expect(&self) -> &str {
        self.meta["expect"].as_str().unwrap()
    }

    fn is_hang(&self) -> bool {
        !self.meta["cut_ms"].is_null()
    }

    /// What the turn has to come to: outcome and exit code.
    pub(crate) fn demand(&self) -> (&'static str, i32) {
        match self.expect() {
            // A signal to the wrapper alone: the agent behind it went on to its end, and finished work is finished (M11).
            "interrupted" | "killed" if self.finished_all_the_same() => ("completed", 0),
            "completed" => ("completed", 0),
            "failed" => ("failed", 1),
            "limited" => ("limited", 75),
            "auth" => ("auth", 77),
            "interrupted" => ("aborted", 143),
            "killed" => ("killed", 137),
            "no terminal event" if self.is_hang() => ("stalled", 124),
            "no terminal event" => ("no_result", 1),
            other => panic!("{other} is expected of {}", self.name),
        }
    }

    /// The last word of an agent that is behind a wrapper is a success, and no line says that it was broken off.
    fn finished_all_the_same(&self) -> bool {
        let terminal = &self.meta["terminal"];
        let clean = terminal["exitCode"] == 0 || terminal["status"] == "success";
        let wrapped = matches!(self.runtime, "copilot" | "gemini");
        wrapped && clean && !self.stdout().contains("\"type\":\"abort\"")
    }

    /// Bytes of the lines that came before the signal.
    fn bytes_before_the_signal(&self) -> u64 {
        let sent = self.meta["signal_sent_ms"].as_u64();
        let early = self.meta["line_ms"].as_array().unwrap().iter().filter(|ms| ms.as_u64() < sent).count();
        self.stdout().split_inclusive('\n').take(early).map(|line| line.len() as u64).sum()
    }

    pub(crate) fn play<'s>(&self, stage: &'s Stage, agent: &str, speed: u32) -> Play<'s> {
        let play = stage.play_as(self.runtime, agent, &format!("replay {} {speed}", self.prefix.display()));
        play.with(&["--max-attempts", "3"])
    }

    /// Plays it as it was captured: whoever ended the program then ends it now.
    pub(crate) fn replay(&self, stage: &Stage) -> Call {
        let agent = format!("{}-{}", self.runtime, self.name);
        let play = self.play(stage, &agent, 0);
        match self.expect() {
            "interrupted" => {
                let running = self.until_the_signal(play);
                stage.turn(&["stop", &agent, "--wait", "60s"]);
                running.end()
            }
            "killed" => {
                let running = self.until_the_signal(play);
                let pid = running.agent_pid();
                let send = if self.meta["signal_to"] == "group" { killpg } else { kill };
                send(pid, Signal::SIGKILL).unwrap();
                running.end()
            }
            _ if self.is_hang() => play.with(&SHORT).call(),
            _ => play.call(),
        }
    }

    fn until_the_signal(&self, play: Play<'_>) -> Running {
        let running = play.start();
        running.until_written(self.bytes_before_the_signal());
        running
    }

    fn differs(&self, call: &Call) -> Option<String> {
        let got = (call.word("outcome"), call.code);
        let whole = call.ended()["children_left"] == 0 && call.all("turn.ended").len() == 1;
        let demand = self.demand();
        (got != demand || !whole)
            .then(|| format!("{}/{}: {got:?} for {demand:?}: {}", self.runtime, self.name, call.ended()))
    }
}

fn beside(prefix: &Path, ending: &str) -> PathBuf {
    format!("{}.{ending}", prefix.display()).into()
}

/// The request that ended this one went over stdin; here a signal of its supervisor stands for it.
fn with_a_signal_for_the_request(stage: &Stage, capture: Capture) -> Capture {
    if capture.meta["scenario"] != "interrupt_request" {
        return capture;
    }
    capture.changed(
        stage,
        |lines| lines,
        |meta| {
            (meta["signal_sent"], meta["signal_sent_ms"]) = (json!("SIGINT"), json!(2000));
        },
    )
}

/// T7, T11, B4, B8
#[test]
fn every_capture_ends_as_its_meta_file_demands() {
    let stage = Stage::new();
    let all: Vec<Capture> =
        Capture::all().into_iter().map(|capture| with_a_signal_for_the_request(&stage, capture)).collect();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(capture) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let difference = capture.differs(&capture.replay(&stage));
                    wrong.lock().unwrap().extend(difference);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    wrong.iter().for_each(|line| println!("{line}"));
    println!("{} of {} captures end as demanded", all.len() - wrong.len(), all.len());
    assert_eq!((all.len(), wrong.len()), (CAPTURES, 0));
}

#[test]
fn captures_in_their_recorded_time_end_the_same() {
    let stage = Stage::new();
    let names = [
        ("claude", "slow"),
        ("claude", "429_then_ok"),
        ("claude", "tool_bg"),
        ("codex", "slow"),
        ("codex", "503"),
        ("codex", "sse_rate_limit"),
    ];
    std::thread::scope(|scope| {
        for (runtime, name) in names {
            let stage = &stage;
            scope.spawn(move || {
                let capture = Capture::named(runtime, name);
                let call = capture.play(stage, &format!("{runtime}-{name}"), 1).call();
                assert_eq!(capture.differs(&call), None);
                let last = capture.meta["line_ms"].as_array().unwrap().last().unwrap();
                assert!(call.ended()["duration_ms"].as_i64() >= last.as_i64(), "{:?}", call.ended());
            });
        }
    });
}

/// What the typed fields of the stream say of the limit: its kind, and when it ends.
fn typed_limit(capture: &Capture) -> (Value, Option<i64>) {
    let lines = capture.stdout();
    let mut events = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let rejected = events.rfind(|event| event["rate_limit_info"]["status"] == "rejected");
    let info = rejected.map(|event| event["rate_limit_info"].clone()).unwrap_or_default();
    (info["rateLimitType"].clone(), info["resetsAt"].as_i64())
}

fn millis(time: &Value) -> Option<i64> {
    time.as_str().map(|text| text.parse::<refloat::clock::Stamp>().unwrap().millis())
}

#[test]
fn a_limit_is_told_as_the_typed_fields_tell_it() {
    let stage = Stage::new();
    let mut seen = 0;
    for capture in Capture::all().iter().filter(|capture| capture.expect() == "limited") {
        let agent = format!("{}-{}", capture.runtime, capture.name);
        let call = capture.play(&stage, &agent, 0).call();
        call.assert_end("limited", 75);
        let run = stage.run_of(&agent);
        assert_eq!((&run["state"], &run["hold"], &run["attempts"]), (&json!("blocked"), &json!("limited"), &json!(0)));
        if capture.runtime == "claude" {
            let (kind, told) = typed_limit(capture);
            // A time that has passed is no time: the capture's own is of its day.
            let resets_at = told.filter(|seconds| seconds * 1000 > refloat::clock::Stamp::now().millis());
            assert_eq!(call.ended()["limit_kind"], kind, "{}", capture.name);
            assert_eq!(millis(&call.ended()["limit_resets_at"]), resets_at.map(|s| s * 1000), "{}", capture.name);
            let ahead = resets_at.is_some_and(|s| s * 1000 > refloat::clock::Stamp::now().millis());
            assert_eq!(run["held_by_provider"], json!(ahead), "{}", capture.name);
        }
        if !matches!(capture.runtime, "claude" | "codex") {
            assert_eq!(call.ended()["http_status"], 429, "{}/{}", capture.runtime, capture.name);
        }
        seen += 1;
    }
    assert_eq!(seen, 34);
}

#[test]
fn before_the_providers_time_a_turn_is_refused_and_with_now_it_runs() {
    let stage = Stage::new();
    let recorded = Capture::named("claude", "429_subscription");
    let resets_at = refloat::clock::Stamp::now().millis() / 1000 + 7200;
    let past = typed_limit(&recorded).1.unwrap().to_string();
    let capture = recorded.changed(&stage, |lines| lines.replace(&past, &resets_at.to_string()), |_| {});
    let call = capture.play(&stage, "a", 0).call();
    call.assert_end("limited", 75);
    assert_eq!(millis(&call.ended()["limit_resets_at"]), Some(resets_at * 1000));
    assert_eq!(call.ended()["limit_kind"], "five_hour");

    let until = call.word("limit_resets_at").to_owned();
    let ok = Capture::named("claude", "ok");
    ok.play(&stage, "a", 0).call().assert_refused(75, &until);
    assert_eq!(stage.run_of("a")["state"], "blocked");
    ok.play(&stage, "a", 0).with(&["--now"]).call().assert_end("completed", 0);
    assert_eq!(stage.run_of("a")["held_until"], Value::Null);

    // Codex tells it in the message of its terminal event alone.
    let recorded = Capture::named("codex", "sse_rate_limit");
    let capture = recorded.changed(&stage, |lines| lines.replace("again in 3s", "again in 7200s"), |_| {});
    let until = capture.play(&stage, "b", 0).call().assert_end("limited", 75).word("limit_resets_at").to_owned();
    Capture::named("codex", "ok").play(&stage, "b", 0).call().assert_refused(75, &until);
}

#[test]
fn a_limit_whose_time_has_passed_or_is_not_told_holds_nobody_back() {
    let stage = Stage::new();
    let passed = Capture::named("claude", "429_subscription").changed(
        &stage,
        |lines| lines.replace("\"resetsAt\":1795167065", "\"resetsAt\":1700000000"),
        |_| {},
    );
    let untold = ["429", "429_no_header", "quota", "usage_limit", "usage_limit_days"];
    let untold = untold.map(|name| Capture::named("codex", name));
    for capture in std::iter::once(&passed).chain(&untold) {
        let call = capture.play(&stage, "a", 0).call();
        call.assert_end("limited", 75);
        assert!(call.ended()["retry_at"].is_string(), "{:?}", call.ended());
        Capture::named(capture.runtime, "ok").play(&stage, "a", 0).call().assert_end("completed", 0);
    }
}

/// B10
#[test]
fn a_vanished_session_is_tried_once_more_without_it_and_no_more() {
    for runtime in ["claude", "codex"] {
        let stage = Stage::new();
        let refused = Capture::named(runtime, "resume_unknown");
        let asked = refused.meta["resumed"].as_str().unwrap();
        let call = refused.play(&stage, "a", 0).with(&["--resume", asked]).call();
        let ends = call.all("turn.ended");
        assert_eq!(call.all("turn.started").len(), 2, "{runtime}: {call:#?}");
        assert_eq!((&ends[0]["outcome"], &ends[0]["resume"]), (&json!("resume_refused"), &json!("refused")));
        assert_eq!(ends[0]["session_asked"], json!(asked));
        // The script plays the same refusal to a turn that did not ask for the session.
        assert_eq!((&ends[1]["outcome"], &ends[1]["resume"]), (&json!("failed"), &json!("fresh")));
        assert_ne!(ends[1]["session_asked"], json!(asked));
        assert_eq!((ends.len(), call.code), (2, 1), "{runtime}");
        assert!(call.stderr.contains(asked), "{}", call.stderr);
        assert_eq!(stage.run_of("a")["attempts"], 1, "only the fresh try costs an attempt");
    }
}
