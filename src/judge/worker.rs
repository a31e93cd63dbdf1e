//! What is true of an adopted worker, and how its run ends. One `match` from findings to one conclusion.
//! Called through `sight` by every command that looks at one, and by `finish` for `turn end`.

use crate::judge::outcome::{Conclusion, Open, settle};
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
    let end = settle(done(findings)?, open);
    (end.outcome != Outcome::Waiting).then_some(end)
}

/// What follows from the end of an adopted run: whatever its outcome, the run has ended.
#[must_use]
pub const fn sequel(outcome: Outcome, attempts: i64) -> Sequel {
    match outcome {
        Outcome::Completed => Sequel::plain(RunState::Completed, attempts, None),
        Outcome::Silent => Sequel::plain(RunState::Completed, attempts, Some(MailType::WorkerDied)),
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
        rows().iter().map(|row| by_word(row.0, row.1, &row.2)).map(|end| (end.outcome, end.cause)).collect()
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
        ] {
            let next = sequel(outcome, 4);
            assert_eq!((next.state, next.notice, next.attempts), expected, "{outcome}");
        }
    }
}
