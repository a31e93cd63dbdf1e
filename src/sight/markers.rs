//! Marker files of other tools looked at: found by patterns, read by the instrument, understood by `marker`, judged by
//! `judge`. It writes nothing.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::of_process;
use crate::clock::{Moment, Stamp};
use crate::judge::marker::{self as judge, Inside, Traces};
use crate::marker;
use crate::model::{Entry, Held, InFile, Marker, MarkerForm, Sight, Unfit};
use crate::seam::marker::{Candidate, Files, Look, Numbers, Seen, is_before_boot, is_meant, look};
use crate::seam::{place, process};

/// Looks at any number of marker files at one moment.
#[derive(Debug)]
pub struct Markers {
    now: Moment,
    numbers: OnceCell<Numbers>,
}

/// A marker file, and what stands in it.
#[derive(Debug)]
pub struct Found {
    /// Its path.
    pub path: PathBuf,
    /// As it stood; none where it was not read.
    pub seen: Option<Box<Seen>>,
    /// What it is.
    pub kind: Kind,
    /// A symbolic link led to it.
    pub is_link: bool,
    /// What stands in it, in its order; or the file itself.
    pub marks: Vec<InFile>,
}

/// What a file is.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A marker.
    Marker {
        /// Of this form.
        form: MarkerForm,
        /// With a signature.
        signed: bool,
    },
    /// No marker.
    Unfit(Unfit),
}

/// What fits the patterns, each once and by its path; and the patterns that nothing fits.
#[must_use]
pub fn candidates(patterns: &[Files]) -> (Vec<Candidate>, Vec<String>) {
    let mut all = BTreeSet::new();
    let mut unmatched = Vec::new();
    for pattern in patterns {
        let fits = pattern.matching();
        if fits.is_empty() {
            unmatched.push(pattern.text().to_owned());
        }
        all.extend(fits);
    }
    (all.into_iter().collect(), unmatched)
}

impl Markers {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self { now: process::moment(), numbers: OnceCell::new() }
    }

    /// The moment of the look.
    #[must_use]
    pub const fn moment(&self) -> &Moment {
        &self.now
    }

    /// What stands in all files that fit.
    #[must_use]
    pub fn all(&self, patterns: &[Files]) -> Vec<InFile> {
        candidates(patterns).0.iter().filter_map(|one| self.look(one)).flat_map(|found| found.marks).collect()
    }

    /// One file. None: it has gone since it was found.
    #[must_use]
    pub fn look(&self, one: &Candidate) -> Option<Found> {
        let path = &one.path;
        if let Some(why) = one.failing {
            return Some(self.unfit(path, None, Unfit::Other(why), false));
        }
        let seen = match look(path) {
            Look::Vanished => return None,
            Look::Unread { why, is_link } => return Some(self.unfit(path, None, Unfit::Other(why), is_link)),
            Look::Read(seen) => seen,
        };
        let is_link = seen.is_link || one.by_link;
        Some(match marker::read(&seen.bytes, path.file_name().unwrap_or_default()) {
            Err(unfit) => self.unfit(path, Some(seen), unfit, is_link),
            Ok(found) => Found { is_link, ..self.marker(path, seen, found) },
        })
    }

    fn unfit(&self, path: &Path, seen: Option<Box<Seen>>, unfit: Unfit, is_link: bool) -> Found {
        let written = seen.as_ref().map(|seen| seen.written);
        let (state, reason) = judge::unfit(unfit, written, self.now.at);
        let form = matches!(unfit, Unfit::EmptyLock).then_some(MarkerForm::Lock);
        let file = path.to_owned();
        let (entry, scope, age_ms, ends_at) = (None, None, None, None);
        let mark = InFile { file, form, entry, scope, written, state, reason, age_ms, ends_at };
        Found { path: path.to_owned(), seen, kind: Kind::Unfit(unfit), is_link, marks: vec![mark] }
    }

    fn marker(&self, path: &Path, seen: Box<Seen>, found: Marker) -> Found {
        let file = judge::File { written: seen.written, outer: found.outer, now: self.now.at };
        let stands = |entry: Entry| {
            let holder = entry.holder.as_ref().map(|held| self.holder(held, &seen));
            let stands = judge::standing(&entry, holder, &file);
            InFile {
                file: path.to_owned(),
                form: Some(found.form),
                scope: entry.scope.as_deref().and_then(place::told),
                entry: Some(entry),
                written: Some(seen.written),
                state: stands.state,
                reason: stands.reason,
                age_ms: stands.age_ms,
                ends_at: stands.ends_at,
            }
        };
        let marks = found.entries.into_iter().map(stands).collect();
        let kind = Kind::Marker { form: found.form, signed: found.signed };
        Found { path: path.to_owned(), is_link: seen.is_link, seen: Some(seen), kind, marks }
    }

    /// Whether the process lives that a file names.
    fn holder(&self, held: &Held, seen: &Seen) -> Sight {
        let look = process::look_at_pid(held.pid);
        let meant = |ticks: u64| is_meant(held, ticks, seen.written, &self.now);
        let traces = Traces {
            shared: seen.shared,
            before_boot: is_before_boot(seen.written, &self.now),
            here: of_process(look.life),
            same: look.found.map(|found| meant(found.start_ticks)),
        };
        judge::holder(&traces, || self.inside(held, seen.written))
    }

    fn inside(&self, held: &Held, written: Stamp) -> Inside {
        let numbers = self.numbers.get_or_init(Numbers::scan);
        match (numbers.has(held, written, &self.now), numbers.unseen()) {
            (true, _) => Inside::Somebody,
            (false, Some(why)) => Inside::Unseen(why),
            (false, None) => Inside::Nobody,
        }
    }
}
