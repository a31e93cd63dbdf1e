//! `reconcile reopen`: the only way out of a run's end; `deadletter replay` goes it too. It starts nothing, and never
//! while anything of the agent's last work may still live.

use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::family::refuse_circle;
use refloat::finish::remains;
use refloat::id::{DeadLetterId, RunId};
use refloat::judge::reopen::{Refusal, reopen};
use refloat::judge::verdict::Handling;
use refloat::model::{Act, Observed, Reopening, Run, Worker};
use refloat::record::RunReopened;
use refloat::state::{State, Tx, View, agent, reopening, run, turn, worker};
use refloat::{prospect, sight, token};

use crate::args::Reopen;
use crate::hold::Hold;

pub(crate) fn run(cx: &mut Context, args: &Reopen) -> Result<Exit> {
    let mut state = State::open_existing(&cx.place()?)?;
    let reopened = take_out(cx, &mut state, args.run, Some(&args.why), None)?;
    say(cx, &reopened)?;
    Ok(Exit::Done)
}

/// Prints it, and what keeps its next turn.
pub(crate) fn say(cx: &mut Context, reopened: &RunReopened) -> Result<()> {
    cx.out.emit(reopened)?;
    if reopened.agent_stopped {
        cx.hint(&format!("agent {} is stopped; a turn with a prompt lifts that, and no other", reopened.agent));
    }
    Ok(())
}

/// A dead letter that is replayed: refused where it is settled meanwhile.
pub(crate) struct Replay {
    pub(crate) letter: DeadLetterId,
    pub(crate) may: fn(&View<'_>, DeadLetterId) -> Result<()>,
}

/// Takes a run out of its end, once nothing of it lives: one transaction, judged in it again.
pub(crate) fn take_out(
    cx: &Context,
    state: &mut State,
    id: RunId,
    why: Option<&str>,
    replay: Option<&Replay>,
) -> Result<RunReopened> {
    // What is refused anyway waits for nobody.
    let (run, _) = state.read("look at the run", |view| judged(view, id))?;
    let _hold = Hold::of(state, &run.agent)?;
    let (latest, stands) = state.read("look at what ran", |view| {
        let stands = worker::standing_for(view, id)?;
        Ok((turn::latest_of(view, &run.agent)?, stands))
    })?;
    cx.works_on(&run.agent, latest.as_ref().map(|turn| turn.id));
    if let Some(turn) = &latest {
        remains::clear(state.place(), turn, remains::Holders::Anybody, Handling::Report)?;
    }
    if let Some(worker) = &stands {
        is_gone(&run, worker)?;
    }
    let place = state.place().clone();
    state.write("reopen a run", |tx| {
        let (run, max_attempts) = judged(tx, id)?;
        if let Some(replay) = replay {
            (replay.may)(tx, replay.letter)?;
        }
        refuse_circle(tx, &run.agent, run.parent.as_deref())?;
        let act = Act { by: token::actor(tx)?, at: Stamp::now(), why: why.map(str::to_owned) };
        write(tx, &place, &run, max_attempts, act, replay.map(|replay| replay.letter))
    })
}

/// The run as it is, and the attempts it may have, if it may be reopened.
fn judged(view: &View<'_>, id: RunId) -> Result<(Run, i64)> {
    let run = run::by_id(view, id)?.ok_or_else(|| Failure::not_found(format!("no run {id}")).hint("see: turn list"))?;
    let other = run::open_of(view, &run.agent)?.map(|open| open.id);
    let open_turn = turn::open_of(view, &run.agent)?.map(|turn| turn.id);
    let agent = &run.agent;
    match reopen(&run, other, open_turn) {
        Ok(attempts) => Ok((run, attempts)),
        Err(Refusal::Open) => Err(Failure::refused(format!("run {id} of {agent} has not ended: {}", run.state))
            .hint(format!("see: turn show {id}"))),
        Err(Refusal::Other(other)) => Err(Failure::refused(format!("agent {agent} has another open run: {other}"))
            .hint(format!("finish it, or end it: turn stop {agent}"))),
        Err(Refusal::Turn(turn)) => Err(Failure::refused(format!("{turn} of {agent} has no outcome yet"))
            .hint(format!("record it: turn attach {turn}"))),
    }
}

/// A worker whose run was ended by its word or its record may live on.
fn is_gone(run: &Run, worker: &Worker) -> Result<()> {
    let (id, agent, sight) = (run.id, &run.agent, sight::look_twice(worker));
    match sight.observed {
        Observed::Gone => Ok(()),
        Observed::Alive => Err(Failure::refused(format!("the worker of run {id} of {agent} lives ({})", sight.why))
            .hint(format!("wait for its end, or: turn stop {agent} --kill"))),
        Observed::Unknown => Err(Failure::new(
            Exit::Unknown,
            format!("cannot tell whether the worker of run {id} of {agent} lives: {}", sight.why),
        )
        .hint("look yourself; a new run needs no answer: turn run")),
    }
}

fn write(
    tx: &Tx<'_>,
    place: &refloat::state::Place,
    run: &Run,
    max_attempts: i64,
    act: Act,
    dead_letter: Option<DeadLetterId>,
) -> Result<RunReopened> {
    let moved = || Failure::refused(format!("run {} has moved on", run.id));
    let ended_at = run.ended_at.ok_or_else(moved)?;
    if !run::reopen(tx, run, max_attempts, act.at)? {
        return Err(moved());
    }
    worker::release(tx, run.id, act.at)?;
    let new = Reopening {
        run: run.id,
        was: run.state,
        ended_at,
        mail_missing: run.terminal_mail_missing,
        max_attempts: run.max_attempts,
        dead_letter,
        act,
    };
    let retry = reopening::record(tx, run, &new)?;
    let now = run::by_id(tx, run.id)?.ok_or_else(moved)?;
    let (session, command) = prospect::next(tx, place, &now)?;
    Ok(RunReopened {
        run: run.id,
        agent: run.agent.clone(),
        state_before: run.state,
        state: now.state,
        attempts: now.attempts,
        max_attempts: now.max_attempts,
        session,
        dead_letter,
        retry,
        agent_stopped: agent::is_stopped(tx, &run.agent)?,
        by: new.act.by,
        why: new.act.why,
        reopened_at: new.act.at,
        command,
    })
}
