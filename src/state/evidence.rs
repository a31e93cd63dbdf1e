//! Table `evidence`: what was observed of runs, for who decides about them later. The newest look of each instrument at
//! each subject of a run replaces the one before, and with a new turn those of earlier ones go: a run's rows stay few.

use rusqlite::params;

use super::columns::{id, optional_id, stamp, word};
use super::row::Row;
use super::{Tx, View};
use crate::error::Result;
use crate::id::{EvidenceId, RunId};
use crate::model::{Answer, Finding, Instrument, Kept, Meaning, Reason, Stored, SubjectKind};

fn read(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let kept = Kept {
        run: id(row, "run")?,
        turn: optional_id(row, "turn")?,
        attempt: row.get("attempt")?,
        subject_kind: word(row, "subject_kind", SubjectKind::from_word)?,
        subject: row.get("subject")?,
        instrument: word(row, "instrument", Instrument::from_word)?,
        finding: Finding {
            answer: word(row, "finding", Answer::from_word)?,
            meaning: word(row, "meaning", Meaning::from_word)?,
            reason: word(row, "reason", Reason::from_word)?,
        },
        detail: row.get("detail")?,
        observed_at: stamp(row, "observed_at")?,
        age_ms: row.get("age_ms")?,
        host: row.get("host")?,
        boot_id: row.get("boot_id")?,
    };
    Ok((id(row, "id")?, kept))
}

/// The evidence of a run, oldest first.
pub fn of_run(view: &View<'_>, run: RunId) -> Result<Vec<Stored>> {
    view.all(
        "SELECT id, run, turn, attempt, subject_kind, subject, instrument, finding, meaning, reason, detail,
             observed_at, age_ms, host, boot_id FROM evidence WHERE run = ?1 ORDER BY id",
        [run.0],
        read,
    )
}

/// Forgets what these looks at a run replace: older ones of the same instruments at the same subjects, and those of
/// earlier turns.
pub fn forget(tx: &Tx<'_>, replaced_by: &[Kept]) -> Result<()> {
    for one in replaced_by {
        tx.run(
            "DELETE FROM evidence WHERE run = ?1 AND subject_kind = ?2 AND subject = ?3 AND instrument = ?4",
            params![one.run.0, one.subject_kind.word(), one.subject, one.instrument.word()],
        )?;
    }
    if let Some(one) = replaced_by.first() {
        tx.run("DELETE FROM evidence WHERE run = ?1 AND turn < ?2", params![one.run.0, one.turn.map(|turn| turn.0)])?;
    }
    Ok(())
}

/// Stores a piece of evidence.
pub fn keep(tx: &Tx<'_>, one: &Kept) -> Result<EvidenceId> {
    let row = tx.insert(
        "INSERT INTO evidence (run, turn, attempt, subject_kind, subject, instrument, finding, meaning,
             reason, detail, observed_at, age_ms, host, boot_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        params![
            one.run.0,
            one.turn.map(|turn| turn.0),
            one.attempt,
            one.subject_kind.word(),
            one.subject,
            one.instrument.word(),
            one.finding.answer.word(),
            one.finding.meaning.word(),
            one.finding.reason.word(),
            one.detail,
            one.observed_at.millis(),
            one.age_ms,
            one.host,
            one.boot_id,
        ],
    )?;
    Ok(EvidenceId(row))
}
