//! `--since`: when the attempt began that a file has to be of. A time, a while ago, or a run or turn whose attempt is meant.

use std::time::Duration;

use refloat::cli::{self, Context};
use refloat::clock::Stamp;
use refloat::error::{Failure, Result};
use refloat::id::{RunId, TurnId};
use refloat::record::Evidence;
use refloat::state::{State, View, run, turn};

/// What `--since` names.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Since {
    Time(Stamp),
    Ago(Duration),
    Run(RunId),
    Turn(TurnId),
}

/// Reads it.
pub(crate) fn since(text: &str) -> Result<Since, String> {
    let id = text.parse().map(Since::Run).or_else(|_| text.parse().map(Since::Turn)).ok();
    let time = id.or_else(|| text.parse().map(Since::Time).ok());
    time.or_else(|| cli::duration(text).map(Since::Ago).ok()).ok_or_else(|| {
        format!(
            "'{text}' is neither a time like 2026-11-20T07:31:02Z, a duration like 10m, nor the id of a run or turn"
        )
    })
}

/// When an attempt began, and whose it is where that is known.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Began {
    pub(crate) at: Option<Stamp>,
    run: Option<RunId>,
    turn: Option<TurnId>,
    attempt: Option<i64>,
}

impl Began {
    /// Looks it up; the state file is asked for runs and turns alone.
    pub(crate) fn of(cx: &Context, since: Option<Since>) -> Result<Self> {
        let at = |at| Self { at: Some(at), ..Self::default() };
        match since {
            None => Ok(Self::default()),
            Some(Since::Time(time)) => Ok(at(time)),
            Some(Since::Ago(while_)) => Ok(at(Stamp::now().minus(while_))),
            Some(Since::Run(run)) => asked(cx, |view| of_run(view, run)),
            Some(Since::Turn(turn)) => asked(cx, |view| of_turn(view, turn)),
        }
    }

    /// Where no time was given, this is it.
    pub(crate) fn or(self, at: Option<Stamp>) -> Self {
        Self { at: self.at.or(at), ..self }
    }

    /// Says in the evidence what it bears on.
    pub(crate) fn name(&self, evidence: &mut Evidence) {
        (evidence.run, evidence.turn, evidence.attempt) = (self.run, self.turn, self.attempt);
    }
}

fn asked(cx: &Context, ask: impl FnOnce(&View<'_>) -> Result<Began>) -> Result<Began> {
    State::open_for_looking(&cx.place()?)?.read("look when the attempt began", ask)
}

fn of_turn(view: &View<'_>, id: TurnId) -> Result<Began> {
    let found = turn::by_id(view, id)?;
    let found = found.ok_or_else(|| Failure::not_found(format!("no turn {id}")).hint("see: turn list"))?;
    let began = turn::attempt_began(view, found.run, found.attempt)?;
    Ok(Began { at: began, run: Some(found.run), turn: Some(id), attempt: Some(found.attempt) })
}

/// The newest attempt; of a run without turns all of it.
fn of_run(view: &View<'_>, id: RunId) -> Result<Began> {
    let run = run::by_id(view, id)?;
    let run = run.ok_or_else(|| Failure::not_found(format!("no run {id}")).hint("see: turn list"))?;
    match turn::of_run(view, id)?.last() {
        Some(last) => Ok(Began { turn: None, ..of_turn(view, last.id)? }),
        None => Ok(Began { at: Some(run.opened_at), run: Some(id), ..Began::default() }),
    }
}
