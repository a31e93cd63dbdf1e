//! What a verdict means for a person: is it alarming, what does it answer, and what is to be typed next.
//! Called by `probe run` and `reconcile`, which print it. It starts nothing.

use crate::id::RunId;
use crate::judge::verdict::{Verdict, Work};
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

/// Has it finished, or does it go on?
#[must_use]
pub fn answer(verdict: &Verdict) -> Answer {
    use VerdictWord as V;
    match verdict.verdict {
        V::Finished | V::Running | V::Unsupervised | V::Waiting | V::Launching | V::Limited => Answer::Yes,
        V::NeverStarted | V::Failed | V::Crashed | V::Killed | V::Vanished | V::Orphaned | V::Stalled => Answer::No,
        V::NeedsHuman if verdict.cause == Why::Ground(Ground::UnknownTooLong) => Answer::Unknown,
        V::NeedsHuman => Answer::No,
        V::Conflict | V::Unknown => Answer::Unknown,
    }
}

/// The next command for a person, in words; none where nothing is to be done. `again` is the run's next turn.
#[must_use]
pub fn next_command(verdict: &Verdict, work: &Work, agent: &str, again: &[String]) -> Vec<String> {
    let words: &[&str] = match (verdict.action, work) {
        (Action::None, _) if verdict.verdict == VerdictWord::Orphaned => &["turn", "stop", agent],
        (Action::None, _) => &[],
        (Action::Resume, _) => return again.to_vec(),
        (Action::AskHuman, _) => &["turn", "show", agent],
        (Action::KillThenCrash, _) => &["turn", "stop", agent],
        (_, Work::Turn(_)) => &["turn", "attach", agent],
        (_, Work::Worker(_)) => &["turn", "end", agent, "--outcome", word(verdict)],
        (_, Work::None) => &["turn", "show", agent],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The next command for a person after a plan of `reconcile` for this run.
#[must_use]
pub fn apply_command(verdict: &Verdict, before: RunState, run: RunId) -> Option<Vec<String>> {
    let kills = verdict.cause == Why::Ground(Ground::TreeLives) || verdict.action == Action::KillThenCrash;
    let option = match (verdict.rule, verdict.verdict) {
        (Rule::Silent, _) if kills => Some("--kill-stalled"),
        (_, VerdictWord::Orphaned) => Some("--kill-orphans"),
        _ if kills => Some("--kill-orphans"),
        _ => None,
    };
    let wanted = verdict.repairs(before) || option.is_some();
    let words = ["reconcile", &run.to_string(), "--apply"].map(str::to_owned);
    wanted.then(|| words.into_iter().chain(option.map(str::to_owned)).collect())
}

/// A worker's end is told in one of two words.
fn word(verdict: &Verdict) -> &'static str {
    if verdict.verdict == VerdictWord::Finished { "completed" } else { "failed" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::verdict::{Verdict, WorkerCase};
    use crate::model::{Reason, RunState, Sight};

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
        let worker = Work::Worker(WorkerCase {
            sight: Sight::alive(Reason::Running),
            looks: 1,
            exit: None,
            beat_ms: None,
            skewed: false,
            progress_ms: None,
        });
        let again = vec!["turn".to_owned(), "run".to_owned()];
        let words = |word, action, work: &Work| {
            next_command(&verdict(word, Rule::Identity, action), work, "a", &again).join(" ")
        };
        use VerdictWord as V;
        for action in Action::ALL {
            let wanted = match action {
                Action::None => "",
                Action::Resume => "turn run",
                Action::AskHuman => "turn show a",
                Action::KillThenCrash => "turn stop a",
                _ => "turn end a --outcome failed",
            };
            assert_eq!(words(V::Vanished, *action, &worker), wanted, "{action}");
        }
        assert_eq!(words(V::Finished, Action::Adopt, &worker), "turn end a --outcome completed");
        assert_eq!(words(V::Orphaned, Action::None, &worker), "turn stop a");
        assert_eq!(words(V::Unknown, Action::Attach, &Work::None), "turn show a");
    }
}
