//! Sources of truth that somebody has named for a run: a story, its line in the sprint file, a result. What is done in them
//! counts only if it has become so within the attempt. Called for what others tell; it looks at nothing.

use super::{Case, Told};
use crate::judge::truth::same_story;
use crate::model::{Answer, ExpectKind, Fulfilment, Meaning, Reach, Reason, SubjectKind};

/// What the named sources tell.
pub(super) struct Named {
    /// What became of each.
    pub(super) owed: Vec<Fulfilment>,
    /// Two of them contradict each other, or one itself.
    pub(super) conflict: bool,
}

/// What became of the sources that were named: the youngest word about each.
pub(super) fn sources(case: &Case, told: &[&Told]) -> Named {
    let all: Vec<Source<'_>> = told.iter().filter_map(|told| Source::of(case, told)).collect();
    // What has no answer is passed over where another one has.
    let heard: Vec<&Source<'_>> = all.iter().filter(|source| source.reach.is_some()).collect();
    let heard = if heard.is_empty() { all.iter().collect() } else { heard };
    let found: Vec<Reach> = heard.iter().map(|source| source.beside(&heard)).collect();
    let pairs = heard.iter().flat_map(|one| heard.iter().map(move |other| (one, other)));
    let conflict = told.iter().any(|told| told.reason == Reason::Conflict)
        || pairs.into_iter().any(|(story, sprint)| story.contradicts(sprint));
    // What cannot be told of one of them might contradict the others.
    let doubt = found.contains(&Reach::Unknown);
    let owed = heard.iter().zip(found).map(|(source, reach)| Fulfilment {
        kind: source.kind,
        reach: if doubt { Reach::Unknown } else { reach },
        why: Some(format!("{}: {}", source.told.subject, source.why)),
    });
    Named { owed: owed.collect(), conflict }
}

struct Source<'t> {
    told: &'t Told,
    kind: ExpectKind,
    /// None: it was not found, and says nothing.
    reach: Option<Reach>,
    why: &'static str,
}

impl<'t> Source<'t> {
    fn of(case: &Case, told: &'t Told) -> Option<Self> {
        let kind = match told.kind {
            SubjectKind::Story => ExpectKind::Story,
            SubjectKind::Sprint => ExpectKind::Sprint,
            SubjectKind::Result => ExpectKind::Result,
            _ => return None,
        };
        let (reach, why) = reach(case, told);
        Some(Self { told, kind, reach, why })
    }

    /// What it proves beside the others. A sprint file is as young as its youngest line: that a line has become so is
    /// proved by its story, or by a comparison with how it was.
    fn beside(&self, others: &[&Self]) -> Reach {
        let reach = self.reach.unwrap_or(Reach::Unknown);
        let by_age = self.kind == ExpectKind::Sprint && !is_compared(self.told);
        let confirms = |other: &&&Self| other.kind == ExpectKind::Story && other.is_of(self);
        match reach {
            Reach::Reached if by_age && !others.iter().any(|other| confirms(&other)) => Reach::Unknown,
            _ => reach,
        }
    }

    fn is_of(&self, other: &Self) -> bool {
        same_story(&self.told.subject, &other.told.subject)
    }

    /// A story's file against its line in the sprint file: one has become so, and the other has another status.
    fn contradicts(&self, sprint: &Self) -> bool {
        let is_pair = self.kind == ExpectKind::Story && sprint.kind == ExpectKind::Sprint && self.is_of(sprint);
        let other = |source: &Self| source.told.reason == Reason::OtherStatus;
        let reached = |source: &Self| source.reach == Some(Reach::Reached);
        is_pair && (reached(self) && other(sprint) || other(self) && reached(sprint))
    }
}

/// What a word about something that is owed proves; none: it was not found.
pub(super) fn reach(case: &Case, told: &Told) -> (Option<Reach>, &'static str) {
    let within = told.changed_at.zip(case.attempt_began).map(|(changed, began)| changed > began);
    match (told.answer, told.meaning, within) {
        (Answer::Yes, Meaning::Done, _) if is_compared(told) => (Some(Reach::Reached), "it has become so"),
        (Answer::Yes, Meaning::Done, Some(true)) => (Some(Reach::Reached), "it has changed within the attempt"),
        (Answer::Yes, Meaning::Done, Some(false)) => (Some(Reach::NotReached), "it was so before the attempt began"),
        (Answer::Yes, Meaning::Done, None) => (Some(Reach::Unknown), "when it has become so is not known"),
        (Answer::No, Meaning::Failed, Some(true)) => (Some(Reach::Contradicted), "it says that the work has failed"),
        (Answer::No, Meaning::Failed, None) => (Some(Reach::Unknown), "when it has said so is not known"),
        (Answer::No, ..) => (Some(Reach::NotReached), "it does not say that the work is done"),
        (Answer::Unknown, ..) if is_absent(told.reason) => (None, "it was not found"),
        (Answer::Yes | Answer::Unknown, ..) => (Some(Reach::Unknown), "it could not be told"),
    }
}

/// Whether it was compared with how it was: by the run's own baseline, or one that was given.
fn is_compared(told: &Told) -> bool {
    told.compared || told.reason == Reason::Reached
}

const fn is_absent(reason: Reason) -> bool {
    matches!(reason, Reason::NoFile | Reason::NoStory | Reason::NoKey)
}
