//! How did a turn end? One `match` from the evidence to exactly one outcome.
//! Called by `finish`, whoever finishes the turn.

use crate::exit::Exit;
use crate::model::{Capability, Cause, EndedBy, MailType, Outcome, OutcomeSource, Wish};

/// What the terminal event of the stream says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// The turn ended well.
    Clean,
    /// The runtime does not know the session it was to resume.
    ResumeRefused(OutcomeSource),
    /// The provider refused the credentials.
    Auth(OutcomeSource),
    /// The provider's limit.
    Limited(OutcomeSource),
    /// Another failure.
    Error,
}

/// How a process ended (waitid(2)): a code and a signal are different facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

/// Why the agent's program did not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRun {
    /// No such program.
    NotFound,
    /// It is there, or its folder is, but cannot be used.
    Unusable,
}

/// The evidence of one turn's end. The tree is gone.
#[derive(Clone, Copy, Debug)]
pub struct Ending {
    /// The agent was let go: "go" was given and its program was executed.
    pub started: bool,
    /// The program could not be executed.
    pub not_run: Option<NotRun>,
    /// The exit record: how the agent ended, and by whom.
    pub exit: Option<(Ended, EndedBy)>,
    /// The wish that was recorded before any signal was sent.
    pub wish: Option<Wish>,
    /// The runtime prints a terminal event (`plain` does not).
    pub expects_terminal: bool,
    /// The last terminal event of the stream.
    pub terminal: Option<Terminal>,
    /// Any event at all came.
    pub any_event: bool,
    /// Refused resume as seen without a terminal event (exit code and first words on stderr, before any event).
    pub refused_without_event: bool,
    /// Refused credentials, seen in the same way.
    pub no_credentials: bool,
    /// A non-zero exit code is a failure whatever came before it.
    pub code_tells: bool,
}

/// An outcome, why, and what it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// The outcome.
    pub outcome: Outcome,
    /// Why.
    pub cause: Cause,
    /// What it was read from.
    pub source: OutcomeSource,
}

/// Concludes how a turn ended. The first line that fits decides.
#[must_use]
pub fn conclude(ending: &Ending) -> Conclusion {
    use Outcome as O;
    use OutcomeSource as S;
    let by_us = !matches!(ending.exit, Some((_, EndedBy::Agent)));
    let deadline = matches!(ending.exit, Some((_, EndedBy::Deadline)));
    let (outcome, cause, source) = match (ending.not_run, ending.terminal, ending.wish, ending.exit) {
        (Some(NotRun::NotFound), ..) => (O::SpawnFailed, Cause::ProgramNotFound, S::ExitCode),
        (Some(NotRun::Unusable), ..) => (O::SpawnFailed, Cause::CannotRun, S::ExitCode),
        _ if !ending.started => (O::NeverStarted, Cause::NotReleased, S::Operator),
        // Finished work is finished, whatever came after it.
        (_, Some(Terminal::Clean), ..) => (O::Completed, Cause::CleanResult, S::TerminalEvent),
        (_, None, ..) if deadline => (O::TimedOut, Cause::Deadline, S::Clock),
        // Programs answer our signal with a failed terminal line. Before it there was none, or the clock had not run out.
        (_, Some(Terminal::Error), None, _) if deadline => (O::TimedOut, Cause::Deadline, S::Clock),
        // A wish explains an end only if the end was ours.
        (_, _, Some(Wish::Operator), _) if by_us => (O::Aborted, Cause::Stop, S::Operator),
        (_, _, Some(Wish::Interrupt), _) if by_us => (O::Aborted, Cause::Interrupt, S::Operator),
        (_, None | Some(Terminal::Error), Some(Wish::FirstEvent), _) if by_us => {
            (O::Stalled, Cause::NoFirstEvent, S::Clock)
        }
        (_, None | Some(Terminal::Error), Some(Wish::Stall), _) if by_us => (O::Stalled, Cause::NoProgress, S::Clock),
        (_, None | Some(Terminal::Error), Some(Wish::StallTool), _) if by_us => {
            (O::Stalled, Cause::NoProgressInTool, S::Clock)
        }
        // Somebody told the shim itself to end: nobody wrote down why.
        (_, None, None, Some((_, EndedBy::Asked))) => (O::Aborted, Cause::Stop, S::Operator),
        (_, Some(Terminal::ResumeRefused(source)), ..) => (O::ResumeRefused, Cause::UnknownSession, source),
        (_, Some(Terminal::Auth(source)), ..) => (O::Auth, Cause::Credentials, source),
        (_, Some(Terminal::Limited(source)), ..) => (O::Limited, Cause::RateLimit, source),
        (_, Some(Terminal::Error), ..) => (O::Failed, Cause::ErrorResult, S::TerminalEvent),
        (.., None) => (O::Lost, Cause::ShimDied, S::Operator),
        (.., Some((Ended::Signal(_), _))) => (O::Killed, Cause::Signal, S::Signal),
        (.., Some((Ended::Code(0), _))) if !ending.expects_terminal => (O::Completed, Cause::ExitCode, S::ExitCode),
        (.., Some((Ended::Code(_), _))) if !ending.expects_terminal => (O::Failed, Cause::ExitCode, S::ExitCode),
        _ if ending.refused_without_event => (O::ResumeRefused, Cause::UnknownSession, S::ExitCode),
        _ if ending.no_credentials => (O::Auth, Cause::Credentials, S::ExitCode),
        (.., Some((Ended::Code(0), _))) => (O::NoResult, Cause::NoTerminalEvent, S::TerminalEvent),
        (.., Some((Ended::Code(_), _))) if ending.any_event && !ending.code_tells => {
            (O::NoResult, Cause::NoTerminalEvent, S::TerminalEvent)
        }
        // It gave up before it began (a bad option, a folder it does not trust), or has no other way to say it.
        (.., Some((Ended::Code(_), _))) => (O::Failed, Cause::ExitCode, S::ExitCode),
    };
    Conclusion { outcome, cause, source }
}

/// The terminal mail a capability owes to its parent: one of these.
#[must_use]
pub const fn owed_mail(capability: Capability) -> &'static [MailType] {
    match capability {
        Capability::None | Capability::Coordinator => &[],
        Capability::Merger => &[MailType::Merged, MailType::MergeFailed],
        Capability::Builder | Capability::Scout | Capability::Reviewer | Capability::Lead => {
            &[MailType::WorkerDone, MailType::Result]
        }
    }
}

/// Whether some capability owes mail of this type.
#[must_use]
pub fn is_terminal_mail(kind: MailType) -> bool {
    Capability::ALL.iter().any(|capability| owed_mail(*capability).contains(&kind))
}

/// What a clean result leaves open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// The capability owes a terminal mail to a parent.
    pub owes_mail: bool,
    /// This turn has sent it.
    pub mail_sent: bool,
    /// The agent said that it ends on purpose and waits.
    pub yielded: bool,
    /// Runs that have this agent as parent.
    pub children: i64,
    /// Mail that waits for this agent.
    pub unread: i64,
}

/// Is a clean result the end, a wait, or silence?
#[must_use]
pub fn settle(clean: Conclusion, open: Open) -> Conclusion {
    let (outcome, cause) = match open {
        // Its last word: whoever says both that it waits and that it is done is done.
        Open { mail_sent: true, .. } => (clean.outcome, clean.cause),
        Open { yielded: true, .. } => (Outcome::Waiting, Cause::Yielded),
        Open { children: 1.., .. } => (Outcome::Waiting, Cause::OpenChildren),
        Open { unread: 1.., .. } => (Outcome::Waiting, Cause::UnreadMail),
        Open { owes_mail: true, .. } => (Outcome::Silent, Cause::TerminalMailMissing),
        _ => (clean.outcome, clean.cause),
    };
    Conclusion { outcome, cause, ..clean }
}

/// The exit code of `turn run` and `turn attach` for an outcome.
///
/// `signal` is the signal the agent died of, or for an aborted turn the one that asked for the end.
#[must_use]
pub fn exit_of(outcome: Outcome, cause: Cause, signal: Option<i32>) -> Exit {
    match outcome {
        Outcome::Completed | Outcome::Waiting | Outcome::Empty => Exit::Done,
        Outcome::Silent | Outcome::Failed | Outcome::NoResult | Outcome::ResumeRefused => Exit::No,
        Outcome::Limited => Exit::Busy,
        Outcome::Auth => Exit::Permission,
        Outcome::Stalled | Outcome::TimedOut => Exit::TimedOut,
        Outcome::Aborted => Exit::Signal(signal.unwrap_or(15)),
        Outcome::Killed => signal.map_or(Exit::No, Exit::Signal),
        Outcome::Lost | Outcome::NeverStarted => Exit::TurnLost,
        Outcome::SpawnFailed if cause == Cause::ProgramNotFound => Exit::ProgramNotFound,
        Outcome::SpawnFailed => Exit::CannotRun,
        Outcome::Fenced => Exit::Refused,
    }
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;
