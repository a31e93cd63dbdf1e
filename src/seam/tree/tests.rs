//! Every way to escape, against the real thing; who lives is counted by the test through a pipe, not by the code.

use std::os::unix::process::CommandExt;
use std::process::Command;

use super::*;
use crate::seam::process::{Doubt, identity_of};
use crate::seam::support::{BOUND, Zoo, again, alone, inner, is_root, say, soon};

const SETSID: &str = "setsid sleep 1000 & sleep 0.05; echo ready; wait";
const DOUBLE_FORK: &str =
    "(sleep 1000 & ) ; (setsid sh -c 'sleep 1000 & sleep 1000' &); sleep 0.05; echo ready; sleep 1000";
const DEAF: &str = "trap '' TERM INT HUP QUIT; (trap '' TERM; sleep 1000) & echo ready; while :; do sleep 1000; done";
const STOPPED: &str = "sh -c 'kill -STOP $$; sleep 1000' & sleep 0.05; echo ready; sleep 1000";
const FORTY: &str = "for a in 1 2 3 4 5; do sh -c 'for b in 1 2 3 4 5 6 7; do sleep 1000 & done; wait' & done; sleep 0.1; echo ready; wait";
/// Each process forks the next and ends: none lives longer than a millisecond or two.
const CHAIN: &str = "f() { [ $1 -gt 0 ] && f $(($1 - 1)) & }; f 20000; echo ready";
/// As fast as a shell can; none of them ends by itself before the storm does.
const STORM: &str = "(while :; do sleep 10 & done) & sleep 0.4; echo ready; wait";
/// About 1,500 processes; it is ended in the middle.
const DOUBLING: &str =
    "f() { if [ $1 -gt 0 ]; then f $(($1 - 1)) & f $(($1 - 1)) & fi; wait; sleep 1000; }; f 9 & echo ready; wait";

/// A test that fails leaves none of them to the machine either.
struct Fence;

impl Drop for Fence {
    fn drop(&mut self) {
        if std::thread::panicking() {
            end_descendants(None, BOUND, &mut |_, _| {});
        }
    }
}

/// Ends the zoo, once it has `size` animals, in a process that is a subreaper and does nothing else; returns what was
/// found.
fn ends(script: &str, cgroup: Option<&Cgroup>, size: u32) -> (Ended, Duration) {
    reap::become_subreaper().unwrap();
    let _fence = Fence;
    let mut command = Command::new("/bin/sh");
    let joined = cgroup.map(|group| format!("echo 0 > {}/cgroup.procs; {script}", group.path().display()));
    command.arg("-c").arg(joined.as_deref().unwrap_or(script));
    let mut zoo = Zoo::start_with(&mut command);
    // A busy machine may not have started them all when the script says so.
    assert!(soon(|| procfs::descendants(own_pid()).unwrap().len() >= size as usize), "{script}");
    let (pid, mut statuses) = (zoo.pid(), 0);
    let before = Tick::now();
    let ended = end_descendants(cgroup, BOUND, &mut |reaped, _| statuses += u32::from(reaped == pid));
    let took = Tick::now().since(before);
    assert_eq!((statuses, ended.proven, ended.left.len()), (1, true, 0), "{script} in {took:?}");
    assert!(zoo.all_gone(), "somebody holds the pipe still: {script}");
    assert!(procfs::descendants(own_pid()).unwrap().is_empty());
    (ended, took)
}

/// Both ways: without a group, and with one where it can be made.
fn ends_both_ways(name: &str, script: &str, killed: std::ops::RangeInclusive<u32>) {
    if !alone(name) {
        return;
    }
    let (ended, took) = ends(script, None, *killed.start());
    assert!(killed.contains(&ended.killed), "{} killed", ended.killed);
    say(&format!("{name}: {} killed in {took:?}", ended.killed));
    match Cgroup::plan(&format!("refloat-test-{}", own_pid())).and_then(|path| Cgroup::make(&path)) {
        Ok(group) => {
            let (ended, took) = ends(script, Some(&group), *killed.start());
            say(&format!("{name}: {} killed in {took:?} with a cgroup", ended.killed));
            group.remove(BOUND).unwrap();
            assert!(!group.path().exists());
        }
        Err(reason) => say(&format!("no cgroup can be made here ({reason}): tried without")),
    }
}

#[test]
fn a_session_of_its_own() {
    ends_both_ways("seam::tree::tests::a_session_of_its_own", SETSID, 2..=3);
}

#[test]
fn double_forks() {
    ends_both_ways("seam::tree::tests::double_forks", DOUBLE_FORK, 5..=6);
}

#[test]
fn deaf_to_signals() {
    ends_both_ways("seam::tree::tests::deaf_to_signals", DEAF, 2..=4);
}

#[test]
fn stopped_ones() {
    ends_both_ways("seam::tree::tests::stopped_ones", STOPPED, 2..=3);
}

#[test]
fn forty_processes() {
    ends_both_ways("seam::tree::tests::forty_processes", FORTY, 41..=42);
}

#[test]
fn a_chain_of_forks() {
    ends_both_ways("seam::tree::tests::a_chain_of_forks", CHAIN, 1..=100);
}

#[test]
fn a_storm_of_forks() {
    ends_both_ways("seam::tree::tests::a_storm_of_forks", STORM, 20..=20_000);
}

#[test]
fn doubling() {
    ends_both_ways("seam::tree::tests::doubling", DOUBLING, 2..=1_600);
}

#[test]
fn nothing_to_end_is_proved_at_once() {
    if !alone("seam::tree::tests::nothing_to_end_is_proved_at_once") {
        return;
    }
    let ended = end_descendants(None, Duration::ZERO, &mut |_, _| panic!("nobody to reap"));
    assert!(ended.proven && ended.killed == 0 && ended.left.is_empty());
}

#[test]
fn the_statuses_are_handed_over() {
    if !alone("seam::tree::tests::the_statuses_are_handed_over") {
        return;
    }
    use std::os::unix::process::ExitStatusExt;
    // A shell may run its command as a child, which comes to us when the shell is killed.
    reap::become_subreaper().unwrap();
    let start = |script: &str| Command::new("/bin/sh").args(["-c", script]).spawn().unwrap().id();
    let (seven, realtime, killed) = (start("exit 7"), start("kill -40 $$"), start("sleep 1000"));
    let zombie = |id: u32| procfs::stat(i32::try_from(id).unwrap()).is_ok_and(|stat| stat.state == b'Z');
    assert!(soon(|| zombie(seven) && zombie(realtime)));
    let mut found = std::collections::HashMap::new();
    let ended = end_descendants(None, BOUND, &mut |pid, status| {
        found.insert(u32::try_from(pid).unwrap(), (status.code(), status.signal()));
    });
    assert_eq!(found[&seven], (Some(7), None));
    assert_eq!(found[&realtime], (None, Some(40)), "a signal without a name loses no status");
    assert_eq!(found[&killed], (None, Some(9)));
    assert!(ended.proven);
    let usage = reap::usage().unwrap();
    assert!(usage.max_rss_kib > 0);
}

#[test]
fn what_outlives_the_budget_is_named() {
    if !alone("seam::tree::tests::what_outlives_the_budget_is_named") {
        return;
    }
    reap::become_subreaper().unwrap();
    let mut zoo = Zoo::start(SETSID);
    let ended = end_descendants(None, Duration::ZERO, &mut |_, _| {});
    assert!(!ended.proven);
    let names: Vec<&str> = ended.left.iter().map(|one| one.name.as_str()).collect();
    assert!(names.contains(&"sh") && names.contains(&"sleep"), "{names:?}");
    assert_eq!(ended.left[0].identity, identity_of(ended.left[0].identity.pid).unwrap());
    assert!(end_descendants(None, BOUND, &mut |_, _| {}).proven);
    assert!(zoo.all_gone());
}

#[test]
fn without_a_proc_of_ours_nothing_is_rounded_to_zero() {
    const NAME: &str = "seam::tree::tests::without_a_proc_of_ours_nothing_is_rounded_to_zero";
    if !inner(NAME) {
        if !is_root() {
            return say("not root: no pid namespace, foreign /proc not tried");
        }
        assert!(again(NAME, &["unshare", "--pid", "--fork", "--kill-child"], "").status().unwrap().success());
        return;
    }
    assert_eq!(proc_doubt(), Some(Doubt::ForeignProc));
    let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
    let ended = end_descendants(None, Duration::from_millis(20), &mut |_, _| {});
    assert!(!ended.proven && ended.left.is_empty());
    assert!(child.try_wait().unwrap().is_none(), "numbers of another namespace are not signalled");
    child.kill().unwrap();
    assert!(end_descendants(None, BOUND, &mut |_, _| {}).proven);
}

#[test]
fn as_nobody_too() {
    const NAME: &str = "seam::tree::tests::as_nobody_too";
    if !inner(NAME) {
        if !is_root() {
            return say("not root: the other tests are this one");
        }
        let through = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        assert!(again(NAME, &through, "").status().unwrap().success());
        return;
    }
    assert_eq!(
        Cgroup::plan("refloat-test-nobody").and_then(|path| Cgroup::make(&path)).unwrap_err(),
        crate::seam::cgroup::NoCgroup::Denied
    );
    ends(DOUBLE_FORK, None, 5);
}

#[test]
fn the_group_of_the_agent_is_not_ours() {
    if !alone("seam::tree::tests::the_group_of_the_agent_is_not_ours") {
        return;
    }
    reap::become_subreaper().unwrap();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "trap 'sleep 1000' EXIT; setsid sleep 1000 & echo ready; kill -9 0"]).process_group(0);
    let mut zoo = Zoo::start_with(&mut command);
    assert!(end_descendants(None, BOUND, &mut |_, _| {}).proven);
    assert!(zoo.all_gone());
}
