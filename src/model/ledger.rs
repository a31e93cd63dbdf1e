//! The ledgers of a run: retries, dead letters, crashes. Plain data and its words.

use serde::{Deserialize, Serialize};

use crate::clock::Stamp;
use crate::id::{CrashId, DeadLetterId, MailId, RetryId, RunId, TurnId};
use crate::identity::Identity;
use crate::model::{EndedBy, Outcome, RunState};
use crate::words::words;

words! {
    /// What a run is tried again after.
    pub enum RetryClass {
        /// An error result, or an exit code that is not 0.
        Failed = "failed",
        /// No terminal event.
        NoResult = "no_result",
        /// A signal that was not ours.
        Killed = "killed",
        /// Gone without an exit record.
        Lost = "lost",
        /// The program could not be started.
        SpawnFailed = "spawn_failed",
        /// The provider refused for now.
        Limited = "limited",
    }
}

words! {
    /// What became of a retry.
    pub enum RetryState {
        /// No turn has begun since.
        Open = "open",
        /// The run's next turn has begun.
        Taken = "taken",
        /// The run has ended otherwise.
        Cancelled = "cancelled",
    }
}

words! {
    /// What keeps a run from being tried again now.
    pub enum HeldBy {
        /// A turn of the agent has no outcome yet.
        OpenTurn = "open_turn",
        /// The agent was stopped, and nobody has lifted that.
        Stop = "stop",
        /// A person has to act.
        NeedsHuman = "needs_human",
        /// A mark holds the agent back.
        Mark = "mark",
        /// The provider's own time.
        Provider = "provider",
        /// A pause of ours, which is advice.
        Pause = "pause",
    }
}

words! {
    /// What became of a dead letter.
    pub enum LetterState {
        /// Nobody has settled it.
        Open = "open",
        /// A later success has.
        Resolved = "resolved",
        /// It was tried once more: the run was reopened, or the mail sent again.
        Replayed = "replayed",
        /// Somebody has closed it.
        Closed = "closed",
    }
}

words! {
    /// Why there is a dead letter.
    pub enum DeadCause {
        /// The run's attempts are used up.
        MaxAttempts = "max_attempts",
        /// It was tried again for as long as that is done.
        MaxTime = "max_time",
        /// The mail was for a run that had ended.
        StaleGeneration = "stale_generation",
        /// Nobody claimed the mail in its time.
        Expired = "expired",
        /// The mail was claimed too often, and never acknowledged.
        MaxDeliveries = "max_deliveries",
    }
}

words! {
    /// What crashed.
    pub enum CrashWho {
        /// An agent.
        Agent = "agent",
        /// The command `turn`: a supervisor.
        Turn = "turn",
        /// The shim of a turn.
        Shim = "shim",
        /// The command `mail`.
        Mail = "mail",
        /// The command `probe`.
        Probe = "probe",
        /// The command `reconcile`.
        Reconcile = "reconcile",
        /// The command `mark`.
        Mark = "mark",
        /// The command `mark-cleanup`.
        MarkCleanup = "mark_cleanup",
        /// A program of ours that this version does not know.
        Other = "other",
    }
}

words! {
    /// How it crashed.
    pub enum CrashKind {
        /// By a signal that was not ours.
        Killed = "killed",
        /// Gone, and nothing tells how.
        Vanished = "vanished",
        /// It ended without the terminal event its runtime has.
        NoResult = "no_result",
        /// A bug in refloat.
        Panic = "panic",
    }
}

/// What somebody did with an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// The agent in whose turn it was done, or the operator.
    pub by: String,
    /// When.
    pub at: Stamp,
    /// In their words.
    pub why: Option<String>,
}

/// A run's way out of its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reopening {
    /// The run.
    pub run: RunId,
    /// Its state until then.
    pub was: RunState,
    /// When it had ended.
    pub ended_at: Stamp,
    /// It had ended without the mail it owed.
    pub mail_missing: bool,
    /// Attempts allowed until then.
    pub max_attempts: i64,
    /// The dead letter that was replayed.
    pub dead_letter: Option<DeadLetterId>,
    /// Who, when and why.
    pub act: Act,
}

/// A retry as the state file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Its id.
    pub id: RetryId,
    /// The run that is to be tried again.
    pub run: RunId,
    /// Whose run it is.
    pub agent: String,
    /// The turn that failed; none: the run was reopened.
    pub turn: Option<TurnId>,
    /// Which attempt of the run that was.
    pub attempt: i64,
    /// What the run is tried again after; none: it was reopened.
    pub class: Option<RetryClass>,
    /// The failed turn used up an attempt.
    pub counted: bool,
    /// Not before then.
    pub due_at: Stamp,
    /// The time is the provider's own.
    pub by_provider: bool,
    /// Which pause of ours it is in a row; 0 where the provider named the time.
    pub in_a_row: i64,
    /// Since when the run is tried again, without the time a provider asked to wait.
    pub since: Stamp,
    /// What became of it.
    pub state: RetryState,
    /// When it was opened.
    pub opened_at: Stamp,
    /// When it was taken or cancelled.
    pub closed_at: Option<Stamp>,
    /// The turn that took it.
    pub taken_by: Option<TurnId>,
    /// Who cancelled it; none where the run's end did.
    pub cancelled: Option<Act>,
    /// What the run was before it was reopened, and who did that; none: it failed.
    pub reopened: Option<(RunState, Act)>,
}

/// What may become of a retry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prospect {
    /// Where the run stands now.
    pub run_state: RunState,
    /// What keeps an open one from being taken up now.
    pub held_by: Option<HeldBy>,
    /// The session that the next turn resumes; none: it has a new one.
    pub session: Option<String>,
    /// The words by which an open one is taken up; none where nobody can say them.
    pub command: Vec<String>,
}

/// A dead letter as the state file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its id.
    pub id: DeadLetterId,
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
    /// Attempts used up; of a mail, deliveries.
    pub attempts: i64,
    /// What the last attempt said.
    pub last_error: Option<String>,
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
    /// Who has seen it.
    pub acknowledged: Option<Act>,
    /// Who had it tried once more.
    pub replayed: Option<Act>,
    /// The mail that was sent in its place.
    pub replayed_as: Option<MailId>,
    /// Who closed it.
    pub closed: Option<Act>,
}

impl DeadLetter {
    /// What became of it. A success that came after all goes before whatever somebody did.
    #[must_use]
    pub const fn state(&self) -> LetterState {
        match (self.resolved_at, &self.closed, &self.replayed) {
            (Some(_), _, _) => LetterState::Resolved,
            (None, Some(_), _) => LetterState::Closed,
            (None, None, Some(_)) => LetterState::Replayed,
            (None, None, None) => LetterState::Open,
        }
    }
}

/// How the process of a crash ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrashEnding {
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// The signal it died of.
    pub signal: Option<i32>,
    /// By whom it ended.
    pub ended_by: Option<EndedBy>,
    /// How long it ran.
    pub duration_ms: i64,
}

/// What is recorded of a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashEntry {
    /// What crashed.
    pub who: CrashWho,
    /// How.
    pub kind: CrashKind,
    /// In words.
    pub message: String,
    /// How its process ended.
    pub ending: Option<CrashEnding>,
    /// The last lines of its stderr.
    pub tail: Option<String>,
    /// Where in refloat it happened.
    pub backtrace: Option<String>,
    /// The version of refloat.
    pub version: String,
    /// Its process.
    pub process: Option<Identity>,
    /// The agent it was about.
    pub agent: Option<String>,
    /// The run.
    pub run: Option<RunId>,
    /// The turn.
    pub turn: Option<TurnId>,
    /// Which attempt of the run that was.
    pub attempt: Option<i64>,
    /// When it crashed, or was found to have.
    pub at: Stamp,
    /// The file in `crashes/` that it was taken in from.
    pub source: Option<String>,
}

/// A crash as the state file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    /// Its id.
    pub id: CrashId,
    /// What is recorded of it.
    pub entry: CrashEntry,
    /// Where the run stands now.
    pub run_state: Option<RunState>,
    /// How the turn ended.
    pub outcome: Option<Outcome>,
}
