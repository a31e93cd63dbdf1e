//! `turn adopt`: who the worker is, first; then one transaction opens its run. Nothing is stored of what cannot be seen.

use refloat::cli::{Context, work_folder};
use refloat::clock::Moment;
use refloat::error::{Failure, IoContext, Result};
use refloat::exit::Exit;
use refloat::family::refuse_circle;
use refloat::identity::Identity;
use refloat::model::{NewRun, NewWorker, Reason, Run, TmuxSession, Worker};
use refloat::owed;
use refloat::record::RunAdopted;
use refloat::seam::process::{self, Death, Life};
use refloat::seam::tmux::{self, Answer};
use refloat::sight;
use refloat::state::{State, Tx, run, worker};
use uuid::Uuid;

use super::args::Adopt;
use crate::launch::plan;

/// Who is adopted.
struct Seen {
    process: Option<Identity>,
    tmux: Option<TmuxSession>,
}

impl Seen {
    /// A session without a trace of it has yet to come.
    fn is_there(&self) -> bool {
        self.tmux.as_ref().is_none_or(|tmux| tmux.found.is_some())
    }
}

pub(crate) fn run(cx: &mut Context, args: &Adopt) -> Result<Exit> {
    if args.parent.as_ref() == Some(&args.agent) {
        return Err(Failure::usage(format!("agent {} cannot be its own parent", args.agent)));
    }
    let log = args.log.as_ref().map(std::path::absolute).transpose();
    let log = log.or_fail(|| "cannot tell the working folder".into())?;
    let expected = owed::resolve(&args.expect, &work_folder(args.cwd.as_deref())?)?;
    let place = cx.place()?;
    let seen = match (args.pid, &args.tmux) {
        (Some(pid), _) => by_pid(pid)?,
        (None, Some(session)) => by_session(session, args.socket.as_deref())?,
        (None, None) => return Err(Failure::usage("whom? --pid or --tmux is missing")),
    };
    let mut state = State::open_for_writing(&place)?;
    // What the worker leaves after this look, it has left for its run.
    let looks = owed::look(expected)?;
    let token = Uuid::new_v4().simple().to_string();
    let now = Moment::now(&process::me());
    let adopted = state.write("adopt a worker", |tx| {
        let run = open_run(tx, args, &now)?;
        let launch_until = (!seen.is_there()).then(|| now.at.plus(args.launch_deadline));
        let new = NewWorker {
            run: run.id,
            token: &token,
            process: seen.process.as_ref(),
            tmux: seen.tmux.as_ref(),
            log: log.as_deref().and_then(|log| log.to_str()),
            adopted: &now,
            launch_until,
        };
        worker::adopt(tx, &new)?;
        if launch_until.is_none() {
            run::enter_adopted(tx, run.id, now.at)?;
        }
        let owes = owed::keep(tx, run.id, &looks, true, None, now.at)?;
        let (run, worker) = stored(tx, &run)?;
        Ok(RunAdopted::of(&run, &worker, &owes))
    })?;
    cx.out.emit(&adopted)?;
    Ok(Exit::Done)
}

/// A new run for the worker.
fn open_run(tx: &Tx<'_>, args: &Adopt, now: &Moment) -> Result<Run> {
    let (agent, parent) = (args.agent.as_str(), args.parent.as_deref());
    if let Some(open) = run::open_of(tx, agent)? {
        return Err(Failure::refused(format!("agent {agent} has an open run: {} is {}", open.id, open.state))
            .hint(format!("finish it, or end it: turn stop {agent}")));
    }
    refuse_circle(tx, agent, parent)?;
    let new = NewRun {
        agent,
        task: args.task.as_deref(),
        parent,
        capability: plan::capability(args.capability, parent),
        max_attempts: plan::max_attempts(args.max_attempts, parent),
        session: None,
    };
    let id = run::open(tx, &new, now.at)?;
    run::by_id(tx, id)?.ok_or_else(|| Failure::refused(format!("run {id} is gone")))
}

fn stored(tx: &Tx<'_>, run: &Run) -> Result<(Run, Worker)> {
    let missing = || Failure::refused(format!("run {} is gone", run.id));
    let worker = worker::of_run(tx, run.id)?.ok_or_else(missing)?;
    Ok((run::by_id(tx, run.id)?.ok_or_else(missing)?, worker))
}

fn by_pid(pid: i32) -> Result<Seen> {
    let process = process::living(pid).map_err(|life| match life {
        Life::Dead(Death::Zombie) => {
            Failure::refused(format!("process {pid} has ended: it is a zombie that its parent has not asked for"))
        }
        Life::Dead(_) | Life::Alive { .. } => Failure::not_found(format!("no process {pid}")),
        Life::Unknown(doubt) => Failure::new(Exit::Unknown, format!("cannot tell who process {pid} is: {doubt}"))
            .hint("adopt it from the namespaces it runs in"),
    })?;
    if tmux::is_server(pid) {
        return Err(Failure::refused(format!("process {pid} is a tmux server"))
            .hint("adopt one of its sessions: --tmux SESSION"));
    }
    Ok(Seen { process: Some(process), tmux: None })
}

fn by_session(asked: &str, socket: Option<&str>) -> Result<Seen> {
    let later = |socket: Option<String>| Seen {
        process: None,
        tmux: Some(TmuxSession { asked: asked.to_owned(), socket, found: None }),
    };
    let seen = match tmux::look(socket, tmux::TIMEOUT) {
        Answer::Listed(snapshot) => match sight::found(&snapshot, asked) {
            Some(found) => return Ok(Seen { process: found.process, tmux: Some(found.session) }),
            None if snapshot.session(asked).is_some() => {
                return Err(Failure::refused(format!(
                    "session {asked} is there, but what ran in its first pane has ended"
                )));
            }
            None => later(Some(snapshot.server.socket)),
        },
        Answer::Empty | Answer::NotFound => later(socket.map(str::to_owned)),
        Answer::NoServer { socket } | Answer::NoSocket { socket } => later(Some(socket)),
        Answer::Failed { failing, said } => return Err(unasked(failing, &said)),
    };
    match asked.starts_with('$') {
        true => Err(Failure::not_found(format!("no session {asked}")).hint("a session that has yet to come has no id")),
        false => Ok(seen),
    }
}

fn unasked(failing: Reason, said: &str) -> Failure {
    let failure = Failure::new(Exit::Unknown, format!("cannot ask tmux ({failing}): {said}; nothing was stored"));
    match failing {
        Reason::NotInstalled => failure.hint("install tmux, or adopt the process: --pid"),
        Reason::Timeout => failure.hint("is the tmux server stopped? see: ps -eo pid,stat,args"),
        _ => failure,
    }
}
