//! `mark clear`: a mark ends by a hand. By its name it ends only if it is the caller's: whoever lost a mark to
//! another must not clear that one's.

use refloat::cli::Context;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::model::{EndNote, FoundMark, Mark, MarkEnd, MarkState, Reason, UnreadMark};
use refloat::sight::marks::Marks;
use refloat::state::{State, Tx, mark};

use crate::args::Clear;
use crate::list::{looked_at, tell};
use crate::who::{Caller, Target};

pub(crate) fn run(cx: &mut Context, args: &Clear) -> Result<Exit> {
    let target = Target::of(&args.which)?;
    let place = cx.place()?;
    let mut state = State::open_existing(&place)?;
    let (cleared, elsewhere) = state.write("clear a mark", |tx| {
        let mut clear = Clearing { tx, target: &target, caller: Caller::of(tx)?, marks: Marks::now() };
        let found = target.find(tx)?;
        let elsewhere = if found.is_empty() { target.elsewhere(tx)? } else { None };
        let cleared: Result<Vec<FoundMark>> = found.into_iter().map(|found| clear.one(found)).collect();
        Ok((cleared?, elsewhere))
    })?;
    elsewhere.iter().for_each(|hint| cx.hint(hint));
    tell(cx, &looked_at(&cleared, &mut Marks::now()))
}

struct Clearing<'c> {
    tx: &'c Tx<'c>,
    target: &'c Target<'c>,
    caller: Caller,
    marks: Marks,
}

impl Clearing<'_> {
    /// What has ended is told again.
    fn one(&mut self, found: FoundMark) -> Result<FoundMark> {
        match found {
            Ok(there) => self.read(there).map(Ok),
            Err(unread) if unread.stands => self.unread(unread).map(Err),
            Err(ended) => Ok(Err(ended)),
        }
    }

    fn read(&mut self, there: Mark) -> Result<Mark> {
        self.target.expect_claim(&there)?;
        if there.end.is_some() {
            return Ok(there);
        }
        let stands = self.marks.standing(&there);
        let why = (stands.state == MarkState::Stale).then_some(stands.reason);
        if why.is_none() {
            self.target.expect_touchable(&there, &self.caller, "clear")?;
        }
        let end = self.end(why);
        mark::end(self.tx, &there, &end)?;
        Ok(Mark { end: Some(end), ..there })
    }

    fn unread(&self, there: UnreadMark) -> Result<UnreadMark> {
        self.target.expect_id_of(&there)?;
        let end = self.end(Some(Reason::Unreadable));
        mark::end_unread(self.tx, there.id, &end)?;
        Ok(UnreadMark { stands: false, end: Some(end), ..there })
    }

    fn end(&self, why: Option<Reason>) -> EndNote {
        EndNote { at: self.marks.moment().at, how: MarkEnd::Cleared, why, by: self.caller.name.clone() }
    }
}
