//! The arguments of `mail`.

use clap::{Args, Parser, Subcommand};
use refloat::cli::{Common, agent_name};
use refloat::clock::Stamp;
use refloat::id::MailId;
use refloat::model::{MailState, MailType, Priority};

const EXAMPLES: &str = "\
Examples:
  mail send --from operator --to lead --subject 'Use the staging database'
  mail send --to \"$REFLOAT_PARENT\" --type worker_done --subject done   # in a turn
  mail list --to lead --format table

Mail is stored for good; listing it does not consume it.";

/// Send and list mail between agents.
#[derive(Parser, Debug)]
#[command(name = "mail", before_help = EXAMPLES, disable_version_flag = true, subcommand_required = true)]
pub(crate) struct Mail {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    Send(Send),
    List(List),
}

/// Store a mail
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  mail send --from operator --to lead --subject 'Hold the merge' --priority high
  git log -3 | mail send --from ci --to lead --subject 'New commits' --body -")]
pub(crate) struct Send {
    /// The agent, or one run of it: run:r17
    #[arg(long, value_name = "AGENT|run:ID")]
    pub(crate) to: String,
    /// What it is about, in a line
    #[arg(long)]
    pub(crate) subject: String,
    /// The text; - is standard input
    #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub(crate) body: String,
    /// The sender; inside a turn it is the turn's agent [env: REFLOAT_TOKEN]
    #[arg(long, value_name = "AGENT", value_parser = agent_name)]
    pub(crate) from: Option<String>,
    /// What kind of mail it is
    #[arg(long = "type", value_name = "TYPE", default_value = "status")]
    pub(crate) kind: MailType,
    /// low, normal, high or urgent
    #[arg(long, value_name = "PRIORITY", default_value = "normal")]
    pub(crate) priority: Priority,
    /// Fields for programs, as one JSON object
    #[arg(long, value_name = "JSON")]
    pub(crate) payload: Option<String>,
    /// The mail it answers; a reply never counts as the end of anything
    #[arg(long, value_name = "MAIL")]
    pub(crate) reply_to: Option<MailId>,
    /// Store it also for an agent that nobody has heard of yet
    #[arg(long)]
    pub(crate) queue: bool,
}

/// List mail, the newest last
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  mail list --to lead
  mail list --type worker_died --since 2026-11-20T00:00:00Z
  mail list --format table --limit 20")]
pub(crate) struct List {
    /// From this sender
    #[arg(long, value_name = "AGENT", value_parser = agent_name)]
    pub(crate) from: Option<String>,
    /// To this recipient
    #[arg(long, value_name = "AGENT", value_parser = agent_name)]
    pub(crate) to: Option<String>,
    /// Of this type
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<MailType>,
    /// stored or dead; --state names the state file here too
    #[arg(long, value_name = "STATE")]
    pub(crate) mail_state: Option<MailState>,
    /// Of this thread
    #[arg(long, value_name = "MAIL")]
    pub(crate) thread: Option<MailId>,
    /// Sent at or after this time
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Stamp>,
    /// At most so many, the newest; 0: all
    #[arg(long, value_name = "N", default_value = "200", value_parser = clap::value_parser!(i64).range(0..))]
    pub(crate) limit: i64,
}
