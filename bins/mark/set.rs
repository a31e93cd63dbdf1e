//! `mark set`: a claim is made, or goes on.

use std::time::Duration;

use refloat::cli::{Context, Limit, agent_name};
use refloat::clock::{Moment, Stamp};
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::id::MarkId;
use refloat::identity::Identity;
use refloat::judge::mark::{Setting, Whose, setting};
use refloat::model::{EVERYBODY, EndNote, HOLD, Mark, MarkEnd, MarkState, NewMark};
use refloat::record::MarkRecord;
use refloat::seam::ancestry::{self, Orphan};
use refloat::seam::process::{self, Life};
use refloat::sight::marks::Marks;
use refloat::sight::of_process;
use refloat::state::{State, Tx, mark};
use refloat::token;

use crate::args::{Owner, Set};
use crate::list::record;
use crate::who::{self, Caller, by_id, holder, readable, same_claim};

/// What a mark lives that has no other end.
const DEFAULT_TTL: Duration = Duration::from_secs(4 * 3600);
/// More is a document and no remark.
const MOST_DATA: usize = 64 << 10;

pub(crate) fn run(cx: &mut Context, args: &Set) -> Result<Exit> {
    let data = args.data.as_deref().map(data).transpose()?;
    expect_time(args)?;
    expect_agent(args)?;
    let scope = who::scope(&args.kind, args.scope.as_deref())?;
    let owner = named_owner(args)?;
    if owner.is_none() && args.nonce.is_none() && token::of_environment().is_none() {
        expect_an_end(args.ttl == Some(Limit(None)), args.until, None)?;
    }
    let nonce = uuid::Uuid::new_v4().simple().to_string();
    let place = cx.place()?;
    // Whoever names a claim cannot make the file that it stands in.
    let mut state = if args.nonce.is_some() { State::open_existing(&place)? } else { token::open_for_writing(&place)? };
    let set = state.write("set a mark", |tx| {
        let caller = Caller::of(tx)?;
        let bound = args.owner_pid.is_none() && caller.hand().binds(&args.kind);
        let owner = owner.clone().or_else(|| caller.process.clone().filter(|_| bound));
        let ttl = match args.ttl {
            Some(Limit(ttl)) => ttl,
            None => (args.until.is_none() && !(bound && owner.is_some())).then_some(DEFAULT_TTL),
        };
        let new = NewMark {
            kind: &args.kind,
            name: &args.name,
            scope: &scope,
            nonce: &nonce,
            owner: owner.as_ref(),
            host: &process::Place::here().machine,
            run: caller.run,
            turn: caller.turn,
            bound,
            set_by: &caller.name,
            ttl,
            until: args.until,
            data: data.as_deref(),
        };
        claim(tx, new, args, &caller)
    })?;
    cx.out.emit(&set)?;
    Ok(Exit::Done)
}

/// The mark as it stands after this.
fn claim(tx: &Tx<'_>, new: NewMark<'_>, args: &Set, caller: &Caller) -> Result<MarkRecord> {
    // The moment is taken here: to get here may have meant to wait for others.
    let mut marks = Marks::now();
    let now = marks.moment().clone();
    let nonce = args.nonce.as_deref();
    let there = mark::named(tx, new.kind, new.name, new.scope)?.map(readable).transpose()?;
    if let Some(there) = &there {
        same_claim(there, nonce)?;
    } else if let Some(nonce) = nonce {
        return Err(Failure::refused(format!("no {} {} has the nonce {nonce}: it has ended", new.kind, new.name)));
    }
    let stands = there.map(|there| (marks.standing(&there), there));
    let (id, already_set) = match stands {
        None => (make(tx, &new, &now)?, false),
        Some((stands, there)) => {
            let ours = nonce.is_some() || caller.hand().goes_on(&there, new.owner);
            match setting(stands.state, if ours { Whose::Ours } else { Whose::Theirs }) {
                Setting::Renew => (renew(tx, &there, new, args, &now)?, true),
                Setting::Replace => {
                    let by = new.set_by.to_owned();
                    let end = EndNote { at: now.at, how: MarkEnd::Replaced, why: Some(stands.reason), by };
                    mark::end(tx, &there, &end)?;
                    (make(tx, &new, &now)?, false)
                }
                Setting::Refuse => return Err(held(&there, stands.state)),
            }
        }
    };
    Ok(MarkRecord { already_set, ..record(&by_id(tx, id)?, &mut marks) })
}

fn make(tx: &Tx<'_>, new: &NewMark<'_>, now: &Moment) -> Result<MarkId> {
    expect_an_end(new.ttl.is_none(), new.until, new.owner)?;
    mark::set(tx, new, now)
}

/// It keeps its owner, unless another one is named: with that one it outlasts the turn.
fn renew(tx: &Tx<'_>, there: &Mark, new: NewMark<'_>, args: &Set, now: &Moment) -> Result<MarkId> {
    let named = args.owner_pid.is_some();
    let owner = if named { new.owner } else { there.owner.as_ref() };
    expect_an_end(new.ttl.is_none(), new.until, owner)?;
    mark::renew(tx, there.id, &NewMark { owner, bound: there.bound && !named, ..new }, now).map(|()| there.id)
}

/// Refuses a time that is over before the mark is set.
fn expect_time(args: &Set) -> Result<()> {
    if args.until.is_some_and(|until| until <= Stamp::now()) {
        return Err(Failure::usage("--until lies in the past"));
    }
    match args.ttl {
        Some(Limit(Some(Duration::ZERO))) => Err(Failure::usage("with no time to live the mark is stale at once")),
        _ => Ok(()),
    }
}

/// A hold of what can be no agent would hold nobody back.
fn expect_agent(args: &Set) -> Result<()> {
    if args.kind != HOLD || args.name == EVERYBODY {
        return Ok(());
    }
    let agent = agent_name(&args.name).map(drop);
    agent.map_err(|why| {
        Failure::usage(format!("no agent can be called '{}': {why}", args.name)).hint("for every agent: @all")
    })
}

fn expect_an_end(endless: bool, until: Option<Stamp>, owner: Option<&Identity>) -> Result<()> {
    match endless && until.is_none() && owner.is_none() {
        true => Err(Failure::usage("without an owner, a ttl and an until this mark would never end")),
        false => Ok(()),
    }
}

fn held(there: &Mark, state: MarkState) -> Failure {
    let so = if state == MarkState::Unknown { "may be live" } else { "is live" };
    Failure::busy(format!("{} {so}: {}", there.label(), holder(there)))
        .hint(format!("wait for it, or end it: mark clear {}", there.id))
}

/// The owner that was named. One that is gone is refused: the mark would be stale at once.
fn named_owner(args: &Set) -> Result<Option<Identity>> {
    let pid = match args.owner_pid {
        None | Some(Owner::None) => return Ok(None),
        Some(Owner::Pid(pid)) => pid,
        Some(Owner::Caller) => ancestry::caller().map_err(orphan)?,
    };
    match process::living(pid) {
        Ok(owner) => Ok(Some(owner)),
        Err(Life::Dead(_)) if args.even_if_gone => Ok(Some(process::gone(pid))),
        Err(Life::Dead(why)) => Err(Failure::refused(format!("process {pid} is gone already: {why}"))
            .hint("the mark would be stale at once; --even-if-gone sets it all the same")),
        Err(life) => {
            Err(Failure::new(Exit::Unknown, format!("process {pid} cannot be looked at: {}", of_process(life).why)))
        }
    }
}

fn orphan(of: Orphan) -> Failure {
    let why = match of {
        Orphan::Apart => "cannot be seen from here".to_owned(),
        Orphan::Adopted(parent) => {
            format!("cannot be told: it may have ended, and process {parent} has mark now")
        }
    };
    Failure::new(Exit::Unknown, format!("the process that calls mark {why}")).hint("name it: --owner-pid $$")
}

fn data(text: &str) -> Result<String> {
    if text.len() > MOST_DATA {
        return Err(Failure::usage(format!("--data has more than {} KiB", MOST_DATA >> 10)));
    }
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| Failure::usage(format!("--data is not JSON: {error}")))?;
    Ok(value.to_string())
}
