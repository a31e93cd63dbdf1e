//! The tmux instrument: one bounded snapshot of everything a server has, or why there is none.
//! Called by `adopt` and by whoever looks at an adopted session. It never names a target (tmux matches targets by
//! prefix), never starts a server, and never takes a failure for an answer.

use std::io;
use std::process::Command;
use std::time::Duration;

use super::bounded::{self, Ran};
use super::{process, procfs};
use crate::identity::Identity;
use crate::words::words;

/// How long tmux may take. A server that is stopped takes for ever.
pub const TIMEOUT: Duration = Duration::from_secs(3);

/// Ids first, in fields whose divider no id can hold; last the two that can hold it. A name has no ':' (tmux makes it '_').
const FORMAT: &str = "#{session_id}|#{session_created}|#{pid}|#{start_time}|#{window_id}|#{pane_id}|#{pane_pid}|\
                      #{pane_dead}|#{pane_dead_status}|#{pane_dead_signal}|#{socket_path}:#{session_name}";

/// How the command line of the server's process begins (tmux sets it).
const SERVER_NAME: &str = "tmux: server";

/// What tmux says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A server answered, and these are its panes, all of them.
    Listed(Snapshot),
    /// A server answered: it has no sessions.
    Empty,
    /// A server answered: what was asked for is not there.
    NotFound,
    /// There is a socket and nobody behind it.
    NoServer {
        /// The socket, as tmux names it.
        socket: String,
    },
    /// There is no socket. A server can live without: somebody has removed it.
    NoSocket {
        /// Where it would be, as tmux names it.
        socket: String,
    },
    /// It could not be asked.
    Failed {
        /// Why.
        failing: Failing,
        /// In the words of tmux or of the kernel.
        said: String,
    },
}

words! {
    /// Why tmux could not be asked.
    pub enum Failing {
        /// The socket may not be used.
        PermissionDenied = "permission_denied",
        /// The server went while it was asked.
        ServerExited = "server_exited",
        /// tmux cannot make the folder of its sockets.
        NoDirectory = "no_directory",
        /// Client and server are of different versions.
        VersionMismatch = "version_mismatch",
        /// It failed without a word.
        EmptyAnswer = "empty_answer",
        /// It answered something else.
        Unparsable = "unparsable",
        /// The socket cannot be connected to.
        ConnectFailed = "connect_failed",
        /// It failed in words that are not known here.
        TmuxFailed = "tmux_failed",
        /// No answer in time.
        Timeout = "timeout",
        /// It cannot be started.
        ExecFailed = "exec_failed",
        /// There is none.
        NotInstalled = "not_installed",
    }
}

/// Everything one server has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The server.
    pub server: Server,
    /// The panes of all sessions, in tmux's order.
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

/// One pane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pane {
    /// Its session's id: `$3`.
    pub session: String,
    /// When the session was made, in seconds since 1970.
    pub created: i64,
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

/// How the process of a dead pane ended; neither where tmux does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PaneEnd {
    /// Its exit code.
    pub status: Option<i32>,
    /// The signal it died of.
    pub signal: Option<i32>,
}

/// Asks the server behind a socket for all its panes. A socket with a '/' is a path, another one a name (`-L`), none is
/// the user's own server.
#[must_use]
pub fn look(socket: Option<&str>, within: Duration) -> Answer {
    let mut command = Command::new("tmux");
    // Without -u tmux replaces what is not ASCII; in another locale the kernel's words are not those below.
    command.env("LC_ALL", "C").arg("-u");
    if let Some(socket) = socket {
        command.args([if socket.contains('/') { "-S" } else { "-L" }, socket]);
    }
    command.args(["list-panes", "-a", "-F", FORMAT]);
    match bounded::run(&mut command, within) {
        Ok(Ran::Ended(answer)) if answer.ended_with(&[0]) => snapshot(&String::from_utf8_lossy(&answer.out)),
        Ok(Ran::Ended(answer)) => refusal(String::from_utf8_lossy(&answer.err).trim()),
        Ok(Ran::TooLong) => failed(Failing::Unparsable, "the answer is too long"),
        Ok(Ran::Late) => failed(Failing::Timeout, format!("no answer within {} ms", within.as_millis())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => failed(Failing::NotInstalled, "there is no tmux"),
        Err(error) => failed(Failing::ExecFailed, crate::error::io_text(&error)),
    }
}

fn failed(failing: Failing, said: impl Into<String>) -> Answer {
    Answer::Failed { failing, said: said.into() }
}

/// What tmux says on stderr, in the words of its client (3.3a and the kernel's in the C locale).
fn refusal(said: &str) -> Answer {
    let after = |start: &str| said.strip_prefix(start).map(str::trim);
    if let Some(socket) = after("no server running on ") {
        return Answer::NoServer { socket: socket.to_owned() };
    }
    if let Some((socket, why)) = after("error connecting to ").and_then(|rest| rest.rsplit_once(" (")) {
        return match why.trim_end_matches(')') {
            "No such file or directory" => Answer::NoSocket { socket: socket.to_owned() },
            "Permission denied" => failed(Failing::PermissionDenied, said),
            _ => failed(Failing::ConnectFailed, said),
        };
    }
    let has = |words: &str| said.contains(words);
    match said {
        "" => failed(Failing::EmptyAnswer, "tmux failed without a word"),
        _ if has("can't find session") || has("can't find window") || has("can't find pane") => Answer::NotFound,
        _ if has("no current target") || has("no sessions") => Answer::Empty,
        _ if has("server exited") || has("lost server") => failed(Failing::ServerExited, said),
        _ if has("couldn't create directory") => failed(Failing::NoDirectory, said),
        _ if has("protocol version mismatch") || has("server version") => failed(Failing::VersionMismatch, said),
        _ if has("Permission denied") || has("permissions") => failed(Failing::PermissionDenied, said),
        _ => failed(Failing::TmuxFailed, said),
    }
}

/// Reads all lines or none: half an answer is no answer.
fn snapshot(text: &str) -> Answer {
    let mut servers = Vec::new();
    let mut panes = Vec::new();
    for line in text.lines() {
        let Some((server, pane)) = row(line) else { return failed(Failing::Unparsable, line) };
        if servers.last() != Some(&server) {
            servers.push(server);
        }
        panes.push(pane);
    }
    match (servers.pop(), servers.is_empty()) {
        (None, _) => Answer::Empty,
        (Some(server), true) => Answer::Listed(Snapshot { server, panes }),
        (Some(_), false) => failed(Failing::Unparsable, "more than one server in an answer"),
    }
}

fn row(line: &str) -> Option<(Server, Pane)> {
    let mut fields = line.splitn(11, '|');
    let mut field = || fields.next();
    let (session, created, server, started) = (field()?, field()?, field()?, field()?);
    let (window, pane, pid) = (field()?, field()?, field()?);
    let (dead, status, signal, names) = (field()?, field()?, field()?, field()?);
    let (socket, name) = names.rsplit_once(':')?;
    let id = |text: &str, sigil| is_id(text, sigil).then(|| text.to_owned());
    let number = |text: &str| if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) };
    let end = PaneEnd { status: number(status)?, signal: number(signal)? };
    let dead = match dead {
        "0" | "" => None,
        "1" => Some(end),
        _ => return None,
    };
    let server = Server { pid: positive(server)?, started: started.parse().ok()?, socket: socket.to_owned() };
    let pane = Pane {
        session: id(session, '$')?,
        created: created.parse().ok()?,
        name: (!name.is_empty()).then(|| name.to_owned())?,
        window: id(window, '@')?,
        pane: id(pane, '%')?,
        pid: pid.parse().ok()?,
        dead,
    };
    Some((server, pane))
}

fn positive(text: &str) -> Option<i32> {
    text.parse().ok().filter(|number| *number > 0)
}

fn is_id(text: &str, sigil: char) -> bool {
    text.strip_prefix(sigil).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A name as tmux stores it: what stands in targets has another meaning there, and a backslash begins an escape.
fn stored(name: &str) -> String {
    name.replace([':', '.'], "_").replace('\\', "\\\\")
}

impl Snapshot {
    /// The first pane of the session that has exactly this id (`$3`), or this name as tmux stores it.
    #[must_use]
    pub fn session(&self, asked: &str) -> Option<&Pane> {
        let name = stored(asked);
        self.panes.iter().find(|pane| match is_id(asked, '$') {
            true => pane.session == asked,
            // The name as it is first: it may have been copied from a listing.
            false => pane.name == asked || pane.name == name,
        })
    }

    /// The pane with this id.
    #[must_use]
    pub fn pane(&self, id: &str) -> Option<&Pane> {
        self.panes.iter().find(|pane| pane.pane == id)
    }

    /// The server's process, if it can be seen from here.
    #[must_use]
    pub fn server_process(&self) -> Option<Identity> {
        is_server(self.server.pid).then(|| process::identity_of(self.server.pid).ok()).flatten()
    }

    /// The process of a pane, if it can be seen from here. In another pid namespace the server's numbers mean nothing
    /// here: a pane's process is a child of the server, and only as one it is believed.
    #[must_use]
    pub fn pane_process(&self, pane: &Pane) -> Option<Identity> {
        self.server_process()?;
        let identity = process::identity_of(pane.pid).ok()?;
        let stat = procfs::stat(pane.pid).ok()?;
        (stat.parent == self.server.pid && stat.start_ticks == identity.start_ticks).then_some(identity)
    }
}

/// Whether a process calls itself a tmux server.
#[must_use]
pub fn is_server(pid: i32) -> bool {
    procfs::stat(pid).is_ok_and(|stat| stat.name == SERVER_NAME)
}

#[cfg(test)]
mod tests;
