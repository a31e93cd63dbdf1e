//! Records of the ledgers: retries, dead letters, crashes.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::cell;
use crate::clock::Stamp;
use crate::emit::Record;
use crate::id::{CrashId, DeadLetterId, MailId, RetryId, RunId, TurnId};
use crate::model::{
    Crash, CrashKind, CrashWho, DeadCause, DeadLetter, EndedBy, Retry, RetryClass, RetryState, RunState,
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
    /// The turn that failed.
    pub turn: TurnId,
    /// Which attempt of the run that was.
    pub attempt: i64,
    /// What the run is tried again after.
    pub class: RetryClass,
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
    /// When it was opened.
    pub opened_at: Stamp,
    /// When it was taken or cancelled.
    pub closed_at: Option<Stamp>,
    /// The turn that took it.
    pub taken_by: Option<TurnId>,
}

impl From<&Retry> for RetryRecord {
    fn from(retry: &Retry) -> Self {
        Self {
            retry: retry.id,
            run: retry.run,
            agent: retry.agent.clone(),
            turn: retry.turn,
            attempt: retry.attempt,
            class: retry.class,
            counted: retry.counted,
            due_at: retry.due_at,
            by_provider: retry.by_provider,
            in_a_row: retry.in_a_row,
            since: retry.since,
            state: retry.state,
            opened_at: retry.opened_at,
            closed_at: retry.closed_at,
            taken_by: retry.taken_by,
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
            ("after", self.turn.to_string()),
            ("class", self.class.to_string()),
            ("due", self.due_at.brief()),
            ("by", if self.by_provider { "provider".into() } else { String::new() }),
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
    /// When a person has seen it.
    pub acknowledged_at: Option<Stamp>,
}

impl DeadLetterRecord {
    /// The record of a dead letter; the folders of all turns are in `logs`.
    #[must_use]
    pub fn of(dead: &DeadLetter, logs: &Path) -> Self {
        let log_dir = dead.opened_by.map(|turn| logs.join(turn.to_string()));
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
            run_state: dead.run_state,
            opened_at: dead.opened_at,
            opened_by: dead.opened_by,
            resolved_at: dead.resolved_at,
            resolved_by: dead.resolved_by,
            acknowledged_at: dead.acknowledged_at,
        }
    }
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
            ("resolved", self.resolved_at.map(Stamp::brief).unwrap_or_default()),
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
            ("message", self.message.clone()),
        ]
    }
}
