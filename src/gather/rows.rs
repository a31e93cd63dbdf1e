//! The rows of runs, all of one moment: read in one transaction. It looks at nothing else, and a row that cannot be read
//! costs no other run its answer.

use std::sync::{Arc, LazyLock};

use crate::clock::Stamp;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::finish::{open_of_turn, open_of_worker};
use crate::id::{RunId, TurnId};
use crate::judge::outcome::Open;
use crate::judge::situation::Prior;
use crate::model::{Crash, DeadLetter, Description, FoundMark, Look, Mail, Owed, Retry, Run, Turn, Worker, mark_label};
use crate::owed;
use crate::prospect;
use crate::runtime::builtin;
use crate::state::turn::Descriptions;
use crate::state::{Place, State, View, crash, dead_letter, expectation, mail, mark, retry, run, turn, worker};

/// A run of which a row cannot be read.
#[derive(Debug)]
pub struct Unread {
    /// The run.
    pub run: RunId,
    /// Whose run it is.
    pub agent: String,
    /// Why it cannot be read.
    pub failure: Failure,
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}: {:#}", self.run, self.agent, self.failure.cause)
    }
}

/// What is recorded of one run.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The run.
    pub run: Run,
    /// It is its agent's newest: the agent's locks are its own.
    pub(super) newest: bool,
    /// Its newest turn.
    pub(super) turn: Option<Turn>,
    /// Why what is recorded of its work cannot be read.
    pub(super) unreadable: Option<String>,
    /// The worker that stands for it.
    pub(super) worker: Option<Worker>,
    /// What it owes; of mail also whether it was sent.
    pub(super) owed: Vec<(Owed, Option<Look>)>,
    pub(super) open: Open,
    pub(super) questions: Vec<Mail>,
    pub(super) retry: Option<Retry>,
    /// The words that take it up.
    pub(super) next: Vec<String>,
    /// What the retry that led to the newest turn passes on.
    pub(super) prior: Option<Prior>,
    /// When the attempt that its newest work belongs to began.
    pub began: Option<Stamp>,
    pub(super) dead_letters: Vec<DeadLetter>,
    pub(super) crashes: Vec<Crash>,
    /// The marks that were set in it, and the holds of its agent where it is that one's newest.
    pub(super) marks: Vec<FoundMark>,
}

impl Rows {
    /// The turn and the attempt that what is seen of the run now bears on.
    #[must_use]
    pub fn attempt(&self) -> (Option<&Turn>, i64) {
        let turn = self.turn.as_ref().filter(|_| self.worker.is_none());
        (turn, turn.map_or(self.run.attempts + 1, |turn| turn.attempt))
    }
}

/// Reads what is recorded of these runs: by their own id, by that of one of their turns, or by their agent, whose newest
/// is meant.
///
/// # Errors
/// 66 for a run or an agent that is not known, and those of the state file.
pub fn read(state: &State, names: &[String]) -> Result<Vec<Rows>> {
    let mut descriptions = descriptions()?;
    state.read("look at runs", |view| {
        let runs = find(view, names)?;
        runs.into_iter().map(|(run, newest)| of(view, state.place(), (run, newest), &mut descriptions)).collect()
    })
}

/// Reads what is recorded of every open run; apart from those of which a row cannot be read.
///
/// # Errors
/// Those of the state file as a whole.
pub fn read_open(state: &State) -> Result<(Vec<Rows>, Vec<Unread>)> {
    let mut descriptions = descriptions()?;
    state.read("look at runs", |view| {
        let (mut read, mut unread) = (Vec::new(), Vec::new());
        for run in run::all_open(view)? {
            let (id, agent) = (run.id, run.agent.clone());
            match of(view, state.place(), (run, true), &mut descriptions) {
                Ok(rows) => read.push(rows),
                Err(failure) if failure.exit == Exit::Malformed => unread.push(Unread { run: id, agent, failure }),
                Err(failure) => return Err(failure),
            }
        }
        Ok((read, unread))
    })
}

/// Where a turn's own description cannot be read, another takes its place: nothing is read by it.
fn descriptions() -> Result<Descriptions> {
    static PLAIN: LazyLock<Option<Arc<Description>>> =
        LazyLock::new(|| builtin("plain").and_then(std::result::Result::ok).map(Arc::new));
    let plain = PLAIN.as_ref().ok_or_else(|| Failure::new(Exit::Bug, "there is no runtime plain"))?;
    Ok(Descriptions::or(Arc::clone(plain)))
}

fn find(view: &View<'_>, names: &[String]) -> Result<Vec<(Run, bool)>> {
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        let Some(run) = named(view, name)? else {
            return Err(Failure::not_found(format!("no run, turn or agent '{name}'")).hint("see: turn list"));
        };
        let newest = run::latest_of(view, &run.agent)?.is_some_and(|newest| newest.id == run.id);
        if found.iter().all(|(other, _): &(Run, bool)| other.id != run.id) {
            found.push((run, newest));
        }
    }
    Ok(found)
}

fn named(view: &View<'_>, name: &str) -> Result<Option<Run>> {
    if let Ok(id) = name.parse::<RunId>() {
        return run::by_id(view, id);
    }
    match name.parse::<TurnId>() {
        Ok(id) => turn::by_id(view, id)?.map_or(Ok(None), |turn| run::by_id(view, turn.run)),
        Err(_) => run::latest_of(view, name),
    }
}

fn of(view: &View<'_>, place: &Place, (run, newest): (Run, bool), descriptions: &mut Descriptions) -> Result<Rows> {
    let id = run.id;
    let worker = worker::standing_for(view, id)?;
    let (turn, unreadable) = match turn::newest_of_run(view, id, descriptions)? {
        Some((turn, unreadable)) => (Some(turn), unreadable),
        None => (None, None),
    };
    let open = match (&worker, &turn) {
        (Some(_), _) => open_of_worker(view, &run)?.0,
        // The word that it waits counts while it does.
        (_, Some(turn)) if turn.outcome.is_some() && !run.state.is_waiting() => {
            Open { yielded: false, ..open_of_turn(view, &run, turn)?.0 }
        }
        (_, Some(turn)) => open_of_turn(view, &run, turn)?.0,
        _ => Open::default(),
    };
    let prior = match &turn {
        Some(turn) if turn.outcome.is_none() => retry::taken_by(view, turn.id)?.as_ref().map(Prior::of),
        _ => None,
    };
    let retry = retry::open_of(view, id)?;
    let next = match &retry {
        // Of a turn whose description cannot be read the words cannot be said.
        Some(_) if unreadable.is_none() => prospect::next(view, place, &run)?.1,
        _ => Vec::new(),
    };
    let with_mail = |owed: Owed| Ok((owed::mail_in(view, id, &owed)?, owed));
    let owed = expectation::of_run(view, id)?.into_iter().map(with_mail).collect::<Result<Vec<_>>>()?;
    let began = match (&worker, &turn) {
        (Some(worker), _) => Some(worker.adopted.at),
        (None, Some(turn)) => turn::attempt_began(view, id, turn.attempt)?,
        (None, None) => Some(run.opened_at),
    };
    Ok(Rows {
        newest,
        began,
        turn,
        unreadable,
        worker,
        owed: owed.into_iter().map(|(look, owed)| (owed, look)).collect(),
        open,
        questions: mail::open_questions(view, id)?,
        retry,
        next,
        prior,
        dead_letters: dead_letter::of_run(view, id)?,
        crashes: crash::of_run(view, id)?,
        marks: marks_of(view, &run, newest)?,
        run,
    })
}

fn marks_of(view: &View<'_>, run: &Run, newest: bool) -> Result<Vec<FoundMark>> {
    let mut marks = mark::of_run(view, run.id)?;
    let holds = if newest { mark::holds(view, &run.agent)? } else { Vec::new() };
    let held = |hold: &FoundMark| marks.iter().any(|mark| mark_label(mark).id == mark_label(hold).id);
    let others: Vec<_> = holds.into_iter().filter(|hold| !held(hold)).collect();
    marks.extend(others);
    Ok(marks)
}
