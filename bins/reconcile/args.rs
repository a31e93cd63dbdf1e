//! The arguments of `reconcile`. Parsed in `main`, and nowhere else.

mod ledgers;

use clap::{Args, Parser, Subcommand};
use refloat::cli::{Common, agent_name, agent_or_id};
use refloat::id::RunId;

pub(crate) use ledgers::*;

const EXAMPLES: &str = "\
Examples:
  reconcile retry due
  reconcile deadletter list --format table
  reconcile reopen r17 --why 'The review found a bug'
  reconcile crash list --since 1d

Starts no turn. An agent that is called like a subcommand is named after --.
Exit codes: 0 done, also with no rows; 66 not found; 69 unknown; 75 busy; 76 refused.";

/// What is true of each run, and the ledgers of what went wrong.
#[derive(Parser, Debug)]
#[command(name = "reconcile", before_help = EXAMPLES, disable_version_flag = true)]
pub(crate) struct Reconcile {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) pass: Pass,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// A pass over runs. A word after the first is never a subcommand, and none is after `--`.
#[derive(Args, Debug)]
pub(crate) struct Pass {
    /// Runs and agents; - is standard input
    #[arg(value_name = "RUN|AGENT", value_parser = subject, hide = true)]
    pub(crate) subjects: Vec<String>,
}

fn subject(text: &str) -> Result<String, String> {
    if text == "-" { Ok(text.to_owned()) } else { agent_or_id(text) }
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    Retry(Retry),
    #[command(name = "deadletter")]
    DeadLetter(DeadLetter),
    Reopen(Reopen),
    Crash(Crash),
}

/// How many rows.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Most {
    /// At most so many, the newest; 0: all
    #[arg(long, value_name = "N", default_value = "200", value_parser = clap::value_parser!(i64).range(0..))]
    limit: i64,
}

impl Most {
    /// As the state file is asked.
    pub(crate) const fn rows(self) -> i64 {
        if self.limit == 0 { i64::MAX } else { self.limit }
    }
}

/// Whose rows.
#[derive(Args, Clone, Debug)]
pub(crate) struct Of {
    /// Of this agent
    #[arg(long, value_name = "AGENT", value_parser = agent_name)]
    pub(crate) agent: Option<String>,
    /// Of this run
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<RunId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The subjects of a pass; none: it is a subcommand.
    fn subjects(line: &str) -> Option<Vec<String>> {
        let parsed = Reconcile::try_parse_from(line.split(' ')).unwrap();
        parsed.command.is_none().then_some(parsed.pass.subjects)
    }

    #[test]
    fn a_pass_stands_beside_the_subcommands_and_reserved_words_are_agents_after_two_dashes() {
        for (line, expected) in [
            ("reconcile", Some(vec![])),
            ("reconcile r17", Some(vec!["r17"])),
            ("reconcile -", Some(vec!["-"])),
            ("reconcile lead b2", Some(vec!["lead", "b2"])),
            ("reconcile -q r17", Some(vec!["r17"])),
            ("reconcile --state x lead", Some(vec!["lead"])),
            ("reconcile lead retry", Some(vec!["lead", "retry"])),
            ("reconcile retry list", None),
            ("reconcile -q retry list", None),
            ("reconcile --state retry retry list", None),
            ("reconcile deadletter list", None),
            ("reconcile crash list", None),
            ("reconcile reopen r1 --why x", None),
        ] {
            let expected = expected.map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(subjects(line), expected, "{line}");
        }
        for word in ["retry", "deadletter", "crash", "reopen", "explain", "help"] {
            assert_eq!(subjects(&format!("reconcile -- {word}")), Some(vec![word.to_owned()]));
        }
        assert!(Reconcile::try_parse_from(["reconcile", "a/b"]).is_err());
    }
}
