//! Adopted workers: what their commands share, and what a turn that comes after one has to know.

pub(crate) mod adopt;
pub(crate) mod args;
pub(crate) mod beat;
pub(crate) mod done;
pub(crate) mod end;

use std::time::Duration;

use nix::sys::signal::Signal;
use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::id::RunId;
use refloat::model::{Observed, Reason, Run, Sight, Worker};
use refloat::seam::process::{Handle, Life};
use refloat::seam::tmux;
use refloat::sight::{self, Looker};
use refloat::state::{State, Tx, View, mark, run, worker};
use refloat::token;

use crate::args::Stop;

/// The agent's open run, if a worker stands for it.
pub(crate) fn open_of(view: &View<'_>, agent: &str) -> Result<Option<(Run, Worker)>> {
    let Some(run) = run::open_of(view, agent)? else { return Ok(None) };
    let worker = worker::standing_for(view, run.id)?;
    Ok(worker.map(|worker| (run, worker)))
}

/// The agent's newest run, ended or not, if a worker stands for it.
fn latest_of(view: &View<'_>, agent: &str) -> Result<(Run, Worker)> {
    let run = run::latest_of(view, agent)?;
    let run = run.ok_or_else(|| Failure::not_found(format!("no agent '{agent}'")).hint("see: turn list"))?;
    match worker::standing_for(view, run.id)? {
        Some(worker) => Ok((run, worker)),
        None => Err(Failure::refused(format!("run {} of {agent} is not adopted: its turns tell how it is", run.id))
            .hint(format!("see: turn show {agent}"))),
    }
}

/// A token that is given, or set, has to be the worker's own: an agent speaks for itself alone.
fn authorize(worker: &Worker, given: Option<&str>) -> Result<()> {
    let token = given.map(str::to_owned).or_else(token::of_environment);
    match token {
        Some(token) if token != worker.token => {
            Err(Failure::refused(format!("the token is not that of run {}", worker.run))
                .hint("it is the one that turn adopt printed; in another agent's turn give it with --token"))
        }
        _ => Ok(()),
    }
}

/// What stands for a run, in words: `process 4242`, `session b3 (process 4242)`.
fn named(worker: &Worker) -> String {
    let found = worker.tmux.as_ref().and_then(|tmux| tmux.found.as_ref());
    let process = worker.process.as_ref().map(|process| format!("process {}", process.pid));
    match &worker.tmux {
        Some(tmux) => {
            let name = found.map_or(&tmux.asked, |found| &found.name);
            format!("session {name}{}", process.map(|process| format!(" ({process})")).unwrap_or_default())
        }
        None => process.unwrap_or_else(|| "nobody".to_owned()),
    }
}

/// A worker that was seen to be gone: of which run, and how often it had beaten until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone {
    pub(crate) run: RunId,
    pub(crate) beats: i64,
}

impl Gone {
    /// Whether this is still what was seen: one that has beaten since was not gone.
    fn is(self, run: &Run, worker: &Worker) -> bool {
        self.run == run.id && self.beats == worker.pulse.beats
    }
}

/// Before a turn: the adopted run whose worker is gone for certain; none where the agent has no adopted run.
/// Whoever lives is not joined by a second agent.
pub(crate) fn gone(adopted: Option<(Run, Worker)>) -> Result<Option<Gone>> {
    let Some((run, worker)) = adopted else { return Ok(None) };
    let (id, agent, who) = (run.id, &run.agent, named(&worker));
    match sight::look_twice(&worker) {
        Sight { observed: Observed::Gone, .. } => Ok(Some(Gone { run: id, beats: worker.pulse.beats })),
        Sight { observed: Observed::Alive, why } => {
            Err(Failure::refused(format!("run {id} of {agent} is adopted, and {who} lives ({why})"))
                .hint(format!("wait for: turn end {agent}; or end it: turn stop {agent} --kill")))
        }
        Sight { why: Reason::Launching, .. } => {
            let until = worker.launch_until.map(|until| format!(", by {until}")).unwrap_or_default();
            Err(Failure::busy(format!("run {id} of {agent} is adopted, and {who} has yet to come{until}"))
                .hint(format!("wait for it, or end the run: turn stop {agent}")))
        }
        Sight { why, .. } => Err(Failure::new(
            Exit::Unknown,
            format!("run {id} of {agent} is adopted, and cannot tell whether {who} lives: {why}"),
        )
        .hint(format!("look yourself; if it is gone: turn stop {agent}"))),
    }
}

/// In the transaction that begins a turn: the worker that was seen to be gone stands for its run no more. One that has
/// beaten since was not gone.
pub(crate) fn take_over(tx: &Tx<'_>, open: Run, gone: Option<Gone>, now: Stamp) -> Result<Run> {
    let Some(worker) = worker::standing_for(tx, open.id)? else {
        return Ok(open);
    };
    let seen = gone.filter(|gone| gone.run == open.id);
    if seen.is_some_and(|seen| seen.beats != worker.pulse.beats) {
        return Err(Failure::refused(format!(
            "run {} of {} is adopted, and its worker has just beaten",
            open.id, open.agent
        ))
        .hint(format!("see: turn show {}", open.agent)));
    }
    if seen.is_none() {
        return Err(Failure::refused(format!("run {} of {} was adopted meanwhile", open.id, open.agent))
            .hint(format!("see: turn show {}; {} stands for it", open.agent, named(&worker))));
    }
    worker::release(tx, open.id, now)?;
    mark::end_with_run(tx, open.id, now)?;
    run::leave_adopted(tx, open.id, now)?;
    run::by_id(tx, open.id)?.ok_or_else(|| Failure::refused(format!("run {} is gone", open.id)))
}

/// After a stop was recorded: kills the worker that stood for the agent's newest run, if that was asked for, or says that
/// it lives. Also later, when its run has long ended.
pub(crate) fn signal(cx: &Context, state: &State, args: &Stop, idle: bool) -> Result<Option<i32>> {
    let known = state.read("look at the agent", |view| {
        let latest = run::latest_of(view, &args.agent)?.filter(|_| idle);
        latest.map_or(Ok(None), |run| worker::of_run(view, run.id))
    })?;
    let Some(worker) = known.filter(Worker::stands) else { return Ok(None) };
    if args.kill {
        return kill(&worker, args.wait);
    }
    let sight = Looker::default().look(&worker);
    if sight.observed != Observed::Gone {
        cx.say(format_args!("{} was not signalled; it is {} ({})", named(&worker), sight.observed, sight.why));
        cx.hint(&format!("kill its process: turn stop {} --kill", args.agent));
    }
    Ok(None)
}

/// Kills a worker's process, by its identity. None: it was gone. Its session and its server are not touched.
pub(crate) fn kill(worker: &Worker, wait: Duration) -> Result<Option<i32>> {
    let found = || Looker::default().find(worker).and_then(|found| found.process);
    let Some(process) = worker.process.clone().or_else(found) else {
        return match sight::look_twice(worker).observed {
            Observed::Gone => Ok(None),
            Observed::Alive | Observed::Unknown => Err(Failure::new(
                Exit::Unknown,
                format!("the process of {} cannot be seen: nothing was signalled", named(worker)),
            )),
        };
    };
    let pid = process.pid;
    let handle = match Handle::open(&process) {
        Ok(handle) => handle,
        Err(Life::Unknown(doubt)) => {
            return Err(Failure::new(
                Exit::Unknown,
                format!("cannot tell whether process {pid} lives: {doubt}; nothing was signalled"),
            ));
        }
        Err(_) => return Ok(None),
    };
    if tmux::is_server(pid) {
        return Err(Failure::refused(format!("process {pid} is a tmux server: nothing was signalled")));
    }
    handle.signal(Signal::SIGKILL).map_err(|error| Failure::io(format!("cannot kill process {pid}"), error))?;
    match handle.ended(wait) {
        Ok(true) => Ok(Some(pid)),
        Ok(false) => {
            Err(Failure::busy(format!("process {pid} was killed and has not ended within {} s", wait.as_secs())))
        }
        Err(error) => Err(Failure::io(format!("cannot wait for process {pid}"), error)),
    }
}
