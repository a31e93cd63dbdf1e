//! What bears on what follows from a turn's end: the run as it was, and the retry that led to the turn.
//! Filled in by `finish`; read by `sequel` and `retry`.

use crate::clock::Stamp;
use crate::model::{Retry, RetryClass, Standing};

/// The run as it was when the turn began, and what bears on its next try.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// Where the run stood before the turn.
    pub before: Standing,
    /// Attempts used up before this turn.
    pub attempts: i64,
    /// Attempts allowed.
    pub max_attempts: i64,
    /// Somebody asked for the end of the run.
    pub stop_requested: bool,
    /// The retry that led to this turn, if one did.
    pub prior: Option<Prior>,
    /// When the provider's limit ends, in the provider's own words.
    pub limit_resets_at: Option<Stamp>,
    /// Until when the agent said that it waits.
    pub waits_until: Option<Stamp>,
    /// Between 0 and 1: spreads the next tries of many runs.
    pub jitter: f64,
    /// Now.
    pub now: Stamp,
}

#[cfg(test)]
impl Situation {
    /// That of the first turn of a run with one attempt.
    pub(super) const FIRST: Self = Self {
        before: Standing {
            state: crate::model::RunState::Booting,
            hold: None,
            held_until: None,
            held_by_provider: false,
        },
        attempts: 0,
        max_attempts: 1,
        stop_requested: false,
        prior: None,
        limit_resets_at: None,
        waits_until: None,
        jitter: 1.0,
        now: Stamp::from_millis(0),
    };
}

/// What the retry that led to a turn passes on to the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prior {
    /// Since when the run is tried again.
    pub(super) since: Stamp,
    /// Pauses of ours after limits, in a row.
    pub(super) limits: i64,
}

impl Prior {
    /// Of the retry that the turn has taken.
    #[must_use]
    pub fn of(taken: &Retry) -> Self {
        let waited = match taken.closed_at {
            Some(closed) if taken.by_provider => closed.min(taken.due_at).since(taken.opened_at),
            _ => 0,
        };
        let limits = if taken.class == Some(RetryClass::Limited) { taken.in_a_row } else { 0 };
        Self { since: Stamp::from_millis(taken.since.millis().saturating_add(waited)), limits }
    }
}
