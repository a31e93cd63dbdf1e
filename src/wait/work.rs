//! Waiting for what is recorded of a run or a turn, on the bell. What nobody will record any more is told too: a turn
//! whose supervisor and shim were killed has no end until the next command finishes it.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::bell::Bell;
use super::recall::{Missing, Recall};
use super::{Condition, Look, Subject};
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::id::{RunId, TurnId};
use crate::judge::seen::{RunSeen, Seen};
use crate::lock::{self, TurnLock};
use crate::model::{Awaited, Reason, Run, Turn, WaitEnd, WokenBy};
use crate::state::{Place, View, run, turn};

/// What is awaited of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkAwaited {
    /// The end of the run.
    RunEnded,
    /// Another standing of the run: its state, what holds it, a new turn, an attempt used up.
    RunChanged,
    /// The outcome of the turn.
    TurnEnded,
}

/// A run or a turn. An agent's name means its newest run at the first look, and stays that run.
pub struct Work {
    awaited: WorkAwaited,
    name: String,
    place: Place,
    bell: Bell,
    recorded: Recall<Option<Found>>,
    first: Option<(RunId, RunSeen)>,
    known: Subject,
    /// The look before this one found nobody at an open turn.
    seemed_abandoned: bool,
}

/// A run, and its open turn or the one that is asked for.
#[derive(Clone)]
struct Found {
    run: Run,
    turn: Option<Turn>,
}

impl Work {
    /// A run by its id or its agent, or a turn by its id.
    #[must_use]
    pub fn of(awaited: WorkAwaited, name: &str, place: Place) -> Self {
        let (bell, known) = (Bell::new(&place), Subject::named(name));
        let (name, recorded) = (name.to_owned(), Recall::default());
        Self { awaited, name, place, bell, recorded, first: None, known, seemed_abandoned: false }
    }

    fn find(&self, view: &View<'_>) -> Result<Option<Found>> {
        if self.awaited == WorkAwaited::TurnEnded {
            let Some(turn) = self.name.parse::<TurnId>().ok().map(|id| turn::by_id(view, id)).transpose()?.flatten()
            else {
                return Ok(None);
            };
            return Ok(run::by_id(view, turn.run)?.map(|run| Found { run, turn: Some(turn) }));
        }
        let run = match (&self.first, self.name.parse::<RunId>()) {
            (Some((id, _)), _) => run::by_id(view, *id)?,
            (None, Ok(id)) => run::by_id(view, id)?,
            (None, Err(_)) => run::latest_of(view, &self.name)?,
        };
        let Some(run) = run else { return Ok(None) };
        let turn = turn::open_of(view, &run.agent)?.filter(|turn| turn.run == run.id);
        Ok(Some(Found { run, turn }))
    }

    fn recorded(&mut self, found: &Found) -> Seen {
        let now = RunSeen::from(&found.run);
        let first = &self.first.get_or_insert_with(|| (found.run.id, now.clone())).1;
        match self.awaited {
            WorkAwaited::RunEnded => now.ended(),
            WorkAwaited::RunChanged => now.changed(first),
            WorkAwaited::TurnEnded => match found.turn.as_ref().is_some_and(|turn| turn.outcome.is_some()) {
                true => Seen::Met(Reason::EndRecorded),
                false => Seen::NotYet(Reason::NoEndRecorded),
            },
        }
    }

    /// Whether nobody is left who would record an outcome: neither of the two who hold the lock while a turn lives.
    /// Between one finisher's death and the next command's birth nobody is there for a moment.
    fn abandoned(&mut self, turn: Option<&Turn>, recorded: Seen) -> Result<Seen> {
        let open = turn.filter(|turn| turn.outcome.is_none() && matches!(recorded, Seen::NotYet(_)));
        let seems = match open {
            Some(turn) => {
                let held = TurnLock::is_held(&self.place, &turn.agent)?;
                !held && !lock::is_supervised(&self.place, &turn.agent)?
            }
            None => false,
        };
        let twice = std::mem::replace(&mut self.seemed_abandoned, seems);
        Ok(match (seems, twice) {
            (true, true) => Seen::Never(Reason::Abandoned),
            (true, false) => Seen::Again(Reason::Abandoned),
            (false, _) => recorded,
        })
    }

    fn missing(&self) -> Failure {
        let what = match self.awaited {
            WorkAwaited::TurnEnded => format!("no turn {}", self.name),
            _ => format!("no run or agent '{}'", self.name),
        };
        Failure::not_found(what).hint("see: turn list")
    }
}

impl Condition for Work {
    fn awaited(&self) -> Awaited {
        match self.awaited {
            WorkAwaited::RunEnded => Awaited::RunEnded,
            WorkAwaited::RunChanged => Awaited::RunChanged,
            WorkAwaited::TurnEnded => Awaited::TurnEnded,
        }
    }

    fn subject(&self) -> Subject {
        self.known.clone()
    }

    fn watch(&mut self) {
        self.bell.arm();
    }

    fn look(&mut self, _within: Duration) -> Result<Look> {
        // One that was there and is not is on its way back.
        let missing = if self.first.is_some() { Missing::MayCome } else { Missing::IsAnError };
        let mut recorded = std::mem::take(&mut self.recorded);
        let found = recorded.read((&self.place, missing), "look at it", |view| self.find(view))?;
        self.recorded = recorded;
        let found = match found {
            Ok(found) => found.ok_or_else(|| self.missing())?,
            Err(not_now) => return Ok(not_now),
        };
        self.known.agent = Some(found.run.agent.clone());
        self.known.run = Some(found.run.id);
        self.known.turn = found.turn.as_ref().map(|turn| turn.id);
        self.known.state = Some(found.run.state);
        let recorded = self.recorded(&found);
        self.abandoned(found.turn.as_ref(), recorded).map(Look::from)
    }

    fn notices(&self) -> Vec<(BorrowedFd<'_>, WokenBy)> {
        self.bell.notice().into_iter().collect()
    }

    fn is_noticed(&mut self) -> Result<bool> {
        self.bell.take().map(|()| true)
    }

    fn is_deaf(&self) -> bool {
        self.bell.is_deaf()
    }

    fn failure(&self, end: WaitEnd, reason: Reason) -> Failure {
        let turn = self.known.turn.map_or_else(|| self.name.clone(), |turn| turn.to_string());
        match (end, self.awaited) {
            (WaitEnd::Unknown, _) => {
                Failure::new(Exit::Unknown, format!("nobody works on turn {turn} or watches it, and it has no outcome"))
                    .hint(format!("what has become of it: turn attach {turn}"))
            }
            (_, WorkAwaited::TurnEnded) => Failure::busy(format!("turn {} has not ended", self.name)),
            (_, WorkAwaited::RunEnded) => Failure::busy(format!("run {} has not ended: {reason}", self.name)),
            (_, WorkAwaited::RunChanged) => Failure::busy(format!("run {} has not changed", self.name)),
        }
    }
}
