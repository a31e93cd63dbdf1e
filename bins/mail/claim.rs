//! `mail claim`, `check`, `inject`: mail is leased, then told; `check` and `inject` acknowledge what the kernel took.

use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::model::Mail;
use refloat::record::MailRecord;
use refloat::record::block::block;
use refloat::seam::process;
use refloat::state::State;
use refloat::state::mail::claim;
use refloat::token;
use uuid::Uuid;

use crate::args::{Inject, Take};
use crate::caller;

pub(crate) fn claim(cx: &mut Context, args: &Take) -> Result<Exit> {
    let (_, mails) = take(cx, args)?;
    mails.iter().try_for_each(|mail| cx.out.emit(&MailRecord::claimed(mail)))?;
    Ok(Exit::Done)
}

/// Prints, and acknowledges what was printed. What could not be printed waits again at once.
pub(crate) fn check(cx: &mut Context, args: &Take) -> Result<Exit> {
    let (mut state, mails) = take(cx, args)?;
    let mut taken = 0;
    let mut printed = Ok(());
    for mail in &mails {
        printed = cx.out.emit(&MailRecord::claimed(mail));
        if printed.is_err() || cx.out.is_closed() {
            break;
        }
        taken += 1;
    }
    // A table is held back for its columns, and is taken as a whole or not at all.
    let printed = printed.and_then(|()| cx.out.finish());
    if printed.is_err() || cx.out.is_closed() && cx.out.is_table() {
        taken = 0;
    }
    settle(&mut state, &mails, taken)?;
    printed.map(|()| Exit::Done)
}

/// The same as one text for a prompt.
pub(crate) fn inject(cx: &mut Context, args: &Inject) -> Result<Exit> {
    let (mut state, mails) = take(cx, &args.take)?;
    let text = block(&mails, usize::MAX, || Uuid::new_v4().simple().to_string());
    let printed = cx.out.raw(text.as_bytes());
    let lost = printed.is_err() || cx.out.is_closed();
    if lost || !args.keep {
        settle(&mut state, &mails, if lost { 0 } else { mails.len() })?;
    } else if let Some(claim) = mails.first().and_then(|mail| mail.claim.as_ref()) {
        let ids: Vec<String> = mails.iter().map(|mail| mail.id.to_string()).collect();
        cx.hint(&format!("when it has been read: mail ack {} --claim {claim}", ids.join(" ")));
    }
    printed.map(|()| Exit::Done)
}

/// Leases what waits for the caller, in one transaction.
fn take(cx: &Context, args: &Take) -> Result<(State, Vec<Mail>)> {
    let token = token::of_environment();
    if token.is_none() && args.agent.is_none() {
        return Err(caller::nobody_reads());
    }
    let place = cx.place()?;
    let mut state = State::open_existing(&place)?;
    let claim = Uuid::new_v4().simple().to_string();
    let mails = state.write("claim mail", |tx| {
        let reader = caller::reader(tx, args.agent.as_deref(), token.as_deref())?;
        let now = process::moment();
        claim::sweep(tx, &reader.agent, args.max_deliveries, &now)?;
        let wanted = claim::Claim {
            agent: &reader.agent,
            run: reader.run,
            token: &claim,
            until: &now.plus(args.lease),
            max: args.max,
        };
        claim::take(tx, &wanted, now.at)
    })?;
    Ok((state, mails))
}

/// Acknowledges the first `taken`; the others wait again. What lost its lease meanwhile is somebody else's now.
fn settle(state: &mut State, mails: &[Mail], taken: usize) -> Result<()> {
    if mails.is_empty() {
        return Ok(());
    }
    state.write("acknowledge mail", |tx| {
        for (index, mail) in mails.iter().enumerate() {
            if !crate::settle::is_held(tx, mail)? {
                continue;
            }
            match index < taken {
                true => claim::acknowledge(tx, mail.id, Stamp::now())?,
                false => claim::release(tx, mail.id, None)?,
            }
        }
        Ok(())
    })
}
