//! `mark list` and `mark check`: marks as they stand. Looking changes nothing.

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

use crate::args::{Check, List};
use crate::who;

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
    let limit = if args.limit == 0 { i64::MAX } else { args.limit };
    let found = asked(cx, &args.files, "list marks", |view| match (args.removed, &args.kind) {
        (true, _) => mark::ended(view, limit),
        (false, Some(kind)) => mark::of_kind(view, kind, None),
        (false, None) => mark::standing(view, MarkId(0), i64::MAX),
    })?;
    let mut marks = Marks::now();
    let wanted = [(args.live, MarkState::Live), (args.stale, MarkState::Stale), (args.unknown, MarkState::Unknown)];
    let all = wanted.iter().all(|(asked, _)| !asked);
    let fits = |mark: &&Mark| {
        args.kind.as_ref().is_none_or(|kind| *kind == mark.kind)
            && scope.as_ref().is_none_or(|scope| mark.covers(scope))
    };
    for one in found.iter().filter(fits) {
        if one.end.is_some() {
            cx.out.emit(&MarkRecord::ended(one))?;
            continue;
        }
        let record = record(one, &mut marks);
        if all || wanted.iter().any(|(asked, state)| *asked && *state == record.state) {
            cx.out.emit(&record)?;
        }
    }
    // What cannot be read is of an unknown state.
    let state = |one: &InFile| if one.state == MarkState::Unreadable { MarkState::Unknown } else { one.state };
    for one in Markers::now().all(&args.files) {
        let is_wanted = all || wanted.iter().any(|(asked, wanted)| *asked && *wanted == state(&one));
        if is_wanted && one.may_be(args.kind.as_deref(), scope.as_deref()) {
            cx.out.emit(&MarkRecord::in_file(&one))?;
        }
    }
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
        (name, kind) => mark::of_kind(view, kind, name.as_deref()),
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
    let is_named = |one: &InFile| args.name.as_deref().is_none_or(|name| one.name().is_none_or(|own| own == name));
    for one in Markers::now().all(&args.files) {
        if !one.may_be(Some(&args.kind), Some(&scope)) || !is_named(&one) {
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
