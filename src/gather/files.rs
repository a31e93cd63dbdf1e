//! What a run owes, compared with how it was, and the file that a worker writes. Nothing here decides what follows.

use std::path::Path;

use super::rows::Rows;
use super::tell::Notes;
use crate::clock::Stamp;
use crate::judge::finding::{self, Age, Trace};
use crate::judge::owed::reach;
use crate::model::{ExpectKind, Fulfilment, Instrument, Look, Owed, SubjectKind};
use crate::owed::look_at;
use crate::record::evidence::{OwedDetail, RunDetail, RunFile};
use crate::seam::glimpse;

/// What is owed as it looks now, and what became of it.
pub(super) fn owed(rows: &Rows) -> (Vec<(Owed, Look)>, Vec<Fulfilment>) {
    if rows.run.state.is_terminal() {
        return (Vec::new(), Vec::new());
    }
    let look = |(owed, mail): &(Owed, Option<Look>)| {
        (owed.clone(), mail.clone().unwrap_or_else(|| look_at(&owed.expectation)))
    };
    let looked: Vec<(Owed, Look)> = rows.owed.iter().map(look).collect();
    let found = looked.iter().map(|(owed, now)| reach(&owed.expectation, &owed.baseline, now)).collect();
    (looked, found)
}

pub(super) fn tell(owed: &[(Owed, Look)], fulfilled: &[Fulfilment], notes: &mut Notes<'_>) {
    for ((owed, look), found) in owed.iter().zip(fulfilled) {
        let target = owed.expectation.target();
        let detail = RunDetail::Owed(OwedDetail {
            expect: found.kind,
            baseline_at: owed.taken_at,
            target_lossy: target.to_str().is_none(),
            why: found.why.clone(),
        });
        let finding = finding::of_reach(found.reach);
        notes.add_aged(kind(found.kind), target.to_string_lossy(), Instrument::Baseline, finding, detail, age(look));
    }
}

const fn kind(expect: ExpectKind) -> SubjectKind {
    match expect {
        ExpectKind::Mail => SubjectKind::Mail,
        ExpectKind::Result => SubjectKind::Result,
        ExpectKind::Story => SubjectKind::Story,
        ExpectKind::Sprint => SubjectKind::Sprint,
        ExpectKind::File | ExpectKind::Git => SubjectKind::Output,
    }
}

fn age(look: &Look) -> Option<i64> {
    let Look::File(seen) = look else { return None };
    super::age(Stamp::from_millis(seen.modified_ns / 1_000_000), Stamp::now())
}

/// The file that a worker writes, by the time of its last change: how old that is.
pub(super) fn log(path: &str, now: Stamp, notes: &mut Notes<'_>) -> Option<i64> {
    let (trace, detail) = match glimpse::stat(Path::new(path)) {
        Ok(Some(seen)) => {
            let size = Some(seen.size.cast_signed());
            (Trace::Says, RunFile { size, modified_at: Some(seen.modified), error: None })
        }
        Ok(None) => (Trace::Absent, RunFile::default()),
        Err(error) => (Trace::Unreadable, RunFile { error: Some(error.to_string()), ..RunFile::default() }),
    };
    let age = detail.modified_at.map_or(Age::Never, |changed| Age::of(super::age(changed, now)));
    let finding = finding::of_log(trace, age);
    notes.add_aged(SubjectKind::Output, path, Instrument::File, finding, RunDetail::File(detail), age.millis());
    age.millis()
}
