//! What processes do, and what is found of them while they do it.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Sleeper, assert_found, identity_of, seen, seen_through, started, started_otherwise};
use crate::adopted::{start_ticks_of, state_of};
use crate::contract::Home;
use crate::support::until;

const ALIVE: &str = "yes alive running";
const GONE: &str = "no dead no_such_process";

/// How a script records whom it has started.
#[test]
fn the_identity_that_it_prints_can_be_given_back_for_ever() {
    let home = Home::new();
    let mut sleeper = Sleeper::start(&home);
    until("its program", || seen(&home, &sleeper.text())["detail"]["name"] == "sleep");
    let by_number = seen(&home, &sleeper.text());
    assert_found(&by_number, ALIVE);
    let detail = &by_number["detail"];
    assert_eq!((&detail["pid"], &detail["stopped"]), (&sleeper.pid().into(), &false.into()));
    assert_eq!(detail["start_ticks"], start_ticks_of(sleeper.pid()));
    assert_eq!(detail["identity_unproven"], true, "a number alone proves nothing");
    let identity = identity_of(&by_number);
    let parts: Vec<&str> = identity.split(['@', '/']).collect();
    assert_eq!(parts[0], started(sleeper.pid()));
    let object = serde_json::json!({"pid": sleeper.pid(), "start_ticks": start_ticks_of(sleeper.pid()), "machine": parts[1],
        "boot": parts[2], "pid_ns": parts[3].parse::<u64>().unwrap(), "time_ns": parts[4].parse::<u64>().unwrap()});
    let names = [identity.clone(), started(sleeper.pid()), object.to_string()];
    for name in &names {
        let found = seen(&home, name);
        assert_found(&found, ALIVE);
        assert_eq!((&found["detail"]["identity_unproven"], identity_of(&found)), (&false.into(), identity.clone()));
    }
    sleeper.kill();
    for name in names.iter().chain([&sleeper.text()]) {
        let found = seen(&home, name);
        assert_found(&found, "no dead zombie");
        assert_eq!((identity_of(&found), &found["detail"]["stopped"]), (identity.clone(), &().into()), "{found}");
    }
    sleeper.0.wait().unwrap();
    for name in &names {
        assert_found(&seen(&home, name), GONE);
        assert_eq!(identity_of(&seen(&home, name)), identity);
    }
    let gone = seen(&home, &sleeper.text());
    assert_found(&gone, GONE);
    assert_eq!((&gone["detail"]["errno"], &gone["detail"]["identity"]), (&"ESRCH".into(), &().into()));
}

#[test]
fn who_asks_for_itself_lives() {
    let home = Home::new();
    let found = seen_through(&home, &["sh", "-c", "exec \"$0\" \"$1\" ${2:+$$}"], "x").unwrap();
    assert_found(&found, ALIVE);
    assert_eq!(found["detail"]["name"], "probe");
}

#[test]
fn what_is_stopped_or_traced_lives() {
    let home = Home::new();
    let sleeper = Sleeper::start(&home);
    let signal = |pid: i64, signal| kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
    signal(sleeper.pid(), Signal::SIGSTOP);
    until("its stop", || sleeper.is_at('T'));
    for name in [sleeper.text(), started(sleeper.pid())] {
        let found = seen(&home, &name);
        assert_found(&found, "yes alive stopped");
        assert_eq!(found["detail"]["stopped"], true);
    }
    signal(sleeper.pid(), Signal::SIGCONT);
    until("its way on", || !sleeper.is_at('T'));
    assert_found(&seen(&home, &sleeper.text()), ALIVE);
    if !crate::support::can_trace() {
        return;
    }
    // A tracer that is stopped itself leaves what it traces where it is.
    let trace = ["-qq", "-o", "/dev/null", "dd", "if=/dev/zero", "of=/dev/null", "bs=1"];
    let tracer = Sleeper(home.bare("strace", trace).spawn().unwrap());
    let children = format!("/proc/{0}/task/{0}/children", tracer.pid());
    // strace tries with short-lived children what it may do.
    let is_dd = |pid: &i64| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "dd\n");
    let traced = || {
        let text = std::fs::read_to_string(&children).unwrap();
        text.split_whitespace().filter_map(|pid| pid.parse().ok()).find(is_dd)
    };
    until("what is traced", || traced().is_some());
    let traced = traced().unwrap();
    // Only in a call it is where a tracer stops it.
    until("the stop of what is traced", || {
        signal(tracer.pid(), Signal::SIGSTOP);
        until("the stop of the tracer", || tracer.is_at('T'));
        let stopped = (0..100).any(|_| state_of(traced).unwrap().0 == 't');
        if !stopped {
            signal(tracer.pid(), Signal::SIGCONT);
        }
        stopped
    });
    assert_found(&seen(&home, &started(traced)), "yes alive stopped");
    home.family.kill();
}

/// bmad 66: the number was given to another process.
#[test]
fn another_process_with_its_number_is_not_it() {
    let home = Home::new();
    let sleeper = Sleeper::start(&home);
    let identity = started_otherwise(&identity_of(&seen(&home, &sleeper.text())));
    let found = seen(&home, &identity);
    assert_found(&found, "no dead pid_reused");
    assert_eq!(identity_of(&found), identity, "the one that was asked for");
    assert_eq!(found["detail"]["start_ticks"], start_ticks_of(sleeper.pid()), "the one that was found");
    assert_found(
        &seen(&home, &started_otherwise(&format!("{}@", started(sleeper.pid()))).replace('@', "")),
        "no dead pid_reused",
    );
    let unread = format!("{}:0", sleeper.pid());
    let unknown = seen(&home, &unread);
    assert_found(&unknown, "unknown unknown start_unknown");
    assert_eq!(unknown["detail"]["identity_unproven"], true);
}

/// In a pid namespace of its own the kernel can be told which number it gives next.
#[test]
fn a_number_that_is_given_out_again_is_another_process() {
    let home = Home::new();
    let script = r#"
        identity() { sed 's/.*"identity":"\([^"]*\)".*/\1/'; }
        sleep 1000 & first=$!
        who=$("$0" pid $first | identity)
        kill -9 $first; wait $first
        while :; do
            echo $((first - 1)) >/proc/sys/kernel/ns_last_pid
            sleep 1000 & second=$!
            now=$("$0" pid $second | identity)
            [ $second != $first ] || [ "$now" = "$who" ] || break
            kill -9 $second; wait $second
        done
        "$0" pid "$who"; "$0" pid $first; "$0" pid "$now"; kill -9 $second"#;
    let through = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c"];
    let made = home.bare(through[0], [&through[1..], &["true"]].concat()).output();
    if !made.is_ok_and(|made| made.status.success()) {
        return println!("skipped: no pid namespace can be made here");
    }
    let probe = crate::contract::binary("probe");
    let said = crate::contract::Said::of(&mut home.bare(through[0], [&through[1..], &[script, probe]].concat()));
    let [reused, number, now] = said.with_code(0).records().try_into().unwrap();
    assert_found(&reused, "no dead pid_reused");
    assert_found(&number, ALIVE);
    assert_found(&now, ALIVE);
    assert_eq!((&number["detail"]["identity_unproven"], identity_of(&number)), (&true.into(), identity_of(&now)));
    assert_ne!(identity_of(&reused), identity_of(&now));
}

#[test]
fn the_number_of_a_thread_is_no_process() {
    let home = Home::new();
    let (tell, told) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        tell.send(nix::unistd::gettid().as_raw()).unwrap();
        let _ = ended.recv();
    });
    let number = told.recv().unwrap();
    let found = seen(&home, &number.to_string());
    assert_found(&found, GONE);
    assert_eq!(found["detail"]["thread_of"], std::process::id());
    assert_found(&seen(&home, &format!("{number}:1")), "no dead pid_reused");
    drop(end);
    thread.join().unwrap();
}

/// The letter is Z, and the process works on.
#[test]
fn a_process_whose_first_thread_has_ended_lives() {
    let home = Home::new();
    // SYS_exit ends a thread; exit(3) would end them all.
    let number = if cfg!(target_arch = "x86_64") { 60 } else { 93 };
    let script = format!("threads->create(sub {{ sleep 1000 }}); syscall({number}, 0);");
    let threads = home.bare("perl", ["-Mthreads", "-e", "1"]).output();
    if !threads.is_ok_and(|done| done.status.success()) {
        return println!("skipped: no perl with threads");
    }
    let sleeper = Sleeper(home.bare("perl", ["-Mthreads", "-e", &script]).spawn().unwrap());
    until("the end of its first thread", || sleeper.is_at('Z'));
    for name in [sleeper.text(), started(sleeper.pid())] {
        assert_found(&seen(&home, &name), ALIVE);
    }
}
