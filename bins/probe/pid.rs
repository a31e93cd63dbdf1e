//! `probe pid`: whether a process lives, and is the one that is meant.

use clap::Args;
use refloat::cli::Context;
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::model::{Finding, Instrument, SubjectKind};
use refloat::record::Evidence;
use refloat::record::evidence::{Detail, PidDetail};
use refloat::seam::process;
use refloat::sight;

use crate::args::Asked;
use crate::tell::Teller;

/// Whether a process lives, and is the one that is meant
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  probe pid 4711
  probe pid $$ --exit-code && echo alive")]
pub(crate) struct Pid {
    /// The numbers of processes
    #[arg(value_name = "PID", required = true, value_parser = clap::value_parser!(i32).range(1..))]
    pids: Vec<i32>,
    #[command(flatten)]
    asked: Asked,
}

pub(crate) fn run(cx: &mut Context, args: &Pid) -> Result<Exit> {
    let mut teller = Teller::new(cx, args.asked);
    for pid in &args.pids {
        let evidence = look(*pid, &teller);
        teller.tell(&evidence)?;
    }
    if args.pids.len() > 1 { teller.end_of_several() } else { Ok(teller.end()) }
}

fn look(pid: i32, teller: &Teller<'_>) -> Evidence {
    let found = process::living(pid);
    let start_ticks = found.as_ref().ok().map(|identity| identity.start_ticks);
    let life = found.map_or_else(|life| life, |identity| process::look(&identity));
    let finding = Finding::from(sight::of_process(life));
    let detail = PidDetail { pid, start_ticks, stopped: None, identity_unproven: true };
    let subject = (SubjectKind::Process, pid.to_string());
    Evidence::here(subject, Instrument::Pidfd, finding, Detail::Pid(detail), teller.here())
}
