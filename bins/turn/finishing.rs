//! What the ways to a turn's end share here; what they share with `reconcile` is `finish::unwatched`.

use std::time::Duration;

use refloat::cli::Context;
use refloat::clock::{Stamp, Tick};
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::finish::Finished;
use refloat::lock;
use refloat::model::Turn;
use refloat::state::{Place, State, turn};

pub(crate) use refloat::finish::remains::{Holders, clear};
pub(crate) use refloat::finish::unwatched::{Kin, end_rest, finish_unwatched, unsupervised};
pub(crate) use refloat::judge::verdict::Handling;

/// What a person says about orphans.
pub(crate) const fn orphans(kill: bool) -> Handling {
    if kill { Handling::Kill } else { Handling::Report }
}

/// Whether somebody supervises the agent's turn now. Not knowing counts as yes: then nothing is done.
pub(crate) fn is_supervised(place: &Place, agent: &str) -> bool {
    lock::is_supervised(place, agent).unwrap_or(true)
}

/// A moment of wall-clock time on the monotonic clock, as far as the clocks agree.
pub(crate) fn tick_of(moment: Stamp) -> Tick {
    let ago = Stamp::now().since(moment);
    Tick::now().minus(Duration::from_millis(u64::try_from(ago).unwrap_or(0)))
}

/// Makes rows of what earlier commands have left of their crashes.
pub(crate) fn take_in_crashes(cx: &Context, state: &mut State) {
    refloat::crash::take_in(state).iter().for_each(|line| cx.say(line));
}

/// The turn as the state file has it now.
pub(crate) fn reread(state: &State, turn: &Turn) -> Result<Turn> {
    let id = turn.id;
    state
        .read("look at the turn", |view| turn::by_id(view, id))?
        .ok_or_else(|| Failure::not_found(format!("turn {id} is gone")))
}

/// A turn that did not end well says so in a line, and where the agent's own words are.
pub(crate) fn say_failure(cx: &Context, finished: &Finished) {
    let (ended, dir) = (&finished.ended, finished.ended.log_dir.as_deref());
    let (Some(turn), Some(dir), false) = (ended.turn, dir, finished.exit == Exit::Done) else { return };
    let message = ended.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    cx.say(format_args!("{turn} of {} ended {} ({}){message}", ended.agent, ended.outcome, ended.cause));
    match ended.retry_at {
        Some(at) => cx.hint(&format!("next try {at}; what the agent wrote to stderr: {dir}/stderr.log")),
        None => cx.hint(&format!("what the agent wrote to stderr: {dir}/stderr.log")),
    }
}
