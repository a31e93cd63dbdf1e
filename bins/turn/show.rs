//! `turn show`: a run with its turns, or a turn with its end.

use refloat::cli::Context;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::finish;
use refloat::id::{RunId, TurnId};
use refloat::model::{Run, Turn, Worker};
use refloat::record::{RunRecord, TurnRecord};
use refloat::sight::Looker;
use refloat::state::{State, View, run, turn, worker};

use crate::args::Show;
use crate::finishing::log_dir;

enum Found {
    Run(Box<Run>, Option<Box<Worker>>, Vec<Turn>),
    Turn(Box<Turn>),
}

pub(crate) fn run(cx: &mut Context, args: &Show) -> Result<Exit> {
    let place = cx.place()?;
    let state = State::open_for_reading(&place)?;
    let found = state.read("look at it", |view| find(view, &args.subject))?;
    let record = |turn: &Turn| TurnRecord::of(turn, &log_dir(&place, turn));
    match found {
        None => Err(Failure::not_found(format!("no run, turn or agent '{}'", args.subject)).hint("see: turn list")),
        Some(Found::Run(run, worker, turns)) => {
            let mut looker = Looker::default();
            cx.out.emit(&run_record(&run, worker.as_deref(), &mut looker))?;
            turns.iter().try_for_each(|turn| cx.out.emit(&record(turn)))?;
            Ok(Exit::Done)
        }
        Some(Found::Turn(turn)) => {
            cx.out.emit(&record(&turn))?;
            if let Some(finished) = finish::recorded(&turn)? {
                cx.out.emit_at(&finished.ended, finished.at)?;
            }
            Ok(Exit::Done)
        }
    }
}

fn find(view: &View<'_>, subject: &str) -> Result<Option<Found>> {
    if let Ok(id) = subject.parse::<TurnId>() {
        return Ok(turn::by_id(view, id)?.map(|turn| Found::Turn(Box::new(turn))));
    }
    let run = match subject.parse::<RunId>() {
        Ok(id) => run::by_id(view, id)?,
        Err(_) => run::latest_of(view, subject)?,
    };
    let Some(run) = run else { return Ok(None) };
    let turns = turn::of_run(view, run.id)?;
    let worker = worker::of_run(view, run.id)?.map(Box::new);
    Ok(Some(Found::Run(Box::new(run), worker, turns)))
}

/// A run as it is recorded, and beside it what is seen of the worker that stands for it.
pub(crate) fn run_record(run: &Run, worker: Option<&Worker>, looker: &mut Looker) -> RunRecord {
    let Some(worker) = worker else { return RunRecord::from(run) };
    let sight = worker.released_at.is_none().then(|| looker.look(worker));
    RunRecord::adopted(run, worker, sight, looker.now())
}
