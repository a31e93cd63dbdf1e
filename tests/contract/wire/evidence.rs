//! The records of `probe`, declared once more: each kind of subject has its own detail.

use serde::Deserialize;

use super::{EvidenceId, One, RunId, Time, TurnId, Wire, is};

words! {
    Answer: yes no unknown;
    Meaning: alive dead present unknown;
    SubjectKind: process server session pane run story sprint output result lock mail mark state host;
    Instrument: pidfd host;
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
    Host(HostDetail),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "reading it is the test")]
struct PidDetail {
    pid: i32,
    identity: Option<String>,
    start_ticks: Option<u64>,
    stopped: Option<bool>,
    name: Option<String>,
    name_lossy: bool,
    thread_of: Option<i32>,
    errno: Option<String>,
    identity_unproven: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "reading it is the test")]
struct HostDetail {
    machine_id: Option<String>,
    boot_id: Option<String>,
    pid_ns: Option<u64>,
    pid_ns_initial: bool,
    time_ns: Option<u64>,
    time_ns_initial: bool,
    foreign_proc: bool,
    hostname: Option<String>,
    hostname_lossy: bool,
    kernel: Option<String>,
    container: Option<String>,
    booted_at: Time,
    uptime_ms: i64,
    suspended_ms: i64,
    tmux: Option<String>,
    tmux_lossy: bool,
    cgroup: Option<String>,
    cgroup_lossy: bool,
    no_cgroup: Option<String>,
}
