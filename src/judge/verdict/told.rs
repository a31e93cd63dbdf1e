//! What others tell, as far as it counts: of this attempt, young enough, and about what the run has registered.
//! Of each thing only the youngest word counts, so that neither the order nor what is older changes anything.

use super::{About, Case, Held, Matter, Policy, Told, Verdict, named};
use crate::clock::{Stamp, millis};
use crate::judge::owed::{Vouched, done};
use crate::model::{Answer, Fulfilment, Ground, Meaning, Reach, Reason, Rule, Sight, VerdictWord};

/// Clocks that are kept in step are some milliseconds apart, and whoever writes a time may round it up.
const STEP_MS: i64 = 100;

/// How old something is that was observed then, in milliseconds. What lies ahead of now by no more than clocks differ was
/// observed just now; what lies further ahead has no age.
#[must_use]
pub fn age_ms(observed_at: Stamp, now: Stamp) -> Option<i64> {
    let age = now.millis() - observed_at.millis();
    (age >= -STEP_MS).then_some(age.max(0))
}

/// What the youngest word about something says of its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// It lives.
    Alive,
    /// It is gone, seen where it was.
    DeadThere,
    /// It is gone, seen from where we look too.
    DeadHere,
    /// Somebody looked and could not find out.
    Doubt,
    /// Nothing is said.
    Nothing,
}

/// What others tell of a run.
#[derive(Clone, Debug)]
pub(super) struct Testimony {
    /// Of the agent or worker.
    pub(super) work: Word,
    /// Of the turn's shim.
    pub(super) shim: Word,
    /// Whoever only watches has failed.
    pub(super) monitor_failed: bool,
    /// Somebody saw truth sources contradict each other.
    pub(super) conflict: bool,
    /// What the run owes, with what others saw of it where we could not look, and what somebody has named for it.
    pub(super) owed: Vec<Fulfilment>,
    /// What of that only others tell.
    pub(super) vouched: Vouched,
    /// What counts of it, sorted.
    pub(super) counted: Vec<Told>,
}

impl Testimony {
    pub(super) fn of(case: &Case, policy: &Policy) -> Self {
        let mut counted: Vec<Told> = case.told.iter().filter(|told| counts(case, policy, told)).cloned().collect();
        counted.sort();
        counted.dedup();
        let about = |about| youngest(counted.iter().filter(|told| told.about == about));
        let named = named::sources(case, &each(&counted, About::Named));
        let vouched = Vouched { places: places(case, about), named: named.owed };
        Self {
            work: word(about(About::Work)),
            shim: word(about(About::Shim)),
            monitor_failed: each(&counted, About::Monitor).iter().any(|told| told.answer == Answer::No),
            conflict: named.conflict
                || (0..case.owed.len())
                    .any(|at| about(About::Owed(at)).is_some_and(|told| told.reason == Reason::Conflict)),
            owed: vouched.beside(case.owed.clone()),
            vouched,
            counted,
        }
    }
}

/// Whether a piece of evidence counts at all: what is older than the run's last change may be about what was before it.
fn counts(case: &Case, policy: &Policy, told: &Told) -> bool {
    let young = told.age_ms.is_some_and(|age| {
        (0..=millis(policy.max_age)).contains(&age) && case.since_change_ms.is_some_and(|change| age < change)
    });
    young && told.about != About::Other && told.attempt.is_none_or(|attempt| attempt == case.attempt)
}

/// The youngest word about each thing that it is about.
fn each(counted: &[Told], about: About) -> Vec<&Told> {
    // They are sorted by what they are about.
    let things =
        counted.chunk_by(|one, other| (one.about, one.kind, &one.subject) == (other.about, other.kind, &other.subject));
    things.filter(|words| words[0].about == about).filter_map(|words| youngest(words.iter())).collect()
}

/// Of two of one age the one that ends nothing.
fn youngest<'t>(words: impl Iterator<Item = &'t Told>) -> Option<&'t Told> {
    let gravity = |answer| match answer {
        Answer::Yes => 0,
        Answer::Unknown => 1,
        Answer::No => 2,
    };
    words.min_by_key(|told| (told.age_ms, gravity(told.answer), told.elsewhere))
}

fn word(told: Option<&Told>) -> Word {
    match told.map(|told| (told.answer, told.meaning, told.elsewhere)) {
        Some((Answer::Yes, Meaning::Alive, _)) => Word::Alive,
        Some((Answer::No, Meaning::Dead, true)) => Word::DeadThere,
        Some((Answer::No, Meaning::Dead, false)) => Word::DeadHere,
        Some(_) => Word::Doubt,
        None => Word::Nothing,
    }
}

/// What we could not look at ourselves others may have seen done.
fn places<'t>(case: &Case, about: impl Fn(About) -> Option<&'t Told>) -> Vec<usize> {
    let is_seen =
        |at: &usize| about(About::Owed(*at)).is_some_and(|told| named::reach(case, told).0 == Some(Reach::Reached));
    let hidden = case.owed.iter().enumerate().filter(|(_, own)| own.reach == Reach::Unknown);
    hidden.map(|(at, _)| at).filter(is_seen).collect()
}

/// What we see of a process, and what others tell where we cannot see it: death only from where it was.
pub(super) fn overlay(own: Sight, told: Word) -> Sight {
    use crate::model::Observed::Unknown;
    match (own.observed, told) {
        (Unknown, Word::Alive) => Sight::alive(own.why),
        (Unknown, Word::DeadThere) if is_elsewhere(own.why) => Sight::gone(own.why),
        _ => own,
    }
}

/// Whether it could not be seen because it is not of our host, boot or namespace.
pub(super) const fn is_elsewhere(why: Reason) -> bool {
    matches!(why, Reason::OtherHost | Reason::OtherNamespace | Reason::OtherBoot)
}

/// The death of who only watches changes no verdict. It is named as the cause where the work lives on or is done, and
/// what the run owes tells how far it came.
pub(super) fn monitored(m: &Matter<'_>, verdict: Verdict) -> Verdict {
    use VerdictWord as W;
    let abandoned = m.open_turn().is_some_and(|turn| turn.started && turn.supervisor_lock == Held::No);
    let spared = matches!(verdict.verdict, W::Finished | W::Running | W::Unsupervised)
        && verdict.rule != Rule::Terminal
        && verdict.cause != Ground::TreeLives.into();
    if !(m.told.monitor_failed || abandoned) || !spared || m.told.owed.is_empty() {
        return verdict;
    }
    let cause = match verdict.verdict == W::Finished || done(m.case.open, &m.told.owed).is_some() {
        true => Ground::MonitoringFailedVerifiedSuccess,
        false => Ground::MonitoringFailedVerifiedIncomplete,
    };
    Verdict { cause: cause.into(), ..verdict }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_clocks_step_ahead_is_of_now() {
        let age = |at| age_ms(Stamp::from_millis(at), Stamp::from_millis(50_000));
        assert_eq!([49_000, 50_000, 50_001, 50_100].map(age), [Some(1_000), Some(0), Some(0), Some(0)]);
        assert_eq!([50_101, i64::MAX].map(age), [None, None]);
    }
}
