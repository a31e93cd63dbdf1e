//! An adopted worker's case: its process, its session, its server, its word of itself and the file it writes.
//! tmux is asked once for each socket, and once more for what it alone says of a death, or has not told yet of an end.

use super::Scene;
use super::files;
use super::rows::Rows;
use super::tell::Notes;
use super::turn::tell;
use crate::judge::finding::{self, Age};
use crate::judge::outcome::Ended;
use crate::judge::tmux::{Session, of_session};
use crate::judge::verdict::{Case, Work, WorkerCase};
use crate::model::{Instrument, Observed, Reason, Sight, SubjectKind, TmuxSession, Worker};
use crate::record::evidence::{BeatDetail, Role, RunDetail, RunSession};
use crate::seam::wait;
use crate::sight::{End, Looker, Parts, SECOND_LOOK, agreed};

/// A worker as it was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    parts: Parts,
    sight: Sight,
    looks: i64,
    /// How it ended, as an earlier look was told.
    exit: Option<Ended>,
}

/// Looks at the workers of all runs that have one and have not ended; one second look serves all that want one.
pub(super) fn look_at_all(rows: &[Rows]) -> Vec<Option<Seen>> {
    let mut looker = Looker::default();
    let mut seen: Vec<Option<Seen>> =
        rows.iter().map(|rows| rows.worker.as_ref().map(|worker| Seen::first(looker.look_closely(worker)))).collect();
    if seen.iter().flatten().any(Seen::wants_second_look) {
        wait::pause(SECOND_LOOK);
        let mut looker = Looker::default();
        for (rows, seen) in rows.iter().zip(&mut seen) {
            if let (Some(worker), Some(first)) = (&rows.worker, seen.as_mut().filter(|seen| seen.wants_second_look())) {
                first.confirm(looker.look_closely(worker));
            }
        }
    }
    seen
}

/// One more look at the worker of a run; one that agrees with what was seen before is counted with it, and what that was
/// told of an end is still so.
pub(super) fn look_again(rows: &Rows, before: &Case) -> Option<Seen> {
    let worker = rows.worker.as_ref()?;
    let mut seen = Seen::first(Looker::default().look_closely(worker));
    if let Work::Worker(known) = &before.work {
        seen.looks += if known.sight == seen.sight { known.looks } else { 0 };
        seen.exit = known.exit.filter(|_| seen.sight.observed == Observed::Gone);
    }
    if seen.exit.is_none() && seen.parts.has_end_to_come() {
        wait::pause(SECOND_LOOK);
        seen.learn(Looker::default().look_closely(worker).end);
    }
    Some(seen)
}

impl Seen {
    const fn first(parts: Parts) -> Self {
        Self { parts, sight: parts.sight, looks: 1, exit: None }
    }

    fn wants_second_look(&self) -> bool {
        self.parts.is_gone_by_tmux_alone() || self.parts.has_end_to_come()
    }

    /// What tmux alone says has to be said twice; the kernel's word needs no second one.
    fn confirm(&mut self, again: Parts) {
        if self.parts.is_gone_by_tmux_alone() {
            self.looks = 2;
            self.sight = agreed(self.sight, again.sight);
        }
        self.learn(again.end);
    }

    /// How it ended, by a later look. Who does not answer may know that the work was finished: nobody has crashed before
    /// that is told, or its server is gone.
    fn learn(&mut self, end: End) {
        if self.parts.end.told().is_none() {
            self.parts.end = end;
        }
        if self.parts.has_end_to_come() && self.parts.end == End::Unanswered {
            self.sight = Sight::unknown(Reason::Timeout);
        }
    }

    fn exit(&self) -> Option<Ended> {
        let told = self.parts.end.told();
        told.and_then(|end| end.signal.map(Ended::Signal).or(end.status.map(Ended::Code))).or(self.exit)
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
        exit: seen.exit(),
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
        exit_code: seen.parts.end.told().and_then(|end| end.status),
        signal: seen.parts.end.told().and_then(|end| end.signal),
    };
    let name = found.map_or(&tmux.asked, |found| &found.name);
    let finding = of_session(session, seen.parts.findings.server, seen.looks);
    notes.add(SubjectKind::Session, name, Instrument::Tmux, finding, RunDetail::Session(detail));
}
