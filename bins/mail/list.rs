//! `mail list`: what is stored. Reading consumes nothing.

use refloat::cli::Context;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::record::MailRecord;
use refloat::state::State;
use refloat::state::mail::{self, Filter};

use crate::args::List;

pub(crate) fn run(cx: &mut Context, args: &List) -> Result<Exit> {
    let place = cx.place()?;
    let state = State::open_for_reading(&place)?;
    let filter = Filter {
        from: args.from.clone(),
        to: args.to.clone(),
        kind: args.kind,
        state: args.mail_state,
        thread: args.thread,
        since: args.since,
        limit: if args.limit == 0 { i64::MAX } else { args.limit },
    };
    for mail in state.read("list mail", |view| mail::list(view, &filter))? {
        cx.out.emit(&MailRecord::from(&mail))?;
    }
    Ok(Exit::Done)
}
