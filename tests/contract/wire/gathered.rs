//! The details of what bears on a run, declared once more; and the words of verdicts.

use serde::Deserialize;
use serde::de::{Error, MapAccess, Visitor};

use super::marks::MarkState;
use super::{Capability, ExpectKind, Hold, Outcome, Phase, State, Time, next_is};

words! {
    Part: supervisor shim agent worker server;
    EndedBy: agent asked deadline;
    Verdict: finished conflict running unsupervised waiting launching never_started failed crashed killed vanished
        orphaned stalled limited needs_human unknown;
    Rule: terminal durable_result intentional_wait launch_pending identity orphaned silent age;
    Action: none adopt attach kill_then_crash mark_crashed retry_at resume deadletter notify_parent ask_human;
}

part! { RunRow
    state: State, hold: Option<Hold>, held_until: Option<Time>, capability: Capability, attempts: i64,
    max_attempts: i64, outcome: Option<Outcome>, adopted: bool, changed_at: Time,
}

part! { ProcessDetail
    role: Part, pid: i32, start_ticks: u64, recorded_host: String, recorded_boot: String,
}

part! { RunLock
    path: String, path_lossy: bool,
}

part! { ExitDetail
    started: Option<bool>, exit_code: Option<i32>, signal: Option<i32>, ended_by: Option<EndedBy>,
    ended_at: Option<Time>, tree_gone: Option<bool>, children_left: Option<i64>, error: Option<String>,
}

part! { StreamDetail
    bytes: Option<i64>, events: Option<i64>, phase: Option<Phase>, silent_ms: Option<i64>, limit_ms: Option<i64>,
    error: Option<String>,
}

part! { LeftDetail
    cgroup: Option<String>, count: Option<i64>, processes: Vec<String>,
}

part! { RunSession
    asked: String, socket: Option<String>, session: Option<String>, pane: Option<String>, looks: i64,
    exit_code: Option<i32>, signal: Option<i32>,
}

part! { BeatDetail
    beats: i64, beat_at: Option<Time>, progress_at: Option<Time>, progress_ms: Option<i64>, progress: Option<String>,
}

part! { RunFile
    size: Option<i64>, modified_at: Option<Time>, error: Option<String>,
}

part! { OwedDetail
    expect: ExpectKind, baseline_at: Time, target_lossy: bool, why: Option<String>,
}

part! { LedgerDetail
    since: Option<Time>, until: Option<Time>, count: i64, what: Option<String>, historical: bool,
}

part! { MarkDetail
    mark_kind: Option<String>, name: Option<String>, state: MarkState, scope: String, scope_lossy: bool,
    owner_pid: Option<i32>, bound: bool, set_by: Option<String>, set_at: Option<Time>, beat_at: Option<Time>,
    ends_at: Option<Time>,
}
