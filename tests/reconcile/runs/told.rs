//! Evidence from elsewhere: it proves life, completion or doubt, and death only of what is not of this host.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::stage::{Call, Stage};

impl Stage {
    /// A pass with this evidence on its standard input.
    fn told(&self, args: &[&str], lines: &[Value]) -> Call {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        self.told_text(args, &text)
    }

    fn told_text(&self, args: &[&str], text: &str) -> Call {
        self.told_to(self.command(crate::stage::RECONCILE), args, text)
    }

    fn told_to(&self, mut command: Command, args: &[&str], text: &str) -> Call {
        command.arg("-").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        Call {
            code: output.status.code().unwrap(),
            records: crate::scene::records(&output.stdout),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// A worker on another host, as far as anybody here can tell, adopted a minute ago.
    fn faraway(&self, agent: &str, args: &[&str]) -> i64 {
        let pid = self.background(agent, &["hang"]);
        self.adopt(agent, pid, args);
        self.sql(
            "UPDATE worker SET process = json_set(process, '$.machine', 'elsewhere');
             UPDATE run SET changed_at = changed_at - 600000",
        );
        pid
    }
}

/// Where its clock is ahead of ours by no more than clocks differ, what it has just seen counts; from a later time nothing does.
#[test]
fn a_word_that_is_ahead_of_our_clock_by_a_step_counts() {
    let Some(library) = crate::ledger::faketime() else { return };
    let stage = Stage::new();
    let pid = stage.faraway("a", &["--parent", "lead", "--capability", "none"]);
    let now = refloat::clock::Stamp::from_millis(refloat::clock::Stamp::now().millis() / 1000 * 1000);
    // Our clock stands still.
    let standing = now.to_string().replace('T', " ")[..19].to_owned();
    for (ahead, wanted) in
        [(60, "running told_alive identity none - in_turn"), (160, "unknown look_failed identity none - in_turn")]
    {
        let observed = now.plus(std::time::Duration::from_millis(ahead));
        let line = with(evidence(pid, "yes", 0), "observed_at", json!(observed));
        let mut command = stage.command(crate::stage::RECONCILE);
        crate::ledger::later(command.env("TZ", "UTC"), &library, &standing);
        assert_eq!(verdict(&stage.told_to(command, &[], &format!("{line}\n"))), wanted, "{ahead} ms");
    }
}

/// What a probe on the other host prints of the process.
fn evidence(pid: i64, finding: &str, seconds_ago: i64) -> Value {
    let (meaning, reason) = match finding {
        "yes" => ("alive", "running"),
        "no" => ("dead", "no_such_process"),
        _ => ("unknown", "look_failed"),
    };
    let at = refloat::clock::Stamp::now().minus(std::time::Duration::from_secs(seconds_ago.unsigned_abs()));
    json!({
        "type": "evidence", "v": 1, "at": at, "evidence": null, "subject_kind": "process", "subject": pid.to_string(),
        "run": "r1", "turn": null, "attempt": 1, "instrument": "pidfd", "finding": finding, "meaning": meaning,
        "reason": reason, "detail": {}, "observed_at": at, "age_ms": null, "host": "elsewhere", "boot_id": "b",
    })
}

fn with(mut line: Value, key: &str, value: Value) -> Value {
    line[key] = value;
    line
}

fn verdict(call: &Call) -> String {
    assert_eq!(call.code, 0, "{call:#?}");
    super::brief(call.last("verdict"))
}

#[test]
fn only_what_is_of_another_host_dies_by_what_others_tell() {
    const UNKNOWN: &str = "unknown look_failed identity none - in_turn";
    let stage = Stage::new();
    let pid = stage.faraway("a", &["--parent", "lead", "--capability", "none"]);
    let dead = || evidence(pid, "no", 1);
    let host = || refloat::seam::process::me().machine;
    let boot = refloat::seam::process::me().boot;
    stage.assert_planned(&["a"], UNKNOWN);
    for (what, lines, wanted) in [
        ("alive", vec![evidence(pid, "yes", 1)], "running told_alive identity none - in_turn"),
        ("dead", vec![dead()], "vanished gone identity mark_crashed lost crashed"),
        (
            "dead, and alive since",
            vec![evidence(pid, "no", 9), evidence(pid, "yes", 1)],
            "running told_alive identity none - in_turn",
        ),
        (
            "dead, the other way round",
            vec![evidence(pid, "yes", 1), evidence(pid, "no", 9)],
            "running told_alive identity none - in_turn",
        ),
        ("seen from here", vec![with(with(dead(), "host", host().into()), "boot_id", boot.into())], UNKNOWN),
        ("of a third host", vec![with(dead(), "host", "third".into())], UNKNOWN),
        ("alive on a third host", vec![with(evidence(pid, "yes", 1), "host", "third".into())], UNKNOWN),
        ("of our own host in another boot", vec![with(dead(), "host", host().into())], UNKNOWN),
        ("of another boot of nobody's host", vec![with(dead(), "host", Value::Null)], UNKNOWN),
        ("too old", vec![evidence(pid, "no", 61)], UNKNOWN),
        (
            "from the future",
            vec![
                evidence(pid, "no", -100)
                    .as_object()
                    .map(|_| with(dead(), "observed_at", "2999-01-01T00:00:00.000Z".into()))
                    .unwrap(),
            ],
            UNKNOWN,
        ),
        ("of another attempt", vec![with(dead(), "attempt", 2.into())], UNKNOWN),
        ("of another turn", vec![with(dead(), "turn", "t9".into())], UNKNOWN),
        ("of another process", vec![with(dead(), "subject", "1".into())], UNKNOWN),
        (
            "of no attempt",
            vec![with(dead(), "attempt", Value::Null)],
            "vanished gone identity mark_crashed lost crashed",
        ),
        ("of no run", vec![with(dead(), "run", Value::Null)], "vanished gone identity mark_crashed lost crashed"),
        ("in doubt", vec![evidence(pid, "unknown", 1)], UNKNOWN),
    ] {
        assert_eq!(verdict(&stage.told(&[], &lines)), wanted, "{what}");
    }
    let third = with(with(dead(), "host", "third".into()), "run", Value::Null);
    assert!(stage.told(&["--apply"], &[third]).all("verdict").is_empty(), "the number of another host's process");
    let call = stage.told(&["--apply"], &[dead()]);
    assert_eq!(
        (verdict(&call).as_str(), call.last("verdict")["applied"].clone()),
        ("vanished gone identity mark_crashed lost crashed", true.into())
    );
    assert_eq!(stage.heard("lead", "worker_died"), 1);
    let again = stage.told(&["--apply"], &[dead()]);
    assert_eq!(
        (verdict(&again).as_str(), again.last("reconcile.ended")["repaired"].clone()),
        ("vanished recorded terminal none lost crashed", 0.into())
    );
}

#[test]
fn nobody_here_dies_by_what_others_tell() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("a", pid, &[]);
    stage.sql("UPDATE run SET changed_at = changed_at - 600000");
    let call = stage.told(&["--apply"], &[evidence(pid, "no", 1)]);
    assert_eq!(verdict(&call), "running alive identity none - in_turn");
}

/// A monitor's death changes no run.
#[test]
fn a_monitor_that_died_changes_no_run() {
    let stage = Stage::new();
    let file = stage.path("result.json");
    let pid = stage.background("w", &["hang"]);
    stage.adopt("a", pid, &["--expect", &format!("result:{}", file.display())]);
    stage.sql("UPDATE run SET changed_at = changed_at - 600000");
    let output =
        || with(with(evidence(pid, "no", 1), "subject_kind", "output".into()), "subject", "/monitor.out".into());
    let incomplete = "running monitoring_failed_verified_incomplete identity none - in_turn";
    assert_eq!(verdict(&stage.told(&["--apply"], &[output()])), incomplete);
    std::fs::write(&file, r#"{"status":"done"}"#).unwrap();
    let success = "finished monitoring_failed_verified_success durable_result adopt completed completed";
    assert_eq!(verdict(&stage.told(&["--apply"], &[output()])), success);
}

#[test]
fn a_result_that_only_others_can_read_completes_the_run() {
    let stage = Stage::new();
    let file = stage.path("result.json");
    let pid = stage.faraway("a", &["--expect", &format!("result:{}", file.display())]);
    std::fs::write(&file, r#"{"status":"#).unwrap();
    let seen = || {
        let line = with(evidence(pid, "yes", 1), "subject_kind", "result".into());
        with(
            with(with(line, "subject", file.display().to_string().into()), "meaning", "done".into()),
            "reason",
            "reached".into(),
        )
    };
    assert_eq!(verdict(&stage.told(&[], &[evidence(pid, "no", 1)])), "unknown owed_unknown identity none - in_turn");
    let done = "finished expectation_met durable_result adopt completed completed";
    assert_eq!(verdict(&stage.told(&[], &[seen()])), done);
    let call = stage.told(&["--apply"], &[seen()]);
    assert_eq!((verdict(&call).as_str(), stage.run_of("a")["state"].clone()), (done, "completed".into()));
}

#[test]
fn only_the_runs_that_evidence_belongs_to_are_looked_at_and_a_bad_line_stops_no_other() {
    let stage = Stage::new();
    let pid = stage.faraway("a", &[]);
    stage.faraway("b", &[]);
    let line = evidence(pid, "yes", 1);
    let text = format!("{{\"type\":\n{{\"type\":\"judgement\"}}\n\n{{\"type\":\"evidence\"}}\n{line}\n");
    let call = stage.told_text(&[], &text);
    assert_eq!(call.code, 65, "{call:#?}");
    assert!(call.stderr.contains("stdin:1: ") && call.stderr.contains("stdin:4: "), "{call:#?}");
    let runs: Vec<_> = call.all("verdict").iter().map(|one| one["run"].clone()).collect();
    assert_eq!(runs, ["r1"]);
    let none = stage.told_text(&[], "");
    assert_eq!((none.code, none.last("reconcile.ended")["runs"].clone()), (0, 0.into()));
    let nobody = stage.told(&[], &[with(line, "run", "r99".into())]);
    assert_eq!((nobody.code, nobody.stderr.contains("stdin:1: no run r99")), (65, true), "{nobody:#?}");
}

/// What stands behind the longest line that is read is no line of its own.
#[test]
fn a_line_that_is_too_long_is_one_bad_line_to_its_end() {
    let stage = Stage::new();
    let pid = stage.faraway("a", &[]);
    let line = evidence(pid, "no", 1);
    let text = format!("{}{line}\n{}\n", " ".repeat(1 << 20), evidence(pid, "yes", 1));
    let call = stage.told_text(&[], &text);
    assert_eq!((call.code, call.stderr.lines().count()), (65, 1), "{call:#?}");
    assert!(call.stderr.starts_with("reconcile: stdin:1: longer than"), "{call:#?}");
    assert_eq!(super::brief(call.last("verdict")), "running told_alive identity none - in_turn");
}
