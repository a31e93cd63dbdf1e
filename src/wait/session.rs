//! Waiting for the end of a tmux session. tmux tells nobody, but the kernel does: the server's process, the process in a
//! pane and the pane's terminal all have an end that is noticed, and a session ends with the last of its panes. Where
//! one of them cannot be seen from here, tmux is asked every quarter of a second.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::{Condition, Look, Subject};
use crate::error::{Failure, IoContext, Result};
use crate::exit::Exit;
use crate::identity::Identity;
use crate::judge::seen::{self, Seen, SessionSeen};
use crate::judge::tmux::{Lost, Session as Says};
use crate::model::{Awaited, Observed, Reason, Sight, WaitEnd, WokenBy};
use crate::seam::process::{self, Handle};
use crate::seam::pty::Pty;
use crate::seam::tmux::{self, Answer, Pane, Snapshot};
use crate::sight;

/// Asking costs a process: with all notices set it is asked this seldom, for what they cannot tell (a pane that was
/// moved to another session).
const BACKSTOP: Duration = Duration::from_secs(30);

/// A session by its exact name or id (`$3`), or a pane by its id (`%7`).
pub struct Session {
    name: String,
    socket: Option<String>,
    found: Option<Found>,
    /// What tells of its end; none where something cannot be seen from here.
    signs: Option<Signs>,
    /// The look before this one.
    before: Option<Seen>,
}

/// What was listed once. Ids begin anew with each server.
struct Found {
    server: (i32, i64),
    process: Option<Identity>,
    what: What,
}

#[derive(Clone, PartialEq, Eq)]
enum What {
    Session(String, i64),
    Pane(String),
}

struct Signs {
    server: Handle,
    pane: String,
    /// None once it has ended: then its terminal is about to.
    process: Option<Handle>,
    terminal: Pty,
}

impl Signs {
    /// Of the first living pane whose end would be noticed from here.
    fn of(snapshot: &Snapshot, server: &Identity, panes: &[&Pane]) -> Option<Self> {
        panes.iter().find_map(|pane| {
            let process = snapshot.pane_process(pane)?;
            let signs = Self {
                server: Handle::open(server).ok()?,
                pane: pane.pane.clone(),
                process: Some(Handle::open(&process).ok()?),
                terminal: Pty::of(pane.pid).ok()??,
            };
            Some(signs)
        })
    }

    /// Whether the pane's process has ended since it was last asked. tmux may not know of it yet.
    fn has_news(&mut self) -> bool {
        let has_ended = |process: &Handle| process.ended(Duration::ZERO).unwrap_or(false);
        self.process.take_if(|process| has_ended(process)).is_some()
    }

    /// Whether the pane has ended, by its process or by its terminal.
    fn tell(&mut self) -> std::io::Result<bool> {
        Ok(self.has_news() || self.process.is_none() || self.terminal.is_gone()?)
    }
}

impl Session {
    /// A session or a pane of the server behind this socket.
    #[must_use]
    pub fn of(name: &str, socket: Option<&str>) -> Self {
        let (name, socket) = (name.to_owned(), socket.map(str::to_owned));
        Self { name, socket, found: None, signs: None, before: None }
    }

    fn server(&self) -> Option<Sight> {
        let process = self.found.as_ref().and_then(|found| found.process.as_ref());
        process.map(|process| sight::of_process(process::look(process)))
    }

    fn ask(&mut self, within: Duration) -> Says {
        match tmux::look(self.socket.as_deref(), within) {
            Answer::Listed(snapshot) => self.among(&snapshot),
            answer => sight::tmux::unlisted(&answer),
        }
    }

    fn among(&mut self, snapshot: &Snapshot) -> Says {
        if self.found.is_none() {
            self.found = self.first(snapshot);
        }
        let Some(found) = &self.found else { return Says::NotListed };
        if found.server != (snapshot.server.pid, snapshot.server.started) {
            return Says::Lost(Lost::OtherServer);
        }
        let ours: Vec<&Pane> = snapshot.panes.iter().filter(|pane| found.what.has(pane)).collect();
        let alive: Vec<&Pane> = ours.iter().copied().filter(|pane| pane.dead.is_none()).collect();
        match (ours.as_slice(), alive.as_slice()) {
            ([], _) => Says::NotListed,
            (_, []) => Says::PaneDead,
            (_, alive) => {
                let stays = |signs: &Signs| alive.iter().any(|pane| pane.pane == signs.pane);
                if !self.signs.as_ref().is_some_and(stays) {
                    self.signs = found.process.as_ref().and_then(|server| Signs::of(snapshot, server, alive));
                }
                Says::Listed
            }
        }
    }

    fn first(&self, snapshot: &Snapshot) -> Option<Found> {
        let is_pane = self.name.starts_with('%');
        let what = match is_pane {
            true => What::Pane(snapshot.panes.iter().find(|pane| pane.pane == self.name)?.pane.clone()),
            false => snapshot.session(&self.name).map(|pane| What::Session(pane.session.clone(), pane.created))?,
        };
        let server = (snapshot.server.pid, snapshot.server.started);
        Some(Found { server, process: snapshot.server_process(), what })
    }
}

impl What {
    fn has(&self, pane: &Pane) -> bool {
        match self {
            Self::Session(id, created) => pane.session == *id && pane.created == *created,
            Self::Pane(id) => pane.pane == *id,
        }
    }
}

impl Condition for Session {
    fn awaited(&self) -> Awaited {
        Awaited::TmuxGone
    }

    fn subject(&self) -> Subject {
        Subject::named(&self.name)
    }

    fn watch(&mut self) {}

    fn look(&mut self, within: Duration) -> Result<Look> {
        let server = self.server();
        let told = match &mut self.signs {
            Some(signs) => signs.tell().or_fail(|| format!("cannot look at tmux session {}", self.name))?,
            None => false,
        };
        // A terminal that has gone tells for ever: until tmux has named another pane it is asked now and then.
        self.signs.take_if(|signs| signs.terminal.is_gone().unwrap_or(true));
        let is_gone = server.is_some_and(|server| server.observed == Observed::Gone);
        let session = (!is_gone).then(|| self.ask(within));
        let of = |confirmed| SessionSeen { session, server, found: self.found.is_some(), confirmed };
        let once = seen::session(&of(told));
        let seen = if self.before == Some(once) { seen::session(&of(true)) } else { once };
        self.before = Some(once);
        Ok(seen.into())
    }

    fn notices(&self) -> Vec<(BorrowedFd<'_>, WokenBy)> {
        let fds = self.signs.iter().flat_map(|signs| {
            let process = signs.process.iter().map(AsFd::as_fd);
            process.chain([signs.server.as_fd(), signs.terminal.as_fd()])
        });
        fds.map(|fd| (fd, WokenBy::Notice)).collect()
    }

    fn is_noticed(&mut self) -> Result<bool> {
        let Some(signs) = &mut self.signs else { return Ok(true) };
        let told = signs.has_news() || signs.server.ended(Duration::ZERO).unwrap_or(true);
        Ok(told || signs.terminal.is_gone().or_fail(|| format!("cannot wait for tmux session {}", self.name))?)
    }

    fn is_deaf(&self) -> bool {
        self.signs.is_none()
    }

    fn backstop(&self) -> Duration {
        BACKSTOP
    }

    fn failure(&self, end: WaitEnd, reason: Reason) -> Failure {
        let name = &self.name;
        match end {
            WaitEnd::Unknown => {
                let failure = Failure::new(Exit::Unknown, format!("tmux session {name} cannot be looked at: {reason}"));
                let other_server = "another server: --socket NAME or PATH";
                if reason == Reason::NoSocket { failure.hint(other_server) } else { failure }
            }
            _ => Failure::busy(format!("tmux session {name} is not gone: {reason}")),
        }
    }
}
