//! Ends of runs that have no turn: a stop, the word, the work or the death of an adopted worker, a wait that is over.
//! The same transaction as that of a turn's end, without a turn: the run's state, and its parent's notice, once. Called
//! by `turn stop`, `turn end`, the `turn run` that comes after a worker, and `reconcile`.

use super::ended;
use super::notice;
use crate::clock::Stamp;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::id::MailId;
use crate::judge::outcome::{Conclusion, Ended, Open};
use crate::judge::owed::Vouched;
use crate::judge::reopen::cancelled;
use crate::judge::sequel::{Sequel, crash_of};
use crate::judge::worker::{NEVER_CAME, Said, by_death, by_word, by_work, sequel};
use crate::model::{
    Act, CrashEnding, CrashEntry, CrashKind, CrashWho, EndedBy, Fulfilment, Hold, Look, MailType, Outcome, Owed, Retry,
    Run, RunState, Turn, Worker,
};
use crate::owed;
use crate::record::RunEnded;
use crate::state::{Tx, crash, mark, reopening, run, turn, worker};

/// Ends an open run that has no turn: its record, and the notice to its parent. `run` was read in this transaction.
///
/// # Errors
/// Those of the state file.
pub fn stop_idle(tx: &Tx<'_>, run: &Run, why: Option<&str>, now: Stamp) -> Result<()> {
    let sequel = Sequel::plain(RunState::Stopped, run.attempts, Some(MailType::WorkerDied));
    let how = match worker::standing_for(tx, run.id)?.is_some() {
        true => "stopped by its record; it was adopted",
        false => "stopped while no turn ran",
    };
    close(tx, run, &sequel, Outcome::Aborted, (&reason(how, why), false), None, now)
}

/// Ends the open run of an adopted worker by its word, held to what the run owes. `run` was read in this transaction.
///
/// # Errors
/// Those of the state file.
pub fn end_by_word(
    tx: &Tx<'_>,
    run: &Run,
    (said, why): (Said, Option<&str>),
    looked: &[(Owed, Look)],
    now: Stamp,
) -> Result<RunEnded> {
    let account = Account::open(tx, run, &Seen::alone(looked))?;
    let how = match said {
        Said::Completed => "completed, by its own word",
        Said::Failed => "failed, by its own word",
    };
    account.close(tx, run, by_word(said, account.open, &account.findings), (how, why), now)
}

/// Ends an open run that has no turn because its work is done; none: it is not. `run` was read in this transaction.
///
/// # Errors
/// Those of the state file.
pub fn end_by_work(tx: &Tx<'_>, run: &Run, seen: &Seen<'_>, now: Stamp) -> Result<Option<RunEnded>> {
    let account = Account::open(tx, run, seen)?;
    let Some(end) = by_work(account.open, &account.findings) else { return Ok(None) };
    account.close(tx, run, end, ("gone without a word, its work done", None), now).map(Some)
}

/// How a worker is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Its session never came.
    NeverCame,
    /// Its process has ended, in this way where that is known.
    Ended(Option<Ended>),
}

/// Ends the open run of an adopted worker that is gone, and records its crash where that proves one; none: its work is
/// done, and what is open keeps its run. `run` and `worker` were read in this transaction.
///
/// # Errors
/// Those of the state file.
pub fn end_gone(
    tx: &Tx<'_>,
    run: &Run,
    worker: &Worker,
    gone: Gone,
    seen: &Seen<'_>,
    now: Stamp,
) -> Result<Option<RunEnded>> {
    let account = Account::open(tx, run, seen)?;
    let (end, exit) = match gone {
        Gone::NeverCame => (Some(NEVER_CAME), None),
        Gone::Ended(exit) => (by_death(exit, account.open, &account.findings), exit),
    };
    let Some(end) = end else { return Ok(None) };
    let how = match (gone, exit) {
        (Gone::NeverCame, _) => "its session never came".to_owned(),
        (_, Some(Ended::Code(code))) => format!("ended with exit code {code}"),
        (_, Some(Ended::Signal(signal))) => format!("killed by signal {signal}"),
        (_, None) => "gone without a word".to_owned(),
    };
    if let Some(kind) = crash_of(end.outcome) {
        crash::record(tx, &entry(kind, run, worker, (&how, exit), now))?;
    }
    account.close(tx, run, end, (&how, None), now).map(Some)
}

/// A worker's crash.
fn entry(kind: CrashKind, run: &Run, worker: &Worker, (how, exit): (&str, Option<Ended>), now: Stamp) -> CrashEntry {
    let ending = exit.map(|exit| CrashEnding {
        exit_code: if let Ended::Code(code) = exit { Some(code) } else { None },
        signal: if let Ended::Signal(signal) = exit { Some(signal) } else { None },
        ended_by: Some(EndedBy::Agent),
        duration_ms: now.since(worker.adopted.at),
    });
    CrashEntry {
        who: CrashWho::Agent,
        kind,
        message: how.to_owned(),
        ending,
        tail: None,
        backtrace: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        process: worker.process.clone(),
        agent: Some(run.agent.clone()),
        run: Some(run.id),
        turn: None,
        attempt: Some(run.attempts + 1),
        at: now,
        source: None,
    }
}

/// A run has waited for as long as it may: it is held for a person, and its parent told. `run` was read in this
/// transaction. False where it has moved on.
///
/// # Errors
/// Those of the state file.
pub fn end_wait(tx: &Tx<'_>, run: &Run, now: Stamp) -> Result<bool> {
    let sequel = Sequel {
        hold: Some(Hold::NeedsHuman),
        ..Sequel::plain(RunState::Blocked, run.attempts, Some(MailType::Escalation))
    };
    if !run::settle(tx, run.id, run.epoch, &sequel, run.terminal_mail_missing, now)? {
        return Ok(false);
    }
    if let Some(parent) = &run.parent {
        let reason = "it has waited for as long as it may";
        notice::idle(tx, run, MailType::Escalation, parent, (Outcome::Waiting, RunState::Blocked), reason, now)?;
    }
    Ok(true)
}

/// What was looked at before the transaction.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'l> {
    /// What the run owes, as it looks now.
    pub looked: &'l [(Owed, Look)],
    /// What others saw of it; none: nobody else did.
    pub vouched: Option<&'l Vouched>,
}

impl<'l> Seen<'l> {
    /// Nobody else saw anything.
    #[must_use]
    pub const fn alone(looked: &'l [(Owed, Look)]) -> Self {
        Self { looked, vouched: None }
    }
}

/// Ends a run whose next try somebody has cancelled, as its last failure would have ended it; no dead letter is opened
/// for that. `run` was read in this transaction, and `last` is its newest turn.
///
/// # Errors
/// Those of the state file.
pub fn end_cancelled(tx: &Tx<'_>, run: &Run, retry: &Retry, last: Option<&Turn>, act: &Act) -> Result<()> {
    let reopened = reopening::of_run(tx, run.id)?.pop();
    let was = reopened.as_ref().map_or(RunState::Failed, |reopened| reopened.was);
    let missing = retry.class.is_none() && reopened.is_some_and(|reopened| reopened.mail_missing);
    let outcome = last.and_then(|turn| turn.outcome).unwrap_or(Outcome::Aborted);
    let reason = reason("it is not tried again", act.why.as_deref());
    close(tx, run, &cancelled(retry.class, was, run.attempts), outcome, (&reason, missing), None, act.at)
}

/// What the transaction that ends an adopted run finds before it writes.
struct Account<'l> {
    terminal_mail: Option<MailId>,
    open: Open,
    findings: Vec<Fulfilment>,
    looked: &'l [(Owed, Look)],
}

impl<'l> Account<'l> {
    fn open(tx: &Tx<'_>, run: &Run, seen: &Seen<'l>) -> Result<Self> {
        let adopted = worker::standing_for(tx, run.id)?.is_some();
        let latest = turn::latest_of(tx, &run.agent)?.filter(|turn| turn.run == run.id && !adopted);
        let (open, terminal_mail) = match latest {
            // What it said of its waiting was weighed before it came to this.
            Some(turn) => {
                let (open, mail) = ended::open_of_turn(tx, run, &turn)?;
                (Open { yielded: false, ..open }, mail)
            }
            None => ended::open_of_worker(tx, run)?,
        };
        let own = owed::findings(tx, run.id, seen.looked)?;
        let findings = match seen.vouched {
            Some(others) => others.beside(own),
            None => own,
        };
        Ok(Self { terminal_mail, open, findings, looked: seen.looked })
    }

    /// Writes the end and all that follows from it.
    fn close(
        &self,
        tx: &Tx<'_>,
        run: &Run,
        end: Conclusion,
        (how, why): (&str, Option<&str>),
        now: Stamp,
    ) -> Result<RunEnded> {
        let sequel = sequel(end.outcome, run.attempts);
        let message = owed::message(end.cause, self.looked, &self.findings);
        let ended = RunEnded {
            run: run.id,
            agent: run.agent.clone(),
            task: run.task.clone(),
            parent: run.parent.clone(),
            outcome: end.outcome,
            cause: end.cause,
            state: sequel.state,
            why: why.map(str::to_owned),
            message,
            terminal_mail: self.terminal_mail,
            terminal_mail_missing: ended::mail_missing(end.outcome, self.open),
            expected: ended::expected(self.looked, &self.findings),
            notice: sequel.notice.filter(|_| run.parent.is_some()),
            ended_at: now,
        };
        let missing = if ended.terminal_mail_missing { ", without the mail it owed" } else { "" };
        let held = ended.message.as_ref().map(|message| format!("; {message}")).unwrap_or_default();
        let reason = reason(&format!("{how}{missing}{held}"), why);
        close(tx, run, &sequel, end.outcome, (&reason, ended.terminal_mail_missing), self.terminal_mail, now)?;
        worker::end(tx, run.id, &tx.text_of(&ended)?)?;
        Ok(ended)
    }
}

/// The end that a worker's word has recorded already.
///
/// # Errors
/// 65 for a record that this version cannot read.
pub fn recorded_word(worker: &Worker) -> Result<Option<RunEnded>> {
    let Some(text) = &worker.ended else { return Ok(None) };
    serde_json::from_str(text).map(Some).map_err(|error| {
        Failure::new(Exit::Malformed, format!("the recorded end of {} is unreadable: {error}", worker.run))
    })
}

fn close(
    tx: &Tx<'_>,
    run: &Run,
    sequel: &Sequel,
    outcome: Outcome,
    (reason, missing): (&str, bool),
    terminal_mail: Option<MailId>,
    now: Stamp,
) -> Result<()> {
    if !run::settle(tx, run.id, run.epoch, sequel, missing, now)? {
        return Ok(());
    }
    mark::end_with_run(tx, run.id, now)?;
    match (&run.parent, sequel.notice) {
        (Some(parent), Some(kind)) => notice::idle(tx, run, kind, parent, (outcome, sequel.state), reason, now),
        _ if terminal_mail.is_none() => notice::children_done(tx, None, run, MailType::ChildrenDone, now),
        _ => Ok(()),
    }
}

fn reason(how: &str, why: Option<&str>) -> String {
    format!("{how}{}", why.map(|why| format!(": {why}")).unwrap_or_default())
}
