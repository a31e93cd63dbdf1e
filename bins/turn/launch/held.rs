//! Who is held back starts no turn: by its run's provider, or by a mark. Looked at before a prompt is waited for, and again
//! under the lock; `--now` goes ahead.

use refloat::clock::Stamp;
use refloat::error::{Failure, Result};
use refloat::judge::mark::Holding;
use refloat::judge::sequel::held_until;
use refloat::model::{FoundMark, MarkState};
use refloat::sight::marks::holding;
use refloat::state::{Place, State, mark, run};

use super::begin::may_go_on;
use super::plan::Plan;

/// Before a prompt is waited for. Of nothing else is anything decided without the lock: it may end while this turn waits.
pub(crate) fn refuse_held(place: &Place, plan: &Plan<'_>) -> Result<()> {
    let args = plan.args;
    let look = |state: State| {
        state.read("look at the agent", |view| Ok((run::open_of(view, &args.agent)?, mark::holds(view, &args.agent)?)))
    };
    // What cannot be read now is told by the command itself.
    let Ok((open, holds)) = State::open_for_reading(place).and_then(look) else { return Ok(()) };
    let now = Stamp::now();
    let meant = open.filter(|open| args.run.is_none_or(|wanted| wanted == open.id));
    let held = meant.filter(|open| held_until(open, now).is_some());
    held.map_or(Ok(()), |open| may_go_on(args, &open, now))?;
    refuse_marked(plan, &holds)
}

/// Of the holds that are there for the agent, one for the folder that it would work in refuses the turn.
pub(super) fn refuse_marked(plan: &Plan<'_>, holds: &[FoundMark]) -> Result<()> {
    match holding(holds, &plan.cwd) {
        Some(holding) if !plan.args.now => Err(held_back(&plan.args.agent, &holding)),
        _ => Ok(()),
    }
}

fn held_back(agent: &str, Holding { mark, standing }: &Holding) -> Failure {
    let mark = match mark {
        Ok(mark) => mark,
        Err(unread) => {
            return Failure::busy(format!("agent {agent} may be held back: {unread}"))
                .hint(format!("go ahead with --now, or end it: mark clear {}", unread.id));
        }
    };
    let is = match standing.state {
        MarkState::Unknown => format!("may be held back ({})", standing.reason),
        _ => "is held back".to_owned(),
    };
    let owner = mark.owner.as_ref().map(|owner| format!(" for process {}", owner.pid)).unwrap_or_default();
    let until = standing.ends_at.map(|until| format!(", until {until}")).unwrap_or_default();
    let (id, name, by) = (mark.id, &mark.name, &mark.set_by);
    Failure::busy(format!("agent {agent} {is} by {id} (hold {name}): {by} set it{owner}{until}"))
        .hint(format!("wait for its end, go ahead with --now, or end it: mark clear {id}"))
}
