//! The last look and the finish of a turn: one function, whoever finishes it.
//! Called by `turn run`, `turn attach` and `turn stop` under the supervisor lock, once the tree is gone.
//! The first to record an outcome wins; the others read it.

mod ended;
mod evidence;
mod idle;
mod ledger;
mod notice;
pub mod remains;
mod stderr;
pub mod unwatched;

pub use ended::{open_of_turn, open_of_worker};
pub use evidence::{Evidence, Watched, told, unheard};
pub use idle::{Gone, Seen, end_by_word, end_by_work, end_cancelled, end_gone, end_wait, recorded_word, stop_idle};
pub use stderr::Stderr;

use crate::clock::Stamp;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::judge::lease::fate;
use crate::judge::outcome::{Conclusion, exit_of};
use crate::judge::owed::end_of;
use crate::judge::sequel::{Sequel, sequel};
use crate::judge::situation::{Prior, Situation};
use crate::lock::SupervisorLock;
use crate::model::{Cause, Look, MailType, Outcome, OutcomeSource, Owed, Run, Turn, Wish, WishNote};
use crate::owed;
use crate::record::TurnEnded;
use crate::runtime::SessionBy;
use crate::state::{State, Tx, mail, mark, retry, run, turn};

/// A turn with its outcome.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The record, as it was stored.
    pub ended: TurnEnded,
    /// When it was stored.
    pub at: Stamp,
    /// The exit code it stands for.
    pub exit: Exit,
}

/// Finishes a turn whose tree is gone: concludes, and writes all that follows in one transaction.
///
/// Somebody else may have been first; then nothing is written, and theirs is returned.
///
/// # Errors
/// Those of the state file: then nothing has been written, and the next who finishes the turn begins anew.
pub fn finish(state: &mut State, _held: &SupervisorLock, evidence: &Evidence<'_>) -> Result<Finished> {
    let jitter = jitter(evidence.turn);
    let id = evidence.turn.id;
    // Files and repositories take time to look at, and nobody else can write in a transaction.
    let looked = owed::look_again(state, evidence.turn.run)?;
    state.write("finish a turn", |tx| {
        let turn = turn::by_id(tx, id)?.ok_or_else(|| Failure::not_found(format!("turn {id} is gone")))?;
        match recorded(&turn)? {
            Some(finished) => Ok(finished),
            None => record(tx, &turn, evidence, &looked, jitter),
        }
    })
}

/// Between 0 and 1, and always the same for a turn: spreads the next tries of many runs.
#[must_use]
pub fn jitter(turn: &Turn) -> f64 {
    f64::from(turn.token.bytes().fold(0_u8, u8::wrapping_add)) / 255.0
}

/// The outcome that is recorded already.
///
/// # Errors
/// 65 for a record that this version cannot read.
pub fn recorded(turn: &Turn) -> Result<Option<Finished>> {
    let (Some(text), Some(at)) = (&turn.ended, turn.ended_at) else { return Ok(None) };
    let ended: TurnEnded = serde_json::from_str(text).map_err(|error| {
        Failure::new(Exit::Malformed, format!("the recorded end of {} is unreadable: {error}", turn.id))
    })?;
    let exit = exit(turn.wish.as_ref(), &ended);
    Ok(Some(Finished { ended, at, exit }))
}

fn exit(wish: Option<&WishNote>, ended: &TurnEnded) -> Exit {
    let asked = wish.and_then(|note| note.signal);
    let signal = if ended.outcome == Outcome::Aborted { asked } else { ended.signal };
    exit_of(ended.outcome, ended.cause, signal)
}

/// Everything that follows from the end of a turn.
fn record(tx: &Tx<'_>, turn: &Turn, evidence: &Evidence<'_>, looked: &[(Owed, Look)], jitter: f64) -> Result<Finished> {
    let now = Stamp::now();
    let run = run::by_id(tx, turn.run)?.ok_or_else(|| Failure::not_found(format!("run {} is gone", turn.run)))?;
    let mut account = ended::Account::open(tx, turn, &run, looked, &evidence.watched.vouched)?;
    let conclusion = conclude(turn, &run, evidence, &account);
    let stop_requested = evidence.wish(turn).is_some_and(|note| matches!(note.wish, Wish::Operator | Wish::Interrupt));
    let situation = Situation {
        before: turn.before,
        attempts: run.attempts,
        max_attempts: run.max_attempts,
        stop_requested,
        prior: retry::taken_by(tx, turn.id)?.as_ref().map(Prior::of),
        limit_resets_at: evidence.limit_resets_at,
        waits_until: turn.yielded.as_ref().map(|note| note.until),
        jitter,
        now,
    };
    account.stop_requested = stop_requested;
    let sequel = sequel(conclusion.outcome, &situation);
    let ended = account.close(turn, &run, evidence, conclusion, sequel.as_ref());
    let text = tx.text_of(&ended)?;
    if !turn::end(tx, turn, conclusion.outcome, &text, now)? {
        return Err(Failure::refused(format!("turn {} could not be ended", turn.id)));
    }
    mail::claim::settle_prompt(tx, turn.id, fate(conclusion.outcome), now)?;
    mark::end_with_turn(tx, turn.id, now)?;
    if let Some(sequel) = &sequel {
        follow(tx, turn, &run, &ended, sequel, evidence, now)?;
    }
    let exit = exit(evidence.wish(turn), &ended);
    Ok(Finished { ended, at: now, exit })
}

fn conclude(turn: &Turn, run: &Run, evidence: &Evidence<'_>, account: &ended::Account<'_>) -> Conclusion {
    if run.epoch != turn.epoch || run.state.is_terminal() {
        return Conclusion { outcome: Outcome::Fenced, cause: Cause::Epoch, source: OutcomeSource::Operator };
    }
    end_of(&evidence.ending(turn), account.open, &account.findings)
}

/// The run's new state, its session, and who hears of it.
fn follow(
    tx: &Tx<'_>,
    turn: &Turn,
    run: &Run,
    ended: &TurnEnded,
    sequel: &Sequel,
    evidence: &Evidence<'_>,
    now: Stamp,
) -> Result<()> {
    run::settle(tx, run.id, turn.epoch, sequel, ended.terminal_mail_missing, now)?;
    ledger::keep(tx, turn, run, ended, sequel, evidence, now)?;
    run::set_session(tx, run.id, session(turn, run, ended, evidence).as_deref())?;
    if let (Some(parent), Some(kind)) = (&run.parent, sequel.notice) {
        notice::send(tx, turn, run, ended, kind, parent, now)?;
    } else if sequel.state.is_terminal() && ended.terminal_mail.is_none() {
        notice::children_done(tx, Some(turn.id), run, MailType::ChildrenDone, now)?;
    }
    Ok(())
}

/// The session the next turn may resume.
///
/// The id that was asked for is kept until a terminal event stands under another: what the first lines of a
/// resumed stream name can be an id that has no file.
fn session(turn: &Turn, run: &Run, ended: &TurnEnded, evidence: &Evidence<'_>) -> Option<String> {
    if turn.description.session_by == SessionBy::None {
        return run.session.clone();
    }
    let facts = evidence.facts();
    match ended.outcome {
        Outcome::ResumeRefused => None,
        // The chosen id was never used: what the run had, it has.
        Outcome::NeverStarted | Outcome::SpawnFailed if turn.resume == crate::model::Resume::Fresh => {
            run.session.clone()
        }
        _ => {
            let terminal = evidence.end().and_then(|end| end.session.clone());
            let asked = turn.session_asked.clone();
            terminal.or(asked).or_else(|| facts.and_then(|facts| facts.session.clone()))
        }
    }
}
