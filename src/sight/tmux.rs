//! A tmux server looked at, and what is concluded of it and of all on it. Called by `probe`, and by the look at adopted
//! workers; one look answers for every session that is asked for.

use std::time::Duration;

use super::{SECOND_LOOK, at_process, of_process};
use crate::identity::Identity;
use crate::judge::tmux::{Lost, Server, Session, of_server, of_session, second_decides};
use crate::model::{Finding, Meaning, Reason, Sight};
use crate::seam::tmux::{self, Answer, InPane, Pane, Snapshot};
use crate::seam::wait;

/// Which server is asked, and how.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The path or name of its socket; none: the user's own.
    pub socket: Option<&'a str>,
    /// How long tmux may take for each look.
    pub within: Duration,
    /// How many looks there may be.
    pub looks: i64,
    /// The server's process, where it was recorded.
    pub server: Option<&'a Identity>,
}

/// A server that was looked at.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What tmux said, in the last look.
    pub answer: Answer,
    /// How many looks agree with that.
    pub looks: i64,
    /// What was found of the recorded process.
    pub recorded: Option<Sight>,
    said: Server,
}

/// Looks at a server: once, and once more where a second look that agrees would decide.
#[must_use]
pub fn look(ask: Ask<'_>) -> Seen {
    let first = look_once(ask);
    if ask.looks < 2 || !second_decides(first.said, first.recorded) {
        return first;
    }
    wait::pause(SECOND_LOOK);
    let second = look_once(ask);
    let looks = if second.said == first.said { 2 } else { 1 };
    Seen { looks, ..second }
}

fn look_once(ask: Ask<'_>) -> Seen {
    let answer = tmux::look(ask.socket, ask.within);
    let other = |snapshot: &Snapshot| ask.server.is_some_and(|meant| snapshot.server_process().as_ref() != Some(meant));
    let said = match &answer {
        Answer::Listed(snapshot) if other(snapshot) => Server::Lost(Lost::OtherServer),
        answer => answered(answer),
    };
    Seen { answer, looks: 1, recorded: ask.server.map(at_process), said }
}

/// What any server said that has this socket.
pub(super) const fn answered(answer: &Answer) -> Server {
    match answer {
        Answer::Listed(_) | Answer::NotFound => Server::Answered,
        Answer::Empty => Server::Empty,
        Answer::NoServer { .. } => Server::Lost(Lost::NoServer),
        Answer::NoSocket { .. } => Server::Lost(Lost::NoSocket),
        Answer::Failed { failing, .. } => Server::Lost(Lost::Failed(*failing)),
    }
}

/// What a server has that answered without a list.
pub(crate) const fn unlisted(answer: &Answer) -> Session {
    match answered(answer) {
        Server::Lost(lost) => Session::Lost(lost),
        Server::Answered => Session::NotFound,
        Server::Empty => Session::NotListed,
    }
}

/// What tmux says of these panes of a session.
pub(super) fn listed<'p>(mut panes: impl Iterator<Item = &'p Pane>) -> Session {
    let Some(first) = panes.next() else { return Session::NotListed };
    if first.dead.is_some() && panes.all(|pane| pane.dead.is_some()) { Session::PaneDead } else { Session::Listed }
}

impl Seen {
    /// Whether the server lives.
    #[must_use]
    pub fn server(&self) -> Finding {
        of_server(self.said, self.recorded, self.looks)
    }

    /// What the server has, if the one that is meant has answered.
    #[must_use]
    pub const fn snapshot(&self) -> Option<&Snapshot> {
        match (&self.answer, self.said) {
            (Answer::Listed(snapshot), Server::Answered) => Some(snapshot),
            _ => None,
        }
    }

    /// Whether a finding of a session is that of its server, which did not answer.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        matches!(self.said, Server::Lost(_))
    }

    /// Whether a session or pane is there, by these panes of the snapshot: none, it is not listed.
    #[must_use]
    pub fn session<'p>(&self, panes: impl Iterator<Item = &'p Pane>) -> Finding {
        let said = match (&self.answer, self.said) {
            (_, Server::Lost(lost)) => Session::Lost(lost),
            (Answer::Listed(_), _) => listed(panes),
            (answer, _) => unlisted(answer),
        };
        of_session(said, self.recorded, self.looks)
    }
}

/// What is concluded of the process in a pane; `found` is none where none here is believed to be it.
#[must_use]
pub fn in_pane(pane: &Pane, found: Option<&InPane>) -> Finding {
    match (pane.dead, found) {
        (Some(_), _) => Finding::no(Meaning::Dead, Reason::PaneDead),
        (None, Some(found)) => of_process(found.life).into(),
        (None, None) => Finding::unknown(Reason::NotAChild),
    }
}
