//! Whether something of a turn still lives once its shim is gone. Asked before a second agent could begin beside it: by
//! whoever ends, finishes, follows or reopens. It ends nothing unless it is told to, and records nothing.

use std::path::Path;
use std::time::Duration;

use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::identity::Identity;
use crate::judge::verdict::Handling;
use crate::model::Turn;
use crate::seam::cgroup::Cgroup;
use crate::seam::exit_record::{ExitRecord, Tree};
use crate::seam::process::Handle;
use crate::seam::survivors::{Leads, Left, Survivor, end_survivors, settled, settled_all};
use crate::state::Place;

/// How long the dying may take before they are orphans.
const DYING: Duration = Duration::from_millis(250);

/// How long orphans may take to die.
pub(super) const BUDGET: Duration = Duration::from_secs(5);

/// How long the kernel may take to let go of a group whose last member has just died.
const GROUP_BUDGET: Duration = Duration::from_millis(500);

/// Makes sure that nothing of a turn lives on, its shim being gone.
///
/// What lives is an orphan: refused (76), or ended if asked. What cannot be looked at is unknown: refused (69), unless
/// somebody who was asked to look says that it is to be ended, and it was somewhere else: a container that is gone can
/// never be looked at again.
/// Returns how many could not be ended; none where it is known from the exit record, or to nobody.
///
/// # Errors
/// 75 its shim lives without its lock, 76 it is orphaned, 69 nobody can tell.
pub fn clear(place: &Place, turn: &Turn, holders: Holders, orphans: Handling) -> Result<Option<i64>> {
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
    let leads = leads(turn, &known, holders);
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
    Ok(super::recorded(turn)?.is_some_and(|finished| finished.ended.children_left.unwrap_or(0) == 0))
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

/// What lives of turns whose shims are gone, looked for in one go; what is seen is looked at again for a moment, for it may
/// be dying.
#[must_use]
pub fn of_all(turns: &[(&Turn, Holders)]) -> Vec<Left> {
    let known: Vec<Vec<Identity>> = turns.iter().map(|(turn, _)| known(turn)).collect();
    let leads: Vec<Leads<'_>> =
        turns.iter().zip(&known).map(|((turn, holders), known)| leads(turn, known, *holders)).collect();
    settled_all(&leads, DYING)
}

/// The recorded processes of a turn; their descendants are looked for too.
pub fn known(turn: &Turn) -> Vec<Identity> {
    turn.child.iter().cloned().collect()
}

/// Who may hold the token of a turn whose shim is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holders {
    /// Anybody: all processes have to be looked at.
    Anybody,
    /// Nobody, as a look at all processes since its shim's end has found. It is inherited from who holds it, so nobody ever
    /// will.
    Nobody,
}

/// Where to look for what is left of a turn.
#[must_use]
pub fn leads<'t>(turn: &'t Turn, known: &'t [Identity], holders: Holders) -> Leads<'t> {
    let token = if holders == Holders::Nobody { "" } else { &turn.token };
    Leads { cgroup: turn.cgroup.as_deref().map(Path::new), token, known }
}
