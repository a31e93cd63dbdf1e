//! The process instrument against real processes in every condition that its words name.

use std::process::{Child, Command, Stdio};

use super::*;
use crate::seam::support::{self, again, inner, is_root, say, soon, told};

struct Sleeper(Child);

impl Sleeper {
    fn start() -> Self {
        Self(Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap())
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }

    fn identity(&self) -> Identity {
        identity_of(self.pid()).unwrap()
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const ALIVE: Life = Life::Alive { stopped: false };

#[test]
fn this_process_lives() {
    let me = me();
    assert_eq!(look(&me), ALIVE);
    assert!(me.start_ticks > 0 && me.pid_ns > 0 && me.boot.len() == 36);
    assert_eq!(me.pid, own_pid());
}

#[test]
fn a_child_lives_becomes_a_zombie_and_is_gone() {
    let mut child = Sleeper::start();
    let who = child.identity();
    assert_eq!(look(&who), ALIVE);
    let handle = Handle::open(&who).unwrap();
    assert!(!handle.ended(Duration::from_millis(5)).unwrap());
    handle.signal(Signal::SIGKILL).unwrap();
    assert!(handle.ended(support::BOUND).unwrap());
    assert_eq!(look(&who), Life::Dead(Death::Zombie));
    assert_eq!(Handle::open(&who).unwrap_err(), Life::Dead(Death::Zombie));
    assert!(handle.signal(Signal::SIGKILL).is_ok(), "a zombie takes signals: Ok proves nothing");
    child.0.wait().unwrap();
    assert_eq!(look(&who), Life::Dead(Death::NoSuchProcess));
    assert_eq!(handle.signal(Signal::SIGKILL).unwrap_err().raw_os_error(), Some(Errno::SRCH.raw_os_error()));
    assert!(handle.ended(Duration::ZERO).unwrap());
}

#[test]
fn a_stopped_process_lives() {
    let child = Sleeper::start();
    let who = child.identity();
    Handle::open(&who).unwrap().signal(Signal::SIGSTOP).unwrap();
    assert!(soon(|| look(&who) == Life::Alive { stopped: true }));
    Handle::open(&who).unwrap().signal(Signal::SIGCONT).unwrap();
    assert!(soon(|| look(&who) == ALIVE));
}

#[test]
fn another_start_time_is_another_process() {
    let child = Sleeper::start();
    let who = Identity { start_ticks: child.identity().start_ticks + 1, ..child.identity() };
    assert_eq!(look(&who), Life::Dead(Death::PidReused));
    assert_eq!(Handle::open(&who).unwrap_err(), Life::Dead(Death::PidReused));
}

#[test]
fn numbers_that_no_process_has() {
    for pid in [0, -1, i32::MIN, i32::MAX] {
        assert_eq!(look(&Identity { pid, ..me() }), Life::Dead(Death::NoSuchProcess), "{pid}");
    }
    assert!(identity_of(-1).is_err() && identity_of(i32::MAX).is_err());
}

#[test]
fn a_number_that_is_a_threads_now_has_no_process() {
    let (tell, told) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        tell.send(nix::unistd::gettid().as_raw()).unwrap();
        let _ = ended.recv();
    });
    let who = Identity { pid: told.recv().unwrap(), start_ticks: 1, ..me() };
    assert_eq!(look(&who), Life::Dead(Death::PidReused));
    drop(end);
    thread.join().unwrap();
}

#[test]
fn other_places() {
    let me = me();
    let other = "0123456789abcdef0123456789abcdef".to_owned();
    let boot = "00000000-0000-4000-8000-000000000000".to_owned();
    let host = Identity { machine: other, ..me.clone() };
    let pid_ns = Identity { pid_ns: 1, ..me.clone() };
    let time_ns = Identity { time_ns: 1, ..me.clone() };
    assert_eq!(look(&pid_ns), Life::Unknown(Doubt::OtherNamespace));
    assert_eq!(look(&time_ns), Life::Unknown(Doubt::OtherNamespace));
    let rebooted = Identity { boot, ..me.clone() };
    if me.machine.is_empty() {
        say("no machine-id here: hosts cannot be told apart, a reboot cannot be proved");
        assert_eq!(look(&rebooted), Life::Unknown(Doubt::OtherBoot));
        return;
    }
    assert_eq!(look(&host), Life::Unknown(Doubt::OtherHost));
    assert_eq!(look(&rebooted), Life::Dead(Death::Rebooted));
    let initial = Identity { pid_ns: rule::INITIAL_PID_NS, time_ns: rule::INITIAL_TIME_NS, ..rebooted.clone() };
    assert_eq!(look(&initial), Life::Dead(Death::Rebooted));
    for unproven in [
        Identity { machine: String::new(), ..rebooted.clone() },
        Identity { boot: String::new(), ..rebooted.clone() },
        Identity { pid_ns: 1, ..rebooted.clone() },
        Identity { time_ns: 1, ..rebooted },
    ] {
        assert_eq!(look(&unproven), Life::Unknown(Doubt::OtherBoot), "{unproven:?}");
    }
    assert_eq!(look(&Identity { machine: String::new(), ..me }), ALIVE, "boot and namespaces name the kernel");
}

#[test]
fn a_number_given_out_again() {
    const NAME: &str = "seam::process::tests::a_number_given_out_again";
    if !inner(NAME) {
        if !is_root() {
            return say("not root: no pid namespace, reuse not tried");
        }
        let through = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
        let outer = serde_json::to_string(&me()).unwrap();
        assert!(again(NAME, &through, &outer).status().unwrap().success());
        return;
    }
    let outer: Identity = serde_json::from_str(&told()).unwrap();
    assert_eq!(look(&outer), Life::Unknown(Doubt::OtherNamespace));
    let first = Sleeper::start();
    let who = first.identity();
    drop(first);
    // Start times are told in ticks of 10 ms.
    wait::pause(Duration::from_millis(50));
    for _ in 0..50 {
        std::fs::write("/proc/sys/kernel/ns_last_pid", (who.pid - 1).to_string()).unwrap();
        let second = Sleeper::start();
        if second.pid() == who.pid {
            assert_eq!(look(&who), Life::Dead(Death::PidReused));
            assert_eq!(look(&second.identity()), ALIVE);
            return;
        }
    }
    panic!("the number was not given out again");
}

#[test]
fn the_proc_of_another_namespace_is_not_believed() {
    const NAME: &str = "seam::process::tests::the_proc_of_another_namespace_is_not_believed";
    if !inner(NAME) {
        if !is_root() {
            return say("not root: no pid namespace, foreign /proc not tried");
        }
        assert!(again(NAME, &["unshare", "--pid", "--fork", "--kill-child"], "").status().unwrap().success());
        return;
    }
    let child = Sleeper::start();
    assert_eq!(look(&identity(child.pid(), 1)), Life::Unknown(Doubt::ForeignProc));
    assert_eq!(identity_of(child.pid()).unwrap_err().kind(), io::ErrorKind::Unsupported);
}

#[test]
fn somebody_elses_process_lives() {
    const NAME: &str = "seam::process::tests::somebody_elses_process_lives";
    if !inner(NAME) {
        let through = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        return as_nobody(NAME, &through);
    }
    let who: Identity = serde_json::from_str(&told()).unwrap();
    assert_eq!(look(&who), ALIVE);
    // SIGCONT may be sent to everybody in the session (kill(2)).
    let refused = Handle::open(&who).unwrap().signal(Signal::SIGURG).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    assert_eq!(look(&Identity { start_ticks: 1, ..who }), Life::Dead(Death::PidReused));
}

#[test]
fn a_hidden_process_is_unknown() {
    const NAME: &str = "seam::process::tests::a_hidden_process_is_unknown";
    if !inner(NAME) {
        let script =
            "mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$@\"";
        return as_nobody(NAME, &["unshare", "--mount", "sh", "-c", script, "sh"]);
    }
    let who: Identity = serde_json::from_str(&told()).unwrap();
    assert_eq!(look(&who), Life::Unknown(Doubt::Hidden));
    assert_eq!(look(&Identity { pid: i32::MAX, ..who }), Life::Dead(Death::NoSuchProcess));
}

fn as_nobody(name: &str, through: &[&str]) {
    if !is_root() {
        return say("not root: no other user's process to look at");
    }
    let who = serde_json::to_string(&me()).unwrap();
    assert!(again(name, through, &who).status().unwrap().success());
}

#[test]
fn a_full_descriptor_table_is_unknown() {
    const NAME: &str = "seam::process::tests::a_full_descriptor_table_is_unknown";
    if !support::alone(NAME) {
        return;
    }
    let who = me();
    let mut full = Vec::new();
    let error = loop {
        match std::fs::File::open("/dev/null") {
            Ok(file) => full.push(file),
            Err(error) => break error,
        }
    };
    assert_eq!(doubt_of(&error), Doubt::NoDescriptors);
    assert_eq!(look(&who), Life::Unknown(Doubt::NoDescriptors));
    // Room for the pidfd alone: the stat cannot be read.
    full.pop();
    assert_eq!(look(&who), Life::Unknown(Doubt::NoDescriptors));
    full.pop();
    assert_eq!(look(&who), ALIVE);
}

#[test]
#[ignore = "a measurement"]
fn measure_ten_thousand_looks() {
    let who = me();
    let before = Tick::now();
    (0..10_000).for_each(|_| assert_eq!(look(&who), ALIVE));
    let alive = Tick::now().since(before);
    let gone = Identity { pid: 4_000_000, ..who };
    let before = Tick::now();
    (0..10_000).for_each(|_| assert_eq!(look(&gone), Life::Dead(Death::NoSuchProcess)));
    say(&format!("10,000 looks: alive {alive:?}, gone {:?}", Tick::now().since(before)));
}
