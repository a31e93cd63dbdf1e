//! The words of a wait: what is waited for, what woke it, and how it ended.

use crate::words::words;

words! {
    /// What is waited for.
    pub enum Awaited {
        /// Mail that a turn could take.
        Mail = "mail",
        /// The end of a process.
        PidExit = "pid_exit",
        /// The end of a run.
        RunEnded = "run_ended",
        /// Another standing of a run.
        RunChanged = "run_changed",
        /// The outcome of a turn.
        TurnEnded = "turn_ended",
        /// Another content of a file, or another file.
        FileChanged = "file_changed",
        /// A file that is there.
        FileExists = "file_exists",
        /// A file that is not there.
        FileGone = "file_gone",
        /// The end of a tmux session.
        TmuxGone = "tmux_gone",
    }
}

words! {
    /// What ended the last sleep of a wait.
    pub enum WokenBy {
        /// The kernel told: a process has ended, a file or a folder has changed, a terminal is gone.
        Notice = "notice",
        /// A commit of another process.
        Bell = "bell",
        /// The look that needs no notice.
        Backstop = "backstop",
        /// The end of a lease, of a delay, or of the time the agent was held until.
        Lease = "lease",
        /// A look every quarter of a second, where the kernel gives no notices.
        Poll = "poll",
    }
}

words! {
    /// How a wait ended.
    pub enum WaitEnd {
        /// It is so.
        Met = "met",
        /// The time was up.
        Timeout = "timeout",
        /// The agent is stopped: no turn will take its mail.
        Stopped = "stopped",
        /// It can never be told from here.
        Unknown = "unknown",
    }
}
