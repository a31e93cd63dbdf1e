//! The `probe` command: look, say, change nothing. Yes, no or unknown, and why.
//! It never says that something is dead because it could not look.

mod args;
mod host;
mod lines;
mod lock;
mod mail;
mod output;
mod pid;
mod result;
mod run;
mod since;
mod sprint;
mod state;
mod story;
mod tell;
mod tmux;
mod truth;
mod wait;
mod whose;

use std::process::ExitCode;

use refloat::cli::{self, Context};
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::record::{self, Evidence, Judgement, ProbeEnded, WaitEnded};

use args::{Command, Probe};

fn main() -> ExitCode {
    cli::main::<Probe>("probe", schema, |probe| &probe.common, dispatch)
}

fn dispatch(cx: &mut Context, probe: Probe) -> Result<Exit> {
    match probe.command {
        Command::Pid(args) => pid::run(cx, &args),
        Command::Run(args) => run::run(cx, &args),
        Command::Output(args) => output::run(cx, &args),
        Command::Result(args) => result::run(cx, &args),
        Command::Lock(args) => lock::run(cx, &args),
        Command::Mail(args) => mail::run(cx, &args),
        Command::State(args) => state::run(cx, &args),
        Command::Story(args) => story::run(cx, &args),
        Command::Sprint(args) => sprint::run(cx, &args),
        Command::Host(args) => host::run(cx, &args),
        Command::Tmux(args) => tmux::run(cx, &args),
        Command::Wait(args) => wait::run(cx, args),
    }
}

fn schema() -> String {
    record::document(vec![
        record::schema_of::<Evidence>(),
        record::schema_of::<Judgement>(),
        record::schema_of::<ProbeEnded>(),
        record::schema_of::<WaitEnded>(),
    ])
}
