//! The process that a mark dies with: how it is named, when it is refused, and what becomes of the mark with it.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use super::seen::{how, id};
use crate::adopted::start_ticks_of;
use crate::contract::{Home, Said, binary, is_root, nobody};
use crate::probe::pid::Sleeper;
use crate::support::until;

/// What bash prints that has mark as `$0`.
fn bash(home: &Home, script: &str) -> Said {
    Said::of(home.bare("bash", ["-c", script, binary("mark")]).env("REFLOAT_STATE", home.state()))
}

#[test]
fn an_owner_is_named_by_its_number_or_as_the_caller_or_not_at_all() {
    let home = Home::new();
    let owner = Sleeper::start(&home);
    let mark = home.marked(&["set", "dispatch", "number", "--owner-pid", &owner.text()]);
    let identity = mark["owner"].as_str().unwrap();
    assert!(identity.starts_with(&format!("{}:{}@", owner.pid(), start_ticks_of(owner.pid()))), "{identity}");
    assert_eq!((&mark["owner_pid"], how(&mark)), (&json!(owner.pid()), "live running".into()));
    let host = home.probe(&["pid", identity]).silent(0).record("evidence")["host"].clone();
    assert_eq!(mark["host"], host);
    for word in ["parent", "self"] {
        let mark = home.marked(&["set", "dispatch", word, "--owner-pid", word]);
        assert_eq!(mark["owner_pid"], std::process::id(), "mark itself is over at once: its caller is meant");
    }
    let mark = home.marked(&["set", "dispatch", "none", "--owner-pid", "none"]);
    assert_eq!((&mark["owner_pid"], &mark["ttl_ms"]), (&json!(null), &json!(4 * 3_600_000)));
}

/// Each script prints the mark that it has set, then how that stands while bash lives; after it every owner is gone.
#[test]
fn a_script_is_the_owner_in_every_way_that_it_calls_mark() {
    for (way, owner, then) in [
        (r#""$0" set dispatch b --owner-pid $$"#, true, "live running"),
        (r#""$0" set dispatch b --owner-pid parent"#, true, "live running"),
        (r#"m=$("$0" set dispatch b --owner-pid parent); echo "$m""#, true, "live running"),
        (r#"m=$("$0" set dispatch b --owner-pid $$ | cat); echo "$m""#, true, "live running"),
        // A subshell that waits for the pipeline: over with it. --help warns of it.
        (r#"m=$("$0" set dispatch b --owner-pid parent | cat); echo "$m""#, false, "stale no_such_process"),
        (r#"("$0" set dispatch b --owner-pid parent; true)"#, false, "stale no_such_process"),
    ] {
        let home = Home::new();
        let said = bash(&home, &format!("{way}; \"$0\" show k1; echo $$ >&2")).with_code(0);
        let (pid, marks): (i64, _) = (said.err.trim().parse().unwrap(), said.records());
        assert_eq!(marks[0]["owner_pid"] == pid, owner, "{way}: {marks:?}");
        assert_eq!((how(&marks[0]), how(&marks[1])), ("live running".into(), then.to_owned()), "{way}");
        assert_eq!(home.stands("k1"), "stale no_such_process", "{way}");
    }
}

#[test]
fn an_owner_stays_the_same_when_it_becomes_another_program() {
    let home = Home::new();
    let script = r#""$0" set dispatch b --owner-pid $$ && exec sleep 1000"#;
    let mut command = home.bare("bash", ["-c", script, binary("mark")]);
    let child = command.env("REFLOAT_STATE", home.state()).stdout(std::process::Stdio::null()).spawn().unwrap();
    let mut owner = Sleeper(child);
    let program = format!("/proc/{}/comm", owner.pid());
    until("its other program", || std::fs::read_to_string(&program).is_ok_and(|name| name == "sleep\n"));
    assert_eq!(home.stands("k1"), "live running");
    assert_eq!(home.marked(&["show", "k1"])["owner_pid"], owner.pid());
    owner.kill();
    assert_eq!(home.stands("k1"), "stale zombie", "nobody has asked for its end yet");
    // mark in its place: whoever called the shell is the caller.
    let said = bash(&home, r#"exec "$0" set dispatch c --owner-pid parent"#).silent(0).record("mark");
    assert_eq!(said["owner_pid"], std::process::id());
}

#[test]
fn what_is_stopped_lives_and_what_is_dead_is_gone_whatever_the_ttl() {
    let home = Home::new();
    let mut owner = Sleeper::start(&home);
    home.marked(&["set", "dispatch", "b", "--owner-pid", &owner.text(), "--ttl", "7d"]);
    home.marked(&["set", "dispatch", "other", "--owner-pid", "self"]);
    kill(Pid::from_raw(owner.pid().try_into().unwrap()), Signal::SIGSTOP).unwrap();
    until("its stop", || owner.is_at('T'));
    assert_eq!(home.stands("k1"), "live stopped");
    home.mark(&["set", "dispatch", "b"]).failed(75, "is live");
    owner.kill();
    assert_eq!(home.stands("k1"), "stale zombie");
    owner.0.wait().unwrap();
    assert_eq!(home.stands("k1"), "stale no_such_process");
    assert_eq!(home.stands("k2"), "live running");
    home.sql("UPDATE mark SET owner = json_set(owner, '$.start_ticks', json_extract(owner, '$.start_ticks') + 1)");
    assert_eq!(home.stands("k2"), "stale pid_reused");
}

#[test]
fn an_owner_that_is_gone_is_refused_unless_that_is_meant() {
    let home = Home::new();
    let mut owner = Sleeper::start(&home);
    owner.kill();
    let set = ["set", "dispatch", "b", "--owner-pid", &owner.text()];
    let said = home.mark(&set).failed(76, "is gone already: zombie");
    assert!(said.err.contains("--even-if-gone sets it all the same"), "{said:?}");
    owner.0.wait().unwrap();
    home.mark(&set).failed(76, "is gone already: no_such_process");
    assert!(!home.state().parent().unwrap().exists(), "nothing was done");
    let mark = home.marked(&[&set[..], &["--even-if-gone"]].concat());
    assert_eq!((how(&mark), &mark["owner_pid"]), ("stale no_such_process".into(), &json!(owner.pid())));
    // It is stale: the next one has it.
    assert_eq!(id(&home.marked(&["set", "dispatch", "b", "--owner-pid", "self", "--even-if-gone"])), "k2");
    assert_eq!(home.stands("k2"), "live running");
}

/// Neither refused as gone nor taken for one that lives.
#[test]
fn an_owner_that_cannot_be_looked_at_is_unknown() {
    let home = Home::new();
    let owner = Sleeper::start(&home);
    let set = ["set", "dispatch", "b", "--owner-pid", &owner.text(), "--even-if-gone"];
    if let Some(said) = home.through(&["unshare", "--pid", "--fork", "--kill-child"], "mark", &set) {
        said.failed(69, "cannot be looked at: foreign_proc");
    }
    // In there it is the first process, and its parent is outside.
    let apart = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
    if let Some(said) = home.through(&apart, "mark", &["set", "dispatch", "b", "--owner-pid", "parent"]) {
        said.failed(69, "the process that calls mark cannot be seen from here");
    }
    assert!(!home.state().parent().unwrap().exists(), "nothing was done");
    home.marked(&["set", "dispatch", "b", "--owner-pid", &owner.text()]);
    if let Some(said) = home.through(&apart, "mark", &["list"]) {
        assert_eq!(how(&said.silent(0).record("mark")), "unknown other_namespace");
    }
    if !is_root() {
        return println!("skipped: not root, no hidden process to look at");
    }
    let mut hidden = nobody(&home, "mark", &set);
    let words: Vec<_> = hidden.get_args().map(std::ffi::OsStr::to_owned).collect();
    let mut apart = home.bare("unshare", ["--mount", "sh", "-c"]);
    apart.arg("mount -t proc -o hidepid=2 proc /proc && exec setpriv \"$@\"").arg("sh").args(words);
    let state = home.path("nobody/state.db");
    let said = Said::of(apart.env("REFLOAT_STATE", &state).current_dir(home.path("nobody")));
    said.failed(69, "cannot be looked at: hidden");
    assert!(!state.exists());
    Said::of(&mut hidden).silent(0);
}

/// Another's word of who it was there, and a look from here.
#[test]
fn an_owner_of_another_host_boot_or_namespace_is_unknown_until_its_time_is_over() {
    let home = Home::new();
    let owner = Sleeper::start(&home);
    let seen = home.marked(&["set", "dispatch", "b", "--owner-pid", &owner.text(), "--ttl", "1h"]);
    let machine = seen["host"].clone();
    let stored = |change: &str| {
        home.sql(&format!("UPDATE mark SET owner = {change}"));
        let found = home.stands("k1");
        home.sql(&format!(
            "UPDATE mark SET owner = json_set(owner, '$.machine', '{}')",
            machine.as_str().unwrap_or("")
        ));
        found
    };
    if !machine.is_null() {
        let other = stored("json_set(owner, '$.machine', '0123456789abcdef0123456789abcdef')");
        assert_eq!(other, "unknown other_host");
    }
    assert_eq!(home.stands("k1"), "live running");
    home.sql("UPDATE mark SET owner = json_set(owner, '$.boot', '')");
    assert_eq!(home.stands("k1"), "unknown other_boot");
    home.sql("UPDATE mark SET owner = json_set(owner, '$.pid_ns', 1)");
    home.mark(&["check", "dispatch", "--exit-code"]).silent(69);
    super::seen::aged(&home, 3_600_000);
    assert_eq!(home.stands("k1"), "stale over_clock", "nobody waits for ever");
}

/// In a pid namespace of its own the kernel can be told which number it gives next.
#[test]
fn a_number_that_is_given_out_again_is_not_the_owner() {
    let home = Home::new();
    let script = r#"
        sleep 1000 & first=$!
        "$0" set dispatch b --owner-pid $first >/dev/null || exit
        started=$(cut -d' ' -f22 /proc/$first/stat)
        kill -9 $first; wait $first 2>/dev/null
        while :; do
            echo $((first - 1)) >/proc/sys/kernel/ns_last_pid
            sleep 1000 & second=$!
            [ $second != $first ] || [ $(cut -d' ' -f22 /proc/$second/stat) = $started ] || break
            kill -9 $second; wait $second 2>/dev/null
        done
        "$0" show k1; "$0" set dispatch b --owner-pid $second; "$0" show k2; kill -9 $second"#;
    let through = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "bash", "-c"];
    let made = home.bare(through[0], [&through[1..], &["true"]].concat()).output();
    if !made.is_ok_and(|made| made.status.success()) {
        return println!("skipped: no pid namespace can be made here");
    }
    let mut command = home.bare(through[0], [&through[1..], &[script, binary("mark")]].concat());
    let marks = Said::of(command.env("REFLOAT_STATE", home.state())).with_code(0).records();
    let seen: Vec<String> = marks.iter().map(|mark| format!("{} {}", id(mark), how(mark))).collect();
    assert_eq!(seen, ["k1 stale pid_reused", "k2 live running", "k2 live running"]);
    assert_eq!(marks[0]["owner_pid"], marks[1]["owner_pid"]);
}

#[test]
fn marks_of_many_owners_are_told_apart() {
    let home = Home::new();
    let mut owners: Vec<Sleeper> = (0..8).map(|_| Sleeper::start(&home)).collect();
    for (number, owner) in owners.iter().enumerate() {
        home.marked(&["set", "dispatch", &format!("b{number}"), "--owner-pid", &owner.text()]);
        home.marked(&["set", "note", &format!("b{number}"), "--owner-pid", &owner.text()]);
    }
    owners[3].kill();
    owners[5].kill();
    let stale = home.mark(&["list", "--stale"]).silent(0).records();
    assert_eq!(super::seen::names(&stale), ["b3", "b3", "b5", "b5"]);
    assert_eq!(home.mark(&["list", "--live"]).silent(0).records().len(), 12);
}
