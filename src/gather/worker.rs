//! An adopted worker's case: its process, its session, its server, its word of itself and the file it writes.
//! tmux is asked once for each socket, and what it alone says of a death is asked once more.

use super::Scene;
use super::files;
use super::rows::Rows;
use super::tell::Notes;
use super::turn::tell;
use crate::judge::finding::{self, Age};
use crate::judge::outcome::Ended;
use crate::judge::tmux::{Session, of_session};
use crate::judge::verdict::{Case, Work, WorkerCase};
use crate::model::{Instrument, Observed, Sight, SubjectKind, TmuxSession, Worker};
use crate::record::evidence::{BeatDetail, Role, RunDetail, RunSession};
use crate::seam::wait;
use crate::sight::{Looker, Parts, SECOND_LOOK, agreed};

/// A worker as it was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    parts: Parts,
    sight: Sight,
    looks: i64,
}

/// Looks at the workers of all runs that have one and have not ended; one second look serves all that want one.
pub(super) fn look_at_all(rows: &[Rows]) -> Vec<Option<Seen>> {
    let mut looker = Looker::default();
    let first = |parts: Parts| Seen { parts, sight: parts.sight, looks: 1 };
    let mut seen: Vec<Option<Seen>> =
        rows.iter().map(|rows| rows.worker.as_ref().map(|worker| first(looker.look_closely(worker)))).collect();
    let wants = |seen: &Option<Seen>| seen.is_some_and(|seen| seen.parts.wants_second_look());
    if seen.iter().any(wants) {
        wait::pause(SECOND_LOOK);
        let mut looker = Looker::default();
        for (rows, seen) in rows.iter().zip(&mut seen) {
            if let (Some(worker), Some(first)) =
                (&rows.worker, seen.as_mut().filter(|seen| seen.parts.wants_second_look()))
            {
                first.confirm(looker.look_closely(worker));
            }
        }
    }
    seen
}

/// One more look at the worker of a run; one that agrees with what was seen before is counted with it.
pub(super) fn look_again(rows: &Rows, before: &Case) -> Option<Seen> {
    let parts = Looker::default().look_closely(rows.worker.as_ref()?);
    let looks = match &before.work {
        Work::Worker(known) if known.sight == parts.sight => known.looks + 1,
        _ => 1,
    };
    Some(Seen { parts, sight: parts.sight, looks })
}

impl Seen {
    fn confirm(&mut self, again: Parts) {
        self.looks = 2;
        let gone = |parts: &Parts| parts.findings.process.is_some_and(|process| process.observed == Observed::Gone);
        match gone(&self.parts) && gone(&again) {
            // The kernel says it; what its server tells of its end comes later.
            true => (self.parts, self.sight) = (again, again.sight),
            false => self.sight = agreed(self.sight, again.sight),
        }
    }
}

pub(super) fn case(scene: &Scene<'_>, worker: &Worker, seen: &Seen, notes: &mut Notes<'_>) -> WorkerCase {
    let findings = &seen.parts.findings;
    if let (Some(process), Some(sight)) = (&worker.process, findings.process) {
        tell(Role::Worker, process, sight, notes);
    }
    if let (Some(tmux), Some(session)) = (&worker.tmux, findings.session) {
        tell_session(tmux, session, seen, notes);
    }
    let server = worker.tmux.as_ref().and_then(|tmux| tmux.found.as_ref()?.server.as_ref());
    if let (Some(server), Some(sight)) = (server, findings.server) {
        tell(Role::Server, server, sight, notes);
    }
    let (beat, progress) = pulse(scene, worker, notes);
    let log = worker.log.as_deref().and_then(|path| files::log(path, scene.now.at, notes));
    WorkerCase {
        sight: seen.sight,
        looks: seen.looks,
        exit: seen.parts.end.and_then(|end| end.signal.map(Ended::Signal).or(end.status.map(Ended::Code))),
        beat_ms: beat.millis(),
        skewed: beat == Age::Future,
        // A file that grows is work that goes on, whatever the worker says.
        progress_ms: [progress.millis(), log].into_iter().flatten().min(),
    }
}

fn pulse(scene: &Scene<'_>, worker: &Worker, notes: &mut Notes<'_>) -> (Age, Age) {
    let age = |moment: &Option<crate::clock::Moment>| match moment {
        None => Age::Never,
        Some(moment) => Age::of(moment.age_ms(&scene.now)),
    };
    let (pulse, beat, progress) = (&worker.pulse, age(&worker.pulse.beat), age(&worker.pulse.progress));
    let detail = BeatDetail {
        beats: pulse.beats,
        beat_at: pulse.beat.as_ref().map(|beat| beat.at),
        progress_at: pulse.progress.as_ref().map(|progress| progress.at),
        progress_ms: progress.millis(),
        progress: pulse.progress_text.clone(),
    };
    let finding = finding::of_beat(beat);
    notes.add_aged(SubjectKind::Run, worker.run, Instrument::Beat, finding, RunDetail::Beat(detail), beat.millis());
    (beat, progress)
}

fn tell_session(tmux: &TmuxSession, session: Session, seen: &Seen, notes: &mut Notes<'_>) {
    let found = tmux.found.as_ref();
    let detail = RunSession {
        asked: tmux.asked.clone(),
        socket: tmux.socket.clone(),
        session: found.map(|found| found.session.clone()),
        pane: found.map(|found| found.pane.clone()),
        looks: seen.looks,
        exit_code: seen.parts.end.and_then(|end| end.status),
        signal: seen.parts.end.and_then(|end| end.signal),
    };
    let name = found.map_or(&tmux.asked, |found| &found.name);
    let finding = of_session(session, seen.parts.findings.server, seen.looks);
    notes.add(SubjectKind::Session, name, Instrument::Tmux, finding, RunDetail::Session(detail));
}
