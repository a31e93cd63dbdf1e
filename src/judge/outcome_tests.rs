//! The table of outcomes, and what holds for every combination of evidence.

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
        for (not_run, exit) in not_run.iter().flat_map(|not| exits.iter().chain([&None]).map(move |exit| (not, exit))) {
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
    reached.extend(crate::judge::worker::tests::reached());
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
    for ending in all_endings().filter(|e| e.started && e.not_run.is_none() && e.terminal == Some(Terminal::Clean)) {
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
