//! Rules 1 and 2: the run has ended, or what its work has left says how it ended.

use super::life::{Life, Seen};
use super::{Handling, Left, Matter, TurnCase, Verdict, WorkerCase, end, life};
use crate::judge::outcome::{Ending, Open};
use crate::judge::worker;
use crate::model::{Action, Ground, Outcome, OutcomeSource, Rule, RunState, VerdictWord};

/// 1. The run has ended: nothing changes that, whatever is seen or told.
pub(super) fn terminal(m: &Matter<'_>) -> Option<Verdict> {
    let word = match m.case.standing.state {
        RunState::Completed => VerdictWord::Finished,
        RunState::Failed if m.case.outcome == Some(Outcome::Killed) => VerdictWord::Killed,
        RunState::Failed => VerdictWord::Failed,
        RunState::Crashed => VerdictWord::Vanished,
        RunState::TimedOut => VerdictWord::Stalled,
        RunState::Stopped => VerdictWord::Killed,
        RunState::Booting | RunState::InTurn | RunState::BetweenTurns | RunState::Waiting | RunState::Blocked => {
            return None;
        }
    };
    Some(m.says(Rule::Terminal, word, Ground::Recorded))
}

/// 2. What its work has left: a terminal event, an exit record, the mail and the files that are owed.
pub(super) fn durable_result(m: &Matter<'_>) -> Option<Verdict> {
    match (m.open_turn(), m.worker()) {
        (Some(turn), _) => of_turn(m, turn),
        (_, Some(worker)) => of_worker(m, worker),
        _ => of_idle(m),
    }
}

/// Of a turn that we started, once its tree is gone: a second agent must not start beside what lives of it.
fn of_turn(m: &Matter<'_>, turn: &TurnCase) -> Option<Verdict> {
    let ending = turn.ending.as_ref()?;
    let conclusion = end::concluded(m, ending);
    let has_end = ending.exit.is_some() || ending.not_run.is_some() || ending.terminal.is_some();
    let proven =
        (has_end || conclusion.source == OutcomeSource::Expectation) && conclusion.outcome != Outcome::NeverStarted;
    let good = matches!(conclusion.outcome, Outcome::Completed | Outcome::Silent | Outcome::Waiting);
    match life::of_turn(m, turn) {
        Life::Gone if contradicts(m) => Some(conflict(m)),
        Life::Gone if proven => Some(end::of_turn(m, Rule::DurableResult, turn, ending)),
        Life::Orphans if proven && good => beside_orphans(m, turn, ending),
        _ => None,
    }
}

/// Its work is done, and its end is recorded once nothing of it lives.
fn beside_orphans(m: &Matter<'_>, turn: &TurnCase, ending: &Ending) -> Option<Verdict> {
    let adopted = end::of_turn(m, Rule::DurableResult, turn, ending);
    let lives = Verdict { verdict: VerdictWord::Finished, cause: Ground::TreeLives.into(), ..adopted };
    match (lives.outcome, m.policy.orphans, turn.left) {
        (None, ..) => None,
        (_, Handling::Kill, Left::Some(_)) => Some(lives),
        _ => Some(Verdict { action: Action::None, not_before: None, state_after: m.case.standing.state, ..lives }),
    }
}

/// Of a worker at once: its session is not ours to end.
fn of_worker(m: &Matter<'_>, worker: &WorkerCase) -> Option<Verdict> {
    let seen = life::of_worker(m, worker);
    let by_work = worker::by_work(m.case.open, &m.told.owed);
    match (seen, by_work) {
        (Seen::Gone { .. }, _) if contradicts(m) => Some(conflict(m)),
        (_, Some(done)) => Some(end::of_worker(m, Rule::DurableResult, None, done)),
        (Seen::Gone { looks }, None) if worker.exit.is_some() => {
            let end = worker::by_death(worker.exit, m.case.open, &m.told.owed)?;
            Some(Verdict { looks, ..end::of_worker(m, Rule::DurableResult, worker.exit, end) })
        }
        _ => None,
    }
}

/// Of a run between its turns, whose work was done after its last turn ended without a word of its own.
fn of_idle(m: &Matter<'_>) -> Option<Verdict> {
    let over = m.case.standing.held_until.is_some_and(|until| until <= m.now);
    let open = Open { yielded: m.case.open.yielded && !over, ..m.case.open };
    let end = worker::by_work(open, &m.told.owed).filter(|_| is_unsaid(m))?;
    Some(end::of_worker(m, Rule::DurableResult, None, end))
}

/// Whether the last turn ended without a word that stands: what it said of its failure is never overruled.
pub(super) fn is_unsaid(m: &Matter<'_>) -> bool {
    let unsaid = matches!(m.case.outcome, Some(Outcome::Waiting | Outcome::Killed | Outcome::Lost | Outcome::NoResult));
    unsaid && !m.case.reopened
}

/// Whether truth sources say different things.
fn contradicts(m: &Matter<'_>) -> bool {
    m.told.conflict || !m.case.conflicts.is_empty()
}

/// Nothing is repaired where the sources of truth contradict each other.
fn conflict(m: &Matter<'_>) -> Verdict {
    Verdict {
        action: Action::AskHuman,
        ..m.says(Rule::DurableResult, VerdictWord::Conflict, Ground::SourcesContradict)
    }
}
