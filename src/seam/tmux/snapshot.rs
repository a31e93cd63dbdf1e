//! Everything that one server has, read from one answer of tmux, and the processes in its panes.
//! Called by `tmux::look`. It reads all lines or none: half an answer is no answer.

use super::{Answer, failed, is_server, target};
use crate::identity::Identity;
use crate::model::Reason;
use crate::seam::process::{self, Life};
use crate::seam::procfs;

/// Ids first, in fields whose divider no id can hold; last those that can hold it. The names of a session and its group
/// have no ':' (tmux makes it '_').
pub(super) const FORMAT: &str = "#{session_id}|#{session_created}|#{pid}|#{start_time}|#{window_id}|#{pane_id}|\
                                 #{pane_pid}|#{pane_dead}|#{pane_dead_status}|#{pane_dead_signal}|#{pane_dead_time}|\
                                 #{socket_path}:#{session_group}:#{session_name}";

/// What every server answers with one line: without it the answer before was cut, or is not tmux's.
pub(super) const LAST: [&str; 3] = ["show-options", "-s", "buffer-limit"];

/// Everything one server has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The server.
    pub server: Server,
    /// The panes of all sessions, in tmux's order: those of a session stand together.
    pub panes: Vec<Pane>,
}

/// A server, as it tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its pid, in its own pid namespace.
    pub pid: i32,
    /// When it began, in seconds since 1970.
    pub started: i64,
    /// Its socket.
    pub socket: String,
}

/// One pane, as one session has it: grouped sessions and linked windows show one pane in several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pane {
    /// Its session's id: `$3`.
    pub session: String,
    /// When the session was made, in seconds since 1970.
    pub created: i64,
    /// The name of its session's group, if it is in one.
    pub group: Option<String>,
    /// Its session's name.
    pub name: String,
    /// Its window's id: `@5`.
    pub window: String,
    /// Its own id: `%7`.
    pub pane: String,
    /// The process in it.
    pub pid: i32,
    /// How that ended; the pane has remained.
    pub dead: Option<PaneEnd>,
}

/// How the process of a dead pane ended; nothing where tmux does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PaneEnd {
    /// Its exit code.
    pub status: Option<i32>,
    /// The signal it died of.
    pub signal: Option<i32>,
    /// When, in seconds since 1970.
    pub at: Option<i64>,
}

/// What a server that was asked for its panes, and then for [`LAST`], has answered.
pub(super) fn read(text: &str) -> Answer {
    let Some(last) = text.lines().next_back() else {
        return failed(Reason::EmptyAnswer, "tmux succeeded without a word");
    };
    let Some(rows) = text.strip_suffix('\n').and_then(|text| text.strip_suffix(last)) else {
        return failed(Reason::Unparsable, last);
    };
    if !last.starts_with("buffer-limit ") {
        return failed(Reason::Unparsable, last);
    }
    let mut servers = Vec::new();
    let mut panes = Vec::new();
    for line in rows.lines() {
        let Some((server, pane)) = row(line) else { return failed(Reason::Unparsable, line) };
        if servers.last() != Some(&server) {
            servers.push(server);
        }
        panes.push(pane);
    }
    match (servers.pop(), servers.is_empty()) {
        (None, _) => Answer::Empty,
        (Some(server), true) => Answer::Listed(Snapshot { server, panes }),
        (Some(_), false) => failed(Reason::Unparsable, "more than one server in an answer"),
    }
}

fn row(line: &str) -> Option<(Server, Pane)> {
    let mut fields = line.splitn(12, '|');
    let mut field = || fields.next();
    let (session, created, server, started) = (field()?, field()?, field()?, field()?);
    let (window, pane, pid) = (field()?, field()?, field()?);
    let (dead, status, signal, at, names) = (field()?, field()?, field()?, field()?, field()?);
    let (rest, name) = names.rsplit_once(':')?;
    let (socket, group) = rest.rsplit_once(':')?;
    let id = |text: &str, sigil| target::is_id(text, sigil).then(|| text.to_owned());
    let end = PaneEnd { status: number(status)?, signal: number(signal)?, at: number(at)? };
    let dead = match dead {
        "0" | "" => None,
        "1" => Some(end),
        _ => return None,
    };
    let server = Server { pid: positive(server)?, started: started.parse().ok()?, socket: socket.to_owned() };
    let pane = Pane {
        session: id(session, '$')?,
        created: created.parse().ok()?,
        group: (!group.is_empty()).then(|| group.to_owned()),
        name: (!name.is_empty()).then(|| name.to_owned())?,
        window: id(window, '@')?,
        pane: id(pane, '%')?,
        pid: pid.parse().ok()?,
        dead,
    };
    Some((server, pane))
}

/// A number, or nothing; none: something else.
fn number<N: std::str::FromStr>(text: &str) -> Option<Option<N>> {
    if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
}

fn positive(text: &str) -> Option<i32> {
    text.parse().ok().filter(|number| *number > 0)
}

impl Snapshot {
    /// The panes of each session.
    pub fn sessions(&self) -> impl Iterator<Item = &[Pane]> {
        self.panes.chunk_by(|one, next| one.session == next.session)
    }

    /// The server's process, if it can be seen from here.
    #[must_use]
    pub fn server_process(&self) -> Option<Identity> {
        is_server(self.server.pid).then(|| process::identity_of(self.server.pid).ok()).flatten()
    }

    /// The server's children, if its process can be seen from here. In another pid namespace its numbers mean nothing
    /// here.
    #[must_use]
    pub fn children(&self) -> Option<Children> {
        is_server(self.server.pid).then_some(Children { server: self.server.pid })
    }

    /// The process of a pane, if it can be seen from here.
    #[must_use]
    pub fn pane_process(&self, pane: &Pane) -> Option<Identity> {
        let found = self.children()?.look(pane)?;
        found.identity.filter(|_| matches!(found.life, Life::Alive { .. }))
    }
}

/// The processes that a server has started: a pane's process is believed only as one of them.
#[derive(Clone, Copy, Debug)]
pub struct Children {
    server: i32,
}

/// What was found of the process in a pane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InPane {
    /// Whether it lives.
    pub life: Life,
    /// Who it is, where it was seen.
    pub identity: Option<Identity>,
    /// What it calls itself, as far as it is UTF-8.
    pub name: Option<String>,
    /// The name is not UTF-8.
    pub name_lossy: bool,
    /// The name of the program that has the pane's terminal: a shell whose command has ended has it again.
    pub foreground: Option<String>,
}

impl Children {
    /// Looks at the process of a pane; none where the one with its number is no child of the server.
    #[must_use]
    pub fn look(&self, pane: &Pane) -> Option<InPane> {
        let (life, stat) = process::look_here(pane.pid);
        let Some(stat) = stat else {
            return Some(InPane { life, identity: None, name: None, name_lossy: false, foreground: None });
        };
        (stat.parent == self.server).then(|| InPane {
            life,
            identity: Some(process::identity(pane.pid, stat.start_ticks)),
            foreground: Some(foreground(pane.pid, &stat)),
            name_lossy: stat.name_lossy,
            name: Some(stat.name),
        })
    }
}

fn foreground(pid: i32, stat: &procfs::Stat) -> String {
    let other = Some(stat.foreground).filter(|group| *group > 0 && *group != pid);
    other.and_then(|group| procfs::stat(group).ok()).map_or_else(|| stat.name.clone(), |leader| leader.name)
}
