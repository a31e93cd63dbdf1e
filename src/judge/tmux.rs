//! What an answer of tmux means for a server, and for a session or pane on it. One table for all who ask tmux.
//! Called through `sight`, and by `worker`. An error of tmux is never a death.

use crate::model::{Finding, Meaning, Observed, Reason, Sight};

/// What a server said that was asked for all it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// It listed its sessions.
    Answered,
    /// It has none.
    Empty,
    /// The one that is meant did not answer.
    Lost(Lost),
}

/// What tmux said of a session or a pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// It is listed, by the server that is meant, and has a living pane.
    Listed,
    /// It is listed, and all its panes are dead.
    PaneDead,
    /// The server answered and does not list it.
    NotListed,
    /// The server answered that it cannot find it.
    NotFound,
    /// The server that is meant did not answer.
    Lost(Lost),
}

/// How a server did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Another server than the recorded one answered.
    OtherServer,
    /// Nobody is behind the socket.
    NoServer,
    /// There is no socket.
    NoSocket,
    /// tmux could not be asked.
    Failed(Reason),
}

/// Concludes whether a server lives. `recorded`: what was found of its process, if that was recorded; `looks`: how many
/// agree.
#[must_use]
pub fn of_server(said: Server, recorded: Option<Sight>, looks: i64) -> Finding {
    match said {
        Server::Answered => Finding::yes(Meaning::Alive, Reason::Answered),
        // One without sessions does not tell which server it is; the recorded one it cannot be.
        Server::Empty if recorded.is_some_and(|sight| sight.observed == Observed::Gone) => {
            Finding::no(Meaning::Dead, Reason::NoServer)
        }
        Server::Empty => Finding::yes(Meaning::Alive, Reason::NoSessions),
        Server::Lost(lost) => of_lost(lost, recorded, looks),
    }
}

/// Concludes whether a session or a pane is there. Where its server did not answer, what is true of that is true of it.
#[must_use]
pub fn of_session(said: Session, recorded: Option<Sight>, looks: i64) -> Finding {
    match said {
        Session::Listed => Finding::yes(Meaning::Alive, Reason::Listed),
        Session::PaneDead => Finding::no(Meaning::Dead, Reason::PaneDead),
        Session::NotListed => Finding::no(Meaning::Dead, Reason::NotListed),
        Session::NotFound => Finding::no(Meaning::Dead, Reason::NotFound),
        Session::Lost(lost) => of_lost(lost, recorded, looks),
    }
}

/// The first line that fits decides.
fn of_lost(lost: Lost, recorded: Option<Sight>, looks: i64) -> Finding {
    match (lost, recorded.map(|sight| sight.observed), looks) {
        (Lost::Failed(why), ..) => Finding::unknown(why),
        // A socket says nothing of a server that lives without it.
        (_, Some(Observed::Gone), _) => Finding::no(Meaning::Dead, Reason::NoServer),
        (Lost::NoSocket, ..) => Finding::unknown(Reason::NoSocket),
        (Lost::OtherServer, ..) | (Lost::NoServer, Some(Observed::Alive), _) => {
            Finding::unknown(Reason::SocketReplaced)
        }
        (Lost::NoServer, None, 2..) => Finding::no(Meaning::Dead, Reason::NoServer),
        // One silent socket proves nothing, nor do two of a server whose process cannot be looked at.
        (Lost::NoServer, ..) => Finding::unknown(Reason::NoServer),
    }
}

/// Whether a second look that agrees would decide what one does not.
#[must_use]
pub fn second_decides(said: Server, recorded: Option<Sight>) -> bool {
    of_server(said, recorded, 1) != of_server(said, recorded, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: [Option<Sight>; 4] = [
        None,
        Some(Sight::alive(Reason::Running)),
        Some(Sight::gone(Reason::PidReused)),
        Some(Sight::unknown(Reason::OtherNamespace)),
    ];

    /// What was said of a server; what it means with nothing recorded after one look and after two, and with a recorded
    /// process that lives, is gone, cannot be looked at.
    const SERVERS: [(Server, [&str; 5]); 5] = [
        (Server::Answered, ["yes alive answered"; 5]),
        (
            Server::Empty,
            [
                "yes alive no_sessions",
                "yes alive no_sessions",
                "yes alive no_sessions",
                "no dead no_server",
                "yes alive no_sessions",
            ],
        ),
        (
            Server::Lost(Lost::OtherServer),
            [
                "unknown unknown socket_replaced",
                "unknown unknown socket_replaced",
                "unknown unknown socket_replaced",
                "no dead no_server",
                "unknown unknown socket_replaced",
            ],
        ),
        (
            Server::Lost(Lost::NoServer),
            [
                "unknown unknown no_server",
                "no dead no_server",
                "unknown unknown socket_replaced",
                "no dead no_server",
                "unknown unknown no_server",
            ],
        ),
        (
            Server::Lost(Lost::NoSocket),
            [
                "unknown unknown no_socket",
                "unknown unknown no_socket",
                "unknown unknown no_socket",
                "no dead no_server",
                "unknown unknown no_socket",
            ],
        ),
    ];

    const SESSIONS: [(Session, &str); 4] = [
        (Session::Listed, "yes alive listed"),
        (Session::PaneDead, "no dead pane_dead"),
        (Session::NotListed, "no dead not_listed"),
        (Session::NotFound, "no dead not_found"),
    ];

    fn text(finding: Finding) -> String {
        format!("{} {} {}", finding.answer, finding.meaning, finding.reason)
    }

    /// Every recorded process with every number of looks, and the column of the table that it stands in.
    fn columns() -> impl Iterator<Item = (Option<Sight>, i64, usize)> {
        let all = RECORDED.into_iter().enumerate().flat_map(|(at, recorded)| [(recorded, 1, at), (recorded, 2, at)]);
        all.map(|(recorded, looks, at)| (recorded, looks, if at == 0 && looks == 1 { 0 } else { at + 1 }))
    }

    #[test]
    #[allow(clippy::print_stdout, clippy::disallowed_macros, reason = "the number of cells is told")]
    fn every_answer_with_every_recorded_server_and_every_number_of_looks() {
        let mut cells = 0;
        for (recorded, looks, column) in columns() {
            for (said, expected) in SERVERS {
                assert_eq!(text(of_server(said, recorded, looks)), expected[column], "{said:?} {recorded:?} {looks}");
                cells += 1;
                // What is true of a lost server is true of all on it.
                if let Server::Lost(lost) = said {
                    let inherited = of_session(Session::Lost(lost), recorded, looks);
                    assert_eq!(text(inherited), expected[column], "{said:?} {recorded:?} {looks}");
                    cells += 1;
                }
            }
            for (said, expected) in SESSIONS {
                assert_eq!(text(of_session(said, recorded, looks)), expected, "{said:?} {recorded:?} {looks}");
                cells += 1;
            }
            for why in Reason::ALL {
                let lost = Lost::Failed(*why);
                assert_eq!(of_server(Server::Lost(lost), recorded, looks), Finding::unknown(*why));
                assert_eq!(of_session(Session::Lost(lost), recorded, looks), Finding::unknown(*why));
                cells += 2;
            }
        }
        println!("{cells} cells");
        assert_eq!(cells, 8 * (5 + 3 + 4 + 2 * Reason::ALL.len()));
    }

    #[test]
    fn a_second_look_is_worth_its_time_only_where_nobody_is_behind_the_socket_and_nothing_was_recorded() {
        for (recorded, _, column) in columns() {
            for (said, _) in SERVERS {
                let expected = column < 2 && said == Server::Lost(Lost::NoServer);
                assert_eq!(second_decides(said, recorded), expected, "{said:?} {recorded:?}");
            }
        }
        assert!(Reason::ALL.iter().all(|why| !second_decides(Server::Lost(Lost::Failed(*why)), None)));
    }
}
