//! `reconcile deadletter …`: what was given up, and what somebody makes of it.

use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::id::{DeadLetterId, MailId};
use refloat::model::{Act, AttributedBy, DeadLetter, LetterState, Mail, NewMail, Terms};
use refloat::record::{DeadLetterRecord, MailSent};
use refloat::state::dead_letter::{self, Filter};
use refloat::state::{State, Tx, View, mail, run};
use refloat::token;

use crate::args::{LetterAck, LetterClose, LetterList, LetterReplay, LetterShow};
use crate::reopen::{self, Replay};

pub(crate) fn list(cx: &mut Context, args: &LetterList) -> Result<Exit> {
    let state = State::open_for_reading(&cx.place()?)?;
    let filter = Filter { agent: args.of.agent.as_deref(), run: args.of.run, all: args.all, limit: args.most.rows() };
    let found = state.read("list dead letters", |view| dead_letter::list(view, &filter))?;
    tell(cx, &state, &found)
}

pub(crate) fn show(cx: &mut Context, args: &LetterShow) -> Result<Exit> {
    let state = State::open_for_reading(&cx.place()?)?;
    let found = state.read("show a dead letter", |view| by_id(view, args.letter))?;
    tell(cx, &state, &[found])
}

pub(crate) fn ack(cx: &mut Context, args: &LetterAck) -> Result<Exit> {
    each(cx, "acknowledge dead letters", &args.letters, args.why.as_deref(), |tx, letter, act| {
        dead_letter::acknowledge(tx, letter.id, act)
    })
}

pub(crate) fn close(cx: &mut Context, args: &LetterClose) -> Result<Exit> {
    each(cx, "close dead letters", &args.letters, Some(&args.why), |tx, letter, act| {
        if letter.state() == LetterState::Closed || dead_letter::close(tx, letter.id, act)? {
            return Ok(());
        }
        Err(settled(letter))
    })
}

pub(crate) fn replay(cx: &mut Context, args: &LetterReplay) -> Result<Exit> {
    let mut state = State::open_existing(&cx.place()?)?;
    let why = args.why.as_deref();
    let found = state.read("look at the dead letter", |view| open(view, args.letter))?;
    let id = found.id;
    match (found.run, found.mail) {
        (Some(run), _) => {
            let replay = Replay { letter: id, may: |view, letter| open(view, letter).map(drop) };
            let reopened = reopen::take_out(cx, &mut state, run, why, Some(&replay))?;
            let letter = state.read("look at the dead letter", |view| by_id(view, id))?;
            tell(cx, &state, &[letter])?;
            reopen::say(cx, &reopened)?;
        }
        (None, mail) => {
            let mail = mail.ok_or_else(|| Failure::not_found(format!("{id} is of no run and of no mail")))?;
            let (letter, sent) = state.write("send a mail again", |tx| send_again(tx, id, mail, why))?;
            tell(cx, &state, &[letter])?;
            cx.out.emit(&MailSent::from(&sent))?;
        }
    }
    Ok(Exit::Done)
}

/// Sends a dead mail once more, as a new one: to the same name, in the same thread. One that was for a run that is over is
/// for the name; how long it is of use nobody has said anew.
fn send_again(tx: &Tx<'_>, id: DeadLetterId, dead: MailId, why: Option<&str>) -> Result<(DeadLetter, Mail)> {
    let letter = open(tx, id)?;
    let gone = || Failure::not_found(format!("mail {dead} is gone"));
    let old = mail::by_id(tx, dead)?.ok_or_else(gone)?;
    let act = Act { by: token::actor(tx)?, at: Stamp::now(), why: why.map(str::to_owned) };
    let still_open = |id| run::by_id(tx, id).map(|run| run.filter(|run| !run.state.is_terminal()));
    let recipient_run = old.recipient_run.map(still_open).transpose()?.flatten().map(|run| run.id);
    let new = NewMail {
        sender: &old.sender,
        recipient: &old.recipient,
        recipient_run,
        kind: old.kind,
        priority: old.priority,
        subject: &old.subject,
        body: &old.body,
        payload: old.payload.as_deref(),
        reply_to: old.reply_to,
        // No turn sends it now: it is the end of nothing.
        from: None,
        attributed_by: AttributedBy::Word,
        dead_reason: None,
    };
    let terms = Terms { sent_to: old.sent_to.as_deref(), thread: Some(old.thread), ..Terms::default() };
    let sent = mail::send_on(tx, &new, &terms, act.at)?;
    if !dead_letter::replay_mail(tx, id, sent, &act)? {
        return Err(settled(&letter));
    }
    Ok((by_id(tx, id)?, mail::by_id(tx, sent)?.ok_or_else(gone)?))
}

/// Does this to each of them, or to none.
fn each(
    cx: &mut Context,
    what: &str,
    letters: &[DeadLetterId],
    why: Option<&str>,
    act: fn(&Tx<'_>, &DeadLetter, &Act) -> Result<()>,
) -> Result<Exit> {
    let mut state = State::open_existing(&cx.place()?)?;
    let found = state.write(what, |tx| {
        let note = Act { by: token::actor(tx)?, at: Stamp::now(), why: why.map(str::to_owned) };
        let one = |id: &DeadLetterId| {
            act(tx, &by_id(tx, *id)?, &note)?;
            by_id(tx, *id)
        };
        letters.iter().map(one).collect::<Result<Vec<_>>>()
    })?;
    tell(cx, &state, &found)
}

fn by_id(view: &View<'_>, id: DeadLetterId) -> Result<DeadLetter> {
    let none = || Failure::not_found(format!("no dead letter {id}")).hint("see: reconcile deadletter list --all");
    dead_letter::by_id(view, id)?.ok_or_else(none)
}

/// The dead letter, if nobody has settled it.
fn open(view: &View<'_>, id: DeadLetterId) -> Result<DeadLetter> {
    let letter = by_id(view, id)?;
    if letter.state() == LetterState::Open { Ok(letter) } else { Err(settled(&letter)) }
}

fn settled(letter: &DeadLetter) -> Failure {
    let id = letter.id;
    Failure::refused(format!("{id} is {} already", letter.state())).hint(format!("see: reconcile deadletter show {id}"))
}

fn tell(cx: &mut Context, state: &State, letters: &[DeadLetter]) -> Result<Exit> {
    let logs = state.place().companion("logs");
    for letter in letters {
        let record = DeadLetterRecord::of(letter, &logs);
        cx.out.emit(&DeadLetterRecord { command: state.place().addressed(record.command), ..record })?;
    }
    Ok(Exit::Done)
}
