//! The tmux instrument: one bounded snapshot of everything a server has, or why there is none.
//! Called by `adopt`, by `probe`, and by whoever looks at an adopted session. It never names a target (tmux matches targets by
//! prefix), never starts a server, and never takes a failure for an answer.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::process::Command;
use std::time::Duration;

use super::bounded::{self, Ran};
use super::procfs;
use crate::model::Reason;

mod snapshot;
mod target;

pub use snapshot::{Children, InPane, Pane, PaneEnd, Server, Snapshot};
pub use target::Target;

/// How long tmux may take. A server that is stopped takes for ever.
pub const TIMEOUT: Duration = Duration::from_secs(3);

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
        failing: Reason,
        /// In the words of tmux or of the kernel.
        said: String,
    },
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
    command.args(["list-panes", "-a", "-F", snapshot::FORMAT, ";"]).args(snapshot::LAST);
    match bounded::run(&mut command, within) {
        Ok(Ran::Ended(answer)) if answer.ended_with(&[0]) => snapshot::read(&String::from_utf8_lossy(&answer.out)),
        Ok(Ran::Ended(answer)) => behind_socket(refusal(String::from_utf8_lossy(&answer.err).trim())),
        Ok(Ran::TooLong) => failed(Reason::Unparsable, "the answer is too long"),
        Ok(Ran::Late) => failed(Reason::Timeout, format!("no answer within {} ms", within.as_millis())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => failed(Reason::NotInstalled, "there is no tmux"),
        Err(error) => failed(Reason::ExecFailed, crate::error::io_text(&error)),
    }
}

/// tmux calls it no server too where a file or a folder is that no server could be behind.
fn behind_socket(answer: Answer) -> Answer {
    match answer {
        Answer::NoServer { socket } if std::fs::metadata(&socket).is_ok_and(|data| !data.file_type().is_socket()) => {
            failed(Reason::ConnectFailed, format!("{socket} is no socket"))
        }
        answer => answer,
    }
}

fn failed(failing: Reason, said: impl Into<String>) -> Answer {
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
            "Permission denied" => failed(Reason::PermissionDenied, said),
            _ => failed(Reason::ConnectFailed, said),
        };
    }
    let begins = |words: &str| said.starts_with(words);
    match said {
        "" => failed(Reason::EmptyAnswer, "tmux failed without a word"),
        "no current target" | "no sessions" => Answer::Empty,
        _ if begins("can't find ") => Answer::NotFound,
        _ if begins("server exited") || begins("lost server") => failed(Reason::ServerExited, said),
        _ if begins("couldn't create directory") => failed(Reason::NoDirectory, said),
        _ if begins("protocol version mismatch") || begins("server version") => failed(Reason::VersionMismatch, said),
        _ if begins("directory ") && said.ends_with("unsafe permissions") => failed(Reason::PermissionDenied, said),
        _ if said.contains("Permission denied") => failed(Reason::PermissionDenied, said),
        _ => failed(Reason::TmuxFailed, said),
    }
}

/// Whether a process calls itself a tmux server.
#[must_use]
pub fn is_server(pid: i32) -> bool {
    procfs::stat(pid).is_ok_and(|stat| stat.name == SERVER_NAME)
}

#[cfg(test)]
mod tests;
