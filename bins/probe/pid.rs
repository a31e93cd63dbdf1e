//! `probe pid`: whether a process lives, and is the one that is meant.

use clap::Args;
use refloat::cli::Context;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::identity::{Identity, Named};
use refloat::model::{Finding, Instrument, SubjectKind};
use refloat::record::Evidence;
use refloat::record::evidence::{Detail, PidDetail};
use refloat::seam::process::{Doubt, Life, Look, Place, look_at, look_at_pid};
use refloat::sight;
use serde_json::Value;

use crate::args::Asked;
use crate::lines::{self, Go};
use crate::tell::Teller;
use crate::whose::Whose;

/// Whether a process lives, and is the one that is meant
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  probe pid 4711
  probe pid $$ --exit-code && echo alive
  who=$(probe pid $! | jq -r .detail.identity)    # later, also after a reboot: probe pid \"$who\"
  pgrep -f agent | probe pid -

A number alone may be another process's by now (`identity_unproven`). The identity in `detail` names one process for ever.")]
pub(crate) struct Pid {
    /// The processes: numbers, PID:START_TICKS, or identities, as text or as JSON; - reads one per line from stdin
    #[arg(value_name = "PID|IDENTITY|-", required = true, value_parser = subject)]
    subjects: Vec<Subject>,
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Clone, Debug)]
enum Subject {
    Named(Named),
    Stdin,
}

fn subject(text: &str) -> Result<Subject, String> {
    if text == "-" { Ok(Subject::Stdin) } else { text.parse().map(Subject::Named) }
}

pub(crate) fn run(cx: &mut Context, args: &Pid) -> Result<Exit> {
    match args.subjects.as_slice() {
        [Subject::Stdin] => listed(cx, args),
        [Subject::Named(one)] => {
            let mut teller = Teller::of(cx, args.asked, &args.whose)?;
            tell(&mut teller, one)?;
            Ok(teller.end())
        }
        several => {
            let named = several.iter().map(|subject| match subject {
                Subject::Named(named) => Ok(named),
                Subject::Stdin => Err(Failure::usage("- stands alone: the processes come from standard input")),
            });
            let named = named.collect::<Result<Vec<_>>>()?;
            let mut teller = Teller::of(cx, args.asked, &args.whose)?;
            named.into_iter().try_for_each(|one| tell(&mut teller, one))?;
            teller.end_of_several()
        }
    }
}

fn listed(cx: &mut Context, args: &Pid) -> Result<Exit> {
    cx.note_stdin("processes, one per line,");
    let mut teller = Teller::of(cx, args.asked, &args.whose)?;
    lines::each(|number, line| {
        match line.map_err(str::to_owned).and_then(read) {
            Ok(Some(named)) => tell(&mut teller, &named)?,
            Ok(None) => {}
            Err(why) => teller.refuse(number, &why),
        }
        Ok(if teller.is_heard() { Go::On } else { Go::Enough })
    })?;
    teller.end_of_several()
}

/// Who stands in a line. None for a record that names no process for ever: the numbers in other records do not say of
/// which boot and which namespace they are.
fn read(line: &str) -> Result<Option<Named>, String> {
    if !line.starts_with('{') {
        return line.parse().map(Some);
    }
    let record: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    match (record["type"].as_str(), record["subject_kind"].as_str()) {
        (None, _) => line.parse().map(Some),
        (Some("evidence"), Some("process")) => {
            let identity = record["detail"]["identity"].as_str();
            identity.ok_or("this evidence has no identity")?.parse().map(Some)
        }
        _ => Ok(None),
    }
}

fn tell(teller: &mut Teller<'_>, named: &Named) -> Result<()> {
    let evidence = look(named, teller);
    teller.tell(&evidence)
}

fn look(named: &Named, teller: &Teller<'_>) -> Evidence {
    let here = Place::here();
    let (look, who) = match named {
        Named::Pid(pid) => {
            let look = look_at_pid(*pid);
            let who = look.found.as_ref().map(Identity::to_string);
            (look, who)
        }
        Named::Started { pid, start_ticks } => {
            let who = here.identity(*pid, *start_ticks);
            (look_at(&who), here.doubt().is_none().then(|| who.to_string()))
        }
        Named::Identity(who) => (look_at(who), Some(who.to_string())),
    };
    let finding = Finding::from(sight::of_process(look.life));
    let unproven = matches!(named, Named::Pid(_)) || look.life == Life::Unknown(Doubt::StartUnknown);
    let detail = detail(named.pid(), who, look, unproven);
    let subject = (SubjectKind::Process, named.to_string());
    Evidence::here(subject, Instrument::Pidfd, finding, Detail::Pid(detail), teller.here())
}

fn detail(pid: i32, identity: Option<String>, look: Look, identity_unproven: bool) -> PidDetail {
    let stopped = match look.life {
        Life::Alive { stopped } => Some(stopped),
        Life::Dead(_) | Life::Unknown(_) => None,
    };
    let start_ticks = look.found.map(|found| found.start_ticks);
    let Look { name, name_lossy, thread_of, errno, .. } = look;
    PidDetail { pid, identity, start_ticks, stopped, name, name_lossy, thread_of, errno, identity_unproven }
}
