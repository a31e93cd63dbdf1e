//! The first transaction of a turn: the run is opened or gone on with, the epoch taken, the row made.
//! What refuses a turn refuses it here, under the lock and from what the state file says now.

use std::path::Path;

use refloat::clock::Stamp;
use refloat::error::{Failure, Result};
use refloat::family::refuse_circle;
use refloat::identity::Identity;
use refloat::judge::owed::begins_attempt;
use refloat::judge::sequel::held_until;
use refloat::model::{Containment, NewRun, NewTurn, Owed, Run, Turn, Worker};
use refloat::owed::{self, Looks};
use refloat::state::mail::claim::lease_to_turn;
use refloat::state::{State, Tx, View, agent, mark, run, turn};

use super::args::Run as Args;
use super::held::refuse_marked;
use super::plan::Plan;
use super::{again, mail};
use crate::adopted;

/// A turn that has a row, and the command that was made for it.
pub(crate) struct Begun {
    pub(crate) run: Run,
    pub(crate) turn: Turn,
    pub(crate) command: Vec<std::ffi::OsString>,
    pub(crate) prompt: Option<Vec<u8>>,
    /// What the run owes besides.
    pub(crate) owes: Vec<Owed>,
}

/// Begins a turn; nothing is started yet. None: its prompt was to be mail, and none waits.
pub(crate) fn begin(
    state: &mut State,
    plan: &Plan<'_>,
    looks: &Looks,
    token: &str,
    cgroup: Option<&Path>,
    supervisor: &Identity,
) -> Result<Option<Begun>> {
    state.write("begin a turn", |tx| {
        let now = Stamp::now();
        if plan.args.mail && !mail::waits(tx, plan)? {
            return Ok(None);
        }
        let run = open_run(tx, plan, now)?;
        let mails = mail::claim(tx, plan, run.id, token)?;
        let gone = || Failure::refused(format!("run {} has ended", run.id));
        let epoch = run::next_epoch(tx, run.id, &plan.runtime.name)?.ok_or_else(gone)?;
        let good =
            run.session.as_deref().filter(|_| run.runtime.as_ref().is_none_or(|name| *name == plan.runtime.name));
        let (session, resume) = plan.session(good);
        let prompt = mails.as_deref().map(|mails| mail::prompt(plan, mails)).or_else(|| plan.prompt.clone());
        let command = plan.command(session.as_deref(), resume, prompt.as_deref())?;
        let shown: Vec<String> = command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let cgroup = cgroup.map(Path::to_string_lossy);
        let new = NewTurn {
            run: run.id,
            agent: &plan.args.agent,
            attempt: run.attempts + 1,
            token,
            description: &plan.runtime,
            command: &shown,
            command_lossy: command.iter().any(|word| word.to_str().is_none()),
            cwd_lossy: plan.cwd.to_str().is_none(),
            cwd: &plan.cwd.to_string_lossy(),
            limits: plan.limits,
            deadline: plan.args.clocks.deadline,
            session_asked: session.as_deref(),
            resume,
            contained_by: if cgroup.is_some() { Containment::Cgroup } else { Containment::Subreaper },
            cgroup: cgroup.as_deref(),
            supervisor,
            before: run.standing(),
            again: &again::of(plan),
        };
        let id = turn::begin(tx, &new, epoch, now)?;
        lease_to_turn(tx, mails.as_deref().unwrap_or_default(), id)?;
        let owes = owed::keep(tx, run.id, looks, begins_attempt(&new.before), Some(id), now)?;
        let missing = || Failure::refused(format!("turn {id} is gone"));
        let turn = turn::by_id(tx, id)?.ok_or_else(missing)?;
        let run = run::by_id(tx, turn.run)?.ok_or_else(missing)?;
        Ok(Some(Begun { run, turn, command, prompt, owes }))
    })
}

/// The agent's open run if the turn may go on with it, or a new one.
fn open_run(tx: &Tx<'_>, plan: &Plan<'_>, now: Stamp) -> Result<Run> {
    let open = may_begin(tx, plan, now)?;
    if !plan.args.mail {
        agent::lift_stops(tx, &plan.args.agent)?;
    }
    match open {
        Some(open) => adopted::take_over(tx, open, plan.gone, now),
        None => new_run(tx, plan, now),
    }
}

/// What refuses the turn, looked at under the lock before anything is started for it. Returns the agent's open run and its
/// worker, where one stands for it: whether that lives is to be looked at next.
pub(crate) fn refuse(state: &State, plan: &Plan<'_>) -> Result<Option<(Run, Worker)>> {
    state.read("look at the run", |view| {
        may_begin(view, plan, Stamp::now())?;
        adopted::open_of(view, &plan.args.agent)
    })
}

/// The agent's open run, if there is one, where the turn may go on with it, or open a new one.
fn may_begin(view: &View<'_>, plan: &Plan<'_>, now: Stamp) -> Result<Option<Run>> {
    let args = plan.args;
    if agent::stops(view, &args.agent)? != plan.stops {
        return Err(Failure::refused(format!("agent {} was stopped while this turn waited", args.agent))
            .hint("start it again to lift the stop"));
    }
    if args.mail && agent::is_stopped(view, &args.agent)? {
        return Err(Failure::refused(format!("agent {} is stopped, and mail does not lift a stop", args.agent))
            .hint(format!("lift it with a prompt: turn run --agent {} --prompt TEXT", args.agent)));
    }
    let open = run::open_of(view, &args.agent)?;
    if let Some(wanted) = args.run
        && open.as_ref().is_none_or(|open| open.id != wanted)
    {
        return Err(not_the_run(view, wanted, &args.agent)?);
    }
    match &open {
        Some(open) => may_go_on(args, open, now)?,
        None => refuse_circle(view, &args.agent, args.parent.as_deref())?,
    }
    refuse_marked(plan, &mark::holds(view, &args.agent)?)?;
    Ok(open)
}

fn not_the_run(view: &View<'_>, wanted: refloat::id::RunId, agent: &str) -> Result<Failure> {
    Ok(match run::by_id(view, wanted)? {
        None => Failure::not_found(format!("no run {wanted}")).hint("see: turn list"),
        Some(run) if run.agent != agent => {
            Failure::refused(format!("run {wanted} is agent {}'s, not {agent}'s", run.agent))
        }
        Some(run) => {
            Failure::refused(format!("run {wanted} has ended: {}", run.state)).hint("leave --run out to open a new run")
        }
    })
}

/// A turn goes on with an open run only if it means the same work, and the provider lets it.
pub(super) fn may_go_on(args: &Args, open: &Run, now: Stamp) -> Result<()> {
    let other = |what: &str, has: &Option<String>, wanted: &Option<String>| {
        let has = has.as_deref().unwrap_or("none");
        wanted.as_deref().filter(|wanted| *wanted != has).map(|wanted| {
            Failure::refused(format!("the open run {} of {} has {what} {has}, not {wanted}", open.id, args.agent))
                .hint(format!("finish it, or end it: turn stop {}", args.agent))
        })
    };
    if let Some(failure) = other("task", &open.task, &args.task).or_else(|| other("parent", &open.parent, &args.parent))
    {
        return Err(failure);
    }
    match held_until(open, now) {
        Some(until) if !args.now => {
            Err(Failure::busy(format!("run {} of {} is limited by its provider until {until}", open.id, args.agent))
                .hint("try again then, or now with --now"))
        }
        _ => Ok(()),
    }
}

fn new_run(tx: &Tx<'_>, plan: &Plan<'_>, now: Stamp) -> Result<Run> {
    let args = plan.args;
    let session = match args.go_on {
        true => run::last_session(tx, &args.agent, &plan.runtime.name)?,
        false => None,
    };
    let new = NewRun {
        agent: &args.agent,
        task: args.task.as_deref(),
        parent: args.parent.as_deref(),
        capability: plan.capability(),
        max_attempts: plan.max_attempts(),
        session: session.as_deref(),
    };
    let id = run::open(tx, &new, now)?;
    run::by_id(tx, id)?.ok_or_else(|| Failure::refused(format!("run {id} is gone")))
}
