//! What is true of a run, and what is to be done about it? The one decision function: evidence, policy and a time in;
//! a verdict out. No other place decides whether somebody's work lives, has ended or is lost. Called by `probe run`,
//! `reconcile`, and every command that shows or goes on with somebody's work.

mod case;
mod end;
mod facts;
mod life;
mod named;
mod settled;
mod told;
mod waits;

use std::time::Duration;

use crate::clock::{Stamp, millis};
use crate::judge::owed::Vouched;
use crate::model::{Action, Ground, Outcome, RetryClass, Rule, RunState, VerdictWord, Why};

pub use case::{About, After, Case, Held, Left, Silence, Told, TurnCase, Work, WorkerCase};
pub use told::age_ms;

/// What may be done, and how long is waited for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What could not be found out for so long needs a person.
    pub unknown_after: Duration,
    /// Evidence from outside that is older counts nothing.
    pub max_age: Duration,
    /// A worker that told of progress, and has told of none for so long, is silent.
    pub worker_silence: Duration,
    /// What to do about a tree whose shim is dead.
    pub orphans: Handling,
    /// What to do about what has been silent for too long.
    pub stalled: Handling,
}

/// What is done about what lives and should not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// It is told, and nothing else.
    Report,
    /// It is ended.
    Kill,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            unknown_after: Duration::from_secs(3600),
            max_age: Duration::from_secs(60),
            worker_silence: Duration::from_secs(3600),
            orphans: Handling::Report,
            stalled: Handling::Report,
        }
    }
}

/// What is true of a run, and what is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What is true.
    pub verdict: VerdictWord,
    /// Why.
    pub cause: Why,
    /// The rule that decided.
    pub rule: Rule,
    /// What is to be done.
    pub action: Action,
    /// Nothing is to be done before then.
    pub not_before: Option<Stamp>,
    /// The outcome that its newest work has, or would have if its end were recorded now.
    pub outcome: Option<Outcome>,
    /// Where the run stands once that is done.
    pub state_after: RunState,
    /// What it is tried again as, where it is.
    pub retry: Option<RetryClass>,
    /// How many looks agreed that it is gone; 0 where no look decided.
    pub looks: i64,
    /// What was seen, in words.
    pub because: Vec<String>,
}

impl Verdict {
    /// Whether something is to be written about a run that stands so.
    #[must_use]
    pub fn repairs(&self, before: RunState) -> bool {
        match self.action {
            Action::Adopt
            | Action::KillThenCrash
            | Action::MarkCrashed
            | Action::RetryAt
            | Action::Deadletter
            | Action::NotifyParent => true,
            Action::AskHuman => self.state_after != before,
            Action::None | Action::Attach | Action::Resume => false,
        }
    }

    /// Whether the run has a next turn once this is done.
    #[must_use]
    pub fn leaves_a_turn(&self) -> bool {
        self.state_after == RunState::BetweenTurns
    }
}

/// A rule, and what it says of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The rule.
    pub rule: Rule,
    /// Its verdict; none where it does not apply.
    pub verdict: Option<Verdict>,
}

type RuleFn = fn(&Matter<'_>) -> Option<Verdict>;

/// The rules, in the order they are tried in.
const RULES: &[(Rule, RuleFn)] = &[
    (Rule::Terminal, settled::terminal),
    (Rule::DurableResult, settled::durable_result),
    (Rule::IntentionalWait, waits::intentional_wait),
    (Rule::LaunchPending, waits::launch_pending),
    (Rule::Identity, life::identity),
    (Rule::Orphaned, life::orphaned),
    (Rule::Silent, life::silent),
    (Rule::Age, life::age),
];

/// The verdict on a run: that of the first rule that applies.
#[must_use]
pub fn verdict(case: &Case, policy: &Policy, now: Stamp) -> Verdict {
    let matter = Matter::of(case, policy, now);
    let decided = RULES.iter().find_map(|(_, rule)| rule(&matter));
    let decided = decided.unwrap_or_else(|| matter.unknown(Rule::Age, Ground::NothingStandsForIt));
    told::monitored(&matter, decided)
}

/// What others saw of what the run owes, and of the sources of truth that somebody has named for it.
#[must_use]
pub fn vouched(case: &Case, policy: &Policy) -> Vouched {
    told::Testimony::of(case, policy).vouched
}

/// Every rule that was tried, in order; the last one decided.
#[must_use]
pub fn explain(case: &Case, policy: &Policy, now: Stamp) -> Vec<Tried> {
    let matter = Matter::of(case, policy, now);
    let mut tried = Vec::new();
    for (rule, says) in RULES {
        let verdict = says(&matter).map(|verdict| told::monitored(&matter, verdict));
        let decided = verdict.is_some();
        tried.push(Tried { rule: *rule, verdict });
        if decided {
            break;
        }
    }
    tried
}

/// A case with what bears on it: what others tell put beside what was seen.
struct Matter<'c> {
    case: &'c Case,
    policy: &'c Policy,
    now: Stamp,
    told: told::Testimony,
}

impl<'c> Matter<'c> {
    fn of(case: &'c Case, policy: &'c Policy, now: Stamp) -> Self {
        Self { case, policy, now, told: told::Testimony::of(case, policy) }
    }

    /// The newest turn, while it has no outcome.
    fn open_turn(&self) -> Option<&'c TurnCase> {
        match &self.case.work {
            Work::Turn(turn) if self.case.outcome.is_none() => Some(turn),
            _ => None,
        }
    }

    fn worker(&self) -> Option<&'c WorkerCase> {
        match &self.case.work {
            Work::Worker(worker) => Some(worker),
            _ => None,
        }
    }

    /// A verdict that changes nothing.
    fn says(&self, rule: Rule, verdict: VerdictWord, cause: impl Into<Why>) -> Verdict {
        Verdict {
            verdict,
            cause: cause.into(),
            rule,
            action: Action::None,
            not_before: None,
            outcome: self.case.outcome,
            state_after: self.case.standing.state,
            retry: None,
            looks: 0,
            because: facts::because(self.case, &self.told),
        }
    }

    /// It could not be found out; after a while that is for a person to look at, and still no death.
    fn unknown(&self, rule: Rule, ground: Ground) -> Verdict {
        let for_long = self.quiet_ms().is_some_and(|quiet| quiet >= millis(self.policy.unknown_after));
        match for_long {
            false => self.says(rule, VerdictWord::Unknown, ground),
            true => {
                Verdict { action: Action::AskHuman, ..self.says(rule, VerdictWord::NeedsHuman, Ground::UnknownTooLong) }
            }
        }
    }

    /// How long ago the last sign of it was; none where that is not known.
    fn quiet_ms(&self) -> Option<i64> {
        let signs = match &self.case.work {
            Work::None => [None, None],
            Work::Turn(turn) => [turn.sign_ms, None],
            Work::Worker(worker) => [worker.beat_ms, worker.progress_ms],
        };
        self.case.since_change_ms.map(|change| signs.into_iter().flatten().fold(change, i64::min))
    }
}

#[cfg(test)]
mod tests;
