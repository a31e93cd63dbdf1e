//! What a look at somebody else's work finds, and why: the closed lists. Records print them, `judge` decides over them.
//! Only words and data; who looks is `sight`.

use crate::words::words;

words! {
    /// What was observed of an adopted worker, beside what is recorded of it.
    pub enum Observed {
        /// Its process lives, or its session is listed.
        Alive = "alive",
        /// Gone for certain.
        Gone = "gone",
        /// It could not be found out, or it is not there yet.
        Unknown = "unknown",
    }
}

words! {
    /// Why a worker is taken for alive, gone or unknown.
    pub enum Why {
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
    }
}

/// One finding: what, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    /// What was observed.
    pub observed: Observed,
    /// Why.
    pub why: Why,
}

impl Sight {
    /// It lives.
    #[must_use]
    pub const fn alive(why: Why) -> Self {
        Self { observed: Observed::Alive, why }
    }

    /// It is gone.
    #[must_use]
    pub const fn gone(why: Why) -> Self {
        Self { observed: Observed::Gone, why }
    }

    /// It could not be found out.
    #[must_use]
    pub const fn unknown(why: Why) -> Self {
        Self { observed: Observed::Unknown, why }
    }
}
