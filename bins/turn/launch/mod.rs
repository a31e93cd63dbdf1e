//! One turn of `turn run`: begin, start the shim, let the agent go, watch, finish.
//! The order is the design's: what is written is written before what it allows.

mod again;
pub(crate) mod args;
pub(crate) mod begin;
mod held;
mod mail;
pub(crate) mod plan;
mod spawn;

use std::path::Path;
use std::time::Duration;

use refloat::cli::Context;
use refloat::clock::{Stamp, Tick};
use refloat::error::{Failure, IoContext, Result};
use refloat::exit::Exit;
use refloat::finish::{self, Evidence, Finished, Watched};
use refloat::lock::{SupervisorLock, TurnLock};
use refloat::model::{Containment, Turn};
use refloat::observe::Observer;
use refloat::owed;
use refloat::record::{OwedRecord, TurnStarted};
use refloat::seam::cgroup::Cgroup;
use refloat::seam::signals::{ENDING, Signals};
use refloat::seam::{process, reap};
use refloat::state::{State, run, turn};
use uuid::Uuid;

pub(crate) use plan::Plan;

use crate::finishing::{Kin, end_rest};
use crate::outlet::Outlet;
use crate::shim::Ready;
use crate::supervise::{self, Desk, Left, Watch};
pub(crate) use begin::refuse;
use begin::{Begun, begin};
pub(crate) use held::refuse_held;
use spawn::Shim;

/// How long a shim may take to go once its final record is written.
const SHIM_BUDGET: Duration = Duration::from_secs(1);

/// What became of a turn that was to be.
pub(crate) enum Launched {
    /// It has its outcome.
    Finished(Box<Finished>),
    /// This supervisor has left it (HUP), and the agent works on.
    Detached,
    /// Its prompt was to be mail, and there is none.
    NothingWaits,
}

impl From<Option<Finished>> for Launched {
    fn from(finished: Option<Finished>) -> Self {
        finished.map_or(Launched::Detached, |finished| Launched::Finished(Box::new(finished)))
    }
}

/// Runs one turn to its outcome.
pub(crate) fn turn(desk: &mut Desk<'_>, lock: &TurnLock, held: &SupervisorLock, plan: &Plan<'_>) -> Result<Launched> {
    let signals = Signals::over(&ENDING).map_err(|error| Failure::io("cannot take over signals", error))?;
    let looks = owed::look_before(desk.state, &plan.args.agent, &plan.expected)?;
    let token = Uuid::new_v4().simple().to_string();
    let group = group(plan, &token)?;
    reap::become_subreaper().map_err(|error| Failure::io("cannot become a subreaper", error))?;
    let shim = spawn::shim(lock, &plan.args.agent)?;
    let mut begun = match begin(desk.state, plan, &looks, &token, group.as_deref(), &process::me()) {
        Ok(Some(begun)) => begun,
        Ok(None) => {
            shim.dismiss();
            return Ok(Launched::NothingWaits);
        }
        // Whoever is refused has left nobody behind.
        Err(failure) => {
            shim.dismiss();
            return Err(failure);
        }
    };
    desk.cx.works_on(&begun.turn.agent, begun.turn.id);
    let log_dir = desk.state.place().log_dir(begun.turn.id);
    // From here on the turn has a row, and every way out leads through its finish.
    match release(desk, shim, plan, &mut begun, &log_dir) {
        // The agent runs, or has run: to run the same command again would do its work twice.
        Ok(released) => watch(desk, held, &begun, released, &log_dir, signals).map(Launched::from).map_err(|failure| {
            failure.hint(format!("nothing is lost; when this is mended: turn attach {}", begun.turn.id))
        }),
        Err(failure) => {
            let finished = finish_now(desk.state, held, &begun.turn, &log_dir);
            // A full disk can keep the outcome from being written: the next turn of the agent will.
            if let Ok(finished) = finished {
                desk.out.tell(desk.cx, finished.ended, finished.at)?;
            }
            Err(failure)
        }
    }
}

/// Where the turn's group will be.
fn group(plan: &Plan<'_>, token: &str) -> Result<Option<std::path::PathBuf>> {
    if !plan.wants_cgroup() {
        return Ok(None);
    }
    match Cgroup::plan(&format!("refloat-{}", &token[..12])) {
        Ok(path) => Ok(Some(path)),
        Err(reason) if plan.needs_cgroup() => Err(no_cgroup(&reason.to_string())),
        Err(_) => Ok(None),
    }
}

fn no_cgroup(reason: &str) -> Failure {
    Failure::new(Exit::Unknown, format!("cannot make a cgroup: {reason}")).hint("use --contain auto or subreaper")
}

/// Gives the shim its order, records who runs, and lets the agent go.
///
/// Its stream is opened before it may write, or take the file away.
fn release(
    desk: &mut Desk<'_>,
    mut shim: Shim,
    plan: &Plan<'_>,
    begun: &mut Begun,
    log_dir: &Path,
) -> Result<(Shim, Option<Observer>)> {
    spawn::make_folder(log_dir, begun.prompt.as_deref())?;
    let cgroup = make_group(plan, &begun.turn)?;
    let ready = shim.ready(&spawn::order(desk.state.place(), plan, begun, log_dir, cgroup.as_ref()))?;
    if plan.needs_cgroup() && !ready.in_cgroup {
        return Err(no_cgroup("the agent could not be born in it"));
    }
    let stream = Observer::open(log_dir, &begun.turn.description)
        .or_fail(|| format!("cannot read the stream in {}", log_dir.display()))?;
    record_start(desk.state, &mut begun.turn, &ready, cgroup.as_ref())?;
    if let Err(failure) = shim.go() {
        desk.state.write("take back a start", |tx| turn::take_back_start(tx, begun.turn.id))?;
        return Err(failure);
    }
    say_started(desk.cx, desk.out, plan, begun, &ready, log_dir);
    Ok((shim, stream))
}

fn make_group(plan: &Plan<'_>, turn: &Turn) -> Result<Option<Cgroup>> {
    let Some(path) = &turn.cgroup else { return Ok(None) };
    match Cgroup::make(Path::new(path)) {
        Ok(group) => Ok(Some(group)),
        Err(reason) if plan.needs_cgroup() => Err(no_cgroup(&reason.to_string())),
        Err(_) => Ok(None),
    }
}

/// Identities, containment and `in_turn` in one transaction, before the agent may run; then the turn knows them too.
fn record_start(state: &mut State, turn: &mut Turn, ready: &Ready, cgroup: Option<&Cgroup>) -> Result<()> {
    let path = cgroup.filter(|_| ready.in_cgroup).map(|group| group.path().to_string_lossy());
    let containment = if path.is_some() { Containment::Cgroup } else { Containment::Subreaper };
    let now = (Stamp::now(), Tick::now());
    state.write("start a turn", |tx| {
        let started = turn::start(tx, turn.id, &ready.shim, &ready.child, (containment, path.as_deref()), now)?;
        if started && run::enter_turn(tx, turn.run, turn.epoch, now.0)? {
            return Ok(());
        }
        Err(Failure::refused(format!("agent {} was stopped before {} could start", turn.agent, turn.id)))
    })?;
    (turn.shim, turn.child) = (Some(ready.shim.clone()), Some(ready.child.clone()));
    (turn.contained_by, turn.cgroup) = (containment, path.map(std::borrow::Cow::into_owned));
    (turn.started_at, turn.started_tick) = (Some(now.0), Some(now.1));
    Ok(())
}

fn say_started(cx: &mut Context, out: &mut Outlet, plan: &Plan<'_>, begun: &Begun, ready: &Ready, log_dir: &Path) {
    let (turn, run) = (&begun.turn, &begun.run);
    let started = TurnStarted {
        turn: turn.id,
        run: run.id,
        agent: turn.agent.clone(),
        task: run.task.clone(),
        runtime: plan.runtime.name.clone(),
        epoch: turn.epoch,
        attempt: turn.attempt,
        max_attempts: run.max_attempts,
        session_asked: turn.session_asked.clone(),
        resume: turn.resume,
        owes: begun.owes.iter().map(OwedRecord::from).collect(),
        pid: ready.child.pid,
        shim_pid: ready.shim.pid,
        supervisor_pid: turn.supervisor.pid,
        contained_by: if ready.in_cgroup { Containment::Cgroup } else { Containment::Subreaper },
        deadline_at: Stamp::now().plus(turn.deadline),
        log_dir: log_dir.to_string_lossy().into_owned(),
        log_dir_lossy: log_dir.to_str().is_none(),
    };
    // The agent runs: a stdout that fails is told at the end, and ends nothing.
    let _ = out.tell(cx, started, Stamp::now());
    let _ = out.begin(cx, turn, log_dir);
}

/// Watches to the end of the tree and finishes.
fn watch(
    desk: &mut Desk<'_>,
    held: &SupervisorLock,
    begun: &Begun,
    (shim, stream): (Shim, Option<Observer>),
    log_dir: &Path,
    signals: Signals,
) -> Result<Option<Finished>> {
    let turn = &begun.turn;
    let (handle, control) = shim.into_parts();
    let mut watch = Watch::begin(turn, handle, log_dir, stream, signals).hearing(control);
    if supervise::supervise(desk, &mut watch)? == Left::Detached {
        return Ok(None);
    }
    // Told by our own shim, the tree is gone; a shim that died without a word has left it to us.
    let left = if watch.is_told() { None } else { end_rest(turn, log_dir, Kin::Subreaper) };
    let (watched, shim) = watch.done();
    desk.out.end();
    let evidence = Evidence::gather(turn, log_dir, watched, left)?;
    let finished = finish::finish(desk.state, held, &evidence);
    // Its share of the lock goes with it: who comes next finds the agent free.
    let _ = shim.map(|shim| shim.ended(SHIM_BUDGET));
    finished.map(Some)
}

/// The turn could not be started: its shim is gone or going, and its agent never ran.
fn finish_now(state: &mut State, held: &SupervisorLock, turn: &Turn, log_dir: &Path) -> Result<Finished> {
    let left = end_rest(turn, log_dir, Kin::Subreaper);
    let evidence = Evidence::gather(turn, log_dir, Watched::default(), left)?;
    finish::finish(state, held, &evidence)
}
