//! `turn end`: an adopted worker's word for its end, held to what its run owes. The first one is recorded; the same again
//! prints it.

use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::finish;
use refloat::judge::worker::Said;
use refloat::model::{Cause, Outcome, Run, Worker};
use refloat::owed;
use refloat::record::RunEnded;
use refloat::state::State;

use super::args::End;
use super::{authorize, latest_of};

pub(crate) fn run(cx: &mut Context, args: &End) -> Result<Exit> {
    let place = cx.place()?;
    let mut state = State::open_existing(&place)?;
    let (known, worker) = state.read("look at the worker", |view| latest_of(view, &args.agent))?;
    authorize(&worker, args.token.as_deref())?;
    // Files and repositories take time to look at, and nobody else can write in a transaction.
    let looked = owed::look_again(&state, known.id)?;
    let said = args.outcome.said();
    let ended = state.write("end an adopted run", |tx| {
        let (run, worker) = latest_of(tx, &args.agent)?;
        authorize(&worker, args.token.as_deref())?;
        match run.state.is_terminal() {
            true => recorded(&run, &worker, said),
            false if run.id != known.id => {
                Err(Failure::refused(format!("run {} of {} was adopted meanwhile", run.id, run.agent)))
            }
            false => finish::end_by_word(tx, &run, (said, args.why.as_deref()), &looked, Stamp::now()),
        }
    })?;
    say_held(cx, &ended);
    let agrees =
        matches!((said, ended.outcome), (Said::Completed, Outcome::Completed) | (Said::Failed, Outcome::Failed));
    cx.out.emit_at(&ended, ended.ended_at)?;
    Ok(if agrees { Exit::Done } else { Exit::No })
}

/// What is held against a worker's word is never silent.
pub(super) fn say_held(cx: &Context, ended: &RunEnded) {
    if let Some(message) = &ended.message {
        cx.say(format_args!("{} of {} is recorded as {}: {message}", ended.run, ended.agent, ended.outcome));
    }
    if let (true, Some(parent)) = (ended.terminal_mail_missing, &ended.parent) {
        cx.say(format_args!(
            "{} of {} owed mail to {parent} and sent none: {parent} was told so",
            ended.run, ended.agent
        ));
    }
}

/// The recorded end, if it is of the same word. Only a word makes a failure of its own: what else has failed had said
/// that it was done.
fn recorded(run: &Run, worker: &Worker, said: Said) -> Result<RunEnded> {
    let gave_up = |ended: &RunEnded| ended.outcome == Outcome::Failed && ended.cause == Cause::OwnWord;
    match finish::recorded_word(worker)?.filter(|ended| gave_up(ended) == (said == Said::Failed)) {
        Some(ended) => Ok(ended),
        None => Err(Failure::refused(format!("run {} of {} has ended already: {}", run.id, run.agent, run.state))
            .hint(format!("see: turn show {}", run.id))),
    }
}
