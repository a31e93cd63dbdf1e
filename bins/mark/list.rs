//! `mark list`, `mark show` and `mark check`: marks as they stand. Looking changes nothing.

use std::path::Path;

use refloat::cli::Context;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::id::MarkId;
use refloat::judge::marker::may_hide;
use refloat::model::{HOLD, InFile, Mark, MarkState};
use refloat::record::MarkRecord;
use refloat::seam::marker::Files;
use refloat::seam::process::Life;
use refloat::sight::markers::Markers;
use refloat::sight::marks::Marks;
use refloat::state::{State, View, mark};

use crate::args::{Check, List, Show};
use crate::who;

/// So many ended marks are read at a time.
const PAGE: i64 = 256;

/// A mark as it stands now.
pub(crate) fn record(mark: &Mark, marks: &mut Marks) -> MarkRecord {
    let stands = marks.standing(mark);
    let record = MarkRecord::of(mark, stands.state, Some(stands.reason), stands.age_ms);
    MarkRecord { ends_at: stands.ends_at, ..record }
}

/// What a look at a process found, in a word.
pub(crate) fn told(life: Life) -> refloat::model::Reason {
    refloat::sight::of_process(life).why
}

pub(crate) fn run(cx: &mut Context, args: &List) -> Result<Exit> {
    let scope = args.scope.as_deref().map(who::folder).transpose()?;
    let fits = |mark: &Mark| {
        args.kind.as_ref().is_none_or(|kind| *kind == mark.kind)
            && args.name.as_ref().is_none_or(|name| *name == mark.name)
            && scope.as_ref().is_none_or(|scope| mark.covers(scope))
    };
    let limit = usize::try_from(args.limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let found = if args.removed {
        let state = State::open_for_reading(&cx.place()?)?;
        state.read("list marks", |view| removed(view, args.kind.as_deref(), fits, limit))?
    } else {
        let found = asked(cx, &args.files, "list marks", |view| match &args.kind {
            Some(kind) => mark::of_kind(view, kind, args.name.as_deref(), scope.as_deref()),
            None => mark::standing(view, MarkId(0), i64::MAX),
        })?;
        let mut records = standing(&found, args, fits);
        records.extend(in_files(args, scope.as_deref()));
        records
    };
    found.iter().skip(found.len().saturating_sub(limit)).try_for_each(|record| cx.out.emit(record))?;
    Ok(Exit::Done)
}

/// What stands in marker files and is asked for, or may be. What cannot be read is of an unknown state.
fn in_files(args: &List, scope: Option<&Path>) -> Vec<MarkRecord> {
    let wanted = [(args.live, MarkState::Live), (args.stale, MarkState::Stale), (args.unknown, MarkState::Unknown)];
    let all = wanted.iter().all(|(asked, _)| !asked);
    let state = |one: &InFile| if one.state == MarkState::Unreadable { MarkState::Unknown } else { one.state };
    let found = Markers::now().all(&args.files).into_iter();
    let asked = found.filter(|one| all || wanted.contains(&(true, state(one))));
    let fits = asked.filter(|one| one.may_be(args.kind.as_deref(), scope) && may_be_called(one, args.name.as_deref()));
    fits.map(|one| MarkRecord::in_file(&one)).collect()
}

fn may_be_called(one: &InFile, name: Option<&str>) -> bool {
    name.is_none_or(|name| one.name().is_none_or(|own| own == name))
}

/// Those that stand and are asked for.
fn standing(found: &[Mark], args: &List, fits: impl Fn(&Mark) -> bool) -> Vec<MarkRecord> {
    let mut marks = Marks::now();
    let wanted = [(args.live, MarkState::Live), (args.stale, MarkState::Stale), (args.unknown, MarkState::Unknown)];
    let all = wanted.iter().all(|(asked, _)| !asked);
    let records = found.iter().filter(|mark| fits(mark)).map(|mark| record(mark, &mut marks));
    records.filter(|record| all || wanted.contains(&(true, record.state))).collect()
}

/// The newest that have ended and fit, read from the newest back: a few of them cost a few, however many there were.
fn removed(view: &View<'_>, kind: Option<&str>, fits: impl Fn(&Mark) -> bool, limit: usize) -> Result<Vec<MarkRecord>> {
    let (mut found, mut before) = (Vec::new(), MarkId(i64::MAX));
    while found.len() < limit {
        let page = mark::ended(view, kind, before, PAGE)?;
        let Some(last) = page.last() else { break };
        before = last.id;
        found.extend(page.iter().filter(|mark| fits(mark)).map(MarkRecord::ended).take(limit - found.len()));
    }
    found.reverse();
    Ok(found)
}

pub(crate) fn show(cx: &mut Context, args: &Show) -> Result<Exit> {
    let state = State::open_for_reading(&cx.place()?)?;
    let found: Vec<Mark> =
        state.read("show marks", |view| args.marks.iter().map(|id| who::by_id(view, *id)).collect())?;
    let mut marks = Marks::now();
    found.iter().try_for_each(|mark| match mark.end {
        Some(_) => cx.out.emit(&MarkRecord::ended(mark)),
        None => cx.out.emit(&record(mark, &mut marks)),
    })?;
    Ok(Exit::Done)
}

/// What the state file tells. Marker files are looked at without one too.
fn asked(
    cx: &Context,
    files: &[Files],
    what: &str,
    ask: impl FnOnce(&View<'_>) -> Result<Vec<Mark>>,
) -> Result<Vec<Mark>> {
    match State::open_for_reading(&cx.place()?) {
        Ok(state) => state.read(what, ask),
        Err(failure) if failure.exit == Exit::NotFound && !files.is_empty() => Ok(Vec::new()),
        Err(failure) => Err(failure),
    }
}

pub(crate) fn check(cx: &mut Context, args: &Check) -> Result<Exit> {
    let scope = match &args.scope {
        Some(path) => who::folder(path)?,
        None => who::here()?,
    };
    let found = asked(cx, &args.files, "check for marks", |view| match (&args.name, args.kind.as_str()) {
        (Some(name), HOLD) => mark::holds(view, name),
        (name, kind) => mark::of_kind(view, kind, name.as_deref(), Some(&scope)),
    })?;
    let mut marks = Marks::now();
    let (mut live, mut unknown) = (false, false);
    for one in found.iter().filter(|mark| mark.covers(&scope)) {
        let record = record(one, &mut marks);
        match record.state {
            MarkState::Live => live = true,
            MarkState::Unknown => unknown = true,
            _ => continue,
        }
        cx.out.emit(&record)?;
    }
    for one in Markers::now().all(&args.files) {
        if !one.may_be(Some(&args.kind), Some(&scope)) || !may_be_called(&one, args.name.as_deref()) {
            continue;
        }
        match one.state {
            MarkState::Live => live = true,
            MarkState::Unknown => unknown = true,
            MarkState::Unreadable if may_hide(one.reason) => unknown = true,
            _ => continue,
        }
        cx.out.emit(&MarkRecord::in_file(&one))?;
    }
    Ok(match (args.exit_code, live, unknown) {
        (true, true, _) => Exit::No,
        (true, false, true) => Exit::Unknown,
        _ => Exit::Done,
    })
}
