//! `turn attach`: take up the supervision of a turn whose supervisor is gone, or record how it ended.

use std::path::Path;
use std::time::Duration;

use refloat::cli::Context;
use refloat::clock::{Stamp, Tick};
use refloat::error::{Failure, IoContext, Result};
use refloat::exit::Exit;
use refloat::finish::{self, Evidence, Finished};
use refloat::id::TurnId;
use refloat::lock::{SupervisorLock, TurnLock};
use refloat::model::Turn;
use refloat::observe::STREAM;
use refloat::seam::process::{self, Handle, Life};
use refloat::seam::signals::Signals;
use refloat::state::{Place, State, turn};

use crate::adopted;
use crate::args::Attach;
use crate::finishing::{self, Kin, log_dir, reread};
use crate::supervise::{self, Left, Watch};

/// Attaches to a turn; ends as `turn run` would.
pub(crate) fn run(cx: &mut Context, args: &Attach) -> Result<Exit> {
    let place = cx.place()?;
    let mut state = State::open_existing(&place)?;
    refuse_adopted(&state, &args.subject)?;
    let turn = find(&state, &args.subject)?;
    let finished = match finish::recorded(&turn)? {
        Some(finished) => Some(finished),
        None => take_over(cx, &mut state, &place, &turn)?,
    };
    let Some(finished) = finished else { return Ok(Exit::Busy) };
    cx.out.emit_at(&finished.ended, finished.at)?;
    finishing::say_failure(cx, &finished);
    Ok(finished.exit)
}

/// What somebody else started has no shim and no stream of ours.
fn refuse_adopted(state: &State, subject: &str) -> Result<()> {
    let adopted = state.read("look at the agent", |view| adopted::open_of(view, subject))?;
    let Some((run, _)) = adopted else { return Ok(()) };
    Err(Failure::refused(format!("run {} of {subject} is adopted: it has no turn to supervise", run.id))
        .hint(format!("see how it is: turn show {subject}")))
}

/// The turn that is meant: by its id, or the agent's newest.
fn find(state: &State, subject: &str) -> Result<Turn> {
    let found = state.read("look for the turn", |view| match subject.parse::<TurnId>() {
        Ok(id) => turn::by_id(view, id),
        Err(_) => turn::latest_of(view, subject),
    })?;
    found.ok_or_else(|| Failure::not_found(format!("no turn of '{subject}'")).hint("see: turn list"))
}

fn take_over(cx: &mut Context, state: &mut State, place: &Place, turn: &Turn) -> Result<Option<Finished>> {
    // Before the lock: its waiting thread must not be the one that takes a signal.
    let signals = Signals::over(&supervise::SIGNALS).or_fail(|| "cannot take over signals".into())?;
    let Some(held) = SupervisorLock::take(place, &turn.agent, Duration::ZERO)? else {
        // Whoever held it may have been finishing this very turn, and gone on to the next.
        let turn = reread(state, turn)?;
        if let Some(finished) = finish::recorded(&turn)? {
            return Ok(Some(finished));
        }
        return Err(Failure::busy(format!("{} is supervised by process {}", turn.id, turn.supervisor.pid))
            .hint(format!("see: turn log {} --follow", turn.id)));
    };
    let turn = reread(state, turn)?;
    if let Some(finished) = finish::recorded(&turn)? {
        return Ok(Some(finished));
    }
    match shim_of(&turn)? {
        Some(shim) => watch(cx, state, &held, &turn, shim, signals),
        None if TurnLock::is_held(place, &turn.agent)? => {
            Err(Failure::busy(format!("{} is only just being started, or its shim is ending", turn.id))
                .hint("try again"))
        }
        None => {
            let left = finishing::clear(place, &turn, false)?;
            finishing::finish_unwatched(state, &held, &turn, left).map(Some)
        }
    }
}

/// The turn's living shim; none if it is gone for certain.
fn shim_of(turn: &Turn) -> Result<Option<Handle>> {
    let Some(shim) = &turn.shim else { return Ok(None) };
    match Handle::open(shim) {
        Ok(handle) => Ok(Some(handle)),
        Err(Life::Unknown(doubt)) => Err(Failure::new(
            Exit::Unknown,
            format!("cannot tell whether the shim of {} (process {}) lives: {doubt}", turn.id, shim.pid),
        )),
        Err(_) => Ok(None),
    }
}

fn watch(
    cx: &mut Context,
    state: &mut State,
    held: &SupervisorLock,
    turn: &Turn,
    shim: Handle,
    signals: Signals,
) -> Result<Option<Finished>> {
    let log_dir = log_dir(state.place(), turn);
    let me = process::me();
    state.write("take up a turn", |tx| turn::set_supervisor(tx, turn.id, &me))?;
    let mut watch = Watch::begin(turn, Some(shim), &log_dir, signals)?;
    watch.take_up(last_change(&log_dir), finishing::unsupervised(&log_dir, turn))?;
    if supervise::supervise(cx, state, &mut watch)? == Left::Detached {
        return Ok(None);
    }
    // A shim that was killed under us has left its tree to nobody.
    let left = finishing::end_rest(turn, &log_dir, Kin::Stranger);
    let (watched, _) = watch.done();
    let evidence = Evidence::gather(turn, &log_dir, watched, left)?;
    finish::finish(state, held, &evidence).map(Some)
}

fn last_change(log_dir: &Path) -> Tick {
    use std::os::unix::fs::MetadataExt;
    match std::fs::metadata(log_dir.join(STREAM)) {
        Ok(data) => finishing::tick_of(Stamp::from_millis(data.mtime() * 1000 + data.mtime_nsec() / 1_000_000)),
        Err(_) => Tick::now(),
    }
}
