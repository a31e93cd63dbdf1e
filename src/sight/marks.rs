//! Marks and their owners looked at: the instrument asked once for each owner, `judge` concluding. It writes nothing.

use std::collections::HashMap;
use std::path::Path;

use super::of_process;
use crate::clock::Moment;
use crate::identity::Identity;
use crate::judge::mark::{self as judge, Holding, Standing, Ties, standing};
use crate::model::{FoundMark, HOLD, Mark, Observed, Sight};
use crate::seam::{place, process};

/// Looks at any number of marks at one moment; an owner of many that lives is looked at once.
#[derive(Debug)]
pub struct Marks {
    now: Moment,
    /// Of those that live: there are only so many. Of the dead there is no end, and what is gone is gone at each look.
    living: HashMap<Identity, Sight>,
}

impl Marks {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self { now: process::moment(), living: HashMap::new() }
    }

    /// The same a while later: who lived still counts as living, for that keeps a mark and ends none.
    pub fn go_on(&mut self) {
        self.now = process::moment();
    }

    /// The moment of the look.
    #[must_use]
    pub const fn moment(&self) -> &Moment {
        &self.now
    }

    /// How a mark stands.
    pub fn standing(&mut self, mark: &Mark) -> Standing {
        let owner = mark.owner.as_ref().map(|owner| self.look(owner));
        standing(&Ties::of(mark, owner), &self.now)
    }

    /// The same of one that may be unreadable.
    pub fn found(&mut self, found: &FoundMark) -> Standing {
        found.as_ref().map_or(Standing::UNREADABLE, |mark| self.standing(mark))
    }

    fn look(&mut self, owner: &Identity) -> Sight {
        if let Some(sight) = self.living.get(owner) {
            return *sight;
        }
        let sight = of_process(process::look(owner));
        if sight.observed == Observed::Alive {
            self.living.insert(owner.clone(), sight);
        }
        sight
    }
}

/// Whether a mark for one folder says something about another that contains it, or is in it. What is in progress in one work
/// tree is not in another one that stands inside it; a hold is for all that is below its folder.
#[must_use]
pub fn reaches(kind: Option<&str>, scope: &Path, folder: &Path) -> bool {
    kind == Some(HOLD) || !place::border_between(scope, folder)
}

/// What keeps an agent from a turn in this folder, of the holds that are there for it; none: no mark does. A folder that
/// is not there is meant by its name.
#[must_use]
pub fn holding(holds: &[FoundMark], folder: &Path) -> Option<Holding> {
    if holds.is_empty() {
        return None;
    }
    let mut marks = Marks::now();
    let looked = holds.iter().map(|mark| (mark.clone(), marks.found(mark))).collect();
    judge::holding(looked, &place::folder(folder).unwrap_or_else(|_| folder.to_owned()))
}
