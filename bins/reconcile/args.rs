//! The arguments of `reconcile`. Parsed in `main`, and nowhere else.

mod ledgers;

use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use refloat::cli::{Common, agent_name, agent_or_id, duration};
use refloat::id::RunId;
use refloat::judge::verdict::{Handling, Policy};

pub(crate) use ledgers::*;

const EXAMPLES: &str = "\
Examples:
  reconcile --format table
  reconcile --apply
  reconcile r17 --exit-code
  ssh build1 probe run r17 | reconcile - --apply
  reconcile explain r17
  reconcile retry due
  reconcile deadletter list --format table
  reconcile reopen r17 --why 'The review found a bug'
  reconcile crash list --since 1d

Says what is true of each open run; with --apply does what is to be done about it. Starts no turn.
An agent that is called like a subcommand is named after --.
Exit codes: 0 done, also with no rows; 65 a line of standard input is malformed; 66 not found;
69 unknown; 74 a run could not be repaired; 75 busy; 76 refused.";

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
    /// Runs and agents; - reads evidence from standard input [default: all open runs]
    #[arg(value_name = "RUN|AGENT", value_parser = subject)]
    pub(crate) subjects: Vec<String>,
    /// Do what is to be done; without it, only say it
    #[arg(long)]
    pub(crate) apply: bool,
    /// Answer with the exit code, for one run: 0 finished, 1 ended otherwise, 69 unknown, 75 it goes on
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// End what lives of a turn whose shim is dead
    #[arg(long)]
    kill_orphans: bool,
    /// End what nobody watches and what has been silent for too long
    #[arg(long)]
    kill_stalled: bool,
    /// What could not be found out for so long needs a person
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = duration)]
    unknown_after: Duration,
    /// Evidence from standard input that is older counts nothing
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    max_age: Duration,
}

impl Pass {
    /// What may be done, and how long is waited for what.
    pub(crate) fn policy(&self) -> Policy {
        let handling = |kill| if kill { Handling::Kill } else { Handling::Report };
        Policy {
            unknown_after: self.unknown_after,
            max_age: self.max_age,
            orphans: handling(self.kill_orphans),
            stalled: handling(self.kill_stalled),
            ..Policy::default()
        }
    }
}

fn subject(text: &str) -> Result<String, String> {
    if text == "-" { Ok(text.to_owned()) } else { agent_or_id(text) }
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    Explain(Explain),
    Retry(Retry),
    #[command(name = "deadletter")]
    DeadLetter(DeadLetter),
    Reopen(Reopen),
    Crash(Crash),
}

/// Say every piece of evidence, and every rule that was tried, until one decided
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  reconcile explain r17
  reconcile explain lead | jq -c 'select(.type == \"rule\")'")]
pub(crate) struct Explain {
    /// The run, or its agent, whose newest run is meant
    #[arg(value_name = "RUN|AGENT", value_parser = agent_or_id)]
    pub(crate) subject: String,
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
