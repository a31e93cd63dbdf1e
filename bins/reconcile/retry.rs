//! `reconcile retry …`: when runs may be tried again. Starts none of them.

use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::finish;
use refloat::id::RetryId;
use refloat::model::{Act, Prospect, Retry, RetryState};
use refloat::prospect;
use refloat::record::RetryRecord;
use refloat::state::retry::{self, Filter};
use refloat::state::{Place, State, Tx, View, run, turn};
use refloat::token;

use crate::args::{RetryCancel, RetryDue, RetryList, RunOrRetry};
use crate::hold::Hold;

pub(crate) fn list(cx: &mut Context, args: &RetryList) -> Result<Exit> {
    let place = cx.place()?;
    let state = State::open_for_reading(&place)?;
    let filter = Filter { agent: args.of.agent.as_deref(), run: args.of.run, all: args.all, limit: args.most.rows() };
    let found = state.read("list retries", |view| {
        let retries = retry::list(view, &filter)?;
        with_prospects(view, &place, retries)
    })?;
    tell(cx, &found)
}

pub(crate) fn due(cx: &mut Context, args: &RetryDue) -> Result<Exit> {
    let place = cx.place()?;
    let state = State::open_for_reading(&place)?;
    let mut found = state.read("list what is due", |view| {
        let retries = retry::queue(view, args.of.agent.as_deref(), args.of.run)?;
        with_prospects(view, &place, retries)
    })?;
    found.retain(|(_, prospect)| args.all || prospect.held_by.is_none());
    tell(cx, &found)
}

fn with_prospects(view: &View<'_>, place: &Place, retries: Vec<Retry>) -> Result<Vec<(Retry, Prospect)>> {
    let now = Stamp::now();
    let with = |retry: Retry| prospect::of(view, place, &retry, now).map(|prospect| (retry, prospect));
    retries.into_iter().map(with).collect()
}

fn tell(cx: &mut Context, found: &[(Retry, Prospect)]) -> Result<Exit> {
    found.iter().try_for_each(|(retry, prospect)| cx.out.emit(&RetryRecord::of(retry, prospect)))?;
    Ok(Exit::Done)
}

pub(crate) fn cancel(cx: &mut Context, args: &RetryCancel) -> Result<Exit> {
    let place = cx.place()?;
    let mut state = State::open_existing(&place)?;
    let found = state.read("look at the retry", |view| find(view, args.subject))?;
    // Told once more, and nothing is waited for.
    let told = found.cancelled.is_some();
    let _hold = if told { None } else { Some(Hold::of(&state, &found.agent)?) };
    let told = state.write("cancel a retry", |tx| {
        end(tx, found.id, &args.why)?;
        let retry = by_id(tx, found.id)?;
        let prospect = prospect::of(tx, &place, &retry, Stamp::now())?;
        Ok((retry, prospect))
    })?;
    tell(cx, &[told])
}

/// The retry that is named, or the run's open one, or its last.
fn find(view: &View<'_>, subject: RunOrRetry) -> Result<Retry> {
    let id = match subject {
        RunOrRetry::Retry(id) => return by_id(view, id),
        RunOrRetry::Run(id) => id,
    };
    let run = run::by_id(view, id)?.ok_or_else(|| Failure::not_found(format!("no run {id}")).hint("see: turn list"))?;
    let none = || Failure::refused(format!("run {id} of {} is not to be tried again: {}", run.agent, run.state));
    retry::of_run(view, id)?.pop().ok_or_else(none)
}

fn by_id(view: &View<'_>, id: RetryId) -> Result<Retry> {
    let none = || Failure::not_found(format!("no retry {id}")).hint("see: reconcile retry list --all");
    retry::by_id(view, id)?.ok_or_else(none)
}

/// Cancels an open retry and ends its run; one that somebody has cancelled already stays as it is.
fn end(tx: &Tx<'_>, id: RetryId, why: &str) -> Result<()> {
    let retry = by_id(tx, id)?;
    match (retry.state, &retry.cancelled, retry.taken_by) {
        (RetryState::Open, ..) => {}
        (_, Some(_), _) => return Ok(()),
        (_, None, Some(turn)) => return Err(Failure::refused(format!("{id} of {} is taken by {turn}", retry.run))),
        (_, None, None) => return Err(Failure::refused(format!("{id} was cancelled by the end of {}", retry.run))),
    }
    let act = Act { by: token::actor(tx)?, at: Stamp::now(), why: Some(why.to_owned()) };
    let gone = || Failure::not_found(format!("run {} is gone", retry.run));
    let run = run::by_id(tx, retry.run)?.ok_or_else(gone)?;
    let last = turn::latest_of_run(tx, run.id)?;
    retry::cancel_by(tx, id, &act)?;
    finish::end_cancelled(tx, &run, &retry, last.as_ref(), &act)
}
