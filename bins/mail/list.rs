//! `mail list` and `mail show`: what is stored. Reading consumes nothing.

use refloat::cli::Context;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::record::MailRecord;
use refloat::state::State;
use refloat::state::mail::{self, Filter};

use crate::args::{List, Show};

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

pub(crate) fn show(cx: &mut Context, args: &Show) -> Result<Exit> {
    let state = State::open_for_reading(&cx.place()?)?;
    let found = state.read("show a mail", |view| mail::by_id(view, args.mail))?;
    let mail = found.ok_or_else(|| Failure::not_found(format!("no mail {}", args.mail)).hint("see: mail list"))?;
    cx.out.emit(&MailRecord::from(&mail))?;
    Ok(Exit::Done)
}
