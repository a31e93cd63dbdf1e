//! `mark clear`: a mark ends by a hand. By its name it ends only if it is the caller's: whoever lost a mark to
//! another must not clear that one's.

use refloat::cli::Context;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::model::{EndNote, Mark, MarkEnd, MarkState};
use refloat::record::MarkRecord;
use refloat::sight::marks::Marks;
use refloat::state::{State, mark};

use crate::args::Clear;
use crate::who::{Caller, Target};

pub(crate) fn run(cx: &mut Context, args: &Clear) -> Result<Exit> {
    let target = Target::of(&args.which)?;
    let place = cx.place()?;
    let mut state = State::open_existing(&place)?;
    let (cleared, elsewhere) = state.write("clear a mark", |tx| {
        let (caller, mut marks, mut cleared) = (Caller::of(tx)?, Marks::now(), Vec::new());
        let found = target.find(tx)?;
        let elsewhere = if found.is_empty() { target.elsewhere(tx)? } else { None };
        for there in found {
            target.expect_claim(&there)?;
            if there.end.is_some() {
                cleared.push(there);
                continue;
            }
            let stands = marks.standing(&there);
            let why = (stands.state == MarkState::Stale).then_some(stands.reason);
            if why.is_none() {
                target.expect_touchable(&there, &caller, "clear")?;
            }
            let end = EndNote { at: marks.moment().at, how: MarkEnd::Cleared, why, by: caller.name.clone() };
            mark::end(tx, &there, &end)?;
            cleared.push(Mark { end: Some(end), ..there });
        }
        Ok((cleared, elsewhere))
    })?;
    elsewhere.iter().for_each(|hint| cx.hint(hint));
    cleared.iter().try_for_each(|mark| cx.out.emit(&MarkRecord::ended(mark)))?;
    Ok(Exit::Done)
}
