//! Every row has its verdict, every word of every list is reached, and the page has the table that the rows make.

use std::collections::{BTreeMap, BTreeSet};

use super::super::*;
use super::build::{NOW, says};
use super::table::rows;
use crate::model::Cause;

#[test]
fn the_table_of_verdicts() {
    let rows = rows();
    assert!(rows.len() >= 60, "{} rows", rows.len());
    let wrong = rows.iter().filter_map(|row| {
        let said = says(&verdict(&row.case, &row.policy, NOW));
        (said != row.says).then(|| format!("{}:\n  is  {said}\n  not {}", row.what, row.says))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn the_last_rule_that_was_tried_is_the_one_that_decided() {
    for row in rows() {
        let decided = verdict(&row.case, &row.policy, NOW);
        let tried = explain(&row.case, &row.policy, NOW);
        assert_eq!(tried.last().and_then(|last| last.verdict.as_ref()), Some(&decided), "{}", row.what);
        assert_eq!(tried.iter().filter(|one| one.verdict.is_some()).count(), 1, "{}", row.what);
        let order: Vec<Rule> = tried.iter().map(|one| one.rule).collect();
        assert_eq!(order, Rule::ALL[..tried.len()], "{}", row.what);
        assert_eq!(decided.rule, order[order.len() - 1], "{}", row.what);
    }
}

/// Causes of ends that no open run can have: a fence, an empty prompt, a worker's own word end nothing that is open.
const NEVER: &[Cause] = &[Cause::Epoch, Cause::EmptyPrompt, Cause::OwnWord, Cause::ExpectationUnknown];

#[test]
fn every_word_of_every_list_is_reached() {
    let verdicts: Vec<Verdict> = rows().iter().map(|row| verdict(&row.case, &row.policy, NOW)).collect();
    let reached = |is: &dyn Fn(&Verdict) -> bool| verdicts.iter().any(is);
    for word in VerdictWord::ALL {
        assert!(reached(&|verdict| verdict.verdict == *word), "no row is {word}");
    }
    for rule in Rule::ALL {
        assert!(reached(&|verdict| verdict.rule == *rule), "no row is decided by {rule}");
    }
    for action in Action::ALL {
        assert!(reached(&|verdict| verdict.action == *action), "no row leads to {action}");
    }
    for ground in Ground::ALL {
        assert!(reached(&|verdict| verdict.cause == Why::Ground(*ground)), "no row is because of {ground}");
    }
    for cause in Cause::ALL {
        let is = reached(&|verdict| verdict.cause == Why::End(*cause));
        assert_eq!(is, !NEVER.contains(cause), "{cause}");
    }
    for class in RetryClass::ALL {
        assert!(reached(&|verdict| verdict.retry == Some(*class)), "no row is tried again as {class}");
    }
}

/// What a line of the page joins: outcomes, states that the run comes to, actions, classes of retries.
type Line = [BTreeSet<&'static str>; 4];

/// The page's table, as the rows make it: rule, verdict and cause, and all that goes with them.
fn lines() -> Vec<String> {
    let mut lines: BTreeMap<(Rule, VerdictWord, &'static str), Line> = BTreeMap::new();
    for row in rows() {
        let verdict = verdict(&row.case, &row.policy, NOW);
        let line = lines.entry((verdict.rule, verdict.verdict, verdict.cause.word())).or_default();
        let moves = verdict.state_after != row.case.standing.state;
        line[0].extend(verdict.outcome.map(Outcome::word));
        line[1].extend(moves.then(|| verdict.state_after.word()));
        line[2].insert(verdict.action.word());
        line[3].extend(verdict.retry.map(RetryClass::word));
    }
    let joined = |words: BTreeSet<&str>| match words.len() {
        0 => "–".to_owned(),
        _ => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" "),
    };
    lines
        .into_iter()
        .map(|((rule, verdict, cause), line)| {
            let [outcomes, states, actions, classes] = line.map(joined);
            format!("| `{rule}` | `{verdict}` | `{cause}` | {outcomes} | {states} | {actions} | {classes} |")
        })
        .collect()
}

#[test]
fn the_page_has_this_table() {
    let page = include_str!("../../../../docs/reconcile.md");
    let head =
        "| rule | verdict | cause | outcome | run becomes | action | tried again as |\n|---|---|---|---|---|---|---|\n";
    let table = page.split(head).nth(1).expect("docs/reconcile.md has no table of verdicts");
    let table: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
    let wanted = lines();
    assert_eq!(table, wanted, "docs/reconcile.md should have:\n{head}{}", wanted.join("\n"));
}
