//! The tables of what a run owes: looks to findings, findings to conclusions.

use super::*;
use crate::judge::outcome::{Open, settle};

fn seen(content: &str, modified_ns: i64) -> FileSeen {
    FileSeen {
        size: content.len() as u64,
        modified_ns,
        sha256: Some(format!("hash of {content}")),
        whole: true,
        unread: None,
        said: None,
    }
}

fn file(content: &str, modified_ns: i64) -> Look {
    Look::File(seen(content, modified_ns))
}

fn long(content: &str, modified_ns: i64) -> Look {
    Look::File(FileSeen { whole: false, ..seen(content, modified_ns) })
}

fn unread(size: usize, modified_ns: i64) -> Look {
    let why = Some("permission denied".to_owned());
    Look::File(FileSeen { sha256: None, whole: false, unread: why, ..seen(&"x".repeat(size), modified_ns) })
}

fn unknown() -> Look {
    Look::Unknown { why: "input/output error".into() }
}

#[test]
fn the_table_of_files_and_refs() {
    use ExpectKind::{File, Git, Mail};
    use Reach::{NotReached, Reached, Unknown};
    let at = |object: &str| Look::Ref { object: object.into() };
    let folder = || Look::Other { what: "a folder".into() };
    let mail = |mail| Look::Mail { mail };
    let rows = [
        (File, Look::Absent, Look::Absent, NotReached, "not there"),
        (File, file("a", 1), Look::Absent, NotReached, "no longer there"),
        (File, Look::Absent, file("a", 2), Reached, ""),
        (File, Look::Absent, file("", 2), Reached, ""),
        (File, file("a", 1), file("a", 1), NotReached, "not changed"),
        // Touched; written again as it was.
        (File, file("a", 1), file("a", 2), NotReached, "not changed"),
        (File, file("a", 1), file("b", 1), Reached, ""),
        (File, file("a", 1), file("ab", 1), Reached, ""),
        (File, Look::Absent, folder(), NotReached, "a folder"),
        (File, folder(), file("a", 2), Reached, ""),
        (File, long("a", 1), long("a", 1), NotReached, "not changed"),
        (File, long("a", 1), long("a", 2), Unknown, "too long"),
        (File, long("a", 1), long("b", 2), Reached, ""),
        (File, unread(1, 1), unread(1, 1), NotReached, "not changed"),
        (File, unread(1, 1), unread(1, 2), Unknown, "permission denied"),
        (File, unread(1, 1), unread(2, 2), Reached, ""),
        (File, unread(1, 1), file("a", 2), Unknown, "permission denied"),
        (File, file("a", 1), unread(1, 2), Unknown, "permission denied"),
        (File, file("a", 1), unread(1, 1), NotReached, "not changed"),
        (File, file("a", 1), unknown(), Unknown, "input/output error"),
        (File, unknown(), file("a", 1), Unknown, "before is not known"),
        (File, unknown(), Look::Absent, NotReached, "no longer there"),
        (Git, Look::Absent, Look::Absent, NotReached, "not there"),
        (Git, Look::Absent, at("1"), Reached, ""),
        (Git, at("1"), at("1"), NotReached, "not moved"),
        (Git, at("1"), at("2"), Reached, ""),
        (Git, at("1"), Look::Absent, NotReached, "no longer there"),
        (Git, at("1"), unknown(), Unknown, "input/output error"),
        (Mail, mail(Some(7)), mail(None), NotReached, "not sent"),
        (Mail, mail(Some(7)), mail(Some(8)), Reached, ""),
        (Mail, mail(None), mail(Some(1)), Reached, ""),
    ];
    for (kind, before, now, expected, words) in rows {
        let finding = compare(kind, &before, &now);
        assert_eq!(finding.reach, expected, "{before:?} {now:?}");
        assert!(finding.why.as_deref().unwrap_or_default().contains(words), "{finding:?}");
        assert_eq!(finding.why.is_none(), expected == Reached, "{finding:?}");
    }
}

#[test]
fn the_table_of_results() {
    use Reach::{Contradicted, NotReached, Reached, Unknown};
    let saying = |content: &str, said: Said| Look::File(FileSeen { said: Some(said), ..seen(content, 1) });
    let status = |word: &str| saying(word, Said::Status(word.into()));
    let half = || saying("half", Said::Nothing("its JSON is cut off".into()));
    let rows = [
        (Look::Absent, status("done"), Reached),
        (Look::Absent, status(" Done "), Reached),
        (Look::Absent, status("Timed Out"), Contradicted),
        (Look::Absent, status("blocked"), Contradicted),
        (Look::Absent, status("in_progress"), Unknown),
        (Look::Absent, status("done, mostly"), Unknown),
        (Look::Absent, status(""), Unknown),
        (Look::Absent, half(), Unknown),
        // Left over from before the attempt, good or bad or half: it proves nothing.
        (status("done"), status("done"), NotReached),
        (status("failed"), status("failed"), NotReached),
        (half(), half(), NotReached),
        (status("failed"), status("done"), Reached),
        (status("done"), status("failed"), Contradicted),
        (status("done"), Look::Absent, NotReached),
    ];
    for (before, now, expected) in rows {
        assert_eq!(compare(ExpectKind::Result, &before, &now).reach, expected, "{before:?} {now:?}");
    }
    for word in GOOD {
        assert_eq!(compare(ExpectKind::Result, &Look::Absent, &status(word)).reach, Reached, "{word}");
    }
    for word in BAD {
        assert_eq!(compare(ExpectKind::Result, &Look::Absent, &status(word)).reach, Contradicted, "{word}");
    }
}

fn found(kind: ExpectKind, reach: Reach) -> Fulfilment {
    Fulfilment { kind, reach, why: None }
}

/// Sets of findings: nothing is owed, each single one, and mixtures.
fn sets() -> Vec<Vec<Fulfilment>> {
    let single = ExpectKind::ALL.iter().flat_map(|kind| Reach::ALL.iter().map(|reach| vec![found(*kind, *reach)]));
    let with = |more: Fulfilment| move |set: Vec<Fulfilment>| [set, vec![more.clone()]].concat();
    let all: Vec<Vec<Fulfilment>> = single.collect();
    let result = all.clone().into_iter().map(with(found(ExpectKind::Result, Reach::Reached)));
    let mail = all.clone().into_iter().map(with(found(ExpectKind::Mail, Reach::NotReached)));
    [vec![vec![]], result.collect(), mail.collect(), all].concat()
}

fn conclusion(outcome: Outcome) -> Conclusion {
    Conclusion { outcome, cause: Cause::CleanResult, source: OutcomeSource::TerminalEvent }
}

/// Every outcome and cause that this file can make, for the test that each word is reached.
pub(in crate::judge) fn reached() -> Vec<(Outcome, Cause)> {
    let ends = Outcome::ALL.iter().flat_map(|outcome| {
        sets().into_iter().flat_map(|set| {
            let held = hold_to(conclusion(*outcome), &set);
            [held, adopt(conclusion(*outcome), None, Open::default(), &set)].map(|end| (end.outcome, end.cause))
        })
    });
    ends.collect()
}

#[test]
fn the_table_of_good_ends() {
    use ExpectKind::{File, Git, Mail, Result, Sprint, Story};
    use Reach::{Contradicted, NotReached, Reached, Unknown};
    let rows = [
        (vec![], "completed", "clean_result"),
        (vec![found(File, Reached), found(Mail, Reached)], "completed", "clean_result"),
        (vec![found(Mail, NotReached)], "silent", "expectation_missing"),
        (vec![found(File, NotReached)], "failed", "expectation_missing"),
        (vec![found(Git, NotReached)], "failed", "expectation_missing"),
        (vec![found(Result, NotReached)], "failed", "expectation_missing"),
        (vec![found(Result, Unknown)], "failed", "expectation_unknown"),
        (vec![found(Result, Contradicted)], "failed", "result_says_failed"),
        // What is worse goes first.
        (vec![found(Mail, NotReached), found(File, Unknown)], "failed", "expectation_unknown"),
        (vec![found(Story, NotReached)], "failed", "expectation_missing"),
        (vec![found(Story, Unknown)], "failed", "expectation_unknown"),
        (vec![found(Story, Reached), found(Sprint, Unknown)], "failed", "expectation_unknown"),
        (vec![found(File, Unknown), found(File, NotReached)], "failed", "expectation_missing"),
        (vec![found(File, NotReached), found(Result, Contradicted)], "failed", "result_says_failed"),
    ];
    for (findings, outcome, cause) in rows {
        let end = hold_to(conclusion(Outcome::Completed), &findings);
        assert_eq!((end.outcome.word(), end.cause.word()), (outcome, cause), "{findings:?}");
    }
    let missing = [found(File, NotReached)];
    assert_eq!(hold_to(conclusion(Outcome::Silent), &missing).outcome, Outcome::Failed);
    let no_mail = [found(Mail, NotReached)];
    assert_eq!(hold_to(conclusion(Outcome::Silent), &no_mail), conclusion(Outcome::Silent));
}

#[test]
fn nothing_but_a_good_end_is_held_to_what_is_owed() {
    for outcome in Outcome::ALL.iter().filter(|outcome| !matches!(outcome, Outcome::Completed | Outcome::Silent)) {
        for set in sets() {
            assert_eq!(hold_to(conclusion(*outcome), &set), conclusion(*outcome), "{outcome} {set:?}");
        }
    }
}

#[test]
fn who_waits_owes_nothing_yet() {
    let missing = [found(ExpectKind::File, Reach::NotReached)];
    let open = Open { children: 1, ..Open::default() };
    let end = hold_to(settle(conclusion(Outcome::Completed), open), &missing);
    assert_eq!(end.outcome, Outcome::Waiting);
}

#[test]
fn only_an_end_without_a_word_of_the_agent_gives_way_to_a_good_result() {
    use ExpectKind::{File, Git, Mail, Result, Sprint, Story};
    use Outcome as O;
    for strong in [Story, Sprint] {
        let good = [found(strong, Reach::Reached), found(File, Reach::Reached)];
        assert_eq!(adopt(conclusion(O::Killed), None, Open::default(), &good).cause, Cause::ExpectationMet, "{strong}");
    }
    let good = [found(Result, Reach::Reached), found(File, Reach::Reached)];
    let adopted = [O::NoResult, O::Killed, O::Lost, O::Stalled, O::TimedOut, O::Aborted];
    for outcome in Outcome::ALL {
        let end = adopt(conclusion(*outcome), None, Open::default(), &good);
        let expected = if adopted.contains(outcome) {
            (O::Completed, Cause::ExpectationMet)
        } else {
            (*outcome, Cause::CleanResult)
        };
        assert_eq!((end.outcome, end.cause), expected, "{outcome}");
        // A stop may have ended it after its own error result: that word stands.
        assert_eq!(
            adopt(conclusion(*outcome), Some(Terminal::Error), Open::default(), &good),
            conclusion(*outcome),
            "{outcome}"
        );
    }
    let weak = [
        vec![],
        vec![found(File, Reach::Reached)],
        vec![found(Git, Reach::Reached)],
        vec![found(Mail, Reach::Reached), found(File, Reach::Reached)],
        vec![found(Result, Reach::Unknown)],
        vec![found(Result, Reach::Contradicted)],
        vec![found(Result, Reach::Reached), found(File, Reach::NotReached)],
        vec![found(Result, Reach::Reached), found(Mail, Reach::NotReached)],
        vec![found(Story, Reach::Reached), found(Sprint, Reach::NotReached)],
        vec![found(Story, Reach::Unknown)],
    ];
    for findings in weak {
        assert_eq!(adopt(conclusion(O::Killed), None, Open::default(), &findings).outcome, O::Killed, "{findings:?}");
    }
}

/// The mail that its capability owes is its own word that it is done, if nothing else that it owes is missing.
#[test]
fn an_end_without_a_terminal_event_gives_way_to_the_mail_that_is_owed() {
    let sent = Open { owes_mail: true, mail_sent: true, ..Open::default() };
    let rows = [
        (sent, vec![], Outcome::Completed),
        (sent, vec![found(ExpectKind::File, Reach::Reached)], Outcome::Completed),
        (sent, vec![found(ExpectKind::File, Reach::NotReached)], Outcome::Killed),
        (sent, vec![found(ExpectKind::File, Reach::Unknown)], Outcome::Killed),
        (Open { mail_sent: false, ..sent }, vec![], Outcome::Killed),
    ];
    for (open, findings, expected) in rows {
        assert_eq!(adopt(conclusion(Outcome::Killed), None, open, &findings).outcome, expected, "{findings:?}");
        let said = adopt(conclusion(Outcome::Failed), Some(Terminal::Error), open, &findings);
        assert_eq!(said.outcome, Outcome::Failed, "{findings:?}");
    }
}

#[test]
fn an_attempt_begins_with_the_run_and_after_a_failed_one() {
    let standing = |state, hold| Standing { state, hold, held_until: None, held_by_provider: false };
    let rows = [
        (RunState::Booting, None, true),
        (RunState::BetweenTurns, Some(Hold::Backoff), true),
        // A refused session: the same attempt, in the same call.
        (RunState::BetweenTurns, None, false),
        (RunState::Waiting, Some(Hold::Awaiting), false),
        (RunState::Blocked, Some(Hold::Limited), false),
        (RunState::Blocked, Some(Hold::NeedsHuman), false),
        (RunState::InTurn, None, false),
    ];
    for (state, hold, begins) in rows {
        assert_eq!(begins_attempt(&standing(state, hold)), begins, "{state} {hold:?}");
    }
}

#[test]
fn every_word_of_it_is_documented() {
    let documented = include_str!("../../docs/turn.md");
    let causes = [Cause::ExpectationMet, Cause::ExpectationMissing, Cause::ExpectationUnknown, Cause::ResultSaysFailed];
    let words = causes.map(Cause::word).into_iter().chain(ExpectKind::ALL.iter().map(|kind| kind.word()));
    let states = Reach::ALL.iter().map(|reach| reach.word());
    for word in words.chain(states).chain(GOOD.iter().copied()).chain(BAD.iter().copied()) {
        assert!(documented.contains(&format!("`{word}`")), "{word} is not in docs/turn.md");
    }
}
