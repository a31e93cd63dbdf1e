//! `turn show`: a run with its turns, or a turn with its end; then its retries, dead letters and crashes.

use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::finish;
use refloat::id::{RunId, TurnId};
use refloat::model::{Crash, DeadLetter, Owed, Prospect, Retry, Run, Turn, Worker};
use refloat::prospect;
use refloat::record::{CrashRecord, DeadLetterRecord, RetryRecord, RunRecord, TurnRecord};
use refloat::sight::Looker;
use refloat::state::{Place, State, View, crash, dead_letter, expectation, retry, run, turn, worker};

use crate::args::Show;

enum Found {
    Run(Box<Shown>),
    Turn(Box<Turn>),
}

/// A run, who stands for it, what it owes, and its turns.
struct Shown {
    run: Run,
    worker: Option<Worker>,
    owes: Vec<Owed>,
    turns: Vec<Turn>,
}

/// What went wrong, as the ledgers have it.
struct Ledgers {
    retries: Vec<(Retry, Prospect)>,
    dead: Vec<DeadLetter>,
    crashes: Vec<Crash>,
}

pub(crate) fn run(cx: &mut Context, args: &Show) -> Result<Exit> {
    let place = cx.place()?;
    let state = State::open_for_reading(&place)?;
    let found = state.read("look at it", |view| find(view, &place, &args.subject))?;
    let record = |turn: &Turn| TurnRecord::of(turn, &place.log_dir(turn.id));
    match found {
        None => Err(Failure::not_found(format!("no run, turn or agent '{}'", args.subject)).hint("see: turn list")),
        Some((Found::Run(shown), ledgers)) => {
            let mut looker = Looker::default();
            cx.out.emit(&run_record(&shown.run, shown.worker.as_ref(), &shown.owes, &mut looker))?;
            let turns = &shown.turns;
            turns.iter().try_for_each(|turn| cx.out.emit(&record(turn)))?;
            tell(cx, &place, &ledgers)
        }
        Some((Found::Turn(turn), ledgers)) => {
            cx.out.emit(&record(&turn))?;
            if let Some(finished) = finish::recorded(&turn)? {
                cx.out.emit_at(&finished.ended, finished.at)?;
            }
            tell(cx, &place, &ledgers)
        }
    }
}

fn tell(cx: &mut Context, place: &Place, ledgers: &Ledgers) -> Result<Exit> {
    let logs = place.companion("logs");
    ledgers.retries.iter().try_for_each(|(retry, prospect)| cx.out.emit(&RetryRecord::of(retry, prospect)))?;
    for dead in &ledgers.dead {
        let record = DeadLetterRecord::of(dead, &logs);
        cx.out.emit(&DeadLetterRecord { command: place.addressed(record.command), ..record })?;
    }
    ledgers.crashes.iter().try_for_each(|crash| cx.out.emit(&CrashRecord::from(crash)))?;
    Ok(Exit::Done)
}

fn find(view: &View<'_>, place: &Place, subject: &str) -> Result<Option<(Found, Ledgers)>> {
    if let Ok(id) = subject.parse::<TurnId>() {
        let Some(turn) = turn::by_id(view, id)? else { return Ok(None) };
        let ledgers = Ledgers {
            retries: prospects(view, place, retry::of_turn(view, id)?)?,
            dead: dead_letter::of_turn(view, id)?,
            crashes: crash::of_turn(view, id)?,
        };
        return Ok(Some((Found::Turn(Box::new(turn)), ledgers)));
    }
    let run = match subject.parse::<RunId>() {
        Ok(id) => run::by_id(view, id)?,
        Err(_) => run::latest_of(view, subject)?,
    };
    let Some(run) = run else { return Ok(None) };
    let owes = expectation::of_run(view, run.id)?;
    let turns = turn::of_run(view, run.id)?;
    let ledgers = Ledgers {
        retries: prospects(view, place, retry::of_run(view, run.id)?)?,
        dead: dead_letter::of_run(view, run.id)?,
        crashes: crash::of_run(view, run.id)?,
    };
    let worker = worker::of_run(view, run.id)?;
    Ok(Some((Found::Run(Box::new(Shown { run, worker, owes, turns })), ledgers)))
}

/// Retries, each with what may become of it.
fn prospects(
    view: &View<'_>,
    place: &Place,
    retries: impl IntoIterator<Item = Retry>,
) -> Result<Vec<(Retry, Prospect)>> {
    let now = Stamp::now();
    let with = |retry: Retry| prospect::of(view, place, &retry, now).map(|prospect| (retry, prospect));
    retries.into_iter().map(with).collect()
}

/// A run as it is recorded, and beside it what is seen of the worker that stands for it.
pub(crate) fn run_record(run: &Run, worker: Option<&Worker>, owes: &[Owed], looker: &mut Looker) -> RunRecord {
    let record = RunRecord::of(run, owes);
    let Some(worker) = worker else { return record };
    let sight = worker.stands().then(|| looker.look(worker));
    record.adopted(worker, sight, looker.now())
}
