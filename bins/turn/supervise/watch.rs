//! A turn under supervision: what is known of it, read of it and passed on about it. Its loop is in `mod.rs`.
//! Made by `turn run` and `turn attach`. It ends nothing itself: it writes wishes down and tells the shim.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use refloat::clock::Tick;
use refloat::error::{IoContext, Result};
use refloat::finish::Watched;
use refloat::judge::clocks::Seen;
use refloat::judge::owed::Vouched;
use refloat::model::{Counters, Limits, Turn, Wish, WishNote};
use refloat::observe::{Observer, STREAM};
use refloat::seam::exit_record::ExitRecord;
use refloat::seam::process::Handle;
use refloat::seam::signals::Signals;
use refloat::state::{State, turn};

use super::Desk;
use super::notices::Notices;
use super::silence::Told;
use super::status::{Status, View};
use super::time::{Time, TimeSource};
use crate::outlet::Outlet;

/// A turn that is younger is looked at without notices.
const SETTLED: Duration = Duration::from_millis(50);
/// What was counted is stored at most so often.
const STORE: Duration = Duration::from_secs(5);
/// No final record is longer.
const RECORD: usize = 64 * 1024;

/// A turn under supervision.
pub(crate) struct Watch<'t> {
    pub(super) turn: &'t Turn,
    pub(super) shim: Option<Handle>,
    /// On this our own shim says that it has finished; another's is only seen to end.
    pub(super) control: Option<UnixStream>,
    /// What it said.
    pub(super) told: Option<ExitRecord>,
    /// A wish that could not be written.
    pub(super) unwritten: Option<WishNote>,
    pub(super) signals: Signals,
    pub(super) stream: PathBuf,
    pub(super) observer: Option<Observer>,
    pub(super) notices: Notices,
    pub(super) limits: Limits,
    pub(super) started: Tick,
    /// Soft clocks do not reach back before this.
    pub(super) floor: Option<Tick>,
    pub(super) wished: bool,
    pub(super) stored: (Tick, Counters),
    pub(super) told_silence: Option<Told>,
    pub(super) status: Option<Status>,
    pub(super) time: Time,
    pub(super) unsupervised: Duration,
}

impl<'t> Watch<'t> {
    /// Begins to watch a turn; `observer` has its stream open, where there is one.
    pub(crate) fn begin(
        turn: &'t Turn,
        shim: Option<Handle>,
        log_dir: &Path,
        observer: Option<Observer>,
        signals: Signals,
    ) -> Self {
        if let (Some(_), Some(shim)) = (&turn.wish, &shim) {
            // Whoever recorded the wish may have died before the signal; a shim that had it is not hurried by another.
            let _ = shim.signal(Signal::SIGTERM);
        }
        Self {
            turn,
            shim,
            control: None,
            told: None,
            unwritten: None,
            signals,
            stream: log_dir.join(STREAM),
            observer,
            notices: Notices::Early,
            limits: turn.limits,
            started: turn.started_tick.unwrap_or_else(Tick::now),
            floor: None,
            wished: turn.wish.is_some(),
            stored: (Tick::now(), turn.counters),
            told_silence: None,
            status: None,
            time: Time::from(TimeSource::SYSTEM),
            unsupervised: Duration::ZERO,
        }
    }

    /// Takes up a turn that others watched before. What they had read keeps the time they read it at; what came
    /// later has the time of the file's last change; a last line that is no progress starts the clocks anew.
    pub(crate) fn take_up(&mut self, changed: Tick, unsupervised: Duration) -> Result<()> {
        let counters = self.turn.counters;
        let known = counters.progress_tick.unwrap_or(self.started);
        let read = u64::try_from(counters.read_bytes).unwrap_or(0);
        let changed = changed.max(self.started);
        if let Some(observer) = &mut self.observer {
            let reading = || format!("cannot read {}", self.stream.display());
            observer.pump_to(read, known).or_fail(reading)?;
            // A silence that was told is over if progress came since.
            self.told_silence = self.turn.stall.map(|_| Told { after: observer.facts().last_progress });
            observer.pump(changed).or_fail(reading)?;
            let progressed = observer.facts().last_progress;
            if progressed != observer.facts().last_event || progressed.is_none() {
                self.floor = Some(Tick::now());
            }
        }
        self.unsupervised = unsupervised;
        Ok(())
    }

    /// Watches a shim of our own.
    pub(crate) fn hearing(mut self, control: UnixStream) -> Self {
        self.control = Some(control);
        self
    }

    /// With its time from elsewhere.
    #[cfg(test)]
    pub(super) fn timed_by(mut self, source: TimeSource) -> Self {
        self.time = Time::from(source);
        self
    }

    /// What was read, how it was watched, and the shim, which may still be on its way out.
    pub(crate) fn done(self) -> (Watched, Option<Handle>) {
        let watched = Watched {
            observer: self.observer,
            told: self.told,
            wish: self.unwritten,
            suspended: self.time.suspended(),
            frozen: self.time.frozen(),
            unsupervised: self.unsupervised,
            vouched: Vouched::default(),
        };
        (watched, self.shim)
    }

    /// Whether our own shim has told how the turn ended.
    pub(crate) const fn is_told(&self) -> bool {
        self.told.is_some()
    }

    /// The final record, as our own shim tells it in one write.
    pub(super) fn listen(&mut self) {
        let Some(control) = &mut self.control else { return };
        let mut line = vec![0; RECORD];
        if let Ok(read) = control.read(&mut line) {
            self.told = ExitRecord::parse(&line[..read], self.turn.id);
        }
    }

    pub(super) fn seen(&self) -> Seen {
        let facts = self.observer.as_ref().map(Observer::facts);
        let shifted = |tick: Option<Tick>| tick.map(|tick| self.time.thawed(tick));
        let floored = |tick: Option<Tick>| tick.max(shifted(self.floor.filter(|_| tick.is_some())));
        Seen {
            started: self.time.thawed(self.floor.unwrap_or(self.started)),
            first_event: shifted(facts.and_then(|facts| facts.first_event)),
            last_progress: floored(shifted(facts.and_then(|facts| facts.last_progress.or(facts.first_event)))),
            in_tool: facts.is_some_and(|facts| facts.open_tools > 0),
            terminal: shifted(
                facts.filter(|facts| !facts.working_again).and_then(|facts| facts.terminal.as_ref()).map(|end| end.at),
            ),
            told: self.is_told_of_silence(),
        }
    }

    /// Reads what has come. A stream that cannot be read stops no turn: its bytes are there for the last look.
    pub(super) fn read(&mut self, out: &Outlet, now: Tick) {
        if let Some(observer) = &mut self.observer
            && observer.pump(now).unwrap_or(false)
        {
            out.grown();
        }
    }

    /// From the settled age on, the kernel tells when the file grows.
    pub(super) fn notice(&mut self, out: &Outlet, now: Tick) {
        if matches!(self.notices, Notices::Early) && now.since(self.started) >= SETTLED {
            self.notices = Notices::on(&self.stream);
            // What came before the watch was set gives no notice.
            self.read(out, now);
        }
    }

    /// Shows a person what goes on; says when to do so again.
    pub(super) fn show(&mut self, now: Tick) -> Option<Tick> {
        let mut status = self.status.take()?;
        let facts = self.observer.as_ref().map(Observer::facts);
        let view = View {
            turn: self.turn.id.to_string(),
            agent: &self.turn.agent,
            phase: self.seen().phase(),
            stalled: self.told_silence.is_some(),
            ending: self.wished,
            elapsed: now.since(self.started),
            last_event: facts.and_then(|facts| facts.last_event).map(|last| now.since(last)),
            events: facts.map_or(0, |facts| facts.events),
            open_tools: facts.map_or(0, |facts| facts.open_tools),
        };
        let due = status.show(now, &view);
        self.status = Some(status);
        Some(due)
    }

    /// Records a wish and passes it on. The record comes first, so that the death cannot be mislabelled.
    pub(super) fn end(&mut self, desk: &mut Desk<'_>, note: &WishNote) {
        let id = self.turn.id;
        if let Err(failure) = desk.state.write("record why a turn is ended", |tx| turn::wish_end(tx, id, note)) {
            desk.cx.say(failure);
            // The signal goes out all the same, and the finish is told what it was for.
            self.unwritten = self.unwritten.take().or_else(|| Some(note.clone()));
        }
        let signal = if self.wished && note.wish == Wish::Interrupt { Signal::SIGQUIT } else { Signal::SIGTERM };
        self.wished = true;
        if let Some(shim) = &self.shim {
            let _ = shim.signal(signal);
        }
    }

    /// Stores what was counted, now and then, and only if there was progress. Losing it costs the next supervisor
    /// a little of its memory, so a failure is passed over.
    pub(super) fn store(&mut self, state: &mut State, now: Tick) {
        let Some(counters) = self.counters() else { return };
        if now.since(self.stored.0) < STORE || counters.progress_tick == self.stored.1.progress_tick {
            return;
        }
        self.stored = (now, counters);
        let id = self.turn.id;
        let _ = state.write("store what was counted", |tx| turn::count(tx, id, &counters));
    }

    pub(super) fn counters(&self) -> Option<Counters> {
        let observer = self.observer.as_ref()?;
        let facts = observer.facts();
        Some(Counters {
            events: i64::try_from(facts.events).unwrap_or(i64::MAX),
            ignored_lines: i64::try_from(facts.ignored.total()).unwrap_or(i64::MAX),
            progress_tick: facts.last_progress,
            read_bytes: i64::try_from(observer.offset()).unwrap_or(i64::MAX),
        })
    }
}
