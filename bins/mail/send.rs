//! `mail send`: who sends, to whom, and whether that is allowed, decided in the transaction that stores it.

use std::io::Read;

use refloat::cli::{Context, agent_name};
use refloat::clock::Stamp;
use refloat::error::{Failure, IoContext, Result};
use refloat::exit::Exit;
use refloat::id::{RunId, TurnId};
use refloat::judge::outcome::is_terminal_mail;
use refloat::model::{AttributedBy, DeadCause, NewMail};
use refloat::record::MailSent;
use refloat::state::{State, Tx, View, mail, run};
use refloat::token::{self, Bearer};

use crate::args::Send;

/// A body, and a payload, may have so many bytes.
const LIMIT: usize = 1024 * 1024;
/// A subject may have so many.
const SUBJECT: usize = 1000;

/// Who writes, by the environment and `--from`.
struct Sender {
    name: String,
    /// The turn, where there is one, and the run.
    from: Option<(Option<TurnId>, RunId)>,
}

/// To whom: an agent, or one run of it.
enum Recipient {
    Agent(String),
    Run(RunId),
}

pub(crate) fn run(cx: &mut Context, args: &Send) -> Result<Exit> {
    let body = body(cx, args)?;
    check(args, &body)?;
    let to = recipient(&args.to)?;
    let token = token::of_environment();
    if token.is_none() && args.from.is_none() {
        return Err(Failure::usage("who sends it? --from is missing").hint("outside a turn: --from operator"));
    }
    let place = cx.place()?;
    let mut state = State::open_for_writing(&place)?;
    let sent = state.write("send mail", |tx| {
        let sender = sender(tx, args, token.as_deref())?;
        store(tx, args, &body, &to, &sender)
    })?;
    cx.out.emit(&sent)?;
    Ok(Exit::Done)
}

fn body(cx: &Context, args: &Send) -> Result<String> {
    if args.body != "-" {
        return Ok(args.body.clone());
    }
    cx.note_stdin("the body");
    let mut text = Vec::new();
    let limited = &mut std::io::stdin().take(LIMIT as u64 + 1);
    limited.read_to_end(&mut text).or_fail(|| "cannot read the body from standard input".into())?;
    String::from_utf8(text).map_err(|_| Failure::new(Exit::Malformed, "the body is not UTF-8"))
}

fn check(args: &Send, body: &str) -> Result<()> {
    let malformed = |what: String| Err(Failure::new(Exit::Malformed, what));
    if args.subject.trim().is_empty() || args.subject.len() > SUBJECT || args.subject.contains(['\n', '\r']) {
        return Err(Failure::usage(format!("a subject is one line of 1 to {SUBJECT} bytes")));
    }
    if body.len() > LIMIT {
        return malformed(format!("the body is longer than {LIMIT} bytes; nothing was stored"));
    }
    let Some(payload) = &args.payload else { return Ok(()) };
    if payload.len() > LIMIT {
        return malformed(format!("the payload is longer than {LIMIT} bytes; nothing was stored"));
    }
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(payload) {
        Ok(_) => Ok(()),
        Err(error) => malformed(format!("the payload is not a JSON object: {error}")),
    }
}

fn recipient(text: &str) -> Result<Recipient> {
    let refused = |why: String| Failure::usage(format!("cannot send to '{text}': {why}"));
    match text.strip_prefix("run:") {
        Some(run) => run.parse().map(Recipient::Run).map_err(refused),
        None => agent_name(text).map(Recipient::Agent).map_err(refused),
    }
}

/// Inside a turn, or an adopted worker, the token says who sends; a name that contradicts it is refused.
fn sender(tx: &Tx<'_>, args: &Send, token: Option<&str>) -> Result<Sender> {
    let Some(token) = token else {
        return Ok(Sender { name: args.from.clone().unwrap_or_default(), from: None });
    };
    let (name, from) = match token::bearer(tx, token)? {
        Bearer::Turn(turn) => (turn.agent, (Some(turn.id), turn.run)),
        Bearer::Worker(worker) => (worker.0.agent, (None, worker.0.id)),
    };
    if let Some(from) = args.from.as_ref().filter(|from| **from != name) {
        return Err(Failure::refused(format!("{name} cannot send as {from} from inside its turn")));
    }
    Ok(Sender { name, from: Some(from) })
}

fn store(tx: &Tx<'_>, args: &Send, body: &str, to: &Recipient, sender: &Sender) -> Result<MailSent> {
    if let Some(answered) = args.reply_to
        && mail::by_id(tx, answered)?.is_none()
    {
        return Err(Failure::not_found(format!("no mail {answered} to answer")));
    }
    let (recipient, recipient_run, dead_reason) = address(tx, args, to)?;
    let new = NewMail {
        sender: &sender.name,
        recipient: &recipient,
        recipient_run,
        kind: args.kind,
        priority: args.priority,
        subject: &args.subject,
        body,
        payload: args.payload.as_deref(),
        reply_to: args.reply_to,
        from: sender.from,
        attributed_by: match sender.from {
            Some((Some(_), _)) => AttributedBy::Turn,
            Some((None, _)) => AttributedBy::Run,
            None => AttributedBy::Word,
        },
        dead_reason,
    };
    let id = mail::send(tx, &new, Stamp::now())?;
    let stored = mail::by_id(tx, id)?.ok_or_else(|| Failure::not_found(format!("mail {id} is gone")))?;
    Ok(MailSent::from(&stored))
}

/// The recipient's name, the run it is meant for, and why it is dead at once, if it is.
fn address(view: &View<'_>, args: &Send, to: &Recipient) -> Result<(String, Option<RunId>, Option<DeadCause>)> {
    match to {
        Recipient::Run(id) => {
            let run = run::by_id(view, *id)?
                .ok_or_else(|| Failure::not_found(format!("no run {id}")).hint("see: turn list"))?;
            let dead = run.state.is_terminal().then_some(DeadCause::StaleGeneration);
            // A worker may always say that it is done: it does not fail for the end of whom it tells.
            if dead.is_some() && !is_terminal_mail(args.kind) {
                return Err(Failure::refused(format!("run {id} of {} has ended: {}", run.agent, run.state))
                    .hint(format!("write to the agent: --to {}", run.agent)));
            }
            Ok((run.agent, Some(*id), dead))
        }
        Recipient::Agent(name) => {
            if !args.queue && name != "operator" && !run::is_known(view, name)? {
                return Err(unknown(name, &run::open_names(view)?));
            }
            Ok((name.clone(), None, None))
        }
    }
}

fn unknown(name: &str, open: &[String]) -> Failure {
    let mut near: Vec<&str> = open.iter().map(String::as_str).filter(|other| edits(name, other) <= 2).collect();
    near.sort_unstable();
    let failure = Failure::not_found(format!("no agent '{name}'"));
    if near.is_empty() {
        return failure.hint("store it for one that will come with --queue");
    }
    failure.hint(format!("did you mean {}? or store it for one that will come with --queue", near.join(", ")))
}

/// Edits from one name to another (Levenshtein); names are ASCII.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
