//! The `mail` command: durable mail between agents.

mod address;
mod args;
mod batch;
mod caller;
mod claim;
mod draft;
mod list;
mod purge;
mod send;
mod settle;
mod wait;

use std::process::ExitCode;

use refloat::cli::{self, Context};
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::record::{self, MailAcked, MailPurged, MailRecord, MailReleased, MailSent, WaitEnded};

use args::{Command, Mail};

fn main() -> ExitCode {
    cli::main::<Mail>("mail", schema, |mail| &mail.common, dispatch)
}

fn dispatch(cx: &mut Context, mail: Mail) -> Result<Exit> {
    match mail.command {
        Command::Send(args) => send::run(cx, &args),
        Command::Reply(args) => send::reply(cx, &args),
        Command::Claim(args) => claim::claim(cx, &args),
        Command::Ack(args) => settle::ack(cx, &args),
        Command::Nack(args) => settle::nack(cx, &args),
        Command::Check(args) => claim::check(cx, &args),
        Command::Inject(args) => claim::inject(cx, &args),
        Command::Wait(args) => wait::run(cx, &args),
        Command::List(args) => list::run(cx, &args),
        Command::Show(args) => list::show(cx, &args),
        Command::Purge(args) => purge::run(cx, &args),
    }
}

fn schema() -> String {
    record::document(vec![
        record::schema_of::<MailSent>(),
        record::schema_of::<MailRecord>(),
        record::schema_of::<MailAcked>(),
        record::schema_of::<MailReleased>(),
        record::schema_of::<MailPurged>(),
        record::schema_of::<WaitEnded>(),
    ])
}
