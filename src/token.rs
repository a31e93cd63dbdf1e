//! Whom a token speaks for: the turn it was given to, or the worker that was adopted with it. Called by every command that
//! an agent may call; a token whose turn or run has ended is good for nothing.

use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::model::{Run, Turn, Worker};
use crate::state::{Place, State, View, run, turn, worker};

/// Who acts outside every turn.
pub const OPERATOR: &str = "operator";

/// Who bears a good token.
#[derive(Debug)]
pub enum Bearer {
    /// The agent of an open turn.
    Turn(Box<Turn>),
    /// The adopted worker of an open run.
    Worker(Box<(Run, Worker)>),
}

/// `REFLOAT_TOKEN`, if it is set. One that is not even text is a wrong token, not none.
#[must_use]
pub fn of_environment() -> Option<String> {
    let token = std::env::var_os("REFLOAT_TOKEN").filter(|token| !token.is_empty());
    token.map(|token| token.to_string_lossy().into_owned())
}

/// Opens the state file for who writes what may be the first of it. A token is good only where it was given out: its bearer
/// makes no state file.
///
/// # Errors
/// 76 for a token without a state file, and those of [`State::open_for_writing`].
pub fn open_for_writing(place: &Place) -> Result<State> {
    if of_environment().is_none() {
        return State::open_for_writing(place);
    }
    State::open_existing(place).map_err(|failure| if failure.exit == Exit::NotFound { unknown() } else { failure })
}

fn unknown() -> Failure {
    Failure::refused("the token of this turn is unknown here")
        .hint("REFLOAT_TOKEN and REFLOAT_STATE belong together; outside a turn unset both")
}

/// Who bears this token.
///
/// # Errors
/// 76 for a token that is unknown, or whose turn or run has ended or was taken over.
pub fn bearer(view: &View<'_>, token: &str) -> Result<Bearer> {
    if let Some(turn) = turn::by_token(view, token)? {
        return of_turn(view, turn).map(|turn| Bearer::Turn(Box::new(turn)));
    }
    let Some(worker) = worker::by_token(view, token)? else {
        return Err(unknown());
    };
    let id = worker.run;
    let run = run::by_id(view, id)?.ok_or_else(|| Failure::refused(format!("run {id} is gone")))?;
    if worker.released_at.is_some() {
        return Err(Failure::refused(format!("run {id} is no longer adopted: a turn has taken it over")));
    }
    if run.state.is_terminal() {
        return Err(Failure::refused(format!("run {id} has ended ({}): its token is no longer good", run.state)));
    }
    Ok(Bearer::Worker(Box::new((run, worker))))
}

/// Who does something by hand: the agent whose token is set, or the operator.
///
/// # Errors
/// 76 for a token that is not good.
pub fn actor(view: &View<'_>) -> Result<String> {
    let Some(token) = of_environment() else { return Ok(OPERATOR.to_owned()) };
    Ok(match bearer(view, &token)? {
        Bearer::Turn(turn) => turn.agent,
        Bearer::Worker(worker) => worker.0.agent,
    })
}

/// Who does what needs no right, for the account of it: the agent whose token is set, though it be good for nothing any
/// more, or the operator.
pub fn named(view: &View<'_>) -> Result<String> {
    let Some(token) = of_environment() else { return Ok(OPERATOR.to_owned()) };
    if let Some(turn) = turn::by_token(view, &token)? {
        return Ok(turn.agent);
    }
    let run = worker::by_token(view, &token)?.map_or(Ok(None), |worker| run::by_id(view, worker.run))?;
    Ok(run.map_or_else(|| OPERATOR.to_owned(), |run| run.agent))
}

fn of_turn(view: &View<'_>, turn: Turn) -> Result<Turn> {
    if let Some(outcome) = turn.outcome {
        return Err(Failure::refused(format!("{} has ended ({outcome}): its token is no longer good", turn.id)));
    }
    let epoch = run::by_id(view, turn.run)?.map(|run| run.epoch);
    if epoch != Some(turn.epoch) {
        return Err(Failure::refused(format!("{} is fenced: another turn holds its run", turn.id)));
    }
    Ok(turn)
}
