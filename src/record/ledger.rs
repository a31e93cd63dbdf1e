//! Records of the ledgers: retries, dead letters, crashes.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::cell;
use crate::clock::Stamp;
use crate::emit::Record;
use crate::id::{CrashId, DeadLetterId, MailId, RetryId, RunId, TurnId};
use crate::model::{
    Act, Crash, CrashKind, CrashWho, DeadCause, DeadLetter, EndedBy, HeldBy, LetterState, Outcome, Prospect, Retry,
    RetryClass, RetryState, RunState,
};

/// A run that is to be tried again, or was.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RetryRecord {
    /// The retry.
    pub retry: RetryId,
    /// The run.
    pub run: RunId,
    /// Whose run it is.
    pub agent: String,
    /// Where the run stands now.
    pub run_state: RunState,
    /// The turn that failed; null: the run was reopened.
    pub turn: Option<TurnId>,
    /// Which attempt of the run that was.
    pub attempt: i64,
    /// What the run is tried again after; null: it was reopened.
    pub class: Option<RetryClass>,
    /// The failed turn used up an attempt.
    pub counted: bool,
    /// Not before then.
    pub due_at: Stamp,
    /// The time is the provider's own: a turn before it is refused.
    pub by_provider: bool,
    /// Which pause of refloat's own it is in a row; 0 where the provider named the time.
    pub in_a_row: i64,
    /// Since when the run is tried again, later by what a provider asked to wait.
    pub since: Stamp,
    /// What became of it.
    pub state: RetryState,
    /// What keeps an open one from being taken up now; null: nothing does.
    pub held_by: Option<HeldBy>,
    /// The session that the run's next turn resumes; null: it has a new one.
    pub session: Option<String>,
    /// When it was opened.
    pub opened_at: Stamp,
    /// When it was taken or cancelled.
    pub closed_at: Option<Stamp>,
    /// The turn that took it.
    pub taken_by: Option<TurnId>,
    /// What the run was before it was reopened; null: it was not, but failed.
    pub reopened_from: Option<RunState>,
    /// Who reopened it.
    pub reopened_by: Option<String>,
    /// Why.
    pub reopened_why: Option<String>,
    /// Who cancelled it; null where the run's end did.
    pub cancelled_by: Option<String>,
    /// Why.
    pub cancelled_why: Option<String>,
    /// The words by which an open one is taken up; none where they cannot be said.
    pub command: Vec<String>,
}

impl RetryRecord {
    /// The record of a retry and of what may become of it.
    #[must_use]
    pub fn of(retry: &Retry, prospect: &Prospect) -> Self {
        let (cancelled_by, _, cancelled_why) = told(retry.cancelled.as_ref());
        let (reopened_by, _, reopened_why) = told(retry.reopened.as_ref().map(|(_, act)| act));
        Self {
            retry: retry.id,
            run: retry.run,
            agent: retry.agent.clone(),
            run_state: prospect.run_state,
            turn: retry.turn,
            attempt: retry.attempt,
            class: retry.class,
            counted: retry.counted,
            due_at: retry.due_at,
            by_provider: retry.by_provider,
            in_a_row: retry.in_a_row,
            since: retry.since,
            state: retry.state,
            held_by: prospect.held_by,
            session: prospect.session.clone(),
            opened_at: retry.opened_at,
            closed_at: retry.closed_at,
            taken_by: retry.taken_by,
            reopened_from: retry.reopened.as_ref().map(|(was, _)| *was),
            reopened_by,
            reopened_why,
            cancelled_by,
            cancelled_why,
            command: prospect.command.clone(),
        }
    }
}

impl Record for RetryRecord {
    const TYPE: &'static str = "retry";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("retry", self.retry.to_string()),
            ("run", self.run.to_string()),
            ("agent", self.agent.clone()),
            ("run state", self.run_state.to_string()),
            ("after", cell(self.turn.as_ref())),
            ("class", cell(self.class.as_ref())),
            ("due", self.due_at.brief()),
            ("held by", cell(self.held_by.as_ref())),
            ("state", self.state.to_string()),
            ("taken by", cell(self.taken_by.as_ref())),
        ]
    }
}

/// Work that was given up, or mail that could not be delivered: evidence, not proof.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DeadLetterRecord {
    /// The dead letter.
    pub dead_letter: DeadLetterId,
    /// The run that was given up.
    pub run: Option<RunId>,
    /// The mail that could not be delivered.
    pub mail: Option<MailId>,
    /// Whose run it is, or for whom the mail was.
    pub agent: String,
    /// Why.
    pub cause: DeadCause,
    /// The attempt that was the last.
    pub attempt: Option<i64>,
    /// Attempts used up.
    pub attempts: i64,
    /// What the last attempt said.
    pub last_error: Option<String>,
    /// The files of the turn that opened it.
    pub log_dir: Option<String>,
    /// The folder's name is not UTF-8 and the text stands for it.
    pub log_dir_lossy: bool,
    /// What became of it.
    pub state: LetterState,
    /// Where the run, or the run that the mail was for, stands now.
    pub run_state: Option<RunState>,
    /// When it was opened.
    pub opened_at: Stamp,
    /// The turn whose end opened it, or that sent the mail.
    pub opened_by: Option<TurnId>,
    /// When a later success closed it.
    pub resolved_at: Option<Stamp>,
    /// The turn that was that success.
    pub resolved_by: Option<TurnId>,
    /// When somebody has said that it is seen.
    pub acknowledged_at: Option<Stamp>,
    /// Who has.
    pub acknowledged_by: Option<String>,
    /// Why.
    pub acknowledged_why: Option<String>,
    /// When it was tried once more.
    pub replayed_at: Option<Stamp>,
    /// Who had it tried.
    pub replayed_by: Option<String>,
    /// Why.
    pub replayed_why: Option<String>,
    /// The mail that was sent in its place.
    pub replayed_as: Option<MailId>,
    /// When it was closed.
    pub closed_at: Option<Stamp>,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// Why.
    pub closed_why: Option<String>,
    /// The words that try it once more, while it is open.
    pub command: Vec<String>,
}

impl DeadLetterRecord {
    /// The record of a dead letter; the folders of all turns are in `logs`.
    #[must_use]
    pub fn of(dead: &DeadLetter, logs: &Path) -> Self {
        let log_dir = dead.opened_by.map(|turn| logs.join(turn.to_string()));
        let (acknowledged_by, acknowledged_at, acknowledged_why) = told(dead.acknowledged.as_ref());
        let (replayed_by, replayed_at, replayed_why) = told(dead.replayed.as_ref());
        let (closed_by, closed_at, closed_why) = told(dead.closed.as_ref());
        Self {
            dead_letter: dead.id,
            run: dead.run,
            mail: dead.mail,
            agent: dead.agent.clone(),
            cause: dead.cause,
            attempt: dead.attempt,
            attempts: dead.attempts,
            last_error: dead.last_error.clone(),
            log_dir_lossy: log_dir.as_ref().is_some_and(|path| path.to_str().is_none()),
            log_dir: log_dir.map(|path| path.to_string_lossy().into_owned()),
            state: dead.state(),
            run_state: dead.run_state,
            opened_at: dead.opened_at,
            opened_by: dead.opened_by,
            resolved_at: dead.resolved_at,
            resolved_by: dead.resolved_by,
            acknowledged_at,
            acknowledged_by,
            acknowledged_why,
            replayed_at,
            replayed_by,
            replayed_why,
            replayed_as: dead.replayed_as,
            closed_at,
            closed_by,
            closed_why,
            command: replay(dead),
        }
    }
}

/// Who, when and why, as three keys.
fn told(act: Option<&Act>) -> (Option<String>, Option<Stamp>, Option<String>) {
    let by = act.map(|act| act.by.clone());
    (by, act.map(|act| act.at), act.and_then(|act| act.why.clone()))
}

/// What tries it once more: a run that is open has its own next try.
fn replay(dead: &DeadLetter) -> Vec<String> {
    let ended = dead.mail.is_some() || dead.run_state.is_some_and(RunState::is_terminal);
    let can = dead.state() == LetterState::Open && ended;
    let id = dead.id.to_string();
    if can { ["reconcile", "deadletter", "replay", &id].map(str::to_owned).to_vec() } else { Vec::new() }
}

impl Record for DeadLetterRecord {
    const TYPE: &'static str = "dead_letter";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("dead letter", self.dead_letter.to_string()),
            ("run", cell(self.run.as_ref())),
            ("mail", cell(self.mail.as_ref())),
            ("agent", self.agent.clone()),
            ("cause", self.cause.to_string()),
            ("attempts", self.attempts.to_string()),
            ("opened", self.opened_at.brief()),
            ("state", self.state.to_string()),
            ("seen by", self.acknowledged_by.clone().unwrap_or_default()),
            ("run state", cell(self.run_state.as_ref())),
            ("last error", self.last_error.clone().unwrap_or_default()),
        ]
    }
}

/// What crashed: an agent, by the evidence of its end, or refloat itself.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CrashRecord {
    /// The crash.
    pub crash: CrashId,
    /// What crashed.
    pub who: CrashWho,
    /// How.
    pub kind: CrashKind,
    /// In words.
    pub message: String,
    /// The run it belongs to.
    pub run: Option<RunId>,
    /// The turn it belongs to.
    pub turn: Option<TurnId>,
    /// The agent it was about.
    pub agent: Option<String>,
    /// Which attempt of the run that was.
    pub attempt: Option<i64>,
    /// When it crashed.
    pub crashed_at: Stamp,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// The signal it died of.
    pub signal: Option<i32>,
    /// By whom it ended.
    pub ended_by: Option<EndedBy>,
    /// How long it ran.
    pub duration_ms: Option<i64>,
    /// Its process id.
    pub pid: Option<i32>,
    /// The boot in which it had that pid.
    pub boot: Option<String>,
    /// The last lines of its stderr, without what looks like a secret.
    pub tail: Option<String>,
    /// Where in refloat it happened.
    pub backtrace: Option<String>,
    /// The version of refloat.
    pub version: String,
    /// The file in `crashes/` that it was taken in from.
    pub source: Option<String>,
    /// Where the run stands now: work may have finished all the same.
    pub run_state: Option<RunState>,
    /// How the turn ended.
    pub outcome: Option<Outcome>,
}

impl From<&Crash> for CrashRecord {
    fn from(crash: &Crash) -> Self {
        let entry = &crash.entry;
        Self {
            crash: crash.id,
            who: entry.who,
            kind: entry.kind,
            message: entry.message.clone(),
            run: entry.run,
            turn: entry.turn,
            agent: entry.agent.clone(),
            attempt: entry.attempt,
            crashed_at: entry.at,
            exit_code: entry.ending.and_then(|ending| ending.exit_code),
            signal: entry.ending.and_then(|ending| ending.signal),
            ended_by: entry.ending.and_then(|ending| ending.ended_by),
            duration_ms: entry.ending.map(|ending| ending.duration_ms),
            pid: entry.process.as_ref().map(|process| process.pid),
            boot: entry.process.as_ref().map(|process| process.boot.clone()),
            tail: entry.tail.clone(),
            backtrace: entry.backtrace.clone(),
            version: entry.version.clone(),
            source: entry.source.clone(),
            run_state: crash.run_state,
            outcome: crash.outcome,
        }
    }
}

impl Record for CrashRecord {
    const TYPE: &'static str = "crash";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("crash", self.crash.to_string()),
            ("at", self.crashed_at.brief()),
            ("who", self.who.to_string()),
            ("kind", self.kind.to_string()),
            ("run", cell(self.run.as_ref())),
            ("turn", cell(self.turn.as_ref())),
            ("agent", cell(self.agent.as_ref())),
            ("outcome", cell(self.outcome.as_ref())),
            ("run state", cell(self.run_state.as_ref())),
            ("message", self.message.clone()),
        ]
    }
}
