//! What is true of an adopted worker, and what its word ends. One `match` from findings to one conclusion.
//! Called through `sight` by every command that looks at one, and by `finish` for `turn end`.

use crate::judge::outcome::Open;
use crate::judge::sequel::Sequel;
use crate::model::{MailType, Observed, RunState, Sight, Why};

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

/// What tmux says of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// It is listed, by the recorded server, with a living pane.
    Listed,
    /// It is listed, and its pane is dead.
    PaneDead,
    /// The recorded server answered and does not list it.
    NotListed,
    /// Another server than the recorded one answered.
    OtherServer,
    /// Nobody is behind the socket.
    NoServer,
    /// There is no socket.
    NoSocket,
    /// tmux could not be asked.
    Failed(Why),
}

/// Concludes whether a worker is there. The first line that fits decides.
///
/// A process is asked before its session: what a living process is called by tmux does not matter, and a shell that
/// was put into the pane anew is not the worker.
#[must_use]
pub fn observe(findings: &Findings) -> Sight {
    use Observed::{Alive, Gone};
    let server_is = |observed| findings.server.is_some_and(|server| server.observed == observed);
    match (findings.process, findings.session) {
        (Some(process @ Sight { observed: Alive | Gone, .. }), _) => process,
        (Some(unknown), None) => unknown,
        (None, None) => Sight::unknown(Why::LookFailed),
        (_, Some(Session::Listed)) => Sight::alive(Why::Listed),
        (_, Some(Session::PaneDead)) => Sight::gone(Why::PaneDead),
        (_, Some(Session::Failed(why))) => Sight::unknown(why),
        // It was never there: whether it may still come is all there is to know.
        (_, Some(_)) if !findings.found && findings.launching => Sight::unknown(Why::Launching),
        (_, Some(_)) if !findings.found => Sight::gone(Why::NeverAppeared),
        (_, Some(Session::NotListed)) => Sight::gone(Why::NotListed),
        // A socket says nothing of a server that lives without it.
        (_, Some(_)) if server_is(Gone) => Sight::gone(Why::NoServer),
        (_, Some(Session::NoSocket)) => Sight::unknown(Why::NoSocket),
        (_, Some(Session::OtherServer)) => Sight::unknown(Why::SocketReplaced),
        (_, Some(Session::NoServer)) if server_is(Alive) => Sight::unknown(Why::SocketReplaced),
        // Nobody saw the server's process: one silent socket proves nothing of it.
        (_, Some(Session::NoServer)) => Sight::unknown(Why::NoServer),
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

/// What follows from a worker's word. It is the end whatever is open still: only a missing mail is held against it.
#[must_use]
pub const fn ended_by_word(said: Said, open: Open, attempts: i64) -> (Sequel, bool) {
    let silent = matches!(said, Said::Completed) && open.owes_mail && !open.mail_sent;
    let (state, notice, attempts) = match said {
        Said::Failed => (RunState::Failed, Some(MailType::WorkerDied), attempts + 1),
        Said::Completed if silent => (RunState::Completed, Some(MailType::WorkerDied), attempts),
        Said::Completed => (RunState::Completed, None, attempts),
    };
    (Sequel::plain(state, attempts, notice), silent)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Findings = Findings { process: None, session: None, server: None, found: true, launching: false };
    const HIDDEN: Option<Sight> = Some(Sight::unknown(Why::OtherNamespace));
    const LIVES: Option<Sight> = Some(Sight::alive(Why::Running));
    const DEAD: Option<Sight> = Some(Sight::gone(Why::PidReused));

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
            (session(S::Failed(Why::Timeout)), "unknown timeout"),
            (session(S::Failed(Why::PermissionDenied)), "unknown permission_denied"),
            (server(S::NoServer, DEAD), "gone no_server"),
            (server(S::NoServer, LIVES), "unknown socket_replaced"),
            (server(S::NoServer, HIDDEN), "unknown no_server"),
            (session(S::NoServer), "unknown no_server"),
            (server(S::OtherServer, DEAD), "gone no_server"),
            (server(S::OtherServer, LIVES), "unknown socket_replaced"),
            (session(S::OtherServer), "unknown socket_replaced"),
            (server(S::NoSocket, DEAD), "gone no_server"),
            (server(S::NoSocket, LIVES), "unknown no_socket"),
            (session(S::NoSocket), "unknown no_socket"),
            // Before it was ever seen.
            (never(S::Listed, true), "alive listed"),
            (never(S::PaneDead, true), "gone pane_dead"),
            (never(S::NotListed, true), "unknown launching"),
            (never(S::NoServer, true), "unknown launching"),
            (never(S::NoSocket, true), "unknown launching"),
            (never(S::NotListed, false), "gone never_appeared"),
            (never(S::NoServer, false), "gone never_appeared"),
            (never(S::NoSocket, false), "gone never_appeared"),
            (never(S::Failed(Why::NotInstalled), false), "unknown not_installed"),
        ];
        for (findings, expected) in rows {
            let sight = observe(&findings);
            assert_eq!(format!("{} {}", sight.observed, sight.why), expected, "{findings:?}");
        }
    }

    #[test]
    fn an_error_of_an_instrument_is_never_a_death() {
        for why in Why::ALL {
            for (found, launching) in [(true, false), (false, true), (false, false)] {
                let findings = Findings { process: HIDDEN, found, launching, ..session(Session::Failed(*why)) };
                assert_eq!(observe(&findings), Sight::unknown(*why));
            }
        }
    }

    #[test]
    fn every_reason_is_documented() {
        let documented = include_str!("../../docs/turn.md");
        for why in Why::ALL {
            assert!(documented.contains(&format!("`{why}`")), "{why} is not in docs/turn.md");
        }
    }

    #[test]
    fn a_word_is_the_end_and_only_a_missing_mail_is_held_against_it() {
        use MailType::WorkerDied;
        let owes = Open { owes_mail: true, ..Open::default() };
        let rows = [
            (Said::Completed, Open::default(), ("completed", None, false)),
            (Said::Completed, owes, ("completed", Some(WorkerDied), true)),
            (Said::Completed, Open { mail_sent: true, ..owes }, ("completed", None, false)),
            (Said::Completed, Open { children: 1, unread: 1, ..Open::default() }, ("completed", None, false)),
            (Said::Failed, Open { mail_sent: true, ..owes }, ("failed", Some(WorkerDied), false)),
            (Said::Failed, Open::default(), ("failed", Some(WorkerDied), false)),
        ];
        for (said, open, expected) in rows {
            let (sequel, missing) = ended_by_word(said, open, 0);
            assert_eq!((sequel.state.word(), sequel.notice, missing), expected, "{said:?} {open:?}");
        }
    }
}
