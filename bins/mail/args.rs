//! The arguments of `mail`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use refloat::cli::{Common, Limit, agent_name, duration, limit};
use refloat::clock::Stamp;
use refloat::id::MailId;
use refloat::model::{MailState, MailType, Priority};

const EXAMPLES: &str = "\
Examples:
  mail send --from operator --to lead --subject 'Use the staging database'
  mail send --to \"$REFLOAT_PARENT\" --type worker_done --subject done   # in a turn
  mail claim --agent lead --lease 10m | jq -r '\"\\(.mail) \\(.claim)\"'
  mail ack m42 --claim 5f2a…
  mail list --to lead --format table

Mail is stored, leased, acknowledged. What is leased and not acknowledged in time comes again.
Exit codes: 0 done, also with no mail; 65 malformed; 66 not found; 75 no mail in time (wait); 76 refused.";

/// Durable mail between agents: stored, leased, acknowledged.
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
    Reply(Reply),
    Claim(Take),
    Ack(Ack),
    Nack(Nack),
    #[command(name = "check", about = "Take mail, print it, and acknowledge what was printed", before_help = CHECK)]
    Check(Take),
    Inject(Inject),
    Wait(Wait),
    List(List),
    Show(Show),
    Purge(Purging),
}

/// Store a mail, or many
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  mail send --from operator --to lead --subject 'Hold the merge' --priority high
  git log -3 | mail send --from ci --to lead --subject 'New commits' --body -
  mail send --from operator --to @builders --subject 'Rebase first' --expires 1d
  jq -c '{to:.agent,subject:.text}' notes.jsonl | mail send - --from operator")]
pub(crate) struct Send {
    /// Read mails from standard input, one JSON object per line: to, subject, body, type, priority, payload, from,
    /// reply_to, expires, queue. All are stored or none
    #[arg(value_name = "-", value_parser = ["-"], conflicts_with_all = ["to", "subject", "body", "payload", "reply_to"])]
    pub(crate) batch: Option<String>,
    /// The agent, one run of it (run:r17), or a group: @all @builders @scouts @reviewers @leads @mergers @coordinators
    /// @children
    #[arg(long, value_name = "AGENT|@GROUP|run:ID", required_unless_present = "batch")]
    pub(crate) to: Option<String>,
    /// What it is about, in a line
    #[arg(long, required_unless_present = "batch")]
    pub(crate) subject: Option<String>,
    /// The text; - is standard input
    #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub(crate) body: String,
    /// The sender; inside a turn it is the turn's agent [env: REFLOAT_TOKEN]
    #[arg(long, value_name = "AGENT", value_parser = agent_name)]
    pub(crate) from: Option<String>,
    /// What kind of mail it is
    #[arg(long = "type", value_name = "TYPE", default_value = "status")]
    pub(crate) kind: MailType,
    /// low, normal, high or urgent: the order in which mail is claimed
    #[arg(long, value_name = "PRIORITY", default_value = "normal")]
    pub(crate) priority: Priority,
    /// Fields for programs, as one JSON object; those of a protocol type are checked
    #[arg(long, value_name = "JSON")]
    pub(crate) payload: Option<String>,
    /// The mail it answers; a reply never counts as the end of anything
    #[arg(long, value_name = "MAIL")]
    pub(crate) reply_to: Option<MailId>,
    /// Of no use after so long: then it is dead
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) expires: Option<Duration>,
    /// Store it also for an agent that nobody has heard of yet
    #[arg(long)]
    pub(crate) queue: bool,
}

/// Answer a mail: to the other side, in the same thread
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  mail reply m42 --body 'Yes, go on'
  make test 2>&1 | tail -20 | mail reply m42 --body - --type result")]
pub(crate) struct Reply {
    /// The mail to answer
    #[arg(value_name = "MAIL")]
    pub(crate) mail: MailId,
    /// The text; - is standard input
    #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub(crate) body: String,
    /// What it is about [default: Re: and the subject of what it answers]
    #[arg(long)]
    pub(crate) subject: Option<String>,
    /// The sender; inside a turn it is the turn's agent [env: REFLOAT_TOKEN]
    #[arg(long, value_name = "AGENT", value_parser = agent_name)]
    pub(crate) from: Option<String>,
    /// What kind of mail it is [default: status, whatever it answers]
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<MailType>,
    /// low, normal, high or urgent [default: normal]
    #[arg(long, value_name = "PRIORITY")]
    pub(crate) priority: Option<Priority>,
    /// Fields for programs, as one JSON object
    #[arg(long, value_name = "JSON")]
    pub(crate) payload: Option<String>,
    /// Of no use after so long: then it is dead
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) expires: Option<Duration>,
}

const CHECK: &str = "\
Examples:
  mail check --agent lead
  mail check | jq -r '.from + \": \" + .subject'   # in a turn

A reader that dies with mail in its pipe has lost it: one that may die uses claim and ack.";

/// Lease mail: it comes again unless it is acknowledged in time
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  mail claim --agent lead --max 1
  mail claim --agent lead --lease 1h --max 8 >batch.jsonl

Then: mail ack $(jq -r .mail batch.jsonl) --claim \"$(jq -rs '.[0].claim' batch.jsonl)\"")]
pub(crate) struct Take {
    /// Whose mail; inside a turn it is the turn's agent [env: REFLOAT_TOKEN]
    #[arg(long, value_name = "AGENT", value_parser = agent_name)]
    pub(crate) agent: Option<String>,
    /// Held for so long
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    pub(crate) lease: Duration,
    /// At most so many: urgent ones first, then the oldest
    #[arg(long, value_name = "N", default_value = "32", value_parser = count)]
    pub(crate) max: usize,
    /// What was claimed so often and never acknowledged is dead
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(i64).range(1..=1000))]
    pub(crate) max_deliveries: i64,
}

fn count(text: &str) -> Result<usize, String> {
    let number: usize = text.parse().map_err(|_| format!("'{text}' is not a number"))?;
    if (1..=10_000).contains(&number) { Ok(number) } else { Err(format!("{number} is not in 1..=10000")) }
}

/// Acknowledge leased mail: it is done with
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  mail ack m42 --claim 5f2a…
  mail ack m42 m43 m44 --claim 5f2a…   # all of them or none")]
pub(crate) struct Ack {
    /// The mails
    #[arg(value_name = "MAIL")]
    pub(crate) mails: Vec<MailId>,
    /// The token of the claim
    #[arg(long, value_name = "TOKEN")]
    pub(crate) claim: String,
}

/// Give leased mail back: it comes again
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  mail nack m42 --claim 5f2a…
  mail nack m42 --claim 5f2a… --delay 5m")]
pub(crate) struct Nack {
    /// The mails
    #[arg(value_name = "MAIL")]
    pub(crate) mails: Vec<MailId>,
    /// The token of the claim
    #[arg(long, value_name = "TOKEN")]
    pub(crate) claim: String,
    /// Not before so long
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) delay: Option<Duration>,
}

/// Take mail as one text for a prompt, in which no body can forge another mail
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  mail inject --agent lead
  mail inject --agent lead --keep   # acknowledge it with mail ack when it has been read")]
pub(crate) struct Inject {
    #[command(flatten)]
    pub(crate) take: Take,
    /// Leave it leased
    #[arg(long)]
    pub(crate) keep: bool,
}

/// Sleep until there is mail that a turn could take now
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  mail wait --agent lead --timeout 10m
  while mail wait --agent a --timeout none; do turn run --agent a --mail -- cat || sleep 1; done

Not what is leased or delayed, and not while the agent is held: until a time, or by a mark. 75 at the timeout, 76 when the agent is stopped.")]
pub(crate) struct Wait {
    /// Whose mail; inside a turn it is the turn's agent [env: REFLOAT_TOKEN]
    #[arg(long, value_name = "AGENT", value_parser = agent_name)]
    pub(crate) agent: Option<String>,
    /// Where the turn would work: a hold mark for that folder keeps it [default: here]
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<PathBuf>,
    /// At most so long; none: for ever
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = limit)]
    pub(crate) timeout: Limit,
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
    /// stored, leased, acked or dead; --state names the state file here too
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

/// Show one mail
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  mail show m42
  mail show m42 | jq -r .body")]
pub(crate) struct Show {
    /// The mail
    #[arg(value_name = "MAIL")]
    pub(crate) mail: MailId,
}

/// Remove mail for good: says what it would remove, unless --apply
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  mail purge --older 30d
  mail purge --acked --apply
  mail purge --agent b2 --force --apply   # also what nobody has acknowledged")]
pub(crate) struct Purging {
    /// Sent so long ago
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) older: Option<Duration>,
    /// Whatever is acknowledged, and nothing else
    #[arg(long, conflicts_with = "force")]
    pub(crate) acked: bool,
    /// From or to this agent
    #[arg(long, value_name = "AGENT", value_parser = agent_name)]
    pub(crate) agent: Option<String>,
    /// Do it
    #[arg(long)]
    pub(crate) apply: bool,
    /// Also what nobody has acknowledged: stored and dead mail
    #[arg(long)]
    pub(crate) force: bool,
}
