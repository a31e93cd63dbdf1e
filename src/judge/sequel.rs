//! What follows from an outcome: the run's next state, the notice to the parent, the next try.
//! The table of outcomes in `docs/turn.md` is this `match`.

use std::time::Duration;

use crate::clock::Stamp;
use crate::judge::limit::ends_at;
use crate::judge::retry::{self, Next, policy};
use crate::judge::situation::Situation;
use crate::model::{CrashKind, DeadCause, Hold, MailType, Outcome, RetryClass, Run, RunState};

/// The longest wait for children or mail before a person is asked.
pub const WAIT_LIMIT: Duration = Duration::from_secs(24 * 3600);

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
    /// What becomes of the run's retry.
    pub retry: Retrying,
    /// Why the run is given up, if it is.
    pub dead: Option<DeadCause>,
}

/// What becomes of a run's retry when a turn of it has ended. The end of the run cancels an open one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retrying {
    /// There is none.
    None,
    /// A new one.
    Open(Next),
    /// The turn did nothing: the one it took, if it took one, is open again.
    PutBack,
}

impl Sequel {
    /// A state that nothing more follows from; what does is filled in.
    #[must_use]
    pub const fn plain(state: RunState, attempts: i64, notice: Option<MailType>) -> Self {
        Self {
            state,
            hold: None,
            attempts,
            retry_at: None,
            by_provider: false,
            notice,
            retry: Retrying::None,
            dead: None,
        }
    }
}

/// Decides what follows from an outcome; none: the run stays as it is.
#[must_use]
pub fn sequel(outcome: Outcome, run: &Situation) -> Option<Sequel> {
    use Outcome as O;
    let ended = |state, notice| Sequel::plain(state, run.attempts, notice);
    Some(match outcome {
        O::Fenced | O::Empty => return None,
        // The run is as it was before the turn, what held it too.
        O::NeverStarted if !run.stop_requested => Sequel {
            hold: run.before.hold,
            retry_at: run.before.held_until,
            by_provider: run.before.held_by_provider,
            retry: Retrying::PutBack,
            ..ended(run.before.state, None)
        },
        O::Completed if run.stop_requested => ended(RunState::Stopped, None),
        O::Completed => Sequel { attempts: 0, ..ended(RunState::Completed, None) },
        O::Waiting | O::Silent | O::Auth | O::ResumeRefused | O::NeverStarted if run.stop_requested => {
            ended(RunState::Stopped, Some(MailType::WorkerDied))
        }
        O::Waiting => Sequel {
            hold: Some(Hold::Awaiting),
            attempts: 0,
            retry_at: Some(run.waits_until.unwrap_or_else(|| run.now.plus(WAIT_LIMIT))),
            ..ended(RunState::Waiting, None)
        },
        O::Silent => ended(RunState::Completed, Some(MailType::WorkerDied)),
        O::Failed => again_or(RetryClass::Failed, run),
        O::NoResult => again_or(RetryClass::NoResult, run),
        O::Killed => again_or(RetryClass::Killed, run),
        O::SpawnFailed => again_or(RetryClass::SpawnFailed, run),
        O::Limited => again_or(RetryClass::Limited, run),
        O::Lost => again_or(RetryClass::Lost, run),
        O::Auth => Sequel { hold: Some(Hold::NeedsHuman), ..ended(RunState::Blocked, Some(MailType::Escalation)) },
        O::Stalled | O::TimedOut => ended(RunState::TimedOut, Some(MailType::WorkerDied)),
        O::Aborted | O::NeverStarted => ended(RunState::Stopped, Some(MailType::WorkerDied)),
        // The fresh try follows at once, in the same call.
        O::ResumeRefused => Sequel { retry: Retrying::PutBack, ..ended(RunState::BetweenTurns, None) },
    })
}

/// Until when a run may not go on: the provider's own time, while it lies ahead. Our pauses are advice and hold nobody.
/// A time that made sense only to a clock that has been put right since is none.
#[must_use]
pub fn held_until(run: &Run, now: Stamp) -> Option<Stamp> {
    ends_at(&[run.held_until.filter(|_| run.held_by_provider)], now)
}

/// What an outcome proves to be a crash of the agent. An error result is none: the agent has said what went wrong.
#[must_use]
pub const fn crash_of(outcome: Outcome) -> Option<CrashKind> {
    match outcome {
        Outcome::Killed => Some(CrashKind::Killed),
        Outcome::Lost => Some(CrashKind::Vanished),
        Outcome::NoResult => Some(CrashKind::NoResult),
        _ => None,
    }
}

/// The end of a run that is not tried again after this.
#[must_use]
pub const fn given_up(class: RetryClass) -> RunState {
    match class {
        RetryClass::Lost => RunState::Crashed,
        RetryClass::Failed
        | RetryClass::NoResult
        | RetryClass::Killed
        | RetryClass::SpawnFailed
        | RetryClass::Limited => RunState::Failed,
    }
}

/// Another try by the table of retries, or the end.
fn again_or(class: RetryClass, run: &Situation) -> Sequel {
    let attempts = run.attempts + i64::from(policy(class).counts);
    let over = |state| Sequel::plain(state, attempts, Some(MailType::WorkerDied));
    if run.stop_requested {
        return over(RunState::Stopped);
    }
    let next = match retry::next(class, attempts, run) {
        Err(cause) => return Sequel { dead: Some(cause), ..over(given_up(class)) },
        Ok(next) => next,
    };
    let (state, hold) = match class {
        RetryClass::Limited => (RunState::Blocked, Hold::Limited),
        _ => (RunState::BetweenTurns, Hold::Backoff),
    };
    Sequel {
        hold: Some(hold),
        retry_at: Some(next.due_at),
        by_provider: next.by_provider,
        retry: Retrying::Open(next),
        ..Sequel::plain(state, attempts, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Standing;

    const FIRST: Situation = Situation::FIRST;

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
    fn what_is_given_up_has_a_dead_letter_and_what_is_stopped_has_none() {
        for outcome in Outcome::ALL.iter().filter(|outcome| retry::class(**outcome).is_some()) {
            let given_up = *outcome != Outcome::Limited;
            let last = sequel(*outcome, &FIRST).unwrap();
            assert_eq!(last.dead, given_up.then_some(DeadCause::MaxAttempts), "{outcome}");
            assert_eq!(matches!(last.retry, Retrying::Open(_)), !given_up, "{outcome}");
            let stopped = sequel(*outcome, &Situation { stop_requested: true, ..FIRST }).unwrap();
            assert_eq!((stopped.dead, stopped.retry), (None, Retrying::None), "{outcome}");
        }
        for outcome in Outcome::ALL.iter().filter(|outcome| retry::class(**outcome).is_none()) {
            let dead = sequel(*outcome, &FIRST).and_then(|sequel| sequel.dead);
            assert_eq!(dead, None, "{outcome}");
        }
    }

    #[test]
    fn a_turn_that_did_nothing_puts_its_retry_back() {
        for outcome in Outcome::ALL {
            let back = sequel(*outcome, &FIRST).is_some_and(|sequel| sequel.retry == Retrying::PutBack);
            assert_eq!(back, matches!(outcome, Outcome::NeverStarted | Outcome::ResumeRefused), "{outcome}");
        }
    }

    /// Every history of up to four turns, with and without a stop in the last one.
    #[test]
    fn a_run_that_ends_badly_is_told_once_and_no_other_is() {
        let all = Outcome::ALL.len();
        for history in 0..all.pow(4) * 2 * 3 {
            let (stop, max_attempts) = (history % 2 == 1, i64::try_from(history / 2 % 3).unwrap() + 1);
            let mut run = Situation { max_attempts, ..FIRST };
            let mut told = 0;
            for turn in 0..4 {
                let outcome = Outcome::ALL[history / 6 / all.pow(turn) % all];
                run.stop_requested = stop && turn == 3;
                let Some(after) = sequel(outcome, &run) else { continue };
                told += usize::from(after.notice == Some(MailType::WorkerDied));
                assert!(after.attempts <= max_attempts, "{outcome} {run:?}");
                let open = matches!(after.retry, Retrying::Open(_));
                assert!(!(open && after.state.is_terminal()), "{outcome}: a run that has ended is not tried again");
                assert!(after.dead.is_none() || after.notice.is_some(), "{outcome}: given up, and nobody is told");
                if after.state.is_terminal() {
                    let well = outcome == Outcome::Completed;
                    assert_eq!(told, usize::from(!well), "{outcome} {run:?}");
                    break;
                }
                assert_eq!(told, 0, "{outcome}: told before its end");
                run.attempts = after.attempts;
            }
        }
    }

    #[test]
    fn a_wait_ends_when_the_agent_said_or_after_a_day() {
        let until = Some(Stamp::from_millis(5_000));
        let said = sequel(Outcome::Waiting, &Situation { waits_until: until, ..FIRST }).unwrap();
        let unsaid = sequel(Outcome::Waiting, &FIRST).unwrap();
        assert_eq!((said.retry_at, unsaid.retry_at), (until, Some(Stamp::from_millis(86_400_000))));
        assert!(!said.by_provider, "our wait holds no turn back");
    }
}
