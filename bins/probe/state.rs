//! `probe state`: whether the state file is there, ours and whole. Without one there is an answer too: no.

use clap::Args;
use refloat::cli::Context;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::judge;
use refloat::model::{Instrument, SubjectKind};
use refloat::record::Evidence;
use refloat::record::evidence::{Detail, StateDetail};
use refloat::seam::locks;
use refloat::state::{SCHEMA, health};

use crate::args::Asked;
use crate::tell::Teller;

/// Whether the state file is there, ours and whole
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  probe state
  probe state --exit-code --state /srv/refloat/state.db")]
pub(crate) struct State {
    #[command(flatten)]
    asked: Asked,
}

pub(crate) fn run(cx: &mut Context, args: &State) -> Result<Exit> {
    let place = cx.place()?;
    let health = health::look(&place);
    let finding = judge::health::find(&health, SCHEMA);
    let open_by = locks::takers(&place.companion("open.lock"));
    let mut teller = Teller::new(cx, args.asked);
    let detail = StateDetail::of(&place.file, &health, SCHEMA, open_by);
    let subject = (SubjectKind::State, detail.path.clone());
    teller.tell(&Evidence::here(subject, Instrument::Sqlite, finding, Detail::State(detail), teller.here()))?;
    Ok(teller.end())
}
