//! The one loop of a supervisor: reads the stream, watches the clocks, passes on wishes, until the tree is gone.
//! Used by `turn run` and `turn attach`. It sleeps when nothing happens, and ends nothing itself: the shim does.

mod notices;
mod silence;
mod status;
#[cfg(test)]
mod tests;
mod time;

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use refloat::cli::Context;
use refloat::clock::{Stamp, Tick};
use refloat::error::{IoContext, Result};
use refloat::finish::Watched;
use refloat::judge::clocks::{self, Clocks, Limits, Seen};
use refloat::model::{Counters, Turn, Wish, WishNote};
use refloat::observe::{Observer, STREAM};
use refloat::seam::exit_record::ExitRecord;
use refloat::seam::process::Handle;
use refloat::seam::signals::Signals;
use refloat::state::{State, turn};

use crate::outlet::Outlet;
use notices::{BREATH, Notices, wait_for};
use silence::Told;
use status::{Status, View};
use time::{Time, TimeSource};

/// What a supervisor listens to: INT and TERM abort, HUP detaches.
pub(crate) const SIGNALS: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// A turn that is younger is looked at without notices.
const SETTLED: Duration = Duration::from_millis(50);
/// What was counted is stored at most so often.
const STORE: Duration = Duration::from_secs(5);
/// No final record is longer.
const RECORD: usize = 64 * 1024;

/// What a supervisor tells and writes with.
pub(crate) struct Desk<'d> {
    pub(crate) cx: &'d mut Context,
    pub(crate) state: &'d mut State,
    pub(crate) out: &'d mut Outlet,
}

/// Why supervision has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// The shim is gone.
    ShimEnded,
    /// This supervisor leaves; the agent works on.
    Detached,
}

/// A turn under supervision.
pub(crate) struct Watch<'t> {
    turn: &'t Turn,
    shim: Option<Handle>,
    /// On this our own shim says that it has finished; another's is only seen to end.
    control: Option<UnixStream>,
    /// What it said.
    told: Option<ExitRecord>,
    /// A wish that could not be written.
    unwritten: Option<WishNote>,
    signals: Signals,
    stream: PathBuf,
    observer: Option<Observer>,
    notices: Notices,
    limits: Limits,
    started: Tick,
    /// Soft clocks do not reach back before this.
    floor: Option<Tick>,
    wished: bool,
    stored: (Tick, Counters),
    told_silence: Option<Told>,
    status: Option<Status>,
    time: Time,
    unsupervised: Duration,
}

impl<'t> Watch<'t> {
    /// Begins to watch a turn that was just let go.
    pub(crate) fn begin(turn: &'t Turn, shim: Option<Handle>, log_dir: &Path, signals: Signals) -> Result<Self> {
        let observer = Observer::open(log_dir, &turn.description);
        let observer = observer.or_fail(|| format!("cannot read the stream in {}", log_dir.display()))?;
        if let (Some(_), Some(shim)) = (&turn.wish, &shim) {
            // Whoever recorded the wish may have died before the signal; a shim that had it is not hurried by another.
            let _ = shim.signal(Signal::SIGTERM);
        }
        Ok(Self {
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
        })
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
    fn timed_by(mut self, source: TimeSource) -> Self {
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
        };
        (watched, self.shim)
    }

    /// Whether our own shim has told how the turn ended.
    pub(crate) const fn is_told(&self) -> bool {
        self.told.is_some()
    }

    /// The final record, as our own shim tells it in one write.
    fn listen(&mut self) {
        let Some(control) = &mut self.control else { return };
        let mut line = vec![0; RECORD];
        if let Ok(read) = control.read(&mut line) {
            self.told = ExitRecord::parse(&line[..read], self.turn.id);
        }
    }

    fn seen(&self) -> Seen {
        let facts = self.observer.as_ref().map(Observer::facts);
        let shifted = |tick: Option<Tick>| tick.map(|tick| self.time.thawed(tick));
        let floored = |tick: Option<Tick>| tick.max(self.floor.filter(|_| tick.is_some()));
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
    fn read(&mut self, out: &Outlet, now: Tick) {
        if let Some(observer) = &mut self.observer
            && observer.pump(now).unwrap_or(false)
        {
            out.grown();
        }
    }

    /// From the settled age on, the kernel tells when the file grows.
    fn notice(&mut self, out: &Outlet, now: Tick) {
        if matches!(self.notices, Notices::Early) && now.since(self.started) >= SETTLED {
            self.notices = Notices::on(&self.stream);
            // What came before the watch was set gives no notice.
            self.read(out, now);
        }
    }

    /// Shows a person what goes on; says when to do so again.
    fn show(&mut self, now: Tick) -> Option<Tick> {
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
    fn end(&mut self, desk: &mut Desk<'_>, note: &WishNote) {
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
    fn store(&mut self, state: &mut State, now: Tick) {
        let Some(counters) = self.counters() else { return };
        if now.since(self.stored.0) < STORE || counters.progress_tick == self.stored.1.progress_tick {
            return;
        }
        self.stored = (now, counters);
        let id = self.turn.id;
        let _ = state.write("store what was counted", |tx| turn::count(tx, id, &counters));
    }

    fn counters(&self) -> Option<Counters> {
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

/// Watches until the shim is gone or this supervisor is told to leave.
pub(crate) fn supervise(desk: &mut Desk<'_>, watch: &mut Watch<'_>) -> Result<Left> {
    watch.status = Status::of(desk.cx, watch.started);
    let mut quiet_until = watch.time.now();
    loop {
        let now = watch.time.now();
        watch.notice(desk.out, now);
        let mut wake = judge_clocks(desk, watch, now);
        wake = watch.show(now).map_or(wake, |due| wake.min(due));
        let resting = now < quiet_until;
        if resting {
            wake = wake.min(quiet_until);
        }
        // A long read or a write that had to wait is work of ours, no sleep that ended late.
        let before = watch.time.now();
        wake = wake.max(before);
        let ready = wait_for(watch, wake.since(before), resting)?;
        let woken = watch.time.now();
        watch.time.woken(before, wake, woken);
        if ready.shim {
            watch.listen();
            if watch.told_silence.is_some() {
                watch.read(desk.out, woken);
                watch.note_progress(desk);
            }
            return Ok(Left::ShimEnded);
        }
        if ready.signals && hear(desk, watch)? == Some(Left::Detached) {
            return Ok(Left::Detached);
        }
        if matches!(watch.notices, Notices::Early) {
            watch.read(desk.out, woken);
        }
        if ready.stream {
            quiet_until = woken.plus(BREATH);
            watch.read(desk.out, woken);
        }
        watch.note_progress(desk);
        watch.store(desk.state, woken);
    }
}

/// Lets the clocks speak, and says when to look again. Before any is believed, everything readable is read.
fn judge_clocks(desk: &mut Desk<'_>, watch: &mut Watch<'_>, now: Tick) -> Tick {
    let soon = now.plus(watch.notices.patience());
    if watch.wished {
        return soon;
    }
    let mut judged = clocks::judge(&watch.limits, &watch.seen(), now);
    let ran_out = matches!(judged, Clocks::Expired(_) | Clocks::Overdue(_));
    if ran_out || matches!(watch.notices, Notices::Refused) {
        watch.read(desk.out, now);
        judged = clocks::judge(&watch.limits, &watch.seen(), now);
    }
    match judged {
        Clocks::Expired(wish) => {
            watch.end(desk, &WishNote { wish, signal: None, why: None, at: Stamp::now() });
            soon
        }
        Clocks::Overdue(silence) => {
            watch.tell_silence(desk, &silence, now);
            soon
        }
        Clocks::Next(next) => next.min(soon),
        Clocks::Off => soon,
    }
}

fn hear(desk: &mut Desk<'_>, watch: &mut Watch<'_>) -> Result<Option<Left>> {
    for received in watch.signals.read().or_fail(|| "cannot read signals".into())? {
        if received.signal == Signal::SIGHUP {
            desk.cx.hint(&format!("the agent works on; watch it again: turn attach {}", watch.turn.id));
            return Ok(Some(Left::Detached));
        }
        let note = WishNote {
            wish: Wish::Interrupt,
            signal: Some(received.signal as i32),
            why: Some(format!("{} to the supervisor", received.signal)),
            at: Stamp::now(),
        };
        watch.end(desk, &note);
    }
    Ok(None)
}
