//! Before a turn: what ran for the agent, a worker or a turn of ours, may be gone without a word and have done its work.
//! Then its end is recorded first, and the work is not done again. Called by `turn run`, under the agent's locks.

use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::finish;
use refloat::model::{Cause, Expectation, Outcome, Owed};
use refloat::owed;
use refloat::record::TurnEnded;
use refloat::state::{State, expectation, run};

use super::{Gone, end, open_of};

/// Ends the run of a worker that was seen to be gone, if all that it owes is there and a result says that it is done.
/// None: its work is not done, or the turn is asked for more than that.
pub(crate) fn finish(cx: &mut Context, state: &mut State, gone: Gone, asked: &[Expectation]) -> Result<Option<Exit>> {
    let looked = owed::look_again(state, gone.run)?;
    if !asks_no_more(asked, looked.iter().map(|(owed, _)| owed)) {
        return Ok(None);
    }
    let ended = state.write("end an adopted run", |tx| match run::by_id(tx, gone.run)? {
        // Its word, a beat, or a stop may have come meanwhile.
        Some(run) if open_of(tx, &run.agent)?.is_some_and(|(open, worker)| gone.is(&open, &worker)) => {
            finish::end_by_work(tx, &run, &finish::Seen::alone(&looked), Stamp::now())
        }
        _ => Ok(None),
    })?;
    let Some(ended) = ended else { return Ok(None) };
    cx.say(format_args!("{} of {} has ended: its worker is gone, and its work is done", ended.run, ended.agent));
    end::say_held(cx, &ended);
    cx.hint("no turn was run; the next one opens a new run");
    cx.out.emit_at(&ended, ended.ended_at)?;
    Ok(Some(if ended.outcome == Outcome::Completed { Exit::Done } else { Exit::No }))
}

/// What a turn of ours that was just finished stands for, if it had died without a word and its work is done, and the
/// next turn is asked for no more than that. None: the next one may run.
pub(crate) fn stands(cx: &Context, state: &State, turn: &TurnEnded, asked: &[Expectation]) -> Result<Option<Exit>> {
    let by_its_word = turn.clean_result || turn.exit_code == Some(0);
    let by_work = match (turn.outcome, turn.cause) {
        (Outcome::Completed, Cause::ExpectationMet) => true,
        (Outcome::Silent, Cause::TerminalMailMissing) => !by_its_word,
        _ => false,
    };
    let (true, Some(run)) = (by_work, turn.run) else { return Ok(None) };
    let owed = state.read("look at what the run owes", |view| expectation::of_run(view, run))?;
    if !asks_no_more(asked, owed.iter()) {
        return Ok(None);
    }
    cx.say(format_args!("{run} of {} has ended: its turn is gone, and its work is done", turn.agent));
    cx.hint("no turn was run; the next one opens a new run");
    Ok(Some(if turn.outcome == Outcome::Completed { Exit::Done } else { Exit::No }))
}

/// Whether nothing is asked for that the run does not owe.
fn asks_no_more<'o>(asked: &[Expectation], owed: impl Iterator<Item = &'o Owed> + Clone) -> bool {
    asked.iter().all(|asked| owed.clone().any(|owed| owed.expectation == *asked))
}
