//! `mail send` and `mail reply`: who sends is decided in the transaction that stores it.

use std::io::Read;

use refloat::cli::Context;
use refloat::error::{Failure, IoContext, Result};
use refloat::exit::Exit;
use refloat::model::{Mail, MailType, Priority};
use refloat::state::{State, View, mail};
use refloat::token;

use crate::address::{self, To};
use crate::args::{Reply, Send};
use crate::draft::{Draft, LIMIT, SUBJECT};
use crate::{batch, caller};

pub(crate) fn run(cx: &mut Context, args: &Send) -> Result<Exit> {
    if args.batch.is_some() {
        return batch::run(cx, args);
    }
    let draft = Draft {
        to: address::parse(args.to.as_deref().unwrap_or_default())?,
        subject: args.subject.clone().unwrap_or_default(),
        body: body(cx, &args.body)?,
        kind: args.kind,
        priority: args.priority,
        payload: args.payload.clone(),
        reply_to: args.reply_to,
        expires: args.expires,
        queue: args.queue,
    };
    draft.check()?;
    let token = token::of_environment();
    if token.is_none() && args.from.is_none() {
        return Err(caller::nobody_sends());
    }
    let place = cx.place()?;
    let mut state = token::open_for_writing(&place)?;
    let sent = state.write("send mail", |tx| {
        let sender = caller::sender(tx, args.from.as_deref(), token.as_deref())?;
        draft.store(tx, &sender)
    })?;
    sent.iter().try_for_each(|sent| cx.out.emit(sent))?;
    Ok(Exit::Done)
}

/// `mail reply`: to the other side, in the same thread. Its type is not that of what it answers.
pub(crate) fn reply(cx: &mut Context, args: &Reply) -> Result<Exit> {
    let mut draft = Draft {
        to: To::Agent(String::new()),
        subject: args.subject.clone().unwrap_or_else(|| "Re:".into()),
        body: body(cx, &args.body)?,
        kind: args.kind.unwrap_or(MailType::Status),
        priority: args.priority.unwrap_or(Priority::Normal),
        payload: args.payload.clone(),
        reply_to: Some(args.mail),
        expires: args.expires,
        // Whoever wrote can be answered.
        queue: true,
    };
    draft.check()?;
    let token = token::of_environment();
    if token.is_none() && args.from.is_none() {
        return Err(caller::nobody_sends());
    }
    let place = cx.place()?;
    let mut state = State::open_existing(&place)?;
    let sent = state.write("reply to a mail", |tx| {
        let sender = caller::sender(tx, args.from.as_deref(), token.as_deref())?;
        let answered = existing(tx, args)?;
        let other = if answered.sender == sender.name { &answered.recipient } else { &answered.sender };
        draft.to = To::Agent(other.clone());
        if args.subject.is_none() {
            draft.subject = answer_to(&answered.subject);
        }
        draft.store(tx, &sender)
    })?;
    sent.iter().try_for_each(|sent| cx.out.emit(sent))?;
    Ok(Exit::Done)
}

fn existing(view: &View<'_>, args: &Reply) -> Result<Mail> {
    let found = mail::by_id(view, args.mail)?;
    found.ok_or_else(|| Failure::not_found(format!("no mail {} to answer", args.mail)).hint("see: mail list"))
}

/// `Re: …`, once, and no longer than a subject may be.
fn answer_to(subject: &str) -> String {
    let mut answer = if subject.starts_with("Re: ") { subject.to_owned() } else { format!("Re: {subject}") };
    let end = (0..=SUBJECT.min(answer.len())).rev().find(|end| answer.is_char_boundary(*end));
    answer.truncate(end.unwrap_or(0));
    answer
}

/// The body as given, or from standard input.
fn body(cx: &Context, given: &str) -> Result<String> {
    if given != "-" {
        return Ok(given.to_owned());
    }
    cx.note_stdin("the body");
    let mut text = Vec::new();
    let limited = &mut std::io::stdin().take(LIMIT as u64 + 1);
    limited.read_to_end(&mut text).or_fail(|| "cannot read the body from standard input".into())?;
    String::from_utf8(text).map_err(|_| Failure::new(Exit::Malformed, "the body is not UTF-8"))
}
