//! The words of a wait: what woke it, and how it ended.

use crate::words::words;

words! {
    /// What ended the last sleep of a wait.
    pub enum WokenBy {
        /// The folder told that the state file has come.
        Notice = "notice",
        /// A commit of another process.
        Bell = "bell",
        /// The look every five seconds.
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
        /// There is mail that a turn could take now.
        Mail = "mail",
        /// The time was up.
        Timeout = "timeout",
        /// The agent is stopped.
        Stopped = "stopped",
    }
}
