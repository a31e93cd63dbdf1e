//! `probe host`: what a place tells of itself, so that two places can be compared.

use std::ffi::OsStr;

use clap::Args;
use refloat::cli::Context;
use refloat::clock::{self, Moment};
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::judge::host::{Told, find};
use refloat::model::{Instrument, SubjectKind};
use refloat::record::Evidence;
use refloat::record::evidence::{Detail, HostDetail};
use refloat::seam::host;
use refloat::seam::process::{Place, moment};
use refloat::sight;

use crate::args::Asked;
use crate::tell::Teller;

/// What this machine tells of itself, and whether it can be known again
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  probe host | jq .detail
  probe host --exit-code || echo 'what is recorded here cannot be compared elsewhere'")]
pub(crate) struct Host {
    #[command(flatten)]
    asked: Asked,
}

pub(crate) fn run(cx: &mut Context, args: &Host) -> Result<Exit> {
    let mut teller = Teller::new(cx, args.asked);
    let here = Place::here();
    let finding = find(Told { machine: !here.machine.is_empty(), doubt: here.doubt().map(sight::why_in_doubt) });
    let name = known(&here.machine).unwrap_or_else(|| "localhost".to_owned());
    let detail = Detail::Host(detail(here, &moment()));
    let evidence = Evidence::here((SubjectKind::Host, name), Instrument::Host, finding, detail, teller.here());
    teller.tell(&evidence)?;
    Ok(teller.end())
}

fn detail(here: &Place, now: &Moment) -> HostDetail {
    let (hostname, hostname_lossy) = text(host::hostname());
    let (tmux, tmux_lossy) = text(host::program("tmux"));
    let (cgroup, no_cgroup) = match host::cgroup() {
        Ok(path) => (Some(path), None),
        Err(why) => (None, Some(why.to_string())),
    };
    let (cgroup, cgroup_lossy) = text(cgroup);
    HostDetail {
        machine_id: known(&here.machine),
        boot_id: known(&here.boot),
        pid_ns: (here.pid_ns != 0).then_some(here.pid_ns),
        pid_ns_initial: here.in_initial_pid_ns(),
        time_ns: (here.time_ns != 0).then_some(here.time_ns),
        time_ns_initial: here.in_initial_time_ns(),
        foreign_proc: here.foreign_proc,
        hostname,
        hostname_lossy,
        kernel: host::kernel(),
        container: host::container(),
        booted_at: now.booted_at(),
        uptime_ms: now.boottime_ms,
        suspended_ms: clock::millis(clock::suspended_since_boot()),
        tmux,
        tmux_lossy,
        cgroup,
        cgroup_lossy,
        no_cgroup,
    }
}

fn known(id: &str) -> Option<String> {
    (!id.is_empty()).then(|| id.to_owned())
}

/// As a record has it: lossy text, and whether it is.
fn text<S: AsRef<OsStr>>(name: Option<S>) -> (Option<String>, bool) {
    let lossy = name.as_ref().is_some_and(|name| name.as_ref().to_str().is_none());
    (name.map(|name| name.as_ref().to_string_lossy().into_owned()), lossy)
}
