//! Everything that bears on what is true of a run, in one go: its rows, read in one transaction, and the world beside
//! them. Out come its case for `judge` and the pieces of evidence, recorded and observed apart.
//! Called by `probe run` and by whoever decides about a run. It writes nothing, ends nothing and waits for no lock.

mod files;
mod keep;
mod ledgers;
mod rows;
mod silence;
mod tell;
mod turn;
mod worker;

pub use keep::keep;
pub use rows::{Rows, Which, read};

use crate::clock::{Moment, Stamp};
use crate::id::TurnId;
use crate::judge::truth;
use crate::judge::verdict::{Case, Work};
use crate::model::{Outcome, Run, SubjectKind, Turn};
use crate::record::Evidence;
use crate::record::evidence::{Here, RunDetail, RunRow};
use crate::seam::process;
use crate::state::Place;

use crate::judge::finding;
use crate::model::Instrument;
use tell::Notes;

/// What was gathered of one run.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// The run, as it is recorded.
    pub run: Run,
    /// Its newest turn.
    pub turn: Option<TurnId>,
    /// The words of its next turn.
    pub again: Vec<String>,
    /// Its case.
    pub case: Case,
    /// What the case rests on.
    pub evidence: Vec<Evidence>,
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
    rows.into_iter().zip(looks).map(|(rows, seen)| of_run(&scene, rows, seen.as_ref())).collect()
}

/// Looks again at one run, under its supervisor lock: the caller's own hold is nobody's watch. What was seen of a worker
/// before counts as a look, where it is seen again.
#[must_use]
pub fn once_more(place: &Place, rows: Rows, before: &Case) -> Gathered {
    let scene = Scene::now(place, Watching::Ourselves);
    let seen = worker::look_again(&rows, before);
    of_run(&scene, rows, seen.as_ref())
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

fn of_run(scene: &Scene<'_>, rows: Rows, seen: Option<&worker::Seen>) -> Gathered {
    let (turn, attempt) = rows.attempt();
    let mut notes = Notes::new(&scene.here, rows.run.id, turn.map(|turn| turn.id), attempt);
    notes.add(SubjectKind::Run, rows.run.id, Instrument::Rows, finding::of_state(rows.run.state), recorded(&rows));
    let (owed, fulfilled) = files::owed(&rows);
    let work = match (&rows.worker, turn, seen) {
        (Some(worker), _, Some(seen)) => Work::Worker(worker::case(scene, worker, seen, &mut notes)),
        (_, Some(turn), _) => Work::Turn(Box::new(turn::case(scene, &rows, turn, &mut notes))),
        _ => Work::None,
    };
    files::tell(&owed, &fulfilled, &mut notes);
    ledgers::tell(&rows, scene.now.at, &mut notes);
    let case = Case {
        standing: rows.run.standing(),
        outcome: turn.and_then(|turn| turn.outcome).or_else(|| told_outcome(&rows)),
        since_change_ms: age(rows.run.changed_at, scene.now.at),
        attempt,
        attempt_ms: rows.began.and_then(|began| age(began, scene.now.at)),
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
    let again = again(&rows, turn);
    Gathered { turn: turn.map(|turn| turn.id), again, case, evidence: notes.done(), run: rows.run }
}

/// `turn run`, as the run's newest turn was begun; with a runtime its prompt is what waits for it, or a word to go on.
fn again(rows: &Rows, turn: Option<&Turn>) -> Vec<String> {
    if !rows.next.is_empty() {
        return rows.next.clone();
    }
    let begin = ["turn", "run", "--agent", &rows.run.agent].map(str::to_owned);
    let words = |more: &[&str]| begin.iter().cloned().chain(more.iter().map(|word| (*word).to_owned())).collect();
    match (turn, rows.run.runtime.as_deref()) {
        (Some(turn), None | Some("plain")) if !turn.command_lossy => {
            begin.into_iter().chain(["--".to_owned()]).chain(turn.command.iter().cloned()).collect()
        }
        (Some(_), Some(runtime)) if rows.open.unread > 0 => words(&["--runtime", runtime, "--mail"]),
        (Some(_), Some(runtime)) => words(&["--runtime", runtime, "--prompt", "go on"]),
        _ => words(&["--", "COMMAND"]),
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
