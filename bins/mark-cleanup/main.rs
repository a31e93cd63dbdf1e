//! The `mark-cleanup` command: takes away what marks nothing any more. Made for cron: silent on stderr, idempotent, bounded.

mod account;
mod args;
mod files;
mod pass;

use std::process::ExitCode;

use refloat::cli::{self, Context};
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::record::{self, MarkCleanupEnded, MarkRecord};

use args::MarkCleanup;

fn main() -> ExitCode {
    cli::main::<MarkCleanup>("mark-cleanup", schema, |args| &args.common, dispatch)
}

fn dispatch(cx: &mut Context, args: MarkCleanup) -> Result<Exit> {
    pass::run(cx, &args)
}

fn schema() -> String {
    record::document(vec![record::schema_of::<MarkRecord>(), record::schema_of::<MarkCleanupEnded>()])
}
