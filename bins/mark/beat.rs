//! `mark beat`: a claim goes on. By its name only the caller's own: whoever lost a mark to another must learn it
//! by the next beat.

use refloat::cli::Context;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::judge::mark::is_renewable;
use refloat::model::Mark;
use refloat::record::MarkRecord;
use refloat::sight::marks::Marks;
use refloat::state::{State, mark};

use crate::args::Beat;
use crate::list::record;
use crate::who::{Caller, Target, by_id, readable};

pub(crate) fn run(cx: &mut Context, args: &Beat) -> Result<Exit> {
    let target = Target::of(&args.which)?;
    let place = cx.place()?;
    let mut state = State::open_existing(&place)?;
    let renewed = state.write("renew a mark", |tx| {
        let (caller, mut marks, mut renewed) = (Caller::of(tx)?, Marks::now(), Vec::new());
        for found in target.find(tx)? {
            let there = readable(found)?;
            target.expect_claim(&there)?;
            target.expect_touchable(&there, &caller, "beat")?;
            expect_renewable(&there, &mut marks)?;
            mark::beat(tx, there.id, marks.moment())?;
            let now = by_id(tx, there.id)?;
            renewed.push(MarkRecord { already_set: true, ..record(&now, &mut marks) });
        }
        if renewed.is_empty() { Err(target.missing()) } else { Ok(renewed) }
    })?;
    renewed.iter().try_for_each(|record| cx.out.emit(record))?;
    Ok(Exit::Done)
}

fn expect_renewable(there: &Mark, marks: &mut Marks) -> Result<()> {
    if let Some(end) = &there.end {
        return Err(Failure::refused(format!("{} has ended: {} by {}", there.label(), end.how, end.by)));
    }
    let stands = marks.standing(there);
    match is_renewable(&stands) {
        true => Ok(()),
        false => {
            let why = stands.reason;
            Err(Failure::refused(format!("{} is stale ({why}): a beat cannot renew it", there.label()))
                .hint("set it anew: mark set"))
        }
    }
}
