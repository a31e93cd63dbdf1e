//! The commands of `turn`, and the arguments of those that look, watch and stop. Parsed in `main`, and nowhere else.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use refloat::cli::{Common, agent_name, agent_or_id, duration, task_name};
use refloat::id::TurnId;
use refloat::model::Outcome;

use crate::adopted::args::{Adopt, Beat, End};
use crate::launch::args::Run;
use crate::yielding::Yield;

const EXAMPLES: &str = "\
Examples:
  turn run --agent nightly -- make test
  turn run --agent lead --runtime claude --prompt 'Fix the failing test' -- --model sonnet
  turn run --agent b2 --parent lead --task login --runtime codex --prompt-file task.md
  turn adopt --agent b3 --parent lead --tmux b3      # work that somebody else started
  turn attach b2               # its supervisor died: watch it again, or record how it ended
  turn list --format table

A turn runs one agent process under a lock, with clocks, and records exactly one outcome.
Exit codes: 0 completed or waiting, 1 failed, 75 busy or limited (try later), 76 refused,
77 credentials refused, 124 a clock ran out, 125 lost, 126/127 cannot run, 128+n signal n.";

/// Run one agent turn, start to outcome.
#[derive(Parser, Debug)]
#[command(name = "turn", before_help = EXAMPLES, disable_version_flag = true, subcommand_required = true)]
pub(crate) struct Turn {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    Run(Box<Run>),
    Attach(Attach),
    Stop(Stop),
    List(List),
    Show(Show),
    Log(Log),
    Adopt(Adopt),
    Beat(Beat),
    End(End),
    Yield(Yield),
    Conform(Conform),
    Runtimes(Runtimes),
}

/// Take up the supervision of a running turn, or record how it ended
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  turn attach t83
  turn attach lead --events    # its stream from the beginning, and as it comes")]
pub(crate) struct Attach {
    /// The turn (t83) or the agent
    #[arg(value_name = "TURN|AGENT", value_parser = agent_or_id)]
    pub(crate) subject: String,
    /// Print each line of the agent's stream as `turn.event`, from its beginning
    #[arg(long)]
    pub(crate) events: bool,
}

/// End an agent's run: its turn, if one runs, and its wish to go on
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  turn stop lead
  turn stop lead --kill --why 'wrong branch'")]
pub(crate) struct Stop {
    /// The agent
    #[arg(value_name = "NAME", value_parser = agent_name)]
    pub(crate) agent: String,
    /// Wait so long for the turn's end
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub(crate) wait: Duration,
    /// Kill at once, without giving the agent time to clean up; of an adopted run, kill its process too
    #[arg(long)]
    pub(crate) kill: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: Option<String>,
}

/// List turns, the newest last: what is recorded
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  turn list --format table
  turn list --agent lead --limit 10
  turn list --outcome failed --since 1d --format table
  turn list --open | jq -r .agent")]
pub(crate) struct List {
    /// Only this agent's
    #[arg(long, value_name = "NAME", value_parser = agent_name)]
    pub(crate) agent: Option<String>,
    /// Only those of runs with this task
    #[arg(long, value_parser = task_name)]
    pub(crate) task: Option<String>,
    /// Only those with this outcome
    #[arg(long, value_name = "WORD", conflicts_with = "open")]
    pub(crate) outcome: Option<Outcome>,
    /// Only those that began in the last so long
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) since: Option<Duration>,
    /// Only turns without an outcome, and after them the open runs that were adopted
    #[arg(long)]
    pub(crate) open: bool,
    /// At most so many, the newest; 0: all
    #[arg(long, value_name = "N", default_value = "200", value_parser = clap::value_parser!(i64).range(0..))]
    pub(crate) limit: i64,
}

/// Show a run with its turns, or a turn with its end, and what went wrong
///
/// Of an adopted run also what is observed: whether its process or session is there.
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  turn show t83
  turn show r17
  turn show lead               # the agent's newest run
  turn show lead | jq -r 'select(.type == \"retry\" and .state == \"open\") | .due_at'")]
pub(crate) struct Show {
    /// The run (r17), the turn (t83), or an agent
    #[arg(value_name = "RUN|TURN|AGENT", value_parser = agent_or_id)]
    pub(crate) subject: String,
}

/// Print a turn's stream
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  turn log t83
  turn log t83 --raw | tail -n 1
  turn log t83 --stderr        # what the agent wrote to stderr
  turn log t83 --follow")]
pub(crate) struct Log {
    /// The turn
    pub(crate) turn: TurnId,
    /// The bytes as the agent wrote them, no records
    #[arg(long)]
    pub(crate) raw: bool,
    /// What the agent wrote to stderr, as it is
    #[arg(long)]
    pub(crate) stderr: bool,
    /// Go on until the turn has ended
    #[arg(long)]
    pub(crate) follow: bool,
}

/// Say what a turn would conclude from a captured stream
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  turn conform --runtime gemini stream.jsonl
  turn conform --runtime pi --ended-code 1 --stderr stderr.log stream.jsonl
  turn conform t83                          # a turn's stream, by its own description
  turn conform --runtime mine t83 | jq '{outcome, cause, unknown_lines}'")]
pub(crate) struct Conform {
    /// The runtime whose description reads it [default: a turn's own]
    #[arg(long, value_name = "NAME")]
    pub(crate) runtime: Option<String>,
    /// The process ended with this exit code [default: a turn's own, else 0]
    #[arg(long, value_name = "N", conflicts_with = "ended_signal", value_parser = clap::value_parser!(i32).range(0..=255))]
    pub(crate) ended_code: Option<i32>,
    /// The process died of this signal
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=64))]
    pub(crate) ended_signal: Option<i32>,
    /// What it wrote to stderr
    #[arg(long, value_name = "FILE")]
    pub(crate) stderr: Option<PathBuf>,
    /// It was to resume a session
    #[arg(long)]
    pub(crate) resumed: bool,
    /// The stream's file, - for standard input, or a turn (t83; a file of such a name is ./t83)
    pub(crate) file: PathBuf,
}

/// List what can be named after --runtime, and where each comes from
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  turn runtimes --format table
  turn runtimes gemini | jq .args")]
pub(crate) struct Runtimes {
    /// Only this one; a mistake in its file is an error
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
}
