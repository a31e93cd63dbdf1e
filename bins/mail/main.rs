//! The `mail` command: durable mail between agents.

mod args;
mod list;
mod send;

use std::process::ExitCode;

use refloat::cli::{self, Context};
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::record::{self, MailRecord, MailSent};

use args::{Command, Mail};

fn main() -> ExitCode {
    cli::main::<Mail>("mail", schema, |mail| &mail.common, dispatch)
}

fn dispatch(cx: &mut Context, mail: Mail) -> Result<Exit> {
    match mail.command {
        Command::Send(args) => send::run(cx, &args),
        Command::List(args) => list::run(cx, &args),
    }
}

fn schema() -> String {
    record::document(vec![record::schema_of::<MailSent>(), record::schema_of::<MailRecord>()])
}
