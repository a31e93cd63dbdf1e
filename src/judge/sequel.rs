//! What follows from an outcome: the run's next state, the notice to the parent, the next try.
//! The table of outcomes in `docs/turn.md` is this `match`.

use std::time::Duration;

use crate::clock::Stamp;
use crate::model::{Hold, MailType, Outcome, Run, RunState, Standing};

/// The first pause before another try; it doubles with each.
const BACKOFF_FIRST: Duration = Duration::from_secs(30);
/// The longest pause.
const BACKOFF_CAP: Duration = Duration::from_secs(30 * 60);
/// The longest wait for children or mail before a person is asked.
pub const WAIT_LIMIT: Duration = Duration::from_secs(24 * 3600);

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
    /// When the provider's limit ends, in the provider's own words.
    pub limit_resets_at: Option<Stamp>,
    /// Until when the agent said that it waits.
    pub waits_until: Option<Stamp>,
    /// Between 0 and 1: spreads the next tries of many runs.
    pub jitter: f64,
    /// Now.
    pub now: Stamp,
}

/// What becomes of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequel {
    /// The run's state from now on.
    pub state: RunState,
    /// Why it is held, if it is.
    pub hold: Option<Hold>,
    /// Attempts used up from now on.
    pub attempts: i64,
    /// Not before then.
    pub retry_at: Option<Stamp>,
    /// The time is the provider's own: a try before it is refused.
    pub by_provider: bool,
    /// What the parent hears.
    pub notice: Option<MailType>,
}

/// Decides what follows from an outcome; none: the run stays as it is.
#[must_use]
pub fn sequel(outcome: Outcome, run: &Situation) -> Option<Sequel> {
    use Outcome as O;
    let ended = |state, notice| Sequel {
        state,
        hold: None,
        attempts: run.attempts,
        retry_at: None,
        by_provider: false,
        notice,
    };
    Some(match outcome {
        O::Fenced | O::Empty => return None,
        // The run is as it was before the turn, what held it too.
        O::NeverStarted if !run.stop_requested => Sequel {
            hold: run.before.hold,
            retry_at: run.before.held_until,
            by_provider: run.before.held_by_provider,
            ..ended(run.before.state, None)
        },
        O::Completed if run.stop_requested => ended(RunState::Stopped, None),
        O::Completed => Sequel { attempts: 0, ..ended(RunState::Completed, None) },
        O::Waiting | O::Silent | O::Limited | O::Auth | O::ResumeRefused | O::NeverStarted if run.stop_requested => {
            ended(RunState::Stopped, Some(MailType::WorkerDied))
        }
        O::Waiting => Sequel {
            hold: Some(Hold::Awaiting),
            attempts: 0,
            retry_at: Some(run.waits_until.unwrap_or_else(|| run.now.plus(WAIT_LIMIT))),
            ..ended(RunState::Waiting, None)
        },
        O::Silent => ended(RunState::Completed, Some(MailType::WorkerDied)),
        O::Failed | O::NoResult | O::Killed | O::SpawnFailed => again_or(RunState::Failed, run),
        O::Lost => again_or(RunState::Crashed, run),
        O::Limited => Sequel {
            hold: Some(Hold::Limited),
            retry_at: Some(run.limit_resets_at.unwrap_or_else(|| run.now.plus(backoff(1, run.jitter)))),
            by_provider: run.limit_resets_at.is_some(),
            ..ended(RunState::Blocked, None)
        },
        O::Auth => Sequel { hold: Some(Hold::NeedsHuman), ..ended(RunState::Blocked, Some(MailType::Escalation)) },
        O::Stalled | O::TimedOut => ended(RunState::TimedOut, Some(MailType::WorkerDied)),
        O::Aborted | O::NeverStarted => ended(RunState::Stopped, Some(MailType::WorkerDied)),
        // The fresh try follows at once, in the same call.
        O::ResumeRefused => ended(RunState::BetweenTurns, None),
    })
}

/// Until when a run may not go on: the provider's own time, while it lies ahead. Our pauses are advice and hold nobody.
#[must_use]
pub fn held_until(run: &Run, now: Stamp) -> Option<Stamp> {
    run.held_until.filter(|until| run.held_by_provider && now < *until)
}

/// Another try, or the end when the attempts are used up.
fn again_or(last: RunState, run: &Situation) -> Sequel {
    let attempts = run.attempts + 1;
    let over = Sequel {
        state: last,
        hold: None,
        attempts,
        retry_at: None,
        by_provider: false,
        notice: Some(MailType::WorkerDied),
    };
    if run.stop_requested {
        return Sequel { state: RunState::Stopped, ..over };
    }
    if attempts >= run.max_attempts {
        return over;
    }
    Sequel {
        state: RunState::BetweenTurns,
        hold: Some(Hold::Backoff),
        retry_at: Some(run.now.plus(backoff(attempts, run.jitter))),
        notice: None,
        ..over
    }
}

/// The pause after the `n`th failure: 30 s, doubled each time, at most 30 min, and a quarter of it spread.
fn backoff(n: i64, jitter: f64) -> Duration {
    let doublings = u32::try_from(n.clamp(1, 16) - 1).unwrap_or(0);
    let pause = BACKOFF_FIRST.saturating_mul(1 << doublings).min(BACKOFF_CAP);
    pause.mul_f64(0.75 + 0.25 * jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOTING: Standing =
        Standing { state: RunState::Booting, hold: None, held_until: None, held_by_provider: false };

    const FIRST: Situation = Situation {
        before: BOOTING,
        attempts: 0,
        max_attempts: 1,
        stop_requested: false,
        limit_resets_at: None,
        waits_until: None,
        jitter: 1.0,
        now: Stamp::from_millis(0),
    };

    #[test]
    fn the_table_of_sequels() {
        use MailType::{Escalation, WorkerDied};
        let of_three = Situation { max_attempts: 3, ..FIRST };
        let last = Situation { attempts: 2, ..of_three };
        let stopped = Situation { stop_requested: true, ..of_three };
        let rows = [
            (Outcome::Completed, FIRST, "completed", None),
            (Outcome::Completed, stopped, "stopped", None),
            (Outcome::Waiting, FIRST, "waiting", None),
            (Outcome::Silent, FIRST, "completed", Some(WorkerDied)),
            (Outcome::Failed, FIRST, "failed", Some(WorkerDied)),
            (Outcome::Failed, of_three, "between_turns", None),
            (Outcome::Failed, last, "failed", Some(WorkerDied)),
            (Outcome::Failed, stopped, "stopped", Some(WorkerDied)),
            (Outcome::NoResult, of_three, "between_turns", None),
            (Outcome::NoResult, FIRST, "failed", Some(WorkerDied)),
            (Outcome::Killed, FIRST, "failed", Some(WorkerDied)),
            (Outcome::Killed, of_three, "between_turns", None),
            (Outcome::SpawnFailed, FIRST, "failed", Some(WorkerDied)),
            (Outcome::Lost, FIRST, "crashed", Some(WorkerDied)),
            (Outcome::Lost, of_three, "between_turns", None),
            (Outcome::Limited, FIRST, "blocked", None),
            (Outcome::Auth, FIRST, "blocked", Some(Escalation)),
            (Outcome::Stalled, of_three, "timed_out", Some(WorkerDied)),
            (Outcome::TimedOut, of_three, "timed_out", Some(WorkerDied)),
            (Outcome::Aborted, of_three, "stopped", Some(WorkerDied)),
            (Outcome::ResumeRefused, FIRST, "between_turns", None),
            (Outcome::NeverStarted, stopped, "stopped", Some(WorkerDied)),
            (Outcome::NeverStarted, FIRST, "booting", None),
        ];
        for (outcome, run, state, notice) in rows {
            let sequel = sequel(outcome, &run).unwrap();
            assert_eq!((sequel.state.word(), sequel.notice), (state, notice), "{outcome} {run:?}");
        }
    }

    #[test]
    fn what_never_ran_leaves_the_run_as_it_was() {
        for outcome in [Outcome::Fenced, Outcome::Empty] {
            assert_eq!(sequel(outcome, &FIRST), None, "{outcome}");
        }
        let until = Some(Stamp::from_millis(7));
        let limited =
            Standing { state: RunState::Blocked, hold: Some(Hold::Limited), held_until: until, held_by_provider: true };
        let after = sequel(Outcome::NeverStarted, &Situation { before: limited, ..FIRST }).unwrap();
        assert_eq!((after.state, after.hold), (RunState::Blocked, Some(Hold::Limited)));
        assert_eq!((after.retry_at, after.by_provider, after.attempts), (until, true, 0));
    }

    #[test]
    fn only_failures_cost_an_attempt() {
        for outcome in Outcome::ALL {
            let used = sequel(*outcome, &Situation { max_attempts: 3, ..FIRST }).map_or(0, |sequel| sequel.attempts);
            let costs = matches!(
                outcome,
                Outcome::Failed | Outcome::NoResult | Outcome::Killed | Outcome::SpawnFailed | Outcome::Lost
            );
            assert_eq!(used, i64::from(costs), "{outcome}");
        }
    }

    #[test]
    fn the_providers_time_is_kept_and_ours_is_advice() {
        let resets_at = Some(Stamp::from_millis(3 * 3_600_000));
        let told = sequel(Outcome::Limited, &Situation { limit_resets_at: resets_at, ..FIRST }).unwrap();
        assert_eq!((told.retry_at, told.by_provider), (resets_at, true));
        let untold = sequel(Outcome::Limited, &FIRST).unwrap();
        assert_eq!((untold.retry_at, untold.by_provider), (Some(Stamp::from_millis(30_000)), false));
    }

    #[test]
    fn a_wait_ends_when_the_agent_said_or_after_a_day() {
        let until = Some(Stamp::from_millis(5_000));
        let said = sequel(Outcome::Waiting, &Situation { waits_until: until, ..FIRST }).unwrap();
        let unsaid = sequel(Outcome::Waiting, &FIRST).unwrap();
        assert_eq!((said.retry_at, unsaid.retry_at), (until, Some(Stamp::from_millis(86_400_000))));
        assert!(!said.by_provider, "our wait holds no turn back");
    }

    #[test]
    fn pauses_double_and_are_capped() {
        let pauses: Vec<u64> = (1..=9).map(|n| backoff(n, 1.0).as_secs()).collect();
        assert_eq!(pauses, [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]);
        assert_eq!(backoff(1, 0.0), Duration::from_millis(22_500));
    }
}
