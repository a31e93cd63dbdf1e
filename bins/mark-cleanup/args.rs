//! The arguments of `mark-cleanup`.

use std::path::PathBuf;

use clap::Parser;
use refloat::cli::{Common, mark_kind};
use refloat::seam::marker::Files;

const EXAMPLES: &str = "\
Examples:
  mark-cleanup --format table                     # what it would do
  mark-cleanup --apply >>/var/log/refloat.jsonl   # as cron runs it
  mark-cleanup --apply --kind dispatch --scope ~/src/app
  mark-cleanup --apply --files \"$HOME/.copilot/markers/*\"   # marker files of other tools too

A mark is stale when its owner is certainly gone, when its ttl has passed since its last beat, or when its until has come.
What cannot be told is never removed before its ttl.
Exit codes: 0 it did what it could; 66 no state file, and no --files; 74 an error; 75 busy, try again.";

/// Remove marks that hold no more: says what it would remove, unless --apply.
#[derive(Parser, Debug)]
#[command(name = "mark-cleanup", before_help = EXAMPLES, disable_version_flag = true)]
pub(crate) struct MarkCleanup {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Do it
    #[arg(long)]
    pub(crate) apply: bool,
    /// Of this kind
    #[arg(long, value_name = "KIND", value_parser = mark_kind)]
    pub(crate) kind: Option<String>,
    /// For this folder, one above it or one below it
    #[arg(long, value_name = "DIR")]
    pub(crate) scope: Option<PathBuf>,
    /// Marker files of other tools too: dispatch markers, story automator markers, pid files, JSON locks. What is stale in
    /// them goes; what nobody can read is moved aside
    #[arg(long, value_name = "GLOB")]
    pub(crate) files: Vec<Files>,
    /// Remove so many at most; the next pass goes on
    #[arg(long, value_name = "N", default_value = "10000", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
}
