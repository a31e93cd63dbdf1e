//! How an entry of another tool's marker file stands, and what a clean-up may do to the file. Called by `sight` and by
//! `mark-cleanup`. Such a file names no host, no boot and no namespace: that a process is gone takes more proof here.

use std::time::Duration;

use super::mark::Standing;
use crate::clock::{Stamp, millis};
use crate::model::{Entry, MarkState, Observed, Reason, Sight, Told, Unfit};

/// What tools write in place is not whole for a moment: what was written so lately is taken to be unfinished.
const UNFINISHED: Duration = Duration::from_secs(10);

/// What an entry is held against.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// When it was written last.
    pub written: Stamp,
    /// The same, by its own word.
    pub outer: Option<Stamp>,
    /// Now. Other tools write wall-clock time, so it is by the wall clock alone.
    pub now: Stamp,
}

/// How an entry stands. The first line that fits decides.
#[must_use]
pub fn standing(entry: &Entry, holder: Option<Sight>, file: &File) -> Standing {
    let past = entry.told.at().filter(|at| *at <= file.now);
    let since = past.or_else(|| anchor(file));
    let passed = matches!((since, entry.ttl), (Some(since), Some(ttl)) if file.now.since(since) >= millis(ttl));
    let (state, reason) = match (holder, entry.told) {
        (Some(Sight { observed: Observed::Gone, why }), _) => (MarkState::Stale, why),
        _ if passed => (MarkState::Stale, Reason::OverClock),
        (Some(Sight { observed: Observed::Unknown, why }), _) => (MarkState::Unknown, why),
        (Some(Sight { observed: Observed::Alive, why }), _) => (MarkState::Live, why),
        (None, Told::Nothing) => (MarkState::Unknown, Reason::MissingKey),
        (None, Told::Garbled) => (MarkState::Unknown, Reason::Unparsable),
        (None, Told::At(_)) if past.is_none() => (MarkState::Unknown, Reason::ClockSkew),
        (None, Told::At(_)) => (MarkState::Live, Reason::WithinClock),
    };
    let ends_at = since.zip(entry.ttl).map(|(since, ttl)| since.plus(ttl));
    Standing { state, reason, age_ms: past.map(|at| file.now.since(at)), ends_at, is_to_be_doubted: false }
}

/// Since when an entry that tells no time is there at least: it is as old as the last write of its file. Of two times the
/// later one counts; none that lies in the future does.
fn anchor(file: &File) -> Option<Stamp> {
    [Some(file.written), file.outer].into_iter().flatten().filter(|at| *at <= file.now).max()
}

/// What the instruments found of the process that a marker file names by its number.
#[derive(Clone, Copy, Debug)]
pub struct Traces {
    /// Other hosts write to its file system.
    pub shared: bool,
    /// The file was written last before this host was booted.
    pub before_boot: bool,
    /// What has that number here; `Alive` and `Gone` by a look that could have seen it.
    pub here: Sight,
    /// Whether that is the one that is named; none where it cannot be read when it began, or there is none.
    pub same: Option<bool>,
}

/// Who has a number inside other pid namespaces of this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// Nobody who could be the one that is named.
    Nobody,
    /// Somebody who could.
    Somebody,
    /// That cannot be seen from here.
    Unseen(Reason),
}

/// Whether the process lives that a marker file names. The namespaces are only looked through where all depends on them.
#[must_use]
pub fn holder(traces: &Traces, inside: impl FnOnce() -> Inside) -> Sight {
    let gone = match (traces.here.observed, traces.same) {
        _ if traces.shared => return Sight::unknown(Reason::OtherHost),
        _ if traces.before_boot => return Sight::gone(Reason::Rebooted),
        (Observed::Unknown, _) | (Observed::Alive, Some(true)) => return traces.here,
        (Observed::Alive, None) => return Sight::unknown(Reason::StartUnknown),
        (Observed::Alive | Observed::Gone, Some(false)) => Sight::gone(Reason::PidReused),
        (Observed::Gone, _) => traces.here,
    };
    match inside() {
        Inside::Nobody => gone,
        Inside::Somebody => Sight::unknown(Reason::OtherNamespace),
        Inside::Unseen(why) => Sight::unknown(why),
    }
}

/// How a file stands that no marker can be made of.
#[must_use]
pub fn unfit(unfit: Unfit, written: Option<Stamp>, now: Stamp) -> (MarkState, Reason) {
    let lately = |at: Stamp| (now.millis() - at.millis()).abs() < millis(UNFINISHED);
    match unfit {
        Unfit::Damaged(_) if written.is_some_and(lately) => (MarkState::Unknown, Reason::BeingWritten),
        Unfit::Other(Reason::BeingWritten) => (MarkState::Unknown, Reason::BeingWritten),
        Unfit::EmptyLock => (MarkState::Unknown, Reason::Empty),
        Unfit::Damaged(reason) | Unfit::Other(reason) => (MarkState::Unreadable, reason),
    }
}

/// Whether a mark of any kind may be hidden in a file that stands so, as far as its reason tells.
#[must_use]
pub const fn may_hide(reason: Reason) -> bool {
    use Reason::{IsDevice, IsFifo, IsFolder, IsSocket, NotAMarker, SeveralDocuments};
    !matches!(reason, NotAMarker | SeveralDocuments | IsFolder | IsFifo | IsSocket | IsDevice)
}

/// What a clean-up knows of a file that it has a wish for.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// It is a symbolic link.
    pub is_link: bool,
    /// It has a signature.
    pub signed: bool,
    /// So many entries stand in it.
    pub entries: usize,
    /// So many of them are to go.
    pub chosen: usize,
}

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Nothing.
    Leave,
    /// Nothing, though something should: why not.
    Keep(Reason),
    /// It goes.
    Remove,
    /// Entries go out of it.
    Cut,
    /// Nobody can read it: it is moved out of the way.
    MoveAside,
}

/// What becomes of a marker.
#[must_use]
pub const fn plan(wish: &Wish) -> Plan {
    match wish {
        Wish { chosen: 0, .. } => Plan::Leave,
        Wish { is_link: true, .. } => Plan::Keep(Reason::IsLink),
        Wish { entries, chosen, .. } if *chosen == *entries => Plan::Remove,
        Wish { signed: true, .. } => Plan::Keep(Reason::Signed),
        _ => Plan::Cut,
    }
}

/// What becomes of a file that no marker can be made of.
#[must_use]
pub const fn plan_unfit(unfit: Unfit, state: MarkState, is_link: bool) -> Plan {
    match (unfit, state, is_link) {
        (Unfit::Damaged(_), MarkState::Unreadable, true) => Plan::Keep(Reason::IsLink),
        (Unfit::Damaged(_), MarkState::Unreadable, false) => Plan::MoveAside,
        _ => Plan::Leave,
    }
}

#[cfg(test)]
#[path = "marker_tests.rs"]
mod tests;
