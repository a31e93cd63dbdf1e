//! From the end of somebody's work to a verdict: its word, what follows for the run, what is to be done.
//! Called by the rules that have found an end; how it ended is for `judge::outcome`, `owed` and `worker` to say.

use super::{Matter, TurnCase, Verdict};
use crate::judge::outcome::{Conclusion, Ended, Ending};
use crate::judge::owed::{end_of, is_adoptable, may_be_done};
use crate::judge::sequel::{Retrying, Sequel, sequel};
use crate::judge::situation::Situation;
use crate::judge::worker;
use crate::model::{
    Action, Cause, Ground, Hold, MailType, Outcome, OutcomeSource, RetryClass, Rule, RunState, VerdictWord, Wish,
};

/// Signals that a program brings on itself: ILL, TRAP, ABRT, BUS, FPE, SEGV, SYS.
const FAULTS: &[i32] = &[4, 5, 6, 7, 8, 11, 31];

/// How an open turn ended, by all that it has left.
pub(super) fn concluded(m: &Matter<'_>, ending: &Ending) -> Conclusion {
    end_of(ending, m.case.open, &m.told.owed)
}

/// The verdict on a turn whose tree is gone.
pub(super) fn of_turn(m: &Matter<'_>, rule: Rule, turn: &TurnCase, ending: &Ending) -> Verdict {
    let end = concluded(m, ending);
    let adoptable = is_adoptable(end.outcome) && ending.terminal.is_none();
    if is_in_doubt(m, end, adoptable) {
        return m.unknown(rule, Ground::OwedUnknown);
    }
    let exit = ending.exit.map(|(ended, _)| ended);
    ended(m, rule, word(end, exit), end, sequel(end.outcome, &situation(m, turn, ending)))
}

/// The verdict on a worker that is gone, or whose work is done.
pub(super) fn of_worker(m: &Matter<'_>, rule: Rule, exit: Option<Ended>, end: Conclusion) -> Verdict {
    if is_in_doubt(m, end, !matches!(end.outcome, Outcome::Completed | Outcome::Silent)) {
        return m.unknown(rule, Ground::OwedUnknown);
    }
    ended(m, rule, word(end, exit), end, Some(worker::sequel(end.outcome, m.case.attempts)))
}

/// What is not known might be the proof that the work is done: then no failure is recorded for it.
fn is_in_doubt(m: &Matter<'_>, end: Conclusion, adoptable: bool) -> bool {
    end.cause == Cause::ExpectationUnknown || (adoptable && may_be_done(m.case.open, &m.told.owed))
}

/// What an end makes of the run, and what is to be done about that.
pub(super) fn ended(m: &Matter<'_>, rule: Rule, word: VerdictWord, end: Conclusion, next: Option<Sequel>) -> Verdict {
    let says = Verdict { outcome: Some(end.outcome), ..m.says(rule, word, end.cause) };
    match next {
        None => says,
        Some(next) => Verdict {
            action: action(m, &next),
            not_before: next.retry_at,
            state_after: next.state,
            retry: retry_of(&next),
            ..says
        },
    }
}

/// What is to be done, by what follows.
fn action(m: &Matter<'_>, next: &Sequel) -> Action {
    match next {
        Sequel { state: RunState::Crashed, .. } => Action::MarkCrashed,
        Sequel { dead: Some(_), .. } => Action::Deadletter,
        Sequel { retry: Retrying::Open(_), .. } => Action::RetryAt,
        Sequel { hold: Some(Hold::NeedsHuman), .. } => Action::AskHuman,
        Sequel { notice: Some(MailType::WorkerDied), .. } if m.case.has_parent => Action::NotifyParent,
        _ => Action::Adopt,
    }
}

const fn retry_of(next: &Sequel) -> Option<RetryClass> {
    match next.retry {
        Retrying::Open(next) => Some(next.class),
        Retrying::None | Retrying::PutBack => None,
    }
}

/// The word for an outcome. An exit by a fault proves a crash, whatever was printed before it; what the work lacks
/// is another failure.
fn word(end: Conclusion, exit: Option<Ended>) -> VerdictWord {
    use Outcome as O;
    use VerdictWord as W;
    let of_work = end.source == OutcomeSource::Expectation;
    match end.outcome {
        O::Completed | O::Silent | O::Empty => W::Finished,
        O::Waiting => W::Waiting,
        O::Failed | O::NoResult | O::Killed if !of_work && exit.is_some_and(is_fault) => W::Crashed,
        O::Failed | O::NoResult | O::SpawnFailed | O::ResumeRefused | O::Fenced => W::Failed,
        O::Killed | O::Aborted => W::Killed,
        O::Lost => W::Vanished,
        O::Limited => W::Limited,
        O::Auth => W::NeedsHuman,
        O::NeverStarted => W::NeverStarted,
        O::Stalled | O::TimedOut => W::Stalled,
    }
}

/// Whether a process died of its own fault, as its signal says, or the code that a shell makes of one.
fn is_fault(ended: Ended) -> bool {
    match ended {
        Ended::Signal(signal) => FAULTS.contains(&signal),
        Ended::Code(code) => FAULTS.contains(&(code - 128)),
    }
}

/// What bears on what follows from the turn's end.
pub(super) fn situation(m: &Matter<'_>, turn: &TurnCase, ending: &Ending) -> Situation {
    let after = turn.after;
    Situation {
        before: after.before,
        attempts: m.case.attempts,
        max_attempts: m.case.max_attempts,
        stop_requested: ending.wish.is_some_and(is_stop),
        prior: after.prior,
        limit_resets_at: after.limit_resets_at,
        waits_until: after.waits_until,
        jitter: after.jitter,
        now: m.now,
    }
}

/// Whether a wish is somebody's, and not a clock's.
#[must_use]
const fn is_stop(wish: Wish) -> bool {
    matches!(wish, Wish::Operator | Wish::Interrupt)
}
