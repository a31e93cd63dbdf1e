//! The repair of one run, under its supervisor lock: looked at again, judged again, and finished through the one finishing
//! function. Nothing is done where the second look says otherwise, and only a shim ends a tree while it lives.

use std::time::Duration;

use nix::sys::signal::Signal;
use refloat::clock::Stamp;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::finish::remains::{self, Holders};
use refloat::finish::unwatched::{Kin, end_rest, finish_unwatched};
use refloat::finish::{self, Gone, Seen};
use refloat::gather::{self, Gathered};
use refloat::judge::owed::Vouched;
use refloat::judge::verdict::{Handling, Policy, Verdict, Work, WorkerCase, verdict, vouched};
use refloat::lock::SupervisorLock;
use refloat::model::{Action, Cause, Ground, Outcome, Rule, RunState, Turn, Why, Wish, WishNote};
use refloat::owed;
use refloat::seam::process::Handle;
use refloat::state::{State, Tx, run, turn, worker};

/// A shim that was told to end its tree does so within the steps of its ladder.
const LADDER: Duration = Duration::from_secs(20);

/// What became of a repair.
pub(crate) enum Repair {
    /// It was done, and this is what it made of the run.
    Done(Verdict),
    /// Looked at again, this is so now; nothing was done.
    MovedOn(Verdict),
    /// Somebody else supervises or finishes it.
    Busy,
}

/// Repairs one run. What was seen of it before counts as a look.
pub(crate) fn repair(state: &mut State, before: &Gathered, first: &Verdict, policy: &Policy) -> Result<Repair> {
    let place = state.place().clone();
    let Some(held) = SupervisorLock::take(&place, &before.run.agent, Duration::ZERO)? else { return Ok(Repair::Busy) };
    // Read before the world is looked at: whoever speaks from now on was not gone.
    let beats = state.read("look at the worker", |view| worker::of_run(view, before.run.id))?;
    let beats = beats.map_or(0, |worker| worker.pulse.beats);
    let name = [before.run.id.to_string()];
    let rows = gather::read(state, &name)?.pop();
    let rows = rows.ok_or_else(|| Failure::not_found(format!("run {} is gone", before.run.id)))?;
    let mut now = gather::once_more(&place, rows, before);
    now.case.told.clone_from(&before.case.told);
    let judged = verdict(&now.case, policy, Stamp::now());
    if !judged.repairs(now.run.state) {
        return Ok(Repair::MovedOn(judged));
    }
    let vouched = vouched(&now.case, policy);
    let ended = match (&now.case.work, now.turn) {
        (Work::Worker(seen), _) => end_worker(state, &now, (seen, beats), &judged, &vouched)?,
        (Work::Turn(_), Some(id)) if now.case.outcome.is_none() => {
            let turn = state.read("look at the turn", |view| turn::by_id(view, id))?;
            let turn = turn.ok_or_else(|| Failure::not_found(format!("turn {id} is gone")))?;
            Some(end_turn(state, &held, (&turn, now.holders()), &judged, &vouched)?)
        }
        _ => end_idle(state, &now, &judged, &vouched)?,
    };
    Ok(match ended {
        Some((outcome, state_after, not_before)) => {
            Repair::Done(Verdict { outcome: Some(outcome), state_after, not_before, looks: first.looks, ..judged })
        }
        None => Repair::MovedOn(Verdict { action: Action::None, state_after: now.run.state, ..judged }),
    })
}

/// How something ended: its outcome, where the run stands now, and when it is tried again.
type End = (Outcome, RunState, Option<Stamp>);

/// Ends an open turn of ours, and what of it is to be ended.
fn end_turn(
    state: &mut State,
    held: &SupervisorLock,
    (turn, holders): (&Turn, Holders),
    judged: &Verdict,
    vouched: &Vouched,
) -> Result<End> {
    let place = state.place().clone();
    let kills = judged.action == Action::KillThenCrash || judged.cause == Why::Ground(Ground::TreeLives);
    if judged.rule == Rule::Silent {
        end_by_shim(state, turn, judged)?;
    }
    let orphans = if kills { Handling::Kill } else { Handling::Report };
    // Busy is the state file alone.
    let left = remains::clear(&place, turn, holders, orphans);
    let left =
        left.map_err(|failure| if failure.exit == Exit::Busy { failure.exit(Exit::Refused) } else { failure })?;
    let ended = finish_unwatched(state, held, turn, left, vouched)?.ended;
    let after = ended.state_after.unwrap_or(judged.state_after);
    Ok((ended.outcome, after, ended.retry_at.or(judged.not_before.filter(|_| after == judged.state_after))))
}

/// The wish is written before the signal is sent; only the shim ends a tree.
fn end_by_shim(state: &mut State, turn: &Turn, judged: &Verdict) -> Result<()> {
    let wish = match judged.cause {
        Why::End(Cause::NoFirstEvent) => Wish::FirstEvent,
        Why::End(Cause::NoProgressInTool) => Wish::StallTool,
        _ => Wish::Stall,
    };
    let why = Some("silent for too long, and nobody watched".to_owned());
    let note = WishNote { wish, signal: None, why, at: Stamp::now() };
    state.write("wish the end of a turn", |tx| turn::wish_end(tx, turn.id, &note))?;
    let shim = turn.shim.as_ref().and_then(|shim| Handle::open(shim).ok());
    let Some(shim) = shim else { return Ok(()) };
    let told = shim.signal(Signal::SIGTERM);
    told.map_err(|error| Failure::io(format!("cannot signal the shim of {}", turn.id), error))?;
    // One that was stopped would not hear it.
    let _ = shim.signal(Signal::SIGCONT);
    if !shim.ended(LADDER).map_err(|error| Failure::io("cannot wait for the shim", error))? {
        return Err(Failure::refused(format!("the shim of {} has not ended within {} s", turn.id, LADDER.as_secs()))
            .hint(format!("kill it: turn stop {} --kill", turn.agent)));
    }
    end_rest(turn, &state.place().log_dir(turn.id), Kin::Stranger);
    Ok(())
}

/// Ends the run of a worker, unless it has spoken meanwhile.
fn end_worker(
    state: &mut State,
    now: &Gathered,
    (seen, beats): (&WorkerCase, i64),
    judged: &Verdict,
    vouched: &Vouched,
) -> Result<Option<End>> {
    // Files and repositories take time to look at, and nobody else can write in a transaction.
    let looked = owed::look_again(state, now.run.id)?;
    let looks = Seen { looked: &looked, vouched: Some(vouched) };
    let ended = state.write("end an adopted run", |tx| {
        let Some(run) = run::by_id(tx, now.run.id)?.filter(|run| !run.state.is_terminal()) else { return Ok(None) };
        let worker = worker::standing_for(tx, run.id)?;
        let Some(worker) = worker.filter(|worker| worker.pulse.beats == beats) else { return Ok(None) };
        let at = Stamp::now();
        match judged.outcome {
            Some(Outcome::NeverStarted) => finish::end_gone(tx, &run, &worker, Gone::NeverCame, &looks, at),
            Some(Outcome::Completed | Outcome::Silent) => match finish::end_by_work(tx, &run, &looks, at)? {
                None if seen.exit.is_some() => finish::end_gone(tx, &run, &worker, Gone::Ended(seen.exit), &looks, at),
                ended => Ok(ended),
            },
            _ => finish::end_gone(tx, &run, &worker, Gone::Ended(seen.exit), &looks, at),
        }
    })?;
    Ok(ended.map(|ended| (ended.outcome, ended.state, None)))
}

/// Ends a wait that is over, or a run whose work was done after its last turn.
fn end_idle(state: &mut State, now: &Gathered, judged: &Verdict, vouched: &Vouched) -> Result<Option<End>> {
    let looked = owed::look_again(state, now.run.id)?;
    let looks = Seen { looked: &looked, vouched: Some(vouched) };
    state.write("end a run", |tx: &Tx<'_>| {
        let same = |run: &refloat::model::Run| run.standing() == now.run.standing() && run.epoch == now.run.epoch;
        let Some(run) = run::by_id(tx, now.run.id)?.filter(same) else { return Ok(None) };
        let at = Stamp::now();
        if judged.rule == Rule::IntentionalWait {
            let waited = finish::end_wait(tx, &run, at)?;
            return Ok(waited.then_some((Outcome::Waiting, RunState::Blocked, None)));
        }
        Ok(finish::end_by_work(tx, &run, &looks, at)?.map(|ended| (ended.outcome, ended.state, None)))
    })
}
