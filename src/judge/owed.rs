//! What a run owes: is it reached, and what does that make of the turn's end?
//! "Reached" is *changed since the attempt began*: what was there before proves nothing. Called by `finish`.

use super::outcome::{Conclusion, Ending, Open, Terminal, conclude, settle};
use super::truth;
use crate::model::{
    Cause, ExpectKind, Expectation, FileSeen, Fulfilment, Hold, Look, Outcome, OutcomeSource, Reach, RunState, Said,
    Standing,
};

/// A result with one of these has succeeded.
pub const GOOD: &[&str] =
    &["done", "complete", "completed", "success", "successful", "succeeded", "ok", "pass", "passed"];
/// A result with one of these has not.
pub const BAD: &[&str] = &[
    "fail",
    "failed",
    "failure",
    "error",
    "errored",
    "blocked",
    "aborted",
    "cancelled",
    "canceled",
    "rejected",
    "incomplete",
    "timed_out",
    "timeout",
];

/// Whether the turn that begins here is the first of an attempt, so that the baseline is taken anew: nothing of the run
/// has run, or its last attempt has failed. A run that waits, or was limited, goes on with its attempt.
#[must_use]
pub const fn begins_attempt(before: &Standing) -> bool {
    matches!((before.state, before.hold), (RunState::Booting, _) | (RunState::BetweenTurns, Some(Hold::Backoff)))
}

/// Compares how something looks with how it looked when the attempt began.
#[must_use]
pub fn reach(expectation: &Expectation, before: &Look, now: &Look) -> Fulfilment {
    match expectation {
        Expectation::Story(milestone) | Expectation::Sprint(milestone) => {
            truth::reach(expectation.kind(), milestone, before, now)
        }
        _ => compare(expectation.kind(), before, now),
    }
}

fn compare(kind: ExpectKind, before: &Look, now: &Look) -> Fulfilment {
    let (reach, why) = match (before, now) {
        (_, Look::Mail { mail: Some(_) }) => (Reach::Reached, None),
        (_, Look::Mail { mail: None }) => (Reach::NotReached, Some("not sent".to_owned())),
        (_, Look::Unknown { why }) => (Reach::Unknown, Some(why.clone())),
        (Look::Absent, Look::Absent) => (Reach::NotReached, Some("not there".to_owned())),
        (_, Look::Absent) => (Reach::NotReached, Some("no longer there".to_owned())),
        (_, Look::Other { what }) => (Reach::NotReached, Some(format!("it is {what}"))),
        (Look::Unknown { why }, _) => (Reach::Unknown, Some(format!("how it was before is not known: {why}"))),
        (Look::Ref { object: old }, Look::Ref { object: new }) if old == new => {
            (Reach::NotReached, Some("not moved since the attempt began".to_owned()))
        }
        (_, Look::Ref { .. }) => (Reach::Reached, None),
        (_, Look::Truth(_)) => (Reach::Unknown, Some("it is no file".to_owned())),
        (before, Look::File(now)) => match change(before, now) {
            Change::None => (Reach::NotReached, Some("not changed since the attempt began".to_owned())),
            Change::Unknown(why) => (Reach::Unknown, Some(why)),
            Change::New if kind == ExpectKind::Result => said(now.said.as_ref()),
            Change::New => (Reach::Reached, None),
        },
    };
    Fulfilment { kind, reach, why }
}

/// Whether a file is another than it was.
#[derive(Debug, PartialEq, Eq)]
enum Change {
    None,
    New,
    Unknown(String),
}

/// Content decides: a file that was only touched, or written again as it was, has not changed.
fn change(before: &Look, now: &FileSeen) -> Change {
    let Look::File(old) = before else { return Change::New };
    match (&old.sha256, &now.sha256) {
        _ if old.size != now.size => Change::New,
        (Some(old), Some(new)) if old != new => Change::New,
        (Some(_), Some(_)) if now.whole => Change::None,
        // Where the content is not known, the time of the last change says at least that there was none.
        _ if old.modified_ns == now.modified_ns => Change::None,
        (Some(_), Some(_)) => Change::Unknown("too long to tell whether its end has changed".to_owned()),
        _ => {
            let why = now.unread.as_ref().or(old.unread.as_ref()).map_or("it cannot be read", |why| why);
            Change::Unknown(why.to_owned())
        }
    }
}

/// What a changed result says.
fn said(said: Option<&Said>) -> (Reach, Option<String>) {
    match said {
        Some(Said::Status(status)) => match word(status) {
            Word::Good => (Reach::Reached, Some(format!("its status is '{status}'"))),
            Word::Bad => (Reach::Contradicted, Some(format!("its status is '{status}'"))),
            Word::Neither => (Reach::Unknown, Some(format!("its status '{status}' does not say how the work ended"))),
        },
        Some(Said::Nothing(why)) => (Reach::Unknown, Some(why.clone())),
        None => (Reach::Unknown, Some("it was not read".to_owned())),
    }
}

/// How a turn ended, by all that it has left: its own end, what a clean result leaves open, and what the run owes.
#[must_use]
pub fn end_of(ending: &Ending, open: Open, findings: &[Fulfilment]) -> Conclusion {
    let end = adopt(conclude(ending), ending.terminal, open, findings);
    match end.outcome {
        Outcome::Completed => hold_to(settle(end, open), findings),
        _ => end,
    }
}

/// Whether the work may be done for all that could be looked at: what is not known decides.
#[must_use]
pub fn may_be_done(open: Open, findings: &[Fulfilment]) -> bool {
    let best = |finding: &Fulfilment| match finding.reach {
        Reach::Unknown => Fulfilment { reach: Reach::Reached, ..finding.clone() },
        _ => finding.clone(),
    };
    done(open, findings).is_none() && done(open, &findings.iter().map(best).collect::<Vec<_>>()).is_some()
}

/// What others saw of what a run owes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vouched {
    /// The places of what could not be looked at here, and others saw there.
    pub places: Vec<usize>,
    /// What became of sources of truth that somebody has named for the run: they count beside what it owes.
    pub named: Vec<Fulfilment>,
}

impl Vouched {
    /// What a run owes, with what others saw of it.
    #[must_use]
    pub fn beside(&self, mut own: Vec<Fulfilment>) -> Vec<Fulfilment> {
        for (_, found) in own.iter_mut().enumerate().filter(|(at, _)| self.places.contains(at)) {
            if found.reach == Reach::Unknown {
                found.reach = Reach::Reached;
            }
        }
        own.extend(self.named.iter().cloned());
        own
    }
}

/// How work ended, by the word of its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It has succeeded.
    Good,
    /// It has not.
    Bad,
    /// The word does not tell.
    Neither,
}

/// What a status says, in whatever case and with whatever between its words.
#[must_use]
pub fn word(status: &str) -> Word {
    let word = status.trim().to_lowercase().replace(['-', ' '], "_");
    match word.as_str() {
        word if GOOD.contains(&word) => Word::Good,
        word if BAD.contains(&word) => Word::Bad,
        _ => Word::Neither,
    }
}

/// Finished work is not thrown away: an end without a terminal event is a good end where the work is done.
/// An agent's own word, good or bad, is never overruled.
#[must_use]
pub fn adopt(conclusion: Conclusion, terminal: Option<Terminal>, open: Open, findings: &[Fulfilment]) -> Conclusion {
    match terminal {
        None if is_adoptable(conclusion.outcome) => done(open, findings).unwrap_or(conclusion),
        _ => conclusion,
    }
}

/// Whether an end without a terminal event is none of the agent's own word.
#[must_use]
pub const fn is_adoptable(outcome: Outcome) -> bool {
    use Outcome as O;
    matches!(outcome, O::NoResult | O::Killed | O::Lost | O::Stalled | O::TimedOut | O::Aborted)
}

/// A good end by the work alone: everything that is owed is there, and a result, a story or a sprint file of this attempt
/// says so, or the mail that its capability owes. A file or a ref alone does not: a half-written file has changed too.
#[must_use]
pub fn done(open: Open, findings: &[Fulfilment]) -> Option<Conclusion> {
    let all = findings.iter().all(|finding| finding.reach == Reach::Reached);
    let says = |kind| matches!(kind, ExpectKind::Result | ExpectKind::Story | ExpectKind::Sprint);
    let strong = open.mail_sent || findings.iter().any(|finding| says(finding.kind));
    (all && strong).then(|| expected(Outcome::Completed, Cause::ExpectationMet))
}

/// A good end without what is owed is none. What waits is not over yet, and owes nothing yet.
#[must_use]
pub fn hold_to(conclusion: Conclusion, findings: &[Fulfilment]) -> Conclusion {
    use Outcome as O;
    let any = |reach| findings.iter().any(|finding| finding.reach == reach);
    let missing = |mail| {
        let is_missing = |finding: &&Fulfilment| finding.reach == Reach::NotReached;
        findings.iter().filter(is_missing).any(|finding| (finding.kind == ExpectKind::Mail) == mail)
    };
    match conclusion.outcome {
        O::Completed | O::Silent if any(Reach::Contradicted) => expected(O::Failed, Cause::ResultSaysFailed),
        O::Completed | O::Silent if missing(false) => expected(O::Failed, Cause::ExpectationMissing),
        O::Completed | O::Silent if any(Reach::Unknown) => expected(O::Failed, Cause::ExpectationUnknown),
        O::Completed if missing(true) => expected(O::Silent, Cause::ExpectationMissing),
        _ => conclusion,
    }
}

const fn expected(outcome: Outcome, cause: Cause) -> Conclusion {
    Conclusion { outcome, cause, source: OutcomeSource::Expectation }
}

#[cfg(test)]
#[path = "owed_tests.rs"]
pub(super) mod tests;
