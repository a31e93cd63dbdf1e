//! The way to stdout while an agent runs. Whoever watches a turn must not wait for whoever reads about it.
//! Used by `turn run` and `turn attach`. What stdout takes at once is written at once; all else, and every `--events`,
//! by a thread of its own, in its order. Nothing is dropped, and nothing piles up: events wait in their file.

use std::io::{PipeReader, PipeWriter};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use refloat::cli::Context;
use refloat::clock::{Stamp, Tick};
use refloat::emit::{self, Emitter, Format, Record};
use refloat::error::{Failure, IoContext, Result};
use refloat::exit::Exit;
use refloat::id::TurnId;
use refloat::model::Turn;
use refloat::seam::signals::{ENDING, Signals};
use refloat::seam::wait::{self, PollFd, PollFlags};

use crate::events::Events;

/// A pipe that takes anything takes so much in one piece (pipe(7): `PIPE_BUF`).
const PIECE: usize = 4096;
/// More records than these do not wait for a reader; what they tell is in the state file too.
const WAITING: usize = 256;
/// How long a supervisor that leaves stays for a reader.
const PARTING: Duration = Duration::from_secs(1);

type Tell = Box<dyn FnOnce(&mut Emitter) -> Result<()> + Send>;

enum Job {
    /// Print a record.
    Tell(Tell),
    /// Print this stream's events.
    Begin(Box<Events>),
    /// There are more of them.
    Grown,
    /// There will be no more.
    End,
}

/// What a command prints while an agent runs.
pub(crate) struct Outlet {
    events: bool,
    begun: Option<TurnId>,
    writer: Option<Writer>,
}

impl Outlet {
    /// Prints events only if they are wanted.
    pub(crate) const fn new(events: bool) -> Self {
        Self { events, begun: None, writer: None }
    }

    /// Prints a record, now or in its turn.
    pub(crate) fn tell<R: Record + Send + 'static>(&mut self, cx: &mut Context, record: R, at: Stamp) -> Result<()> {
        if self.writer.is_none() && (takes_at_once(cx.common.format, &record, at)? || self.thread(cx).is_none()) {
            cx.out.emit_at(&record, at)?;
            return cx.out.finish();
        }
        if let Some(writer) = &self.writer {
            writer.waiting.fetch_add(1, Ordering::Relaxed);
            let _ = writer.jobs.send(Job::Tell(Box::new(move |out| out.emit_at(&record, at))));
        }
        Ok(())
    }

    /// Prints a record unless very many wait.
    pub(crate) fn tell_if_read<R: Record + Send + 'static>(
        &mut self,
        cx: &mut Context,
        record: R,
        at: Stamp,
    ) -> Result<()> {
        let waiting = self.writer.as_ref().map_or(0, |writer| writer.waiting.load(Ordering::Relaxed));
        if waiting < WAITING { self.tell(cx, record, at) } else { Ok(()) }
    }

    /// From now on the events of this turn are printed, if they are wanted and were not begun before.
    pub(crate) fn begin(&mut self, cx: &mut Context, turn: &Turn, log_dir: &Path) -> Result<()> {
        if !self.events || self.begun.replace(turn.id) == Some(turn.id) {
            return Ok(());
        }
        if let (Some(events), Some(writer)) = (Events::open(turn, log_dir)?, self.thread(cx)) {
            let _ = writer.jobs.send(Job::Begin(Box::new(events)));
        }
        Ok(())
    }

    /// The stream has grown.
    pub(crate) fn grown(&self) {
        if let Some(writer) = self.writer.as_ref().filter(|_| self.events)
            && !writer.grown.swap(true, Ordering::AcqRel)
        {
            let _ = writer.jobs.send(Job::Grown);
        }
    }

    /// The stream is complete.
    pub(crate) fn end(&self) {
        if let Some(writer) = self.writer.as_ref().filter(|_| self.events) {
            let _ = writer.jobs.send(Job::End);
        }
    }

    /// Waits until all is printed, or until INT, TERM or HUP say that nobody will read it. Called when everything is
    /// recorded and no lock is held.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.writer.take().map_or(Ok(()), |writer| writer.finish(None))
    }

    /// The same, but not for long: the turn goes on without this supervisor.
    pub(crate) fn part(&mut self) -> Result<()> {
        self.writer.take().map_or(Ok(()), |writer| writer.finish(Some(Tick::now().plus(PARTING))))
    }

    /// The writer, started where there is none yet; none where the kernel gives no thread.
    fn thread(&mut self, cx: &mut Context) -> Option<&Writer> {
        if self.writer.is_none() {
            // The thread has an emitter of its own: what this one holds back comes first.
            let _ = cx.out.finish();
            self.writer = Writer::start(cx.common.emitter()).ok();
        }
        self.writer.as_ref()
    }
}

/// Whether stdout takes this record without a wait.
fn takes_at_once<R: Record>(format: Format, record: &R, at: Stamp) -> Result<bool> {
    if format == Format::Jsonl && emit::line(record, at)?.len() > PIECE {
        return Ok(false);
    }
    let stdout = std::io::stdout();
    let mut fds = [PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::OUT)];
    wait::until(&mut fds, Tick::now()).map(|ready| ready > 0).or_fail(|| "cannot write to standard output".into())
}

/// The thread that writes.
struct Writer {
    jobs: Sender<Job>,
    thread: JoinHandle<Result<()>>,
    /// Its other end is the thread's: at its end there is something to read here, the end of file.
    over: PipeReader,
    /// A job that says so is on its way.
    grown: Arc<AtomicBool>,
    /// Records that are on their way.
    waiting: Arc<AtomicUsize>,
}

impl Writer {
    fn start(out: Emitter) -> std::io::Result<Self> {
        let (jobs, todo) = channel();
        let (over, theirs) = std::io::pipe()?;
        let (grown, waiting) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let shared = (Arc::clone(&grown), Arc::clone(&waiting));
        let thread = std::thread::Builder::new()
            .name("stdout".into())
            .spawn(move || write(out, &todo, &shared.0, &shared.1, theirs))?;
        Ok(Self { jobs, thread, over, grown, waiting })
    }

    fn finish(self, until: Option<Tick>) -> Result<()> {
        drop(self.jobs);
        // They have been blocked since the turn began; now they mean what they mean to every program.
        let signals = Signals::over(&ENDING).or_fail(|| "cannot take over signals".into())?;
        loop {
            let mut fds = [
                PollFd::from_borrowed_fd(self.over.as_fd(), PollFlags::IN),
                PollFd::from_borrowed_fd(signals.as_fd(), PollFlags::IN),
            ];
            let wake = until.unwrap_or_else(|| Tick::now().plus(Duration::from_secs(3600)));
            let ready = wait::until(&mut fds, wake).or_fail(|| "cannot wait for standard output".into())?;
            if !fds[0].revents().is_empty() {
                let bug = || Err(Failure::new(Exit::Bug, "the thread that writes to standard output has died"));
                return self.thread.join().unwrap_or_else(|_| bug());
            }
            if ready > 0 || until.is_some() {
                return Ok(());
            }
        }
    }
}

/// The thread: does one job after the other. After a failure it only empties its queue, and tells the failure at its end.
fn write(
    mut out: Emitter,
    jobs: &Receiver<Job>,
    grown: &AtomicBool,
    waiting: &AtomicUsize,
    _over: PipeWriter,
) -> Result<()> {
    let mut events: Option<Box<Events>> = None;
    let mut result = Ok(());
    for job in jobs {
        match job {
            Job::Tell(_) => drop(waiting.fetch_sub(1, Ordering::Relaxed)),
            // Before the stream is read: what comes after this look is told anew.
            Job::Grown => grown.store(false, Ordering::Release),
            Job::Begin(_) | Job::End => {}
        }
        if result.is_ok() {
            result = work(job, &mut events, &mut out).and_then(|()| out.finish());
        }
    }
    result
}

fn work(job: Job, events: &mut Option<Box<Events>>, out: &mut Emitter) -> Result<()> {
    match (job, events.as_mut()) {
        (Job::Tell(tell), _) => tell(out),
        (Job::Begin(mut begun), _) => {
            let printed = begun.print(out);
            *events = Some(begun);
            printed
        }
        (Job::Grown, Some(events)) => events.print(out),
        (Job::End, Some(printing)) => {
            let printed = printing.print_last(out);
            *events = None;
            printed
        }
        (Job::Grown | Job::End, None) => Ok(()),
    }
}
