//! When a run is tried again: the policy as one table, and the next try by it. Called by `sequel`.
//! It never waits and never starts anything: a time is advice, unless it is the provider's own.

use std::time::Duration;

use crate::clock::{Stamp, millis};
use crate::judge::situation::Situation;
use crate::model::{DeadCause, Outcome, RetryClass};

/// How a class of failures is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// It uses up an attempt.
    pub counts: bool,
    /// A time that the provider names goes before the pause.
    pub provider: bool,
    /// The first pause.
    pub first: Duration,
    /// Each pause in a row is so many times the one before.
    pub factor: u32,
    /// The longest pause.
    pub cap: Duration,
    /// Nothing is tried again for longer, the waits that a provider asked for left out.
    pub total: Duration,
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The table of `docs/turn.md`.
#[must_use]
pub const fn policy(class: RetryClass) -> Policy {
    use RetryClass as C;
    match class {
        C::Failed => row(true, false, 30, 2, 30),
        C::NoResult => row(true, false, 30, 2, 30),
        C::Killed => row(true, false, 30, 2, 30),
        C::Lost => row(true, false, 30, 2, 30),
        C::SpawnFailed => row(true, false, 30, 2, 30),
        C::Limited => row(false, true, 30, 2, 30),
    }
}

const fn row(counts: bool, provider: bool, first_s: u32, factor: u32, cap_min: u32) -> Policy {
    let (first, cap) = (SECOND.saturating_mul(first_s), MINUTE.saturating_mul(cap_min));
    Policy { counts, provider, first, factor, cap, total: DAY }
}

/// What an outcome is tried again as; none: it is not. What stalled or ran out of time may do so for ever, credentials
/// need a person, and a stop is a stop.
#[must_use]
pub const fn class(outcome: Outcome) -> Option<RetryClass> {
    use Outcome as O;
    match outcome {
        O::Failed => Some(RetryClass::Failed),
        O::NoResult => Some(RetryClass::NoResult),
        O::Killed => Some(RetryClass::Killed),
        O::Lost => Some(RetryClass::Lost),
        O::SpawnFailed => Some(RetryClass::SpawnFailed),
        O::Limited => Some(RetryClass::Limited),
        O::Auth | O::Stalled | O::TimedOut | O::Aborted => None,
        O::Completed | O::Waiting | O::Silent => None,
        O::ResumeRefused | O::NeverStarted | O::Fenced | O::Empty => None,
    }
}

/// The next try of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// After what.
    pub class: RetryClass,
    /// It used up an attempt.
    pub counted: bool,
    /// Not before then.
    pub due_at: Stamp,
    /// The time is the provider's own: a try before it is refused.
    pub by_provider: bool,
    /// Which pause of ours it is in a row; 0 for the provider's.
    pub in_a_row: i64,
    /// Since when the run is tried again.
    pub since: Stamp,
}

/// The next try after a failure of this class that leaves so many attempts used up, or why there is none.
///
/// # Errors
/// Why the run is given up.
pub fn next(class: RetryClass, attempts: i64, run: &Situation) -> Result<Next, DeadCause> {
    let policy = policy(class);
    if policy.counts && attempts >= run.max_attempts {
        return Err(DeadCause::MaxAttempts);
    }
    let since = run.prior.map_or(run.now, |prior| prior.since);
    if run.now.since(since) >= millis(policy.total) {
        return Err(DeadCause::MaxTime);
    }
    let told = run.limit_resets_at.filter(|at| policy.provider && *at > run.now);
    let in_a_row = match told {
        Some(_) => 0,
        None if policy.counts => attempts,
        // A limit that goes on after its own time is asked about less and less often.
        None => run.prior.map_or(0, |prior| prior.limits) + 1,
    };
    let due_at = told.unwrap_or_else(|| run.now.plus(pause(policy, in_a_row, run.jitter)));
    Ok(Next { class, counted: policy.counts, due_at, by_provider: told.is_some(), in_a_row, since })
}

/// The `n`th pause in a row, less up to a quarter: many runs that failed together do not come back together.
fn pause(policy: Policy, n: i64, jitter: f64) -> Duration {
    let steps = u32::try_from(n.max(1) - 1).unwrap_or(u32::MAX);
    let whole = policy.first.saturating_mul(policy.factor.saturating_pow(steps)).min(policy.cap);
    whole.mul_f64(0.75 + 0.25 * jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
#[path = "retry_tests.rs"]
mod tests;
