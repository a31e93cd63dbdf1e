//! Who on this host may be the process that a marker file names by its number alone: it may have been told in any pid
//! namespace. All processes are looked through once for any number of files.

use std::collections::HashMap;
use std::time::Duration;

use crate::clock::{Moment, Stamp};
use crate::model::{Held, Reason};
use crate::seam::process::Place;
use crate::seam::procfs;

/// Clocks are set, and times are cut: so much is no difference.
const SLACK: Duration = Duration::from_secs(10);

/// The numbers that processes have inside other namespaces than ours.
#[derive(Debug)]
pub struct Numbers {
    inside: HashMap<i32, Vec<i32>>,
    unseen: Option<Reason>,
}

impl Numbers {
    /// Looks through all processes.
    #[must_use]
    pub fn scan() -> Self {
        let mut inside: HashMap<i32, Vec<i32>> = HashMap::new();
        let mut unseen = blind();
        match procfs::pids() {
            Err(_) => unseen = unseen.or(Some(Reason::LookFailed)),
            Ok(pids) => {
                for pid in pids {
                    for number in procfs::inner_numbers(pid).unwrap_or_default() {
                        inside.entry(number).or_default().push(pid);
                    }
                }
            }
        }
        Self { inside, unseen }
    }

    /// Why not all of them are seen from here, if they are not.
    #[must_use]
    pub const fn unseen(&self) -> Option<Reason> {
        self.unseen
    }

    /// Whether one that has this number inside another namespace may be the one that a file names.
    #[must_use]
    pub fn has(&self, held: &Held, written: Stamp, now: &Moment) -> bool {
        let bearers = self.inside.get(&held.pid).map(Vec::as_slice).unwrap_or_default();
        bearers
            .iter()
            .filter_map(|pid| procfs::stat(*pid).ok())
            .any(|stat| stat.runs() && is_meant(held, stat.start_ticks, written, now))
    }
}

/// Whether a process that began then may be the one that a file names which was written then.
#[must_use]
pub fn is_meant(held: &Held, start_ticks: u64, written: Stamp, now: &Moment) -> bool {
    match held.start_ticks {
        Some(ticks) => ticks == start_ticks,
        None => began(start_ticks, now) <= written.plus(SLACK),
    }
}

/// Whether a file was written before this host was booted.
#[must_use]
pub fn is_before_boot(written: Stamp, now: &Moment) -> bool {
    let here = Place::here();
    here.doubt().is_none() && here.in_initial_time_ns() && written.plus(SLACK) < now.booted_at()
}

fn began(start_ticks: u64, now: &Moment) -> Stamp {
    let millis = start_ticks.saturating_mul(1000) / rustix::param::clock_ticks_per_second().max(1);
    now.booted_at().plus(Duration::from_millis(millis))
}

/// Why processes of other namespaces cannot be seen from here, if they cannot.
fn blind() -> Option<Reason> {
    let here = Place::here();
    if here.foreign_proc {
        return Some(Reason::ForeignProc);
    }
    if here.doubt().is_some() {
        return Some(Reason::OwnIdentityUnknown);
    }
    if !here.in_initial_pid_ns() {
        return Some(Reason::OtherNamespace);
    }
    let hides = || std::fs::read_to_string("/proc/self/mountinfo").map_or(true, |mounts| hides(&mounts));
    (!rustix::process::geteuid().is_root() && hides()).then_some(Reason::Hidden)
}

/// Whether /proc hides the processes of others (hidepid, proc(5)): `ID PARENT DEVICE ROOT POINT … - proc SOURCE OPTIONS`.
fn hides(mounts: &str) -> bool {
    mounts.lines().any(|line| {
        let Some((mount, kind)) = line.split_once(" - ") else { return false };
        let options = kind.rsplit(' ').next().unwrap_or_default();
        let hidden = options
            .split(',')
            .filter_map(|option| option.strip_prefix("hidepid="))
            .any(|how| how != "0" && how != "off");
        mount.split(' ').nth(4) == Some("/proc") && hidden
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proc_that_hides_others_is_known_by_its_options() {
        let of = |options: &str| format!("22 1 0:21 / /proc rw,nosuid shared:13 - proc proc {options}\n");
        for (options, expected) in [
            ("rw", false),
            ("rw,hidepid=0", false),
            ("rw,hidepid=off", false),
            ("rw,hidepid=2", true),
            ("rw,gid=5,hidepid=invisible", true),
        ] {
            assert_eq!(hides(&of(options)), expected, "{options}");
        }
    }

    #[test]
    fn a_process_that_began_after_the_file_is_not_the_one_that_is_meant() {
        let boot = 1_000_000;
        let now = Moment { at: Stamp::from_millis(boot + 900_000), boot: "b".into(), time_ns: 1, boottime_ms: 900_000 };
        let held = |start_ticks| Held { pid: 7, start_ticks };
        // It began 100 s after the boot.
        let (ticks, began) = (100 * rustix::param::clock_ticks_per_second(), boot + 100_000);
        for (written, expected) in [(began + 50_000, true), (began - 10_000, true), (began - 10_001, false)] {
            assert_eq!(is_meant(&held(None), ticks, Stamp::from_millis(written), &now), expected, "{written}");
        }
        assert!(is_meant(&held(Some(ticks)), ticks, Stamp::from_millis(0), &now));
        assert!(!is_meant(&held(Some(ticks + 1)), ticks, Stamp::from_millis(began + 50_000), &now));
    }
}
