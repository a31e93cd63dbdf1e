//! Whether a mark still means something, and what follows when somebody sets one that is there. Called through `sight` by
//! every command that looks at marks. An owner that cannot be looked at is never taken for one that is gone.

use std::path::Path;
use std::time::Duration;

use crate::clock::{Moment, Stamp, millis};
use crate::id::{MarkId, RunId, TurnId};
use crate::identity::Identity;
use crate::model::{BREADCRUMB, FoundMark, HOLD, Mark, MarkState, Observed, Reason, Sight, mark_label};

/// What a mark's end depends on.
#[derive(Clone, Copy, Debug)]
pub struct Ties<'m> {
    /// What was found of its owner, if it has one.
    pub owner: Option<Sight>,
    /// When it was set or renewed last.
    pub beat: &'m Moment,
    /// Stale so long after that.
    pub ttl: Option<Duration>,
    /// Stale from then on.
    pub until: Option<Stamp>,
    /// Since when its beat is known to lie in the future.
    pub doubted: Option<&'m Moment>,
}

impl<'m> Ties<'m> {
    /// Those of a mark.
    #[must_use]
    pub const fn of(mark: &'m Mark, owner: Option<Sight>) -> Self {
        Self { owner, beat: &mark.beat, ttl: mark.ttl, until: mark.until, doubted: mark.doubted.as_ref() }
    }
}

/// How a mark stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether it holds.
    pub state: MarkState,
    /// Why.
    pub reason: Reason,
    /// How long ago its last beat was; none where that lies in the future.
    pub age_ms: Option<i64>,
    /// When its time will have passed, by the wall clock.
    pub ends_at: Option<Stamp>,
    /// Its beat lies in the future, and what is noted does not say since when: without that its ttl would never pass.
    pub is_to_be_doubted: bool,
}

impl Standing {
    /// That of a mark that cannot be read: nobody knows.
    pub const UNREADABLE: Self = Self {
        state: MarkState::Unreadable,
        reason: Reason::Unreadable,
        age_ms: None,
        ends_at: None,
        is_to_be_doubted: false,
    };
}

/// How a mark stands now. The first line that fits decides: an identity that is gone beats every time, and a time that has
/// passed beats an owner that nobody can look at.
#[must_use]
pub fn standing(ties: &Ties<'_>, now: &Moment) -> Standing {
    let age_ms = ties.beat.age_ms(now);
    let age = age_ms.or_else(|| doubted_for(ties, now));
    let passed = matches!((age, ties.ttl), (Some(age), Some(ttl)) if age >= millis(ttl));
    let (state, reason) = match (ties.until, ties.owner, ties.ttl) {
        (Some(until), ..) if now.at >= until => (MarkState::Stale, Reason::UntilReached),
        (_, Some(Sight { observed: Observed::Gone, why }), _) => (MarkState::Stale, why),
        (_, _, Some(_)) if passed => (MarkState::Stale, Reason::OverClock),
        (_, Some(Sight { observed: Observed::Unknown, why }), _) => (MarkState::Unknown, why),
        (_, Some(Sight { observed: Observed::Alive, why }), _) => (MarkState::Live, why),
        (_, None, Some(_)) if age_ms.is_none() => (MarkState::Unknown, Reason::ClockSkew),
        (_, None, Some(_)) => (MarkState::Live, Reason::WithinClock),
        (_, None, None) => (MarkState::Live, Reason::BeforeUntil),
    };
    let is_to_be_doubted = age.is_none() && ties.ttl.is_some() && state != MarkState::Stale;
    Standing { state, reason, age_ms, ends_at: ends_at(ties, age, now), is_to_be_doubted }
}

/// A beat in the future has no age: the time since that was noticed counts. A note that lies there too says nothing.
fn doubted_for(ties: &Ties<'_>, now: &Moment) -> Option<i64> {
    ties.doubted.and_then(|since| since.age_ms(now))
}

/// By the age that its state is told by: a wall clock that was set since the beat moves both or neither.
fn ends_at(ties: &Ties<'_>, age: Option<i64>, now: &Moment) -> Option<Stamp> {
    let by_ttl = ties.ttl.map(|ttl| match age {
        Some(age) => Stamp::from_millis(now.at.millis().saturating_sub(age)).plus(ttl),
        None => ties.doubted.unwrap_or(ties.beat).at.plus(ttl),
    });
    by_ttl.into_iter().chain(ties.until).min()
}

/// A mark that holds an agent back.
#[derive(Clone, Debug)]
pub struct Holding {
    /// The mark; also one that cannot be read.
    pub mark: FoundMark,
    /// How it stands.
    pub standing: Standing,
}

impl Holding {
    /// The id of the mark.
    #[must_use]
    pub fn id(&self) -> MarkId {
        mark_label(&self.mark).id
    }

    /// How long it lasts yet, as far as the wall clock tells; none where nobody knows.
    #[must_use]
    pub fn lasts(&self, now: Stamp) -> Option<Duration> {
        let left = self.standing.ends_at?.since(now);
        u64::try_from(left).ok().filter(|left| *left > 0).map(Duration::from_millis)
    }
}

/// What keeps an agent from a turn in this folder, of the holds that are there for it: one that may hold is never taken
/// for gone. Of several it is the one that lasts longest, and nobody knows how long lasts longer.
#[must_use]
pub fn holding(holds: Vec<(FoundMark, Standing)>, folder: &Path) -> Option<Holding> {
    holds
        .into_iter()
        .filter(|(mark, standing)| standing.state != MarkState::Stale && mark_label(mark).covers(folder))
        .map(|(mark, standing)| Holding { mark, standing })
        .max_by_key(|holding| (holding.standing.ends_at.is_none(), holding.standing.ends_at))
}

/// Who sets, renews or clears: an agent in its turn, an adopted worker in its run, or the operator.
#[derive(Clone, Copy, Debug)]
pub struct Hand<'h> {
    /// The agent, or `operator`.
    pub name: &'h str,
    /// The run it works for.
    pub run: Option<RunId>,
    /// The turn it is in.
    pub turn: Option<TurnId>,
}

impl Hand<'_> {
    /// Whether a claim with this owner goes on with a mark that is there.
    #[must_use]
    pub fn goes_on(&self, mark: &Mark, owner: Option<&Identity>) -> bool {
        self.same_work(mark)
            || match owner {
                Some(_) => mark.owner.as_ref() == owner,
                None => self.same_hand(mark),
            }
    }

    /// Whether it may touch a mark by its name. `descends`: whether it descends from the process that owns it.
    #[must_use]
    pub fn may_touch(&self, mark: &Mark, descends: impl FnOnce(&Identity) -> bool) -> bool {
        self.same_work(mark) || mark.owner.as_ref().map_or_else(|| self.same_hand(mark), descends)
    }

    /// Set in this turn, or as the worker of this run. No run is nobody's, and no two have it in common.
    fn same_work(&self, mark: &Mark) -> bool {
        self.run.is_some() && (mark.run, mark.turn) == (self.run, self.turn)
    }

    /// Without an owner, and what the same one has set, or is there for whoever comes. What ends with a run or a turn is that
    /// one's alone.
    fn same_hand(&self, mark: &Mark) -> bool {
        // An agent may be called `operator`.
        let same = mark.set_by == self.name && mark.run.is_some() == self.run.is_some();
        mark.owner.is_none() && !mark.bound && (same || mark.kind == BREADCRUMB)
    }

    /// Whether a new mark ends with this work, where no owner was named for it. What is said to those who come later does
    /// not.
    #[must_use]
    pub fn binds(&self, kind: &str) -> bool {
        self.run.is_some() && kind != HOLD && kind != BREADCRUMB
    }
}

/// Whether a beat can renew a mark that stands so. It gives time; it brings back no owner, and moves no until.
#[must_use]
pub fn is_renewable(stands: &Standing) -> bool {
    stands.state != MarkState::Stale || stands.reason == Reason::OverClock
}

/// Who is about to set a mark that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// It goes on with what is there, as the same owner or the same hand; or it was named by its nonce.
    Ours,
    /// Another's.
    Theirs,
}

/// What becomes of a mark that somebody sets anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// It is renewed.
    Renew,
    /// It ends, and a new one begins.
    Replace,
    /// It stays, and the setter is refused.
    Refuse,
}

/// What becomes of a mark that is there and is set again.
#[must_use]
pub const fn setting(state: MarkState, whose: Whose) -> Setting {
    match (state, whose) {
        (MarkState::Stale, _) => Setting::Replace,
        (_, Whose::Ours) => Setting::Renew,
        (_, Whose::Theirs) => Setting::Refuse,
    }
}

#[cfg(test)]
#[path = "mark_tests.rs"]
mod tests;
