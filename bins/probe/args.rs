//! The commands of `probe`, and the options that all of them share. Parsed in `main`, and nowhere else.

use clap::{Args, Parser, Subcommand};
use refloat::cli::Common;

use crate::host::Host;
use crate::lock::Lock;
use crate::mail::Mail;
use crate::output::Output;
use crate::pid::Pid;
use crate::result::ResultFile;
use crate::run::Run;
use crate::sprint::Sprint;
use crate::state::State;
use crate::story::Story;
use crate::tmux::Tmux;
use crate::wait::Wait;

const EXAMPLES: &str = "\
Examples:
  probe pid 4711
  probe run lead
  probe output monitor.jsonl --since t83 --watch 500ms
  probe result result.json --since r17
  probe lock lead
  probe mail lead
  probe state
  probe story 1-2 --exit-code
  probe sprint 1-2 --target review
  probe host | jq .detail
  probe tmux 'b-*'
  probe wait pid-exit 4711 --timeout 5m

Looks, says, changes nothing: each subject is one record, whose finding is yes, no or unknown, with the reason.
Exit codes: 0 looked, whatever was found; with --exit-code 0 yes, 1 no, 69 unknown (of several subjects the worst); wait: 75 not in time.";

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
    Output(Output),
    Result(ResultFile),
    Lock(Lock),
    Mail(Mail),
    State(State),
    Story(Story),
    Sprint(Sprint),
    Host(Host),
    Tmux(Tmux),
    Wait(Wait),
}

/// How an answer is given.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// Answer with the exit code too: 0 yes, 1 no, 69 unknown; of several subjects the worst
    #[arg(long)]
    pub(crate) exit_code: bool,
}
