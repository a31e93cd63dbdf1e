//! `turn stop`: end an agent's run. The wish is recorded before any signal; the shim ends the tree;
//! whoever supervises records the outcome, or this command does.

use nix::sys::signal::Signal;
use refloat::cli::Context;
use refloat::clock::{Stamp, Tick};
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::finish::{self, Finished};
use refloat::judge::owed::Vouched;
use refloat::lock::{SupervisorLock, TurnLock};
use refloat::model::{Run, RunState, Turn, Wish, WishNote};
use refloat::record::TurnStopped;
use refloat::seam::process::{Handle, Life};
use refloat::state::{State, agent, run, turn};

use crate::adopted;
use crate::args::Stop;
use crate::finishing::{self, Kin, reread};

pub(crate) fn run(cx: &mut Context, args: &Stop) -> Result<Exit> {
    let place = cx.place()?;
    let mut state = State::open_existing(&place)?;
    finishing::take_in_crashes(cx, &mut state);
    let (open_run, open_turn) = record_stop(&mut state, args)?;
    if let Some(turn) = &open_turn {
        cx.works_on(&turn.agent, turn.id);
    }
    // Recorded first. What is said of it is printed also where the kill fails.
    let signalled = adopted::signal(cx, &state, args, open_turn.is_none());
    let stopped = match &open_turn {
        None => report(args, open_run.as_ref(), None, None, open_run.as_ref().and(Some(RunState::Stopped))),
        Some(turn) => {
            let finished = end_turn(&mut state, turn, args)?;
            report(args, open_run.as_ref(), Some(turn), finished.as_ref(), None)
        }
    };
    let pid = *signalled.as_ref().unwrap_or(&None);
    cx.out.emit(&TurnStopped { signalled_pid: pid, ..stopped.clone() })?;
    signalled?;
    if open_turn.is_some() && stopped.outcome.is_none() {
        let waited =
            format!("agent {} has not ended, or nobody has recorded it, within {} s", args.agent, args.wait.as_secs());
        let hint = match args.kill {
            false => format!("kill it: turn stop {} --kill", args.agent),
            true => "its supervisor or its shim does not move; see: ps -eo pid,stat,args".to_owned(),
        };
        return Err(Failure::busy(waited).hint(hint));
    }
    Ok(Exit::Done)
}

/// Counts the stop, so that turns that wait for the lock do not start, and writes the wish to the open turn. A run
/// without one is ended by its record alone, here, before another turn of it can begin.
fn record_stop(state: &mut State, args: &Stop) -> Result<(Option<Run>, Option<Turn>)> {
    state.write("stop an agent", |tx| {
        let open_run = run::open_of(tx, &args.agent)?;
        let open_turn = turn::open_of(tx, &args.agent)?;
        if open_run.is_none() && open_turn.is_none() && run::latest_of(tx, &args.agent)?.is_none() {
            return Err(Failure::not_found(format!("no agent '{}'", args.agent)).hint("see: turn list"));
        }
        agent::count_stop(tx, &args.agent)?;
        let (now, why) = (Stamp::now(), &args.why);
        match (&open_turn, &open_run) {
            (Some(open), _) => {
                let signal = Some(Signal::SIGTERM as i32);
                let note = WishNote { wish: Wish::Operator, signal, why: why.clone(), at: now };
                turn::wish_end(tx, open.id, &note)?;
            }
            (None, Some(open)) => finish::stop_idle(tx, open, why.as_deref(), now)?,
            (None, None) => {}
        }
        Ok((open_run, open_turn))
    })
}

/// Tells the shim, and waits for whoever records the end; nobody supervising, that is us.
fn end_turn(state: &mut State, turn: &Turn, args: &Stop) -> Result<Option<Finished>> {
    let until = Tick::now().plus(args.wait);
    match turn.shim.as_ref().map(Handle::open) {
        Some(Ok(shim)) => {
            let signal = if args.kill { Signal::SIGQUIT } else { Signal::SIGTERM };
            let told = shim.signal(signal);
            told.map_err(|error| Failure::io(format!("cannot signal the shim of {}", turn.id), error))?;
            // One that was stopped would not hear it.
            let _ = shim.signal(Signal::SIGCONT);
            let ended = shim.ended(args.wait).map_err(|error| Failure::io("cannot wait for the shim", error))?;
            if !ended {
                return Ok(None);
            }
        }
        // Whether one that ran elsewhere lives is told by its lock.
        Some(Err(Life::Unknown(doubt))) if args.kill && doubt.is_elsewhere() => {}
        Some(Err(Life::Unknown(doubt))) => {
            return Err(Failure::new(Exit::Unknown, format!("cannot reach the shim of {}: {doubt}", turn.id))
                .hint(format!("if the container or host it ran on is gone: turn stop {} --kill", turn.agent)));
        }
        Some(Err(_)) | None => {}
    }
    let place = state.place().clone();
    // Whoever starts or supervises the turn holds its lock until the outcome is recorded; the wish keeps a turn that is
    // only being started from starting.
    let Some(_lock) = TurnLock::take(&place, &turn.agent, until.since(Tick::now()))? else {
        return finish::recorded(&reread(state, turn)?);
    };
    let Some(held) = SupervisorLock::take(&place, &turn.agent, until.since(Tick::now()))? else {
        // Whoever holds it may have finished this turn, and gone on to the next.
        return finish::recorded(&reread(state, turn)?);
    };
    let turn = reread(state, turn)?;
    if let Some(finished) = finish::recorded(&turn)? {
        return Ok(Some(finished));
    }
    // Nobody supervises: a shim that died has left its tree to this stop.
    finishing::end_rest(&turn, &place.log_dir(turn.id), Kin::Stranger);
    let left = finishing::clear(&place, &turn, finishing::Holders::Anybody, finishing::orphans(args.kill))?;
    finishing::finish_unwatched(state, &held, &turn, left, &Vouched::default()).map(Some)
}

fn report(
    args: &Stop,
    open_run: Option<&Run>,
    turn: Option<&Turn>,
    finished: Option<&Finished>,
    state: Option<RunState>,
) -> TurnStopped {
    TurnStopped {
        agent: args.agent.clone(),
        run: open_run.map(|run| run.id),
        turn: turn.map(|turn| turn.id),
        outcome: finished.map(|finished| finished.ended.outcome),
        state: finished.and_then(|finished| finished.ended.state_after).or(state),
        signalled_pid: None,
    }
}
