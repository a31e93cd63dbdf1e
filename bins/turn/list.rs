//! `turn list`: the newest turns as they are recorded.

use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::record::TurnRecord;
use refloat::state::State;
use refloat::state::turn::{self, Wanted};

use crate::args::List;
use crate::finishing::log_dir;

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
        cx.out.emit(&TurnRecord::of(turn, &log_dir(&place, turn)))?;
    }
    Ok(Exit::Done)
}
