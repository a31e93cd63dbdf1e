//! The records of `probe`, declared once more: each kind of subject has its own detail.

use serde::Deserialize;

use super::{EvidenceId, One, RunId, Time, TurnId, Wire, is};

words! {
    Answer: yes no unknown;
    Meaning: alive dead present absent done not_done growing silent held free unknown;
    SubjectKind: process server session pane run story sprint output result lock mail mark state host;
    Instrument: pidfd tmux flock exit_record stream clocks survivors baseline beat file state;
}

/// A word; which one is for the table of reasons.
type Reason = super::Cause;

wire! { Evidence "evidence"
    evidence: Option<EvidenceId>, subject_kind: SubjectKind, subject: String, run: Option<RunId>,
    turn: Option<TurnId>, attempt: Option<i64>, instrument: Instrument, finding: Answer, meaning: Meaning,
    reason: Reason, detail: Detail, observed_at: Time, age_ms: Option<i64>, host: Option<String>,
    boot_id: Option<String>,
}

wire! { ProbeEnded "probe.ended" evidence: i64, yes: i64, no: i64, unknown: i64, }

pub(super) fn check(line: &str, kind: &str) -> Option<Result<(), String>> {
    is::<Evidence>(line, kind).or_else(|| is::<ProbeEnded>(line, kind))
}

#[derive(Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "reading it is the test")]
enum Detail {
    Pid(PidDetail),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "reading it is the test")]
struct PidDetail {
    pid: i32,
    start_ticks: Option<u64>,
    stopped: Option<bool>,
    identity_unproven: bool,
}
