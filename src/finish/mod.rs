//! The last look and the finish of a turn: one function, whoever finishes it.
//! Called by `turn run`, `turn attach` and `turn stop` under the supervisor lock, once the tree is gone.
//! The first to record an outcome wins; the others read it.

mod ended;
mod evidence;
mod notice;
mod stderr;

pub use evidence::{Evidence, Watched, told};
pub use stderr::{Stderr, last_words};

use crate::clock::Stamp;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::judge::outcome::{Conclusion, Open, exit_of, settle};
use crate::judge::sequel::{Sequel, Situation, sequel};
use crate::lock::SupervisorLock;
use crate::model::{Cause, MailType, Outcome, OutcomeSource, Run, RunState, Turn, Wish, WishNote};
use crate::record::TurnEnded;
use crate::runtime::SessionBy;
use crate::state::{State, Tx, run, turn};

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
    let jitter = f64::from(evidence.turn.token.bytes().fold(0_u8, u8::wrapping_add)) / 255.0;
    let id = evidence.turn.id;
    state.write("finish a turn", |tx| {
        let turn = turn::by_id(tx, id)?.ok_or_else(|| Failure::not_found(format!("turn {id} is gone")))?;
        match recorded(&turn)? {
            Some(finished) => Ok(finished),
            None => record(tx, &turn, evidence, jitter),
        }
    })
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

/// Ends an open run that has no turn: its record, and the notice to its parent. `run` was read in this transaction.
///
/// # Errors
/// Those of the state file.
pub fn stop_idle(tx: &Tx<'_>, run: &Run, why: Option<&str>, now: Stamp) -> Result<()> {
    let sequel = Sequel {
        state: RunState::Stopped,
        hold: None,
        attempts: run.attempts,
        retry_at: None,
        by_provider: false,
        notice: Some(MailType::WorkerDied),
    };
    if run::settle(tx, run.id, run.epoch, &sequel, false, now)? {
        notice::stopped(tx, run, why, now)?;
    }
    Ok(())
}

fn exit(wish: Option<&WishNote>, ended: &TurnEnded) -> Exit {
    let asked = wish.and_then(|note| note.signal);
    let signal = if ended.outcome == Outcome::Aborted { asked } else { ended.signal };
    exit_of(ended.outcome, ended.cause, signal)
}

/// Everything that follows from the end of a turn.
fn record(tx: &Tx<'_>, turn: &Turn, evidence: &Evidence<'_>, jitter: f64) -> Result<Finished> {
    let now = Stamp::now();
    let run = run::by_id(tx, turn.run)?.ok_or_else(|| Failure::not_found(format!("run {} is gone", turn.run)))?;
    let mut account = ended::Account::open(tx, turn, &run)?;
    let conclusion = conclude(turn, &run, evidence, &account.open);
    let stop_requested = evidence.wish(turn).is_some_and(|note| matches!(note.wish, Wish::Operator | Wish::Interrupt));
    let situation = Situation {
        before: turn.before,
        attempts: run.attempts,
        max_attempts: run.max_attempts,
        stop_requested,
        limit_resets_at: evidence.limit_resets_at(),
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
    if let Some(sequel) = &sequel {
        follow(tx, turn, &run, &ended, sequel, evidence, now)?;
    }
    let exit = exit(evidence.wish(turn), &ended);
    Ok(Finished { ended, at: now, exit })
}

fn conclude(turn: &Turn, run: &Run, evidence: &Evidence<'_>, open: &Open) -> Conclusion {
    if run.epoch != turn.epoch || run.state.is_terminal() {
        return Conclusion { outcome: Outcome::Fenced, cause: Cause::Epoch, source: OutcomeSource::Operator };
    }
    let conclusion = crate::judge::outcome::conclude(&evidence.ending(turn));
    match conclusion.outcome {
        Outcome::Completed => settle(conclusion, *open),
        _ => conclusion,
    }
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
    run::set_session(tx, run.id, session(turn, run, ended, evidence).as_deref())?;
    if let (Some(parent), Some(kind)) = (&run.parent, sequel.notice) {
        notice::send(tx, turn, run, ended, kind, parent, now)?;
    } else if sequel.state.is_terminal() && ended.terminal_mail.is_none() {
        notice::children_done(tx, turn, run, MailType::ChildrenDone, now)?;
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
        // The chosen id was never used.
        Outcome::NeverStarted | Outcome::SpawnFailed if turn.resume == crate::model::Resume::Fresh => None,
        _ => {
            let terminal = evidence.end().and_then(|end| end.session.clone());
            let asked = turn.session_asked.clone();
            terminal.or(asked).or_else(|| facts.and_then(|facts| facts.session.clone()))
        }
    }
}
