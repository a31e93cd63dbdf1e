//! `mark list`, `mark show` and `mark check`: marks as they stand. Looking changes nothing.

use std::path::Path;

use refloat::cli::{Context, named_folder};
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::id::MarkId;
use refloat::judge::marker::may_hide;
use refloat::model::{FoundMark, HOLD, InFile, MarkLabel, MarkState, UnreadMark, mark_label};
use refloat::record::MarkRecord;
use refloat::seam::marker::Files;
use refloat::sight::markers::Markers;
use refloat::sight::marks::{Marks, reaches};
use refloat::state::{State, View, mark};

use crate::args::{Check, List, Show};
use crate::who;

/// So many ended marks are read at a time.
const PAGE: i64 = 256;

/// A mark as it stands now, or as it ended.
pub(crate) fn record(found: &FoundMark, marks: &mut Marks) -> MarkRecord {
    let mark = match found {
        Ok(mark) if mark.end.is_some() => return MarkRecord::ended(mark),
        Ok(mark) => mark,
        Err(unread) => return MarkRecord::unread(unread),
    };
    let stands = marks.standing(mark);
    let record = MarkRecord::of(mark, stands.state, Some(stands.reason), stands.age_ms);
    MarkRecord { ends_at: stands.ends_at, ..record }
}

/// The record of a mark, and the mark where it cannot be read.
pub(crate) type Looked<'f> = (Option<&'f UnreadMark>, MarkRecord);

/// Marks as they stand now, or as they ended.
pub(crate) fn looked_at<'f>(found: impl IntoIterator<Item = &'f FoundMark>, marks: &mut Marks) -> Vec<Looked<'f>> {
    found.into_iter().map(|one| (one.as_ref().err(), record(one, marks))).collect()
}

/// Prints them. What nobody can read is told on stderr too, and costs no other its record.
pub(crate) fn tell(cx: &mut Context, looked: &[Looked<'_>]) -> Result<Exit> {
    let mut exit = Exit::Done;
    for (unread, record) in looked {
        if let Some(unread) = unread
            && unread.is_open()
        {
            exit = cx.complain(&unread.failure(Exit::Io));
        }
        cx.out.emit(record)?;
    }
    Ok(exit)
}

pub(crate) fn run(cx: &mut Context, args: &List) -> Result<Exit> {
    let scope = args.scope.as_deref().map(named_folder).transpose()?;
    let limit = usize::try_from(args.limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let fits = |found: &FoundMark| is_meant(&mark_label(found), args, scope.as_deref());
    let found = if args.removed {
        let state = State::open_for_reading(&cx.place()?)?;
        state.read("list marks", |view| removed(view, args.kind.as_deref(), fits, limit))?
    } else {
        asked(cx, &args.files, "list marks", |view| match &args.kind {
            Some(kind) => mark::of_kind(view, kind, args.name.as_deref(), scope.as_deref()),
            None => mark::standing(view, MarkId(0), i64::MAX),
        })?
    };
    let mut looked = looked_at(found.iter().filter(|found| fits(found)), &mut Marks::now());
    if !args.removed {
        let in_files = in_files(&args.files, args.kind.as_deref(), args.name.as_deref(), scope.as_deref());
        looked.extend(in_files.map(|one| (None, MarkRecord::in_file(&one))));
        looked.retain(|(_, record)| is_asked_for(args, record.state));
    }
    tell(cx, looked.get(looked.len().saturating_sub(limit)..).unwrap_or_default())
}

/// What stands in marker files and is meant, or may be.
fn in_files(
    files: &[Files],
    kind: Option<&str>,
    name: Option<&str>,
    scope: Option<&Path>,
) -> impl Iterator<Item = InFile> {
    let is_called = move |one: &InFile| name.is_none_or(|name| one.name().is_none_or(|own| own == name));
    Markers::now().all(files).into_iter().filter(move |one| one.may_be(kind, scope) && is_called(one))
}

fn is_meant(mark: &MarkLabel<'_>, args: &List, scope: Option<&Path>) -> bool {
    mark.fits(args.kind.as_deref(), scope) && args.name.as_deref().is_none_or(|name| mark.name == Some(name))
}

/// Of what cannot be read it cannot be told.
fn is_asked_for(args: &List, state: MarkState) -> bool {
    let wanted = [(args.live, MarkState::Live), (args.stale, MarkState::Stale), (args.unknown, MarkState::Unknown)];
    let state = if state == MarkState::Unreadable { MarkState::Unknown } else { state };
    wanted.iter().all(|(asked, _)| !asked) || wanted.contains(&(true, state))
}

/// The newest that have ended and fit, read from the newest back: a few of them cost a few, however many there were.
fn removed(
    view: &View<'_>,
    kind: Option<&str>,
    fits: impl Fn(&FoundMark) -> bool,
    limit: usize,
) -> Result<Vec<FoundMark>> {
    let (mut found, mut before) = (Vec::new(), MarkId(i64::MAX));
    while found.len() < limit {
        let page = mark::ended(view, kind, before, PAGE)?;
        let Some(last) = page.last() else { break };
        before = mark_label(last).id;
        let left = limit - found.len();
        found.extend(page.into_iter().filter(|mark| fits(mark)).take(left));
    }
    found.reverse();
    Ok(found)
}

pub(crate) fn show(cx: &mut Context, args: &Show) -> Result<Exit> {
    let state = State::open_for_reading(&cx.place()?)?;
    let found: Vec<FoundMark> =
        state.read("show marks", |view| args.marks.iter().map(|id| who::by_id(view, *id)).collect())?;
    tell(cx, &looked_at(&found, &mut Marks::now()))
}

/// What the state file tells. Marker files are looked at without one too.
fn asked(
    cx: &Context,
    files: &[Files],
    what: &str,
    ask: impl FnOnce(&View<'_>) -> Result<Vec<FoundMark>>,
) -> Result<Vec<FoundMark>> {
    match State::open_for_reading(&cx.place()?) {
        Ok(state) => state.read(what, ask),
        Err(failure) if failure.exit == Exit::NotFound && !files.is_empty() => Ok(Vec::new()),
        Err(failure) => Err(failure),
    }
}

pub(crate) fn check(cx: &mut Context, args: &Check) -> Result<Exit> {
    let scope = match &args.scope {
        Some(path) => named_folder(path)?,
        None => who::here()?,
    };
    let found = asked(cx, &args.files, "check for marks", |view| match (&args.name, args.kind.as_str()) {
        (Some(name), HOLD) => mark::holds(view, name),
        (name, kind) => mark::of_kind(view, kind, name.as_deref(), Some(&scope)),
    })?;
    let mut looked = looked_at(
        found.iter().filter(|found| {
            mark_label(found).covers(&scope) && reaches(mark_label(found).kind, mark_label(found).scope, &scope)
        }),
        &mut Marks::now(),
    );
    let in_files = in_files(&args.files, Some(&args.kind), args.name.as_deref(), Some(&scope));
    let may_hold = in_files
        .filter(|one| one.state != MarkState::Unreadable || may_hide(one.reason))
        .filter(|one| one.scope.as_ref().is_none_or(|its| reaches(None, its, &scope)));
    looked.extend(may_hold.map(|one| (None, MarkRecord::in_file(&one))));
    looked.retain(|(_, record)| record.state != MarkState::Stale);
    let live = looked.iter().any(|(_, record)| record.state == MarkState::Live);
    let told = tell(cx, &looked)?;
    Ok(match (args.exit_code, live, looked.is_empty()) {
        (true, true, _) => Exit::No,
        (true, false, false) => Exit::Unknown,
        _ => told,
    })
}
