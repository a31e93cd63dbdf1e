//! Waiting for the end of a process, on its pidfd: the kernel tells it the moment the last thread has ended.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::{Condition, Look, Subject};
use crate::error::{Failure, IoContext, Result};
use crate::exit::Exit;
use crate::identity::{Identity, Named};
use crate::judge::seen;
use crate::model::{Awaited, Reason, Sight, WaitEnd, WokenBy};
use crate::seam::process::{Death, Handle, Life, Place};
use crate::sight;

/// Which process.
enum Who {
    /// Whoever has this number at the first look.
    Number(i32),
    /// This one and no other.
    Identity(Identity),
}

impl From<&Named> for Who {
    fn from(named: &Named) -> Self {
        match named {
            Named::Pid(pid) => Self::Number(*pid),
            Named::Started { pid, start_ticks } => Self::Identity(Place::here().identity(*pid, *start_ticks)),
            Named::Identity(identity) => Self::Identity(identity.clone()),
        }
    }
}

/// The end of a process. A zombie has ended; a stopped process has not.
pub struct Process {
    name: String,
    who: Who,
    held: Option<Handle>,
}

impl Process {
    /// The end of this process, called so.
    #[must_use]
    pub fn of(who: &Named, name: &str) -> Self {
        Self { name: name.to_owned(), who: who.into(), held: None }
    }

    fn open(&self) -> Result<Handle, Life> {
        match &self.who {
            Who::Number(pid) => Handle::of_number(*pid),
            Who::Identity(identity) => Handle::open(identity),
        }
    }

    /// Who holds a pidfd holds the number too: what is opened now is still the process that was opened first.
    fn sight(&mut self) -> Result<Sight> {
        let now = self.open();
        let Some(held) = &self.held else {
            return Ok(match now {
                Ok(handle) => alive(self.held.insert(handle)),
                Err(life) => sight::of_process(life),
            });
        };
        let has_ended = held.ended(Duration::ZERO).or_fail(|| format!("cannot look at process {}", self.name))?;
        Ok(match now {
            Err(Life::Dead(Death::Zombie)) if has_ended => Sight::gone(Reason::Zombie),
            _ if has_ended => Sight::gone(Reason::NoSuchProcess),
            Ok(now) => alive(&now),
            Err(_) => alive(held),
        })
    }
}

const fn alive(process: &Handle) -> Sight {
    Sight::alive(if process.is_stopped() { Reason::Stopped } else { Reason::Running })
}

impl Condition for Process {
    fn awaited(&self) -> Awaited {
        Awaited::PidExit
    }

    fn subject(&self) -> Subject {
        Subject::named(&self.name)
    }

    fn watch(&mut self) {}

    fn look(&mut self, _within: Duration) -> Result<Look> {
        self.sight().map(|sight| seen::exit(sight).into())
    }

    fn notices(&self) -> Vec<(BorrowedFd<'_>, WokenBy)> {
        self.held.iter().map(|handle| (handle.as_fd(), WokenBy::Notice)).collect()
    }

    fn is_noticed(&mut self) -> Result<bool> {
        Ok(true)
    }

    fn is_deaf(&self) -> bool {
        self.held.is_none()
    }

    fn failure(&self, end: WaitEnd, reason: Reason) -> Failure {
        match end {
            WaitEnd::Unknown => {
                Failure::new(Exit::Unknown, format!("process {} cannot be seen from here: {reason}", self.name))
            }
            _ => Failure::busy(format!("process {} has not ended: {reason}", self.name)),
        }
    }
}
