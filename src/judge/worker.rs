//! What is true of an adopted worker, and how its run ends. One `match` from findings to one conclusion.
//! Called through `sight` by every command that looks at one, and by `finish` for `turn end`.

use crate::judge::outcome::{Conclusion, Ended, Open, settle};
use crate::judge::owed::{done, hold_to};
use crate::judge::sequel::Sequel;
use crate::judge::tmux::{Lost, Session, of_session};
use crate::model::{Cause, Fulfilment, MailType, Observed, Outcome, OutcomeSource, Reason, RunState, Sight};

/// What was found of a worker.
#[derive(Clone, Copy, Debug)]
pub struct Findings {
    /// Its recorded process, if there is one.
    pub process: Option<Sight>,
    /// Its tmux session, if it has one and was asked for.
    pub session: Option<Session>,
    /// The recorded tmux server's process, if there is one.
    pub server: Option<Sight>,
    /// It was seen before.
    pub found: bool,
    /// It was never seen, and may still come.
    pub launching: bool,
}

/// Concludes whether a worker is there. The first line that fits decides.
///
/// A process is asked before its session: what a living process is called by tmux does not matter, and a shell that
/// was put into the pane anew is not the worker.
#[must_use]
pub fn observe(findings: &Findings) -> Sight {
    use Observed::{Alive, Gone};
    let came = |said| Sight::from(of_session(said, findings.server, 1));
    match (findings.process, findings.session) {
        (Some(process @ Sight { observed: Alive | Gone, .. }), _) => process,
        (Some(unknown), None) => unknown,
        (None, None) => Sight::unknown(Reason::LookFailed),
        (_, Some(said @ (Session::Listed | Session::PaneDead | Session::Lost(Lost::Failed(_))))) => came(said),
        // It was never there: whether it may still come is all there is to know.
        (_, Some(_)) if !findings.found && findings.launching => Sight::unknown(Reason::Launching),
        (_, Some(_)) if !findings.found => Sight::gone(Reason::NeverAppeared),
        (_, Some(said)) => came(said),
    }
}

/// A worker's word for how its work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Done.
    Completed,
    /// Given up.
    Failed,
}

/// How a run ends by its worker's word. It is the end whatever is open still: only what is owed is held against it.
#[must_use]
pub fn by_word(said: Said, open: Open, findings: &[Fulfilment]) -> Conclusion {
    let word = |outcome| Conclusion { outcome, cause: Cause::OwnWord, source: OutcomeSource::Operator };
    let owed = Open { owes_mail: open.owes_mail, mail_sent: open.mail_sent, ..Open::default() };
    match said {
        Said::Failed => word(Outcome::Failed),
        Said::Completed => hold_to(settle(word(Outcome::Completed), owed), findings),
    }
}

/// How the run of a worker that is gone without a word ends by its work; none: it goes on. Nobody has said that it is
/// the end: while something is open there is more to do.
#[must_use]
pub fn by_work(open: Open, findings: &[Fulfilment]) -> Option<Conclusion> {
    let end = settle(done(open, findings)?, open);
    (end.outcome != Outcome::Waiting).then_some(end)
}

/// How the run of a worker that is gone ends: by its work, by how its process ended where tmux tells it, or without a
/// word; none: its work is done, and what is open keeps the run.
#[must_use]
pub fn by_death(exit: Option<Ended>, open: Open, findings: &[Fulfilment]) -> Option<Conclusion> {
    let end = |outcome, cause, source| Conclusion { outcome, cause, source };
    let left = match exit {
        _ if done(open, findings).is_some() => return by_work(open, findings),
        Some(Ended::Code(0)) => {
            let clean = end(Outcome::Completed, Cause::ExitCode, OutcomeSource::ExitCode);
            hold_to(settle(clean, open), findings)
        }
        Some(Ended::Code(_)) => end(Outcome::Failed, Cause::ExitCode, OutcomeSource::ExitCode),
        Some(Ended::Signal(_)) => end(Outcome::Killed, Cause::Signal, OutcomeSource::Signal),
        None => end(Outcome::Lost, Cause::Gone, OutcomeSource::Operator),
    };
    (left.outcome != Outcome::Waiting).then_some(left)
}

/// How the run of a worker ends that never came.
pub const NEVER_CAME: Conclusion =
    Conclusion { outcome: Outcome::NeverStarted, cause: Cause::NeverAppeared, source: OutcomeSource::Operator };

/// What follows from the end of an adopted run: whatever its outcome, the run has ended.
#[must_use]
pub const fn sequel(outcome: Outcome, attempts: i64) -> Sequel {
    match outcome {
        Outcome::Completed => Sequel::plain(RunState::Completed, attempts, None),
        Outcome::Silent => Sequel::plain(RunState::Completed, attempts, Some(MailType::WorkerDied)),
        Outcome::NeverStarted => Sequel::plain(RunState::Failed, attempts, Some(MailType::WorkerDied)),
        Outcome::Lost => Sequel::plain(RunState::Crashed, attempts + 1, Some(MailType::WorkerDied)),
        _ => Sequel::plain(RunState::Failed, attempts + 1, Some(MailType::WorkerDied)),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{ExpectKind, Reach};

    const NOTHING: Findings = Findings { process: None, session: None, server: None, found: true, launching: false };
    const HIDDEN: Option<Sight> = Some(Sight::unknown(Reason::OtherNamespace));
    const LIVES: Option<Sight> = Some(Sight::alive(Reason::Running));
    const DEAD: Option<Sight> = Some(Sight::gone(Reason::PidReused));

    fn session(session: Session) -> Findings {
        Findings { session: Some(session), ..NOTHING }
    }

    #[test]
    fn the_table_of_what_is_true_of_a_worker() {
        use Session as S;
        let never = |state, launching| Findings { found: false, launching, ..session(state) };
        let server = |state, server| Findings { server, ..session(state) };
        let rows = [
            (Findings { process: LIVES, ..NOTHING }, "alive running"),
            (Findings { process: DEAD, ..NOTHING }, "gone pid_reused"),
            (Findings { process: HIDDEN, ..NOTHING }, "unknown other_namespace"),
            // The process decides, whatever tmux says.
            (Findings { process: LIVES, ..session(S::NotListed) }, "alive running"),
            (Findings { process: DEAD, ..session(S::Listed) }, "gone pid_reused"),
            (Findings { process: HIDDEN, ..session(S::Listed) }, "alive listed"),
            (Findings { process: HIDDEN, ..session(S::NotListed) }, "gone not_listed"),
            (session(S::Listed), "alive listed"),
            (session(S::PaneDead), "gone pane_dead"),
            (session(S::NotListed), "gone not_listed"),
            (session(S::Lost(Lost::Failed(Reason::Timeout))), "unknown timeout"),
            (session(S::Lost(Lost::Failed(Reason::PermissionDenied))), "unknown permission_denied"),
            (server(S::Lost(Lost::NoServer), DEAD), "gone no_server"),
            (server(S::Lost(Lost::NoServer), LIVES), "unknown socket_replaced"),
            (server(S::Lost(Lost::NoServer), HIDDEN), "unknown no_server"),
            (session(S::Lost(Lost::NoServer)), "unknown no_server"),
            (server(S::Lost(Lost::OtherServer), DEAD), "gone no_server"),
            (server(S::Lost(Lost::OtherServer), LIVES), "unknown socket_replaced"),
            (session(S::Lost(Lost::OtherServer)), "unknown socket_replaced"),
            (server(S::Lost(Lost::NoSocket), DEAD), "gone no_server"),
            (server(S::Lost(Lost::NoSocket), LIVES), "unknown no_socket"),
            (session(S::Lost(Lost::NoSocket)), "unknown no_socket"),
            // Before it was ever seen.
            (never(S::Listed, true), "alive listed"),
            (never(S::PaneDead, true), "gone pane_dead"),
            (never(S::NotListed, true), "unknown launching"),
            (never(S::Lost(Lost::NoServer), true), "unknown launching"),
            (never(S::Lost(Lost::NoSocket), true), "unknown launching"),
            (never(S::NotListed, false), "gone never_appeared"),
            (never(S::Lost(Lost::NoServer), false), "gone never_appeared"),
            (never(S::Lost(Lost::NoSocket), false), "gone never_appeared"),
            (never(S::Lost(Lost::Failed(Reason::NotInstalled)), false), "unknown not_installed"),
        ];
        for (findings, expected) in rows {
            let sight = observe(&findings);
            assert_eq!(format!("{} {}", sight.observed, sight.why), expected, "{findings:?}");
        }
    }

    #[test]
    fn an_error_of_an_instrument_is_never_a_death() {
        for why in Reason::ALL {
            for (found, launching) in [(true, false), (false, true), (false, false)] {
                let findings =
                    Findings { process: HIDDEN, found, launching, ..session(Session::Lost(Lost::Failed(*why))) };
                assert_eq!(observe(&findings), Sight::unknown(*why));
            }
        }
    }

    #[test]
    fn every_reason_is_documented() {
        let documented = include_str!("../../docs/probe.md");
        for why in Reason::ALL {
            assert!(documented.contains(&format!("`{why}`")), "{why} is not in docs/probe.md");
        }
    }

    /// Words, what is open, what became of what is owed, and how the run ends by it.
    type Row = (Said, Open, Vec<Fulfilment>, (&'static str, &'static str));

    fn rows() -> Vec<Row> {
        use ExpectKind::{File, Mail, Result};
        use Reach::{Contradicted, NotReached, Reached, Unknown};
        let found = |kind, reach| vec![Fulfilment { kind, reach, why: None }];
        let nothing = Vec::new;
        let free = Open::default();
        let owes = Open { owes_mail: true, ..free };
        let sent = Open { mail_sent: true, ..owes };
        vec![
            (Said::Completed, free, nothing(), ("completed", "own_word")),
            (Said::Completed, owes, nothing(), ("silent", "terminal_mail_missing")),
            (Said::Completed, sent, nothing(), ("completed", "own_word")),
            (Said::Completed, Open { children: 1, unread: 1, ..free }, nothing(), ("completed", "own_word")),
            (Said::Completed, free, found(File, Reached), ("completed", "own_word")),
            (Said::Completed, sent, found(File, NotReached), ("failed", "expectation_missing")),
            (Said::Completed, owes, found(File, NotReached), ("failed", "expectation_missing")),
            (Said::Completed, owes, found(File, Reached), ("silent", "terminal_mail_missing")),
            (Said::Completed, free, found(Result, Contradicted), ("failed", "result_says_failed")),
            (Said::Completed, free, found(Result, Unknown), ("failed", "expectation_unknown")),
            (Said::Completed, free, found(Mail, NotReached), ("silent", "expectation_missing")),
            (Said::Failed, sent, nothing(), ("failed", "own_word")),
            (Said::Failed, owes, nothing(), ("failed", "own_word")),
            (Said::Failed, free, found(Result, Reached), ("failed", "own_word")),
        ]
    }

    /// Every end of an adopted run by a word.
    pub(in crate::judge) fn reached() -> Vec<(Outcome, Cause)> {
        let words = rows().into_iter().map(|row| by_word(row.0, row.1, &row.2));
        let deaths = deaths().into_iter().filter_map(|row| by_death(row.0, row.1, &row.2));
        words.chain(deaths).chain([NEVER_CAME]).map(|end| (end.outcome, end.cause)).collect()
    }

    /// How a process ended, what is open, what became of what is owed, and how the run ends by it.
    type Death = (Option<Ended>, Open, Vec<Fulfilment>, Option<(&'static str, &'static str)>);

    fn deaths() -> Vec<Death> {
        use ExpectKind::{File, Result};
        use Reach::{NotReached, Reached, Unknown};
        let found = |kind, reach| vec![Fulfilment { kind, reach, why: None }];
        let (code, signal) = (|code| Some(Ended::Code(code)), Some(Ended::Signal(9)));
        let free = Open::default();
        let owes = Open { owes_mail: true, ..free };
        let children = Open { children: 1, ..free };
        vec![
            (None, free, vec![], Some(("lost", "gone"))),
            (None, children, vec![], Some(("lost", "gone"))),
            (None, free, found(File, Reached), Some(("lost", "gone"))),
            (None, free, found(Result, Reached), Some(("completed", "expectation_met"))),
            (None, owes, found(Result, Reached), Some(("silent", "terminal_mail_missing"))),
            (None, children, found(Result, Reached), None),
            (signal, free, found(Result, Reached), Some(("completed", "expectation_met"))),
            (signal, free, vec![], Some(("killed", "signal"))),
            (code(3), free, vec![], Some(("failed", "exit_code"))),
            (code(0), free, vec![], Some(("completed", "exit_code"))),
            (code(0), owes, vec![], Some(("silent", "terminal_mail_missing"))),
            (code(0), children, vec![], None),
            (code(0), Open { unread: 1, ..free }, vec![], None),
            (code(0), free, found(File, NotReached), Some(("failed", "expectation_missing"))),
            (code(0), free, found(File, Unknown), Some(("failed", "expectation_unknown"))),
        ]
    }

    #[test]
    fn a_death_is_judged_by_the_work_and_then_by_the_exit() {
        for (exit, open, findings, expected) in deaths() {
            let end = by_death(exit, open, &findings).map(|end| (end.outcome.word(), end.cause.word()));
            assert_eq!(end, expected, "{exit:?} {open:?} {findings:?}");
        }
    }

    #[test]
    fn a_word_is_the_end_and_only_what_is_owed_is_held_against_it() {
        for (said, open, findings, expected) in rows() {
            let end = by_word(said, open, &findings);
            assert_eq!((end.outcome.word(), end.cause.word()), expected, "{said:?} {open:?} {findings:?}");
        }
    }

    #[test]
    fn work_ends_the_run_of_who_is_gone_only_with_a_result_and_nothing_open() {
        let found = |kind, reach| [Fulfilment { kind, reach, why: None }];
        let result = found(ExpectKind::Result, Reach::Reached);
        let free = Open::default();
        let rows = [
            (free, &result, Some("completed")),
            (Open { owes_mail: true, ..free }, &result, Some("silent")),
            (Open { owes_mail: true, mail_sent: true, children: 1, ..free }, &result, Some("completed")),
            (Open { children: 1, ..free }, &result, None),
            (Open { unread: 1, ..free }, &result, None),
            (free, &found(ExpectKind::File, Reach::Reached), None),
            (free, &found(ExpectKind::Result, Reach::NotReached), None),
            (free, &found(ExpectKind::Result, Reach::Unknown), None),
            (free, &found(ExpectKind::Result, Reach::Contradicted), None),
        ];
        for (open, findings, expected) in rows {
            let end = by_work(open, findings).map(|end| end.outcome.word());
            assert_eq!(end, expected, "{open:?} {findings:?}");
        }
        assert_eq!(by_work(free, &[]), None, "who owes nothing has proved nothing");
    }

    #[test]
    fn the_parent_hears_of_every_end_but_a_good_one() {
        for (outcome, expected) in [
            (Outcome::Completed, (RunState::Completed, None, 4)),
            (Outcome::Silent, (RunState::Completed, Some(MailType::WorkerDied), 4)),
            (Outcome::Failed, (RunState::Failed, Some(MailType::WorkerDied), 5)),
            (Outcome::Killed, (RunState::Failed, Some(MailType::WorkerDied), 5)),
            (Outcome::Lost, (RunState::Crashed, Some(MailType::WorkerDied), 5)),
            (Outcome::NeverStarted, (RunState::Failed, Some(MailType::WorkerDied), 4)),
        ] {
            let next = sequel(outcome, 4);
            assert_eq!((next.state, next.notice, next.attempts), expected, "{outcome}");
        }
    }
}
