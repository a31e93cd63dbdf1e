//! The records of `probe`, declared once more: each kind of subject has its own detail.

use serde::Deserialize;

use super::{
    Capability, EvidenceId, ExpectKind, Hold, Observed, One, Outcome, Phase, RunId, State, Time, TurnId, Wire, is,
};

words! {
    Answer: yes no unknown;
    Role: supervisor shim agent worker server;
    EndedBy: agent asked deadline;
    Verdict: finished conflict running unsupervised waiting launching never_started failed crashed killed vanished
        orphaned stalled limited needs_human unknown;
    Rule: terminal durable_result intentional_wait launch_pending identity orphaned silent age;
    Action: none adopt attach kill_then_crash mark_crashed retry_at resume deadletter notify_parent ask_human;
    Meaning: alive dead present absent done not_done growing silent held free unknown;
    SubjectKind: process server session pane run story sprint output result lock mail mark state host;
    Instrument: pidfd host tmux flock exit_record stream clocks survivors baseline beat file state;
}

/// A word; which one is for the table of reasons.
type Reason = super::Cause;

wire! { Evidence "evidence"
    evidence: Option<EvidenceId>, subject_kind: SubjectKind, subject: String, run: Option<RunId>,
    turn: Option<TurnId>, attempt: Option<i64>, instrument: Instrument, finding: Answer, meaning: Meaning,
    reason: Reason, detail: Detail, observed_at: Time, age_ms: Option<i64>, host: Option<String>,
    boot_id: Option<String>,
}

wire! { Judgement "judgement"
    run: RunId, agent: String, turn: Option<TurnId>, attempt: i64, recorded: State, hold: Option<Hold>,
    held_until: Option<Time>, observed: Option<Observed>, verdict: Verdict, cause: super::Cause, rule: Rule,
    action: Action, not_before: Option<Time>, outcome: Option<Outcome>, state_after: State, command: Vec<String>,
    because: Vec<String>, rests_on: Vec<EvidenceId>, alarming: bool, looks: i64,
}

wire! { ProbeEnded "probe.ended" evidence: i64, yes: i64, no: i64, unknown: i64, }

pub(super) fn check(line: &str, kind: &str) -> Option<Result<(), String>> {
    is::<Evidence>(line, kind).or_else(|| is::<Judgement>(line, kind)).or_else(|| is::<ProbeEnded>(line, kind))
}

#[derive(Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "reading it is the test")]
enum Detail {
    Pid(PidDetail),
    State(StateDetail),
    Process(ProcessDetail),
    Lock(LockDetail),
    Exit(ExitDetail),
    Stream(StreamDetail),
    Left(LeftDetail),
    RunSession(RunSession),
    Beat(BeatDetail),
    File(FileDetail),
    Owed(OwedDetail),
    Ledger(LedgerDetail),
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

macro_rules! details {
    ($($name:ident: $($key:ident: $value:ty,)+;)+) => {
        $(#[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "reading it is the test")]
        struct $name { $($key: $value,)+ })+
    };
}

details! {
    StateDetail: state: State, hold: Option<Hold>, held_until: Option<Time>, capability: Capability, attempts: i64,
        max_attempts: i64, outcome: Option<Outcome>, adopted: bool, changed_at: Time,;
    ProcessDetail: role: Role, pid: i32, start_ticks: u64, recorded_boot: String,;
    LockDetail: path: String, path_lossy: bool,;
    ExitDetail: started: Option<bool>, exit_code: Option<i32>, signal: Option<i32>, ended_by: Option<EndedBy>,
        ended_at: Option<Time>, tree_gone: Option<bool>, children_left: Option<i64>, error: Option<String>,;
    StreamDetail: bytes: Option<i64>, events: Option<i64>, phase: Option<Phase>, silent_ms: Option<i64>,
        limit_ms: Option<i64>, error: Option<String>,;
    LeftDetail: cgroup: Option<String>, count: Option<i64>, processes: Vec<String>,;
    RunSession: asked: String, socket: Option<String>, session: Option<String>, pane: Option<String>, looks: i64,
        exit_code: Option<i32>, signal: Option<i32>,;
    BeatDetail: beats: i64, beat_at: Option<Time>, progress_at: Option<Time>, progress_ms: Option<i64>,
        progress: Option<String>,;
    FileDetail: size: Option<i64>, modified_at: Option<Time>, error: Option<String>,;
    OwedDetail: expect: ExpectKind, baseline_at: Time, target_lossy: bool, why: Option<String>,;
    LedgerDetail: since: Option<Time>, until: Option<Time>, count: i64, what: Option<String>, historical: bool,;
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
