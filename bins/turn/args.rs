//! The arguments of `turn`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use refloat::cli::{Common, agent_name, agent_or_id, duration, session_id, task_name};
use refloat::id::{RunId, TurnId};
use refloat::model::{Capability, OnStall, Outcome, Wanted};

use crate::adopted::args::{Adopt, Beat, End};
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

/// Run one turn of an agent and record its outcome
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  turn run --agent nightly --deadline 1h -- make test
  turn run --agent lead --runtime claude --prompt 'Fix the failing test'
  turn run --agent lead --runtime claude --prompt-file task.md --on-stall report --events
  git diff | turn run --agent rev --parent lead --runtime claude --prompt-file -
  turn run --agent b3 --expect file:report.md --expect git:HEAD -- make report
  mail wait --agent lead && turn run --agent lead --mail --continue --runtime claude")]
pub(crate) struct Run {
    /// Whose turn it is: 1 to 100 of A-Z a-z 0-9 . _ -, the first a letter or digit
    #[arg(long, value_name = "NAME", value_parser = agent_name)]
    pub(crate) agent: String,
    /// What the run is about; refused where the agent's open run has another task
    #[arg(long, value_parser = task_name)]
    pub(crate) task: Option<String>,
    /// Who hears of the run's end
    #[arg(long, value_name = "AGENT", value_parser = agent_name)]
    pub(crate) parent: Option<String>,
    /// What mail it owes to its parent at its end: merger owes merged or merge_failed; builder, scout, reviewer and
    /// lead owe worker_done or result; coordinator and none owe nothing [default: builder with --parent, else none]
    #[arg(long, value_name = "WORD")]
    pub(crate) capability: Option<Capability>,
    /// What the run owes besides: mail:TYPE, file:PATH, result:PATH (a JSON object with a status) or git:REF. It counts
    /// if it has changed since the attempt began. Repeatable; the run keeps what earlier turns were given
    #[arg(long, value_name = "KIND:TARGET", value_parser = OsStringValueParser::new().try_map(|text| Wanted::parse(&text)))]
    pub(crate) expect: Vec<Wanted>,
    /// The agent's command-line tool; turn runtimes lists them
    #[arg(long, value_name = "NAME", default_value = "plain")]
    pub(crate) runtime: String,
    /// The prompt
    #[arg(long, value_name = "TEXT", conflicts_with = "prompt_file")]
    pub(crate) prompt: Option<String>,
    /// The prompt's file; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) prompt_file: Option<PathBuf>,
    /// The prompt is the mail that waits for the agent; it is acknowledged if the turn has a clean result, else it comes
    /// again. Nothing waits: nothing is started
    #[arg(long, conflicts_with_all = ["prompt", "prompt_file"])]
    pub(crate) mail: bool,
    /// The program in place of the runtime's own
    #[arg(long, value_name = "PATH")]
    pub(crate) program: Option<PathBuf>,
    /// Where the agent works [default: here]
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<PathBuf>,
    /// Only as a turn of this run; refused once it has ended
    #[arg(long)]
    pub(crate) run: Option<RunId>,
    /// The session: the run's own (auto), a given one, or a new one (never)
    #[arg(long, value_name = "auto|ID|never", default_value = "auto", value_parser = session_id)]
    pub(crate) resume: String,
    /// A new run goes on with the agent's last good session
    #[arg(long = "continue")]
    pub(crate) go_on: bool,
    #[command(flatten)]
    pub(crate) clocks: Clocks,
    /// Wait so long for the agent's turn lock; 0s: not at all
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub(crate) lock_wait: Duration,
    /// Run also before the provider's limit ends; without it such a turn is refused (75) before anything is started
    #[arg(long)]
    pub(crate) now: bool,
    /// Attempts before the run has failed [default: 3 with --parent, else 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=1000))]
    pub(crate) max_attempts: Option<i64>,
    /// What holds the agent's processes together
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) contain: Contain,
    /// End what an earlier turn of the agent has left running
    #[arg(long)]
    pub(crate) kill_orphans: bool,
    /// Print each line of the agent's stream as it comes, as `turn.event`
    #[arg(long)]
    pub(crate) events: bool,
    /// Arguments for the program; for the runtime `plain` the whole command
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) arguments: Vec<OsString>,
}

/// The clocks of a turn.
#[derive(Args, Debug, Clone, Copy)]
#[command(next_help_heading = "Clocks")]
pub(crate) struct Clocks {
    /// From the start to the first event; none: off [default: the runtime's; plain: none]
    #[arg(long, value_name = "TIME", value_parser = limit)]
    pub(crate) first_event: Option<Limit>,
    /// Since the last progress while the model is awaited; none: off [default: the runtime's; plain: none]
    #[arg(long, value_name = "TIME", value_parser = limit)]
    pub(crate) stall: Option<Limit>,
    /// The same while a tool runs; none: off [default: the runtime's; plain: none]
    #[arg(long, value_name = "TIME", value_parser = limit)]
    pub(crate) stall_tool: Option<Limit>,
    /// From the terminal event to the end of the process
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(crate) grace: Duration,
    /// The whole turn; kept even if nobody watches
    #[arg(long, value_name = "TIME", default_value = "6h", value_parser = duration)]
    pub(crate) deadline: Duration,
    /// What follows a silence that is too long: end the turn, or say so once and let it go on. Not for the deadline
    #[arg(long, value_name = "kill|report", default_value = "kill")]
    pub(crate) on_stall: OnStall,
    /// Between the steps by which an agent is ended: its stop signal, TERM, KILL [default: the runtime's]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) kill_after: Option<Duration>,
}

/// A soft clock's limit, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit(pub(crate) Option<Duration>);

fn limit(text: &str) -> Result<Limit, String> {
    if text == "none" { Ok(Limit(None)) } else { duration(text).map(|limit| Limit(Some(limit))) }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Contain {
    /// A cgroup where one can be made, and the subreaper
    Auto,
    /// A cgroup, or refuse
    Cgroup,
    /// The subreaper alone
    Subreaper,
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
