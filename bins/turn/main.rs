//! The `turn` command: run one agent turn, start to outcome.
//! Two programs in one binary: the supervisor that people call, and the shim it starts itself as.

mod adopted;
mod args;
mod attach;
mod conform;
mod events;
mod finishing;
mod launch;
mod list;
mod log;
mod outlet;
mod prompt;
mod run;
mod runtimes;
mod shim;
mod show;
mod stop;
mod supervise;
mod yielding;

use std::process::ExitCode;

use refloat::cli::{self, Context};
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::record::{
    self, Conform, CrashRecord, DeadLetterRecord, RetryRecord, RunAdopted, RunBeat, RunEnded, RunRecord, RuntimeRecord,
    TurnEnded, TurnEvent, TurnRecord, TurnStalled, TurnStarted, TurnStopped, TurnYielded,
};

use args::{Command, Turn};

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|word| word == shim::SHIM) {
        return shim::main();
    }
    cli::main::<Turn>("turn", schema, |turn| &turn.common, dispatch)
}

fn dispatch(cx: &mut Context, turn: Turn) -> Result<Exit> {
    match turn.command {
        Command::Run(args) => run::run(cx, &args),
        Command::Attach(args) => attach::run(cx, &args),
        Command::Stop(args) => stop::run(cx, &args),
        Command::List(args) => list::run(cx, &args),
        Command::Show(args) => show::run(cx, &args),
        Command::Log(args) => log::run(cx, &args),
        Command::Adopt(args) => adopted::adopt::run(cx, &args),
        Command::Beat(args) => adopted::beat::run(cx, &args),
        Command::End(args) => adopted::end::run(cx, &args),
        Command::Yield(args) => yielding::run(cx, &args),
        Command::Conform(args) => conform::run(cx, &args),
        Command::Runtimes(args) => runtimes::run(cx, &args),
    }
}

fn schema() -> String {
    record::document(vec![
        record::schema_of::<TurnStarted>(),
        record::schema_of::<TurnEnded>(),
        record::schema_of::<TurnEvent>(),
        record::schema_of::<TurnStalled>(),
        record::schema_of::<TurnStopped>(),
        record::schema_of::<TurnRecord>(),
        record::schema_of::<RunRecord>(),
        record::schema_of::<RetryRecord>(),
        record::schema_of::<DeadLetterRecord>(),
        record::schema_of::<CrashRecord>(),
        record::schema_of::<RunAdopted>(),
        record::schema_of::<RunBeat>(),
        record::schema_of::<RunEnded>(),
        record::schema_of::<TurnYielded>(),
        record::schema_of::<Conform>(),
        record::schema_of::<RuntimeRecord>(),
    ])
}
