//! `turn beat`: the heartbeat of an adopted worker. It says that a process wrote; only with `--progress` that work goes on.

use refloat::cli::Context;
use refloat::clock::Moment;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::record::RunBeat;
use refloat::seam::process;
use refloat::sight::Looker;
use refloat::state::{State, run, worker};

use super::args::Beat;
use super::{authorize, latest_of};

pub(crate) fn run(cx: &mut Context, args: &Beat) -> Result<Exit> {
    let place = cx.place()?;
    let mut state = State::open_existing(&place)?;
    let (_, known) = state.read("look at the worker", |view| latest_of(view, &args.agent))?;
    authorize(&known, args.token.as_deref())?;
    // tmux is asked before the transaction: it may take its time. Without an answer the beat is stored all the same.
    let found = Looker::default().find(&known);
    let now = Moment::now(&process::me());
    let beat = state.write("store a heartbeat", |tx| {
        let (run, worker) = latest_of(tx, &args.agent)?;
        authorize(&worker, args.token.as_deref())?;
        if run.state.is_terminal() {
            return Err(Failure::refused(format!("run {} of {} has ended: {}", run.id, run.agent, run.state)));
        }
        if let Some(found) = found.as_ref().filter(|_| worker.run == known.run)
            && worker::found(tx, run.id, found.process.as_ref(), &found.session, now.at)?
        {
            run::enter_adopted(tx, run.id, now.at)?;
        }
        worker::beat(tx, run.id, args.progress.as_deref(), &now)?;
        let (run, worker) = latest_of(tx, &args.agent)?;
        Ok(RunBeat::of(&run, &worker))
    })?;
    cx.out.emit(&beat)?;
    Ok(Exit::Done)
}
