//! Has a story reached its target? What a truth file says, compared with the target and with how it was when the step
//! began: a `done` that was there before proves nothing. Called by `probe story` and `probe sprint`, and by `owed`.

use crate::model::{
    Before, ExpectKind, Expectation, Finding, Fulfilment, Look, Meaning, Milestone, Owed, Reach, Reason, Says, Silence,
    StoryKey, TruthSeen,
};

/// The finding of a story's file: of a path that was named it can be told that nothing is there.
#[must_use]
pub fn story(says: &Says, sha256: Option<&str>, target: &str, before: Option<&Before>) -> Finding {
    match says {
        Says::Nothing(Silence { reason: Reason::NoFile, .. }) => Finding::no(Meaning::Absent, Reason::NoFile),
        _ => sprint(says, sha256, target, before),
    }
}

/// The finding of a line in a sprint file.
#[must_use]
pub fn sprint(says: &Says, sha256: Option<&str>, target: &str, before: Option<&Before>) -> Finding {
    let status = match says {
        Says::Nothing(silence) => return Finding::unknown(silence.reason),
        Says::Status(status) => status,
    };
    let unchanged = match before {
        Some(Before::Status(word)) => *word == status.word,
        Some(Before::Content(hash)) => sha256.is_some_and(|now| now.eq_ignore_ascii_case(hash)),
        None => false,
    };
    match (unchanged, status.word == target, status.known) {
        (true, _, _) => Finding::no(Meaning::NotDone, Reason::Unchanged),
        (false, true, _) => Finding::yes(Meaning::Done, Reason::AtTarget),
        (false, false, false) => Finding::unknown(Reason::UnknownStatus),
        (false, false, true) => Finding::no(Meaning::NotDone, Reason::OtherStatus),
    }
}

/// What became of a status that is owed.
#[must_use]
pub(super) fn reach(kind: ExpectKind, owed: &Milestone, before: &Look, now: &Look) -> Fulfilment {
    let (reach, why) = match now {
        Look::Truth(seen) => now_says(owed, before, seen),
        _ => (Reach::Unknown, Some("it was not read".to_owned())),
    };
    Fulfilment { kind, reach, why }
}

fn now_says(owed: &Milestone, before: &Look, now: &TruthSeen) -> (Reach, Option<String>) {
    let target = owed.status();
    let status = match &now.says {
        Says::Nothing(silence) if is_absence(silence.reason) => {
            return (Reach::NotReached, Some(silence.words()));
        }
        Says::Nothing(silence) => return (Reach::Unknown, Some(silence.words())),
        Says::Status(status) => status,
    };
    match (status.word == target, status.known) {
        (true, _) => was(target, before, now),
        (false, true) => (Reach::NotReached, Some(format!("its status is '{}', not '{target}'", status.raw))),
        (false, false) => (Reach::Unknown, Some(format!("its status '{}' is none that is known", status.raw))),
    }
}

/// It is there now; what was it when the attempt began?
fn was(target: &str, before: &Look, now: &TruthSeen) -> (Reach, Option<String>) {
    let old = match before {
        Look::Truth(old) => old,
        _ => return (Reach::Unknown, Some("how it was before is not known".to_owned())),
    };
    match &old.says {
        Says::Status(status) if status.word == target => {
            let other = if old.sha256 == now.sha256 { "" } else { ", though its file has changed since" };
            (Reach::NotReached, Some(format!("it was '{target}' already when the attempt began{other}")))
        }
        Says::Status(_) => (Reach::Reached, None),
        Says::Nothing(silence) if is_absence(silence.reason) || has_none(silence.reason) => (Reach::Reached, None),
        Says::Nothing(silence) => {
            (Reach::Unknown, Some(format!("how it was before is not known: {}", silence.words())))
        }
    }
}

/// Whether two names are of the same story: its key, or the path of its file.
#[must_use]
pub fn same_story(one: &str, other: &str) -> bool {
    let key = |text: &str| StoryKey::of_file(text).unwrap_or_else(|| StoryKey::of(text));
    key(one).may_be(&key(other))
}

/// It was looked for, and is not there.
const fn is_absence(reason: Reason) -> bool {
    matches!(reason, Reason::NoFile | Reason::NoStory | Reason::NoKey)
}

/// It is there, and certainly tells no status.
const fn has_none(reason: Reason) -> bool {
    matches!(reason, Reason::NoStatus | Reason::EmptyValue | Reason::Empty | Reason::NoMap)
}

/// What the truth files of a run say against each other: one that contradicts itself, and a story whose file and whose line
/// in the sprint file tell different statuses, of which one is what was owed and the other is not.
#[must_use]
pub fn conflicts(owed: &[(Owed, Look)]) -> Vec<String> {
    let within = owed.iter().filter_map(|(owed, look)| {
        let Look::Truth(TruthSeen { says: Says::Nothing(silence), .. }) = look else { return None };
        let is_conflict = matches!(silence.reason, Reason::Conflict);
        is_conflict.then(|| format!("{}: {}", name(owed), silence.words()))
    });
    let pairs = owed.iter().flat_map(|one| owed.iter().map(move |other| (one, other)));
    within.chain(pairs.filter_map(|(story, sprint)| between(story, sprint))).collect()
}

/// A story's file against its line in the sprint file.
fn between((story, in_story): &(Owed, Look), (sprint, in_sprint): &(Owed, Look)) -> Option<String> {
    let (Expectation::Story(one), Expectation::Sprint(other)) = (&story.expectation, &sprint.expectation) else {
        return None;
    };
    let (Says::Status(here), Says::Status(there)) = (says(in_story)?, says(in_sprint)?) else { return None };
    let same = one.root == other.root && one.story().may_be(&other.story());
    let is_reached =
        |owed: &Owed, look| super::owed::reach(&owed.expectation, &owed.baseline, look).reach == Reach::Reached;
    let differ = here.word != there.word && is_reached(story, in_story) != is_reached(sprint, in_sprint);
    (same && differ).then(|| format!("{} is '{}', {} is '{}'", name(story), here.raw, name(sprint), there.raw))
}

const fn says(look: &Look) -> Option<&Says> {
    match look {
        Look::Truth(seen) => Some(&seen.says),
        _ => None,
    }
}

fn name(owed: &Owed) -> String {
    let key = owed.expectation.milestone().map(Milestone::key).unwrap_or_default();
    format!("{}:{key}", owed.expectation.kind())
}

#[cfg(test)]
#[path = "truth_tests.rs"]
mod tests;
