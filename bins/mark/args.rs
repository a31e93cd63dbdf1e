//! The arguments of `mark`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use refloat::cli::{Common, Limit, limit, mark_kind, mark_name, mark_nonce, time_or_duration};
use refloat::clock::Stamp;
use refloat::id::MarkId;
use refloat::seam::marker::Files;

const EXAMPLES: &str = "\
Examples:
  mark set dispatch builder-1 --owner-pid $$          # dies with this shell
  mark set hold lead --until 2h                       # turn run refuses until then (75)
  mark set breadcrumb login --data '{\"next\":\"run the tests\"}' --ttl 7d
  mark check dispatch --exit-code                     # 0: none is live
  mark clear dispatch builder-1
  mark list --stale --format table

What is stale is taken away by mark-cleanup. A mark is for a folder: without --scope for the git work tree around this
one, and a hold for every folder.
Exit codes: 0 done, also with nothing to do; 1 and 69 of check; 66 not found; 75 another holds it; 76 refused.";

/// Say that something is in progress or held back, until its owner is gone or its time has passed.
#[derive(Parser, Debug)]
#[command(name = "mark", before_help = EXAMPLES, disable_version_flag = true, subcommand_required = true)]
pub(crate) struct Mark {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    Set(Set),
    Clear(Clear),
    List(List),
    Show(Show),
    Check(Check),
    Beat(Beat),
}

/// Set a mark, or renew one of ours
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  mark set dispatch builder-1 --owner-pid $$
  mark set hold lead --until 2026-11-20T18:00:00Z
  mark set hold @all --until 2h                      # for every agent
  mark set breadcrumb login --data '{\"next\":\"run the tests\"}' --ttl 7d
  nonce=$(mark set dispatch b1 --ttl 1h | jq -r .nonce)

Inside a turn it ends with the turn, unless it is a hold or a breadcrumb. A mark that is live and another's is refused (75).
Give --owner-pid $$ and not `parent` where mark is part of a pipeline in $(…): there its parent is a short subshell.")]
pub(crate) struct Set {
    /// What it says: dispatch, breadcrumb, hold, or a word of your own
    #[arg(value_name = "KIND", value_parser = mark_kind)]
    pub(crate) kind: String,
    /// What it is about; of a hold the agent, or @all
    #[arg(value_name = "NAME", value_parser = mark_name)]
    pub(crate) name: String,
    /// Stale so long after it was set or renewed last; none: not by its age [default: 4h; none with --until, and for what
    /// ends with its turn]
    #[arg(long, value_name = "TIME", value_parser = limit)]
    pub(crate) ttl: Option<Limit>,
    /// The process it dies with; parent or self: the one that calls mark [default: inside a turn the agent, else none]
    #[arg(long, value_name = "PID|parent|self|none", allow_negative_numbers = true)]
    pub(crate) owner_pid: Option<Owner>,
    /// Also where that process is gone already
    #[arg(long, requires = "owner_pid")]
    pub(crate) even_if_gone: bool,
    /// The folder it is for, with all below it [default: the git work tree around here, else here; of a hold /]
    #[arg(long, value_name = "DIR")]
    pub(crate) scope: Option<PathBuf>,
    /// Stale from then on: a time, or so long from now
    #[arg(long, value_name = "TIME|DURATION", value_parser = time_or_duration)]
    pub(crate) until: Option<Stamp>,
    /// Whatever is to be said with it, as JSON
    #[arg(long, value_name = "JSON", allow_negative_numbers = true)]
    pub(crate) data: Option<String>,
    /// Renew the mark that has this nonce, whoever set it; with --owner-pid it is that process's from then on
    #[arg(long, value_name = "NONCE", value_parser = mark_nonce)]
    pub(crate) nonce: Option<String>,
}

/// The process that a mark dies with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Pid(i32),
    Caller,
    None,
}

impl std::str::FromStr for Owner {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            // The process of mark itself is gone before anybody can look at it.
            "parent" | "self" => Ok(Self::Caller),
            number => match number.parse() {
                Ok(pid) if pid > 0 => Ok(Self::Pid(pid)),
                _ => Err(format!("'{text}' is not a pid, parent, self or none")),
            },
        }
    }
}

/// Which marks: some by their ids, or one by its kind and name.
#[derive(Args, Debug)]
pub(crate) struct Which {
    /// The ids of marks, or the kind and the name of one
    #[arg(value_name = "MARK|KIND NAME", required = true)]
    pub(crate) words: Vec<String>,
    /// The folder it is for, as at set [default: the git work tree around here, else here; of a hold /]
    #[arg(long, value_name = "DIR")]
    pub(crate) scope: Option<PathBuf>,
    /// Only the claim that has this nonce
    #[arg(long, value_name = "NONCE", value_parser = mark_nonce)]
    pub(crate) nonce: Option<String>,
}

/// Clear a mark: by its id whoever holds it, by its name if it is ours
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  mark clear dispatch builder-1
  mark clear k5 k7
  trap 'mark clear dispatch builder-1 --nonce \"$nonce\"' EXIT")]
pub(crate) struct Clear {
    #[command(flatten)]
    pub(crate) which: Which,
}

/// Renew a mark: its time begins anew; by its name if it is ours
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  mark beat k5
  mark beat dispatch builder-1
  while sleep 10m; do mark beat k5 --nonce \"$nonce\" || exit; done")]
pub(crate) struct Beat {
    #[command(flatten)]
    pub(crate) which: Which,
}

/// List marks as they stand, oldest first
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  mark list
  mark list --kind hold --live
  mark list --files \"$HOME/.copilot/markers/*\"   # marker files of other tools too
  mark list --removed --format table   # what was removed, by whom and why")]
pub(crate) struct List {
    /// Of this kind
    #[arg(long, value_name = "KIND", value_parser = mark_kind)]
    pub(crate) kind: Option<String>,
    /// Of this name
    #[arg(long, value_name = "NAME", value_parser = mark_name)]
    pub(crate) name: Option<String>,
    /// For this folder, one above it or one below it
    #[arg(long, value_name = "DIR")]
    pub(crate) scope: Option<PathBuf>,
    /// Those that hold
    #[arg(long)]
    pub(crate) live: bool,
    /// Those that hold no more
    #[arg(long)]
    pub(crate) stale: bool,
    /// Those of which it cannot be told
    #[arg(long)]
    pub(crate) unknown: bool,
    /// Those that have ended, instead of those that stand
    #[arg(long, conflicts_with_all = ["live", "stale", "unknown", "files"])]
    pub(crate) removed: bool,
    /// What stands in marker files of other tools too
    #[arg(long, value_name = "GLOB")]
    pub(crate) files: Vec<Files>,
    /// At most so many, the newest; 0: all
    #[arg(long, value_name = "N", default_value = "0", value_parser = clap::value_parser!(i64).range(0..))]
    pub(crate) limit: i64,
}

/// Show marks by their ids, also those that have ended
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  mark show k5
  mark show k5 k7 --format table")]
pub(crate) struct Show {
    /// Their ids
    #[arg(value_name = "MARK", required = true)]
    pub(crate) marks: Vec<MarkId>,
}

/// Say whether a mark holds: prints those that do, or may
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  mark check dispatch --exit-code || echo 'work is in progress here' >&2
  mark check hold lead --exit-code
  mark check dispatch --scope . --exit-code --format table >&2
  mark check dispatch --exit-code --files \"$HOME/.copilot/markers/dispatched-subagent-active\"

With --exit-code: 0 none is live, 1 one is, 69 none is known to be live and of one it cannot be told.")]
pub(crate) struct Check {
    /// Of this kind
    #[arg(value_name = "KIND", value_parser = mark_kind)]
    pub(crate) kind: String,
    /// Of this name
    #[arg(value_name = "NAME", value_parser = mark_name)]
    pub(crate) name: Option<String>,
    /// For this folder, one above it or one below it [default: the git work tree around here, else here]
    #[arg(long, value_name = "DIR")]
    pub(crate) scope: Option<PathBuf>,
    /// Look into marker files of other tools too
    #[arg(long, value_name = "GLOB")]
    pub(crate) files: Vec<Files>,
    /// Answer with the exit code
    #[arg(long)]
    pub(crate) exit_code: bool,
}
