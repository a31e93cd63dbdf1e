//! `mail wait`: sleeps until a turn could take mail.

use refloat::cli::{Context, work_folder};
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::state::{Place, State};
use refloat::token;
use refloat::wait;

use crate::args::Wait;
use crate::caller;

pub(crate) fn run(cx: &mut Context, args: &Wait) -> Result<Exit> {
    let place = cx.place()?;
    let agent = agent(&place, args)?;
    let folder = work_folder(args.cwd.as_deref())?;
    wait::run(cx, &mut wait::Mail::of(agent, folder, place), args.timeout.0)
}

/// Whose mail: by name, or the agent whose turn this is.
fn agent(place: &Place, args: &Wait) -> Result<String> {
    match (&args.agent, token::of_environment()) {
        (Some(agent), _) => Ok(agent.clone()),
        (None, None) => Err(caller::nobody_reads()),
        (None, Some(token)) => {
            let state = State::open_for_reading(place)?;
            state.read("look at this turn", |view| caller::worker(view, &token)).map(|worker| worker.0)
        }
    }
}
