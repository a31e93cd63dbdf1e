//! What one look means for somebody who waits: it is so, not yet, not to be told now, or never to be told from here.
//! Called by `wait` after each look. Nothing that an instrument could not see ends a wait as if it were so.

use crate::judge::tmux::{Lost, Session};
use crate::model::{Observed, Reason, Run, Sight, Standing};

/// What a look means for a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It is so.
    Met(Reason),
    /// It seems to be so: one more look has to agree.
    Again(Reason),
    /// It is not so yet.
    NotYet(Reason),
    /// It cannot be told now, and the kernel will not say when it can.
    Unclear(Reason),
    /// It can never be told from here.
    Never(Reason),
    /// It will not come before a person acts.
    Barred(Reason),
}

/// Whether a process has ended. What may pass is not taken for a place that cannot be seen from here.
#[must_use]
pub const fn exit(process: Sight) -> Seen {
    match (process.observed, process.why) {
        (Observed::Gone, why) => Seen::Met(why),
        (Observed::Alive, why) => Seen::NotYet(why),
        (Observed::Unknown, why @ (Reason::NoDescriptors | Reason::LookFailed | Reason::Restless)) => {
            Seen::Unclear(why)
        }
        (Observed::Unknown, why) => Seen::Never(why),
    }
}

/// What is seen of a run between two looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSeen {
    standing: Standing,
    epoch: i64,
    attempts: i64,
}

impl From<&Run> for RunSeen {
    fn from(run: &Run) -> Self {
        Self { standing: run.standing(), epoch: run.epoch, attempts: run.attempts }
    }
}

impl RunSeen {
    /// Whether it has ended.
    #[must_use]
    pub const fn ended(&self) -> Seen {
        if self.standing.state.is_terminal() {
            Seen::Met(Reason::EndRecorded)
        } else {
            Seen::NotYet(Reason::NoEndRecorded)
        }
    }

    /// Whether it stands differently than at the first look.
    #[must_use]
    pub fn changed(&self, first: &Self) -> Seen {
        if self == first { Seen::NotYet(Reason::Unchanged) } else { Seen::Met(Reason::Changed) }
    }
}

/// What is seen of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileStat {
    /// Nothing is at its path.
    Absent,
    /// Something is.
    Present {
        /// Its device and its number there: one file, whatever its path.
        file: (u64, u64),
        /// How long it is.
        length: u64,
        /// When it was last written: seconds and nanoseconds.
        written: (i64, i64),
    },
    /// It cannot be looked at.
    Hidden(Reason),
}

/// Whether a file is there.
#[must_use]
pub const fn exists(now: FileStat) -> Seen {
    match now {
        FileStat::Present { .. } => Seen::Met(Reason::Present),
        FileStat::Absent => Seen::NotYet(Reason::NoFile),
        FileStat::Hidden(why) => Seen::Never(why),
    }
}

/// Whether a file is gone.
#[must_use]
pub const fn gone(now: FileStat) -> Seen {
    match now {
        FileStat::Present { .. } => Seen::NotYet(Reason::Present),
        FileStat::Absent => Seen::Met(Reason::NoFile),
        FileStat::Hidden(why) => Seen::Never(why),
    }
}

/// Whether a file is another, or has another content, than at the first look.
#[must_use]
pub fn changed(first: FileStat, now: FileStat) -> Seen {
    use FileStat::{Absent, Hidden, Present};
    match (first, now) {
        (Hidden(why), _) | (_, Hidden(why)) => Seen::Never(why),
        (Absent, Absent) => Seen::NotYet(Reason::Unchanged),
        (Absent, Present { .. }) => Seen::Met(Reason::Appeared),
        (Present { .. }, Absent) => Seen::Met(Reason::Removed),
        (Present { file: was, .. }, Present { file: is, .. }) if was != is => Seen::Met(Reason::Replaced),
        (first, now) if first != now => Seen::Met(Reason::Modified),
        _ => Seen::NotYet(Reason::Unchanged),
    }
}

/// What was found of a tmux session.
#[derive(Clone, Copy, Debug)]
pub struct SessionSeen {
    /// What tmux says; none where it was not asked.
    pub session: Option<Session>,
    /// The process of the server that had it, where that is known.
    pub server: Option<Sight>,
    /// It was listed once.
    pub found: bool,
    /// Another instrument has seen its end, or the look before this one found the same.
    pub confirmed: bool,
}

/// Whether a tmux session is gone. The first line that fits decides. A server that does not answer is not gone.
#[must_use]
pub fn session(seen: &SessionSeen) -> Seen {
    let gone = |why| if seen.confirmed { Seen::Met(why) } else { Seen::Again(why) };
    let server_is = |observed| seen.server.is_some_and(|server| server.observed == observed);
    match seen.session {
        _ if server_is(Observed::Gone) => Seen::Met(Reason::NoServer),
        None => Seen::Unclear(Reason::LookFailed),
        Some(Session::Listed) => Seen::NotYet(Reason::Listed),
        Some(Session::PaneDead) => Seen::Met(Reason::PaneDead),
        Some(Session::NotListed | Session::NotFound) if !seen.found => gone(Reason::NeverSeen),
        Some(Session::NotListed) => gone(Reason::NotListed),
        Some(Session::NotFound) => gone(Reason::NotFound),
        Some(Session::Lost(Lost::OtherServer)) => Seen::Unclear(Reason::SocketReplaced),
        Some(Session::Lost(Lost::NoServer)) if server_is(Observed::Alive) => Seen::Unclear(Reason::SocketReplaced),
        Some(Session::Lost(Lost::NoServer)) => gone(Reason::NoServer),
        Some(Session::Lost(Lost::NoSocket)) if seen.found => Seen::Unclear(Reason::NoSocket),
        // There may be a server without a socket, and nothing is known by which it could be found.
        Some(Session::Lost(Lost::NoSocket)) => Seen::Never(Reason::NoSocket),
        Some(Session::Lost(Lost::Failed(why))) if may_pass(why) || seen.found => Seen::Unclear(why),
        Some(Session::Lost(Lost::Failed(why))) => Seen::Never(why),
    }
}

/// Whether a failure to ask tmux may be none the next time.
const fn may_pass(why: Reason) -> bool {
    !matches!(
        why,
        Reason::NotInstalled
            | Reason::ExecFailed
            | Reason::PermissionDenied
            | Reason::NoDirectory
            | Reason::VersionMismatch
    )
}

#[cfg(test)]
#[path = "seen_tests.rs"]
mod tests;
