//! The records of `reconcile`, declared once more: what is true of a run, the rules that were tried, the end of a pass.

use serde::Deserialize;

use super::gathered::{Action, Rule, Verdict};
use super::ledgers::RetryClass;
use super::{Cause, Count, One, Outcome, RunId, State, Time, TurnId, Wire, is};

words! {
    Skipped: busy moved_on failed;
}

wire! { VerdictLine "verdict"
    run: RunId, agent: String, turn: Option<TurnId>, attempt: Count, state_before: State, verdict: Verdict,
    cause: Cause, rule: Rule, action: Action, applied: bool, skipped: Option<Skipped>, outcome: Option<Outcome>,
    state_after: State, retry: Option<RetryClass>, not_before: Option<Time>, command: Vec<String>,
    because: Vec<String>, looks: Count,
}

wire! { RuleLine "rule"
    run: RunId, place: Count, rule: Rule, decided: bool, verdict: Option<Verdict>, cause: Option<Cause>,
}

wire! { ReconcileEnded "reconcile.ended"
    runs: Count, unchanged: Count, planned: Count, repaired: Count, skipped_busy: Count, unknown: Count,
    errors: Count, servers_lost: Count,
}

pub(super) fn check(line: &str, kind: &str) -> Option<Result<(), String>> {
    is::<VerdictLine>(line, kind).or_else(|| is::<RuleLine>(line, kind)).or_else(|| is::<ReconcileEnded>(line, kind))
}
