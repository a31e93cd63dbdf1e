//! Who calls, what the mark is for, and whose a mark is that is there already.

use std::path::{Path, PathBuf};

use refloat::error::{Failure, Result, is_missing};
use refloat::exit::Exit;
use refloat::id::{RunId, TurnId};
use refloat::identity::Identity;
use refloat::model::{HOLD, Mark};
use refloat::seam::{ancestry, place};
use refloat::state::{View, mark};
use refloat::token::{self, Bearer, OPERATOR};

use crate::args::Which;

/// The folder a mark is for.
pub(crate) fn scope(kind: &str, given: Option<&Path>) -> Result<PathBuf> {
    match given {
        Some(path) => folder(path),
        None if kind == HOLD => Ok(PathBuf::from("/")),
        None => here(),
    }
}

/// The work tree around this folder, else this folder.
pub(crate) fn here() -> Result<PathBuf> {
    folder(Path::new(".")).map(|here| place::work_tree(&here).to_owned())
}

/// A folder that was named.
pub(crate) fn folder(path: &Path) -> Result<PathBuf> {
    place::folder(path).map_err(|error| {
        let missing = is_missing(&error);
        let failure = Failure::io(format!("no folder {}", path.display()), error);
        if missing { failure.exit(Exit::NotFound) } else { failure }
    })
}

/// Who sets or clears a mark.
pub(crate) struct Caller {
    pub(crate) name: String,
    pub(crate) run: Option<RunId>,
    pub(crate) turn: Option<TurnId>,
    /// The agent's process, where one is known.
    pub(crate) process: Option<Identity>,
}

impl Caller {
    /// By the token in the environment; else the operator.
    pub(crate) fn of(view: &View<'_>) -> Result<Self> {
        let Some(token) = token::of_environment() else {
            return Ok(Self { name: OPERATOR.to_owned(), run: None, turn: None, process: None });
        };
        Ok(match token::bearer(view, &token)? {
            Bearer::Turn(turn) => {
                Self { name: turn.agent, run: Some(turn.run), turn: Some(turn.id), process: turn.child }
            }
            Bearer::Worker(worker) => {
                let (run, worker) = *worker;
                Self { name: run.agent, run: Some(run.id), turn: None, process: worker.process }
            }
        })
    }

    /// Whether a mark is this caller's, or nobody's: set in its turn, owned by nobody, or by a process that it descends from.
    pub(crate) fn may_touch(&self, mark: &Mark) -> bool {
        let same_work = mark.turn.is_some() && mark.turn == self.turn;
        same_work || mark.owner.as_ref().is_none_or(ancestry::descends_from)
    }
}

/// The mark that is meant, where one stands; one that has ended by its id.
pub(crate) fn find(view: &View<'_>, which: &Which, scope: Option<&Path>) -> Result<Option<Mark>> {
    match (which.id(), &which.name, scope) {
        (Some(id), ..) => {
            let missing = || Failure::not_found(format!("no mark {id}")).hint("see: mark list");
            mark::by_id(view, id)?.ok_or_else(missing).map(Some)
        }
        (None, Some(name), Some(scope)) => mark::named(view, &which.first, name, scope),
        _ => Err(Failure::usage(format!("'{}' is not the id of a mark; a kind wants a name after it", which.first))
            .hint("mark clear k5, or: mark clear dispatch builder-1")),
    }
}

/// The folder that is meant, where the mark is named by its kind.
pub(crate) fn scope_of(which: &Which) -> Result<Option<PathBuf>> {
    which.name.as_ref().map(|_| scope(&which.first, which.scope.as_deref())).transpose()
}

/// Refuses a claim that is not the one that was named.
pub(crate) fn same_claim(mark: &Mark, nonce: Option<&str>) -> Result<()> {
    match nonce {
        Some(nonce) if nonce != mark.nonce => {
            Err(Failure::refused(format!("{} is another claim: its nonce is not {nonce}", shown(mark))))
        }
        _ => Ok(()),
    }
}

/// A mark as errors name it.
pub(crate) fn shown(mark: &Mark) -> String {
    format!("{} ({} {})", mark.id, mark.kind, mark.name)
}

/// Who holds it, as errors say it.
pub(crate) fn holder(mark: &Mark) -> String {
    match &mark.owner {
        Some(owner) => format!("{} set it for process {}", mark.set_by, owner.pid),
        None => format!("{} set it", mark.set_by),
    }
}
