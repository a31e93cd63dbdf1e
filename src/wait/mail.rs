//! Waiting for mail that a turn could take now.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::bell::Bell;
use super::recall::{Missing, Recall};
use super::{Condition, Look, Subject};
use crate::error::{Failure, Result};
use crate::id::MailId;
use crate::judge::seen::Seen;
use crate::judge::wait::{Held, held};
use crate::lock::TurnLock;
use crate::model::{Awaited, Reason, WaitEnd, WokenBy};
use crate::seam::process;
use crate::state::mail::claim;
use crate::state::{Place, View, agent, run, turn};

/// Mail for an agent. Its state file may come later; while it sleeps nothing of it is open.
pub struct Mail {
    agent: String,
    place: Place,
    bell: Bell,
    recorded: Recall<Recorded>,
    mail: Option<MailId>,
}

impl Mail {
    /// Mail for this agent.
    #[must_use]
    pub fn of(agent: String, place: Place) -> Self {
        Self { agent, bell: Bell::new(&place), place, recorded: Recall::default(), mail: None }
    }
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
        let place = (&self.place, Missing::MayCome);
        let (found, abandoned) = match self.recorded.read(place, "look for mail", |view| in_state(view, &self.agent))? {
            Ok(recorded) => recorded,
            Err(not_now) => return Ok(not_now),
        };
        if found.0.due.is_some() {
            self.recorded.forget();
        }
        let (look, mail) = match abandoned {
            Some(mail) if !TurnLock::is_held(&self.place, &self.agent)? => claimable(mail),
            _ => found,
        };
        self.mail = mail;
        Ok(look)
    }

    fn notices(&self) -> Vec<(BorrowedFd<'_>, WokenBy)> {
        self.bell.notice().into_iter().collect()
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

type Found = (Look, Option<MailId>);

fn claimable(mail: MailId) -> Found {
    (Seen::Met(Reason::MailReady).into(), Some(mail))
}

fn nothing(why: Reason, due: Option<Duration>) -> Found {
    (Look { seen: Seen::NotYet(why), due }, None)
}

/// What is there, and the mail of an open turn: of one that nobody finishes it counts, for the next turn finishes it first.
type Recorded = (Found, Option<MailId>);

fn in_state(view: &View<'_>, agent: &str) -> Result<Recorded> {
    let now = process::moment();
    if agent::is_stopped(view, agent)? {
        return Ok(((Seen::Barred(Reason::AgentStopped).into(), None), None));
    }
    match held(run::open_of(view, agent)?.as_ref(), now.at) {
        Held::No => {}
        // By the wall clock, as the provider told it: the backstop sees its steps.
        Held::Until(until) => return Ok((nothing(Reason::AgentHeld, Some(millis(until.since(now.at)))), None)),
        Held::Person => return Ok((nothing(Reason::NeedsHuman, None), None)),
    }
    if let Some(mail) = claim::ready(view, agent, &now)? {
        return Ok((claimable(mail), None));
    }
    let due = claim::next_due(view, agent, &now)?.map(|end| end.after(&now));
    let open = turn::open_of(view, agent)?;
    let prompt = open.map(|turn| claim::prompt_of(view, turn.id)).transpose()?.flatten();
    Ok((nothing(Reason::NoMail, due), prompt))
}

fn millis(span: i64) -> Duration {
    Duration::from_millis(u64::try_from(span).unwrap_or(0))
}
