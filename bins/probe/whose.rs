//! `--for`: the run that a look bears on, so that what is found belongs to it wherever it is read.

use clap::Args;
use refloat::cli::{Context, agent_or_id};
use refloat::clock::Stamp;
use refloat::error::Result;
use refloat::gather;
use refloat::id::{RunId, TurnId};
use refloat::record::Evidence;
use refloat::state::State;

/// Whose it is.
#[derive(Args, Debug)]
pub(crate) struct Whose {
    /// The run that this bears on, or its agent: the record names it, with its newest turn and attempt
    #[arg(long = "for", value_name = "RUN|AGENT", value_parser = agent_or_id)]
    subject: Option<String>,
}

/// A run, its newest turn and attempt, and when that began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bearing {
    run: RunId,
    turn: Option<TurnId>,
    attempt: i64,
    pub(crate) began: Option<Stamp>,
}

impl Whose {
    /// Looks it up; without `--for` no state file is opened.
    pub(crate) fn find(&self, cx: &Context) -> Result<Option<Bearing>> {
        let Some(subject) = &self.subject else { return Ok(None) };
        let state = State::open_for_reading(&cx.place()?)?;
        let rows = gather::read(&state, std::slice::from_ref(subject))?;
        Ok(rows.first().map(|rows| {
            let (turn, attempt) = rows.attempt();
            Bearing { run: rows.run.id, turn: turn.map(|turn| turn.id), attempt, began: rows.began }
        }))
    }
}

impl Bearing {
    /// Says in the evidence what it bears on.
    pub(crate) fn name(&self, evidence: Evidence) -> Evidence {
        Evidence { run: Some(self.run), turn: self.turn, attempt: Some(self.attempt), ..evidence }
    }
}
