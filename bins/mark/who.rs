//! Who calls, what the mark is for, and whose a mark is that is there already.

use std::path::{Path, PathBuf};

use refloat::cli::{mark_kind, mark_name, named_folder};
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::id::{MarkId, RunId, TurnId};
use refloat::identity::Identity;
use refloat::judge::mark::Hand;
use refloat::model::{FoundMark, HOLD, Mark, UnreadMark, mark_label};
use refloat::seam::{ancestry, place};
use refloat::state::{View, mark};
use refloat::token::{self, Bearer, OPERATOR};

use crate::args::Which;

/// The folder a mark is for.
pub(crate) fn scope(kind: &str, given: Option<&Path>) -> Result<PathBuf> {
    match given {
        Some(path) => named_folder(path),
        None if kind == HOLD => Ok(PathBuf::from("/")),
        None => here(),
    }
}

/// The work tree around this folder, else this folder.
pub(crate) fn here() -> Result<PathBuf> {
    named_folder(Path::new(".")).map(|here| place::work_tree(&here).to_owned())
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

    /// The same without its process.
    pub(crate) fn hand(&self) -> Hand<'_> {
        Hand { name: &self.name, run: self.run, turn: self.turn }
    }
}

/// The marks that are meant, and the claim on them.
pub(crate) struct Target<'a> {
    words: Words<'a>,
    nonce: Option<&'a str>,
}

enum Words<'a> {
    /// By their ids: whoever holds them.
    Ids(Vec<MarkId>),
    /// The one that stands under this name for this folder.
    Named { kind: &'a str, name: &'a str, scope: PathBuf },
}

impl<'a> Target<'a> {
    /// Read before anything is opened: a wrong command line does nothing.
    pub(crate) fn of(which: &'a Which) -> Result<Self> {
        let nonce = which.nonce.as_deref();
        let ids: Result<Vec<MarkId>, String> = which.words.iter().map(|word| word.parse()).collect();
        let words = match (ids, &which.words[..]) {
            (Ok(_), _) if which.scope.is_some() => return Err(Failure::usage("--scope goes with a kind and a name")),
            (Ok(ids), _) if ids.len() > 1 && nonce.is_some() => return Err(Failure::usage("--nonce is of one mark")),
            (Ok(ids), _) => Words::Ids(ids),
            (Err(_), [kind, name]) if kind.parse::<MarkId>().is_err() => {
                mark_kind(kind).and(mark_name(name)).map_err(Failure::usage)?;
                Words::Named { kind, name, scope: scope(kind, which.scope.as_deref())? }
            }
            (Err(why), _) => {
                return Err(Failure::usage(format!("{why}, and a kind has one name after it"))
                    .hint("by its id: k5; by its kind and name: dispatch builder-1"));
            }
        };
        Ok(Self { words, nonce })
    }

    /// Those of them that are there; ended ones by their ids alone.
    pub(crate) fn find(&self, view: &View<'_>) -> Result<Vec<FoundMark>> {
        match &self.words {
            Words::Ids(ids) => ids.iter().map(|id| by_id(view, *id)).collect(),
            Words::Named { kind, name, scope } => Ok(mark::named(view, kind, name, scope)?.into_iter().collect()),
        }
    }

    /// Where those of this name stand that are for other folders: whoever names one that is not here may mean them.
    pub(crate) fn elsewhere(&self, view: &View<'_>) -> Result<Option<String>> {
        let Words::Named { kind, name, scope } = &self.words else { return Ok(None) };
        let others = mark::of_kind(view, kind, Some(name), None)?;
        let ids: String = others.iter().map(|other| format!(" {}", mark_label(other).id)).collect();
        Ok((!ids.is_empty())
            .then(|| format!("no {kind} {name} stands for {}; for other folders: mark show{ids}", scope.display())))
    }

    /// What is said where none is there.
    pub(crate) fn missing(&self) -> Failure {
        let what = match &self.words {
            Words::Ids(_) => "no such mark".to_owned(),
            Words::Named { kind, name, scope } => format!("no {kind} {name} stands for {}", scope.display()),
        };
        Failure::not_found(what).hint("see: mark list")
    }

    /// Refuses a claim that is not the one that was named.
    pub(crate) fn expect_claim(&self, mark: &Mark) -> Result<()> {
        same_claim(mark, self.nonce)
    }

    /// Refuses a mark that cannot be read, unless it was named by its id and nothing else.
    pub(crate) fn expect_id_of(&self, unread: &UnreadMark) -> Result<()> {
        match (&self.words, self.nonce) {
            (Words::Ids(_), None) => Ok(()),
            _ => Err(unread.failure(Exit::Refused)),
        }
    }

    /// Refuses another's mark, unless it was named by its id or its nonce.
    pub(crate) fn expect_touchable(&self, mark: &Mark, caller: &Caller, verb: &str) -> Result<()> {
        if matches!(self.words, Words::Ids(_))
            || self.nonce.is_some()
            || caller.hand().may_touch(mark, ancestry::descends_from)
        {
            return Ok(());
        }
        Err(Failure::refused(format!("{} is not ours: {}", mark.label(), holder(mark)))
            .hint(format!("{verb} it all the same: mark {verb} {}", mark.id)))
    }
}

/// The mark with this id, ended or not.
pub(crate) fn by_id(view: &View<'_>, id: MarkId) -> Result<FoundMark> {
    mark::by_id(view, id)?.ok_or_else(|| Failure::not_found(format!("no mark {id}")).hint("see: mark list"))
}

/// Refuses one that cannot be read: whose it is and whether it holds, nobody knows.
pub(crate) fn readable(found: FoundMark) -> Result<Mark> {
    found.map_err(|unread| unread.failure(Exit::Refused))
}

/// Refuses a claim that is not the one that was named.
pub(crate) fn same_claim(mark: &Mark, nonce: Option<&str>) -> Result<()> {
    match nonce {
        Some(nonce) if nonce != mark.nonce => {
            Err(Failure::refused(format!("{} is another claim: its nonce is not {nonce}", mark.label())))
        }
        _ => Ok(()),
    }
}

/// Who holds it, as errors say it.
pub(crate) fn holder(mark: &Mark) -> String {
    match &mark.owner {
        Some(owner) => format!("{} set it for process {}", mark.set_by, owner.pid),
        None => format!("{} set it", mark.set_by),
    }
}
