//! The one loop of a supervisor: reads the stream, watches the clocks, passes on wishes, until the tree is gone.
//! Used by `turn run` and `turn attach`. It sleeps when nothing happens, and ends nothing itself: the shim does.

use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use refloat::cli::Context;
use refloat::clock::{Stamp, Tick, suspended_since_boot};
use refloat::error::{IoContext, Result};
use refloat::finish::Watched;
use refloat::judge::clocks::{self, Clocks, Limits, Seen};
use refloat::model::{Counters, Turn, Wish, WishNote};
use refloat::observe::{Observer, STREAM};
use refloat::seam::exit_record::ExitRecord;
use refloat::seam::follow;
use refloat::seam::process::Handle;
use refloat::seam::signals::Signals;
use refloat::seam::wait::{self, PollFd, PollFlags};
use refloat::state::{State, turn};

/// What a supervisor listens to: INT and TERM abort, HUP detaches.
pub(crate) const SIGNALS: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// A short turn needs no notices of its file; closing an inotify descriptor costs up to 15 ms in the kernel.
const SETTLED: Duration = Duration::from_millis(50);
/// A busy stream is read at most so often; each wake-up costs more than a line.
const BREATH: Duration = Duration::from_millis(10);
/// Without notices (the user's inotify limit) the file is looked at so often.
const POLL: Duration = Duration::from_millis(250);
/// What was counted is stored at most so often.
const STORE: Duration = Duration::from_secs(5);
/// A timer that comes later than this means that we were not running.
const LATE: Duration = Duration::from_secs(5);
/// No final record is longer.
const RECORD: usize = 64 * 1024;
/// Sleep without a clock: an hour is as good as for ever.
const LONG: Duration = Duration::from_secs(3600);

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
    /// When it was found that we had not run, and for how long.
    freezes: Vec<(Tick, Duration)>,
    suspended_before: Duration,
    unsupervised: Duration,
}

enum Notices {
    Early,
    Watching(follow::Watch),
    Refused,
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
            freezes: Vec::new(),
            suspended_before: suspended_since_boot(),
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

    /// What was read, how it was watched, and the shim, which may still be on its way out.
    pub(crate) fn done(self) -> (Watched, Option<Handle>) {
        let watched = Watched {
            observer: self.observer,
            told: self.told,
            wish: self.unwritten,
            suspended: suspended_since_boot().saturating_sub(self.suspended_before),
            frozen: self.freezes.iter().map(|(_, late)| *late).sum(),
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
        let shifted = |tick: Option<Tick>| tick.map(|tick| self.thawed(tick));
        let floored = |tick: Option<Tick>| tick.max(self.floor.filter(|_| tick.is_some()));
        Seen {
            started: self.thawed(self.floor.unwrap_or(self.started)),
            first_event: shifted(facts.and_then(|facts| facts.first_event)),
            last_progress: floored(shifted(facts.and_then(|facts| facts.last_progress.or(facts.first_event)))),
            in_tool: facts.is_some_and(|facts| facts.open_tools > 0),
            terminal: shifted(
                facts.filter(|facts| !facts.working_again).and_then(|facts| facts.terminal.as_ref()).map(|end| end.at),
            ),
        }
    }

    /// A moment as the clocks count it: time in which we did not run is given back to what was before it.
    fn thawed(&self, tick: Tick) -> Tick {
        self.freezes.iter().filter(|(at, _)| *at > tick).fold(tick, |tick, (_, late)| tick.plus(*late))
    }

    /// Reads what has come. A stream that cannot be read stops no turn: its bytes are there for the last look.
    fn read(&mut self, now: Tick) {
        if let Some(observer) = &mut self.observer {
            let _ = observer.pump(now);
        }
    }

    /// From the settled age on, the kernel tells when the file grows.
    fn notice(&mut self, now: Tick) {
        if matches!(self.notices, Notices::Early) && now.since(self.started) >= SETTLED {
            self.notices = match follow::Watch::on(&[self.stream.as_path()]) {
                Ok(watch) => Notices::Watching(watch),
                Err(_) => Notices::Refused,
            };
            // What came before the watch was set gives no notice.
            self.read(now);
        }
    }

    /// Records a wish and passes it on. The record comes first, so that the death cannot be mislabelled.
    fn end(&mut self, cx: &Context, state: &mut State, note: &WishNote) {
        let id = self.turn.id;
        if let Err(failure) = state.write("record why a turn is ended", |tx| turn::wish_end(tx, id, note)) {
            cx.say(failure);
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
pub(crate) fn supervise(cx: &Context, state: &mut State, watch: &mut Watch<'_>) -> Result<Left> {
    let mut quiet_until = Tick::now();
    loop {
        let now = Tick::now();
        watch.notice(now);
        let mut wake = judge_clocks(cx, state, watch, now);
        let resting = now < quiet_until;
        if resting {
            wake = wake.min(quiet_until);
        }
        // A long read or a write that had to wait is work of ours, no sleep that ended late.
        wake = wake.max(Tick::now());
        let ready = wait_for(watch, wake, resting)?;
        let woken = Tick::now();
        thaw(watch, wake, woken);
        if ready.shim {
            watch.listen();
            return Ok(Left::ShimEnded);
        }
        if ready.signals && hear(cx, state, watch)? == Some(Left::Detached) {
            return Ok(Left::Detached);
        }
        if matches!(watch.notices, Notices::Early) {
            watch.read(woken);
        }
        if ready.stream {
            quiet_until = woken.plus(BREATH);
            watch.read(woken);
        }
        watch.store(state, woken);
    }
}

/// Lets the clocks speak, and says when to look again. Before any is believed, everything readable is read.
fn judge_clocks(cx: &Context, state: &mut State, watch: &mut Watch<'_>, now: Tick) -> Tick {
    let soon = match watch.notices {
        Notices::Early => now.plus(BREATH),
        Notices::Watching(_) => now.plus(LONG),
        Notices::Refused => now.plus(POLL),
    };
    if watch.wished {
        return soon;
    }
    let mut judged = clocks::judge(&watch.limits, &watch.seen(), now);
    if matches!(judged, Clocks::Expired(_)) || matches!(watch.notices, Notices::Refused) {
        watch.read(now);
        judged = clocks::judge(&watch.limits, &watch.seen(), now);
    }
    match judged {
        Clocks::Expired(wish) => {
            watch.end(cx, state, &WishNote { wish, signal: None, why: None, at: Stamp::now() });
            soon
        }
        Clocks::Next(next) => next.min(soon),
        Clocks::Off => soon,
    }
}

struct Ready {
    shim: bool,
    signals: bool,
    stream: bool,
}

/// Sleeps until something happens. A stream that was just read is left alone for a breath.
fn wait_for(watch: &Watch<'_>, wake: Tick, resting: bool) -> Result<Ready> {
    let mut fds = Vec::with_capacity(4);
    fds.push(PollFd::from_borrowed_fd(watch.signals.as_fd(), PollFlags::IN));
    let shim = watch.shim.as_ref().map(|shim| {
        fds.push(PollFd::from_borrowed_fd(shim.as_fd(), PollFlags::IN));
        fds.len() - 1
    });
    let control = watch.control.as_ref().map(|control| {
        fds.push(PollFd::from_borrowed_fd(control.as_fd(), PollFlags::IN));
        fds.len() - 1
    });
    let stream = match &watch.notices {
        Notices::Watching(notices) if !resting => {
            fds.push(PollFd::from_borrowed_fd(notices.as_fd(), PollFlags::IN));
            Some(fds.len() - 1)
        }
        _ => None,
    };
    if shim.is_some() {
        wait::until(&mut fds, wake).or_fail(|| "cannot wait for the turn".into())?;
    }
    let is_ready = |index: Option<usize>| index.is_some_and(|index| !fds[index].revents().is_empty());
    let gone = shim.is_none() || is_ready(shim) || is_ready(control);
    let ready = Ready { shim: gone, signals: is_ready(Some(0)), stream: is_ready(stream) };
    if let (true, Notices::Watching(notices)) = (ready.stream, &watch.notices) {
        notices.drain().or_fail(|| "cannot read notices".into())?;
    }
    Ok(ready)
}

/// A wait that ended late gives the lateness back to every clock: most likely the agent was frozen with us.
fn thaw(watch: &mut Watch<'_>, wake: Tick, woken: Tick) {
    let late = woken.since(wake);
    if late > LATE {
        watch.freezes.push((woken, late));
    }
}

fn hear(cx: &Context, state: &mut State, watch: &mut Watch<'_>) -> Result<Option<Left>> {
    for received in watch.signals.read().or_fail(|| "cannot read signals".into())? {
        if received.signal == Signal::SIGHUP {
            cx.hint(&format!("the agent works on; watch it again: turn attach {}", watch.turn.id));
            return Ok(Some(Left::Detached));
        }
        let note = WishNote {
            wish: Wish::Interrupt,
            signal: Some(received.signal as i32),
            why: Some(format!("{} to the supervisor", received.signal)),
            at: Stamp::now(),
        };
        watch.end(cx, state, &note);
    }
    Ok(None)
}
