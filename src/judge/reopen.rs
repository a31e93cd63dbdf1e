//! Whether a run may leave its end, and how one ends whose next try somebody has cancelled. Called by `reconcile`, which
//! looks itself whether anything of the run still lives.

use crate::id::{RunId, TurnId};
use crate::judge::sequel::{Sequel, given_up};
use crate::model::{MailType, RetryClass, Run, RunState};

/// Why a run stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It has not ended.
    Open,
    /// The agent has another open run.
    Other(RunId),
    /// A turn of the agent has no outcome yet.
    Turn(TurnId),
}

/// The attempts that a reopened run is allowed: those it had, and one more where they are used up.
///
/// # Errors
/// Why it stays as it is.
pub fn reopen(run: &Run, open: Option<RunId>, open_turn: Option<TurnId>) -> Result<i64, Refusal> {
    match (run.state.is_terminal(), open, open_turn) {
        (false, _, _) => Err(Refusal::Open),
        (true, Some(other), _) => Err(Refusal::Other(other)),
        (true, None, Some(turn)) => Err(Refusal::Turn(turn)),
        (true, None, None) => Ok(run.max_attempts.max(run.attempts + 1)),
    }
}

/// The end of a run whose next try somebody has cancelled: that of its last failure, told once. One that was reopened and
/// that nothing has run of since ends as it had ended, and its parent has heard of that. No attempt is used up by it.
#[must_use]
pub const fn cancelled(class: Option<RetryClass>, was: RunState, attempts: i64) -> Sequel {
    match class {
        Some(class) => Sequel::plain(given_up(class), attempts, Some(MailType::WorkerDied)),
        None => Sequel::plain(was, attempts, None),
    }
}

#[cfg(test)]
#[path = "reopen_tests.rs"]
mod tests;
