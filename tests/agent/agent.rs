//! The agent: plays the steps, one after the other. Signals that the script catches are served in its waits
//! and between its steps.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{BufRead, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::signal::{SigSet, Signal, kill, raise};
use nix::unistd::{Pid, getppid, setpgid, setsid};
use rustix::fs::{FlockOperation, Mode, OFlags};

use crate::offspring::{self, launch};
use crate::signals::{die, next_of, set_of};
use crate::step::Step;
use crate::stream::{self, ended, put, put_line};
use crate::{notes, replay};

/// How often a file is looked for.
const LOOK: Duration = Duration::from_millis(5);
const SESSION: &str = "00000000-0000-4000-8000-00000000feed";

/// One process of a play.
pub(crate) struct Agent {
    /// What it was called with.
    pub(crate) args: Vec<String>,
    /// The second of `CLOCK_MONOTONIC` at which it ends in any case.
    pub(crate) end: u64,
    /// Variables for the processes it makes.
    pub(crate) environment: BTreeMap<String, String>,
    session: String,
    handlers: BTreeMap<Signal, Vec<Step>>,
}

impl Agent {
    pub(crate) fn new(args: Vec<String>, end: u64) -> Self {
        let session = session_asked_for(&args).unwrap_or_else(|| SESSION.into());
        Self { args, end, environment: BTreeMap::new(), session, handlers: BTreeMap::new() }
    }

    /// The names of the signals that the script catches.
    pub(crate) fn caught(&self) -> Vec<&'static str> {
        self.handlers.keys().map(|signal| signal.as_str()).collect()
    }

    /// Plays these steps.
    pub(crate) fn run(&mut self, steps: &[Step]) -> Result<()> {
        for step in steps {
            self.wait(Some(Instant::now()), &SigSet::empty())?;
            self.step(step).with_context(|| format!("{step:?}"))?;
        }
        Ok(())
    }

    /// Waits until then (for ever without) and serves caught signals meanwhile; one of `ending` ends the wait.
    pub(crate) fn wait(&mut self, until: Option<Instant>, ending: &SigSet) -> Result<Option<Signal>> {
        loop {
            let signals = self.handlers.keys().copied().chain(ending.iter()).collect();
            let Some(signal) = next_of(&signals, until)? else { return Ok(None) };
            if ending.contains(signal) {
                return Ok(Some(signal));
            }
            if let Some(steps) = self.handlers.get(&signal).cloned() {
                self.run(&steps)?;
            }
        }
    }

    fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Line(text) => put_line(text),
            Step::Raw(bytes) => put(bytes),
            Step::Err(text) => writeln!(std::io::stderr(), "{text}").or(Ok(())),
            Step::Init(session) => {
                if let Some(session) = session {
                    self.session.clone_from(session);
                }
                put_line(&stream::init(&self.session))
            }
            Step::Say(text) => put_line(&stream::assistant(&self.session, text)),
            Step::Result { text, is_error } => put_line(&stream::result(&self.session, text, *is_error)),
            Step::Flood(flood) => stream::flood(&self.session, *flood),
            Step::Long(bulk, bytes) => put(&ended(bulk.of(&self.session, bytes.saturating_sub(1))?)),
            Step::Replay { prefix, speed } => replay::play(self, prefix, *speed),
            Step::ReplayLate { prefix, speed, parent } => replay::play_late(self, prefix, *speed, *parent),
            Step::Sleep(time) => self.wait(Some(Instant::now() + *time), &SigSet::empty()).map(drop),
            Step::Exit(code) => std::process::exit(*code),
            Step::Die(signal) => die(*signal),
            Step::Hang => self.wait(None, &SigSet::empty()).map(drop),
            Step::On(signal, steps) => {
                self.handlers.insert(*signal, steps.clone());
                Ok(SigSet::from(*signal).thread_block()?)
            }
            Step::Ignore(signals) => Ok(set_of(signals).thread_block()?),
            Step::Default(signals) => {
                self.handlers.retain(|signal, _| !signals.contains(signal));
                Ok(set_of(signals).thread_unblock()?)
            }
            Step::Repeat(times, steps) => (0..*times).try_for_each(|_| self.run(steps)),
            Step::StopSelf => Ok(raise(Signal::SIGSTOP)?),
            Step::CloseStdin => close(0),
            Step::CloseStdout => close(1),
            Step::CloseStderr => close(2),
            Step::CloseAll => close_all(),
            Step::WaitFile(file) => self.wait_file(file),
            Step::Touch(file) => append(file, ""),
            Step::Write(file, text) => notes::place(file, format!("{text}\n").as_bytes()),
            Step::Append(file, text) => append(file, &format!("{text}\n")),
            Step::Record(note, file) => notes::record(*note, &self.args, file),
            Step::ReadStdin => Ok(std::io::stdin().read_to_end(&mut Vec::new()).map(drop)?),
            Step::ReadLine => Ok(std::io::stdin().lock().read_line(&mut String::new()).map(drop)?),
            Step::Hold(file) => hold(file),
            Step::Fifo(file) => fifo(file),
            Step::LeakFds(count) => (0..*count).try_for_each(|_| leak("/dev/null".as_ref(), OFlags::RDONLY)),
            Step::Setenv(name, value) => {
                self.environment.insert(name.clone(), value.clone());
                Ok(())
            }
            Step::Chdir(folder) => Ok(std::env::set_current_dir(folder)?),
            Step::Run(line) => offspring::run(self, line),
            Step::Exec(line) => offspring::exec(self, line),
            Step::Setsid => Ok(setsid().map(drop)?),
            Step::Setpgid => Ok(setpgid(Pid::from_raw(0), Pid::from_raw(0))?),
            Step::Subreaper => Ok(nix::sys::prctl::set_child_subreaper(true)?),
            Step::Ready => ready(),
            Step::Spawn { kinds, steps } => offspring::spawn(self, kinds, steps),
            Step::ForkBurst(count) => (0..*count).try_for_each(|_| launch(self, &["hang"])),
            Step::ForkStorm { count, per_second } => self.fork_storm(*count, *per_second),
            Step::ForkChain(links) => launch(self, &[&format!("fork-link {links}")]),
            Step::ForkLink(left) => self.fork_link(*left),
            Step::Exponential(depth) => self.exponential(*depth),
            Step::KillGroup => Ok(kill(Pid::from_raw(0), Signal::SIGKILL)?),
            Step::KillParent => Ok(kill(getppid(), Signal::SIGKILL)?),
            Step::Zoo(member) => self.run(&Step::parse_all(&member.steps()?)?),
        }
    }

    fn wait_file(&mut self, file: &Path) -> Result<()> {
        while !file.exists() {
            self.wait(Some(Instant::now() + LOOK), &SigSet::empty())?;
        }
        Ok(())
    }

    fn fork_storm(&mut self, count: usize, per_second: u32) -> Result<()> {
        let start = Instant::now();
        for nth in 0..u32::try_from(count)? {
            self.wait(Some(start + Duration::from_secs(1) * nth / per_second), &SigSet::empty())?;
            launch(self, &["hang"])?;
        }
        Ok(())
    }

    /// Makes the next link and goes; the last one stays, as proof that nobody caught the chain.
    fn fork_link(&mut self, left: usize) -> Result<()> {
        if left == 0 {
            return self.step(&Step::Hang);
        }
        launch(self, &[&format!("fork-link {}", left - 1)])?;
        self.step(&Step::Exit(0))
    }

    fn exponential(&self, depth: u32) -> Result<()> {
        if depth == 0 {
            return Ok(());
        }
        let child = format!("exponential {}", depth - 1);
        launch(self, &[&child, "hang"])?;
        launch(self, &[&child, "hang"])
    }
}

/// As claude does, so that a resumed turn shows the id that it was called with.
fn session_asked_for(args: &[String]) -> Option<String> {
    let at = args.iter().position(|arg| arg == "--session-id" || arg == "--resume" || arg == "-r")?;
    args.get(at + 1).cloned()
}

/// Closes by number, whoever owns it: nothing here uses a descriptor afterwards without asking whether it is open.
fn close(number: i32) -> Result<()> {
    nix::unistd::close(number).with_context(|| format!("close {number}"))
}

/// Descriptor 0 last: whoever waits on it may count on the others being closed.
fn close_all() -> Result<()> {
    let mut numbers = notes::open_fds()?;
    numbers.sort_unstable_by(|one, other| other.cmp(one));
    numbers.into_iter().try_for_each(close)
}

/// The descriptor of stdin was the pipe that the parent waits on.
fn ready() -> Result<()> {
    let null = std::fs::File::open("/dev/null").context("open /dev/null")?;
    rustix::stdio::dup2_stdin(&null).context("replace stdin")
}

fn append(file: &Path, text: &str) -> Result<()> {
    let opened = OpenOptions::new().append(true).create(true).open(file);
    Ok(opened.and_then(|mut file| file.write_all(text.as_bytes()))?)
}

/// Opens without close-on-exec, and for good: this process and all that it makes from now on have it.
fn open_for_all(file: &Path, flags: OFlags) -> Result<std::os::fd::BorrowedFd<'static>> {
    let fd = rustix::fs::open(file, flags, Mode::from(0o600)).with_context(|| format!("open {}", file.display()))?;
    Ok(std::os::fd::AsFd::as_fd(Box::leak(Box::new(fd))))
}

fn leak(file: &Path, flags: OFlags) -> Result<()> {
    open_for_all(file, flags).map(drop)
}

fn hold(file: &Path) -> Result<()> {
    let fd = open_for_all(file, OFlags::RDWR | OFlags::CREATE)?;
    rustix::fs::flock(fd, FlockOperation::LockShared).context("lock it")
}

/// Opens the FIFO (and waits for its reader), and writes a line so that the reader sees that somebody is there.
fn fifo(file: &Path) -> Result<()> {
    let fd = open_for_all(file, OFlags::WRONLY)?;
    let line = format!("{}\n", std::process::id());
    rustix::io::write(fd, line.as_bytes()).map(drop).context("write to the FIFO")
}
