//! The `reconcile` command: what is true of each run, and the ledgers of what went wrong. It starts no turn.

mod args;
mod crash;
mod dead_letter;
mod explain;
mod hold;
mod pass;
mod reopen;
mod repair;
mod retry;
mod told;

use std::process::ExitCode;

use refloat::cli::{self, Context};
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::record::{
    self, CrashRecord, DeadLetterRecord, Evidence, MailSent, ReconcileEnded, RetryRecord, RuleRecord, RunReopened,
    VerdictRecord,
};

use args::{Command, Crashes, DeadLetters, Reconcile, Retries};

fn main() -> ExitCode {
    cli::main::<Reconcile>("reconcile", schema, |reconcile| &reconcile.common, dispatch)
}

fn dispatch(cx: &mut Context, reconcile: Reconcile) -> Result<Exit> {
    let Some(command) = reconcile.command else {
        return pass::run(cx, &reconcile.pass);
    };
    match command {
        Command::Explain(args) => explain::run(cx, &args),
        Command::Retry(args) => match args.command {
            Retries::List(args) => retry::list(cx, &args),
            Retries::Due(args) => retry::due(cx, &args),
            Retries::Cancel(args) => retry::cancel(cx, &args),
        },
        Command::DeadLetter(args) => match args.command {
            DeadLetters::List(args) => dead_letter::list(cx, &args),
            DeadLetters::Show(args) => dead_letter::show(cx, &args),
            DeadLetters::Ack(args) => dead_letter::ack(cx, &args),
            DeadLetters::Replay(args) => dead_letter::replay(cx, &args),
            DeadLetters::Close(args) => dead_letter::close(cx, &args),
        },
        Command::Reopen(args) => reopen::run(cx, &args),
        Command::Crash(args) => match args.command {
            Crashes::List(args) => crash::list(cx, &args),
            Crashes::Show(args) => crash::show(cx, &args),
        },
    }
}

fn schema() -> String {
    record::document(vec![
        record::schema_of::<VerdictRecord>(),
        record::schema_of::<ReconcileEnded>(),
        record::schema_of::<RuleRecord>(),
        record::schema_of::<Evidence>(),
        record::schema_of::<RetryRecord>(),
        record::schema_of::<DeadLetterRecord>(),
        record::schema_of::<RunReopened>(),
        record::schema_of::<MailSent>(),
        record::schema_of::<CrashRecord>(),
    ])
}
