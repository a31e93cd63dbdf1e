//! A pass over the marker files of other tools: what stands in them is told; with `--apply` what is stale goes out of them,
//! and what nobody can read is moved out of the way. The old content is only let go once its account is committed, so a kill
//! leaves neither a removal without a row nor a row without a removal.

use std::path::Path;

use refloat::cli::Context;
use refloat::error::{Failure, Result, io_text};
use refloat::exit::Exit;
use refloat::judge::marker::{Plan, Wish, plan, plan_unfit};
use refloat::marker;
use refloat::model::{EndNote, InFile, MarkState, MarkerForm, Reason};
use refloat::record::MarkRecord;
use refloat::seam::marker::{Candidate, Changed, Claim, Failed, ToolLock};
use refloat::seam::place;
use refloat::sight::markers::{Found, Kind, Markers, candidates};
use refloat::state::Place;

use crate::account::Account;
use crate::pass::Pass;

pub(crate) fn run(cx: &mut Context, pass: &mut Pass<'_>, place: &Place) -> Result<()> {
    let mut account = Account::new(place.clone());
    if pass.args.apply {
        sweep(pass, &mut account)?;
    }
    let (mut all, unmatched) = candidates(&pass.args.files);
    if let Ok(folder) = place::folder(place.folder()) {
        all.retain(|one| !is_own(place, &folder, &one.path));
    }
    pass.ended.unmatched = unmatched;
    let markers = Markers::now();
    for one in &all {
        if let Some(found) = markers.look(one) {
            file(cx, pass, &mut account, &markers, one, found)?;
        }
    }
    Ok(())
}

/// Whether a path leads to the state file, or to what stands beside it: no marker, whatever pattern fits it.
fn is_own(place: &Place, folder: &Path, path: &Path) -> bool {
    let Some((above, name)) = path.parent().and_then(|above| place::folder(above).ok()).zip(path.file_name()) else {
        return false;
    };
    let path = above.join(name);
    path.strip_prefix(folder)
        .is_ok_and(|rest| rest.components().next().is_some_and(|first| place.has(first.as_os_str())))
}

/// What is to become of a file, and of which entries.
struct Wanted {
    plan: Plan,
    chosen: Vec<usize>,
}

fn file(
    cx: &mut Context,
    pass: &mut Pass<'_>,
    account: &mut Account,
    markers: &Markers,
    one: &Candidate,
    found: Found,
) -> Result<()> {
    pass.ended.files += i64::from(one.failing.is_none());
    if !pass.args.apply || !is_change(wanted(pass, &found, u32::MAX).plan) {
        let wanted = wanted_now(pass, &found);
        return tell(cx, pass, &found, &wanted, &Became::Same);
    }
    let claim = match claim(&found) {
        Ok(Some(claim)) => claim,
        Ok(None) => return kept(cx, pass, &found, Reason::Busy),
        Err(failed) => return refuse(cx, pass, &found, failed),
    };
    // Others may have changed it before the lock was ours.
    let Some(found) = markers.look(one) else { return Ok(()) };
    let wanted = wanted_now(pass, &found);
    let changed = match change(&claim, &found, &wanted, markers) {
        Ok(None) => return tell(cx, pass, &found, &wanted, &Became::Same),
        Ok(Some(changed)) => changed,
        Err(failed) => return refuse(cx, pass, &found, failed),
    };
    let gone = wanted.chosen.iter().filter_map(|place| found.marks.get(*place));
    let end = match account.write(gone, &changed, wanted.plan, markers.moment()) {
        Ok(end) => end,
        Err(failure) => {
            // A commit whose fsync failed may have come about all the same. Where that cannot be told, the next pass finds
            // everything as it is now, and decides by the account.
            let settled = match account.has_after_all(changed.id()) {
                Ok(true) => changed.finish().map(drop),
                Ok(false) => changed.undo(),
                Err(_) => Ok(()),
            };
            return Err(settled.err().map_or(failure, |failed| failure_of(&found, failed)));
        }
    };
    let moved = changed.finish().map_err(|failed| failure_of(&found, failed))?;
    let moved = moved.map(|path| path.to_string_lossy().into_owned());
    tell(cx, pass, &found, &wanted, &Became::Other { end, moved })
}

const fn is_change(plan: Plan) -> bool {
    matches!(plan, Plan::Remove | Plan::Cut | Plan::MoveAside)
}

/// What is to go, if so many may.
fn wanted(pass: &Pass<'_>, found: &Found, most: u32) -> Wanted {
    let is_asked = |one: &InFile| one.may_be(pass.args.kind.as_deref(), pass.scope.as_deref());
    let all = found.marks.iter().enumerate();
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    match found.kind {
        Kind::Unfit(unfit) => {
            let state = found.marks.first().map_or(MarkState::Unknown, |one| one.state);
            match plan_unfit(unfit, state, found.is_link) {
                Plan::MoveAside if most == 0 => Wanted { plan: Plan::Leave, chosen: Vec::new() },
                Plan::MoveAside => Wanted { plan: Plan::MoveAside, chosen: vec![0] },
                plan => Wanted { plan, chosen: Vec::new() },
            }
        }
        Kind::Marker { signed, .. } => {
            let stale = all.filter(|(_, one)| one.state == MarkState::Stale && is_asked(one));
            let chosen: Vec<usize> = stale.map(|(place, _)| place).take(most).collect();
            let wish = Wish { is_link: found.is_link, signed, entries: found.marks.len(), chosen: chosen.len() };
            Wanted { plan: plan(&wish), chosen }
        }
    }
}

/// The same within what this pass may still remove.
fn wanted_now(pass: &mut Pass<'_>, found: &Found) -> Wanted {
    let all = wanted(pass, found, u32::MAX);
    if !is_change(all.plan) {
        return all;
    }
    let may = all.chosen.iter().filter(|_| pass.may_remove()).count();
    wanted(pass, found, u32::try_from(may).unwrap_or(u32::MAX))
}

fn claim(found: &Found) -> Result<Option<Claim>, Failed> {
    let lock = match (found.kind, &found.seen) {
        (Kind::Marker { form: MarkerForm::Dispatch, .. }, Some(seen)) => ToolLock::Made(seen),
        _ => ToolLock::IfThere,
    };
    Ok(Claim::take(&found.path, lock)?)
}

fn change<'c>(
    claim: &'c Claim,
    found: &Found,
    wanted: &Wanted,
    markers: &Markers,
) -> Result<Option<Changed<'c>>, Failed> {
    let Some(seen) = &found.seen else { return Ok(None) };
    match wanted.plan {
        Plan::Leave | Plan::Keep(_) => Ok(None),
        Plan::Remove => claim.remove(seen).map(Some),
        Plan::MoveAside => claim.move_aside(seen, markers.moment().at).map(Some),
        Plan::Cut => match marker::without(&seen.bytes, &wanted.chosen) {
            Some(rest) => claim.rewrite(seen, &rest).map(Some),
            None => Err(Failed::Kept(Reason::NotSupported)),
        },
    }
}

/// What became of what was chosen.
enum Became {
    /// Nothing.
    Same,
    /// It was kept.
    Kept(Reason),
    /// It has gone, or was moved there.
    Other { end: EndNote, moved: Option<String> },
}

fn tell(cx: &mut Context, pass: &mut Pass<'_>, found: &Found, wanted: &Wanted, became: &Became) -> Result<()> {
    for (place, one) in found.marks.iter().enumerate() {
        if !one.may_be(pass.args.kind.as_deref(), pass.scope.as_deref()) {
            continue;
        }
        let chosen = wanted.chosen.contains(&place);
        let record = MarkRecord { would_remove: chosen && is_change(wanted.plan), ..MarkRecord::in_file(one) };
        let (record, removed) = match (became, wanted.plan) {
            (Became::Other { end, moved }, _) if chosen => {
                (MarkRecord { moved_to: moved.clone(), ..record }.with_end(Some(end)), true)
            }
            (Became::Kept(why), _) if chosen => (MarkRecord { kept_why: Some(*why), ..record }, false),
            (_, Plan::Keep(why)) if chosen || one.state == MarkState::Unreadable => {
                (MarkRecord { kept_why: Some(why), ..record }, false)
            }
            _ => (record, false),
        };
        pass.count(one.state, removed);
        cx.out.emit(&record)?;
    }
    Ok(())
}

fn kept(cx: &mut Context, pass: &mut Pass<'_>, found: &Found, why: Reason) -> Result<()> {
    let wanted = wanted(pass, found, u32::MAX);
    tell(cx, pass, found, &wanted, &Became::Kept(why))
}

/// A file that could not be changed is told, and the others have their turn: theirs may be another disk.
fn refuse(cx: &mut Context, pass: &mut Pass<'_>, found: &Found, failed: Failed) -> Result<()> {
    match failed {
        Failed::Kept(why) => kept(cx, pass, found, why),
        failed => {
            pass.exit = cx.complain(&failure_of(found, failed));
            let wanted = wanted(pass, found, u32::MAX);
            tell(cx, pass, found, &wanted, &Became::Same)
        }
    }
}

fn failure_of(found: &Found, failed: Failed) -> Failure {
    let what = format!("cannot change {}", found.path.display());
    match failed {
        Failed::Error(error) => Failure::io(what, error),
        Failed::Kept(why) => Failure::new(Exit::Io, format!("{what}: {why}")),
    }
}

/// Ends what clean-ups that were killed have begun here.
fn sweep(pass: &Pass<'_>, account: &mut Account) -> Result<()> {
    for (path, left) in pass.args.files.iter().flat_map(refloat::seam::marker::Files::leftovers) {
        let failure = |failed: Failed| match failed {
            // The next pass tries again.
            Failed::Kept(_) => Ok(()),
            Failed::Error(error) => Err(Failure::new(
                Exit::Io,
                format!("cannot end what a clean-up began at {}: {}", path.display(), io_text(&error)),
            )),
        };
        let claim = match Claim::take(&path.with_file_name(&left.of), ToolLock::IfThere) {
            Ok(Some(claim)) => claim,
            Ok(None) => continue,
            Err(error) => {
                failure(error.into())?;
                continue;
            }
        };
        // Whoever made it may have ended it before the lock was ours.
        if std::fs::symlink_metadata(&path).is_err() {
            continue;
        }
        let is_accounted = account.has(&left.id)?;
        if let Err(failed) = refloat::seam::marker::leftover(&claim, &left, is_accounted) {
            failure(failed)?;
        }
    }
    Ok(())
}
