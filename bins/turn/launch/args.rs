//! The arguments of `turn run`: the work, the agent's program, the clocks.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use refloat::cli::{agent_name, duration, session_id, task_name, wanted};
use refloat::id::RunId;
use refloat::model::{Capability, OnStall, Wanted};

/// Run one turn of an agent and record its outcome
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  turn run --agent nightly --deadline 1h -- make test
  turn run --agent lead --runtime claude --prompt 'Fix the failing test'
  turn run --agent lead --runtime claude --prompt-file task.md --on-stall report --events
  git diff | turn run --agent rev --parent lead --runtime claude --prompt-file -
  turn run --agent b3 --expect file:report.md --expect git:HEAD -- make report
  turn run --agent dev --expect story:1-2=review --runtime claude --prompt-file dev.md
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
    /// What the run owes besides: mail:TYPE, file:PATH, result:PATH (a JSON object with a status), git:REF,
    /// story:KEY[=STATUS] or sprint:KEY[=STATUS]. It counts if it has changed since the attempt began. Repeatable; the run
    /// keeps what earlier turns were given
    #[arg(long, value_name = "KIND:TARGET", value_parser = wanted())]
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
    /// Run also before the provider's limit ends, and though a hold mark keeps the agent; without it such a turn is
    /// refused (75) before anything is started
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
