//! How long an agent has been silent, by its stream and the clocks of its phase. Its supervisor knows best and is
//! believed while it watches; where nobody does, or nothing has come for long, the stream is read.

use std::path::Path;
use std::time::Duration;

use super::tell::Notes;
use crate::clock::{Stamp, Tick, millis, suspended_since_boot};
use crate::finish;
use crate::judge::clocks::{Seen, overdue};
use crate::judge::finding::{self, Overdue, Trace};
use crate::judge::verdict::{Held, Silence};
use crate::model::{Instrument, Limits, Phase, SubjectKind, Turn};
use crate::observe::{Observer, STREAM};
use crate::record::count;
use crate::record::evidence::{RunDetail, StreamDetail};
use crate::runtime::Facts;
use crate::seam::{glimpse, process};

/// What the stream of a living agent tells.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// It has a terminal event.
    pub(super) has_end: bool,
    /// A silence longer than its clock.
    pub(super) silence: Option<Silence>,
    /// How old the last change of the stream is, in milliseconds.
    pub(super) sign_ms: Option<i64>,
}

/// Listens to a living agent.
pub(super) fn listen(turn: &Turn, log_dir: &Path, supervised: Held, notes: &mut Notes<'_>) -> Heard {
    let path = log_dir.join(STREAM);
    let seen = glimpse::stat(&path);
    let now = (Stamp::now(), Tick::now());
    let (started, Ok(Some(seen))) = (turn.started_tick, &seen) else {
        return absent(&path, seen.err(), turn, notes);
    };
    let quiet = now.0.since(seen.modified);
    let told = turn.stall.map(|note| told_silence(&turn.limits, note.phase, note.at, now.0)).unwrap_or_default();
    let watched = supervised == Held::Yes && shortest(&turn.limits).is_none_or(|limit| quiet < millis(limit));
    let same_boot = turn.supervisor.boot == process::me().boot;
    let detail = StreamDetail { bytes: Some(seen.size.cast_signed()), ..StreamDetail::default() };
    match started.filter(|_| same_boot && !watched) {
        None => {
            let limit = shortest(&turn.limits);
            tell_clock(&path, told, StreamDetail { limit_ms: limit.map(millis), ..detail }, quiet, notes);
            Heard { has_end: false, silence: told, sign_ms: Some(quiet) }
        }
        Some(started) => {
            let slept = slept((turn.started_at.unwrap_or(now.0), started), now, suspended_since_boot());
            let changed = changed_tick(quiet, slept, now.1).max(started);
            read(turn, log_dir, (started, changed, now.1), detail, quiet, notes)
        }
    }
}

fn read(
    turn: &Turn,
    log_dir: &Path,
    (started, changed, now): (Tick, Tick, Tick),
    detail: StreamDetail,
    quiet: i64,
    notes: &mut Notes<'_>,
) -> Heard {
    let path = log_dir.join(STREAM);
    let facts = match facts(turn, log_dir, started, changed) {
        Ok(Some(facts)) => facts,
        Ok(None) => return absent(&path, None, turn, notes),
        Err(error) => return absent(&path, Some(error), turn, notes),
    };
    let seen = seen(started, &facts);
    let phase = seen.phase();
    // Who has said that it is done is not silent, however long it stays.
    let overdue = overdue(&turn.limits, &seen, now).filter(|silence| silence.phase != Phase::Ending);
    let silence = overdue.map(|silence| Silence {
        phase: silence.phase,
        silent_ms: millis(now.since(silence.since)),
        limit_ms: millis(silence.limit),
    });
    let has_end = facts.terminal.is_some() && !facts.working_again;
    let detail = StreamDetail { events: Some(count(facts.events)), phase: Some(phase), ..detail };
    let end = if has_end { Trace::Says } else { Trace::Silent };
    notes.add_aged(
        SubjectKind::Output,
        path.display(),
        Instrument::Stream,
        finding::of_stream(end),
        RunDetail::Stream(detail.clone()),
        Some(quiet),
    );
    let limit_ms = turn.limits.of(phase).0.map(millis);
    tell_clock(&path, silence, StreamDetail { limit_ms, ..detail }, quiet, notes);
    Heard { has_end, silence, sign_ms: Some(quiet) }
}

/// The stream as `turn attach` reads it: what was read before keeps its time, what came later has the file's.
fn facts(turn: &Turn, log_dir: &Path, started: Tick, changed: Tick) -> std::io::Result<Option<Facts>> {
    let Some(mut observer) = Observer::open(log_dir, &turn.description)? else { return Ok(None) };
    let known = turn.counters.progress_tick.unwrap_or(started);
    observer.pump_to(u64::try_from(turn.counters.read_bytes).unwrap_or(0), known)?;
    observer.pump(changed)?;
    Ok(Some(observer.facts().clone()))
}

fn seen(started: Tick, facts: &Facts) -> Seen {
    Seen {
        started,
        first_event: facts.first_event,
        last_progress: facts.last_progress.or(facts.first_event),
        in_tool: facts.open_tools > 0,
        terminal: facts.terminal.as_ref().filter(|_| !facts.working_again).map(|end| end.at),
        told: false,
    }
}

/// A silence that its supervisor has told and that lasts still.
fn told_silence(limits: &Limits, phase: Phase, at: Stamp, now: Stamp) -> Option<Silence> {
    let limit_ms = millis(limits.of(phase).0?);
    Some(Silence { phase, silent_ms: now.since(at).saturating_add(limit_ms), limit_ms })
}

/// The shortest clock that a silence can run out.
fn shortest(limits: &Limits) -> Option<Duration> {
    [limits.first_event, limits.stall, limits.stall_tool].into_iter().flatten().min()
}

/// How long the host slept since the turn began: what the wall clock counts and the monotonic one does not. A wall clock
/// that was set says the same, so it is never more than the host has slept at all.
fn slept(began: (Stamp, Tick), now: (Stamp, Tick), at_most: Duration) -> Duration {
    let awake = millis(now.1.since(began.1));
    let lag = now.0.since(began.0).saturating_sub(awake);
    Duration::from_millis(u64::try_from(lag).unwrap_or(0)).min(at_most)
}

/// The last change on the clock that stands still while the host sleeps. When it slept is not known: all of it is given
/// to the silence, so that nobody is called silent for a time in which nobody ran.
fn changed_tick(quiet_ms: i64, slept: Duration, now: Tick) -> Tick {
    let quiet = Duration::from_millis(u64::try_from(quiet_ms).unwrap_or(0));
    now.minus(quiet.saturating_sub(slept))
}

fn tell_clock(path: &Path, silence: Option<Silence>, detail: StreamDetail, quiet: i64, notes: &mut Notes<'_>) {
    let is_over = match (silence, detail.limit_ms) {
        (Some(_), _) => Overdue::Yes,
        (None, Some(_)) => Overdue::No,
        (None, None) => Overdue::NoClock,
    };
    let detail = StreamDetail {
        phase: silence.map(|silence| silence.phase).or(detail.phase),
        silent_ms: Some(silence.map_or(quiet, |silence| silence.silent_ms)),
        limit_ms: silence.map(|silence| silence.limit_ms).or(detail.limit_ms),
        ..detail
    };
    let finding = finding::of_silence(is_over);
    let (kind, detail) = (SubjectKind::Output, RunDetail::Stream(detail));
    notes.add_aged(kind, path.display(), Instrument::Clocks, finding, detail, Some(quiet));
}

/// A stream that is not there, or cannot be read: what the supervisor told of it is all there is.
fn absent(path: &Path, error: Option<std::io::Error>, turn: &Turn, notes: &mut Notes<'_>) -> Heard {
    tell_stream(
        path,
        if error.is_some() { Trace::Unreadable } else { Trace::Absent },
        error.map(|e| e.to_string()),
        notes,
    );
    let told = turn.stall.map(|note| told_silence(&turn.limits, note.phase, note.at, Stamp::now()));
    Heard { silence: told.flatten(), ..Heard::default() }
}

/// A stream that nobody here can read.
pub(super) fn unreadable(log_dir: &Path, why: &str, notes: &mut Notes<'_>) -> Heard {
    tell_stream(&log_dir.join(STREAM), Trace::Unreadable, Some(why.to_owned()), notes);
    Heard::default()
}

/// What the stream of a turn whose shim is gone says at its end.
pub(super) fn tell_end(log_dir: &Path, evidence: &finish::Evidence<'_>, notes: &mut Notes<'_>) {
    let path = log_dir.join(STREAM);
    let Some(facts) = evidence.facts() else { return tell_stream(&path, Trace::Absent, None, notes) };
    let seen = glimpse::stat(&path).ok().flatten();
    let trace = if evidence.end().is_some() { Trace::Says } else { Trace::Silent };
    let detail = StreamDetail {
        bytes: seen.as_ref().map(|seen| seen.size.cast_signed()),
        events: Some(count(facts.events)),
        ..StreamDetail::default()
    };
    let age = seen.and_then(|seen| super::age(seen.modified, Stamp::now()));
    let (kind, instrument) = (SubjectKind::Output, Instrument::Stream);
    notes.add_aged(kind, path.display(), instrument, finding::of_stream(trace), RunDetail::Stream(detail), age);
}

fn tell_stream(path: &Path, trace: Trace, error: Option<String>, notes: &mut Notes<'_>) {
    let detail = StreamDetail { error, ..StreamDetail::default() };
    let finding = finding::of_stream(trace);
    notes.add(SubjectKind::Output, path.display(), Instrument::Stream, finding, RunDetail::Stream(detail));
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(millis: i64) -> (Stamp, Tick) {
        let tick = Duration::from_millis(u64::try_from(millis).unwrap());
        (Stamp::from_millis(1_000 * HOUR + millis), Tick::from_boot(tick))
    }

    #[test]
    fn a_host_that_slept_makes_nobody_silent() {
        let began = at(HOUR);
        // Three hours later by the wall, one of them awake.
        let now = (at(4 * HOUR).0, at(2 * HOUR).1);
        let asleep = slept(began, now, Duration::from_millis(7_200_000));
        assert_eq!(asleep, Duration::from_millis(7_200_000));
        let silent = |quiet_ms, slept| millis(now.1.since(changed_tick(quiet_ms, slept, now.1)));
        assert_eq!(silent(2 * HOUR + 1_000, asleep), 1_000);
        assert_eq!(silent(HOUR, asleep), 0);
        assert_eq!(silent(HOUR, Duration::ZERO), HOUR);
        // A wall clock that was set ahead is no sleep; one that was set back takes nothing away.
        assert_eq!(slept(began, now, Duration::ZERO), Duration::ZERO);
        assert_eq!(slept(began, (at(HOUR).0, at(2 * HOUR).1), Duration::MAX), Duration::ZERO);
    }
}
