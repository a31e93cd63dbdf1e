//! Who calls: an agent inside its turn, by the token in its environment, or somebody outside, by a name.
//! The token is checked against the state file; a name that contradicts it is refused.

use refloat::error::{Failure, Result};
use refloat::id::RunId;
use refloat::model::Turn;
use refloat::state::{View, run, turn};

/// The token of the turn we are in. One that is not even text is a wrong token, not none.
pub(crate) fn token() -> Option<String> {
    let token = std::env::var_os("REFLOAT_TOKEN").filter(|token| !token.is_empty());
    token.map(|token| token.to_string_lossy().into_owned())
}

/// The turn that this token was given to, while it holds its run.
///
/// # Errors
/// 76 for a token that is unknown, ended or fenced.
pub(crate) fn turn_of(view: &View<'_>, token: &str) -> Result<Turn> {
    let Some(turn) = turn::by_token(view, token)? else {
        return Err(Failure::refused("the token of this turn is unknown here")
            .hint("REFLOAT_TOKEN and REFLOAT_STATE belong together; outside a turn unset both"));
    };
    if let Some(outcome) = turn.outcome {
        return Err(Failure::refused(format!("{} has ended ({outcome}): its token is no longer good", turn.id)));
    }
    let epoch = run::by_id(view, turn.run)?.map(|run| run.epoch);
    if epoch != Some(turn.epoch) {
        return Err(Failure::refused(format!("{} is fenced: another turn holds its run", turn.id)));
    }
    Ok(turn)
}

/// Who sends.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(crate) name: String,
    pub(crate) turn: Option<Turn>,
}

/// Nobody is named, and there is no turn to name it.
pub(crate) fn nobody_sends() -> Failure {
    Failure::usage("who sends it? --from is missing").hint("outside a turn: --from operator")
}

/// The sender, where `from` is what it calls itself.
pub(crate) fn sender(view: &View<'_>, from: Option<&str>, token: Option<&str>) -> Result<Sender> {
    let Some(token) = token else {
        let name = from.ok_or_else(nobody_sends)?.to_owned();
        return Ok(Sender { name, turn: None });
    };
    let turn = turn_of(view, token)?;
    if let Some(from) = from.filter(|from| *from != turn.agent) {
        return Err(Failure::refused(format!("{} cannot send as {from} from inside its turn", turn.agent)));
    }
    Ok(Sender { name: turn.agent.clone(), turn: Some(turn) })
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
    let turn = turn_of(view, token)?;
    if let Some(other) = agent.filter(|agent| *agent != turn.agent) {
        return Err(Failure::refused(format!("{} cannot take mail of {other} from inside its turn", turn.agent)));
    }
    Ok(Reader { agent: turn.agent, run: Some(turn.run) })
}
