//! The two locks of an agent, held while the state of a run of it is changed: nobody begins, watches or finishes a turn then.

use std::time::Duration;

use refloat::error::{Failure, Result};
use refloat::lock::{SupervisorLock, TurnLock};
use refloat::state::{State, turn};

/// Who changes a run as well does so in milliseconds; who runs a turn is not waited for.
const WAIT: Duration = Duration::from_secs(10);

/// Both locks, in their order.
pub(crate) struct Hold {
    _turn: TurnLock,
    _supervisor: SupervisorLock,
}

impl Hold {
    /// Takes them. 75 where somebody has them for longer: at once, if a turn of the agent has no outcome yet.
    pub(crate) fn of(state: &State, agent: &str) -> Result<Self> {
        let open = state.read("look at the agent", |view| turn::open_of(view, agent))?;
        let wait = if open.is_some() { Duration::ZERO } else { WAIT };
        let busy = || {
            let what = open.as_ref().map(|turn| format!("{} has no outcome yet", turn.id));
            let what = what.unwrap_or_else(|| "somebody holds its locks".to_owned());
            let hint = open.as_ref().map(|turn| format!("wait for it, or: turn attach {}", turn.id));
            Failure::busy(format!("agent {agent} is busy: {what}"))
                .hint(hint.unwrap_or_else(|| format!("try again, or see: turn list --agent {agent}")))
        };
        let place = state.place();
        let turn = TurnLock::take(place, agent, wait)?.ok_or_else(busy)?;
        let supervisor = SupervisorLock::take(place, agent, wait)?.ok_or_else(busy)?;
        Ok(Self { _turn: turn, _supervisor: supervisor })
    }
}
