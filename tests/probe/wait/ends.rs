//! How a wait ends before what it waits for: its time, a signal, a reader that went; and what it costs until then.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{asleep, ended, injected, record, wait, words};
use crate::contract::Home;

#[test]
fn a_signal_ends_it_without_a_word() {
    let home = Home::new();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let waiter = asleep(wait(&home, &["file", "none", "exists", "--timeout", "60s"]));
        kill(Pid::from_raw(waiter.id().cast_signed()), signal).unwrap();
        let output = waiter.wait_with_output().unwrap();
        assert_eq!(output.status.signal(), Some(signal as i32));
        assert_eq!((output.stdout, output.stderr), (Vec::new(), Vec::new()));
    }
    let script = format!("{} wait file none exists & kill -TERM $!; wait $!; echo $?", env!("CARGO_BIN_EXE_probe"));
    let said = home.bare("sh", ["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8(said.stdout).unwrap(), "143\n", "128 + 15 in a shell");
}

/// The code is the answer for a shell: it does not depend on who reads the record.
#[test]
fn a_reader_that_has_gone_changes_nothing() {
    let home = Home::new();
    let mut command = wait(&home, &["file", "file", "exists", "--timeout", "60s"]);
    let mut waiter = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(waiter.stdout.take());
    super::sleeping(&waiter);
    fs::write(home.path("home/file"), "").unwrap();
    let output = waiter.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn the_time_is_up_after_one_more_look() {
    let home = Home::new();
    let end = record(wait(&home, &["file", "none", "exists", "--timeout", "300ms"]), 75);
    assert_eq!((words(&end), &end["looks"]), (["timeout", "no_file", "null"], &2.into()));
    assert!(end["waited_ms"].as_i64().unwrap() >= 300, "{end}");
    let end = record(wait(&home, &["file", "none", "exists", "--timeout", "0s"]), 75);
    assert_eq!(end["looks"], 1);
    home.probe(&["-q", "wait", "file", "none", "exists", "--timeout", "0s"]).failed(75, "none is not there");
}

/// Nine seconds of sleep: the first look, the one of the backstop after five, the last. (A busy machine may let the first take
/// up to four.) Nobody polls in between, nothing is written, and the state file is never opened for writing, and not once more while nobody writes to it.
#[test]
fn it_sleeps_in_the_kernel_and_writes_nothing_but_its_record() {
    let home = Home::new();
    home.turn(&["adopt", "--agent", "lead", "--pid", &std::process::id().to_string()]).silent(0);
    let before = home.dump();
    let rows: [(&str, &[&str]); 3] =
        [("file", &["file", "none", "exists"]), ("run", &["run", "lead", "ended"]), ("pid", &["pid-exit", "1"])];
    let waiters = rows.map(|(name, args)| {
        let log = home.path(&format!("{name}.trace"));
        let strace = ["-f", "-qq", "-y", "-o", log.to_str().unwrap(), env!("CARGO_BIN_EXE_probe"), "wait"];
        let mut command = home.bare("strace", [&strace[..], args, &["--timeout", "9s"]].concat());
        command.env("REFLOAT_STATE", home.state()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().ok()
    });
    for (waiter, (name, _)) in waiters.into_iter().zip(rows) {
        let Some(waiter) = waiter else { return };
        let output = waiter.wait_with_output().unwrap();
        // Where nobody may trace there is nothing to see.
        let Some(75) = output.status.code() else { return };
        let end: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&end["looks"], &end["polled"]), (&3.into(), &false.into()), "{name}: {end}");
        let trace = fs::read_to_string(home.path(&format!("{name}.trace"))).unwrap();
        let sleeps = trace.lines().filter(|line| line.contains(" ppoll(") && !line.contains("tv_sec=0, tv_nsec=0}"));
        assert_eq!((sleeps.count(), trace.matches("nanosleep(").count()), (2, 0), "{name}: {trace}");
        let calls =
            ["write", "pwrite64", "writev", "ftruncate", "unlink", "rename", "mkdir"].map(|call| format!(" {call}("));
        let writes = trace.lines().filter(|line| calls.iter().any(|call| line.contains(call)));
        let made = trace.lines().filter(|line| line.contains("O_CREAT"));
        let opened = trace.lines().filter(|line| line.contains(" openat(") && line.contains("state.db-wal\""));
        assert_eq!(opened.count(), usize::from(name == "run"), "{name}: {trace}");
        // SQLite's shared memory beside a state file that is there is SQLite's.
        let ours = |line: &&str| !["write(1<", "write(2<", "state.db-"].iter().any(|theirs| line.contains(theirs));
        assert_eq!(writes.chain(made).filter(ours).collect::<Vec<_>>(), Vec::<&str>::new(), "{name}");
    }
    assert_eq!(home.dump(), before);
}

/// What cannot be told now may be told later: no free descriptor is no end of a process, and no reason to give up.
#[test]
fn an_instrument_that_fails_for_a_moment_is_asked_again() {
    let home = Home::new();
    let Some(blind) = injected(&home, "pidfd_open:error=ENOSYS", &["pid-exit", "1", "--timeout", "60s"]) else {
        return;
    };
    assert_eq!(words(&record(blind, 69)), ["unknown", "not_supported", "null"]);
    let mut child = home.bare("sleep", ["600"]).spawn().unwrap();
    let pid = child.id().to_string();
    let for_a_moment = "pidfd_open:error=EMFILE:when=1..2";
    let command = injected(&home, for_a_moment, &["pid-exit", &pid, "--timeout", "60s"]).unwrap();
    let waiter = super::piped(command).spawn().unwrap();
    let looks = || fs::read_to_string(home.path("trace")).unwrap_or_default().matches("pidfd_open(").count();
    crate::stage::until("the third look", || looks() >= 3);
    child.kill().unwrap();
    let end = ended(waiter, 0);
    assert_eq!((&end["outcome"], &end["polled"]), (&"met".into(), &true.into()), "{end}");
    child.wait().unwrap();
}
