//! The table of verdicts: sources of truth that somebody named for a run, and the death of who only watched it.

use super::super::*;
use super::build::{Row, at, row, sprint, story, told, turn, worker};
use crate::judge::outcome::{Ended, Terminal};
use crate::model::{Answer, ExpectKind, Meaning, Reach, Reason, Sight, SubjectKind};

const DEAD: Sight = Sight::gone(Reason::NoSuchProcess);
const YES: Answer = Answer::Yes;
const NO: Answer = Answer::No;

fn before(told: Told) -> Told {
    Told { changed_at: at(-20), ..told }
}

fn because(reason: Reason, told: Told) -> Told {
    Told { reason, ..told }
}

fn result(answer: Answer, meaning: Meaning) -> Told {
    Told { kind: SubjectKind::Result, subject: "/r.json".into(), meaning, ..told(About::Named, answer) }
}

/// A worker that is dead, and what was told of the sources.
fn dead(all: impl IntoIterator<Item = Told>) -> Case {
    all.into_iter().fold(worker().seen(DEAD, 1), Case::told)
}

fn sources() -> Vec<Row> {
    const DONE: &str = "finished expectation_met durable_result adopt completed completed";
    const GONE: &str = "vanished gone identity mark_crashed lost crashed";
    const TORN: &str = "conflict sources_contradict durable_result ask_human - in_turn";
    const DOUBT: &str = "unknown owed_unknown identity none - in_turn";
    let lost = |reason| because(reason, sprint(Answer::Unknown));
    let compared = |told: Told| Told { compared: true, ..told };
    let other = |told: Told| Told { subject: "1-3".into(), ..told };
    vec![
        row("its story has become done", dead([story(YES)]), DONE),
        row("… and its worker lives", worker().told(story(YES)), DONE),
        row("… and its line too", dead([story(YES), sprint(YES)]), DONE),
        row("… and there is no sprint file", dead([story(YES), lost(Reason::NoFile)]), DONE),
        row("… and its line is being written", dead([story(YES), lost(Reason::BeingWritten)]), DOUBT),
        row("its story was done before", dead([before(story(YES))]), GONE),
        row("… and was another, as whoever looked was told", dead([compared(before(story(YES)))]), DONE),
        row("its story is done, nobody knows since when", dead([Told { changed_at: None, ..story(YES) }]), DOUBT),
        row(
            "its story is done, and nobody knows when the attempt began",
            dead([story(YES)]).with(|run| run.attempt_began = None),
            DOUBT,
        ),
        row("its story is not done", dead([story(NO)]), GONE),
        row("… and its line neither", dead([story(NO), sprint(NO)]), GONE),
        row("its story is not found", dead([because(Reason::NoStory, story(Answer::Unknown))]), DOUBT),
        row("its story is done, its line says review", dead([story(YES), sprint(NO)]), TORN),
        row("its line is done, its story says review", dead([story(NO), sprint(YES)]), TORN),
        row(
            "… and it lives: it may be a moment's",
            worker().told(story(YES)).told(sprint(NO)),
            "running alive identity none - in_turn",
        ),
        row("its story was done before, its line says review", dead([before(story(YES)), sprint(NO)]), GONE),
        row("its story is done, another's line says review", dead([story(YES), other(sprint(NO))]), GONE),
        row("its story contradicts itself", dead([because(Reason::Conflict, story(Answer::Unknown))]), TORN),
        row("its line alone is done: the file may be young for another's", dead([sprint(YES)]), DOUBT),
        row("… and was another, as whoever looked was told", dead([compared(sprint(YES))]), DONE),
        row(
            "… and its story is not found",
            dead([sprint(YES), because(Reason::NoStory, story(Answer::Unknown))]),
            DOUBT,
        ),
        row("… and was before", dead([before(sprint(YES))]), GONE),
        row("a result says so", dead([result(YES, Meaning::Done)]), DONE),
        row("a result says that it failed", dead([result(NO, Meaning::Failed)]), GONE),
        row(
            "… and its turn said that it is done",
            clean().told(result(NO, Meaning::Failed)),
            "failed result_says_failed durable_result deadletter failed failed",
        ),
        row(
            "… an old one",
            clean().told(before(result(NO, Meaning::Failed))),
            "failed expectation_missing durable_result deadletter failed failed",
        ),
        row(
            "its turn said that it is done, its story does not",
            clean().told(story(NO)),
            "failed expectation_missing durable_result deadletter failed failed",
        ),
        row(
            "… and its story cannot be read",
            clean().told(story(Answer::Unknown)),
            "unknown owed_unknown durable_result none - in_turn",
        ),
        row(
            "its pane says 0, its story was done before",
            pane().told(before(story(YES))),
            "failed expectation_missing durable_result adopt failed failed",
        ),
        row(
            "what it owes is there, what was named is not",
            dead([story(NO)]).owing(ExpectKind::Result, Reach::Reached),
            GONE,
        ),
        row("told of another attempt", dead([Told { attempt: Some(2), ..story(YES) }]), GONE),
        row("told long ago", dead([Told { age_ms: Some(61_000), ..story(YES) }]), GONE),
        row(
            "what it owes was told as done before",
            worker()
                .seen(DEAD, 1)
                .owing(ExpectKind::Result, Reach::Unknown)
                .told(because(Reason::AtTarget, before(told(About::Owed(0), YES)))),
            DOUBT,
        ),
    ]
}

fn clean() -> Case {
    turn()
        .gone()
        .exited(Ended::Code(0))
        .on_end(|end| end.terminal = Some(Terminal::Clean))
        .on_turn(|turn| turn.supervisor_lock = Held::Yes)
}

fn pane() -> Case {
    worker().seen(Sight::gone(Reason::PaneDead), 1).on_worker(|worker| worker.exit = Some(Ended::Code(0)))
}

fn monitors() -> Vec<Row> {
    let monitor = |subject: &str, answer| Told {
        subject: subject.into(),
        kind: SubjectKind::Session,
        ..told(About::Monitor, answer)
    };
    let gone = || monitor("watch", NO);
    vec![
        row(
            "its monitor died, its story is done",
            dead([gone(), story(YES)]),
            "finished monitoring_failed_verified_success durable_result adopt completed completed",
        ),
        row(
            "… one of its monitors",
            dead([gone(), Told { age_ms: Some(1), ..monitor("other", YES) }, story(YES)]),
            "finished monitoring_failed_verified_success durable_result adopt completed completed",
        ),
        row(
            "… and was there again",
            dead([gone(), Told { age_ms: Some(1), ..monitor("watch", YES) }, story(YES)]),
            "finished expectation_met durable_result adopt completed completed",
        ),
        row(
            "its monitor could not be looked at",
            dead([monitor("watch", Answer::Unknown), story(YES)]),
            "finished expectation_met durable_result adopt completed completed",
        ),
        row(
            "its monitor died, its story is not done, it works",
            worker().told(gone()).told(story(NO)),
            "running monitoring_failed_verified_incomplete identity none - in_turn",
        ),
        row(
            "its monitor died, its story is not done",
            dead([gone(), story(NO)]),
            "vanished gone identity mark_crashed lost crashed",
        ),
        row(
            "its monitor died, and tmux does not answer",
            worker().seen(Sight::unknown(Reason::Timeout), 1).told(gone()).told(story(NO)),
            "unknown look_failed identity none - in_turn",
        ),
    ]
}

pub(super) fn named() -> Vec<Row> {
    sources().into_iter().chain(monitors()).collect()
}
