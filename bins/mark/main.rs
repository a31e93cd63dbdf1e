//! The `mark` command: marks are set, renewed, looked at and cleared.

mod args;
mod beat;
mod clear;
mod list;
mod set;
mod who;

use std::process::ExitCode;

use refloat::cli::{self, Context};
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::record::{self, MarkRecord};

use args::{Command, Mark};

fn main() -> ExitCode {
    cli::main::<Mark>("mark", schema, |mark| &mark.common, dispatch)
}

fn dispatch(cx: &mut Context, mark: Mark) -> Result<Exit> {
    match mark.command {
        Command::Set(args) => set::run(cx, &args),
        Command::Beat(args) => beat::run(cx, &args),
        Command::Clear(args) => clear::run(cx, &args),
        Command::List(args) => list::run(cx, &args),
        Command::Show(args) => list::show(cx, &args),
        Command::Check(args) => list::check(cx, &args),
    }
}

fn schema() -> String {
    record::document(vec![record::schema_of::<MarkRecord>()])
}
