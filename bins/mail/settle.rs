//! `mail ack` and `mail nack`: the holder of a claim ends its leases, all of them or, where one is refused, none.

use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::id::MailId;
use refloat::judge::lease::{Hold, hold};
use refloat::model::Mail;
use refloat::record::{MailAcked, MailReleased};
use refloat::seam::process;
use refloat::state::mail::claim;
use refloat::state::{State, Tx, View, mail};
use refloat::token;

use crate::args::{Ack, Nack};
use crate::caller;

pub(crate) fn ack(cx: &mut Context, args: &Ack) -> Result<Exit> {
    let mut state = open(cx, &args.mails)?;
    let token = token::of_environment();
    let acked = state.write("acknowledge mail", |tx| {
        let mut acked = Vec::new();
        for id in &args.mails {
            let found = held(tx, *id, &args.claim, token.as_deref())?;
            let now = Stamp::now();
            // A second acknowledgement by the same claim is the first one, told again.
            let acked_at = match found.acked_at {
                Some(at) => at,
                None => claim::acknowledge(tx, *id, now).map(|()| now)?,
            };
            acked.push(MailAcked { mail: *id, agent: found.recipient, deliveries: found.deliveries, acked_at });
        }
        Ok(acked)
    })?;
    acked.iter().try_for_each(|record| cx.out.emit(record))?;
    Ok(Exit::Done)
}

pub(crate) fn nack(cx: &mut Context, args: &Nack) -> Result<Exit> {
    let mut state = open(cx, &args.mails)?;
    let token = token::of_environment();
    let released = state.write("release mail", |tx| {
        let mut released = Vec::new();
        for id in &args.mails {
            let found = held(tx, *id, &args.claim, token.as_deref())?;
            if found.acked_at.is_some() {
                return Err(Failure::refused(format!("{id} is acknowledged by this claim already")));
            }
            let until = args.delay.map(|delay| process::moment().plus(delay));
            claim::release(tx, *id, until.as_ref())?;
            let delayed_until = until.map(|until| until.at);
            let (agent, deliveries) = (found.recipient, found.deliveries);
            released.push(MailReleased { mail: *id, agent, deliveries, delayed_until });
        }
        Ok(released)
    })?;
    released.iter().try_for_each(|record| cx.out.emit(record))?;
    Ok(Exit::Done)
}

fn open(cx: &Context, mails: &[MailId]) -> Result<State> {
    if mails.is_empty() {
        return Err(Failure::usage("which mail? <MAIL> is missing").hint("mail ack m42 --claim TOKEN"));
    }
    State::open_existing(&cx.place()?)
}

/// Whether the claim that a mail was read with still holds it.
pub(crate) fn is_held(view: &View<'_>, claimed: &Mail) -> Result<bool> {
    let Some(now) = mail::by_id(view, claimed.id)? else { return Ok(false) };
    Ok(hold(&now, claimed.claim.as_deref().unwrap_or_default(), &process::moment()) == Hold::Held)
}

/// The mail, if the claim may end its lease, or has acknowledged it before.
fn held(tx: &Tx<'_>, id: MailId, claim: &str, token: Option<&str>) -> Result<Mail> {
    let gone = || Failure::not_found(format!("no mail {id}")).hint("see: mail list");
    let found = mail::by_id(tx, id)?.ok_or_else(gone)?;
    if let Some(token) = token {
        caller::reader(tx, Some(&found.recipient), Some(token))?;
    }
    let why = match hold(&found, claim, &process::moment()) {
        Hold::Held | Hold::Done => return Ok(found),
        Hold::Expired => format!("the claim on {id} has expired: it waits to be claimed again"),
        Hold::Foreign => format!("{id} is under another claim: this one has expired, or was never its"),
        Hold::OfTurn => {
            let turn = found.lease_turn.map(|turn| turn.to_string()).unwrap_or_default();
            format!("{id} is leased to turn {turn}, whose end acknowledges or releases it")
        }
        Hold::Settled => format!("{id} is {} already, and not by this claim", found.state),
        Hold::Unclaimed => format!("{id} is not claimed"),
    };
    Err(Failure::refused(why).hint("nothing was changed; claim again: mail claim"))
}
