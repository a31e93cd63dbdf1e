//! `pid-exit`: the end of a process, told by its pidfd; and what is none.

use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use refloat::identity::Identity;

use super::{asleep, ended, record, wait, words};
use crate::contract::{Home, is_root};

/// More than any kernel gives out (PID_MAX_LIMIT, 2^22).
const NOBODY: &str = "4194305";

fn sleeper(home: &Home) -> Child {
    home.bare("sleep", ["600"]).spawn().unwrap()
}

fn end(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn identity(of: &Child) -> Identity {
    refloat::seam::process::identity_of(of.id().cast_signed()).unwrap()
}

fn json(identity: &Identity) -> String {
    serde_json::to_string(identity).unwrap()
}

#[test]
fn the_end_of_a_process_wakes_it_also_while_its_parent_has_not_asked() {
    let home = Home::new();
    let mut child = sleeper(&home);
    let pid = child.id().to_string();
    let identity = json(&identity(&child));
    let waiters = [&pid, &identity].map(|who| asleep(wait(&home, &["pid-exit", who, "--timeout", "60s"])));
    child.kill().unwrap();
    for waiter in waiters {
        let end = ended(waiter, 0);
        assert_eq!((words(&end), &end["polled"]), (["met", "zombie", "notice"], &false.into()), "{end}");
        assert_eq!(end["looks"], 2);
    }
    assert_eq!(words(&record(wait(&home, &["pid-exit", &pid]), 0)), ["met", "zombie", "null"]);
    child.wait().unwrap();
    let end = record(wait(&home, &["pid-exit", &identity]), 0);
    assert!(["no_such_process", "pid_reused"].contains(&end["reason"].as_str().unwrap()), "{end}");
}

#[test]
fn a_process_that_is_none_has_ended_already() {
    let home = Home::new();
    let end = record(wait(&home, &["pid-exit", NOBODY]), 0);
    assert_eq!((words(&end), &end["looks"]), (["met", "no_such_process", "null"], &1.into()));
    assert_eq!((&end["condition"], &end["subject"]), (&"pid_exit".into(), &NOBODY.into()));
}

#[test]
fn a_number_that_another_process_has_now_is_the_end_of_the_one_that_is_meant() {
    let home = Home::new();
    let mut child = sleeper(&home);
    let mut other = identity(&child);
    other.start_ticks += 1;
    let end = record(wait(&home, &["pid-exit", &json(&other)]), 0);
    assert_eq!((words(&end), &end["looks"]), (["met", "pid_reused", "null"], &1.into()));
    self::end(&mut child);
}

/// It lives, and does not move.
#[test]
fn a_stopped_process_has_not_ended() {
    let home = Home::new();
    let mut child = sleeper(&home);
    let pid = child.id().to_string();
    let number = Pid::from_raw(child.id().cast_signed());
    kill(number, Signal::SIGSTOP).unwrap();
    crate::stage::until("the stop", || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") T "));
    let end = record(wait(&home, &["pid-exit", &pid, "--timeout", "0s"]), 75);
    assert_eq!((words(&end), &end["looks"]), (["timeout", "stopped", "null"], &1.into()));
    let waiter = asleep(wait(&home, &["pid-exit", &pid, "--timeout", "60s"]));
    child.kill().unwrap();
    assert_eq!(words(&ended(waiter, 0)), ["met", "zombie", "notice"]);
    child.wait().unwrap();
}

/// Nothing that is done there is ever told here: it says so, and does not wait for ever.
#[test]
fn what_lives_elsewhere_is_unknown_at_once() {
    let home = Home::new();
    let mut child = sleeper(&home);
    let here = identity(&child);
    let host = Identity { machine: "0123456789abcdef0123456789abcdef".into(), ..here.clone() };
    let boot = Identity { machine: String::new(), boot: "other".into(), ..here.clone() };
    let namespace = Identity { pid_ns: here.pid_ns + 1, ..here.clone() };
    // Without a machine-id no host can be told from another.
    let host = (!here.machine.is_empty()).then_some((host, "other_host"));
    for (who, why) in [(boot, "other_boot"), (namespace, "other_namespace")].into_iter().chain(host) {
        let end = record(wait(&home, &["pid-exit", &json(&who), "--timeout", "60s"]), 69);
        assert_eq!((words(&end), &end["looks"]), (["unknown", why, "null"], &1.into()));
    }
    end(&mut child);
}

/// Nobody may signal it, and everybody may wait for it.
#[test]
fn a_process_of_another_user_is_waited_for() {
    let home = Home::new();
    let mut command = match is_root() {
        false => wait(&home, &["pid-exit", "1", "--timeout", "0s"]),
        true => {
            let user = ["--reuid=65534", "--regid=65534", "--clear-groups", env!("CARGO_BIN_EXE_probe")];
            home.bare("setpriv", [&user[..], &["wait", "pid-exit", "1", "--timeout", "0s"]].concat())
        }
    };
    command.current_dir("/");
    assert_eq!(words(&record(command, 75)), ["timeout", "running", "null"]);
}

#[test]
fn all_who_wait_for_one_process_are_woken_by_its_one_end() {
    let home = Home::new();
    let mut child = sleeper(&home);
    let pid = child.id().to_string();
    let begin = |_| wait(&home, &["pid-exit", &pid, "--timeout", "60s"]).spawn().unwrap();
    let waiters: Vec<Child> = (0..64).map(begin).collect();
    waiters.iter().for_each(super::sleeping);
    child.kill().unwrap();
    for waiter in waiters {
        let by = ended(waiter, 0)["woken_by"].clone();
        assert_eq!(by, "notice");
    }
    child.wait().unwrap();
}

/// A process that hides its neighbours from `/proc` hides no number from the kernel.
#[test]
fn a_number_that_proc_does_not_show_is_waited_for_all_the_same() {
    if !is_root() {
        return;
    }
    let home = Home::new();
    let mut child = sleeper(&home);
    let probe = env!("CARGO_BIN_EXE_probe");
    let script = format!(
        "mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid=65534 --regid=65534 --clear-groups \
         {probe} wait pid-exit {} --timeout 0s",
        child.id()
    );
    let mut command: Command = home.bare("unshare", ["--mount", "sh", "-c", &script]);
    let output = command.current_dir("/").stdout(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    // Where nothing may be mounted there is nothing to see.
    if output.status.code() == Some(75) || !said.is_empty() {
        assert!(said.contains(r#""outcome":"timeout","reason":"running""#), "{said}");
    }
    end(&mut child);
}
