//! The records of `probe`, declared once more: each kind of subject has its own detail.

use serde::Deserialize;

use super::{EvidenceId, One, RunId, Time, TurnId, Wire, is};

words! {
    Answer: yes no unknown;
    Meaning: alive dead absent done not_done present unknown;
    SubjectKind: process server session pane run story sprint output result lock mail mark state host;
    Instrument: pidfd story_file sprint_file host tmux;
    Form: front_matter line item heading section auto_run_result entry nested;
    KeyKind: epic story retrospective retro_item other;
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
    Truth(Box<TruthDetail>),
    Host(HostDetail),
    Server(ServerDetail),
    Session(SessionDetail),
    Pane(PaneDetail),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "reading it is the test")]
struct ServerDetail {
    socket: Option<String>,
    pid: Option<i32>,
    started_at: Option<Time>,
    identity: Option<Identity>,
    sessions: Option<i64>,
    panes: Option<i64>,
    recorded: Option<String>,
    recorded_why: Option<Reason>,
    looks: i64,
    said: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "reading it is the test")]
struct Identity {
    machine: String,
    boot: String,
    pid_ns: u64,
    time_ns: u64,
    pid: i32,
    start_ticks: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "reading it is the test")]
struct SessionDetail {
    session: Option<String>,
    name: Option<String>,
    created_at: Option<Time>,
    group: Option<String>,
    windows: Option<i64>,
    panes: Option<i64>,
    panes_dead: Option<i64>,
    window: Option<String>,
    pane: Option<String>,
    pid: Option<i32>,
    foreground: Option<String>,
    exit_code: Option<i32>,
    signal: Option<i32>,
    ended_at: Option<Time>,
    server_pid: Option<i32>,
    server_started_at: Option<Time>,
    inherited: bool,
    looks: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "reading it is the test")]
struct PaneDetail {
    session: Option<String>,
    name: Option<String>,
    created_at: Option<Time>,
    window: Option<String>,
    pane: Option<String>,
    pid: Option<i32>,
    foreground: Option<String>,
    exit_code: Option<i32>,
    signal: Option<i32>,
    ended_at: Option<Time>,
    server_pid: Option<i32>,
    server_started_at: Option<Time>,
    inherited: bool,
    looks: i64,
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
struct TruthDetail {
    target: String,
    baseline: Option<String>,
    status: Option<String>,
    raw: Option<String>,
    known: Option<bool>,
    message: Option<String>,
    key: Option<String>,
    key_kind: Option<KeyKind>,
    sources: Vec<Source>,
    files: Vec<File>,
    candidates: Vec<String>,
    passed_over: Vec<String>,
    unknown_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "reading it is the test")]
struct Source {
    path: Option<String>,
    line: i64,
    form: Form,
    raw: String,
    status: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "reading it is the test")]
struct File {
    path: String,
    path_lossy: bool,
    real_path: Option<String>,
    outside: bool,
    size: Option<i64>,
    modified_at: Option<Time>,
    sha256: Option<String>,
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
