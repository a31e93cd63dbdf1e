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
mod tests {
    use super::*;

    const TALKING: Ending = Ending {
        started: true,
        not_run: None,
        exit: Some((Ended::Code(0), EndedBy::Agent)),
        wish: None,
        expects_terminal: true,
        terminal: None,
        any_event: true,
        refused_without_event: false,
        no_credentials: false,
        code_tells: false,
    };

    fn word(ending: Ending) -> (&'static str, &'static str) {
        let conclusion = conclude(&ending);
        (conclusion.outcome.word(), conclusion.cause.word())
    }

    #[test]
    fn the_table_of_outcomes() {
        use Ended::{Code, Signal};
        use EndedBy::{Agent, Asked, Deadline};
        let plain = Ending { expects_terminal: false, ..TALKING };
        let clean = Ending { terminal: Some(Terminal::Clean), ..TALKING };
        let error = Ending { terminal: Some(Terminal::Error), exit: Some((Code(1), Agent)), ..TALKING };
        let limited = Ending { terminal: Some(Terminal::Limited(OutcomeSource::TypedField)), ..error };
        let auth = Ending { terminal: Some(Terminal::Auth(OutcomeSource::TypedField)), ..error };
        let refused = Ending { terminal: Some(Terminal::ResumeRefused(OutcomeSource::TerminalMessage)), ..error };
        let with = |ending: Ending, exit, wish| Ending { exit, wish, ..ending };
        let rows = [
            // evidence                                                            outcome          cause
            (Ending { not_run: Some(NotRun::NotFound), ..TALKING }, ("spawn_failed", "program_not_found")),
            (Ending { not_run: Some(NotRun::Unusable), ..TALKING }, ("spawn_failed", "cannot_run")),
            (Ending { started: false, exit: None, ..TALKING }, ("never_started", "not_released")),
            (clean, ("completed", "clean_result")),
            (with(clean, Some((Code(1), Agent)), None), ("completed", "clean_result")),
            (with(clean, Some((Signal(9), Agent)), None), ("completed", "clean_result")),
            (with(clean, Some((Signal(9), Asked)), Some(Wish::Operator)), ("completed", "clean_result")),
            (with(clean, Some((Signal(9), Deadline)), None), ("completed", "clean_result")),
            (with(clean, Some((Signal(15), Asked)), Some(Wish::Grace)), ("completed", "clean_result")),
            (with(clean, None, None), ("completed", "clean_result")),
            (with(TALKING, Some((Signal(9), Deadline)), None), ("timed_out", "deadline")),
            (with(plain, Some((Code(0), Deadline)), None), ("timed_out", "deadline")),
            (with(TALKING, Some((Code(0), Asked)), Some(Wish::Operator)), ("aborted", "stop")),
            (with(TALKING, Some((Signal(15), Asked)), Some(Wish::Interrupt)), ("aborted", "interrupt")),
            (with(error, Some((Code(0), Asked)), Some(Wish::Operator)), ("aborted", "stop")),
            (with(TALKING, Some((Signal(15), Asked)), None), ("aborted", "stop")),
            (with(TALKING, None, Some(Wish::Operator)), ("aborted", "stop")),
            (with(plain, Some((Code(0), Asked)), Some(Wish::Operator)), ("aborted", "stop")),
            (with(plain, Some((Code(0), Agent)), Some(Wish::Operator)), ("completed", "exit_code")),
            (with(TALKING, Some((Signal(11), Agent)), Some(Wish::Stall)), ("killed", "signal")),
            (with(TALKING, Some((Signal(15), Asked)), Some(Wish::FirstEvent)), ("stalled", "no_first_event")),
            (with(TALKING, Some((Signal(15), Asked)), Some(Wish::Stall)), ("stalled", "no_progress")),
            (with(TALKING, Some((Code(143), Asked)), Some(Wish::StallTool)), ("stalled", "no_progress_in_tool")),
            (error, ("failed", "error_result")),
            (with(error, Some((Code(1), Asked)), Some(Wish::Stall)), ("stalled", "no_progress")),
            (with(error, Some((Code(0), Asked)), Some(Wish::StallTool)), ("stalled", "no_progress_in_tool")),
            (with(error, Some((Code(1), Asked)), Some(Wish::FirstEvent)), ("stalled", "no_first_event")),
            (with(error, Some((Code(1), Agent)), Some(Wish::Stall)), ("failed", "error_result")),
            (with(error, Some((Code(1), Deadline)), None), ("timed_out", "deadline")),
            (with(error, Some((Code(1), Deadline)), Some(Wish::Grace)), ("failed", "error_result")),
            (with(limited, Some((Code(1), Asked)), Some(Wish::Stall)), ("limited", "rate_limit")),
            (with(error, Some((Signal(15), Asked)), Some(Wish::Grace)), ("failed", "error_result")),
            (limited, ("limited", "rate_limit")),
            (with(limited, Some((Signal(15), Asked)), Some(Wish::Grace)), ("limited", "rate_limit")),
            (auth, ("auth", "credentials")),
            (refused, ("resume_refused", "unknown_session")),
            (with(TALKING, None, None), ("lost", "shim_died")),
            (with(TALKING, Some((Signal(9), Agent)), None), ("killed", "signal")),
            (with(plain, Some((Signal(9), Agent)), None), ("killed", "signal")),
            (plain, ("completed", "exit_code")),
            (with(plain, Some((Code(3), Agent)), None), ("failed", "exit_code")),
            (TALKING, ("no_result", "no_terminal_event")),
            (with(TALKING, Some((Code(101), Agent)), None), ("no_result", "no_terminal_event")),
            (Ending { any_event: false, ..TALKING }, ("no_result", "no_terminal_event")),
            (Ending { any_event: false, exit: Some((Code(2), Agent)), ..TALKING }, ("failed", "exit_code")),
            (
                Ending { any_event: false, exit: Some((Code(1), Agent)), refused_without_event: true, ..TALKING },
                ("resume_refused", "unknown_session"),
            ),
            (Ending { exit: Some((Code(1), Agent)), no_credentials: true, ..TALKING }, ("auth", "credentials")),
            (Ending { exit: Some((Code(1), Agent)), code_tells: true, ..TALKING }, ("failed", "exit_code")),
            (Ending { code_tells: true, ..TALKING }, ("no_result", "no_terminal_event")),
            (Ending { exit: Some((Signal(15), Agent)), code_tells: true, ..TALKING }, ("killed", "signal")),
        ];
        for (ending, expected) in rows {
            assert_eq!(word(ending), expected, "{ending:?}");
        }
    }

    #[test]
    fn a_clean_result_may_leave_something_open() {
        let clean = conclude(&Ending { terminal: Some(Terminal::Clean), ..TALKING });
        let owed = Open { owes_mail: true, ..Open::default() };
        let rows = [
            (Open::default(), "completed"),
            (owed, "silent"),
            (Open { mail_sent: true, ..owed }, "completed"),
            (Open { children: 2, ..owed }, "waiting"),
            (Open { unread: 1, ..owed }, "waiting"),
            (Open { children: 1, ..Open::default() }, "waiting"),
            (Open { mail_sent: true, children: 1, unread: 1, ..owed }, "completed"),
            (Open { yielded: true, ..Open::default() }, "waiting"),
            (Open { yielded: true, ..owed }, "waiting"),
            (Open { yielded: true, mail_sent: true, ..owed }, "completed"),
        ];
        for (open, expected) in rows {
            assert_eq!(settle(clean, open).outcome.word(), expected, "{open:?}");
        }
    }

    #[test]
    fn without_evidence_of_our_hand_a_wish_explains_nothing() {
        for wish in Wish::ALL {
            let ending = Ending { wish: Some(*wish), exit: Some((Ended::Signal(9), EndedBy::Agent)), ..TALKING };
            assert_eq!(conclude(&ending).outcome, Outcome::Killed, "{wish}");
        }
    }

    /// Every combination of evidence.
    fn all_endings() -> impl Iterator<Item = Ending> {
        use OutcomeSource::{TerminalMessage, TypedField};
        let not_run = [None, Some(NotRun::NotFound), Some(NotRun::Unusable)];
        let ends = [Ended::Code(0), Ended::Code(1), Ended::Signal(9)];
        let exits: Vec<_> = ends.iter().flat_map(|end| EndedBy::ALL.iter().map(|by| Some((*end, *by)))).collect();
        let wishes: Vec<_> = Wish::ALL.iter().copied().map(Some).chain([None]).collect();
        let terminals = [
            None,
            Some(Terminal::Clean),
            Some(Terminal::Error),
            Some(Terminal::ResumeRefused(TerminalMessage)),
            Some(Terminal::Auth(TypedField)),
            Some(Terminal::Limited(TerminalMessage)),
        ];
        let mut all = Vec::new();
        for flags in 0..64_u8 {
            let flag = |bit: u8| flags & (1 << bit) != 0;
            for (not_run, exit) in
                not_run.iter().flat_map(|not| exits.iter().chain([&None]).map(move |exit| (not, exit)))
            {
                for (wish, terminal) in wishes.iter().flat_map(|wish| terminals.iter().map(move |end| (wish, end))) {
                    all.push(Ending {
                        started: flag(0),
                        not_run: *not_run,
                        exit: *exit,
                        wish: *wish,
                        expects_terminal: flag(1),
                        terminal: *terminal,
                        any_event: flag(2),
                        refused_without_event: flag(3),
                        no_credentials: flag(4),
                        code_tells: flag(5),
                    });
                }
            }
        }
        all.into_iter()
    }

    #[test]
    fn every_word_is_reached_and_documented() {
        // These are decided elsewhere: by the epoch, and before anything is started.
        let mut reached = vec![(Outcome::Fenced, Cause::Epoch), (Outcome::Empty, Cause::EmptyPrompt)];
        let opens = [
            Open { children: 1, ..Open::default() },
            Open { unread: 1, ..Open::default() },
            Open { yielded: true, ..Open::default() },
            Open { owes_mail: true, ..Open::default() },
        ];
        let clean = conclude(&Ending { terminal: Some(Terminal::Clean), ..TALKING });
        let settled = opens.iter().map(|open| settle(clean, *open));
        reached.extend(all_endings().map(|e| conclude(&e)).chain(settled).map(|c| (c.outcome, c.cause)));
        reached.extend(crate::judge::owed::tests::reached());
        let documented = include_str!("../../docs/turn.md");
        for outcome in Outcome::ALL {
            assert!(reached.iter().any(|(seen, _)| seen == outcome), "{outcome} is never concluded");
            assert!(documented.contains(&format!("`{outcome}`")), "{outcome} is not in docs/turn.md");
        }
        for cause in Cause::ALL {
            assert!(reached.iter().any(|(_, seen)| seen == cause), "{cause} is never concluded");
        }
    }

    #[test]
    fn nothing_turns_a_clean_result_of_a_started_turn_into_a_failure() {
        for ending in all_endings().filter(|e| e.started && e.not_run.is_none() && e.terminal == Some(Terminal::Clean))
        {
            assert_eq!(conclude(&ending).outcome, Outcome::Completed, "{ending:?}");
        }
    }

    #[test]
    fn only_the_providers_word_limits_or_locks_out() {
        for ending in all_endings().filter(|e| !matches!(e.terminal, Some(Terminal::Auth(_) | Terminal::Limited(_)))) {
            let outcome = conclude(&ending).outcome;
            assert_ne!(outcome, Outcome::Limited, "{ending:?}");
            // The program itself may say that it has no credentials before there is a provider to ask.
            assert!(outcome != Outcome::Auth || ending.no_credentials && ending.terminal.is_none(), "{ending:?}");
        }
    }
}
