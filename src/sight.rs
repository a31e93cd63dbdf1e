//! Looks at adopted workers with the instruments and lets `judge` conclude. Called by the commands that show one, go on
//! after one, or wait for one to come; it writes nothing, and asks each tmux server once.

pub mod markers;
pub mod marks;
pub mod tmux;

use std::cell::OnceCell;
use std::collections::HashMap;

use crate::clock::Moment;
use crate::identity::Identity;
use crate::judge::tmux::{Lost, Session};
use crate::judge::worker::{Findings, observe};
use crate::model::{FoundSession, Observed, Reason, Sight, TmuxSession, Worker};
use crate::seam::process::{self, Death, Doubt, Life};
use crate::seam::tmux::{self as seam, Answer, Pane, PaneEnd, Snapshot};
use crate::seam::wait;

/// Between two looks that have to agree.
pub const SECOND_LOOK: std::time::Duration = std::time::Duration::from_millis(200);

/// One look at any number of workers. It asks nobody anything before there is one to look at.
#[derive(Debug, Default)]
pub struct Looker {
    now: OnceCell<Moment>,
    answers: HashMap<Option<String>, Answer>,
}

/// A worker, part by part.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// What was found of each.
    pub findings: Findings,
    /// What follows from them.
    pub sight: Sight,
    /// How the process of its pane ended.
    pub end: End,
}

/// What tmux tells of how the process of a pane ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It has ended so.
    Told(PaneEnd),
    /// The pane is there, and tmux has not asked for the end of its process yet: the kernel is the first to know.
    ToCome,
    /// tmux did not answer in time, and may know it.
    Unanswered,
    /// There is nothing to tell.
    Nothing,
}

impl End {
    /// The end, where it is told.
    #[must_use]
    pub const fn told(self) -> Option<PaneEnd> {
        if let Self::Told(end) = self { Some(end) } else { None }
    }

    /// tmux 3.3a now and then misses the end of a child: its pane is dead then and tells nothing, and the kernel still can.
    const fn of_wait(status: i32) -> Self {
        let (code, signal) = ((status >> 8) & 0xff, status & 0x7f);
        Self::Told(match signal {
            0 => PaneEnd { status: Some(code), signal: None, at: None },
            signal => PaneEnd { status: None, signal: Some(signal), at: None },
        })
    }

    fn of(pane: Option<&Pane>) -> Self {
        match pane.map(|pane| pane.dead) {
            Some(Some(end)) if end.status.is_some() || end.signal.is_some() => Self::Told(end),
            Some(_) => Self::ToCome,
            None => Self::Nothing,
        }
    }
}

impl Parts {
    /// Whether it is gone by the word of tmux alone, which has to be said twice.
    #[must_use]
    pub fn is_gone_by_tmux_alone(&self) -> bool {
        is_gone_by_tmux(self.sight, &self.findings)
    }

    /// Whether it is gone, and tmux may have more to tell of how it ended.
    #[must_use]
    pub fn has_end_to_come(&self) -> bool {
        self.sight.observed == Observed::Gone && matches!(self.end, End::ToCome | End::Unanswered)
    }
}

fn is_gone_by_tmux(sight: Sight, findings: &Findings) -> bool {
    sight.observed == Observed::Gone && findings.process != Some(sight)
}

/// What two looks say together: those that do not agree say nothing.
#[must_use]
pub fn agreed(first: Sight, again: Sight) -> Sight {
    if first == again { first } else { Sight::unknown(Reason::Restless) }
}

/// A session that has come, and its first pane's process.
#[derive(Clone, Debug)]
pub struct Found {
    /// The session.
    pub session: TmuxSession,
    /// The process, where it can be looked at from here.
    pub process: Option<Identity>,
}

impl Looker {
    /// When it looks.
    #[must_use]
    pub fn now(&self) -> &Moment {
        self.now.get_or_init(|| Moment::now(&process::me()))
    }

    /// Whether a worker is there. tmux is asked only where the process does not tell.
    pub fn look(&mut self, worker: &Worker) -> Sight {
        observe(&self.findings(worker))
    }

    fn findings(&mut self, worker: &Worker) -> Findings {
        let process = worker.process.as_ref().map(at_process);
        let decided = process.is_some_and(|sight| sight.observed != Observed::Unknown);
        self.beside(process, worker.tmux.as_ref().filter(|_| !decided), worker)
    }

    /// A worker part by part. tmux is asked whatever the process tells.
    pub fn look_closely(&mut self, worker: &Worker) -> Parts {
        let findings = self.beside(worker.process.as_ref().map(at_process), worker.tmux.as_ref(), worker);
        Parts { sight: observe(&findings), findings, end: self.end_of(worker, findings.server) }
    }

    /// What is found of a process, and of the session beside it, where that is asked for.
    fn beside(&mut self, process: Option<Sight>, session: Option<&TmuxSession>, worker: &Worker) -> Findings {
        let found = session.and_then(|session| session.found.as_ref());
        Findings {
            process,
            session: session.map(|session| self.at_session(session)),
            server: found.and_then(|found| found.server.as_ref()).map(at_process),
            found: worker.is_found(),
            launching: worker.is_launching(self.now()),
        }
    }

    /// How the process of a worker's pane ended; that of a program that was put into the pane since is not its end.
    fn end_of(&mut self, worker: &Worker, server: Option<Sight>) -> End {
        let Some(session) = &worker.tmux else { return End::Nothing };
        let server_is_gone = server.is_some_and(|server| server.observed == Observed::Gone);
        match (self.ask(session.socket.as_deref()), &session.found) {
            (Answer::Listed(snapshot), Some(found)) => {
                let pane = pane_of(snapshot, found).filter(|pane| pane.pid == found.pane_pid);
                let kernel = || worker.process.as_ref().filter(|_| pane.is_some_and(|pane| pane.dead.is_some()));
                match End::of(pane) {
                    End::ToCome => kernel().and_then(process::wait_status).map_or(End::ToCome, End::of_wait),
                    told => told,
                }
            }
            (Answer::Listed(snapshot), None) => End::of(snapshot.session(&session.asked)),
            (Answer::Failed { failing: Reason::Timeout, .. }, Some(_)) if !server_is_gone => End::Unanswered,
            _ => End::Nothing,
        }
    }

    /// The session of a worker that was not there yet, if it has come.
    pub fn find(&mut self, worker: &Worker) -> Option<Found> {
        let session = worker.tmux.as_ref().filter(|_| !worker.is_found())?;
        match self.ask(session.socket.as_deref()) {
            Answer::Listed(snapshot) => found(snapshot, &session.asked),
            _ => None,
        }
    }

    fn at_session(&mut self, session: &TmuxSession) -> Session {
        match self.ask(session.socket.as_deref()) {
            Answer::Listed(snapshot) => match &session.found {
                Some(found) => among(snapshot, found),
                None => tmux::listed(snapshot.session(&session.asked).into_iter()),
            },
            answer => tmux::unlisted(answer),
        }
    }

    fn ask(&mut self, socket: Option<&str>) -> &Answer {
        let answer = || seam::look(socket, seam::TIMEOUT);
        self.answers.entry(socket.map(str::to_owned)).or_insert_with(answer)
    }
}

/// Whether a worker is gone, looked at so that something may be started in its place: what tmux alone says has to be
/// said twice.
#[must_use]
pub fn look_twice(worker: &Worker) -> Sight {
    let findings = Looker::default().findings(worker);
    let first = observe(&findings);
    if !is_gone_by_tmux(first, &findings) {
        return first;
    }
    wait::pause(SECOND_LOOK);
    agreed(first, Looker::default().look(worker))
}

/// What is recorded of a session that a snapshot lists.
#[must_use]
pub fn found(snapshot: &Snapshot, asked: &str) -> Option<Found> {
    let pane = snapshot.session(asked).filter(|pane| pane.dead.is_none())?;
    let server = &snapshot.server;
    let found = FoundSession {
        session: pane.session.clone(),
        created: pane.created,
        name: pane.name.clone(),
        pane: pane.pane.clone(),
        pane_pid: pane.pid,
        server_pid: server.pid,
        server_started: server.started,
        server: snapshot.server_process(),
    };
    let session = TmuxSession { asked: asked.to_owned(), socket: Some(server.socket.clone()), found: Some(found) };
    Some(Found { session, process: snapshot.pane_process(pane) })
}

/// What became of a session that was seen. Ids begin anew with each server, so the server has to be the same.
fn among(snapshot: &Snapshot, found: &FoundSession) -> Session {
    match is_of(snapshot, found) {
        false => Session::Lost(Lost::OtherServer),
        true => tmux::listed(pane_of(snapshot, found).into_iter()),
    }
}

fn is_of(snapshot: &Snapshot, found: &FoundSession) -> bool {
    let server = &snapshot.server;
    (server.pid, server.started) == (found.server_pid, found.server_started)
}

/// The recorded pane, as the recorded server lists it. Several sessions may show it, and it may have been moved to another one.
fn pane_of<'s>(snapshot: &'s Snapshot, found: &FoundSession) -> Option<&'s Pane> {
    let ours = |pane: &&Pane| {
        let same_session = pane.session == found.session && pane.created == found.created;
        pane.pane == found.pane && (same_session || (pane.session != found.session && pane.pid == found.pane_pid))
    };
    snapshot.panes.iter().filter(|_| is_of(snapshot, found)).find(ours)
}

/// Whether a recorded process lives.
#[must_use]
pub fn at_process(who: &Identity) -> Sight {
    of_process(process::look(who))
}

/// What a look at a process says.
#[must_use]
pub const fn of_process(life: Life) -> Sight {
    match life {
        Life::Alive { stopped: false } => Sight::alive(Reason::Running),
        Life::Alive { stopped: true } => Sight::alive(Reason::Stopped),
        Life::Dead(death) => Sight::gone(why_dead(death)),
        Life::Unknown(doubt) => Sight::unknown(why_in_doubt(doubt)),
    }
}

const fn why_dead(death: Death) -> Reason {
    match death {
        Death::NoSuchProcess => Reason::NoSuchProcess,
        Death::PidReused => Reason::PidReused,
        Death::Zombie => Reason::Zombie,
        Death::Rebooted => Reason::Rebooted,
    }
}

/// Why nothing was found out, as a finding says it.
#[must_use]
pub const fn why_in_doubt(doubt: Doubt) -> Reason {
    match doubt {
        Doubt::OtherBoot => Reason::OtherBoot,
        Doubt::OtherNamespace => Reason::OtherNamespace,
        Doubt::OtherHost => Reason::OtherHost,
        Doubt::OwnIdentity => Reason::OwnIdentityUnknown,
        Doubt::ForeignProc => Reason::ForeignProc,
        Doubt::Hidden => Reason::Hidden,
        Doubt::NoDescriptors => Reason::NoDescriptors,
        Doubt::NotSupported => Reason::NotSupported,
        Doubt::LookFailed => Reason::LookFailed,
        Doubt::Restless => Reason::Restless,
        Doubt::StartUnknown => Reason::StartUnknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_an_instrument_is_the_same_word_in_a_finding() {
        let deaths = Death::ALL.iter().map(|death| (death.word(), why_dead(*death)));
        let doubts = Doubt::ALL.iter().map(|doubt| (doubt.word(), why_in_doubt(*doubt)));
        for (word, why) in deaths.chain(doubts) {
            assert_eq!(word, why.word());
        }
    }
}
