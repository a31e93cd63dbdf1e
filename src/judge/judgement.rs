//! What a verdict means for a person: is it alarming, what does it answer, and what is to be typed next.
//! Called by `probe run` and `reconcile`, which print it. It starts nothing.

use crate::judge::verdict::{Verdict, Work};
use crate::model::{Action, Answer, Ground, Rule, VerdictWord, Why};

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

/// Whose run it is, and what it ran.
#[derive(Clone, Copy, Debug)]
pub struct Whose<'a> {
    /// The agent.
    pub agent: &'a str,
    /// The runtime of its turns, where it had one.
    pub runtime: Option<&'a str>,
    /// The command line of its newest turn.
    pub command: &'a [String],
    /// Mail waits for it.
    pub has_mail: bool,
}

/// The exact next command for a person; none where nothing is to be done.
#[must_use]
pub fn next_command(verdict: &Verdict, work: &Work, whose: &Whose<'_>) -> Option<String> {
    let agent = whose.agent;
    Some(match (verdict.action, work) {
        (Action::None, _) if verdict.verdict == VerdictWord::Orphaned => format!("turn stop {agent}"),
        (Action::None, _) => return None,
        (Action::Resume, _) => resume(whose),
        (Action::AskHuman, _) => format!("turn show {agent}"),
        (Action::KillThenCrash, _) => format!("turn stop {agent}"),
        (_, Work::Turn(_)) => format!("turn attach {agent}"),
        (_, Work::Worker(_)) => format!("turn end {agent} --outcome {}", word(verdict)),
        (_, Work::None) => format!("turn show {agent}"),
    })
}

/// A worker's end is told in one of two words.
fn word(verdict: &Verdict) -> &'static str {
    if verdict.verdict == VerdictWord::Finished { "completed" } else { "failed" }
}

fn resume(whose: &Whose<'_>) -> String {
    let agent = whose.agent;
    match whose.runtime {
        None | Some("plain") if whose.command.is_empty() => format!("turn run --agent {agent} -- COMMAND"),
        None | Some("plain") => format!("turn run --agent {agent} -- {}", quoted(whose.command)),
        Some(runtime) if whose.has_mail => format!("turn run --agent {agent} --runtime {runtime} --mail"),
        Some(runtime) => format!("turn run --agent {agent} --runtime {runtime} --prompt 'go on'"),
    }
}

/// Words as a shell reads them.
fn quoted(words: &[String]) -> String {
    let plain =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./=:,+@%".contains(&b));
    let quote = |word: &String| if plain(word) { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}
