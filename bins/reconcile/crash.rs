//! `reconcile crash …`: what crashed. What refloat has left of its own crashes is taken in first, where it may write.

use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::crash::{take_in, waiting};
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::record::CrashRecord;
use refloat::state::State;
use refloat::state::crash::{self, Filter};

use crate::args::{CrashList, CrashShow};

pub(crate) fn list(cx: &mut Context, args: &CrashList) -> Result<Exit> {
    let state = open(cx)?;
    let filter = Filter {
        agent: args.of.agent.as_deref(),
        run: args.of.run,
        since: args.since.map(|ago| Stamp::now().minus(ago)),
        limit: args.most.rows(),
    };
    for crash in state.read("list crashes", |view| crash::list(view, &filter))? {
        cx.out.emit(&CrashRecord::from(&crash))?;
    }
    Ok(Exit::Done)
}

pub(crate) fn show(cx: &mut Context, args: &CrashShow) -> Result<Exit> {
    let state = open(cx)?;
    let found = state.read("show a crash", |view| crash::by_id(view, args.crash))?;
    let crash = found
        .ok_or_else(|| Failure::not_found(format!("no crash {}", args.crash)).hint("see: reconcile crash list"))?;
    cx.out.emit(&CrashRecord::from(&crash))?;
    Ok(Exit::Done)
}

/// Opened for writing only where files wait; who may not write is told what is not shown.
fn open(cx: &Context) -> Result<State> {
    let place = cx.place()?;
    let (files, folder) = waiting(&place);
    if files == 0 {
        return State::open_for_reading(&place);
    }
    match State::open_existing(&place) {
        Ok(mut state) => {
            take_in(&mut state).iter().for_each(|line| cx.say(line));
            Ok(state)
        }
        Err(failure) => {
            let state = State::open_for_reading(&place)?;
            let folder = folder.display();
            cx.say(format_args!("{files} crash files in {folder} are not shown, and cannot be taken in: {failure}"));
            Ok(state)
        }
    }
}
