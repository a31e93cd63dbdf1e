//! What `probe story` and `probe sprint` share: the project's folder, and the record of what was found.

use std::path::{Path, PathBuf};

use clap::Args;
use refloat::bmad::Found;
use refloat::clock::Stamp;
use refloat::error::{Failure, IoContext, Result};
use refloat::model::{Before, Finding, Instrument, SubjectKind};
use refloat::record::Evidence;
use refloat::record::evidence::{Detail, TruthDetail};

use crate::tell::Teller;

/// Where the project is.
#[derive(Args, Debug)]
pub(crate) struct Root {
    /// The project's folder; without it this one
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

impl Root {
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        let here = std::env::current_dir().or_fail(|| "cannot tell the current folder".to_owned())?;
        let folder = self.root.as_ref().map_or_else(|| here.clone(), |root| here.join(root));
        match folder.is_dir() {
            true => Ok(folder),
            false => Err(Failure::not_found(format!("no folder {}", folder.display()))),
        }
    }
}

/// A path as it is seen from here, whatever the project's folder is.
pub(crate) fn from_here(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).or_fail(|| "cannot tell the current folder".to_owned())
}

/// What a status is compared with.
pub(crate) struct Compared<'a> {
    pub(crate) target: &'a str,
    pub(crate) baseline: Option<&'a Before>,
}

/// The record of what was found. It is as old as the newest of its files.
pub(crate) fn evidence(
    subject: (SubjectKind, &str),
    instrument: Instrument,
    finding: Finding,
    found: &Found,
    compared: &Compared<'_>,
    teller: &Teller<'_>,
) -> Evidence {
    let passed_over = found.passed_over.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    let detail = TruthDetail::of(&found.reading, &found.files, compared.target, compared.baseline);
    let detail = Detail::Truth(Box::new(TruthDetail { passed_over, ..detail }));
    let evidence = Evidence::here(subject, instrument, finding, detail, teller.here());
    let modified = found.files.iter().filter_map(|file| file.modified_ns).max();
    // A time in the future is no age.
    let past = modified.map(Stamp::from_nanos).filter(|modified| *modified <= evidence.observed_at);
    let age_ms = past.map(|modified| evidence.observed_at.since(modified));
    Evidence { age_ms, ..evidence }
}
