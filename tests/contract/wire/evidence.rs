//! The records of `probe`, declared once more: each kind of subject has its own detail.

use serde::Deserialize;
use serde::de::{Error, MapAccess, Visitor};

use super::gathered::*;
use super::{
    Count, EvidenceId, Hold, MailId, MarkId, Observed, One, Outcome, RunId, State, Time, TurnId, Wire, is, next_is,
};

words! {
    Answer: yes no unknown;
    Meaning: alive dead present absent growing silent damaged done not_done failed held free healthy unknown;
    SubjectKind: process server session pane run story sprint output result lock mail mark state host;
    Instrument: pidfd file flock rows sqlite story_file sprint_file host tmux exit_record stream clocks survivors
    baseline
        beat;
    NotFile: folder fifo socket device;
    ContentKind: json jsonl csv text binary;
    Form: good last_cut cut some_bad other several too_long binary;
    LockKind: turn supervisor file;
    LockFamily: flock posix ofd;
    LockMode: alone shared;
    HolderBy: turn_row proc_locks;
    Role: shim supervisor other;
    StateFolder: none safe r#unsafe shared denied failed;
    StateHeader: missing empty foreign other_user denied failed ours;
    StateCheck: not_asked ok damaged wal_unreadable busy restoring failed;
    Place: front_matter line item heading section auto_run_result entry nested;
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
    RunRow(RunRow),
    Process(ProcessDetail),
    RunLock(RunLock),
    Exit(ExitDetail),
    Stream(StreamDetail),
    Left(LeftDetail),
    RunSession(RunSession),
    Beat(BeatDetail),
    RunFile(RunFile),
    Owed(OwedDetail),
    Ledger(LedgerDetail),
    Mark(MarkDetail),
    Output(OutputDetail),
    Result(ResultDetail),
    Lock(LockDetail),
    Mail(MailDetail),
    State(StateDetail),
    Truth(Box<TruthDetail>),
    Host(HostDetail),
    Server(ServerDetail),
    Session(SessionDetail),
    Pane(PaneDetail),
}

part! { ServerDetail
    socket: Option<String>, pid: Option<i32>, started_at: Option<Time>, identity: Option<String>,
    sessions: Option<i64>, panes: Option<i64>, recorded: Option<String>, recorded_why: Option<Reason>, looks: i64,
    said: Option<String>,
}

part! { SessionDetail
    session: Option<String>, name: Option<String>, created_at: Option<Time>, group: Option<String>,
    windows: Option<i64>, panes: Option<i64>, panes_dead: Option<i64>, window: Option<String>, pane: Option<String>,
    pid: Option<i32>, foreground: Option<String>, exit_code: Option<i32>, signal: Option<i32>, ended_at: Option<Time>,
    server_pid: Option<i32>, server_started_at: Option<Time>, inherited: bool, looks: i64,
}

part! { PaneDetail
    session: Option<String>, name: Option<String>, created_at: Option<Time>, window: Option<String>,
    pane: Option<String>, pid: Option<i32>, foreground: Option<String>, exit_code: Option<i32>, signal: Option<i32>,
    ended_at: Option<Time>, server_pid: Option<i32>, server_started_at: Option<Time>, inherited: bool, looks: i64,
}

part! { PidDetail
    pid: i32, identity: Option<String>, start_ticks: Option<u64>, stopped: Option<bool>, name: Option<String>,
    name_lossy: bool, thread_of: Option<i32>, errno: Option<String>, identity_unproven: bool,
}

part! { TruthDetail
    target: String, baseline: Option<String>, status: Option<String>, raw: Option<String>, known: Option<bool>,
    message: Option<String>, key: Option<String>, key_kind: Option<KeyKind>, sources: Vec<Source>, files: Vec<File>,
    candidates: Vec<String>, passed_over: Vec<String>, unknown_keys: Vec<String>,
}

part! { Source
    path: Option<String>, line: i64, form: Place, raw: String, status: Option<String>,
}

part! { File
    path: String, path_lossy: bool, real_path: Option<String>, outside: bool, size: Option<i64>,
    modified_at: Option<Time>, sha256: Option<String>,
}

part! { HostDetail
    machine_id: Option<String>, boot_id: Option<String>, pid_ns: Option<u64>, pid_ns_initial: bool,
    time_ns: Option<u64>, time_ns_initial: bool, foreign_proc: bool, hostname: Option<String>, hostname_lossy: bool,
    kernel: Option<String>, container: Option<String>, booted_at: Time, uptime_ms: i64, suspended_ms: i64,
    tmux: Option<String>, tmux_lossy: bool, cgroup: Option<String>, cgroup_lossy: bool, no_cgroup: Option<String>,
}

part! { OutputDetail
    path: String, path_lossy: bool, instead: Option<NotFile>, size: Option<Count>, modified_at: Option<Time>,
    inode: Option<String>, since: Option<Time>, kind: Option<ContentKind>, form: Option<Form>,
    records: Option<Count>, bad_lines: Option<Count>, columns: Option<Count>, last_line_whole: Option<bool>,
    earlier_size: Option<Count>, earlier_ms: Option<Count>, error: Option<String>,
}

part! { ResultDetail
    path: String, path_lossy: bool, instead: Option<NotFile>, size: Option<Count>, modified_at: Option<Time>,
    since: Option<Time>, status: Option<String>, error: Option<String>,
}

part! { LockDetail
    path: String, path_lossy: bool, lock: LockKind, family: Option<LockFamily>, mode: Option<LockMode>,
    holder_by: Option<HolderBy>, holders: Vec<HolderDetail>, command: Option<Vec<String>>, command_lossy: bool,
    since: Option<Time>, error: Option<String>,
}

part! { HolderDetail
    role: Role, pid: Count, start_ticks: Option<Count>, alive: Answer, reason: Reason,
}

part! { MailDetail
    stored: Count, leased: Count, dead: Count, oldest_ms: Option<Count>, ready: Option<MailId>,
    abandoned: Option<MailId>, next_due_at: Option<Time>, stopped: bool, hold: Option<Hold>,
    held_until: Option<Time>, mark: Option<MarkId>, leases: Vec<LeaseDetail>,
}

part! { LeaseDetail
    mail: MailId, turn: Option<TurnId>, claimed_at: Option<Time>, until: Option<Time>,
}

part! { StateDetail
    path: String, path_lossy: bool, folder: StateFolder, folder_mode: Option<String>, folder_writable: Option<bool>,
    file_system: Option<String>, free_bytes: Option<Count>, header: StateHeader, size: Option<Count>,
    mode: Option<String>, wal_bytes: Option<Count>, schema: Option<Count>, schema_ours: Count, check: StateCheck,
    oldest_turn: Option<TurnId>, oldest_turn_at: Option<Time>, bell: bool, open_by: Vec<Count>,
    leftovers: Vec<String>, error: Option<String>,
}
