//! Records of `probe`: what was found of one subject by one instrument, and the end of several.

mod detail;
mod file;
mod lock;
mod mail;
mod run;
mod state;
mod tmux;
mod truth;

pub use detail::{Detail, HostDetail, PidDetail};
pub use file::{OutputDetail, ResultDetail};
pub use lock::{HolderDetail, LockDetail};
pub use mail::{LeaseDetail, MailDetail};
pub use run::{
    BeatDetail, ExitDetail, LedgerDetail, LeftDetail, MarkDetail, OwedDetail, ProcessDetail, Role, RunDetail, RunFile,
    RunLock, RunRow, RunSession, StreamDetail,
};
pub use state::StateDetail;
pub use tmux::{OnServer, PaneDetail, PaneFacts, ServerDetail, SessionDetail};
pub use truth::{FileDetail, TruthDetail};

use schemars::JsonSchema;
use serde::Serialize;

use super::{cell, span};
use crate::clock::Stamp;
use crate::emit::Record;
use crate::id::{EvidenceId, RunId, TurnId};
use crate::model::{Answer, Finding, Instrument, Meaning, Reason, SubjectKind};

/// What one instrument found of one subject.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Evidence {
    /// Its id, where it is stored (`--record`).
    pub evidence: Option<EvidenceId>,
    /// What was looked at.
    pub subject_kind: SubjectKind,
    /// Which one: as it was named, or as it calls itself.
    pub subject: String,
    /// The run that it bears on, where that is known.
    pub run: Option<RunId>,
    /// The turn of that run.
    pub turn: Option<TurnId>,
    /// The attempt of that run.
    pub attempt: Option<i64>,
    /// What it was looked at with.
    pub instrument: Instrument,
    /// The answer.
    pub finding: Answer,
    /// What the answer means for the subject.
    pub meaning: Meaning,
    /// Why.
    pub reason: Reason,
    /// The raw facts.
    pub detail: Detail,
    /// When it was observed.
    pub observed_at: Stamp,
    /// How old what it tells was then: a file's last change, a heartbeat. Null where it is of that moment.
    pub age_ms: Option<i64>,
    /// The host it was observed on, as its machine-id; null where there is none.
    pub host: Option<String>,
    /// The boot it was observed in.
    pub boot_id: Option<String>,
}

impl Evidence {
    /// What an instrument finds here and now, of no run that is known.
    #[must_use]
    pub fn here(
        (subject_kind, subject): (SubjectKind, impl Into<String>),
        instrument: Instrument,
        finding: Finding,
        detail: Detail,
        place: &Here,
    ) -> Self {
        Self {
            evidence: None,
            subject_kind,
            subject: subject.into(),
            run: None,
            turn: None,
            attempt: None,
            instrument,
            finding: finding.answer,
            meaning: finding.meaning,
            reason: finding.reason,
            detail,
            observed_at: Stamp::now(),
            age_ms: None,
            host: place.host.clone(),
            boot_id: place.boot.clone(),
        }
    }
}

/// Where evidence is observed.
#[derive(Clone, Debug, Default)]
pub struct Here {
    /// The machine-id.
    pub host: Option<String>,
    /// The boot id.
    pub boot: Option<String>,
}

impl From<&crate::identity::Identity> for Here {
    fn from(me: &crate::identity::Identity) -> Self {
        let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self { host: known(&me.machine), boot: known(&me.boot) }
    }
}

impl Record for Evidence {
    const TYPE: &'static str = "evidence";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("kind", self.subject_kind.to_string()),
            ("subject", self.subject.clone()),
            ("run", cell(self.run.as_ref())),
            ("instrument", self.instrument.to_string()),
            ("finding", self.finding.to_string()),
            ("meaning", self.meaning.to_string()),
            ("reason", self.reason.to_string()),
            ("age", self.age_ms.map(span).unwrap_or_default()),
        ]
    }
}

/// Several subjects were looked at: how many of each answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProbeEnded {
    /// Records of evidence.
    pub evidence: i64,
    /// Those that say yes.
    pub yes: i64,
    /// Those that say no.
    pub no: i64,
    /// Those that could not find out.
    pub unknown: i64,
}

impl Record for ProbeEnded {
    const TYPE: &'static str = "probe.ended";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("evidence", self.evidence.to_string()),
            ("yes", self.yes.to_string()),
            ("no", self.no.to_string()),
            ("unknown", self.unknown.to_string()),
        ]
    }
}
