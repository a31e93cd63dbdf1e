//! `probe mail`: what waits for an agent, and whether a turn could take it now. Reading consumes nothing.

use std::path::PathBuf;

use clap::Args;
use refloat::cli::{Context, agent_name, work_folder};
use refloat::clock::{Moment, Stamp};
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::id::MailId;
use refloat::judge::mailbox::{self, Mailbox};
use refloat::judge::mark::Holding;
use refloat::judge::wait::held;
use refloat::lock::TurnLock;
use refloat::model::{Finding, FoundMark, Instrument, Run, SubjectKind};
use refloat::record::Evidence;
use refloat::record::evidence::{Detail, LeaseDetail, MailDetail};
use refloat::seam::process;
use refloat::sight::marks::holding;
use refloat::state::mail::claim;
use refloat::state::mail::waiting::{self, Lease, Waiting};
use refloat::state::{State, View, agent, mark, run, turn};

use crate::args::Asked;
use crate::tell::Teller;

/// Whether mail waits for an agent that a turn could take now
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  probe mail lead
  probe mail lead --exit-code && turn run --agent lead --mail -- ./serve")]
pub(crate) struct Mail {
    /// Whose mail
    #[arg(value_name = "AGENT", value_parser = agent_name)]
    agent: String,
    /// Where the turn would work: a hold mark for that folder keeps it [default: here]
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,
    #[command(flatten)]
    asked: Asked,
}

/// One view of all that bears on it.
struct Seen {
    now: Moment,
    stopped: bool,
    run: Option<Run>,
    holds: Vec<FoundMark>,
    ready: Option<MailId>,
    prompt: Option<MailId>,
    next: Option<Stamp>,
    waiting: Waiting,
}

pub(crate) fn run(cx: &mut Context, args: &Mail) -> Result<Exit> {
    let place = cx.place()?;
    let state = State::open_for_looking(&place)?;
    let seen = state.read("look at mail", |view| look(view, &args.agent))?;
    drop(state);
    // What is leased to a turn that nobody watches goes to the next one.
    let abandoned = match seen.prompt {
        Some(mail) if !TurnLock::is_held(&place, &args.agent)? => Some(mail),
        _ => None,
    };
    let holding = holding(&seen.holds, &work_folder(args.cwd.as_deref())?);
    let finding = find(&seen, holding.as_ref(), abandoned);
    let mut teller = Teller::new(cx, args.asked);
    let detail = Detail::Mail(detail(&seen, holding.as_ref(), abandoned));
    let mut evidence =
        Evidence::here((SubjectKind::Mail, args.agent.as_str()), Instrument::Rows, finding, detail, teller.here());
    evidence.run = seen.run.as_ref().map(|run| run.id);
    teller.tell(&evidence)?;
    Ok(teller.end())
}

fn look(view: &View<'_>, name: &str) -> Result<Seen> {
    let stopped = agent::is_stopped(view, name)?;
    if !stopped && !run::is_known(view, name)? && !waiting::has_had_any(view, name)? {
        return Err(Failure::not_found(format!("no agent '{name}'")).hint("see: turn list"));
    }
    let now = process::moment();
    let open = turn::open_of(view, name)?;
    let prompt = open.map(|turn| claim::prompt_of(view, turn.id)).transpose()?.flatten();
    Ok(Seen {
        stopped,
        run: run::open_of(view, name)?,
        holds: mark::holds(view, name)?,
        ready: claim::ready(view, name, &now)?,
        prompt,
        next: claim::next_due(view, name, &now)?.map(|due| due.at),
        waiting: waiting::of(view, name)?,
        now,
    })
}

fn find(seen: &Seen, holding: Option<&Holding>, abandoned: Option<MailId>) -> Finding {
    mailbox::find(Mailbox {
        stopped: seen.stopped,
        held: held(seen.run.as_ref(), holding, seen.now.at),
        ready: seen.ready.is_some(),
        abandoned: abandoned.is_some(),
        stored: seen.waiting.stored,
        leased: seen.waiting.leased,
    })
}

fn detail(seen: &Seen, holding: Option<&Holding>, abandoned: Option<MailId>) -> MailDetail {
    let waiting = &seen.waiting;
    MailDetail {
        stored: waiting.stored,
        leased: waiting.leased,
        dead: waiting.dead,
        oldest_ms: waiting.oldest.filter(|sent| *sent <= seen.now.at).map(|sent| seen.now.at.since(sent)),
        ready: seen.ready,
        abandoned,
        next_due_at: seen.next,
        stopped: seen.stopped,
        hold: seen.run.as_ref().and_then(|run| run.hold),
        held_until: seen.run.as_ref().and_then(|run| run.held_until),
        mark: holding.map(Holding::id),
        leases: waiting.leases.iter().map(lease).collect(),
    }
}

fn lease(lease: &Lease) -> LeaseDetail {
    LeaseDetail {
        mail: lease.mail,
        turn: lease.turn,
        claimed_at: lease.claimed_at,
        until: lease.until.as_ref().map(|until| until.at),
    }
}
