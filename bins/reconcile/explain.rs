//! `reconcile explain`: every piece of evidence, every rule that was tried, and which one decided. It does nothing.

use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::gather::{self, Gathered};
use refloat::judge::verdict::{Policy, Tried, explain};
use refloat::record::RuleRecord;
use refloat::state::State;

use crate::args::Explain;
use crate::pass::record;

pub(crate) fn run(cx: &mut Context, args: &Explain) -> Result<Exit> {
    let place = cx.place()?;
    let state = State::open_for_reading(&place)?;
    let rows = gather::read(&state, std::slice::from_ref(&args.subject))?;
    drop(state);
    for gathered in gather::gather(&place, rows) {
        gathered.evidence.iter().try_for_each(|piece| cx.out.emit_at(piece, piece.observed_at))?;
        let tried = explain(&gathered.case, &Policy::default(), Stamp::now());
        for (place, one) in (1..).zip(&tried) {
            cx.out.emit(&rule(&gathered, place, one))?;
        }
        if let Some(verdict) = tried.last().and_then(|last| last.verdict.as_ref()) {
            cx.out.emit(&record(&gathered, verdict, None, gathered.next_command(&place, verdict)))?;
        }
    }
    Ok(Exit::Done)
}

fn rule(gathered: &Gathered, place: i64, tried: &Tried) -> RuleRecord {
    RuleRecord {
        run: gathered.run.id,
        place,
        rule: tried.rule,
        decided: tried.verdict.is_some(),
        verdict: tried.verdict.as_ref().map(|verdict| verdict.verdict),
        cause: tried.verdict.as_ref().map(|verdict| verdict.cause),
    }
}
