//! `mail purge`: removes mail for good, if told to; what nobody has acknowledged only by force.

use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::id::MailId;
use refloat::record::MailPurged;
use refloat::state::State;
use refloat::state::mail::purge::{self, Counts, Purge};

use crate::args::Purging;

/// So many at a time; then others have their turn.
const STEP: i64 = 10_000;

pub(crate) fn run(cx: &mut Context, args: &Purging) -> Result<Exit> {
    if args.older.is_none() && !args.acked && args.agent.is_none() {
        return Err(Failure::usage("what is to be purged? --older, --acked or --agent is missing")
            .hint("see 'mail purge --help'"));
    }
    let older = args.older.map(|age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
    let before = older.map(|age| Stamp::from_millis(Stamp::now().millis().saturating_sub(age)));
    let what = Purge { before, agent: args.agent.clone(), force: args.force && !args.acked };
    let place = cx.place()?;
    let counts = if args.apply {
        remove(&mut State::open_existing(&place)?, &what)?
    } else {
        State::open_for_reading(&place)?.read("count mail", |view| purge::count(view, &what))?
    };
    let mails = counts.acked + counts.stored + counts.dead;
    let Counts { acked, stored, dead } = counts;
    cx.out.emit(&MailPurged { applied: args.apply, mails, acked, stored, dead, before, agent: what.agent })?;
    Ok(Exit::Done)
}

fn remove(state: &mut State, what: &Purge) -> Result<Counts> {
    let (mut all, mut last) = (Counts::default(), MailId(0));
    loop {
        let (some, end) = state.write("purge mail", |tx| purge::remove(tx, what, last, STEP))?;
        last = end;
        all.acked += some.acked;
        all.stored += some.stored;
        all.dead += some.dead;
        if some.acked + some.stored + some.dead < STEP {
            return Ok(all);
        }
    }
}
