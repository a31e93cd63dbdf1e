//! `mark set` and `mark beat`: a claim is made, or goes on.

use refloat::cli::{Context, Limit};
use refloat::clock::{Moment, Stamp};
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::identity::Identity;
use refloat::judge::mark::{Setting, Whose, setting};
use refloat::model::{BREADCRUMB, EndNote, HOLD, Mark, MarkEnd, MarkState, NewMark};
use refloat::record::MarkRecord;
use refloat::seam::ancestry;
use refloat::seam::process::{self, Life};
use refloat::sight::marks::Marks;
use refloat::state::{State, Tx, mark};

use crate::args::{Beat, Owner, Set};
use crate::list::{record, told};
use crate::who::{self, Caller, holder, same_claim, shown};

/// What a mark lives that has no other end.
const DEFAULT_TTL: std::time::Duration = std::time::Duration::from_secs(4 * 3600);
/// More is a document and no remark.
const MOST_DATA: usize = 64 << 10;

pub(crate) fn run(cx: &mut Context, args: &Set) -> Result<Exit> {
    let data = args.data.as_deref().map(data).transpose()?;
    if args.until.is_some_and(|until| until <= Stamp::now()) {
        return Err(Failure::usage("--until lies in the past"));
    }
    let scope = who::scope(&args.kind, args.scope.as_deref())?;
    let owner = named_owner(args)?;
    let nonce = uuid::Uuid::new_v4().simple().to_string();
    let place = cx.place()?;
    let mut state = State::open_for_writing(&place)?;
    let mut marks = Marks::now();
    let (id, already) = state.write("set a mark", |tx| {
        let caller = Caller::of(tx)?;
        // What is said to those who come later is not over with the turn.
        let lasting = args.kind == HOLD || args.kind == BREADCRUMB;
        let bound = args.owner_pid.is_none() && !lasting && caller.run.is_some();
        let owner = owner.clone().or_else(|| caller.process.clone().filter(|_| bound));
        let ttl = match args.ttl {
            Some(Limit(ttl)) => ttl,
            None => (args.until.is_none() && !(bound && owner.is_some())).then_some(DEFAULT_TTL),
        };
        if ttl.is_none() && args.until.is_none() && owner.is_none() {
            return Err(Failure::usage("without an owner, a ttl and an until this mark would never end"));
        }
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
        claim(tx, &new, args.nonce.as_deref(), &mut marks)
    })?;
    tell(cx, &state, id, already)
}

fn claim(
    tx: &Tx<'_>,
    new: &NewMark<'_>,
    nonce: Option<&str>,
    marks: &mut Marks,
) -> Result<(refloat::id::MarkId, bool)> {
    let now = marks.moment().clone();
    let Some(there) = mark::named(tx, new.kind, new.name, new.scope)? else {
        if let Some(nonce) = nonce {
            return Err(Failure::refused(format!("no {} {} has the nonce {nonce}: it has ended", new.kind, new.name)));
        }
        return Ok((mark::set(tx, new, &now)?, false));
    };
    same_claim(&there, nonce)?;
    let ours = nonce.is_some() || there.owner.as_ref() == new.owner || (new.bound && there.turn == new.turn);
    let stands = marks.standing(&there);
    match setting(stands.state, if ours { Whose::Ours } else { Whose::Theirs }) {
        Setting::Renew => mark::renew(tx, there.id, new, &now).map(|()| (there.id, true)),
        Setting::Replace => {
            let end =
                EndNote { at: now.at, how: MarkEnd::Replaced, why: Some(stands.reason), by: new.set_by.to_owned() };
            mark::end(tx, &there, &end)?;
            Ok((mark::set(tx, new, &now)?, false))
        }
        Setting::Refuse => Err(held(&there, stands.state)),
    }
}

fn held(there: &Mark, state: MarkState) -> Failure {
    let so = if state == MarkState::Unknown { "may be live" } else { "is live" };
    Failure::busy(format!("{} {so}: {}", shown(there), holder(there)))
        .hint(format!("wait for it, or end it: mark clear {}", there.id))
}

/// The owner that was named. One that is gone is refused: the mark would be stale at once.
fn named_owner(args: &Set) -> Result<Option<Identity>> {
    let pid = match args.owner_pid {
        None | Some(Owner::None) => return Ok(None),
        Some(Owner::Pid(pid)) => pid,
        Some(Owner::Caller) => ancestry::parent()
            .ok_or_else(|| Failure::new(Exit::Unknown, "the process that calls mark cannot be seen from here"))?,
    };
    match process::living(pid) {
        Ok(owner) => Ok(Some(owner)),
        Err(Life::Dead(_)) if args.even_if_gone => Ok(Some(process::gone(pid))),
        Err(Life::Dead(why)) => Err(Failure::refused(format!("process {pid} is gone already: {why}"))
            .hint("the mark would be stale at once; --even-if-gone sets it all the same")),
        Err(life) => Err(Failure::new(Exit::Unknown, format!("process {pid} cannot be looked at: {}", told(life)))),
    }
}

fn data(text: &str) -> Result<String> {
    if text.len() > MOST_DATA {
        return Err(Failure::usage(format!("--data has more than {} KiB", MOST_DATA >> 10)));
    }
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| Failure::usage(format!("--data is not JSON: {error}")))?;
    Ok(value.to_string())
}

pub(crate) fn beat(cx: &mut Context, args: &Beat) -> Result<Exit> {
    let scope = who::scope_of(&args.which)?;
    let place = cx.place()?;
    let mut state = State::open_existing(&place)?;
    let mut marks = Marks::now();
    let id = state.write("renew a mark", |tx| {
        let found = who::find(tx, &args.which, scope.as_deref())?;
        let there = found.ok_or_else(|| Failure::not_found("no such mark stands here").hint("see: mark list"))?;
        same_claim(&there, args.which.nonce.as_deref())?;
        renewable(&there, &mut marks)?;
        let now: Moment = marks.moment().clone();
        mark::beat(tx, there.id, &now).map(|()| there.id)
    })?;
    tell(cx, &state, id, true)
}

fn renewable(there: &Mark, marks: &mut Marks) -> Result<()> {
    if let Some(end) = &there.end {
        return Err(Failure::refused(format!("{} has ended: {} by {}", shown(there), end.how, end.by)));
    }
    let stands = marks.standing(there);
    let by_time = matches!(stands.reason, refloat::model::Reason::OverClock);
    match stands.state {
        MarkState::Stale if !by_time => {
            Err(Failure::refused(format!("{} is stale ({}): a beat cannot renew it", shown(there), stands.reason)))
        }
        _ => Ok(()),
    }
}

/// The mark as it stands after the commit.
fn tell(cx: &mut Context, state: &State, id: refloat::id::MarkId, already_set: bool) -> Result<Exit> {
    let found = state.read("show a mark", |view| mark::by_id(view, id))?;
    let found = found.ok_or_else(|| Failure::not_found(format!("mark {id} is gone")))?;
    cx.out.emit(&MarkRecord { already_set, ..record(&found, &mut Marks::now()) })?;
    Ok(Exit::Done)
}
