//! The commands of `probe`, and the options that all of them share. Parsed in `main`, and nowhere else.

use clap::{Args, Parser, Subcommand};
use refloat::cli::Common;

use crate::host::Host;
use crate::pid::Pid;
use crate::run::Run;
use crate::tmux::Tmux;

const EXAMPLES: &str = "\
Examples:
  probe pid 4711
  probe run lead
  probe host | jq .detail
  probe tmux 'b-*'

Looks, says, changes nothing: each subject is one record, whose finding is yes, no or unknown, with the reason.
Exit codes: 0 looked, whatever was found; with --exit-code 0 yes, 1 no, 69 unknown (of several subjects the worst).";

/// Look, say, change nothing: yes, no or unknown.
#[derive(Parser, Debug)]
#[command(name = "probe", before_help = EXAMPLES, disable_version_flag = true, subcommand_required = true)]
pub(crate) struct Probe {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    Pid(Pid),
    Run(Run),
    Host(Host),
    Tmux(Tmux),
}

/// How an answer is given.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// Answer with the exit code too: 0 yes, 1 no, 69 unknown; of several subjects the worst
    #[arg(long)]
    pub(crate) exit_code: bool,
}
