//! A turn's case: its locks, its processes, what it left behind, and how it would end by that. What is expensive (its
//! stream, the environments of all processes) is looked at only where nobody else watches it.

use std::path::Path;

use super::rows::Rows;
use super::silence::{self, Heard};
use super::tell::Notes;
use super::{Scene, Watching};
use crate::clock::Stamp;
use crate::error::Result;
use crate::finish::{self, Watched};
use crate::identity::Identity;
use crate::judge::finding::{self, Trace};
use crate::judge::outcome::Ending;
use crate::judge::verdict::{After, Held, Left, TurnCase};
use crate::lock::{self, TurnLock};
use crate::model::{Finding, Instrument, Observed, Reason, Sight, SubjectKind, Turn};
use crate::record::evidence::{ExitDetail, LeftDetail, ProcessDetail, Role, RunDetail, RunLock};
use crate::seam::exit_record::{ExitRecord, Tree};
use crate::seam::survivors;
use crate::sight::{at_process, of_process};

/// So many of what is left are named.
const NAMED: usize = 8;

/// What of a turn is looked at before anything that it has left: who could leave more is gone then, or lives.
pub(super) struct First {
    turn_lock: Held,
    supervisor_lock: Held,
    supervisor: Sight,
    shim: Option<Sight>,
    agent: Option<Sight>,
    exit: Option<ExitRecord>,
}

impl First {
    pub(super) fn look(scene: &Scene<'_>, rows: &Rows, turn: &Turn, notes: &mut Notes<'_>) -> Self {
        let (turn_lock, supervisor_lock) = locks(scene, rows, turn, notes);
        Self {
            turn_lock,
            supervisor_lock,
            supervisor: look(Role::Supervisor, &turn.supervisor, notes),
            shim: turn.shim.as_ref().map(|shim| look(Role::Shim, shim, notes)),
            agent: turn.child.as_ref().map(|agent| look(Role::Agent, agent, notes)),
            exit: exit_record(&scene.place.log_dir(turn.id), turn, notes),
        }
    }

    fn lives(&self) -> bool {
        self.turn_lock == Held::Yes || self.shim.is_some_and(|shim| shim.observed == Observed::Alive)
    }

    /// What its tree may have left has to be looked for, in all processes. What a turn that has ended could have left, its
    /// next turn looks for.
    pub(super) fn wants_search(&self, rows: &Rows, turn: &Turn) -> bool {
        is_open(rows, turn) && !self.lives() && !self.nothing_is_left()
    }

    /// Its exit record says so; or it is of another boot, where nothing lives, and whose groups are gone with it.
    fn nothing_is_left(&self) -> bool {
        let told = self.exit.as_ref().is_some_and(|exit| exit.tree == Tree::Gone && exit.children_left == 0);
        told || self.supervisor == Sight::gone(Reason::Rebooted)
    }
}

fn is_open(rows: &Rows, turn: &Turn) -> bool {
    turn.outcome.is_none() && !rows.run.state.is_terminal()
}

/// `found`: what a search has found of its tree, where it wanted one.
pub(super) fn case(
    scene: &Scene<'_>,
    rows: &Rows,
    turn: &Turn,
    first: First,
    found: Option<survivors::Left>,
    notes: &mut Notes<'_>,
) -> TurnCase {
    let log_dir = scene.place.log_dir(turn.id);
    let (lives, is_open) = (first.lives(), is_open(rows, turn));
    let left = if lives || !is_open { Left::Held } else { left(turn, found, notes) };
    let First { turn_lock, supervisor_lock, supervisor, shim, agent, exit } = first;
    let heard = match (&rows.unreadable, is_open) {
        (Some(why), true) => silence::unreadable(&log_dir, why, notes),
        (None, true) if lives => silence::listen(turn, &log_dir, supervisor_lock, notes),
        _ => Heard::default(),
    };
    let (ending, limit_resets_at) = match rows.unreadable {
        None if is_open && (!lives || heard.has_end || exit.is_some()) => {
            ending(turn, &log_dir, exit, if lives { Tells::Nothing } else { Tells::Stream }, notes)
        }
        None => (Some(finish::unheard(turn)), None),
        Some(_) => (None, None),
    };
    TurnCase {
        started: turn.started_at.is_some(),
        turn_lock,
        supervisor_lock,
        supervisor,
        shim,
        agent,
        left,
        ending,
        silence: heard.silence,
        sign_ms: heard.sign_ms,
        after: After {
            before: turn.before,
            prior: rows.prior,
            limit_resets_at,
            waits_until: turn.yielded.as_ref().map(|note| note.until),
            jitter: finish::jitter(turn),
        },
    }
}

/// The locks are the agent's: of an older run they tell nothing.
fn locks(scene: &Scene<'_>, rows: &Rows, turn: &Turn, notes: &mut Notes<'_>) -> (Held, Held) {
    if !rows.newest {
        return (Held::No, Held::No);
    }
    let mut tell = |kind: &str, looked: Result<bool>| {
        let held = match looked {
            Ok(true) => Held::Yes,
            Ok(false) => Held::No,
            Err(_) => Held::Unknown,
        };
        let name = format!("{}.{kind}", turn.agent);
        let path = scene.place.companion("locks").join(&name);
        let detail = RunLock { path: path.to_string_lossy().into_owned(), path_lossy: path.to_str().is_none() };
        notes.add(SubjectKind::Lock, name, Instrument::Flock, finding::of_lock(held), RunDetail::Lock(detail));
        held
    };
    let turn_lock = tell("turn", TurnLock::is_held(scene.place, &turn.agent));
    let supervised = match scene.watching {
        Watching::Others => lock::is_supervised(scene.place, &turn.agent),
        Watching::Ourselves => Ok(false),
    };
    (turn_lock, tell("supervisor", supervised))
}

/// One of the run's processes.
pub(super) fn look(role: Role, who: &Identity, notes: &mut Notes<'_>) -> Sight {
    let sight = at_process(who);
    tell(role, who, sight, notes);
    sight
}

pub(super) fn tell(role: Role, who: &Identity, sight: Sight, notes: &mut Notes<'_>) {
    let detail = ProcessDetail {
        role,
        pid: who.pid,
        start_ticks: who.start_ticks,
        recorded_host: who.machine.clone(),
        recorded_boot: who.boot.clone(),
    };
    notes.add(SubjectKind::Process, who.pid, Instrument::Pidfd, Finding::from(sight), RunDetail::Process(detail));
}

fn exit_record(log_dir: &Path, turn: &Turn, notes: &mut Notes<'_>) -> Option<ExitRecord> {
    let (trace, exit, error) = match ExitRecord::read(log_dir, turn.id) {
        Ok(Some(record)) => (Trace::Says, Some(record), None),
        Ok(None) => (Trace::Absent, None, None),
        Err(error) => (Trace::Unreadable, None, Some(error.to_string())),
    };
    let known = exit.as_ref();
    let detail = ExitDetail {
        started: known.map(|exit| exit.started),
        exit_code: known.and_then(|exit| exit.code),
        signal: known.and_then(|exit| exit.signal),
        ended_by: known.map(|exit| exit.ended_by),
        ended_at: known.map(|exit| exit.ended_at),
        tree_gone: known.map(|exit| exit.tree == Tree::Gone),
        children_left: known.map(|exit| i64::from(exit.children_left)),
        error,
    };
    let path = log_dir.join(crate::seam::exit_record::NAME);
    notes.add(
        SubjectKind::Output,
        path.display(),
        Instrument::ExitRecord,
        finding::of_exit_record(trace),
        RunDetail::Exit(detail),
    );
    exit
}

/// What lives of a tree whose shim is gone; what nobody had to search for is nothing.
fn left(turn: &Turn, found: Option<survivors::Left>, notes: &mut Notes<'_>) -> Left {
    let mut named = Vec::new();
    let left = found.map_or(Left::Nothing, |found| count(found, &mut named));
    let living = match left {
        Left::Nothing => Some(0),
        Left::Some(count) => Some(count),
        Left::Unknown(_) | Left::Held => None,
    };
    let detail = LeftDetail { cgroup: turn.cgroup.clone(), count: living, processes: named };
    let finding = finding::of_left(left);
    notes.add(
        SubjectKind::Process,
        format!("tree of {}", turn.id),
        Instrument::Survivors,
        finding,
        RunDetail::Left(detail),
    );
    left
}

fn count(found: survivors::Left, named: &mut Vec<String>) -> Left {
    match found {
        survivors::Left::None => Left::Nothing,
        survivors::Left::Some(found) => {
            let name = |one: &survivors::Survivor| format!("{} ({})", one.identity.pid, one.name);
            named.extend(found.iter().take(NAMED).map(name));
            Left::Some(i64::try_from(found.len()).unwrap_or(i64::MAX))
        }
        survivors::Left::Unknown(doubt) => Left::Unknown(of_process(crate::seam::process::Life::Unknown(doubt)).why),
    }
}

/// All that a turn has left of its end; what a dead shim has left is told here, a living agent's stream was told already.
fn ending(
    turn: &Turn,
    log_dir: &Path,
    told: Option<ExitRecord>,
    tells: Tells,
    notes: &mut Notes<'_>,
) -> (Option<Ending>, Option<Stamp>) {
    match finish::Evidence::gather(turn, log_dir, Watched { told, ..Watched::default() }, None) {
        Err(failure) => {
            silence::unreadable(log_dir, &failure.to_string(), notes);
            (None, None)
        }
        Ok(evidence) => {
            if tells == Tells::Stream {
                silence::tell_end(log_dir, &evidence, notes);
            }
            (Some(evidence.ending(turn)), evidence.limit_resets_at())
        }
    }
}

/// Whether the stream has still to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tells {
    Stream,
    Nothing,
}
