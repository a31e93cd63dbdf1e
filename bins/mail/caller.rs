//! Who calls: an agent inside its turn, by the token in its environment, or somebody outside, by a name.
//! The token is checked against the state file; a name that contradicts it is refused.

use refloat::error::{Failure, Result};
use refloat::id::{RunId, TurnId};
use refloat::state::{View, run};
use refloat::token::{self, Bearer};

/// An agent at its work: its name, its turn, where there is one, and its run.
type Worker = (String, Option<TurnId>, RunId);

/// Whom this token speaks for.
///
/// # Errors
/// 76 for a token that is unknown, ended or fenced.
pub(crate) fn worker(view: &View<'_>, token: &str) -> Result<Worker> {
    Ok(match token::bearer(view, token)? {
        Bearer::Turn(turn) => (turn.agent, Some(turn.id), turn.run),
        Bearer::Worker(worker) => (worker.0.agent, None, worker.0.id),
    })
}

/// Who sends.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(crate) name: String,
    /// The turn, where there is one, and the run.
    pub(crate) from: Option<(Option<TurnId>, RunId)>,
}

/// Nobody is named, and there is no turn to name it.
pub(crate) fn nobody_sends() -> Failure {
    Failure::usage("who sends it? --from is missing").hint("outside a turn: --from operator")
}

/// The sender, where `from` is what it calls itself.
pub(crate) fn sender(view: &View<'_>, from: Option<&str>, token: Option<&str>) -> Result<Sender> {
    let Some(token) = token else {
        let name = from.ok_or_else(nobody_sends)?.to_owned();
        return Ok(Sender { name, from: None });
    };
    let (name, turn, run) = worker(view, token)?;
    if let Some(from) = from.filter(|from| *from != name) {
        return Err(Failure::refused(format!("{name} cannot send as {from} from inside its turn")));
    }
    Ok(Sender { name, from: Some((turn, run)) })
}

/// Whose mail is taken, and for which run.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) agent: String,
    pub(crate) run: Option<RunId>,
}

/// Nobody is named, and there is no turn to name it.
pub(crate) fn nobody_reads() -> Failure {
    Failure::usage("whose mail? --agent is missing").hint("inside a turn it is the turn's agent")
}

/// The reader, where `agent` is the name it was given.
pub(crate) fn reader(view: &View<'_>, agent: Option<&str>, token: Option<&str>) -> Result<Reader> {
    let Some(token) = token else {
        let agent = agent.ok_or_else(nobody_reads)?.to_owned();
        let run = run::open_of(view, &agent)?.map(|run| run.id);
        return Ok(Reader { agent, run });
    };
    let (name, _, run) = worker(view, token)?;
    if let Some(other) = agent.filter(|agent| *agent != name) {
        return Err(Failure::refused(format!("{name} cannot take mail of {other} from inside its turn")));
    }
    Ok(Reader { agent: name, run: Some(run) })
}
