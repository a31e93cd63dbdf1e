//! The end of a turn that nobody watches: is something of it left, is that to be ended, and its finish. Called by the
//! `turn` that comes after a dead supervisor, and by `reconcile`, both under the supervisor lock. While a shim lives it
//! alone ends its tree.

use std::path::Path;
use std::time::Duration;

use super::{Evidence, Finished, Watched, finish, recorded};
use crate::clock::Tick;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::identity::Identity;
use crate::judge::verdict::Handling;
use crate::lock::SupervisorLock;
use crate::model::Turn;
use crate::seam::cgroup::Cgroup;
use crate::seam::exit_record::{ExitRecord, Tree};
use crate::seam::process::{self, Handle};
use crate::seam::survivors::{Leads, Left, Survivor, end_survivors, settled};
use crate::seam::tree;
use crate::state::{Place, State};

/// How long the dying may take before they are orphans.
const DYING: Duration = Duration::from_millis(250);

/// How long orphans may take to die.
const BUDGET: Duration = Duration::from_secs(5);

/// How long the kernel may take to let go of a group whose last member has just died.
const GROUP_BUDGET: Duration = Duration::from_millis(500);

/// Makes sure that nothing of a turn lives on, its shim being gone.
///
/// What lives is an orphan: refused (76), or ended if asked. What cannot be looked at is unknown: refused (69), unless
/// somebody who was asked to look says that it is to be ended, and it was somewhere else: a container that is gone can
/// never be looked at again.
/// Returns how many could not be ended; none where it is known from the exit record, or to nobody.
pub fn clear(place: &Place, turn: &Turn, orphans: Handling) -> Result<Option<i64>> {
    if let Some(shim) = turn.shim.as_ref().filter(|shim| lives_on(shim)) {
        // Its lock is free all the same: somebody has removed the lock file.
        return Err(Failure::busy(format!(
            "the shim of {} (process {}) still runs, without its lock",
            turn.id, shim.pid
        ))
        .hint(format!("wait for its end, or: turn attach {}", turn.id)));
    }
    let record = ExitRecord::read(&place.log_dir(turn.id), turn.id).unwrap_or_default();
    if record.is_some_and(|record| record.tree == Tree::Gone && record.children_left == 0) {
        remove_group(turn);
        return Ok(None);
    }
    let known = known(turn);
    let leads = leads(turn, &known);
    let left = if orphans == Handling::Kill { end_survivors(&leads, BUDGET).1 } else { settled(&leads, DYING) };
    match left {
        Left::None => {
            remove_group(turn);
            Ok(Some(0))
        }
        Left::Some(found) => Err(orphaned(turn, &found, orphans)),
        Left::Unknown(doubt) if doubt.is_elsewhere() && (orphans == Handling::Kill || is_accounted(turn)?) => {
            remove_group(turn);
            Ok(None)
        }
        Left::Unknown(doubt) => Err(Failure::new(
            Exit::Unknown,
            format!("cannot tell whether something of {} still runs: {doubt}", turn.id),
        )
        .hint(format!(
            "look where it ran; if nothing is left: turn run --agent {0} --kill-orphans …, or: turn stop {0} --kill",
            turn.agent
        ))),
    }
}

/// Whether whoever recorded the turn's end has said what it left: nothing, or what nobody can know.
fn is_accounted(turn: &Turn) -> Result<bool> {
    Ok(recorded(turn)?.is_some_and(|finished| finished.ended.children_left.unwrap_or(0) == 0))
}

/// Removes the turn's group where its shim could not. One that still has members stays.
pub fn remove_group(turn: &Turn) {
    if let Some(group) = turn.cgroup.as_deref().and_then(|path| Cgroup::open(Path::new(path)).ok()) {
        let _ = group.remove(GROUP_BUDGET);
    }
}

fn orphaned(turn: &Turn, found: &[Survivor], tried: Handling) -> Failure {
    let names: Vec<String> = found.iter().take(8).map(|one| format!("{} ({})", one.identity.pid, one.name)).collect();
    let more = found.len().saturating_sub(names.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let tried = if tried == Handling::Kill { " and cannot be ended" } else { "" };
    Failure::refused(format!(
        "{} is orphaned: its shim is gone, and {}{more} still run{tried}",
        turn.id,
        names.join(", ")
    ))
    .hint(format!("end them: turn run --agent {} --kill-orphans …, or: turn stop {}", turn.agent, turn.agent))
}

/// Whether a process lives, and goes on living: the kernel frees its locks a moment before it has ended.
fn lives_on(who: &Identity) -> bool {
    Handle::open(who).is_ok_and(|handle| !handle.ended(DYING).unwrap_or(true))
}

/// How a supervisor is related to the tree of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kin {
    /// Its subreaper: what the shim leaves falls to this process.
    Subreaper,
    /// No relation: what is left has to be found.
    Stranger,
}

/// After the shim's end: what it has not ended is ended here. None: its final record says what is left.
/// A subreaper asks the kernel; a stranger has to believe the record in the file.
pub fn end_rest(turn: &Turn, log_dir: &Path, kin: Kin) -> Option<i64> {
    let gone = || matches!(ExitRecord::read(log_dir, turn.id), Ok(Some(record)) if record.tree == Tree::Gone);
    if kin == Kin::Stranger && gone() {
        remove_group(turn);
        return None;
    }
    let group = turn.cgroup.as_deref().and_then(|path| Cgroup::open(Path::new(path)).ok());
    let left = match kin {
        Kin::Subreaper => match tree::end_descendants(group.as_ref(), BUDGET, &mut |_, _| {}) {
            ended if ended.proven => Some(0),
            ended => i64::try_from(ended.left.len().max(1)).ok(),
        },
        Kin::Stranger => match end_survivors(&leads(turn, &known(turn)), BUDGET).1 {
            Left::None => Some(0),
            Left::Some(found) => i64::try_from(found.len()).ok(),
            Left::Unknown(_) => None,
        },
    };
    remove_group(turn);
    left
}

/// What lives of a turn whose shim is gone; what is seen is looked at again for a moment, for it may be dying.
#[must_use]
pub fn survivors_of(turn: &Turn) -> Left {
    settled(&leads(turn, &known(turn)), DYING)
}

/// The recorded processes of a turn; their descendants are looked for too.
fn known(turn: &Turn) -> Vec<Identity> {
    turn.child.iter().cloned().collect()
}

fn leads<'t>(turn: &'t Turn, known: &'t [Identity]) -> Leads<'t> {
    Leads { cgroup: turn.cgroup.as_deref().map(Path::new), token: &turn.token, known }
}

/// Finishes a turn whose tree is gone and that nobody watched to its end. What others vouch for counts where it cannot be
/// looked at.
pub fn finish_unwatched(
    state: &mut State,
    held: &SupervisorLock,
    turn: &Turn,
    left: Option<i64>,
    vouched: &[usize],
) -> Result<Finished> {
    let log_dir = state.place().log_dir(turn.id);
    let vouched = vouched.to_vec();
    let watched = Watched { unsupervised: unsupervised(&log_dir, turn), vouched, ..Watched::default() };
    let evidence = Evidence::gather(turn, &log_dir, watched, left)?;
    finish(state, held, &evidence)
}

/// From the last sign of a supervisor to the agent's end, or to now.
pub fn unsupervised(log_dir: &Path, turn: &Turn) -> Duration {
    // Ticks are of one boot; what was before another is not known.
    let Some(started) = turn.started_tick.filter(|_| turn.supervisor.boot == process::me().boot) else {
        return Duration::ZERO;
    };
    let end = match ExitRecord::read(log_dir, turn.id) {
        Ok(Some(record)) => started.plus(Duration::from_millis(record.duration_ms)),
        _ => Tick::now(),
    };
    end.since(turn.counters.progress_tick.unwrap_or(started))
}
