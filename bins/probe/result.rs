//! `probe result`: what a result file says of the work.

use std::path::PathBuf;

use clap::Args;
use refloat::cli::Context;
use refloat::clock::Stamp;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::judge::output::Times;
use refloat::judge::result;
use refloat::model::{Glimpse, Instrument, SubjectKind};
use refloat::record::Evidence;
use refloat::record::evidence::{Detail, ResultDetail};
use refloat::seam::document::Required;
use refloat::seam::glimpse;

use crate::args::Asked;
use crate::since::{Began, Since, since};
use crate::tell::Teller;
use crate::whose::Whose;

/// Whether a result file says that the work is done
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  probe result result.json --since r17
  probe result result.json --require /verified=true --require /session --exit-code")]
pub(crate) struct ResultFile {
    /// The files: a JSON object with a status each
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// When the attempt began: a time, a while ago, or the id of a run or turn
    #[arg(long, value_name = "TIME|DURATION|RUN|TURN", value_parser = since)]
    since: Option<Since>,
    /// What it has to hold beside its status: a JSON pointer, perhaps with a value
    #[arg(long, value_name = "POINTER[=VALUE]")]
    require: Vec<Required>,
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    asked: Asked,
}

pub(crate) fn run(cx: &mut Context, args: &ResultFile) -> Result<Exit> {
    let began = Began::of(cx, args.since)?;
    let mut teller = Teller::of(cx, args.asked, &args.whose)?;
    let began = began.or(teller.began());
    for file in &args.files {
        let looked = glimpse::result(file, &args.require);
        let now = Stamp::now();
        let finding = result::find(&looked.glimpse, Times { since: began.at, now });
        let mut detail = ResultDetail::of(file, &looked.glimpse, began.at);
        detail.error = detail.error.or(looked.error);
        let subject = (SubjectKind::Result, detail.path.clone());
        let mut evidence = Evidence::here(subject, Instrument::File, finding, Detail::Result(detail), teller.here());
        if let Glimpse::File(stand, _) = &looked.glimpse {
            evidence.age_ms = (stand.modified <= now).then(|| now.since(stand.modified));
        }
        began.name(&mut evidence);
        teller.tell(&evidence)?;
    }
    if args.files.len() > 1 { teller.end_of_several() } else { Ok(teller.end()) }
}
