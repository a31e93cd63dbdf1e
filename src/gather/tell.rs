//! Pieces of evidence of one run, as they are found. It decides nothing.

use crate::id::{RunId, TurnId};
use crate::model::{Finding, Instrument, SubjectKind};
use crate::record::Evidence;
use crate::record::evidence::{Detail, Here, RunDetail};

/// What is noted of one run.
pub(super) struct Notes<'h> {
    here: &'h Here,
    run: RunId,
    turn: Option<TurnId>,
    attempt: i64,
    list: Vec<Evidence>,
}

impl<'h> Notes<'h> {
    pub(super) const fn new(here: &'h Here, run: RunId, turn: Option<TurnId>, attempt: i64) -> Self {
        Self { here, run, turn, attempt, list: Vec::new() }
    }

    pub(super) fn add(
        &mut self,
        kind: SubjectKind,
        subject: impl std::fmt::Display,
        instrument: Instrument,
        finding: Finding,
        detail: RunDetail,
    ) {
        self.add_aged(kind, subject, instrument, finding, detail, None);
    }

    /// Of something that is older than the look at it.
    pub(super) fn add_aged(
        &mut self,
        kind: SubjectKind,
        subject: impl std::fmt::Display,
        instrument: Instrument,
        finding: Finding,
        detail: RunDetail,
        age_ms: Option<i64>,
    ) {
        let one = Evidence::here((kind, subject.to_string()), instrument, finding, Detail::from(detail), self.here);
        self.list.push(Evidence { run: Some(self.run), turn: self.turn, attempt: Some(self.attempt), age_ms, ..one });
    }

    pub(super) fn done(self) -> Vec<Evidence> {
        self.list
    }
}
