//! `mail wait`: sleeps until a turn could take mail. Watch first, then look, then sleep, so that no commit is missed.
//! It writes nothing, makes no state file, and has nothing open while it sleeps: a restore needs the state for itself,
//! and what lies there after it is another file.

mod bell;

use std::time::Duration;

use refloat::cli::Context;
use refloat::clock::Tick;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::id::MailId;
use refloat::judge::wait::{Held, held};
use refloat::lock::TurnLock;
use refloat::model::{WaitEnd, WokenBy};
use refloat::record::WaitEnded;
use refloat::seam::process;
use refloat::state::mail::claim;
use refloat::state::{Place, State, agent, run, turn};
use refloat::token;

use crate::args::Wait;
use crate::caller;
use bell::Bell;

/// A commit whose writer died before it rang, or that another program made, is seen after so long.
const BACKSTOP: Duration = Duration::from_secs(5);
/// Between two looks where the kernel gives no notices.
const POLL: Duration = Duration::from_millis(250);

/// What one look finds.
enum Look {
    Mail(MailId),
    Stopped,
    /// Nothing that a turn could take; it may be different after this long.
    Nothing(Option<Duration>),
}

pub(crate) fn run(cx: &mut Context, args: &Wait) -> Result<Exit> {
    let place = cx.place()?;
    let agent = agent(&place, args)?;
    let start = Tick::now();
    let mut waiter = Waiter { agent, bell: Bell::new(&place), place, woken_by: None, looks: 0 };
    let (outcome, mail) = waiter.wait(args.timeout.0.map(|limit| start.plus(limit)))?;
    let waited_ms = i64::try_from(Tick::now().since(start).as_millis()).unwrap_or(i64::MAX);
    let Waiter { agent, woken_by, looks, .. } = waiter;
    cx.out.emit(&WaitEnded { agent: agent.clone(), outcome, mail, woken_by, waited_ms, looks })?;
    match outcome {
        WaitEnd::Mail => Ok(Exit::Done),
        WaitEnd::Timeout => Err(Failure::busy(format!("no mail for {agent} that a turn could take"))),
        WaitEnd::Stopped => Err(Failure::refused(format!("agent {agent} is stopped"))
            .hint(format!("lift it with a prompt: turn run --agent {agent} --prompt TEXT"))),
    }
}

/// Whose mail: by name, or the agent whose turn this is.
fn agent(place: &Place, args: &Wait) -> Result<String> {
    match (&args.agent, token::of_environment()) {
        (Some(agent), _) => Ok(agent.clone()),
        (None, None) => Err(caller::nobody_reads()),
        (None, Some(token)) => {
            let state = State::open_for_reading(place)?;
            state.read("look at this turn", |view| caller::worker(view, &token)).map(|worker| worker.0)
        }
    }
}

struct Waiter {
    agent: String,
    place: Place,
    bell: Bell,
    woken_by: Option<WokenBy>,
    looks: i64,
}

impl Waiter {
    fn wait(&mut self, deadline: Option<Tick>) -> Result<(WaitEnd, Option<MailId>)> {
        loop {
            self.bell.arm();
            let due = match self.look()? {
                Look::Mail(mail) => return Ok((WaitEnd::Mail, Some(mail))),
                Look::Stopped => return Ok((WaitEnd::Stopped, None)),
                Look::Nothing(due) => due,
            };
            let now = Tick::now();
            if deadline.is_some_and(|deadline| deadline <= now) {
                self.woken_by = self.woken_by.filter(|by| *by == WokenBy::Poll);
                return Ok((WaitEnd::Timeout, None));
            }
            self.sleep(now, due, deadline)?;
        }
    }

    /// Until the bell rings or the first of the clocks runs out.
    fn sleep(&mut self, now: Tick, due: Option<Duration>, deadline: Option<Tick>) -> Result<()> {
        let (look, by) = if self.bell.is_deaf() { (POLL, WokenBy::Poll) } else { (BACKSTOP, WokenBy::Backstop) };
        let (look, by) = match due.filter(|due| *due < look) {
            // A stored time has whole milliseconds: one more, and it has passed.
            Some(due) => (due + Duration::from_millis(1), WokenBy::Lease),
            None => (look, by),
        };
        let until = now.plus(look).min(deadline.unwrap_or(now.plus(look)));
        self.woken_by = Some(self.bell.sleep(until)?.unwrap_or(by));
        Ok(())
    }

    fn look(&mut self) -> Result<Look> {
        self.looks += 1;
        match State::open_for_reading(&self.place) {
            Ok(state) => look(&state, &self.place, &self.agent),
            Err(failure) if failure.exit == Exit::NotFound => Ok(Look::Nothing(None)),
            Err(failure) => Err(failure),
        }
    }
}

/// Mail that a turn could take now; mail of a turn that nobody finishes counts, for the next turn finishes it first.
fn look(state: &State, place: &Place, agent: &str) -> Result<Look> {
    let now = process::moment();
    let (found, abandoned) = state.read("look for mail", |view| {
        if agent::is_stopped(view, agent)? {
            return Ok((Look::Stopped, None));
        }
        match held(run::open_of(view, agent)?.as_ref(), now.at) {
            Held::No => {}
            // By the wall clock, as the provider told it: the backstop sees its steps.
            Held::Until(until) => return Ok((Look::Nothing(Some(millis(until.since(now.at)))), None)),
            Held::Person => return Ok((Look::Nothing(None), None)),
        }
        if let Some(mail) = claim::ready(view, agent, &now)? {
            return Ok((Look::Mail(mail), None));
        }
        let due = claim::next_due(view, agent, &now)?.map(|end| end.after(&now));
        let open = turn::open_of(view, agent)?;
        let prompt = open.map(|turn| claim::prompt_of(view, turn.id)).transpose()?.flatten();
        Ok((Look::Nothing(due), prompt))
    })?;
    match abandoned {
        Some(mail) if !TurnLock::is_held(place, agent)? => Ok(Look::Mail(mail)),
        _ => Ok(found),
    }
}

fn millis(span: i64) -> Duration {
    Duration::from_millis(u64::try_from(span).unwrap_or(0))
}
