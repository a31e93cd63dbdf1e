//! The records of marks, declared once more.

use serde::Deserialize;
use serde_json::Value;

use super::{Cause, Count, MarkId, One, RunId, Time, TurnId, Wire, is};

words! {
    MarkState: live stale unknown unreadable removed;
    MarkEnd: cleared turn_ended run_ended replaced cleaned moved_aside;
}

wire! { Mark "mark"
    mark: Option<MarkId>, kind: Option<String>, name: Option<String>, state: MarkState, reason: Option<Cause>,
    scope: Option<String>, scope_lossy: bool, owner: Option<String>, owner_pid: Option<Count>, host: Option<String>,
    run: Option<RunId>, turn: Option<TurnId>, bound: bool, set_by: Option<String>, set_at: Option<Time>,
    beat_at: Option<Time>, beats: Count, age_ms: Option<Count>, ttl_ms: Option<Count>, until: Option<Time>,
    ends_at: Option<Time>, nonce: Option<String>, data: Option<Value>, file: Option<String>, file_lossy: bool,
    moved_to: Option<String>, already_set: bool, would_remove: bool, kept_why: Option<Cause>, removed: bool, removed_at: Option<Time>,
    removed_how: Option<MarkEnd>, removed_by: Option<String>,
}

wire! { MarkCleanupEnded "mark-cleanup.ended"
    applied: bool, live: Count, stale: Count, unknown: Count, unreadable: Count, removed: Count, kept: Count,
    more: bool, files: Count, unmatched: Vec<String>,
}

pub(super) fn check(line: &str, kind: &str) -> Option<Result<(), String>> {
    is::<Mark>(line, kind).or_else(|| is::<MarkCleanupEnded>(line, kind))
}
