//! The records of the ledgers, declared once more: retries, dead letters, crashes, and the way out of an end.

use serde::Deserialize;

use super::{
    Count, CrashId, DeadLetterId, EndedBy, MailId, One, Outcome, RetryId, RunId, State, Time, TurnId, Wire, is,
};

words! {
    RetryClass: failed no_result killed lost spawn_failed limited;
    RetryState: open taken cancelled;
    HeldBy: open_turn stop needs_human mark provider pause;
    DeadCause: max_attempts max_time stale_generation expired max_deliveries;
    LetterState: open resolved replayed closed;
    CrashWho: agent turn shim mail probe reconcile mark mark_cleanup other;
    CrashKind: killed vanished no_result panic;
}

wire! { Retry "retry"
    retry: RetryId, run: RunId, agent: String, run_state: State, turn: Option<TurnId>, attempt: Count,
    class: Option<RetryClass>, counted: bool, due_at: Time, by_provider: bool, in_a_row: Count, since: Time,
    state: RetryState, held_by: Option<HeldBy>, session: Option<String>, opened_at: Time, closed_at: Option<Time>,
    taken_by: Option<TurnId>, reopened_from: Option<State>, reopened_by: Option<String>,
    reopened_why: Option<String>, cancelled_by: Option<String>, cancelled_why: Option<String>, command: Vec<String>,
}

wire! { DeadLetter "dead_letter"
    dead_letter: DeadLetterId, run: Option<RunId>, mail: Option<MailId>, agent: String, cause: DeadCause,
    attempt: Option<Count>, attempts: Count, last_error: Option<String>, log_dir: Option<String>, log_dir_lossy: bool,
    state: LetterState, run_state: Option<State>, opened_at: Time, opened_by: Option<TurnId>,
    resolved_at: Option<Time>, resolved_by: Option<TurnId>, acknowledged_at: Option<Time>,
    acknowledged_by: Option<String>, acknowledged_why: Option<String>, replayed_at: Option<Time>,
    replayed_by: Option<String>, replayed_why: Option<String>, replayed_as: Option<MailId>, closed_at: Option<Time>,
    closed_by: Option<String>, closed_why: Option<String>, command: Vec<String>,
}

wire! { RunReopened "run.reopened"
    run: RunId, agent: String, state_before: State, state: State, attempts: Count, max_attempts: Count,
    session: Option<String>, dead_letter: Option<DeadLetterId>, retry: RetryId, agent_stopped: bool, by: String,
    why: Option<String>, reopened_at: Time, command: Vec<String>,
}

wire! { Crash "crash"
    crash: CrashId, who: CrashWho, kind: CrashKind, message: String, run: Option<RunId>, turn: Option<TurnId>,
    agent: Option<String>, attempt: Option<Count>, crashed_at: Time, exit_code: Option<Count>, signal: Option<Count>,
    ended_by: Option<EndedBy>, duration_ms: Option<Count>, pid: Option<Count>, boot: Option<String>,
    tail: Option<String>, backtrace: Option<String>, version: String, source: Option<String>,
    run_state: Option<State>, outcome: Option<Outcome>,
}

pub(super) fn check(line: &str, kind: &str) -> Option<Result<(), String>> {
    is::<Retry>(line, kind)
        .or_else(|| is::<DeadLetter>(line, kind))
        .or_else(|| is::<RunReopened>(line, kind))
        .or_else(|| is::<Crash>(line, kind))
}
