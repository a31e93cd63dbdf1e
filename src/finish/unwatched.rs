//! The end of a turn that nobody watches: is something of it left, is that to be ended, and its finish. Called by the
//! `turn` that comes after a dead supervisor, and by `reconcile`, both under the supervisor lock. While a shim lives it
//! alone ends its tree.

use std::path::Path;
use std::time::Duration;

use super::remains::{BUDGET, Holders, known, leads, remove_group};
use super::{Evidence, Finished, Watched, finish};
use crate::clock::Tick;
use crate::error::Result;
use crate::judge::owed::Vouched;
use crate::lock::SupervisorLock;
use crate::model::Turn;
use crate::seam::cgroup::Cgroup;
use crate::seam::exit_record::{ExitRecord, Tree};
use crate::seam::process;
use crate::seam::survivors::{Left, end_survivors};
use crate::seam::tree;
use crate::state::State;

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
        Kin::Stranger => match end_survivors(&leads(turn, &known(turn), Holders::Anybody), BUDGET).1 {
            Left::None => Some(0),
            Left::Some(found) => i64::try_from(found.len()).ok(),
            Left::Unknown(_) => None,
        },
    };
    remove_group(turn);
    left
}

/// Finishes a turn whose tree is gone and that nobody watched to its end. What others vouch for counts where it cannot be
/// looked at.
///
/// # Errors
/// What was left of it cannot be read, and those of the state file.
pub fn finish_unwatched(
    state: &mut State,
    held: &SupervisorLock,
    turn: &Turn,
    left: Option<i64>,
    vouched: &Vouched,
) -> Result<Finished> {
    let log_dir = state.place().log_dir(turn.id);
    let vouched = vouched.clone();
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
