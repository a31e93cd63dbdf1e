//! The shim: the agent's parent. It holds the turn lock, ends the tree, reaps, writes the exit record and keeps
//! the deadline, whether or not anybody supervises. No database, no stream parsing: what is not here cannot fail.
//!
//! Descriptor 0 is the turn lock, 1 the control socket to the supervisor; 2 becomes `shim.log`.

mod agent;
mod feed;
mod ladder;
mod order;

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, IntoRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use nix::sys::signal::Signal;
use refloat::clock::{Stamp, Tick};
use refloat::error::io_text;
use refloat::exit::Exit;
use refloat::identity::Identity;
use refloat::model::EndedBy;
use refloat::seam::cgroup::Cgroup;
use refloat::seam::exit_record::{ExitRecord, NotExecuted, Tree};
use refloat::seam::process::Handle;
use refloat::seam::signals::Signals;
use refloat::seam::wait::{PollFd, PollFlags};
use refloat::seam::{birth, process, reap, spawn, tree, wait};

use agent::Descriptors;
use feed::Feed;
use ladder::{Ladder, Target};
pub(crate) use order::{GO, Order, Ready, SHIM, Terms};

/// How long the tree may take to die before what remains is counted and named.
const TREE_BUDGET: Duration = Duration::from_secs(5);
/// How long the agent-to-be may take to reach its gate, and a program to be executed.
/// Longer than a supervisor may wait for the state file (30 s for the lock and 5 s for SQLite).
const START_BUDGET: Duration = Duration::from_secs(60);

/// Runs the shim: it makes itself ready, waits for its order, and acts on it. Without an order it ends.
pub(crate) fn main() -> ExitCode {
    let crash_home = refloat::crash::install_hook("turn (shim)");
    let agent = std::env::args_os().nth(2).unwrap_or_default();
    let done = detach().and_then(|control| match Order::receive(&control)? {
        Some(order) => {
            crash_home.set(order.crashes.clone());
            crash_home.about(&agent.to_string_lossy(), Some(order.terms.turn));
            Shim::set_up(order, control)?.run()
        }
        None => Ok(()),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            refloat::emit::say(&format!("turn (shim): {}", io_text(&error)));
            ExitCode::from(Exit::TurnLost.code())
        }
    }
}

/// A shim with its agent, as far as it has come.
struct Shim {
    order: Order,
    control: UnixStream,
    signals: Signals,
    stream: File,
    stderr: File,
    cgroup: Option<Cgroup>,
    feed: Option<Feed>,
}

/// How the agent ended.
struct End {
    status: Option<ExitStatus>,
    by: EndedBy,
    frozen: Duration,
}

/// A session of its own, nothing inherited but lock and socket, no folder kept busy, parent of all orphans below.
/// Returns the control socket.
fn detach() -> io::Result<UnixStream> {
    nix::unistd::setsid()?;
    // It runs as /proc/self/exe, which would be its name in ps.
    nix::sys::prctl::set_name(c"turn-shim")?;
    spawn::close_strays()?;
    std::env::set_current_dir("/")?;
    // The turn lock goes with the process and not a moment before: who gets it must find nobody of us alive.
    let _ = io::stdin().as_fd().try_clone_to_owned()?.into_raw_fd();
    let control = UnixStream::from(io::stdout().as_fd().try_clone_to_owned()?);
    let null = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    reap::become_subreaper()?;
    Ok(control)
}

impl Shim {
    /// Opens what the order names.
    fn set_up(order: Order, control: UnixStream) -> io::Result<Self> {
        let signals = Signals::of(&[
            Signal::SIGTERM,
            Signal::SIGINT,
            Signal::SIGQUIT,
            Signal::SIGHUP,
            Signal::SIGPIPE,
            Signal::SIGCHLD,
        ])?;
        let append = |name: &str| File::options().create(true).append(true).mode(0o600).open(order.log_dir.join(name));
        rustix::stdio::dup2_stderr(append("shim.log")?)?;
        let (stream, stderr) = (append("stream.jsonl")?, append("stderr.log")?);
        let cgroup = order.cgroup.as_deref().and_then(|path| Cgroup::open(path).ok());
        Ok(Self { order, control, signals, stream, stderr, cgroup, feed: None })
    }

    /// Whatever fails on the way, nothing of the tree outlives its shim.
    fn run(mut self) -> io::Result<()> {
        let done = self.act();
        if done.is_err() {
            tree::end_descendants(self.cgroup.as_ref(), TREE_BUDGET, &mut |_, _| {});
            let _ = self.remove_group();
        }
        done
    }

    fn act(&mut self) -> io::Result<()> {
        ExitRecord::reserve(&self.order.log_dir)?;
        let (gate, theirs) = UnixStream::pair()?;
        let child = self.bear(&gate, &theirs)?;
        drop(theirs);
        // A supervisor that has gone does not hear the answer, and lets nobody go.
        let ready = Ready { shim: process::me(), child: child.clone(), in_cgroup: self.cgroup.is_some() };
        if self.answer(&ready).is_err() || !self.wait_for_go(&gate)? {
            drop(gate);
            return self.never_started();
        }
        let (started_at, started) = (Stamp::now(), Tick::now());
        if let Some(not_executed) = let_go(&gate)? {
            drop(gate);
            return self.not_executed(started_at, not_executed);
        }
        drop(gate);
        let end = self.watch(&child, started)?;
        self.conclude(end, started_at, started)
    }

    /// The agent-to-be: in its cgroup from birth, or in none, and then the subreaper alone holds the tree together.
    fn bear(&mut self, mine: &UnixStream, theirs: &UnixStream) -> io::Result<Identity> {
        let piped = self.order.prompt.as_deref().filter(|_| self.order.terms.pipe);
        // The shim's copy of the reading end goes with this function: who writes must see that nobody reads.
        let (feed, reader) = piped.map(Feed::of).transpose()?.unzip();
        let descriptors = Descriptors {
            pipe: reader.as_ref().map(AsFd::as_fd),
            stream: self.stream.as_fd(),
            stderr: self.stderr.as_fd(),
        };
        let life = || agent::live(&self.order, theirs, mine, &descriptors);
        let born = self.cgroup.as_ref().map(|group| birth::child(Some(group), life));
        let pid = match born {
            Some(Ok(pid)) => pid,
            not_born => {
                if let Some(Err(error)) = not_born {
                    refloat::emit::say(&format!("turn (shim): no cgroup for the agent: {error}"));
                }
                let pid = birth::child(None, life)?;
                self.remove_group()?;
                pid
            }
        };
        self.feed = feed;
        process::identity_of(pid)
    }

    fn answer(&mut self, ready: &Ready) -> io::Result<()> {
        let mut line = serde_json::to_vec(ready)?;
        line.push(b'\n');
        self.control.write_all(&line)
    }

    /// The byte from the supervisor; false if it is gone, or somebody wants the end first.
    fn wait_for_go(&mut self, gate: &UnixStream) -> io::Result<bool> {
        loop {
            let mut fds = [read_end(&self.control), read_end(&self.signals), read_end(gate)];
            if wait::until(&mut fds, Tick::now().plus(START_BUDGET))? == 0 {
                return Ok(false);
            }
            let [go, asked, ended] = fds.map(|fd| !fd.revents().is_empty());
            if go {
                let mut byte = [0];
                return Ok(self.control.read(&mut byte)? == 1 && byte[0] == GO);
            }
            if ended || (asked && self.signals.read()?.iter().any(|got| got.signal != Signal::SIGCHLD)) {
                return Ok(false);
            }
        }
    }

    /// Waits for the agent's end: by itself, by the ladder, or at the deadline. The end of a wrapper is not the agent's:
    /// as long as somebody of its tree has the stream as standard output, the turn goes on.
    fn watch(&mut self, child: &Identity, started: Tick) -> io::Result<End> {
        let mut ladder = Ladder::new(&self.order.terms, started);
        let mut wrapper: Option<ExitStatus> = None;
        let mut voices: Vec<Handle> = Vec::new();
        loop {
            let due = ladder.due();
            self.wait(&voices, due)?;
            let now = Tick::now();
            ladder.thaw(due, now);
            for received in self.signals.read()? {
                ladder.hear(received.signal, now);
            }
            let mut status = wrapper;
            let agents = |pid: i32, how: ExitStatus| Some(how).filter(|_| pid == child.pid);
            reap::ended(&mut |pid, how| status = status.or(agents(pid, how)))?;
            if self.order.terms.wrapper && status.is_some() {
                (wrapper, voices) = (status, tree::voices(&self.stream)?);
            }
            let alive = status.is_none() || !voices.is_empty();
            // Not to a group whose leader is reaped: its number may be another's.
            let target = if status.is_none() { Target::Group(child.pid) } else { Target::Each(&voices) };
            let kill = alive && ladder.climb(now, &target);
            if kill {
                let mut reaped = |pid, how| status = status.or(agents(pid, how));
                tree::end_descendants(self.cgroup.as_ref(), TREE_BUDGET, &mut reaped);
            }
            if !alive || kill {
                return Ok(End { status, by: ladder.ended_by(), frozen: ladder.frozen() });
            }
        }
    }

    /// Sleeps until a signal, the end of a voice, or the next thing to be done, and feeds the agent meanwhile.
    fn wait(&mut self, voices: &[Handle], due: Tick) -> io::Result<()> {
        let mut fds = vec![read_end(&self.signals)];
        fds.extend(voices.iter().map(read_end));
        if let Some(feed) = &self.feed {
            fds.push(PollFd::from_borrowed_fd(feed.as_fd(), PollFlags::OUT));
        }
        wait::until(&mut fds, due)?;
        let room = fds.last().is_some_and(|fd| !fd.revents().is_empty());
        if room && self.feed.as_mut().is_some_and(|feed| !feed.pour()) {
            self.feed = None;
        }
        Ok(())
    }

    /// Tells the end at once, ends what is left of the tree, tells the rest.
    fn conclude(&mut self, end: End, started_at: Stamp, started: Tick) -> io::Result<()> {
        let mut record = ExitRecord {
            started: true,
            code: end.status.and_then(|status| status.code()),
            signal: end.status.and_then(|status| status.signal()),
            ended_by: end.by,
            started_at: Some(started_at),
            duration_ms: millis(Tick::now().since(started)),
            frozen_ms: millis(end.frozen),
            stream_bytes: self.stream.metadata()?.len(),
            stderr_bytes: self.stderr.metadata()?.len(),
            ..self.blank()
        };
        let alone = matches!(reap::ended(&mut |_, _| {}), Ok(reap::Children::None));
        if !alone {
            // Worth a write of its own: a tree can take seconds to die, and we can be killed meanwhile.
            // A disk that does not take it keeps nothing alive.
            if let Err(error) = record.write(&self.order.log_dir) {
                refloat::emit::say(&format!("turn (shim): cannot write the exit record yet: {}", io_text(&error)));
            }
            let ended = tree::end_descendants(self.cgroup.as_ref(), TREE_BUDGET, &mut |_, _| {});
            record.children_killed = ended.killed;
            record.children_left = match ended.left.len() {
                0 if !ended.proven => 1,
                left => u32::try_from(left).unwrap_or(u32::MAX),
            };
            record.survivors = ended.left.iter().map(|one| format!("{} {}", one.identity.pid, one.name)).collect();
        }
        record.tree = Tree::Gone;
        self.write_final(record)
    }

    fn never_started(&mut self) -> io::Result<()> {
        tree::end_descendants(self.cgroup.as_ref(), TREE_BUDGET, &mut |_, _| {});
        self.write_final(ExitRecord { tree: Tree::Gone, ..self.blank() })
    }

    fn not_executed(&mut self, started_at: Stamp, why: NotExecuted) -> io::Result<()> {
        tree::end_descendants(self.cgroup.as_ref(), TREE_BUDGET, &mut |_, _| {});
        let record =
            ExitRecord { not_executed: Some(why), started_at: Some(started_at), tree: Tree::Gone, ..self.blank() };
        self.write_final(record)
    }

    fn write_final(&mut self, mut record: ExitRecord) -> io::Result<()> {
        let usage = reap::usage().unwrap_or_default();
        record.user_ms = millis(usage.user);
        record.system_ms = millis(usage.system);
        record.max_rss_kib = usage.max_rss_kib;
        // First to a living supervisor, which stores it while it is synced here, and to which it counts also where the
        // folder is gone or the disk full. If it is gone, nobody is told; if it does not read, nobody waits.
        let _ = self.control.set_write_timeout(Some(Duration::from_secs(1)));
        let _ = record.line().and_then(|line| self.control.write_all(&line));
        let written = record.write(&self.order.log_dir);
        self.remove_group().and(written)
    }

    fn remove_group(&mut self) -> io::Result<()> {
        self.cgroup.take().map_or(Ok(()), |group| group.remove(Duration::from_millis(500)))
    }

    fn blank(&self) -> ExitRecord {
        ExitRecord {
            v: 1,
            turn: self.order.terms.turn,
            started: false,
            not_executed: None,
            code: None,
            signal: None,
            ended_by: EndedBy::Agent,
            started_at: None,
            ended_at: Stamp::now(),
            duration_ms: 0,
            frozen_ms: 0,
            stream_bytes: 0,
            stderr_bytes: 0,
            tree: Tree::Ending,
            children_killed: 0,
            children_left: 0,
            survivors: Vec::new(),
            user_ms: 0,
            system_ms: 0,
            max_rss_kib: 0,
        }
    }
}

fn read_end(fd: &impl AsFd) -> PollFd<'_> {
    PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)
}

/// Lets the agent-to-be go, and hears what it says: nothing, and the end of file at its exec, or why there was none.
fn let_go(mut gate: &UnixStream) -> io::Result<Option<NotExecuted>> {
    let mut text = String::new();
    match gate.write_all(&[GO]).and_then(|()| gate.read_to_string(&mut text)) {
        // Killed before it took the byte. How it died is told as of any agent.
        Err(error) if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {
            return Ok(None);
        }
        said => drop(said?),
    }
    let mut letters = text.chars();
    Ok(letters.next().map(|kind| NotExecuted { not_found: kind == 'N', why: letters.collect() }))
}

/// A span as orders and exit records have it.
pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
