//! The `probe` command: look, say, change nothing. Yes, no or unknown, and why.
//! It never says that something is dead because it could not look.

mod args;
mod host;
mod lines;
mod pid;
mod run;
mod tell;
mod tmux;

use std::process::ExitCode;

use refloat::cli::{self, Context};
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::record::{self, Evidence, Judgement, ProbeEnded};

use args::{Command, Probe};

fn main() -> ExitCode {
    cli::main::<Probe>("probe", schema, |probe| &probe.common, dispatch)
}

fn dispatch(cx: &mut Context, probe: Probe) -> Result<Exit> {
    match probe.command {
        Command::Pid(args) => pid::run(cx, &args),
        Command::Run(args) => run::run(cx, &args),
        Command::Host(args) => host::run(cx, &args),
        Command::Tmux(args) => tmux::run(cx, &args),
    }
}

fn schema() -> String {
    record::document(vec![
        record::schema_of::<Evidence>(),
        record::schema_of::<Judgement>(),
        record::schema_of::<ProbeEnded>(),
    ])
}
