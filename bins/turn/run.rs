//! `turn run`: the steps of one turn, in their order. Each step is a function; the rules are in `judge`.

use std::time::Duration;

use refloat::cli::Context;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::finish::Finished;
use refloat::judge::owed::Vouched;
use refloat::lock::{SupervisorLock, TurnLock};
use refloat::model::{Outcome, Resume};
use refloat::record::TurnEnded;
use refloat::runtime::Description;
use refloat::runtimes;
use refloat::state::{Place, State, agent, turn};

use crate::launch::Launched;
use crate::launch::args::Run;
use crate::outlet::Outlet;
use crate::prompt::{self, Prompt};
use crate::supervise::Desk;
use crate::{adopted, finishing, launch};

/// Somebody who finishes an older turn does so in milliseconds.
const FINISHER: Duration = Duration::from_secs(10);

/// Runs one turn; a refused session is tried once more, fresh.
pub(crate) fn run(cx: &mut Context, args: &Run) -> Result<Exit> {
    // A command line that is wrong makes no state file.
    let mut plan = launch::Plan::of(args, runtimes::find(&args.runtime)?.description)?;
    let place = if prompt::is_stdin(args) { Some(cx.place()?) } else { None };
    if let Some(place) = &place {
        launch::refuse_held(place, &plan)?;
    }
    plan.prompt = match prompt::read(cx, args, &plan.runtime)? {
        Prompt::Empty => return say_empty(cx, args, &plan.runtime),
        Prompt::Text(text) => Some(text),
        Prompt::None | Prompt::Mail => None,
    };
    let place = place.map_or_else(|| cx.place(), Ok)?;
    let mut state = State::open_for_writing(&place)?;
    finishing::take_in_crashes(cx, &mut state);
    plan.stops = state.read("look at the agent", |view| agent::stops(view, &args.agent))?;
    let Some(lock) = TurnLock::take(&place, &args.agent, args.lock_wait)? else {
        return Err(busy(&state, &place, &args.agent));
    };
    let Some(held) = SupervisorLock::take(&place, &args.agent, FINISHER)? else {
        return Err(busy(&state, &place, &args.agent));
    };
    let latest = finish_latest(cx, &mut state, &held, &args.agent, finishing::orphans(args.kill_orphans))?;
    // A run that was named is refused in its own words.
    if let (Some(latest), None) = (latest, args.run)
        && let Some(exit) = adopted::done::stands(cx, &state, &latest.ended, &plan.expected)?
    {
        return Ok(exit);
    }
    plan.gone = adopted::gone(launch::refuse(&state, &plan)?)?;
    if let Some(gone) = plan.gone
        && let Some(exit) = adopted::done::finish(cx, &mut state, gone, &plan.expected)?
    {
        return Ok(exit);
    }
    let mut out = Outlet::new(args.events);
    let mut all = Vec::new();
    let ended = turns(&mut Desk { cx, state: &mut state, out: &mut out }, &lock, &held, plan, &mut all);
    // Whoever reads slowly keeps nothing from others: the agent is free before the last record is printed, and before
    // stderr is waited for.
    drop((held, lock, state));
    for finished in &all {
        say_mismatch(cx, finished);
        finishing::say_failure(cx, finished);
    }
    match ended {
        Ok(Launched::Detached) => out.part().map(|()| Exit::Busy),
        Ok(Launched::NothingWaits) => out.finish().map(|()| Exit::Done),
        Ok(Launched::Finished(finished)) => out.finish().map(|()| finished.exit),
        Err(failure) => {
            // What ended the command counts, and not that it could not be printed besides.
            let _ = out.finish();
            Err(failure)
        }
    }
}

/// The turn, and where its session was refused another without it; `all` has them.
fn turns(
    desk: &mut Desk<'_>,
    lock: &TurnLock,
    held: &SupervisorLock,
    mut plan: launch::Plan<'_>,
    all: &mut Vec<Finished>,
) -> Result<Launched> {
    loop {
        let finished = match launch::turn(desk, lock, held, &plan)? {
            Launched::Finished(finished) => finished,
            Launched::Detached => return Ok(Launched::Detached),
            Launched::NothingWaits => {
                say_empty(desk.cx, plan.args, &plan.runtime)?;
                return Ok(Launched::NothingWaits);
            }
        };
        desk.out.tell(desk.cx, finished.ended.clone(), finished.at)?;
        all.push((*finished).clone());
        if finished.ended.outcome != Outcome::ResumeRefused || plan.is_second_try() {
            return Ok(Launched::Finished(finished));
        }
        let asked = finished.ended.session_asked.as_deref().unwrap_or("?");
        desk.cx.say_if_heard(format_args!("warning: session {asked} was refused; trying once more without it"));
        plan = plan.fresh();
    }
}

/// Nothing to say: nothing is locked, started or stored.
fn say_empty(cx: &mut Context, args: &Run, runtime: &Description) -> Result<Exit> {
    let ended = TurnEnded::empty(&args.agent, args.task.as_deref(), &runtime.name);
    cx.out.emit(&ended)?;
    Ok(Exit::Done)
}

/// A resume that did not happen is never silent.
fn say_mismatch(cx: &Context, finished: &Finished) {
    let ended = &finished.ended;
    if ended.resume == Resume::Mismatch {
        cx.say(format_args!(
            "warning: asked to resume session {}, the stream names {}",
            ended.session_asked.as_deref().unwrap_or("?"),
            ended.session_seen.as_deref().unwrap_or("none")
        ));
    }
}

/// Who holds the lock, and the next step.
fn busy(state: &State, place: &Place, agent: &str) -> Failure {
    let open = state.read("look at the agent", |view| turn::open_of(view, agent)).ok().flatten();
    let Some(turn) = open else {
        return Failure::busy(format!("agent {agent} is busy: somebody holds its turn lock"))
            .hint(format!("try again, or see: turn list --agent {agent}"));
    };
    let since = turn.started_at.unwrap_or(turn.booted_at);
    if finishing::is_supervised(place, agent) {
        return Failure::busy(format!(
            "agent {agent} is busy: {} runs since {since}, supervised by process {}",
            turn.id, turn.supervisor.pid
        ))
        .hint(format!("wait longer with --lock-wait, or end it: turn stop {agent}"));
    }
    let holder = turn.shim.as_ref().map(|shim| format!(", held by shim {}", shim.pid)).unwrap_or_default();
    Failure::busy(format!("agent {agent} is busy: {} runs since {since} without a supervisor{holder}", turn.id))
        .hint(format!("watch it again: turn attach {}", turn.id))
}

/// The agent's latest turn: what it has left running is not joined by a second agent, and its end is recorded first.
fn finish_latest(
    cx: &mut Context,
    state: &mut State,
    held: &SupervisorLock,
    agent: &str,
    orphans: finishing::Handling,
) -> Result<Option<Finished>> {
    let Some(latest) = state.read("look at the agent", |view| turn::latest_of(view, agent))? else { return Ok(None) };
    let left = finishing::clear(state.place(), &latest, finishing::Holders::Anybody, orphans)?;
    if latest.outcome.is_some() {
        return Ok(None);
    }
    let finished = finishing::finish_unwatched(state, held, &latest, left, &Vouched::default())?;
    cx.out.emit_at(&finished.ended, finished.at)?;
    Ok(Some(finished))
}
