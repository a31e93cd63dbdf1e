//! Whether an agent's open run, and what marks hold the agent, let a turn for its mail begin now.

use std::time::Duration;

use crate::clock::Stamp;
use crate::judge::mark::Holding;
use crate::model::{Hold, Run};

/// What keeps mail from becoming a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Nothing.
    No,
    /// A time: the provider's, or the pause before the next try.
    Until(Stamp),
    /// A person has to act first.
    Person,
    /// A mark: so long, where that is known.
    Mark(Option<Duration>),
}

/// Decides by the open run, if there is one, and by the mark that keeps the agent, if one does. A run that waits for mail
/// is not held by its waiting.
#[must_use]
pub fn held(run: Option<&Run>, mark: Option<&Holding>, now: Stamp) -> Held {
    match (run.and_then(|run| run.hold), run.and_then(|run| run.held_until), mark) {
        (Some(Hold::NeedsHuman), ..) => Held::Person,
        (_, _, Some(mark)) => Held::Mark(mark.lasts(now)),
        (Some(Hold::Limited | Hold::Backoff), Some(until), _) if now < until => Held::Until(until),
        (Some(Hold::Limited | Hold::Backoff | Hold::Awaiting) | None, ..) => Held::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RunId;
    use crate::model::{Capability, RunState};

    #[test]
    fn the_table_of_holds() {
        let at = Stamp::from_millis;
        let rows = [
            (None, None, Held::No),
            (Some(Hold::Awaiting), Some(20), Held::No),
            (Some(Hold::Limited), Some(20), Held::Until(at(20))),
            (Some(Hold::Limited), Some(10), Held::No),
            (Some(Hold::Limited), None, Held::No),
            (Some(Hold::Backoff), Some(20), Held::Until(at(20))),
            (Some(Hold::NeedsHuman), None, Held::Person),
        ];
        for (hold, until, wanted) in rows {
            let run = Run {
                id: RunId(1),
                agent: "a".into(),
                task: None,
                parent: None,
                capability: Capability::None,
                state: RunState::Blocked,
                hold,
                held_until: until.map(at),
                held_by_provider: false,
                epoch: 1,
                attempts: 0,
                max_attempts: 1,
                runtime: None,
                session: None,
                terminal_mail_missing: false,
                opened_at: at(0),
                changed_at: at(0),
                ended_at: None,
            };
            assert_eq!(held(Some(&run), None, at(10)), wanted, "{hold:?} {until:?}");
        }
        assert_eq!(held(None, None, at(10)), Held::No);
    }
}
