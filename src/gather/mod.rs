//! Everything that bears on what is true of a run, in one go: its rows, read in one transaction, and the world beside
//! them. Out come its case for `judge` and the pieces of evidence, recorded and observed apart.
//! Called by `probe run` and by whoever decides about a run. It writes nothing, ends nothing and waits for no lock.

mod files;
mod keep;
mod ledgers;
mod marks;
mod rows;
mod silence;
mod tell;
mod turn;
mod worker;

pub use keep::keep;
pub use rows::{Rows, Unread, read, read_open};

use crate::clock::{Moment, Stamp};
use crate::finish::remains::{self, Holders};
use crate::id::TurnId;
use crate::judge::judgement::next_command;
use crate::judge::truth;
use crate::judge::verdict::{Case, Held, Left, TurnCase, Verdict, Work};
use crate::model::{Observed, Outcome, Run, SubjectKind, Turn};
use crate::prospect;
use crate::record::Evidence;
use crate::record::evidence::{Here, RunDetail, RunRow};
use crate::seam::{process, survivors};
use crate::state::Place;

use crate::judge::finding;
use crate::model::Instrument;
use tell::Notes;
use turn::First;

/// What was gathered of one run.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// The run, as it is recorded.
    pub run: Run,
    /// Its newest turn.
    pub turn: Option<TurnId>,
    /// The words of its next turn.
    pub again: Vec<String>,
    /// The words that show what mark keeps its agent from that, if one does.
    pub held: Option<Vec<String>>,
    /// Its case.
    pub case: Case,
    /// What the case rests on.
    pub evidence: Vec<Evidence>,
}

impl Gathered {
    /// The next command for a person, on this state file.
    #[must_use]
    pub fn next_command(&self, place: &Place, verdict: &Verdict) -> Vec<String> {
        let again = self.held.as_ref().unwrap_or(&self.again);
        place.addressed(next_command(verdict, self.run.state, (self.run.id, &self.run.agent), again))
    }
}

/// Where and when it is gathered.
struct Scene<'p> {
    place: &'p Place,
    here: Here,
    now: Moment,
    watching: Watching,
}

/// Looks at the world for these runs. Each tmux server is asked once for all of them, and once more where its word
/// alone says that somebody is gone.
#[must_use]
pub fn gather(place: &Place, rows: Vec<Rows>) -> Vec<Gathered> {
    let scene = Scene::now(place, Watching::Others);
    let looks = worker::look_at_all(&rows);
    let begun: Vec<Begun<'_>> = rows.into_iter().zip(looks).map(|(rows, seen)| Begun::of(&scene, rows, seen)).collect();
    let found = search(&begun, Holders::Anybody);
    begun.into_iter().zip(found).map(|(begun, found)| begun.done(&scene, found)).collect()
}

/// Looks again at one run, under its supervisor lock: the caller's own hold is nobody's watch. What was seen of a worker
/// before counts as a look, where it is seen again; who was found to hold no token of a turn, will hold none of it.
#[must_use]
pub fn once_more(place: &Place, rows: Rows, before: &Gathered) -> Gathered {
    let scene = Scene::now(place, Watching::Ourselves);
    let seen = worker::look_again(&rows, &before.case);
    let begun = Begun::of(&scene, rows, seen);
    let holders =
        if begun.rows.turn.as_ref().map(|turn| turn.id) == before.turn { before.holders() } else { Holders::Anybody };
    let found = search(std::slice::from_ref(&begun), holders).pop().flatten();
    begun.done(&scene, found)
}

impl Gathered {
    /// Who may still hold the token of its turn.
    #[must_use]
    pub fn holders(&self) -> Holders {
        match &self.case.work {
            Work::Turn(turn) if turn.left == Left::Nothing && is_gone(turn) => Holders::Nobody,
            _ => Holders::Anybody,
        }
    }
}

/// Whoever could still start something of a turn is gone for certain.
fn is_gone(turn: &TurnCase) -> bool {
    turn.turn_lock == Held::No && turn.shim.unwrap_or(turn.supervisor).observed == Observed::Gone
}

/// Who holds the supervisor lock, if it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watching {
    /// Whoever supervises.
    Others,
    /// The caller.
    Ourselves,
}

impl<'p> Scene<'p> {
    fn now(place: &'p Place, watching: Watching) -> Self {
        let me = process::me();
        Self { place, here: Here::from(&me), now: Moment::now(&me), watching }
    }
}

/// A run that is half looked at: what its tree may have left is looked for once for all.
struct Begun<'s> {
    rows: Rows,
    notes: Notes<'s>,
    seen: Option<worker::Seen>,
    first: Option<First>,
}

/// What is left of those turns that want a search; each place has its own.
fn search(begun: &[Begun<'_>], holders: Holders) -> Vec<Option<survivors::Left>> {
    let wanted: Vec<Option<&Turn>> = begun.iter().map(Begun::searched).collect();
    let turns: Vec<(&Turn, Holders)> = wanted.iter().flatten().map(|turn| (*turn, holders)).collect();
    let mut found = remains::of_all(&turns).into_iter();
    wanted.into_iter().map(|turn| turn.and_then(|_| found.next())).collect()
}

impl<'s> Begun<'s> {
    fn of(scene: &'s Scene<'_>, rows: Rows, seen: Option<worker::Seen>) -> Self {
        let (turn, attempt) = rows.attempt();
        let mut notes = Notes::new(&scene.here, rows.run.id, turn.map(|turn| turn.id), attempt);
        notes.add(SubjectKind::Run, rows.run.id, Instrument::Rows, finding::of_state(rows.run.state), recorded(&rows));
        let first = turn.map(|turn| First::look(scene, &rows, turn, &mut notes));
        Self { rows, notes, seen, first }
    }

    fn searched(&self) -> Option<&Turn> {
        let (turn, first) = (self.rows.attempt().0?, self.first.as_ref()?);
        first.wants_search(&self.rows, turn).then_some(turn)
    }

    fn done(self, scene: &Scene<'_>, found: Option<survivors::Left>) -> Gathered {
        let Self { rows, mut notes, seen, first } = self;
        let (turn, attempt) = rows.attempt();
        let (owed, fulfilled) = files::owed(&rows);
        let work = match (&rows.worker, turn.zip(first), &seen) {
            (Some(worker), _, Some(seen)) => Work::Worker(worker::case(scene, worker, seen, &mut notes)),
            (_, Some((turn, first)), _) => {
                Work::Turn(Box::new(turn::case(scene, &rows, turn, first, found, &mut notes)))
            }
            _ => Work::None,
        };
        files::tell(&owed, &fulfilled, &mut notes);
        ledgers::tell(&rows, scene.now.at, &mut notes);
        let case = Case {
            standing: rows.run.standing(),
            outcome: turn.and_then(|turn| turn.outcome).or_else(|| told_outcome(&rows)),
            since_change_ms: age(rows.run.changed_at, scene.now.at),
            attempt,
            attempt_began: rows.began.filter(|began| *began <= scene.now.at),
            attempts: rows.run.attempts,
            max_attempts: rows.run.max_attempts,
            has_parent: rows.run.parent.is_some(),
            work,
            owed: fulfilled,
            conflicts: truth::conflicts(&owed),
            open: rows.open,
            question_until: rows.questions.iter().filter_map(|question| question.expires_at).max(),
            retry_due: rows.retry.as_ref().map(|retry| retry.due_at),
            reopened: rows.retry.as_ref().is_some_and(|retry| retry.class.is_none()),
            told: Vec::new(),
        };
        let held = marks::tell(scene.place, &rows, &mut notes);
        let again = again(scene.place, &rows, turn);
        Gathered { turn: turn.map(|turn| turn.id), again, held, case, evidence: notes.done(), run: rows.run }
    }
}

/// `turn run`, as the run's newest turn was begun; none of a run that had none of ours, or none that can be read.
fn again(place: &Place, rows: &Rows, turn: Option<&Turn>) -> Vec<String> {
    match turn.filter(|_| rows.unreadable.is_none()) {
        _ if !rows.next.is_empty() => rows.next.clone(),
        None => Vec::new(),
        Some(turn) if turn.outcome == Some(Outcome::Waiting) => {
            prospect::going_on(place, &rows.run, turn, rows.open.unread)
        }
        Some(turn) => prospect::once_more(place, &rows.run, turn),
    }
}

/// The outcome that is recorded of a worker's end.
fn told_outcome(rows: &Rows) -> Option<Outcome> {
    let ended = crate::finish::recorded_word(rows.worker.as_ref()?).ok().flatten()?;
    Some(ended.outcome)
}

fn recorded(rows: &Rows) -> RunDetail {
    let run = &rows.run;
    RunDetail::State(RunRow {
        state: run.state,
        hold: run.hold,
        held_until: run.held_until,
        capability: run.capability,
        attempts: run.attempts,
        max_attempts: run.max_attempts,
        outcome: rows.turn.as_ref().and_then(|turn| turn.outcome),
        adopted: rows.worker.is_some(),
        changed_at: run.changed_at,
    })
}

/// By the wall clock; none where it lies in the future.
fn age(of: Stamp, now: Stamp) -> Option<i64> {
    Some(now.millis() - of.millis()).filter(|age| *age >= 0)
}
