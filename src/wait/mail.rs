//! Waiting for mail that a turn could take now.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::time::Duration;

use super::bell::Bell;
use super::recall::{Missing, Recall};
use super::{Condition, Look, Subject};
use crate::clock::Stamp;
use crate::error::{Failure, Result};
use crate::id::MailId;
use crate::judge::seen::Seen;
use crate::judge::wait::{Held, held};
use crate::lock::TurnLock;
use crate::model::{Awaited, FoundMark, Reason, Run, WaitEnd, WokenBy};
use crate::seam::process::{self, Handle};
use crate::sight::marks::holding;
use crate::state::mail::claim;
use crate::state::{Place, View, agent, mark, run, turn};

/// Mail for an agent that a turn in this folder could take. Its state file may come later; while it sleeps nothing of it
/// is open.
pub struct Mail {
    agent: String,
    folder: PathBuf,
    place: Place,
    bell: Bell,
    recorded: Recall<Recorded>,
    mail: Option<MailId>,
    /// Those that the marks which hold the agent die with.
    owners: Vec<Handle>,
}

impl Mail {
    /// Mail for this agent.
    #[must_use]
    pub fn of(agent: String, folder: PathBuf, place: Place) -> Self {
        let bell = Bell::new(&place);
        Self { agent, folder, bell, place, recorded: Recall::default(), mail: None, owners: Vec::new() }
    }
}

fn owners(holds: &[FoundMark]) -> Vec<Handle> {
    holds.iter().flatten().filter_map(|mark| Handle::open(mark.owner.as_ref()?).ok()).collect()
}

impl Condition for Mail {
    fn awaited(&self) -> Awaited {
        Awaited::Mail
    }

    fn subject(&self) -> Subject {
        Subject { agent: Some(self.agent.clone()), mail: self.mail, ..Subject::named(&self.agent) }
    }

    fn watch(&mut self) {
        self.bell.arm();
    }

    fn look(&mut self, _within: Duration) -> Result<Look> {
        self.mail = None;
        let place = (&self.place, Missing::MayCome);
        let recorded = match self.recorded.read(place, "look for mail", |view| in_state(view, &self.agent))? {
            Ok(recorded) => recorded,
            Err(not_now) => return Ok(not_now),
        };
        if recorded.due.is_some() {
            self.recorded.forget();
        }
        // Before they are looked at: whose owner ends after that is told of.
        self.owners = owners(&recorded.holds);
        let holding = holding(&recorded.holds, &self.folder);
        if holding.is_none() {
            self.owners.clear();
        }
        let now = Stamp::now();
        if recorded.stopped {
            return Ok(Seen::Barred(Reason::AgentStopped).into());
        }
        // By the wall clock, as the provider told it: the backstop sees its steps.
        match held(recorded.run.as_ref(), holding.as_ref(), now) {
            Held::No => {}
            Held::Until(until) => return Ok(not_yet(Reason::AgentHeld, Some(millis(until.since(now))))),
            Held::Mark(lasts) => return Ok(not_yet(Reason::AgentHeld, lasts)),
            Held::Person => return Ok(not_yet(Reason::NeedsHuman, None)),
        }
        self.mail = match (recorded.ready, recorded.prompt) {
            (Some(mail), _) => Some(mail),
            (None, Some(mail)) if !TurnLock::is_held(&self.place, &self.agent)? => Some(mail),
            _ => None,
        };
        Ok(self.mail.map_or(not_yet(Reason::NoMail, recorded.due), |_| Seen::Met(Reason::MailReady).into()))
    }

    fn notices(&self) -> Vec<(BorrowedFd<'_>, WokenBy)> {
        let owners = self.owners.iter().map(|owner| (owner.as_fd(), WokenBy::Notice));
        self.bell.notice().into_iter().chain(owners).collect()
    }

    fn is_noticed(&mut self) -> Result<bool> {
        self.bell.take().map(|()| true)
    }

    fn is_deaf(&self) -> bool {
        self.bell.is_deaf()
    }

    fn failure(&self, end: WaitEnd, _reason: Reason) -> Failure {
        let agent = &self.agent;
        match end {
            WaitEnd::Stopped => Failure::refused(format!("agent {agent} is stopped"))
                .hint(format!("lift it with a prompt: turn run --agent {agent} --prompt TEXT")),
            _ => Failure::busy(format!("no mail for {agent} that a turn could take")),
        }
    }
}

fn not_yet(why: Reason, due: Option<Duration>) -> Look {
    Look { seen: Seen::NotYet(why), due }
}

/// What is recorded for an agent.
#[derive(Clone)]
struct Recorded {
    stopped: bool,
    run: Option<Run>,
    /// The holds that are there for it; whether they hold changes by itself.
    holds: Vec<FoundMark>,
    ready: Option<MailId>,
    /// When a lease or a delay ends.
    due: Option<Duration>,
    /// The mail of an open turn: of one that nobody finishes it counts, for the next turn finishes it first.
    prompt: Option<MailId>,
}

fn in_state(view: &View<'_>, agent: &str) -> Result<Recorded> {
    let now = process::moment();
    let open = turn::open_of(view, agent)?;
    Ok(Recorded {
        stopped: agent::is_stopped(view, agent)?,
        run: run::open_of(view, agent)?,
        holds: mark::holds(view, agent)?,
        ready: claim::ready(view, agent, &now)?,
        due: claim::next_due(view, agent, &now)?.map(|end| end.after(&now)),
        prompt: open.map(|turn| claim::prompt_of(view, turn.id)).transpose()?.flatten(),
    })
}

fn millis(span: i64) -> Duration {
    Duration::from_millis(u64::try_from(span).unwrap_or(0))
}
