//! What holds for every case: doubt ends nothing, what does not count changes nothing, the end is the end.

use super::super::*;
use super::build::says;
use super::random::{Dice, WHEN};

const CASES: u64 = 30_000;

fn judged(case: &Case, policy: &Policy) -> Verdict {
    verdict(case, policy, WHEN)
}

/// What a verdict does to a run that would be wrong if it were not so.
fn is_grave(verdict: &Verdict) -> bool {
    use Action as A;
    use VerdictWord as W;
    let kills = matches!(verdict.action, A::KillThenCrash | A::MarkCrashed | A::RetryAt | A::Deadletter);
    kills || matches!(verdict.verdict, W::Crashed | W::Killed | W::Vanished | W::Failed | W::NeverStarted)
}

#[test]
fn what_is_not_known_never_yields_a_kill_a_crash_or_a_retry() {
    for seed in 0..CASES {
        let mut dice = Dice::of(seed);
        let (case, policy) = (dice.case(), dice.policy());
        let seen = judged(&case, &policy);
        let blinded = dice.blinded(&case);
        let blind = judged(&blinded, &policy);
        assert!(
            !is_grave(&blind) || is_grave(&seen),
            "{seed}: {}\nfrom {}\n{case:?}\n{blinded:?}",
            says(&blind),
            says(&seen)
        );
        let goes_on = blind.action == Action::Resume && seen.verdict == VerdictWord::Finished;
        let known = case.standing.state == RunState::BetweenTurns;
        assert!(!goes_on || !known, "{seed}: finished work is tried again: {case:?}");
    }
}

#[test]
fn evidence_that_is_old_or_of_another_attempt_changes_nothing() {
    for seed in 0..CASES {
        let mut dice = Dice::of(seed);
        let (case, policy) = (dice.case(), dice.policy());
        let before = judged(&case, &policy);
        let told = dice.told();
        let change = case.since_change_ms.unwrap_or(0);
        let void = [
            Told { age_ms: Some(60_001), ..told.clone() },
            Told { age_ms: Some(change), ..told.clone() },
            Told { age_ms: None, ..told.clone() },
            Told { attempt: Some(case.attempt + 1), ..told.clone() },
            Told { about: About::Other, ..told },
        ];
        for told in void {
            let after = judged(&case.clone().told(told.clone()), &policy);
            assert_eq!(after, before, "{seed}: {told:?}");
        }
    }
}

#[test]
fn a_word_that_is_older_than_another_about_the_same_changes_nothing() {
    for seed in 0..CASES {
        let mut dice = Dice::of(seed);
        let (case, policy) = (dice.case(), dice.policy());
        let before = judged(&case, &policy);
        for known in case.told.clone() {
            let counts = known.attempt.is_none_or(|attempt| attempt == case.attempt);
            let age = known.age_ms.filter(|age| counts && case.since_change_ms.is_some_and(|change| *age < change));
            let Some(age) = age.filter(|age| *age <= 60_000) else { continue };
            let (about, kind, subject) = (known.about, known.kind, known.subject);
            let older = Told { about, kind, subject, age_ms: Some(age + 1), ..dice.told() };
            assert_eq!(says(&judged(&case.clone().told(older), &policy)), says(&before), "{seed}");
        }
    }
}

#[test]
fn the_order_of_the_evidence_does_not_matter() {
    for seed in 0..CASES {
        let mut dice = Dice::of(seed);
        let (case, policy) = (dice.case(), dice.policy());
        let mut turned = case.clone();
        turned.told.reverse();
        assert_eq!(judged(&turned, &policy), judged(&case, &policy), "{seed}");
        if !turned.told.is_empty() {
            turned.told.rotate_left(1);
            turned.told.push(turned.told[0].clone());
            assert_eq!(judged(&turned, &policy), judged(&case, &policy), "{seed}: said twice");
        }
    }
}

#[test]
fn what_has_ended_has_ended() {
    for seed in 0..CASES {
        let mut dice = Dice::of(seed);
        let (mut case, policy) = (dice.case(), dice.policy());
        case.standing.state = dice.one(RunState::ALL);
        let judged = judged(&case, &policy);
        let ended = case.standing.state.is_terminal();
        assert_eq!(judged.rule == Rule::Terminal, ended, "{seed}");
        if ended {
            assert_eq!((judged.action, judged.state_after), (Action::None, case.standing.state), "{seed}");
        }
    }
}

/// A plan that does nothing leaves the run where it stands, and what is to be done is never hidden behind *unknown*.
#[test]
fn the_parts_of_a_verdict_agree() {
    for seed in 0..CASES {
        let mut dice = Dice::of(seed);
        let (case, policy) = (dice.case(), dice.policy());
        let judged = judged(&case, &policy);
        let stays = judged.state_after == case.standing.state;
        let idle = matches!(judged.action, Action::None | Action::Attach | Action::Resume);
        assert!(!idle || stays, "{seed}: {}", says(&judged));
        assert!(judged.verdict != VerdictWord::Unknown || judged.action == Action::None, "{seed}: {}", says(&judged));
        assert!(judged.verdict != VerdictWord::Conflict || stays, "{seed}: {}", says(&judged));
        assert_eq!(judged.retry.is_some(), judged.retry.is_some() && !judged.state_after.is_terminal(), "{seed}");
        let allowed = policy.orphans == Handling::Kill || policy.stalled == Handling::Kill;
        assert!(judged.action != Action::KillThenCrash || allowed, "{seed}: {}", says(&judged));
    }
}

/// No triple of rule, verdict and cause is possible that the table has no row for.
#[test]
fn nothing_is_said_that_the_table_does_not_know() {
    let known: std::collections::BTreeSet<_> = super::table::rows()
        .iter()
        .map(|row| judged(&row.case, &row.policy))
        .map(|verdict| (verdict.rule, verdict.verdict, verdict.cause))
        .collect();
    let mut unknown = std::collections::BTreeSet::new();
    for seed in 0..CASES {
        let mut dice = Dice::of(seed);
        let (case, policy) = (dice.case(), dice.policy());
        let verdict = judged(&case, &policy);
        if !known.contains(&(verdict.rule, verdict.verdict, verdict.cause)) {
            unknown.insert(format!("{} {} {}", verdict.rule, verdict.verdict, verdict.cause.word()));
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}
