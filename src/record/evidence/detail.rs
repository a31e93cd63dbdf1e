//! The raw facts behind a finding: one type for each kind of subject, all of its keys always there.

use super::run::RunDetail;
use schemars::JsonSchema;
use serde::Serialize;

/// The raw facts, by kind of subject.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Detail {
    /// Of a process.
    Pid(PidDetail),
    /// Of anything that bears on a run.
    Run(Box<RunDetail>),
}

impl From<RunDetail> for Detail {
    fn from(detail: RunDetail) -> Self {
        Self::Run(Box::new(detail))
    }
}

/// What was read of a process.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PidDetail {
    /// Its number, as it was asked for.
    pub pid: i32,
    /// When it began, in clock ticks since the boot (field 22 of `/proc/PID/stat`); null where it was not asked for and
    /// could not be read.
    pub start_ticks: Option<u64>,
    /// Stopped by a signal or a tracer; null where it could not be read.
    pub stopped: Option<bool>,
    /// Without a start time only the number is known: it may be another process than the one that is meant.
    pub identity_unproven: bool,
}

impl Detail {
    /// What bears on a run.
    #[must_use]
    pub fn of_run(&self) -> Option<&RunDetail> {
        if let Self::Run(detail) = self { Some(detail) } else { None }
    }
}
