//! What every way to a turn's end shares: who supervises it, ending what is left of it, and finishing one that nobody watched.

use std::path::Path;
use std::time::Duration;

use refloat::cli::Context;
use refloat::clock::{Stamp, Tick};
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::finish::{self, Evidence, Finished, Watched};
use refloat::lock::SupervisorLock;
use refloat::model::Turn;
use refloat::seam::cgroup::Cgroup;
use refloat::seam::exit_record::{ExitRecord, Tree};
use refloat::seam::process;
use refloat::seam::survivors::{Left, end_survivors};
use refloat::seam::tree;
use refloat::state::{Place, State, turn};

pub(crate) use refloat::remains::{clear, log_dir, remove_group};
use refloat::remains::{known, leads};

/// How long orphans may take to die.
const BUDGET: Duration = Duration::from_secs(5);

/// Whether somebody supervises the agent's turn now. Not knowing counts as yes: then nothing is done.
pub(crate) fn is_supervised(place: &Place, agent: &str) -> bool {
    !matches!(SupervisorLock::take(place, agent, Duration::ZERO), Ok(Some(_)))
}

/// How a supervisor is related to the tree of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kin {
    /// Its subreaper: what the shim leaves falls to this process.
    Subreaper,
    /// No relation: what is left has to be found.
    Stranger,
}

/// After the shim's end: what it has not ended is ended here. None: its final record says what is left.
/// A subreaper asks the kernel; a stranger has to believe the record in the file.
pub(crate) fn end_rest(turn: &Turn, log_dir: &Path, kin: Kin) -> Option<i64> {
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

/// Finishes a turn whose tree is gone and that nobody watched to its end.
pub(crate) fn finish_unwatched(
    state: &mut State,
    held: &SupervisorLock,
    turn: &Turn,
    left: Option<i64>,
) -> Result<Finished> {
    let log_dir = log_dir(state.place(), turn);
    let watched = Watched { unsupervised: unsupervised(&log_dir, turn), ..Watched::default() };
    let evidence = Evidence::gather(turn, &log_dir, watched, left)?;
    finish::finish(state, held, &evidence)
}

/// From the last sign of a supervisor to the agent's end, or to now.
pub(crate) fn unsupervised(log_dir: &Path, turn: &Turn) -> Duration {
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

/// A moment of wall-clock time on the monotonic clock, as far as the clocks agree.
pub(crate) fn tick_of(moment: Stamp) -> Tick {
    let ago = Stamp::now().since(moment);
    Tick::now().minus(Duration::from_millis(u64::try_from(ago).unwrap_or(0)))
}

/// Makes rows of what earlier commands have left of their crashes.
pub(crate) fn take_in_crashes(cx: &Context, state: &mut State) {
    refloat::crash::take_in(state).iter().for_each(|line| cx.say(line));
}

/// The turn as the state file has it now.
pub(crate) fn reread(state: &State, turn: &Turn) -> Result<Turn> {
    let id = turn.id;
    state
        .read("look at the turn", |view| turn::by_id(view, id))?
        .ok_or_else(|| Failure::not_found(format!("turn {id} is gone")))
}

/// A turn that did not end well says so in a line, and where the agent's own words are.
pub(crate) fn say_failure(cx: &Context, finished: &Finished) {
    let (ended, dir) = (&finished.ended, finished.ended.log_dir.as_deref());
    let (Some(turn), Some(dir), false) = (ended.turn, dir, finished.exit == Exit::Done) else { return };
    let message = ended.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    cx.say(format_args!("{turn} of {} ended {} ({}){message}", ended.agent, ended.outcome, ended.cause));
    match ended.retry_at {
        Some(at) => cx.hint(&format!("next try {at}; what the agent wrote to stderr: {dir}/stderr.log")),
        None => cx.hint(&format!("what the agent wrote to stderr: {dir}/stderr.log")),
    }
}
