//! `probe output`: whether a file that a monitor or an agent should write is there, reads as it should, is of this
//! attempt, and grows. What it finds is true of the monitor, never of the work behind it.

mod earlier;

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};
use refloat::cli::{Context, duration};
use refloat::clock::{Stamp, Tick, millis};
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::judge::output::{self, Times};
use refloat::model::{Content, ContentKind, Earlier, Glimpse, Instrument, SubjectKind};
use refloat::record::Evidence;
use refloat::record::evidence::{Detail, OutputDetail};
use refloat::seam::glimpse;

use crate::args::Asked;
use crate::since::{Began, Since, since};
use crate::tell::Teller;
use crate::whose::Whose;

/// Whether a file that a monitor should write is there, whole, of this attempt, and grows
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("readings").args(["watch", "earlier"]), before_help = "\
Examples:
  probe output monitor.jsonl --since t83
  probe output run.log --watch 500ms --exit-code
  probe output out.json >first; probe output out.json --earlier - <first")]
pub(crate) struct Output {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// When the attempt began: a time, a while ago, or the id of a run or turn
    #[arg(long, value_name = "TIME|DURATION|RUN|TURN", value_parser = since)]
    since: Option<Since>,
    /// What it should be: json, jsonl, csv or text; without this, what it seems to be
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<ContentKind>,
    /// Look a second time when it has changed, or after this long
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    watch: Option<Duration>,
    /// Compare with the newest evidence of this file on standard input
    #[arg(long, value_name = "-", value_parser = ["-"])]
    earlier: Option<String>,
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    asked: Asked,
}

fn kind(text: &str) -> Result<ContentKind, String> {
    match text.parse() {
        Ok(ContentKind::Binary) | Err(_) => Err("known are: json, jsonl, csv, text".to_owned()),
        Ok(kind) => Ok(kind),
    }
}

/// An earlier look, and how long ago it was.
struct Before {
    look: Earlier,
    ms: i64,
}

pub(crate) fn run(cx: &mut Context, args: &Output) -> Result<Exit> {
    let began = Began::of(cx, args.since)?;
    if args.earlier.is_some() {
        cx.note_stdin("evidence, one record per line,");
    }
    let mut teller = Teller::of(cx, args.asked, &args.whose)?;
    let began = began.or(teller.began());
    let before = match args.earlier {
        Some(_) => earlier::read(&mut teller, &args.file)?,
        None => args.watch.and_then(|most| watch(args, most)),
    };
    let mut evidence = look(args, &began, before.as_ref(), &teller);
    began.name(&mut evidence);
    teller.tell(&evidence)?;
    Ok(teller.end())
}

/// The first look, and the wait for a change. What is no file, or cannot be looked at, is not waited for.
fn watch(args: &Output, most: Duration) -> Option<Before> {
    let first = glimpse::output(&args.file, args.kind).glimpse;
    let (look, stand) = match first {
        Glimpse::Absent => (Earlier::Absent, None),
        Glimpse::File(stand, _) => (Earlier::File(stand.clone()), Some(stand)),
        _ => return None,
    };
    let start = Tick::now();
    glimpse::await_change(&args.file, stand.as_ref(), most);
    Some(Before { look, ms: millis(Tick::now().since(start)) })
}

fn look(args: &Output, began: &Began, before: Option<&Before>, teller: &Teller<'_>) -> Evidence {
    let looked = glimpse::output(&args.file, args.kind);
    let times = Times { since: began.at, now: Stamp::now() };
    let finding = output::find(&looked.glimpse, before.map(|before| &before.look), times);
    let mut detail = OutputDetail::of(&args.file, &looked.glimpse, began.at);
    detail.error = looked.error;
    detail.earlier_ms = before.map(|before| before.ms);
    detail.earlier_size = before.and_then(|before| match &before.look {
        Earlier::File(stand) => Some(refloat::record::count(stand.size)),
        Earlier::Absent => None,
    });
    let subject = (SubjectKind::Output, detail.path.clone());
    let mut evidence = Evidence::here(subject, Instrument::File, finding, Detail::Output(detail), teller.here());
    evidence.age_ms = age(&looked.glimpse, times.now);
    evidence
}

fn age(glimpse: &Glimpse<Content>, now: Stamp) -> Option<i64> {
    let Glimpse::File(stand, _) = glimpse else { return None };
    (stand.modified <= now).then(|| now.since(stand.modified))
}
