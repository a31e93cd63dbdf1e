//! The table of retries, row by row, and what it makes of runs that fail again and again.

use super::*;
use crate::id::{RetryId, RunId, TurnId};
use crate::judge::situation::Prior;
use crate::model::Retry;
use crate::model::RetryState;

const FIRST: Situation = Situation { max_attempts: 1000, ..Situation::FIRST };

const HOUR_MS: i64 = 3_600_000;

/// The retry that a turn takes at this moment.
fn taken(next: Next, opened_at: Stamp, closed_at: Stamp) -> Prior {
    Prior::of(&Retry {
        id: RetryId(1),
        run: RunId(1),
        agent: "a".into(),
        turn: Some(TurnId(1)),
        attempt: 1,
        class: Some(next.class),
        counted: next.counted,
        due_at: next.due_at,
        by_provider: next.by_provider,
        in_a_row: next.in_a_row,
        since: next.since,
        state: RetryState::Taken,
        opened_at,
        closed_at: Some(closed_at),
        taken_by: Some(TurnId(2)),
        cancelled: None,
        reopened: None,
    })
}

/// The next moment at which this class fails, each turn taking no time; its pauses in seconds.
fn pauses(class: RetryClass, count: usize, resets: impl Fn(usize, Stamp) -> Option<Stamp>) -> Vec<i64> {
    let mut run = FIRST;
    let mut seen = Vec::new();
    for number in 0..count {
        run.limit_resets_at = resets(number, run.now);
        let attempts = run.attempts + i64::from(policy(class).counts);
        let next = next(class, attempts, &run).unwrap();
        seen.push(next.due_at.since(run.now) / 1000);
        run = Situation { attempts, prior: Some(taken(next, run.now, next.due_at)), now: next.due_at, ..run };
    }
    seen
}

#[test]
fn the_table_of_retries() {
    let docs = include_str!("../../docs/turn.md");
    for class in RetryClass::ALL {
        let policy = policy(*class);
        let provider = if policy.provider { "the provider's, else " } else { "" };
        let row = format!(
            "| `{class}` | {} | {provider}{} s | ×{} | {} min | {} h |",
            if policy.counts { "yes" } else { "no" },
            policy.first.as_secs(),
            policy.factor,
            policy.cap.as_secs() / 60,
            policy.total.as_secs() / 3600,
        );
        assert!(docs.contains(&row), "docs/turn.md has no row {row}");
    }
}

#[test]
fn an_outcome_and_its_class_have_one_name() {
    let tried: Vec<&str> = Outcome::ALL.iter().filter_map(|outcome| class(*outcome)).map(RetryClass::word).collect();
    let same: Vec<&str> =
        Outcome::ALL.iter().filter(|outcome| class(**outcome).is_some()).map(|outcome| outcome.word()).collect();
    assert_eq!(tried, same);
    assert!(RetryClass::ALL.iter().all(|class| tried.contains(&class.word())), "every class is reached");
}

#[test]
fn pauses_double_and_are_capped() {
    let doubled = [30, 60, 120, 240, 480, 960, 1800, 1800, 1800];
    for class in RetryClass::ALL {
        assert_eq!(pauses(*class, 9, |_, _| None), doubled, "{class}");
    }
    assert_eq!(pause(policy(RetryClass::Failed), 1, 0.0), Duration::from_millis(22_500));
    assert_eq!(pause(policy(RetryClass::Failed), i64::MAX, 1.0), Duration::from_secs(1800));
}

#[test]
fn the_providers_time_is_kept_for_days_and_only_a_limit_has_one() {
    let resets_at = Some(Stamp::from_millis(72 * HOUR_MS));
    let told = Situation { limit_resets_at: resets_at, ..FIRST };
    let next_of = |class| next(class, 1, &told).unwrap();
    let limited = next_of(RetryClass::Limited);
    assert_eq!((Some(limited.due_at), limited.by_provider, limited.in_a_row), (resets_at, true, 0));
    for class in RetryClass::ALL.iter().filter(|class| **class != RetryClass::Limited) {
        let ours = next_of(*class);
        assert_eq!((ours.due_at, ours.by_provider), (Stamp::from_millis(30_000), false), "{class}");
    }
}

#[test]
fn after_the_providers_time_it_is_asked_once_and_then_less_and_less_often() {
    let past = Stamp::from_millis(3 * HOUR_MS);
    let waits = pauses(RetryClass::Limited, 5, |_, _| Some(past));
    assert_eq!(waits, [3 * 3600, 30, 60, 120, 240]);
    // Another time that lies ahead begins anew.
    let again = pauses(RetryClass::Limited, 4, |number, now| (number != 1).then(|| now.plus(Duration::from_secs(5))));
    assert_eq!(again, [5, 30, 5, 5]);
}

#[test]
fn nothing_is_tried_again_for_longer_than_a_day() {
    for class in RetryClass::ALL {
        let first = next(*class, 1, &FIRST).unwrap();
        let prior = Some(taken(first, FIRST.now, first.due_at));
        let at = |hours_ms: i64| Situation { prior, now: Stamp::from_millis(hours_ms), ..FIRST };
        assert!(next(*class, 2, &at(24 * HOUR_MS - 1)).is_ok(), "{class}");
        assert_eq!(next(*class, 2, &at(24 * HOUR_MS)), Err(DeadCause::MaxTime), "{class}");
    }
}

#[test]
fn the_wait_that_a_provider_asked_for_is_not_counted_but_everything_else_is() {
    let week = Stamp::from_millis(7 * 24 * HOUR_MS);
    let told = next(RetryClass::Limited, 0, &Situation { limit_resets_at: Some(week), ..FIRST }).unwrap();
    // Waited out to its end, and 23 hours more.
    let at = |prior, now| Situation { prior: Some(prior), now, ..FIRST };
    let whole = taken(told, FIRST.now, week.plus(Duration::from_secs(3600)));
    assert!(next(RetryClass::Limited, 0, &at(whole, Stamp::from_millis(week.millis() + 23 * HOUR_MS))).is_ok());
    assert!(next(RetryClass::Limited, 0, &at(whole, Stamp::from_millis(week.millis() + 24 * HOUR_MS))).is_err());
    // Not waited for: --now.
    let early = taken(told, FIRST.now, FIRST.now);
    assert!(next(RetryClass::Limited, 0, &at(early, Stamp::from_millis(24 * HOUR_MS))).is_err());
    // A clock that went back has waited for nothing.
    let back = taken(told, Stamp::from_millis(HOUR_MS), FIRST.now);
    assert_eq!(back.since, FIRST.now);
}

#[test]
fn attempts_come_first() {
    let late = Situation { max_attempts: 3, ..FIRST };
    assert!(next(RetryClass::Lost, 2, &late).is_ok());
    assert_eq!(next(RetryClass::Lost, 3, &late), Err(DeadCause::MaxAttempts));
    assert!(next(RetryClass::Limited, 3, &late).is_ok(), "a limit uses none up");
}
