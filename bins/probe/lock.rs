//! `probe lock`: whether an agent's locks, or any file, are held, and by whom. It looks with a shared lock that it drops
//! at once, and takes none alone.

use std::path::{Path, PathBuf};

use clap::Args;
use refloat::cli::{Context, agent_name};
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::identity::Identity;
use refloat::judge::lock;
use refloat::lock::{SupervisorLock, TurnLock};
use refloat::model::{Holder, HolderBy, Instrument, LockKind, LockLook, Reason, Role, SubjectKind, Turn};
use refloat::record::Evidence;
use refloat::record::evidence::{Detail, LockDetail};
use refloat::seam::{locks, process};
use refloat::sight;
use refloat::state::{Place, State, agent, run, turn};

use crate::args::Asked;
use crate::tell::Teller;

/// Whether an agent's locks, or a file, are held, and by whom
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  probe lock lead
  probe lock ./deploy.lock --exit-code; [ $? = 1 ] && echo free")]
pub(crate) struct Lock {
    /// An agent, or a file: one is named with a slash (./deploy.lock)
    #[arg(value_name = "AGENT|FILE", value_parser = subject)]
    subject: Subject,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Clone, Debug)]
enum Subject {
    Agent(String),
    File(PathBuf),
}

fn subject(text: &str) -> Result<Subject, String> {
    if text.contains('/') {
        return Ok(Subject::File(text.into()));
    }
    agent_name(text).map(Subject::Agent).map_err(|why| format!("{why}; a file is named with a slash: ./{text}"))
}

pub(crate) fn run(cx: &mut Context, args: &Lock) -> Result<Exit> {
    match &args.subject {
        Subject::File(path) => {
            let mut teller = Teller::new(cx, args.asked);
            let evidence = of_file(path, &teller);
            teller.tell(&evidence)?;
            Ok(teller.end())
        }
        Subject::Agent(agent) => of_agent(cx, agent, args.asked),
    }
}

fn of_file(path: &Path, teller: &Teller<'_>) -> Evidence {
    let seen = locks::look(path);
    let holders: Vec<Holder> = seen.pids.iter().map(|pid| listed(*pid)).collect();
    let by = (!holders.is_empty()).then_some(HolderBy::ProcLocks);
    let finding = lock::find(seen.look, &holders);
    let detail = filled(LockDetail::of(path, LockKind::File), seen, by, &holders);
    let subject = (SubjectKind::Lock, detail.path.clone());
    Evidence::here(subject, Instrument::Flock, finding, Detail::Lock(detail), teller.here())
}

fn filled(detail: LockDetail, seen: locks::Locked, by: Option<HolderBy>, holders: &[Holder]) -> LockDetail {
    LockDetail {
        family: seen.family,
        mode: seen.mode,
        holder_by: by,
        holders: holders.iter().map(Into::into).collect(),
        error: seen.error.or(detail.error),
        ..detail
    }
}

/// A process that the kernel lists: it took the lock, and may have passed it on.
fn listed(pid: i32) -> Holder {
    let found = process::living(pid);
    let life = found.as_ref().map_or_else(|life| *life, process::look);
    Holder { role: Role::Other, pid, who: found.ok(), sight: sight::of_process(life) }
}

fn recorded(role: Role, who: &Identity) -> Holder {
    Holder { role, pid: who.pid, who: Some(who.clone()), sight: sight::of_process(process::look(who)) }
}

/// What the state file says of an agent's turn; where it cannot be asked, why: a lock can be looked at without it.
type Told = Result<Option<Turn>, String>;

fn of_agent(cx: &mut Context, agent: &str, asked: Asked) -> Result<Exit> {
    let place = cx.place()?;
    let (turn, supervisor) = (TurnLock::path(&place, agent), SupervisorLock::path(&place, agent));
    let told = told(&place, agent, [&turn, &supervisor])?;
    let mut teller = Teller::new(cx, asked);
    for (path, kind) in [(turn, LockKind::Turn), (supervisor, LockKind::Supervisor)] {
        let evidence = of_lock(&place, agent, (&path, kind), &told, &teller);
        teller.tell(&evidence)?;
    }
    teller.end_of_several()
}

fn told(place: &Place, agent: &str, files: [&PathBuf; 2]) -> Result<Told> {
    let is_locked = files.into_iter().any(|file| file.exists());
    let asked = State::open_for_looking(place).and_then(|state| open_turn(&state, agent, is_locked));
    match asked {
        Ok(turn) => Ok(Ok(turn)),
        Err(failure) if failure.exit == Exit::NotFound && !is_locked => Err(failure),
        Err(failure) => Ok(Err(failure.to_string())),
    }
}

fn open_turn(state: &State, name: &str, is_locked: bool) -> Result<Option<Turn>> {
    state.read("look at the agent's turn", |view| {
        if !is_locked && !run::is_known(view, name)? && agent::stops(view, name)? == 0 {
            return Err(Failure::not_found(format!("no agent '{name}'"))
                .hint(format!("see: turn list; a file is named with a slash: ./{name}")));
        }
        turn::open_of(view, name)
    })
}

fn of_lock(place: &Place, agent: &str, lock: (&Path, LockKind), told: &Told, teller: &Teller<'_>) -> Evidence {
    let seen = locks::look(lock.0);
    let holders = holders(told, lock.1);
    let missed = seen.look == LockLook::Held && lock::find(seen.look, &holders).reason == Reason::HolderUnknown;
    if missed {
        // A turn may have begun since the row was read.
        let again = State::open_for_looking(place).and_then(|state| open_turn(&state, agent, true));
        let told = again.map_err(|failure| failure.to_string());
        return evidence(agent, lock, locks::look(lock.0), &told, teller);
    }
    evidence(agent, lock, seen, told, teller)
}

fn holders(told: &Told, kind: LockKind) -> Vec<Holder> {
    let Ok(Some(turn)) = told else { return Vec::new() };
    let shim = turn.shim.as_ref().filter(|_| kind == LockKind::Turn).map(|shim| recorded(Role::Shim, shim));
    shim.into_iter().chain([recorded(Role::Supervisor, &turn.supervisor)]).collect()
}

fn evidence(
    agent: &str,
    (path, kind): (&Path, LockKind),
    seen: locks::Locked,
    told: &Told,
    teller: &Teller<'_>,
) -> Evidence {
    let mut holders = holders(told, kind);
    let finding = lock::find(seen.look, &holders);
    let known = finding.reason == Reason::Locked;
    let by = if known { Some(HolderBy::TurnRow) } else { (!seen.pids.is_empty()).then_some(HolderBy::ProcLocks) };
    if by == Some(HolderBy::ProcLocks) {
        // A hint for people; it decides nothing here.
        holders = seen.pids.iter().map(|pid| listed(*pid)).collect();
    }
    if seen.look != LockLook::Held {
        holders.clear();
    }
    let mut detail = filled(LockDetail::of(path, kind), seen, by, &holders);
    let turn = told.as_ref().ok().and_then(Option::as_ref);
    if let Some(turn) = turn {
        (detail.command, detail.command_lossy) = (Some(turn.command.clone()), turn.command_lossy);
        detail.since = Some(turn.booted_at);
    }
    detail.error = detail.error.or_else(|| told.as_ref().err().cloned());
    let mut evidence =
        Evidence::here((SubjectKind::Lock, agent), Instrument::Flock, finding, Detail::Lock(detail), teller.here());
    if let Some(turn) = turn {
        (evidence.run, evidence.turn, evidence.attempt) = (Some(turn.run), Some(turn.id), Some(turn.attempt));
    }
    evidence
}
