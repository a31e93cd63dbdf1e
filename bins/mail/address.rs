//! To whom: an agent, one run of it, or a group of those that have an open run.

use refloat::cli::agent_name;
use refloat::error::{Failure, Result};
use refloat::id::RunId;
use refloat::judge::outcome::is_terminal_mail;
use refloat::model::{Capability, DeadCause, MailType};
use refloat::state::{View, run};
use refloat::token::OPERATOR;

/// The groups, as they are listed.
const GROUPS: &str = "@all, @builders, @scouts, @reviewers, @leads, @mergers, @coordinators, @children";

/// What `--to` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum To {
    Agent(String),
    Run(RunId),
    Group(Group),
}

/// Open runs that have something in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    All,
    /// Those whose parent is the sender.
    Children,
    Of(Capability),
}

impl Group {
    /// One name for every spelling.
    fn name(self) -> String {
        match self {
            Group::All => "@all".into(),
            Group::Children => "@children".into(),
            Group::Of(capability) => format!("@{capability}s"),
        }
    }

    /// Any case, singular or plural.
    fn parse(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        match word.as_str() {
            "all" => return Some(Group::All),
            "child" | "children" => return Some(Group::Children),
            _ => {}
        }
        let singular = word.strip_suffix('s').unwrap_or(&word);
        Capability::from_word(singular).filter(|capability| *capability != Capability::None).map(Group::Of)
    }
}

/// Reads what `--to` says.
pub(crate) fn parse(text: &str) -> Result<To> {
    let refused = |why: String| Failure::usage(format!("cannot send to '{text}': {why}"));
    if let Some(group) = text.strip_prefix('@') {
        return Group::parse(group).map(To::Group).ok_or_else(|| refused(format!("groups are: {GROUPS}")));
    }
    match text.strip_prefix("run:") {
        Some(run) => run.parse().map(To::Run).map_err(refused),
        None => agent_name(text).map(To::Agent).map_err(refused),
    }
}

/// One mailbox that gets the mail.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) agent: String,
    pub(crate) run: Option<RunId>,
    pub(crate) group: Option<String>,
    pub(crate) dead_reason: Option<DeadCause>,
}

/// Everybody who gets a mail of this type from this sender. `queue`: also a name that nobody has heard of.
pub(crate) fn resolve(view: &View<'_>, to: &To, sender: &str, kind: MailType, queue: bool) -> Result<Vec<Address>> {
    let one = |agent: String, run, dead_reason| vec![Address { agent, run, group: None, dead_reason }];
    match to {
        To::Agent(name) => {
            if !queue && name != OPERATOR && !run::is_known(view, name)? {
                return Err(unknown(name, &run::open_names(view)?));
            }
            Ok(one(name.clone(), None, None))
        }
        To::Run(id) => {
            let run = run::by_id(view, *id)?
                .ok_or_else(|| Failure::not_found(format!("no run {id}")).hint("see: turn list"))?;
            let dead = run.state.is_terminal().then_some(DeadCause::StaleGeneration);
            // A worker may always say that it is done: it does not fail for the end of whom it tells.
            if dead.is_some() && !is_terminal_mail(kind) {
                return Err(Failure::refused(format!("run {id} of {} has ended: {}", run.agent, run.state))
                    .hint(format!("write to the agent: --to {}", run.agent)));
            }
            Ok(one(run.agent, Some(*id), dead))
        }
        To::Group(group) => members(view, *group, sender),
    }
}

fn members(view: &View<'_>, group: Group, sender: &str) -> Result<Vec<Address>> {
    let mut agents = match group {
        Group::All => run::open_agents(view, None, None)?,
        Group::Children => run::open_agents(view, None, Some(sender))?,
        Group::Of(capability) => run::open_agents(view, Some(capability), None)?,
    };
    agents.retain(|agent| agent != sender);
    if agents.is_empty() {
        return Err(Failure::not_found(format!("nobody but the sender is in {}: no open run", group.name()))
            .hint(format!("groups are: {GROUPS}")));
    }
    let name = group.name();
    let address = |agent| Address { agent, run: None, group: Some(name.clone()), dead_reason: None };
    Ok(agents.into_iter().map(address).collect())
}

fn unknown(name: &str, open: &[String]) -> Failure {
    let mut near: Vec<&str> =
        open.iter().map(String::as_str).filter(|other| strsim::levenshtein(name, other) <= 2).collect();
    near.sort_unstable();
    let failure = Failure::not_found(format!("no agent '{name}'"));
    if near.is_empty() {
        return failure.hint("store it for one that will come with --queue");
    }
    failure.hint(format!("did you mean {}? or store it for one that will come with --queue", near.join(", ")))
}
