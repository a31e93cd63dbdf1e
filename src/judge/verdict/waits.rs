//! Rules 3 and 4: the run waits on purpose, or is only being started.

use super::life::{Life, Seen};
use super::{Held, Matter, TurnCase, Verdict, Work, WorkerCase, end, life, settled};
use crate::judge::outcome::{Conclusion, Ended, Open, settle};
use crate::judge::owed::{done, may_be_done};
use crate::judge::worker::NEVER_CAME;
use crate::model::{Action, Cause, Ground, Hold, Outcome, OutcomeSource, Rule, RunState, VerdictWord, Why};

const WAIT: Rule = Rule::IntentionalWait;
const LAUNCH: Rule = Rule::LaunchPending;

/// 3. What waits on purpose is kept, even if its process is gone; past its deadline it ends.
pub(super) fn intentional_wait(m: &Matter<'_>) -> Option<Verdict> {
    if m.case.question_until.is_some_and(|until| m.now < until) {
        let until = m.case.question_until;
        return Some(Verdict { not_before: until, ..m.says(WAIT, VerdictWord::Waiting, Ground::QuestionOpen) });
    }
    match (m.case.standing.state, m.worker()) {
        // Only being started: whatever held the run before.
        _ if m.open_turn().is_some() => None,
        (_, Some(worker)) => done_but_open(m, worker),
        (RunState::Waiting, None) => Some(waiting(m)),
        (RunState::Blocked, None) => Some(blocked(m)),
        (RunState::BetweenTurns, None) => Some(between_turns(m)),
        _ => None,
    }
}

/// For its children, for mail, or for what it said.
fn waiting(m: &Matter<'_>) -> Verdict {
    let until = m.case.standing.held_until;
    if until.is_some_and(|until| until <= m.now) {
        return Verdict {
            action: Action::AskHuman,
            state_after: RunState::Blocked,
            ..m.says(WAIT, VerdictWord::NeedsHuman, Ground::WaitOver)
        };
    }
    let waits = |cause: Why| Verdict { not_before: until, ..m.says(WAIT, VerdictWord::Waiting, cause) };
    let goes_on = |cause: Why| Verdict { not_before: None, action: Action::Resume, ..waits(cause) };
    match m.case.open {
        Open { unread: 1.., .. } => goes_on(Cause::UnreadMail.into()),
        Open { children: 1.., .. } => waits(Cause::OpenChildren.into()),
        Open { yielded: true, .. } => waits(Cause::Yielded.into()),
        _ => goes_on(Ground::NothingAwaited.into()),
    }
}

/// By the provider's time, or for a person.
fn blocked(m: &Matter<'_>) -> Verdict {
    match (m.case.standing.hold, m.case.standing.held_until) {
        (Some(Hold::Limited), Some(until)) if m.now < until => {
            Verdict { not_before: Some(until), ..m.says(WAIT, VerdictWord::Limited, Ground::LimitPending) }
        }
        (Some(Hold::Limited), _) => {
            Verdict { action: Action::Resume, ..m.says(WAIT, VerdictWord::Limited, Ground::LimitOver) }
        }
        _ => m.says(WAIT, VerdictWord::NeedsHuman, Ground::PersonAsked),
    }
}

/// For its next try. The time is advice.
fn between_turns(m: &Matter<'_>) -> Verdict {
    if settled::is_unsaid(m) && may_be_done(m.case.open, &m.told.owed) {
        return m.unknown(WAIT, Ground::OwedUnknown);
    }
    let due = m.case.retry_due.or(m.case.standing.held_until);
    let resume = |ground| Verdict { action: Action::Resume, ..m.says(WAIT, VerdictWord::Waiting, ground) };
    match due {
        Some(due) if m.now < due => {
            Verdict { not_before: Some(due), ..m.says(WAIT, VerdictWord::Waiting, Ground::RetryPending) }
        }
        Some(_) => resume(Ground::RetryDue),
        None => resume(Ground::RetryMissing),
    }
}

/// A worker that is gone and done, whose children or mail keep its run.
fn done_but_open(m: &Matter<'_>, worker: &WorkerCase) -> Option<Verdict> {
    let Seen::Gone { looks } = life::of_worker(m, worker) else { return None };
    let is_done = done(m.case.open, &m.told.owed).is_some() || worker.exit == Some(Ended::Code(0));
    let clean = Conclusion { outcome: Outcome::Completed, cause: Cause::ExitCode, source: OutcomeSource::ExitCode };
    let end = settle(clean, m.case.open);
    (is_done && end.outcome == Outcome::Waiting).then(|| {
        let action = if end.cause == Cause::UnreadMail { Action::Resume } else { Action::None };
        Verdict { looks, action, ..m.says(WAIT, VerdictWord::Waiting, end.cause) }
    })
}

/// 4. Nothing has begun to run.
pub(super) fn launch_pending(m: &Matter<'_>) -> Option<Verdict> {
    match (&m.case.work, m.open_turn()) {
        (_, Some(turn)) => being_started(m, turn),
        (Work::Worker(worker), _) => to_come(m, worker),
        (Work::Turn(_), None) if m.case.standing.state == RunState::Booting => {
            Some(Verdict { action: Action::Resume, ..m.says(LAUNCH, VerdictWord::NeverStarted, Cause::NotReleased) })
        }
        _ => None,
    }
}

/// Of our own turn: whoever starts it holds its lock.
fn being_started(m: &Matter<'_>, turn: &TurnCase) -> Option<Verdict> {
    let ending = turn.ending.as_ref().filter(|ending| !ending.started)?;
    match life::of_turn(m, turn) {
        Life::Alive(_) => Some(m.says(LAUNCH, VerdictWord::Launching, Ground::BeingStarted)),
        Life::Gone => Some(match turn.supervisor_lock {
            Held::Yes => m.says(LAUNCH, VerdictWord::Launching, Ground::BeingStarted),
            Held::No => end::of_turn(m, LAUNCH, turn, ending),
            Held::Unknown => m.unknown(LAUNCH, Ground::LookFailed),
        }),
        Life::Orphans | Life::Unknown(_) => None,
    }
}

/// Of a worker: it has its time to come.
fn to_come(m: &Matter<'_>, worker: &WorkerCase) -> Option<Verdict> {
    match life::of_worker(m, worker) {
        Seen::Launching => Some(m.says(LAUNCH, VerdictWord::Launching, Ground::LaunchPending)),
        Seen::NeverCame { looks } => Some(Verdict { looks, ..end::of_worker(m, LAUNCH, None, NEVER_CAME) }),
        _ => None,
    }
}
