//! `reconcile retry …`: when runs may be tried again. Starts none of them.

use refloat::cli::Context;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::record::RetryRecord;
use refloat::state::State;
use refloat::state::retry::{self, Filter};

use crate::args::RetryList;

pub(crate) fn list(cx: &mut Context, args: &RetryList) -> Result<Exit> {
    let state = State::open_for_reading(&cx.place()?)?;
    let filter = Filter {
        agent: args.of.agent.as_deref(),
        run: args.of.run,
        all: args.all,
        limit: if args.limit == 0 { i64::MAX } else { args.limit },
    };
    for retry in state.read("list retries", |view| retry::list(view, &filter))? {
        cx.out.emit(&RetryRecord::from(&retry))?;
    }
    Ok(Exit::Done)
}
