//! `turn list`: the newest turns as they are recorded; with `--open` the open runs that were adopted too: they have no turn.

use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::record::TurnRecord;
use refloat::sight::Looker;
use refloat::state::turn::{self, Wanted};
use refloat::state::{State, expectation, run, worker};

use crate::args::List;
use crate::show::run_record;

pub(crate) fn run(cx: &mut Context, args: &List) -> Result<Exit> {
    let place = cx.place()?;
    let state = State::open_for_reading(&place)?;
    let limit = if args.limit == 0 { i64::MAX } else { args.limit };
    let wanted = Wanted {
        agent: args.agent.as_deref(),
        task: args.task.as_deref(),
        outcome: args.outcome,
        since: args.since.map(|ago| Stamp::now().minus(ago)),
        open: args.open,
    };
    let turns = state.read("list turns", |view| turn::newest(view, &wanted, limit))?;
    for turn in &turns {
        cx.out.emit(&TurnRecord::of(turn, &place.log_dir(turn.id)))?;
    }
    if args.open {
        adopted(cx, &state, args)?;
    }
    Ok(Exit::Done)
}

/// The open runs that were adopted. One look asks each tmux server once.
fn adopted(cx: &mut Context, state: &State, args: &List) -> Result<()> {
    let open = state.read("list adopted runs", |view| {
        let workers = worker::open(view, args.agent.as_deref())?;
        let runs = workers.into_iter().map(|worker| {
            let owes = expectation::of_run(view, worker.run)?;
            Ok(run::by_id(view, worker.run)?.map(|run| (run, worker, owes)))
        });
        runs.collect::<Result<Vec<_>>>()
    })?;
    let mut looker = Looker::default();
    for (run, worker, owes) in open.into_iter().flatten() {
        cx.out.emit(&run_record(&run, Some(&worker), &owes, &mut looker))?;
    }
    Ok(())
}
