//! Records about marks: one mark as it stands, and the end of a clean-up.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::cell;
use crate::clock::{Stamp, millis};
use crate::emit::Record;
use crate::id::{MarkId, RunId, TurnId};
use crate::model::{EndNote, InFile, Mark, MarkEnd, MarkState, Reason, UnreadMark};

/// A mark, of the state file or of another tool's marker file.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MarkRecord {
    /// The mark; none for one in a file.
    pub mark: Option<MarkId>,
    /// What it says; none where the file does not tell.
    #[schemars(regex(pattern = "^[a-z0-9][a-z0-9._-]{0,99}$"))]
    pub kind: Option<String>,
    /// What it is about.
    pub name: Option<String>,
    /// Whether it holds.
    pub state: MarkState,
    /// Why.
    pub reason: Option<Reason>,
    /// The folder that it is for.
    pub scope: Option<String>,
    /// The folder is not UTF-8 and the text stands for it.
    pub scope_lossy: bool,
    /// The process it dies with, for ever.
    pub owner: Option<String>,
    /// Its number.
    pub owner_pid: Option<i32>,
    /// The machine-id of the host it was set on.
    pub host: Option<String>,
    /// The run it was set in.
    pub run: Option<RunId>,
    /// The turn it was set in.
    pub turn: Option<TurnId>,
    /// It ends with that turn, or with the run of an adopted worker.
    pub bound: bool,
    /// The agent, or `operator`.
    pub set_by: Option<String>,
    /// When it was set.
    pub set_at: Option<Stamp>,
    /// When it was set or renewed last.
    pub beat_at: Option<Stamp>,
    /// How often it was renewed.
    pub beats: i64,
    /// How long ago the last beat was; none where that lies in the future.
    pub age_ms: Option<i64>,
    /// It is stale so long after its last beat.
    pub ttl_ms: Option<i64>,
    /// It is stale from then on.
    pub until: Option<Stamp>,
    /// When its time will have passed, if nobody renews it.
    pub ends_at: Option<Stamp>,
    /// This claim, for as long as it lasts.
    pub nonce: Option<String>,
    /// What was said with it.
    pub data: Option<Value>,
    /// The marker file of another tool that it stands in.
    pub file: Option<String>,
    /// The file's path is not UTF-8 and the text stands for it.
    pub file_lossy: bool,
    /// Where the file was moved to, as nobody could read it.
    pub moved_to: Option<String>,
    /// It was there and ours: it was renewed.
    pub already_set: bool,
    /// A clean-up with `--apply` would remove it.
    pub would_remove: bool,
    /// It is stale or unreadable, and is kept: why.
    pub kept_why: Option<Reason>,
    /// It was removed; an unreadable file was moved.
    pub removed: bool,
    /// When.
    pub removed_at: Option<Stamp>,
    /// How.
    pub removed_how: Option<MarkEnd>,
    /// By whom.
    pub removed_by: Option<String>,
}

impl MarkRecord {
    /// Of what is in this state, and no more is told.
    const fn of_state(state: MarkState, reason: Option<Reason>) -> Self {
        Self {
            mark: None,
            kind: None,
            name: None,
            state,
            reason,
            scope: None,
            scope_lossy: false,
            owner: None,
            owner_pid: None,
            host: None,
            run: None,
            turn: None,
            bound: false,
            set_by: None,
            set_at: None,
            beat_at: None,
            beats: 0,
            age_ms: None,
            ttl_ms: None,
            until: None,
            ends_at: None,
            nonce: None,
            data: None,
            file: None,
            file_lossy: false,
            moved_to: None,
            already_set: false,
            would_remove: false,
            kept_why: None,
            removed: false,
            removed_at: None,
            removed_how: None,
            removed_by: None,
        }
    }

    /// A mark of the state file, as it stands; its age and end are those of the look.
    #[must_use]
    pub fn of(mark: &Mark, state: MarkState, reason: Option<Reason>, age_ms: Option<i64>) -> Self {
        let record = Self {
            mark: Some(mark.id),
            kind: Some(mark.kind.clone()),
            name: Some(mark.name.clone()),
            // What stood in a file may have told no folder.
            scope: Some(mark.scope.to_string_lossy().into_owned()).filter(|scope| !scope.is_empty()),
            scope_lossy: mark.scope.to_str().is_none(),
            owner: mark.owner.as_ref().map(ToString::to_string),
            owner_pid: mark.owner.as_ref().map(|owner| owner.pid),
            host: Some(mark.host.clone()).filter(|host| !host.is_empty()),
            run: mark.run,
            turn: mark.turn,
            bound: mark.bound,
            set_by: Some(mark.set_by.clone()).filter(|by| !by.is_empty()),
            set_at: Some(mark.set.at),
            beat_at: Some(mark.beat.at),
            beats: mark.beats,
            age_ms,
            ttl_ms: mark.ttl.map(millis),
            until: mark.until,
            nonce: Some(mark.nonce.clone()),
            data: mark.data.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            file: mark.file.as_deref().map(|file| file.to_string_lossy().into_owned()),
            file_lossy: mark.file.as_deref().is_some_and(|file| file.to_str().is_none()),
            ..Self::of_state(state, reason)
        };
        record.with_end(mark.end.as_ref())
    }

    /// The same with its end, where it has one.
    #[must_use]
    pub fn with_end(self, end: Option<&EndNote>) -> Self {
        let Some(end) = end else { return self };
        let (at, how, by) = (Some(end.at), Some(end.how), Some(end.by.clone()));
        Self { removed: true, removed_at: at, removed_how: how, removed_by: by, ..self }
    }

    /// What stands in a marker file of another tool, or the file.
    #[must_use]
    pub fn in_file(found: &InFile) -> Self {
        let entry = found.entry.as_ref();
        Self {
            kind: found.form.map(|form| form.word().to_owned()),
            name: found.name().map(str::to_owned),
            scope: found.scope.as_deref().map(|scope| scope.to_string_lossy().into_owned()),
            scope_lossy: found.scope.as_deref().is_some_and(|scope| scope.to_str().is_none()),
            owner_pid: entry.and_then(|entry| entry.holder).map(|held| held.pid),
            set_at: entry.and_then(|entry| entry.set),
            beat_at: entry.and_then(|entry| entry.told.at()),
            age_ms: found.age_ms,
            ttl_ms: entry.and_then(|entry| entry.ttl).map(millis),
            ends_at: found.ends_at,
            nonce: entry.and_then(|entry| entry.id.clone()),
            data: entry.and_then(|entry| entry.data.as_deref()).and_then(|text| serde_json::from_str(text).ok()),
            file: Some(found.file.to_string_lossy().into_owned()),
            file_lossy: found.file.to_str().is_none(),
            ..Self::of_state(found.state, Some(found.reason))
        }
    }

    /// A mark of the state file of which a column cannot be read: what it is, and no more.
    #[must_use]
    pub fn unread(mark: &UnreadMark) -> Self {
        let state = if mark.end.is_some() { MarkState::Removed } else { MarkState::Unreadable };
        let record = Self {
            mark: Some(mark.id),
            kind: mark.kind.clone(),
            name: mark.name.clone(),
            scope: Some(mark.scope.to_string_lossy().into_owned()),
            scope_lossy: mark.scope.to_str().is_none(),
            ..Self::of_state(state, Some(Reason::Unreadable))
        };
        record.with_end(mark.end.as_ref())
    }

    /// A mark that has ended.
    #[must_use]
    pub fn ended(mark: &Mark) -> Self {
        Self::of(mark, MarkState::Removed, mark.end.as_ref().and_then(|end| end.why), None)
    }
}

impl Record for MarkRecord {
    const TYPE: &'static str = "mark";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("mark", cell(self.mark.as_ref())),
            ("kind", cell(self.kind.as_ref())),
            ("name", cell(self.name.as_ref())),
            // Of what is gone, how it went.
            ("state", self.removed_how.map_or_else(|| self.state.to_string(), |how| how.to_string())),
            ("reason", cell(self.reason.as_ref())),
            ("owner", cell(self.owner_pid.as_ref())),
            ("set by", cell(self.set_by.as_ref())),
            ("set", self.set_at.map(Stamp::brief).unwrap_or_default()),
            ("ends", self.removed_at.or(self.ends_at).map(Stamp::brief).unwrap_or_default()),
            ("ended by", cell(self.removed_by.as_ref())),
            ("scope", self.file.clone().or_else(|| self.scope.clone()).unwrap_or_default()),
        ]
    }
}

/// A clean-up has ended.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct MarkCleanupEnded {
    /// It was done, not only said.
    pub applied: bool,
    /// Marks that hold.
    pub live: i64,
    /// Marks that hold no more.
    pub stale: i64,
    /// Marks of which it cannot be told.
    pub unknown: i64,
    /// Files, or marks in them, that cannot be read.
    pub unreadable: i64,
    /// Those that were removed, and files that were moved out of the way; without `applied` none.
    pub removed: i64,
    /// Marks that are still there.
    pub kept: i64,
    /// There are more stale marks than one pass may remove.
    pub more: bool,
    /// Marker files that were looked at.
    pub files: i64,
    /// Patterns of `--files` that nothing fits.
    pub unmatched: Vec<String>,
}

impl Record for MarkCleanupEnded {
    const TYPE: &'static str = "mark-cleanup.ended";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("live", self.live.to_string()),
            ("stale", self.stale.to_string()),
            ("unknown", self.unknown.to_string()),
            ("unreadable", self.unreadable.to_string()),
            ("removed", self.removed.to_string()),
            ("kept", self.kept.to_string()),
        ]
    }
}
