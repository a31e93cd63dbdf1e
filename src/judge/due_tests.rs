//! What holds a retry, one thing at a time and all of them together.

use super::*;
use crate::id::{RetryId, RunId};
use crate::model::{Capability, RetryClass, RetryState, RunState};

const NOW: i64 = 1_800_000_000_000;

fn retry(due_in_s: i64, by_provider: bool) -> Retry {
    Retry {
        id: RetryId(1),
        run: RunId(1),
        agent: "a".into(),
        turn: Some(TurnId(1)),
        attempt: 1,
        class: Some(RetryClass::Failed),
        counted: true,
        due_at: Stamp::from_millis(NOW + due_in_s * 1000),
        by_provider,
        in_a_row: 1,
        since: Stamp::from_millis(NOW),
        state: RetryState::Open,
        opened_at: Stamp::from_millis(NOW),
        closed_at: None,
        taken_by: None,
        cancelled: None,
        reopened: None,
    }
}

fn run(hold: Option<Hold>, held_for_s: Option<i64>) -> Run {
    Run {
        id: RunId(1),
        agent: "a".into(),
        task: None,
        parent: None,
        capability: Capability::None,
        state: RunState::BetweenTurns,
        hold,
        held_until: held_for_s.map(|time| Stamp::from_millis(NOW + time * 1000)),
        held_by_provider: held_for_s.is_some(),
        epoch: 1,
        attempts: 1,
        max_attempts: 2,
        runtime: None,
        session: None,
        terminal_mail_missing: false,
        opened_at: Stamp::from_millis(0),
        changed_at: Stamp::from_millis(0),
        ended_at: None,
    }
}

#[test]
fn what_holds_a_retry_in_the_order_in_which_it_is_told() {
    let (backoff, human) = (Some(Hold::Backoff), Some(Hold::NeedsHuman));
    let year = 370 * 86_400;
    for (due_in_s, by_provider, hold, held_for_s, mark, stopped, open_turn, expected) in [
        (0, false, backoff, None, false, false, false, None),
        (-5, false, backoff, None, false, false, false, None),
        (5, false, backoff, None, false, false, false, Some(HeldBy::Pause)),
        (5, true, Some(Hold::Limited), Some(5), false, false, false, Some(HeldBy::Provider)),
        (-5, true, Some(Hold::Limited), Some(-5), false, false, false, None),
        (-5, false, Some(Hold::Limited), Some(5), false, false, false, Some(HeldBy::Provider)),
        (5, true, backoff, None, false, false, false, Some(HeldBy::Provider)),
        (year, false, backoff, None, false, false, false, None),
        (0, false, human, None, false, false, false, Some(HeldBy::NeedsHuman)),
        (5, true, human, Some(5), false, false, false, Some(HeldBy::NeedsHuman)),
        (5, true, human, Some(5), false, true, false, Some(HeldBy::Stop)),
        (5, true, human, Some(5), false, true, true, Some(HeldBy::OpenTurn)),
        (0, false, backoff, None, true, false, false, Some(HeldBy::Mark)),
        (5, true, Some(Hold::Limited), Some(5), true, false, false, Some(HeldBy::Mark)),
        (0, false, human, None, true, false, false, Some(HeldBy::NeedsHuman)),
        (0, false, backoff, None, true, true, false, Some(HeldBy::Stop)),
        (0, false, backoff, None, false, true, false, Some(HeldBy::Stop)),
        (0, false, backoff, None, false, false, true, Some(HeldBy::OpenTurn)),
    ] {
        let run = run(hold, held_for_s);
        let open_turn = open_turn.then_some(TurnId(9));
        let mark = mark.then_some(MarkId(3));
        let around = Around { run: &run, open_turn, stopped, mark, now: Stamp::from_millis(NOW) };
        let found = held_by(&retry(due_in_s, by_provider), &around);
        assert_eq!(found, expected, "{due_in_s} {by_provider} {hold:?} {held_for_s:?} {mark:?} {stopped}");
    }
}
