//! Whether an open retry may be taken up now, and what keeps it if not. Called by `prospect`.
//! It holds nobody back: `turn run` has rules of its own, of which a mark and the provider's time are two.

use crate::clock::Stamp;
use crate::id::{MarkId, TurnId};
use crate::judge::limit::ends_at;
use crate::judge::sequel::held_until;
use crate::model::{HeldBy, Hold, Retry, Run};

/// What stands around a retry.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// The run that is to be tried again.
    pub run: &'a Run,
    /// The agent's turn without an outcome.
    pub open_turn: Option<TurnId>,
    /// The agent was stopped, and no turn has lifted that.
    pub stopped: bool,
    /// The mark that keeps the agent from a turn.
    pub mark: Option<MarkId>,
    /// Now.
    pub now: Stamp,
}

/// What keeps an open retry from being taken up now: what lasts longest goes first. None: it is due.
#[must_use]
pub fn held_by(retry: &Retry, around: &Around<'_>) -> Option<HeldBy> {
    let ahead = ends_at(&[Some(retry.due_at)], around.now).is_some();
    match (around.open_turn, around.stopped, around.run.hold) {
        (Some(_), _, _) => Some(HeldBy::OpenTurn),
        (None, true, _) => Some(HeldBy::Stop),
        (None, false, Some(Hold::NeedsHuman)) => Some(HeldBy::NeedsHuman),
        _ if around.mark.is_some() => Some(HeldBy::Mark),
        _ if held_until(around.run, around.now).is_some() || (ahead && retry.by_provider) => Some(HeldBy::Provider),
        _ if ahead => Some(HeldBy::Pause),
        _ => None,
    }
}

#[cfg(test)]
#[path = "due_tests.rs"]
mod tests;
