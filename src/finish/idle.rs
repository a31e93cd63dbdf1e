//! Ends of runs that have no turn: a stop, and the word of an adopted worker. The same transaction as that of a turn's
//! end, without a turn: the run's state, and its parent's notice, once. Called by `turn stop` and `turn end`.

use super::ended;
use super::notice;
use crate::clock::Stamp;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::id::MailId;
use crate::judge::outcome::owed_mail;
use crate::judge::sequel::Sequel;
use crate::judge::worker::{Said, ended_by_word};
use crate::model::{MailType, Outcome, Run, RunState, Worker};
use crate::record::RunEnded;
use crate::state::{Tx, mail, run, worker};

/// Ends an open run that has no turn: its record, and the notice to its parent. `run` was read in this transaction.
///
/// # Errors
/// Those of the state file.
pub fn stop_idle(tx: &Tx<'_>, run: &Run, why: Option<&str>, now: Stamp) -> Result<()> {
    let sequel = Sequel::plain(RunState::Stopped, run.attempts, Some(MailType::WorkerDied));
    let how = match worker::of_run(tx, run.id)?.is_some_and(|worker| worker.released_at.is_none()) {
        true => "stopped by its record; it was adopted",
        false => "stopped while no turn ran",
    };
    close(tx, run, &sequel, Outcome::Aborted, &reason(how, why), None, now)
}

/// Ends the open run of an adopted worker by its word. `run` was read in this transaction.
///
/// # Errors
/// Those of the state file.
pub fn end_by_word(tx: &Tx<'_>, run: &Run, said: Said, why: Option<&str>, now: Stamp) -> Result<RunEnded> {
    let terminal_mail = match &run.parent {
        Some(parent) => mail::terminal_of_worker(tx, run.id, parent, owed_mail(run.capability))?,
        None => None,
    };
    let open = ended::open_of(tx, run, terminal_mail)?;
    let (sequel, missing) = ended_by_word(said, open, run.attempts);
    let (outcome, how) = match (said, missing) {
        (Said::Failed, _) => (Outcome::Failed, "failed, by its own word"),
        (Said::Completed, true) => (Outcome::Silent, "completed, by its own word, without the mail it owed"),
        (Said::Completed, false) => (Outcome::Completed, "completed, by its own word"),
    };
    close(tx, run, &sequel, outcome, &reason(how, why), terminal_mail, now)?;
    let ended = RunEnded {
        run: run.id,
        agent: run.agent.clone(),
        task: run.task.clone(),
        parent: run.parent.clone(),
        outcome,
        state: sequel.state,
        why: why.map(str::to_owned),
        terminal_mail,
        terminal_mail_missing: missing,
        notice: sequel.notice.filter(|_| run.parent.is_some()),
        ended_at: now,
    };
    worker::end(tx, run.id, &tx.text_of(&ended)?)?;
    Ok(ended)
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
    reason: &str,
    terminal_mail: Option<MailId>,
    now: Stamp,
) -> Result<()> {
    let missing = outcome == Outcome::Silent;
    if !run::settle(tx, run.id, run.epoch, sequel, missing, now)? {
        return Ok(());
    }
    match (&run.parent, sequel.notice) {
        (Some(parent), Some(kind)) => notice::idle(tx, run, kind, parent, (outcome, sequel.state), reason, now),
        _ if terminal_mail.is_none() => notice::children_done(tx, None, run, MailType::ChildrenDone, now),
        _ => Ok(()),
    }
}

fn reason(how: &str, why: Option<&str>) -> String {
    format!("{how}{}", why.map(|why| format!(": {why}")).unwrap_or_default())
}
