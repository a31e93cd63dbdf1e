//! The marks that bear on a run: those that were set in it, and the holds of its agent. Their owners are looked at; no mark
//! changes what is true of the run, and one that holds its agent back keeps only its next turn.

use std::path::Path;

use super::rows::Rows;
use super::tell::Notes;
use crate::judge::finding;
use crate::judge::mark::{Standing, holding};
use crate::model::{FoundMark, Instrument, SubjectKind, mark_label};
use crate::prospect::workplace;
use crate::record::evidence::{MarkDetail, RunDetail};
use crate::seam::place;
use crate::sight::marks::Marks;
use crate::state::Place;

/// Tells of each, and gives the words that show what keeps the run's next turn; none: no mark does.
pub(super) fn tell(place: &Place, rows: &Rows, notes: &mut Notes<'_>) -> Option<Vec<String>> {
    let agent = &rows.run.agent;
    let mut holds = Vec::new();
    let mut marks = rows.marks.first().map(|_| Marks::now())?;
    for mark in &rows.marks {
        let (label, standing) = (mark_label(mark), marks.found(mark));
        let finding = if label.is_hold_of(agent) {
            holds.push((mark.clone(), standing));
            finding::of_hold(&standing)
        } else {
            finding::of_mark(&standing)
        };
        let detail = RunDetail::Mark(detail(mark, &standing));
        notes.add_aged(SubjectKind::Mark, label.id, Instrument::Rows, finding, detail, standing.age_ms);
    }
    let folder = place::folder(workplace(rows.turn.as_ref())).ok();
    let folder = folder.as_deref().unwrap_or(Path::new("/"));
    holding(holds, folder).map(|_| {
        let scope = folder.to_str().unwrap_or("/");
        place.addressed(["mark", "check", "hold", agent, "--scope", scope].map(str::to_owned).to_vec())
    })
}

fn detail(found: &FoundMark, standing: &Standing) -> MarkDetail {
    let (label, mark) = (mark_label(found), found.as_ref().ok());
    MarkDetail {
        mark_kind: label.kind.map(str::to_owned),
        name: label.name.map(str::to_owned),
        state: standing.state,
        scope: label.scope.to_string_lossy().into_owned(),
        scope_lossy: label.scope.to_str().is_none(),
        owner_pid: mark.and_then(|mark| mark.owner.as_ref()).map(|owner| owner.pid),
        bound: mark.is_some_and(|mark| mark.bound),
        set_by: mark.map(|mark| mark.set_by.clone()),
        set_at: mark.map(|mark| mark.set.at),
        beat_at: mark.map(|mark| mark.beat.at),
        ends_at: standing.ends_at,
    }
}
