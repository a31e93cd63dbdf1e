//! Stores what was gathered: what is stored is what is printed. Called where that was asked for; nothing else here writes.

use super::Gathered;
use crate::error::Result;
use crate::model::{Finding, Kept};
use crate::record::Evidence;
use crate::state::{State, Tx, evidence};

/// Stores the evidence of these runs and gives each piece its id.
///
/// # Errors
/// Those of the state file: then nothing is stored.
pub fn keep(state: &mut State, found: &mut [Gathered]) -> Result<()> {
    state.write("store evidence", |tx| found.iter_mut().try_for_each(|one| keep_one(tx, &mut one.evidence)))
}

fn keep_one(tx: &Tx<'_>, all: &mut [Evidence]) -> Result<()> {
    let kept = all.iter().filter_map(|one| kept(tx, one).transpose()).collect::<Result<Vec<_>>>()?;
    evidence::forget(tx, &kept)?;
    for (one, kept) in all.iter_mut().zip(&kept) {
        one.evidence = Some(evidence::keep(tx, kept)?);
    }
    Ok(())
}

/// What is stored of it; none of what bears on no run.
fn kept(tx: &Tx<'_>, one: &Evidence) -> Result<Option<Kept>> {
    let Some(run) = one.run else { return Ok(None) };
    Ok(Some(Kept {
        run,
        turn: one.turn,
        attempt: one.attempt,
        subject_kind: one.subject_kind,
        subject: one.subject.clone(),
        instrument: one.instrument,
        finding: Finding { answer: one.finding, meaning: one.meaning, reason: one.reason },
        detail: tx.text_of(&one.detail)?,
        observed_at: one.observed_at,
        age_ms: one.age_ms,
        host: one.host.clone(),
        boot_id: one.boot_id.clone(),
    }))
}
