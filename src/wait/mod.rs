//! The one way to wait for something outside: set the watches, look, then sleep until the kernel tells or a clock runs out,
//! and look again. Called by `mail wait` and `probe wait`. It writes nothing but the record of its end, and holds
//! nothing while it sleeps that others may need for themselves.

mod bell;
mod clock;
mod file;
mod mail;
mod process;
mod recall;
mod session;
mod work;

pub use file::{File, FileAwaited};
pub use mail::Mail;
pub use process::Process;
pub use session::Session;
pub use work::{Work, WorkAwaited};

use std::os::fd::BorrowedFd;
use std::time::Duration;

use crate::cli::Context;
use crate::clock::{Tick, millis};
use crate::error::{Failure, IoContext, Result};
use crate::exit::Exit;
use crate::id::{MailId, RunId, TurnId};
use crate::judge::seen::Seen;
use crate::model::{Awaited, Reason, RunState, WaitEnd, WokenBy};
use crate::record::WaitEnded;
use crate::seam::tmux;
use crate::seam::wait::{self, PollFd, PollFlags};
use clock::Clock;

/// A commit whose writer died before it rang, a notice that never came: seen after so long.
const BACKSTOP: Duration = Duration::from_secs(5);
/// Between two looks where the kernel gives no notices.
const POLL: Duration = Duration::from_millis(250);
/// Between two looks that have to agree.
const SECOND_LOOK: Duration = Duration::from_millis(200);

/// What one look finds.
#[derive(Clone, Copy)]
pub struct Look {
    seen: Seen,
    /// It is not so yet, but at the latest after this long it may be.
    due: Option<Duration>,
}

impl From<Seen> for Look {
    fn from(seen: Seen) -> Self {
        Self { seen, due: None }
    }
}

/// What is known of the subject, for the record.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    name: String,
    lossy: bool,
    agent: Option<String>,
    run: Option<RunId>,
    turn: Option<TurnId>,
    mail: Option<MailId>,
    state: Option<RunState>,
}

impl Subject {
    fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

/// Something that can be waited for.
pub trait Condition {
    /// Which condition it is.
    fn awaited(&self) -> Awaited;
    /// What is known of its subject by now.
    fn subject(&self) -> Subject;
    /// Sets the watches that are not set, before each look: what happens after the look is then noticed.
    fn watch(&mut self);
    /// Looks once. A program that is asked may take so long.
    ///
    /// # Errors
    /// What keeps it from ever being so: no such run (66), and failures of the state file.
    fn look(&mut self, within: Duration) -> Result<Look>;
    /// What becomes readable when it is worth another look, and how that is called.
    fn notices(&self) -> Vec<(BorrowedFd<'_>, WokenBy)>;
    /// Takes the notices that have come; false if they were of something else, and another look is not worth it.
    ///
    /// # Errors
    /// What reading them gives.
    fn is_noticed(&mut self) -> Result<bool>;
    /// Whether the kernel does not tell everything: then only looking helps.
    fn is_deaf(&self) -> bool;
    /// How long it may be trusted to tell.
    fn backstop(&self) -> Duration {
        BACKSTOP
    }
    /// What the caller is told when it ends without being so.
    fn failure(&self, end: WaitEnd, reason: Reason) -> Failure;
}

/// Waits, prints the record of the end, and gives the exit code.
///
/// # Errors
/// 75 at the timeout, 76 when the agent is stopped, 69 when it can never be told; those of the condition.
pub fn run(cx: &mut Context, condition: &mut dyn Condition, limit: Option<Duration>) -> Result<Exit> {
    let mut waiter = Waiter { condition, clock: Clock::start(limit), woken_by: None, looks: 0, polled: false };
    let (outcome, reason) = waiter.wait()?;
    let ended = waiter.ended(outcome, reason);
    cx.out.emit(&ended)?;
    match outcome {
        WaitEnd::Met => Ok(Exit::Done),
        _ => Err(condition.failure(outcome, reason)),
    }
}

struct Waiter<'c> {
    condition: &'c mut dyn Condition,
    clock: Clock,
    woken_by: Option<WokenBy>,
    looks: i64,
    polled: bool,
}

impl Waiter<'_> {
    fn wait(&mut self) -> Result<(WaitEnd, Reason)> {
        loop {
            self.condition.watch();
            self.looks += 1;
            let Look { seen, due } = self.condition.look(self.within())?;
            let (reason, unclear) = match seen {
                Seen::Met(reason) => return Ok((WaitEnd::Met, reason)),
                Seen::Never(reason) => return Ok((WaitEnd::Unknown, reason)),
                Seen::Barred(reason) => return Ok((WaitEnd::Stopped, reason)),
                // A part of this look, whatever woke it and however late it is.
                Seen::Again(_) => {
                    wait::pause(SECOND_LOOK);
                    continue;
                }
                Seen::NotYet(reason) => (reason, false),
                Seen::Unclear(reason) => (reason, true),
            };
            if self.clock.is_over() {
                self.woken_by = None;
                return Ok((WaitEnd::Timeout, reason));
            }
            self.sleep(due, unclear)?;
        }
    }

    /// The first look has its full time, also where there is no time to wait.
    fn within(&self) -> Duration {
        if self.looks == 1 { tmux::TIMEOUT } else { self.clock.at_most(tmux::TIMEOUT).max(POLL) }
    }

    /// Until there is a notice or the first of the clocks runs out.
    fn sleep(&mut self, due: Option<Duration>, unclear: bool) -> Result<()> {
        let deaf = unclear || self.condition.is_deaf();
        let (look, by) = if deaf { (POLL, WokenBy::Poll) } else { (self.condition.backstop(), WokenBy::Backstop) };
        let (look, by) = match due.filter(|due| *due < look) {
            // A stored time has whole milliseconds: one more, and it has passed.
            Some(due) => (due + Duration::from_millis(1), WokenBy::Lease),
            None => (look, by),
        };
        let until = Tick::now().plus(self.clock.at_most(look));
        let notice = self.notice(until)?;
        self.polled |= deaf && notice.is_none();
        self.woken_by = Some(notice.unwrap_or(by));
        Ok(())
    }

    /// What tells before `until`; none: nothing did.
    fn notice(&mut self, until: Tick) -> Result<Option<WokenBy>> {
        let what = || "cannot wait".to_owned();
        loop {
            let notices = self.condition.notices();
            let mut fds: Vec<PollFd<'_>> =
                notices.iter().map(|(fd, _)| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
            if wait::until(&mut fds, until).or_fail(what)? == 0 {
                return Ok(None);
            }
            let first = fds.iter().zip(&notices).find(|(fd, _)| !fd.revents().is_empty());
            let by = first.map_or(WokenBy::Notice, |(_, (_, by))| *by);
            if self.condition.is_noticed()? {
                return Ok(Some(by));
            }
        }
    }

    fn ended(&self, outcome: WaitEnd, reason: Reason) -> WaitEnded {
        let subject = self.condition.subject();
        WaitEnded {
            condition: self.condition.awaited(),
            subject: subject.name,
            subject_lossy: subject.lossy,
            agent: subject.agent,
            run: subject.run,
            turn: subject.turn,
            mail: subject.mail,
            state: subject.state,
            outcome,
            reason,
            woken_by: self.woken_by,
            polled: self.polled,
            waited_ms: millis(self.clock.waited()),
            looks: self.looks,
        }
    }
}
