//! Marks and their owners looked at: the instrument asked once for each owner, `judge` concluding. It writes nothing.

use std::collections::HashMap;
use std::path::Path;

use super::of_process;
use crate::clock::Moment;
use crate::judge::mark::{self as judge, Holding, Standing, Ties, standing};
use crate::model::{Mark, Sight};
use crate::seam::{place, process};

/// Looks at any number of marks at one moment; an owner of many is looked at once.
#[derive(Debug)]
pub struct Marks {
    now: Moment,
    owners: HashMap<String, Sight>,
}

impl Marks {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self { now: process::moment(), owners: HashMap::new() }
    }

    /// The moment of the look.
    #[must_use]
    pub const fn moment(&self) -> &Moment {
        &self.now
    }

    /// How a mark stands.
    pub fn standing(&mut self, mark: &Mark) -> Standing {
        let owner = mark.owner.as_ref().map(|owner| {
            let look = || of_process(process::look(owner));
            *self.owners.entry(owner.to_string()).or_insert_with(look)
        });
        standing(&Ties::of(mark, owner), &self.now)
    }
}

/// What keeps an agent from a turn in this folder, of the holds that are there for it; none: no mark does. A folder that
/// is not there is meant by its name.
#[must_use]
pub fn holding(holds: &[Mark], folder: &Path) -> Option<Holding> {
    if holds.is_empty() {
        return None;
    }
    let mut marks = Marks::now();
    let looked = holds.iter().map(|mark| (mark.clone(), marks.standing(mark))).collect();
    judge::holding(looked, &place::folder(folder).unwrap_or_else(|_| folder.to_owned()))
}
