//! `mark clear`: a mark ends by a hand. By its name it ends only if it is the caller's, or nobody's: whoever lost a mark to
//! another must not clear that one's.

use refloat::cli::Context;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::model::{EndNote, Mark, MarkEnd, MarkState};
use refloat::record::MarkRecord;
use refloat::sight::marks::Marks;
use refloat::state::{State, mark};

use crate::args::Clear;
use crate::who::{self, Caller, holder, same_claim, shown};

pub(crate) fn run(cx: &mut Context, args: &Clear) -> Result<Exit> {
    let scope = who::scope_of(&args.which)?;
    let place = cx.place()?;
    let mut state = State::open_existing(&place)?;
    let mut marks = Marks::now();
    let cleared = state.write("clear a mark", |tx| {
        let caller = Caller::of(tx)?;
        let Some(there) = who::find(tx, &args.which, scope.as_deref())? else { return Ok(None) };
        same_claim(&there, args.which.nonce.as_deref())?;
        if there.end.is_some() {
            return Ok(Some(there));
        }
        let stands = marks.standing(&there);
        let named = args.which.id().is_some() || args.which.nonce.is_some();
        if !named && stands.state != MarkState::Stale && !caller.may_touch(&there) {
            return Err(Failure::refused(format!("{} is not ours: {}", shown(&there), holder(&there)))
                .hint(format!("clear it all the same: mark clear {}", there.id)));
        }
        let why = (stands.state == MarkState::Stale).then_some(stands.reason);
        let end = EndNote { at: marks.moment().at, how: MarkEnd::Cleared, why, by: caller.name };
        mark::end(tx, &there, &end)?;
        Ok(Some(Mark { end: Some(end), ..there }))
    })?;
    if let Some(mark) = cleared {
        cx.out.emit(&MarkRecord::ended(&mark))?;
    }
    Ok(Exit::Done)
}
