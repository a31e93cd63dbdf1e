//! `turn list`: the newest turns as they are recorded.

use refloat::cli::Context;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::record::TurnRecord;
use refloat::state::{State, turn};

use crate::args::List;
use crate::finishing::log_dir;

pub(crate) fn run(cx: &mut Context, args: &List) -> Result<Exit> {
    let place = cx.place()?;
    let state = State::open_for_reading(&place)?;
    let limit = if args.limit == 0 { i64::MAX } else { args.limit };
    let turns = state.read("list turns", |view| turn::newest(view, args.agent.as_deref(), args.open, limit))?;
    for turn in &turns {
        cx.out.emit(&TurnRecord::of(turn, &log_dir(&place, turn)))?;
    }
    Ok(Exit::Done)
}
