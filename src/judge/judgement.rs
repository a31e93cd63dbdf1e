//! What a verdict means for a person: is it alarming, what does it answer, and what is to be typed next.
//! Called by `probe run` and `reconcile`, which print it. It starts nothing.

use crate::id::RunId;
use crate::judge::verdict::Verdict;
use crate::model::{Action, Answer, Ground, Rule, RunState, VerdictWord, Why};

/// Whether somebody should look at it now. What has ended is history; what waits, or is blocked until somebody acts who
/// was told already, is as it should be.
#[must_use]
pub fn is_alarming(verdict: &Verdict) -> bool {
    use VerdictWord as V;
    match (verdict.rule, verdict.verdict) {
        (Rule::Terminal, _) => false,
        (_, V::Finished | V::Running | V::Waiting | V::Launching | V::Limited) => false,
        (_, V::NeedsHuman) => verdict.cause != Why::Ground(Ground::PersonAsked),
        (
            _,
            V::Conflict
            | V::Unsupervised
            | V::NeverStarted
            | V::Failed
            | V::Crashed
            | V::Killed
            | V::Vanished
            | V::Orphaned
            | V::Stalled
            | V::Unknown,
        ) => true,
    }
}

/// How a run stands, for who asks with an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// Its work is done.
    Finished,
    /// It goes on, or will by itself.
    GoesOn,
    /// It has ended otherwise, or does not go on without a person.
    Stuck,
    /// Nobody can tell.
    Untold,
}

/// How the run of a verdict stands: one answer for all who are asked.
#[must_use]
pub fn outlook(verdict: &Verdict) -> Outlook {
    use VerdictWord as V;
    match verdict.verdict {
        V::Finished => Outlook::Finished,
        V::Running | V::Unsupervised | V::Waiting | V::Launching | V::Limited => Outlook::GoesOn,
        V::NeverStarted | V::Failed | V::Crashed | V::Killed | V::Vanished | V::Orphaned | V::Stalled => Outlook::Stuck,
        V::NeedsHuman if verdict.cause != Why::Ground(Ground::UnknownTooLong) => Outlook::Stuck,
        V::NeedsHuman | V::Conflict | V::Unknown => Outlook::Untold,
    }
}

/// Has it finished, or does it go on?
#[must_use]
pub fn answer(verdict: &Verdict) -> Answer {
    match outlook(verdict) {
        Outlook::Finished | Outlook::GoesOn => Answer::Yes,
        Outlook::Stuck => Answer::No,
        Outlook::Untold => Answer::Unknown,
    }
}

/// The next command for a person, in words; none where nothing is to be done. `before` is where the run is recorded to
/// stand, and `again` its next turn, or what shows why that cannot begin.
#[must_use]
pub fn next_command(verdict: &Verdict, before: RunState, (run, agent): (RunId, &str), again: &[String]) -> Vec<String> {
    let kills = verdict.cause == Why::Ground(Ground::TreeLives) || verdict.action == Action::KillThenCrash;
    let run = run.to_string();
    let words: &[&str] = match (verdict.rule, verdict.action) {
        (Rule::Silent, _) if kills => &["reconcile", &run, "--apply", "--kill-stalled"],
        _ if kills || verdict.verdict == VerdictWord::Orphaned => &["reconcile", &run, "--apply", "--kill-orphans"],
        _ if verdict.repairs(before) => &["reconcile", &run, "--apply"],
        (_, Action::Resume) => return again.to_vec(),
        (_, Action::Attach) => &["turn", "attach", agent],
        (_, Action::AskHuman) => &["reconcile", "explain", &run],
        _ => &[],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::verdict::Verdict;

    fn verdict(verdict: VerdictWord, rule: Rule, action: Action) -> Verdict {
        Verdict {
            verdict,
            cause: Why::Ground(Ground::Alive),
            rule,
            action,
            not_before: None,
            outcome: None,
            state_after: RunState::InTurn,
            retry: None,
            looks: 0,
            because: Vec::new(),
        }
    }

    #[test]
    fn every_verdict_is_alarming_or_not_and_answers_the_question() {
        use VerdictWord as V;
        for word in V::ALL {
            let calm = matches!(word, V::Finished | V::Running | V::Waiting | V::Launching | V::Limited);
            let judged = verdict(*word, Rule::Identity, Action::None);
            assert_eq!(is_alarming(&judged), !calm, "{word}");
            assert!(!is_alarming(&verdict(*word, Rule::Terminal, Action::None)), "{word} is history");
            let wanted = match word {
                V::Conflict | V::Unknown => Answer::Unknown,
                V::Unsupervised => Answer::Yes,
                _ if calm => Answer::Yes,
                _ => Answer::No,
            };
            assert_eq!(answer(&judged), wanted, "{word}");
        }
        let human = |ground| Verdict {
            cause: Why::Ground(ground),
            ..verdict(V::NeedsHuman, Rule::IntentionalWait, Action::None)
        };
        assert!(!is_alarming(&human(Ground::PersonAsked)) && is_alarming(&human(Ground::WaitOver)));
        assert_eq!(answer(&human(Ground::PersonAsked)), Answer::No);
        assert_eq!(answer(&human(Ground::UnknownTooLong)), Answer::Unknown);
    }

    #[test]
    fn every_action_has_its_command() {
        use VerdictWord as V;
        let again = vec!["turn".to_owned(), "run".to_owned()];
        let run = RunId(7);
        let words = |verdict: &Verdict| next_command(verdict, RunState::InTurn, (run, "a"), &again).join(" ");
        for action in Action::ALL {
            let wanted = match action {
                Action::None => "",
                Action::Resume => "turn run",
                Action::AskHuman => "reconcile explain r7",
                Action::Attach => "turn attach a",
                Action::KillThenCrash => "reconcile r7 --apply --kill-orphans",
                _ => "reconcile r7 --apply",
            };
            assert_eq!(words(&verdict(V::Vanished, Rule::Identity, *action)), wanted, "{action}");
        }
        let silent = verdict(V::Stalled, Rule::Silent, Action::KillThenCrash);
        assert_eq!(words(&silent), "reconcile r7 --apply --kill-stalled");
        let orphaned = verdict(V::Orphaned, Rule::Orphaned, Action::None);
        assert_eq!(words(&orphaned), "reconcile r7 --apply --kill-orphans");
        let cause = Why::Ground(Ground::TreeLives);
        let beside = Verdict { cause, ..verdict(V::Finished, Rule::DurableResult, Action::None) };
        assert_eq!(words(&beside), "reconcile r7 --apply --kill-orphans");
        let over = Verdict {
            state_after: RunState::Blocked,
            ..verdict(V::NeedsHuman, Rule::IntentionalWait, Action::AskHuman)
        };
        assert_eq!(words(&over), "reconcile r7 --apply");
    }
}
