//! Many processes open one fresh state file for writing at the same moment.

use std::fs::File;
use std::io::BufReader;
use std::os::unix::fs::MetadataExt;

use super::role::{Report, finish, report, role, waiting};
use super::{gate, integrity, sqlite};

const CROWD: usize = 64;

/// How many of these spans one moment lies in, at most.
fn overlap(spans: &[(u128, u128)]) -> usize {
    spans.iter().map(|(start, _)| spans.iter().filter(|(from, to)| from <= start && start < to).count()).max().unwrap()
}

fn round() -> (Vec<Report>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let (path, barrier) = gate(folder.path());
    let file = folder.path().join("new/state.db");
    let crowd: Vec<_> = (0..CROWD).map(|_| waiting(role("write", &file), &path)).collect();
    drop(barrier);
    let reports: Vec<_> = crowd
        .into_iter()
        .map(|(mut child, mut out)| {
            let report = report(&mut out).unwrap();
            child.wait().unwrap();
            report
        })
        .collect();
    assert_eq!(integrity(&file), "ok");
    let stops: i64 = sqlite(&file).query_row("SELECT stops FROM agent", [], |row| row.get(0)).unwrap();
    assert_eq!(stops, reports.iter().filter(|report| report.code == 0).count() as i64);
    let spans: Vec<_> = reports.iter().map(|report| report.span).collect();
    (reports, overlap(&spans))
}

/// `REFLOAT_ROUNDS` sets the number of rounds of a campaign.
#[test]
fn many_first_opens_at_once_all_succeed() {
    let rounds = std::env::var("REFLOAT_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let mut overlaps = Vec::new();
    let mut longest = 0;
    let mut failed = Vec::new();
    for _ in 0..rounds {
        let (reports, overlap) = round();
        longest = reports.iter().map(|report| report.span.1 - report.span.0).fold(longest, u128::max);
        overlaps.push(overlap);
        failed.extend(reports.into_iter().filter(|report| report.code != 0));
    }
    let (least, most) = (overlaps.iter().min(), overlaps.iter().max());
    let opens = rounds * CROWD;
    println!("{} of {opens} first opens failed; at once: {least:?} to {most:?}; longest {longest} us", failed.len());
    assert!(failed.is_empty(), "{failed:?}");
}

/// Whether somebody waits for a lock on this file: `1: -> FLOCK ADVISORY WRITE PID MAJOR:MINOR:INODE …` (proc_locks(5)).
fn has_waiter(inode: u64) -> bool {
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    locks.lines().any(|line| line.contains("-> FLOCK") && line.contains(&format!(":{inode} ")))
}

#[test]
fn a_writer_queues_on_the_lock_and_everybody_on_a_restore() {
    for (name, lock) in [("write", "state.lock"), ("write", "open.lock"), ("read", "open.lock")] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.db");
        assert_eq!(finish(role("write", &file)).unwrap().code, 0);
        let held = File::open(folder.path().join(lock)).unwrap();
        held.lock().unwrap();
        let mut child = role(name, &file).spawn().unwrap();
        let inode = held.metadata().unwrap().ino();
        while !has_waiter(inode) {
            assert!(child.try_wait().unwrap().is_none(), "{name} did not wait for {lock}");
        }
        held.unlock().unwrap();
        let report = report(&mut BufReader::new(child.stdout.take().unwrap())).unwrap();
        assert_eq!(report.code, 0, "{report:?}");
        child.wait().unwrap();
    }
}
