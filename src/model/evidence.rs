//! The words of evidence: what was looked at, with what, and what was found. One list of reasons for all instruments.
//! Only words and data: `seam` looks, `judge` finds, `record` prints.

use super::sight::{Observed, Sight};
use crate::words::words;

words! {
    /// The answer to the question that an instrument is asked.
    pub enum Answer {
        /// It is so.
        Yes = "yes",
        /// It is certainly not so.
        No = "no",
        /// It could not be found out.
        Unknown = "unknown",
    }
}

words! {
    /// What the answer means for the subject.
    pub enum Meaning {
        /// It lives.
        Alive = "alive",
        /// It is gone for certain.
        Dead = "dead",
        /// It could not be found out.
        Unknown = "unknown",
    }
}

words! {
    /// What was looked at.
    pub enum SubjectKind {
        /// A process.
        Process = "process",
        /// A tmux server.
        Server = "server",
        /// A tmux session.
        Session = "session",
        /// A tmux pane.
        Pane = "pane",
        /// A run.
        Run = "run",
        /// A story file.
        Story = "story",
        /// A line of a sprint file.
        Sprint = "sprint",
        /// A file that a monitor or an agent writes.
        Output = "output",
        /// A result file.
        Result = "result",
        /// A lock.
        Lock = "lock",
        /// An agent's mail.
        Mail = "mail",
        /// A mark.
        Mark = "mark",
        /// The state file.
        State = "state",
        /// This machine.
        Host = "host",
    }
}

words! {
    /// What it was looked at with.
    pub enum Instrument {
        /// `pidfd_open(2)` and `/proc`.
        Pidfd = "pidfd",
    }
}

words! {
    /// Why a finding is what it is: the closed list. `docs/probe.md` explains each word.
    pub enum Reason {
        /// The recorded process lives.
        Running = "running",
        /// It lives and is stopped by a signal or a tracer.
        Stopped = "stopped",
        /// tmux lists the session and its pane is not dead; its process cannot be looked at.
        Listed = "listed",
        /// No process has its number.
        NoSuchProcess = "no_such_process",
        /// Another process has its number.
        PidReused = "pid_reused",
        /// It has ended and waits for its parent to ask.
        Zombie = "zombie",
        /// The host was booted anew.
        Rebooted = "rebooted",
        /// tmux answered and does not list the session.
        NotListed = "not_listed",
        /// tmux lists the pane as dead.
        PaneDead = "pane_dead",
        /// The tmux server is gone.
        NoServer = "no_server",
        /// The session never came within the launch deadline.
        NeverAppeared = "never_appeared",
        /// The session is not there yet.
        Launching = "launching",
        /// Another boot, and not certainly a later one of this host.
        OtherBoot = "other_boot",
        /// Its number was told in another namespace.
        OtherNamespace = "other_namespace",
        /// Another machine-id.
        OtherHost = "other_host",
        /// Who looks cannot tell its own boot or namespaces.
        OwnIdentityUnknown = "own_identity_unknown",
        /// `/proc` belongs to another pid namespace.
        ForeignProc = "foreign_proc",
        /// The number exists, but `/proc` does not show whose it is.
        Hidden = "hidden",
        /// No free descriptor.
        NoDescriptors = "no_descriptors",
        /// The kernel offers no pidfds.
        NotSupported = "not_supported",
        /// Another error of the instrument.
        LookFailed = "look_failed",
        /// Processes came and went faster than they could be read.
        Restless = "restless",
        /// Another tmux server answers on the socket, or none, while the recorded one lives or cannot be looked at.
        SocketReplaced = "socket_replaced",
        /// There is no socket, which says nothing of a server.
        NoSocket = "no_socket",
        /// The socket may not be used.
        PermissionDenied = "permission_denied",
        /// The server went while it was asked.
        ServerExited = "server_exited",
        /// tmux cannot make its folder.
        NoDirectory = "no_directory",
        /// Client and server are of different versions.
        VersionMismatch = "version_mismatch",
        /// tmux failed without a word.
        EmptyAnswer = "empty_answer",
        /// tmux answered something else than what was asked.
        Unparsable = "unparsable",
        /// The socket cannot be connected to.
        ConnectFailed = "connect_failed",
        /// tmux failed in words that are not known here.
        TmuxFailed = "tmux_failed",
        /// No answer in time.
        Timeout = "timeout",
        /// tmux cannot be started.
        ExecFailed = "exec_failed",
        /// There is no tmux.
        NotInstalled = "not_installed",
        /// The sources of one truth say different things.
        Conflict = "conflict",
    }
}

/// What an instrument found: the answer, what it means, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The answer.
    pub answer: Answer,
    /// What it means for the subject.
    pub meaning: Meaning,
    /// Why.
    pub reason: Reason,
}

impl Finding {
    /// It is so.
    #[must_use]
    pub const fn yes(meaning: Meaning, reason: Reason) -> Self {
        Self { answer: Answer::Yes, meaning, reason }
    }

    /// It is certainly not so.
    #[must_use]
    pub const fn no(meaning: Meaning, reason: Reason) -> Self {
        Self { answer: Answer::No, meaning, reason }
    }

    /// It could not be found out. There is no other way to say so: an unknown has no meaning.
    #[must_use]
    pub const fn unknown(reason: Reason) -> Self {
        Self { answer: Answer::Unknown, meaning: Meaning::Unknown, reason }
    }
}

impl From<Sight> for Finding {
    fn from(sight: Sight) -> Self {
        match sight.observed {
            Observed::Alive => Self::yes(Meaning::Alive, sight.why),
            Observed::Gone => Self::no(Meaning::Dead, sight.why),
            Observed::Unknown => Self::unknown(sight.why),
        }
    }
}
