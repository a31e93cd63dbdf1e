//! `turn attach`: take up the supervision of a turn whose supervisor is gone, or record how it ended.

use std::path::Path;
use std::time::Duration;

use refloat::cli::Context;
use refloat::clock::Tick;
use refloat::error::{Failure, IoContext, Result};
use refloat::exit::Exit;
use refloat::finish::{self, Evidence, Finished};
use refloat::id::TurnId;
use refloat::judge::owed::Vouched;
use refloat::lock::{SupervisorLock, TurnLock};
use refloat::model::Turn;
use refloat::observe::{Observer, STREAM};
use refloat::seam::glimpse;
use refloat::seam::process::{self, Handle, Life};
use refloat::seam::signals::{ENDING, Signals};
use refloat::state::{Place, State, turn};

use crate::adopted;
use crate::args::Attach;
use crate::finishing::{self, Kin, reread};
use crate::outlet::Outlet;
use crate::supervise::{self, Desk, Left, Watch};

/// Attaches to a turn; ends as `turn run` would.
pub(crate) fn run(cx: &mut Context, args: &Attach) -> Result<Exit> {
    let place = cx.place()?;
    let mut state = State::open_existing(&place)?;
    finishing::take_in_crashes(cx, &mut state);
    refuse_adopted(&state, &args.subject)?;
    let turn = find(&state, &args.subject)?;
    cx.works_on(&turn.agent, turn.id);
    let mut out = Outlet::new(args.events);
    let finished = match finish::recorded(&turn)? {
        Some(finished) => Ok(Some(finished)),
        None => take_over(&mut Desk { cx, state: &mut state, out: &mut out }, &place, &turn),
    };
    // Whoever reads slowly keeps nothing from others.
    drop(state);
    let finished = match finished {
        Ok(Some(finished)) => finished,
        Ok(None) => return out.part().map(|()| Exit::Busy),
        Err(failure) => {
            let _ = out.finish();
            return Err(failure);
        }
    };
    out.begin(cx, &turn, &place.log_dir(turn.id))?;
    out.end();
    out.tell(cx, finished.ended.clone(), finished.at)?;
    finishing::say_failure(cx, &finished);
    out.finish().map(|()| finished.exit)
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

fn take_over(desk: &mut Desk<'_>, place: &Place, turn: &Turn) -> Result<Option<Finished>> {
    // Before the lock: its waiting thread must not be the one that takes a signal.
    let signals = Signals::over(&ENDING).or_fail(|| "cannot take over signals".into())?;
    let Some(held) = SupervisorLock::take(place, &turn.agent, Duration::ZERO)? else {
        // Whoever held it may have been finishing this very turn, and gone on to the next.
        let turn = reread(desk.state, turn)?;
        if let Some(finished) = finish::recorded(&turn)? {
            return Ok(Some(finished));
        }
        return Err(Failure::busy(format!("{} is supervised by process {}", turn.id, turn.supervisor.pid))
            .hint(format!("see: turn log {} --follow", turn.id)));
    };
    let turn = reread(desk.state, turn)?;
    if let Some(finished) = finish::recorded(&turn)? {
        return Ok(Some(finished));
    }
    match shim_of(&turn)? {
        Some(shim) => watch(desk, &held, &turn, shim, signals),
        None if TurnLock::is_held(place, &turn.agent)? => {
            Err(Failure::busy(format!("{} is only just being started, or its shim is ending", turn.id))
                .hint("try again"))
        }
        None => {
            let left = finishing::clear(place, &turn, finishing::Holders::Anybody, finishing::Handling::Report)?;
            finishing::finish_unwatched(desk.state, &held, &turn, left, &Vouched::default()).map(Some)
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
        )
        .hint(format!("if the container or host it ran on is gone: turn stop {} --kill", turn.agent))),
        Err(_) => Ok(None),
    }
}

fn watch(
    desk: &mut Desk<'_>,
    held: &SupervisorLock,
    turn: &Turn,
    shim: Handle,
    signals: Signals,
) -> Result<Option<Finished>> {
    let log_dir = desk.state.place().log_dir(turn.id);
    let me = process::me();
    desk.state.write("take up a turn", |tx| turn::set_supervisor(tx, turn.id, &me))?;
    let stream = Observer::open(&log_dir, &turn.description)
        .or_fail(|| format!("cannot read the stream in {}", log_dir.display()))?;
    let mut watch = Watch::begin(turn, Some(shim), &log_dir, stream, signals);
    watch.take_up(last_change(&log_dir), finishing::unsupervised(&log_dir, turn))?;
    // A stdout that fails is told at the end.
    let _ = desk.out.begin(desk.cx, turn, &log_dir);
    if supervise::supervise(desk, &mut watch)? == Left::Detached {
        return Ok(None);
    }
    // A shim that was killed under us has left its tree to nobody.
    let left = finishing::end_rest(turn, &log_dir, Kin::Stranger);
    let (watched, _) = watch.done();
    let evidence = Evidence::gather(turn, &log_dir, watched, left)?;
    finish::finish(desk.state, held, &evidence).map(Some)
}

fn last_change(log_dir: &Path) -> Tick {
    match glimpse::stat(&log_dir.join(STREAM)) {
        Ok(Some(stand)) => finishing::tick_of(stand.modified),
        Ok(None) | Err(_) => Tick::now(),
    }
}
