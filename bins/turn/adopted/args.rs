//! The arguments of `turn adopt`, `turn beat` and `turn end`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};
use refloat::cli::{agent_name, duration, task_name, tmux_socket, wanted};
use refloat::judge::worker::Said;
use refloat::model::{Capability, Wanted};

/// A text from an agent, for a person, may have so many bytes.
const TEXT: usize = 1000;

/// Make a process or tmux session that somebody else started stand for a run
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("worker").required(true).args(["pid", "tmux"])), before_help = "\
Examples:
  turn adopt --agent indexer --pid 4242 --log /var/log/indexer.log
  turn adopt --agent docs --pid 4242 --expect result:out/status.json --expect git:main --cwd ~/docs
  token=$(turn adopt --agent b3 --parent lead --tmux b3 | jq -r .token)

A session that is started afterwards gets the token with it: tmux new-session -d -s b3 -e REFLOAT_TOKEN=\"$token\" …
It writes its heartbeats with 'turn beat' and its end with 'turn end'. Refused (76) while the agent has an open run.")]
pub(crate) struct Adopt {
    /// Whose run it is: 1 to 100 of A-Z a-z 0-9 . _ -, the first a letter or digit
    #[arg(long, value_name = "NAME", value_parser = agent_name)]
    pub(crate) agent: String,
    /// Its process
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) pid: Option<i32>,
    /// Its tmux session, by its whole name or its id ($3); it may still have to come
    #[arg(long, value_name = "SESSION", value_parser = session_name)]
    pub(crate) tmux: Option<String>,
    /// The tmux server: the path of its socket, or its name (tmux -L) [default: that of tmux]
    #[arg(long, value_name = "PATH|NAME", conflicts_with = "pid", value_parser = tmux_socket)]
    pub(crate) socket: Option<String>,
    /// What the run is about
    #[arg(long, value_parser = task_name)]
    pub(crate) task: Option<String>,
    /// Who hears of the run's end
    #[arg(long, value_name = "AGENT", value_parser = agent_name)]
    pub(crate) parent: Option<String>,
    /// What mail it owes to its parent at its end, as for 'turn run' [default: builder with --parent, else none]
    #[arg(long, value_name = "WORD")]
    pub(crate) capability: Option<Capability>,
    /// What the run owes besides: mail:TYPE, file:PATH, result:PATH (a JSON object with a status), git:REF,
    /// story:KEY[=STATUS] or sprint:KEY[=STATUS], as for 'turn run'. It counts if it changes from now on. Repeatable
    #[arg(long, value_name = "KIND:TARGET", value_parser = wanted())]
    pub(crate) expect: Vec<Wanted>,
    /// Where the worker works: paths and refs of --expect are seen from there [default: here]
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<PathBuf>,
    /// The file it writes to
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<String>,
    /// A session that is not there yet has to come within
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub(crate) launch_deadline: Duration,
    /// Attempts before the run has failed [default: 3 with --parent, else 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=1000))]
    pub(crate) max_attempts: Option<i64>,
}

/// Store a heartbeat of an adopted worker
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  turn beat b3                                   # a process wrote: no more
  turn beat b3 --progress '14 of 60 files'       # the work goes on")]
pub(crate) struct Beat {
    /// The agent
    #[arg(value_name = "NAME", value_parser = agent_name)]
    pub(crate) agent: String,
    /// The work has come on: how far, in a line
    #[arg(long, value_name = "TEXT", value_parser = line)]
    pub(crate) progress: Option<String>,
    /// The token that adopt printed; needed where one is set [env: REFLOAT_TOKEN]
    #[arg(long)]
    pub(crate) token: Option<String>,
}

/// End an adopted run by its worker's word
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  turn end b3 --outcome completed
  turn end b3 --outcome failed --why 'the build does not start'

Completed is held to what the run owes: without it the end is recorded as failed or silent, and the exit code is 1.
Saying the same again prints the recorded end; another word than the recorded one is refused (76).")]
pub(crate) struct End {
    /// The agent
    #[arg(value_name = "NAME", value_parser = agent_name)]
    pub(crate) agent: String,
    /// How the work ended
    #[arg(long, value_enum)]
    pub(crate) outcome: Word,
    /// Why, for the record and for the parent
    #[arg(long, value_name = "TEXT", value_parser = line)]
    pub(crate) why: Option<String>,
    /// The token that adopt printed; needed where one is set [env: REFLOAT_TOKEN]
    #[arg(long)]
    pub(crate) token: Option<String>,
}

/// A worker's word for its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Word {
    /// The work is done
    Completed,
    /// The work was given up
    Failed,
}

impl Word {
    pub(crate) const fn said(self) -> Said {
        match self {
            Self::Completed => Said::Completed,
            Self::Failed => Said::Failed,
        }
    }
}

/// One line of an agent's words.
pub(crate) fn line(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || text.len() > TEXT || text.chars().any(char::is_control) {
        return Err(format!("it is one line of 1 to {TEXT} bytes without control characters"));
    }
    Ok(text.to_owned())
}

fn session_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > 200 || text.starts_with('-') || text.chars().any(char::is_control) {
        return Err("a session's name has 1 to 200 bytes, no control characters, and does not begin with '-'".into());
    }
    Ok(text.to_owned())
}
