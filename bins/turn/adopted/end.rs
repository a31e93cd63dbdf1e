//! `turn end`: an adopted worker's word for its end. The first one is recorded; the same again prints it.

use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::finish;
use refloat::judge::worker::Said;
use refloat::model::{Outcome, Run, Worker};
use refloat::record::RunEnded;
use refloat::state::State;

use super::args::End;
use super::{authorize, latest_of};

pub(crate) fn run(cx: &mut Context, args: &End) -> Result<Exit> {
    let place = cx.place()?;
    let mut state = State::open_existing(&place)?;
    let ended = state.write("end an adopted run", |tx| {
        let (run, worker) = latest_of(tx, &args.agent)?;
        authorize(&worker, args.token.as_deref())?;
        match run.state.is_terminal() {
            true => recorded(&run, &worker, args.outcome.said()),
            false => finish::end_by_word(tx, &run, args.outcome.said(), args.why.as_deref(), Stamp::now()),
        }
    })?;
    if let (true, Some(parent)) = (ended.terminal_mail_missing, &ended.parent) {
        cx.say(format_args!(
            "{} of {} owed mail to {parent} and sent none: {parent} was told so",
            ended.run, ended.agent
        ));
    }
    cx.out.emit_at(&ended, ended.ended_at)?;
    Ok(Exit::Done)
}

/// The recorded end, if it is the same word.
fn recorded(run: &Run, worker: &Worker, said: Said) -> Result<RunEnded> {
    let same = |ended: &RunEnded| (ended.outcome == Outcome::Failed) == (said == Said::Failed);
    match finish::recorded_word(worker)?.filter(same) {
        Some(ended) => Ok(ended),
        None => Err(Failure::refused(format!("run {} of {} has ended already: {}", run.id, run.agent, run.state))
            .hint(format!("see: turn show {}", run.id))),
    }
}
