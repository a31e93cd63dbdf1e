//! What is recorded, for as long as nothing else is: most looks of a wait come after a few seconds in which nobody has
//! written, and to open the state file is most of what they cost. Called by the conditions on the state file.
//! It must not be asked for what passes with time.

use super::Look;
use crate::error::Result;
use crate::exit::Exit;
use crate::judge::seen::Seen;
use crate::model::Reason;
use crate::state::{Place, Stand, State, View};

/// What a state file that is not there means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// It may come.
    MayCome,
    /// Then what is asked for is not there either.
    IsAnError,
}

/// What was read last, and how the state file stood before.
pub(super) struct Recall<T>(Option<(Stand, T)>);

impl<T> Default for Recall<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Clone> Recall<T> {
    /// What is recorded; else why the state file cannot be looked at, which may pass.
    pub(super) fn read(
        &mut self,
        (place, missing): (&Place, Missing),
        what: &str,
        read: impl FnOnce(&View<'_>) -> Result<T>,
    ) -> Result<std::result::Result<T, Look>> {
        // Before it is read: what is written between the two is then read again.
        let stand = Stand::of(place);
        match self.0.take() {
            Some((then, known)) if stand.as_ref() == Some(&then) => {
                self.0 = Some((then, known.clone()));
                return Ok(Ok(known));
            }
            _ => {}
        }
        let state = match state_of(place, missing)? {
            Ok(state) => state,
            Err(not_now) => return Ok(Err(not_now)),
        };
        let known = state.read(what, read)?;
        self.0 = stand.map(|stand| (stand, known.clone()));
        Ok(Ok(known))
    }

    /// Reads anew next time: what was read changes by itself as time passes.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }
}

/// The state file for one look; else why there is none to look at, which may pass.
fn state_of(place: &Place, missing: Missing) -> Result<std::result::Result<State, Look>> {
    match State::open_for_reading(place) {
        Ok(state) => Ok(Ok(state)),
        Err(failure) if failure.exit == Exit::NotFound && missing == Missing::MayCome => {
            Ok(Err(Seen::NotYet(Reason::NoState).into()))
        }
        Err(failure) if failure.exit == Exit::Busy => Ok(Err(Seen::Unclear(Reason::Busy).into())),
        Err(failure) => Err(failure),
    }
}
