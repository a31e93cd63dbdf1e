//! Whether a turn could take mail of an agent now, and if not, why. Called by `probe mail`.

use super::wait::Held;
use crate::model::{Finding, Meaning, Reason};

/// What waits for an agent, and what keeps the agent.
#[derive(Clone, Copy, Debug)]
pub struct Mailbox {
    /// The agent was told to stop.
    pub stopped: bool,
    /// What it is held by.
    pub held: Held,
    /// A claim would get mail.
    pub ready: bool,
    /// Mail is leased to a turn that nobody watches.
    pub abandoned: bool,
    /// So many wait.
    pub stored: i64,
    /// So many are leased.
    pub leased: i64,
}

/// Whether a turn could take mail now.
#[must_use]
pub const fn find(mailbox: Mailbox) -> Finding {
    let (any, absent, held) = (mailbox.ready || mailbox.abandoned, Meaning::Absent, Meaning::Held);
    match mailbox {
        Mailbox { stored: 0, leased: 0, .. } if !any => Finding::no(absent, Reason::NoMail),
        Mailbox { stored: 0, .. } if !any => Finding::no(absent, Reason::AllLeased),
        _ if !any => Finding::no(absent, Reason::NotDue),
        Mailbox { stopped: true, .. } => Finding::no(held, Reason::AgentStopped),
        Mailbox { held: Held::Person, .. } => Finding::no(held, Reason::NeedsHuman),
        Mailbox { held: Held::Until(_) | Held::Mark(_), .. } => Finding::no(held, Reason::AgentHeld),
        Mailbox { held: Held::No, ready: true, .. } => Finding::yes(Meaning::Present, Reason::MailReady),
        Mailbox { held: Held::No, ready: false, .. } => Finding::yes(Meaning::Present, Reason::Abandoned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Stamp;

    #[test]
    fn the_table_of_mailboxes() {
        let until = Held::Until(Stamp::from_millis(9));
        let (yes, no) =
            (|reason| Finding::yes(Meaning::Present, reason), |reason| Finding::no(Meaning::Absent, reason));
        let held = |reason| Finding::no(Meaning::Held, reason);
        // What waits; what is found of a free agent.
        let waits = [
            ((false, false, 0, 0), no(Reason::NoMail)),
            ((false, false, 0, 2), no(Reason::AllLeased)),
            ((false, false, 1, 0), no(Reason::NotDue)),
            ((false, false, 1, 1), no(Reason::NotDue)),
            ((true, false, 1, 0), yes(Reason::MailReady)),
            ((true, false, 0, 1), yes(Reason::MailReady)),
            ((true, true, 1, 1), yes(Reason::MailReady)),
            ((false, true, 0, 1), yes(Reason::Abandoned)),
            ((false, true, 1, 1), yes(Reason::Abandoned)),
        ];
        // What keeps the agent; what is found where mail could be taken.
        let keeps = [
            ((false, Held::No), None),
            ((false, Held::Person), Some(held(Reason::NeedsHuman))),
            ((false, until), Some(held(Reason::AgentHeld))),
            ((false, Held::Mark(None)), Some(held(Reason::AgentHeld))),
            ((true, Held::No), Some(held(Reason::AgentStopped))),
            ((true, Held::Person), Some(held(Reason::AgentStopped))),
            ((true, until), Some(held(Reason::AgentStopped))),
        ];
        for ((ready, abandoned, stored, leased), free) in waits {
            for ((stopped, by), kept) in keeps {
                let mailbox = Mailbox { stopped, held: by, ready, abandoned, stored, leased };
                let wanted = if ready || abandoned { kept.unwrap_or(free) } else { free };
                assert_eq!(find(mailbox), wanted, "{mailbox:?}");
            }
        }
    }
}
