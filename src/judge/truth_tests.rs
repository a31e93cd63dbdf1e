//! The tables of stories: what is said to findings, two looks to what became of it, and what contradicts what.

use super::*;
use crate::clock::Stamp;
use crate::model::{Answer, Expectation, Status};

fn status(text: &str) -> Says {
    Status::said(text)
}

fn nothing(reason: Reason) -> Says {
    Says::Nothing(Silence::of(reason))
}

fn before(word: &str) -> Option<Before> {
    Some(Before::Status(word.to_owned()))
}

fn content(hash: &str) -> Option<Before> {
    Some(Before::Content(hash.to_owned()))
}

#[test]
fn the_table_of_findings() {
    let rows = [
        (status("done"), "done", None, "yes done at_target"),
        (status("Done ✅"), "done", None, "yes done at_target"),
        (status("review"), "review", None, "yes done at_target"),
        (status("parked"), "parked", None, "yes done at_target"),
        (status("done"), "done", before("review"), "yes done at_target"),
        (status("done"), "done", content("other"), "yes done at_target"),
        // There before; and no nearer to a target that it was past already.
        (status("done"), "done", before("done"), "no not_done unchanged"),
        (status("done"), "done", content("hash"), "no not_done unchanged"),
        (status("done"), "done", content("HASH"), "no not_done unchanged"),
        (status("review"), "done", before("review"), "no not_done unchanged"),
        (status("parked"), "done", before("parked"), "no not_done unchanged"),
        (status("review"), "done", None, "no not_done other_status"),
        (status("done"), "review", None, "no not_done other_status"),
        (status("review"), "done", before("in-progress"), "no not_done other_status"),
        (status("blocked"), "done", None, "no not_done other_status"),
        (status("parked"), "done", None, "unknown unknown unknown_status"),
        (status("parked"), "done", before("review"), "unknown unknown unknown_status"),
    ];
    for (says, target, before, expected) in rows {
        for judge in [story, sprint] {
            let found = judge(&says, Some("hash"), target, before.as_ref());
            let told = format!("{} {} {}", found.answer, found.meaning, found.reason);
            assert_eq!(told, expected, "{says:?} {target} {before:?}");
        }
    }
}

/// An instrument that could not read is no "not done", whatever it is compared with.
#[test]
fn what_says_nothing_is_unknown_but_for_a_path_where_nothing_is() {
    for reason in Reason::ALL {
        for before in [None, before("done"), content("hash")] {
            let says = nothing(*reason);
            let found = story(&says, None, "done", before.as_ref());
            let is_path = *reason == Reason::NoFile;
            let expected = if is_path { (Answer::No, Meaning::Absent) } else { (Answer::Unknown, Meaning::Unknown) };
            assert_eq!((found.answer, found.meaning, found.reason), (expected.0, expected.1, *reason));
            assert_eq!(sprint(&says, None, "done", before.as_ref()), Finding::unknown(*reason));
        }
    }
}

fn seen(says: Says, sha256: &str) -> Look {
    Look::Truth(TruthSeen { says, size: Some(1), modified_ns: Some(1), sha256: Some(sha256.to_owned()) })
}

fn milestone(text: &str) -> Milestone {
    Milestone { text: text.to_owned(), root: "/x".into() }
}

#[test]
fn the_table_of_two_looks() {
    use Reach::{NotReached, Reached, Unknown};
    let of = |says: Says| seen(says, "hash");
    let is = |text: &str| of(status(text));
    let none = |reason| of(nothing(reason));
    let rows = [
        (is("review"), is("done"), Reached, ""),
        (is("parked"), is("done"), Reached, ""),
        (none(Reason::NoStory), is("done"), Reached, ""),
        (none(Reason::NoFile), is("done"), Reached, ""),
        (none(Reason::NoKey), is("done"), Reached, ""),
        (none(Reason::NoStatus), is("done"), Reached, ""),
        (none(Reason::EmptyValue), is("done"), Reached, ""),
        (none(Reason::Empty), is("done"), Reached, ""),
        (none(Reason::NoMap), is("done"), Reached, ""),
        // A `done` from before proves nothing, in whatever spelling and with whatever else in its file.
        (is("done"), is("done"), NotReached, "already when the attempt began"),
        (is("Done ✅"), is("completed"), NotReached, "already when the attempt began"),
        (seen(status("done"), "old"), is("done"), NotReached, "though its file has changed"),
        (is("in-progress"), is("review"), NotReached, "its status is 'review', not 'done'"),
        (is("review"), is("review"), NotReached, "its status is 'review', not 'done'"),
        (is("done"), is("blocked"), NotReached, "its status is 'blocked', not 'done'"),
        (is("review"), none(Reason::NoStory), NotReached, "not there"),
        (is("review"), none(Reason::NoFile), NotReached, "not there"),
        (is("review"), none(Reason::NoKey), NotReached, "the sprint file does not have it"),
        (is("review"), is("parked"), Unknown, "'parked' is none that is known"),
        (Look::Absent, is("done"), Unknown, "before is not known"),
        (is("review"), Look::Absent, Unknown, "not read"),
    ];
    for kind in [ExpectKind::Story, ExpectKind::Sprint] {
        for (before, now, expected, words) in &rows {
            let found = reach(kind, &milestone("1-2=done"), before, now);
            assert_eq!((found.kind, found.reach), (kind, *expected), "{before:?} {now:?}");
            assert!(found.why.as_deref().unwrap_or_default().contains(words), "{found:?}");
            assert_eq!(found.why.is_none(), *expected == Reached, "{found:?}");
        }
    }
    let other = reach(ExpectKind::Story, &milestone("1-2=review"), &is("done"), &is("In Review"));
    assert_eq!(other.reach, Reached, "the target need not be the end");
}

#[test]
fn every_other_silence_is_unknown_before_and_after() {
    let absent = [Reason::NoFile, Reason::NoStory, Reason::NoKey];
    let none = [Reason::NoStatus, Reason::EmptyValue, Reason::Empty, Reason::NoMap];
    for reason in Reason::ALL {
        let silent = || seen(nothing(*reason), "hash");
        let done = || seen(status("done"), "hash");
        let now = reach(ExpectKind::Story, &milestone("1-2=done"), &seen(status("review"), "hash"), &silent());
        let expected = if absent.contains(reason) { Reach::NotReached } else { Reach::Unknown };
        assert_eq!(now.reach, expected, "{reason}");
        let before = reach(ExpectKind::Story, &milestone("1-2=done"), &silent(), &done());
        let is_clear = absent.contains(reason) || none.contains(reason);
        assert_eq!(before.reach, if is_clear { Reach::Reached } else { Reach::Unknown }, "{reason}");
    }
}

#[test]
fn what_contradicts_what() {
    let owed = |expectation: Expectation, before: &str, now: Says| {
        let baseline = seen(status(before), "old");
        (Owed { expectation, baseline, turn: None, taken_at: Stamp::from_millis(0) }, seen(now, "new"))
    };
    let story = |text: &str, now: Says| owed(Expectation::Story(milestone(text)), "in-progress", now);
    let sprint = |text: &str, now: Says| owed(Expectation::Sprint(milestone(text)), "in-progress", now);
    let elsewhere = Milestone { root: "/y".into(), ..milestone("1-2=done") };
    let conflict = Says::Nothing(Silence::with(Reason::Conflict, "line 2 'done', line 7 'review'"));
    let against = "story:1-2 is 'done', sprint:1-2 is 'review'";
    let rows = [
        (vec![], ""),
        (vec![story("1-2=done", status("done"))], ""),
        (vec![story("1-2=done", conflict)], "story:1-2: conflict: line 2 'done', line 7 'review'"),
        (vec![story("1-2=done", status("done")), sprint("1-2=done", status("done"))], ""),
        (vec![story("1-2=done", status("done")), sprint("1-2=done", status("review"))], against),
        (vec![sprint("1-2=done", status("review")), story("1-2=done", status("done"))], against),
        (vec![story("1-2=done", status("review")), sprint("1-2=done", status("done"))], "story:1-2 is 'review'"),
        (vec![story("1-2-login=done", status("done")), sprint("1.2=done", status("review"))], "story:1-2-login is"),
        (vec![story("d/1-2-login.md=done", status("done")), sprint("1-2=done", status("review"))], "is 'done'"),
        // Each has what was owed of it, or none has: that is no contradiction.
        (vec![story("1-2=done", status("done")), sprint("1-2=review", status("review"))], ""),
        (vec![story("1-2=done", status("review")), sprint("1-2=done", status("ready-for-dev"))], ""),
        (vec![story("1-2=done", status("done")), sprint("1-20=done", status("review"))], ""),
        (vec![story("1-2=done", status("done")), sprint("1-2=done", nothing(Reason::NoKey))], ""),
        (vec![story("1-2=done", status("done")), owed(Expectation::Sprint(elsewhere), "draft", status("review"))], ""),
    ];
    for (all, expected) in rows {
        let found = conflicts(&all);
        assert_eq!(found.len(), usize::from(!expected.is_empty()), "{all:?} {found:?}");
        assert!(found.concat().contains(expected), "{found:?}");
    }
}
