//! The account of what is taken out of marker files: rows of the state file that have ended from the first. It is made by
//! the first removal, where there is none.

use std::path::Path;

use refloat::clock::{Moment, Stamp};
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::judge::marker::Plan;
use refloat::model::{EndNote, InFile, MarkEnd, Taken};
use refloat::seam::marker::Changed;
use refloat::seam::process;
use refloat::state::{Place, State, mark};
use refloat::token;

/// A file that nobody can read says no kind.
const UNREADABLE: &str = "unreadable";

pub(crate) struct Account {
    place: Place,
    state: Option<State>,
}

impl Account {
    pub(crate) const fn new(place: Place) -> Self {
        Self { place, state: None }
    }

    /// Whether a removal has its account.
    pub(crate) fn has(&mut self, removal: &str) -> Result<bool> {
        if self.state.is_none() {
            match State::open_existing(&self.place) {
                Ok(state) => self.state = Some(state),
                Err(failure) if failure.exit == Exit::NotFound => return Ok(false),
                Err(failure) => return Err(failure),
            }
        }
        self.state
            .as_ref()
            .map_or(Ok(false), |state| state.read("look for an account", |view| mark::is_accounted(view, removal)))
    }

    /// The same after a failed write: by a new look at the file, for what this connection knows of it may not be so.
    pub(crate) fn has_after_all(&mut self, removal: &str) -> Result<bool> {
        self.state = None;
        self.has(removal)
    }

    /// Writes down what goes: all of it, or nothing.
    pub(crate) fn write<'m>(
        &mut self,
        gone: impl Iterator<Item = &'m InFile>,
        changed: &Changed<'_>,
        plan: Plan,
        now: &Moment,
    ) -> Result<EndNote> {
        let state = match &mut self.state {
            Some(state) => state,
            none => none.insert(State::open_for_writing(&self.place)?),
        };
        let how = if plan == Plan::MoveAside { MarkEnd::MovedAside } else { MarkEnd::Cleaned };
        let to = changed.to();
        state.write("account for what is taken out of a marker file", |tx| {
            let by = token::named(tx)?;
            let end = EndNote { at: now.at, how, why: None, by };
            for (place, one) in gone.enumerate() {
                let end = EndNote { why: Some(one.reason), ..end.clone() };
                let nonce = format!("{}-{place}", changed.id());
                row(one, &end, &nonce, to.as_deref(), |row| mark::taken(tx, row))?;
            }
            Ok(end)
        })
    }
}

fn row(
    one: &InFile,
    end: &EndNote,
    nonce: &str,
    to: Option<&Path>,
    write: impl FnOnce(&Taken<'_>) -> Result<()>,
) -> Result<()> {
    let entry = one.entry.as_ref();
    let own = one.file.file_name().unwrap_or_default().to_string_lossy();
    let moved = to.map(|to| serde_json::json!({ "moved_to": to.to_string_lossy() }).to_string());
    // Told by another tool, or by the file: by the wall clock alone.
    let at: Stamp = entry.and_then(|entry| entry.told.at()).or(one.written).unwrap_or(end.at);
    let since = Moment { at, boot: String::new(), time_ns: 0, boottime_ms: 0 };
    write(&Taken {
        kind: one.form.map_or(UNREADABLE, |form| form.word()),
        name: one.name().unwrap_or(&own),
        scope: one.scope.as_deref().unwrap_or(Path::new("")),
        nonce,
        host: &process::Place::here().machine,
        since: &since,
        ttl: entry.and_then(|entry| entry.ttl),
        data: moved.as_deref().or_else(|| entry.and_then(|entry| entry.data.as_deref()).filter(|data| is_plain(data))),
        file: &one.file,
        end,
    })
}

/// Whether a JSON text is one that every reader takes: not nested too deep, no half of a character.
fn is_plain(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok()
}
