//! The `reconcile` command: what is true of each run, and the ledgers of what went wrong. It starts no turn.

mod args;
mod retry;

use std::process::ExitCode;

use refloat::cli::{self, Context};
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::record::{self, RetryRecord};

use args::{Command, Reconcile, Retries};

fn main() -> ExitCode {
    cli::main::<Reconcile>("reconcile", schema, |reconcile| &reconcile.common, dispatch)
}

fn dispatch(cx: &mut Context, reconcile: Reconcile) -> Result<Exit> {
    match reconcile.command {
        None => Err(Failure::usage("a subcommand is missing").hint("see 'reconcile --help'")),
        Some(Command::Retry(args)) => match args.command {
            Retries::List(args) => retry::list(cx, &args),
        },
    }
}

fn schema() -> String {
    record::document(vec![record::schema_of::<RetryRecord>()])
}
