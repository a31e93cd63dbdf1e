//! Rules 5 to 8: whether what stands for the run lives, what is left where its shim is dead, whether it moves, and its age.

use super::told::{Word, is_elsewhere, overlay};
use super::{Handling, Held, Left, Matter, TurnCase, Verdict, WorkerCase, end};
use crate::clock::millis;
use crate::judge::outcome::Conclusion;
use crate::judge::sequel::sequel;
use crate::judge::worker;
use crate::model::{
    Action, Cause, Ground, Observed, Outcome, OutcomeSource, Phase, Reason, Rule, RunState, VerdictWord,
};

/// So many looks have to agree where tmux alone tells of a death.
const AGREEING: i64 = 2;

/// What lives of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Its shim, or whoever starts or finishes it.
    Alive(Ground),
    /// Something of its tree, without its shim.
    Orphans,
    /// Nothing, for certain.
    Gone,
    /// It could not be found out.
    Unknown(Ground),
}

/// What lives of a turn without an outcome. A held lock overrules every sign of death.
pub(super) fn of_turn(m: &Matter<'_>, turn: &TurnCase) -> Life {
    let shim = turn.shim.map(|own| overlay(own, m.told.shim));
    let agent = turn.agent.map(|own| overlay(own, m.told.work));
    let is = |sight: Option<crate::model::Sight>, observed| sight.is_some_and(|sight| sight.observed == observed);
    let has_record = turn.ending.is_some_and(|ending| ending.exit.is_some());
    if is(shim, Observed::Alive) {
        return Life::Alive(Ground::Alive);
    }
    match (turn.turn_lock, turn.left) {
        (Held::Yes, _) => Life::Alive(Ground::Alive),
        (Held::Unknown, _) => Life::Unknown(Ground::LookFailed),
        // What has written its last record has seen its tree gone, wherever it ran.
        (Held::No, Left::Nothing) if has_record => Life::Gone,
        (Held::No, _) if is(shim, Observed::Unknown) => Life::Unknown(Ground::LookFailed),
        (Held::No, Left::Some(_)) => Life::Orphans,
        (Held::No, _) if is(agent, Observed::Alive) => Life::Orphans,
        (Held::No, Left::Nothing) if !is(agent, Observed::Unknown) => Life::Gone,
        (Held::No, Left::Nothing | Left::Unknown(_) | Left::Held) => Life::Unknown(Ground::LookFailed),
    }
}

/// What is seen of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It lives.
    Alive(Ground),
    /// It is gone for certain, by so many looks.
    Gone { looks: i64 },
    /// It was never seen and may still come.
    Launching,
    /// It never came.
    NeverCame { looks: i64 },
    /// It could not be found out.
    Unknown(Ground),
}

/// Whether a worker is there. What tmux alone says has to be said twice, and by nobody gainsaid.
pub(super) fn of_worker(m: &Matter<'_>, worker: &WorkerCase) -> Seen {
    let told = m.told.work;
    let looks = worker.looks + i64::from(matches!(told, Word::DeadHere | Word::DeadThere));
    match (worker.sight.observed, worker.sight.why) {
        (Observed::Alive, _) => Seen::Alive(Ground::Alive),
        (Observed::Unknown, _) if told == Word::Alive => Seen::Alive(Ground::ToldAlive),
        (Observed::Unknown, Reason::Launching) => Seen::Launching,
        (Observed::Unknown, why) if told == Word::DeadThere && is_elsewhere(why) => Seen::Gone { looks },
        (Observed::Unknown, _) => Seen::Unknown(Ground::LookFailed),
        (Observed::Gone, why) if is_definite(why) => Seen::Gone { looks },
        (Observed::Gone, _) if matches!(told, Word::Alive | Word::Doubt) => Seen::Unknown(Ground::EvidenceContradicts),
        (Observed::Gone, _) if looks < AGREEING => Seen::Unknown(Ground::OneLook),
        (Observed::Gone, Reason::NeverAppeared) => Seen::NeverCame { looks },
        (Observed::Gone, _) => Seen::Gone { looks },
    }
}

/// Whether one look is enough: the kernel says it, or tmux tells the end of a pane that it still has.
const fn is_definite(why: Reason) -> bool {
    !matches!(why, Reason::NotListed | Reason::NotFound | Reason::NoServer | Reason::NeverAppeared)
}

/// 5. Whether what stands for the run lives, by its identity.
pub(super) fn identity(m: &Matter<'_>) -> Option<Verdict> {
    match (m.open_turn(), m.worker()) {
        (Some(turn), _) => turn_by_identity(m, turn),
        (_, Some(worker)) => worker_by_identity(m, worker),
        _ => None,
    }
}

fn turn_by_identity(m: &Matter<'_>, turn: &TurnCase) -> Option<Verdict> {
    match (of_turn(m, turn), turn.supervisor_lock) {
        (Life::Alive(_), _) if turn.silence.is_some() => None,
        (Life::Alive(_), Held::No) => Some(Verdict {
            action: Action::Attach,
            ..m.says(Rule::Identity, VerdictWord::Unsupervised, Ground::NoSupervisor)
        }),
        (Life::Alive(ground), Held::Unknown) => Some(m.says(Rule::Identity, VerdictWord::Running, ground)),
        (Life::Alive(_), Held::Yes) => Some(m.says(Rule::Identity, VerdictWord::Running, Ground::Watched)),
        (Life::Orphans, _) => None,
        (Life::Gone, _) => Some(match &turn.ending {
            Some(ending) => end::of_turn(m, Rule::Identity, turn, ending),
            None => m.unknown(Rule::Identity, Ground::EndUnreadable),
        }),
        (Life::Unknown(ground), _) => Some(m.unknown(Rule::Identity, ground)),
    }
}

fn worker_by_identity(m: &Matter<'_>, worker: &WorkerCase) -> Option<Verdict> {
    match of_worker(m, worker) {
        Seen::Alive(_) if is_silent(m, worker) => None,
        Seen::Alive(ground) => Some(m.says(Rule::Identity, VerdictWord::Running, ground)),
        Seen::Gone { looks } => {
            let end = worker::by_death(worker.exit, m.case.open, &m.told.owed)?;
            Some(Verdict { looks, ..end::of_worker(m, Rule::Identity, worker.exit, end) })
        }
        Seen::Unknown(ground) => Some(m.unknown(Rule::Identity, ground)),
        Seen::Launching | Seen::NeverCame { .. } => None,
    }
}

/// 6. Its shim is dead and something of its tree is not: nobody can record its exit any more.
pub(super) fn orphaned(m: &Matter<'_>) -> Option<Verdict> {
    let turn = m.open_turn().filter(|turn| of_turn(m, turn) == Life::Orphans)?;
    let says = m.says(Rule::Orphaned, VerdictWord::Orphaned, Ground::ShimGone);
    let (Handling::Kill, Left::Some(_), Some(ending)) = (m.policy.orphans, turn.left, &turn.ending) else {
        return Some(says);
    };
    let after = end::of_turn(m, Rule::Orphaned, turn, ending);
    Some(match after.outcome {
        // What it owes may be there, and cannot be looked at: nothing is killed for that.
        None => says,
        Some(_) => {
            let (verdict, cause, action) = (says.verdict, says.cause, Action::KillThenCrash);
            Verdict { verdict, cause, action, ..after }
        }
    })
}

/// 7. It lives, and its last progress is older than the clock of its phase allows. A heartbeat is no progress.
pub(super) fn silent(m: &Matter<'_>) -> Option<Verdict> {
    let says = |cause| m.says(Rule::Silent, VerdictWord::Stalled, cause);
    if let Some(worker) = m.worker() {
        return is_silent(m, worker).then(|| says(Cause::NoProgress));
    }
    let turn = m.open_turn()?;
    let cause = match turn.silence?.phase {
        Phase::Starting => Cause::NoFirstEvent,
        Phase::Model | Phase::Ending => Cause::NoProgress,
        Phase::Tool => Cause::NoProgressInTool,
    };
    let shim_lives = turn.shim.is_some_and(|shim| shim.observed == Observed::Alive);
    Some(match (m.policy.stalled, turn.supervisor_lock, &turn.ending) {
        (Handling::Kill, Held::No, Some(ending)) if shim_lives => {
            let end = Conclusion { outcome: Outcome::Stalled, cause, source: OutcomeSource::Clock };
            let next = sequel(end.outcome, &end::situation(m, turn, ending));
            let after = end::ended(m, Rule::Silent, VerdictWord::Stalled, end, next);
            Verdict { action: Action::KillThenCrash, ..after }
        }
        (_, Held::No, _) => Verdict { action: Action::Attach, ..says(cause) },
        _ => says(cause),
    })
}

fn is_silent(m: &Matter<'_>, worker: &WorkerCase) -> bool {
    worker.progress_ms.is_some_and(|ago| ago > millis(m.policy.worker_silence))
}

/// 8. Nothing stands for the run: how long it has been so is all there is.
pub(super) fn age(m: &Matter<'_>) -> Option<Verdict> {
    let young = m.quiet_ms().is_none_or(|quiet| quiet < millis(m.policy.unknown_after));
    Some(match m.case.standing.state {
        RunState::Booting if young => m.says(Rule::Age, VerdictWord::Launching, Ground::NothingStandsForIt),
        _ if young => m.says(Rule::Age, VerdictWord::Unknown, Ground::NothingStandsForIt),
        _ => Verdict {
            action: Action::AskHuman,
            ..m.says(Rule::Age, VerdictWord::NeedsHuman, Ground::NothingStandsForIt)
        },
    })
}
