//! Before a turn: a worker that is gone without a word may have done its work. Then its end is recorded first, and the
//! work is not done again. Called by `turn run`, under the agent's locks.

use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::finish;
use refloat::model::{Expectation, Outcome};
use refloat::owed;
use refloat::state::{State, run};

use super::{Gone, end, open_of};

/// Ends the run of a worker that was seen to be gone, if all that it owes is there and a result says that it is done.
/// None: its work is not done, or the turn is asked for more than that.
pub(crate) fn finish(cx: &mut Context, state: &mut State, gone: Gone, asked: &[Expectation]) -> Result<Option<Exit>> {
    let looked = owed::look_again(state, gone.run)?;
    let owes = |asked: &Expectation| looked.iter().any(|(owed, _)| owed.expectation == *asked);
    if !asked.iter().all(owes) {
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
