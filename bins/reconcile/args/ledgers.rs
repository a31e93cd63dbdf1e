//! The arguments of `reconcile retry`, `deadletter`, `reopen` and `crash`.

use std::time::Duration;

use clap::{Args, Subcommand};
use refloat::cli::duration;
use refloat::id::{CrashId, DeadLetterId, RetryId, RunId};

use super::{Most, Of};

/// When runs may be tried again
#[derive(Args, Debug)]
#[command(
    subcommand_required = true,
    before_help = "\
Examples:
  reconcile retry due | jq -r '.command | @sh'
  reconcile retry list --agent b2 --all
  reconcile retry cancel r17 --why 'The branch is gone'"
)]
pub(crate) struct Retry {
    #[command(subcommand)]
    pub(crate) command: Retries,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Retries {
    List(RetryList),
    Due(RetryDue),
    Cancel(RetryCancel),
}

/// List the runs that wait to be tried again
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  reconcile retry list
  reconcile retry list --run r17 --all
  reconcile retry list --format table")]
pub(crate) struct RetryList {
    #[command(flatten)]
    pub(crate) of: Of,
    /// Also those that were taken or cancelled, the newest last
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) most: Most,
}

/// List what may run now, each with the command that runs it
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  reconcile retry due
  reconcile retry due --all --format table
  reconcile retry due | jq -r '.command | @sh' | sh   # one after the other")]
pub(crate) struct RetryDue {
    #[command(flatten)]
    pub(crate) of: Of,
    /// Also what may not run now; held_by says why
    #[arg(long)]
    pub(crate) all: bool,
}

/// Try a run no more: it ends as it would have without attempts
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  reconcile retry cancel r17 --why 'The branch is gone'
  reconcile retry cancel y5 --why 'Done by hand'")]
pub(crate) struct RetryCancel {
    /// The run, or its retry
    #[arg(value_name = "RUN|RETRY")]
    pub(crate) subject: RunOrRetry,
    /// Why, in a line
    #[arg(long, value_name = "TEXT", value_parser = why)]
    pub(crate) why: String,
}

/// A run, or a retry of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunOrRetry {
    Run(RunId),
    Retry(RetryId),
}

impl std::str::FromStr for RunOrRetry {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not the id of a run (r1) or of a retry (y1)");
        text.parse().map(Self::Run).or_else(|_| text.parse().map(Self::Retry)).map_err(|_: String| wrong())
    }
}

/// What was given up, and what becomes of it
#[derive(Args, Debug)]
#[command(
    subcommand_required = true,
    before_help = "\
Examples:
  reconcile deadletter list
  reconcile deadletter replay d3
  reconcile deadletter close d3 --why 'Not needed any more'"
)]
pub(crate) struct DeadLetter {
    #[command(subcommand)]
    pub(crate) command: DeadLetters,
}

#[derive(Subcommand, Debug)]
pub(crate) enum DeadLetters {
    List(LetterList),
    Show(LetterShow),
    Ack(LetterAck),
    Replay(LetterReplay),
    Close(LetterClose),
}

/// List what was given up and is not settled
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  reconcile deadletter list
  reconcile deadletter list --agent b2 --all
  reconcile deadletter list --format table")]
pub(crate) struct LetterList {
    #[command(flatten)]
    pub(crate) of: Of,
    /// Only those that nobody has settled: the default
    #[arg(long, conflicts_with = "all")]
    pub(crate) open: bool,
    /// Also those that were resolved, replayed or closed
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) most: Most,
}

/// Show one dead letter
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  reconcile deadletter show d3
  reconcile deadletter show d3 | jq -r .last_error")]
pub(crate) struct LetterShow {
    /// The dead letter
    #[arg(value_name = "DEAD_LETTER")]
    pub(crate) letter: DeadLetterId,
}

/// Say that dead letters are seen; they stay open
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  reconcile deadletter ack d3
  reconcile deadletter ack d3 d4 --why 'Known: the disk was full'")]
pub(crate) struct LetterAck {
    /// The dead letters
    #[arg(value_name = "DEAD_LETTER", required = true)]
    pub(crate) letters: Vec<DeadLetterId>,
    /// Why, in a line
    #[arg(long, value_name = "TEXT", value_parser = why)]
    pub(crate) why: Option<String>,
}

/// Try it once more: reopen the run, or send the mail again
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  reconcile deadletter replay d3
  reconcile deadletter replay d3 --why 'The disk is free again'")]
pub(crate) struct LetterReplay {
    /// The dead letter
    #[arg(value_name = "DEAD_LETTER")]
    pub(crate) letter: DeadLetterId,
    /// Why, in a line
    #[arg(long, value_name = "TEXT", value_parser = why)]
    pub(crate) why: Option<String>,
}

/// Settle dead letters without trying anything
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  reconcile deadletter close d3 --why 'Not needed any more'
  reconcile deadletter close d3 d4 --why 'Done by hand'")]
pub(crate) struct LetterClose {
    /// The dead letters
    #[arg(value_name = "DEAD_LETTER", required = true)]
    pub(crate) letters: Vec<DeadLetterId>,
    /// Why, in a line
    #[arg(long, value_name = "TEXT", value_parser = why)]
    pub(crate) why: String,
}

/// Take a run out of its end, and allow it one more attempt
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  reconcile reopen r17 --why 'The review found a bug'
  reconcile reopen r17 --why 'The disk is free again' | jq -r '.command | @sh'")]
pub(crate) struct Reopen {
    /// The run
    #[arg(value_name = "RUN")]
    pub(crate) run: RunId,
    /// Why, in a line
    #[arg(long, value_name = "TEXT", value_parser = why)]
    pub(crate) why: String,
}

/// What crashed: agents, and refloat itself
#[derive(Args, Debug)]
#[command(
    subcommand_required = true,
    before_help = "\
Examples:
  reconcile crash list
  reconcile crash show c3 | jq -r .tail"
)]
pub(crate) struct Crash {
    #[command(subcommand)]
    pub(crate) command: Crashes,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Crashes {
    List(CrashList),
    Show(CrashShow),
}

/// List crashes, the newest last
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  reconcile crash list
  reconcile crash list --agent b2 --since 1d
  reconcile crash list --format table")]
pub(crate) struct CrashList {
    #[command(flatten)]
    pub(crate) of: Of,
    /// Only those of the last 1d, 2h, …
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) since: Option<Duration>,
    #[command(flatten)]
    pub(crate) most: Most,
}

/// Show one crash
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  reconcile crash show c3
  reconcile crash show c3 | jq -r .backtrace")]
pub(crate) struct CrashShow {
    /// The crash
    #[arg(value_name = "CRASH")]
    pub(crate) crash: CrashId,
}

fn why(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || text.len() > 1000 || text.chars().any(char::is_control) {
        return Err("a reason is one line of 1 to 1000 bytes".into());
    }
    Ok(text.to_owned())
}
