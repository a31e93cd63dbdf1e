//! The raw facts of a lock.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::Stamp;
use crate::model::{Answer, Finding, Holder, HolderBy, LockFamily, LockKind, LockMode, Reason, Role};

/// What was seen of a lock.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LockDetail {
    /// The lock's file.
    pub path: String,
    /// Its name is not UTF-8 and the text stands for it.
    pub path_lossy: bool,
    /// Which lock.
    pub lock: LockKind,
    /// By which call it is held.
    pub family: Option<LockFamily>,
    /// How it is held.
    pub mode: Option<LockMode>,
    /// Who says whose it is; null where nobody does.
    pub holder_by: Option<HolderBy>,
    /// Who may hold it.
    pub holders: Vec<HolderDetail>,
    /// The command of the turn that is open.
    pub command: Option<Vec<String>>,
    /// It is not UTF-8 and the text stands for it.
    pub command_lossy: bool,
    /// When that turn began.
    pub since: Option<Stamp>,
    /// The instrument's own words, or those of the state file, where one failed.
    pub error: Option<String>,
}

/// A process that may hold a lock.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct HolderDetail {
    /// What it is to the turn.
    pub role: Role,
    /// Its number.
    pub pid: i32,
    /// When it began, in clock ticks since the boot; null where it is not known.
    pub start_ticks: Option<u64>,
    /// Whether it lives.
    pub alive: Answer,
    /// Why.
    pub reason: Reason,
}

impl From<&Holder> for HolderDetail {
    fn from(holder: &Holder) -> Self {
        let finding = Finding::from(holder.sight);
        Self {
            role: holder.role,
            pid: holder.pid,
            start_ticks: holder.who.as_ref().map(|who| who.start_ticks),
            alive: finding.answer,
            reason: finding.reason,
        }
    }
}

impl LockDetail {
    /// Of a lock of which nothing is known yet.
    #[must_use]
    pub fn of(path: &Path, lock: LockKind) -> Self {
        Self {
            path: path.to_string_lossy().into_owned(),
            path_lossy: path.to_str().is_none(),
            lock,
            family: None,
            mode: None,
            holder_by: None,
            holders: Vec::new(),
            command: None,
            command_lossy: false,
            since: None,
            error: None,
        }
    }
}
