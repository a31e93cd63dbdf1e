//! Where processes are and where they are looked at from: namespaces, boots, hosts, users, and what cannot be looked with.

use super::{Sleeper, assert_found, identity_of, seen, seen_through, started, started_otherwise};
use crate::contract::{Home, is_root};

const NOBODY: [&str; 4] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
const PID_NS: [&str; 5] = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
const TIME_NS: [&str; 5] = ["unshare", "--time", "--boottime", "1000", "--fork"];

/// An identity with one part of its place changed: machine-id, boot id, pid namespace, time namespace.
fn elsewhere(identity: &str, part: usize, to: &str) -> String {
    let (who, place) = identity.split_once('@').unwrap();
    let mut parts: Vec<&str> = place.split('/').collect();
    parts[part] = to;
    format!("{who}@{}", parts.join("/"))
}

const MACHINE: usize = 0;
const BOOT: usize = 1;
const PID: usize = 2;
const TIME: usize = 3;
const OTHER_BOOT: &str = "00000000-0000-4000-8000-000000000000";
const OTHER_MACHINE: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn another_namespace_is_unknown_from_both_sides() {
    let home = Home::new();
    let sleeper = Sleeper::start(&home);
    let identity = identity_of(&seen(&home, &sleeper.text()));
    for through in [PID_NS, TIME_NS] {
        let Some(outside) = seen_through(&home, &through, &identity) else { continue };
        assert_found(&outside, "unknown unknown other_namespace");
        assert_eq!(identity_of(&outside), identity);
        // A shell that lives while it looks, in there; and from here what it is called in there.
        let inside = seen_through(&home, &[&through[..], &["sh", "-c", "\"$@\"; exit", "sh"]].concat(), "1").unwrap();
        assert_found(&inside, "yes alive running");
        assert_found(&seen(&home, &identity_of(&inside)), "unknown unknown other_namespace");
    }
}

#[test]
fn numbers_mean_nothing_where_proc_is_anothers() {
    let home = Home::new();
    let sleeper = Sleeper::start(&home);
    let identity = identity_of(&seen(&home, &sleeper.text()));
    for name in [&identity, "1", &started(sleeper.pid())] {
        let Some(found) = seen_through(&home, &["unshare", "--pid", "--fork", "--kill-child"], name) else { return };
        assert_found(&found, "unknown unknown foreign_proc");
        let told = name == identity;
        assert_eq!(found["detail"]["identity"].is_string(), told, "{found}");
    }
}

#[test]
fn only_a_later_boot_of_the_same_machine_is_a_death() {
    let home = Home::new();
    let sleeper = Sleeper::start(&home);
    let here = seen(&home, &sleeper.text());
    let Some(machine) = here["host"].as_str() else { return println!("skipped: no machine-id here") };
    let identity = identity_of(&here);
    let rebooted = elsewhere(&identity, BOOT, OTHER_BOOT);
    assert!(rebooted.contains(machine));
    for (who, finding) in [
        (elsewhere(&identity, MACHINE, OTHER_MACHINE), "unknown unknown other_host"),
        (elsewhere(&identity, MACHINE, ""), "yes alive running"),
        (elsewhere(&identity, BOOT, ""), "unknown unknown other_boot"),
        (elsewhere(&identity, PID, "1"), "unknown unknown other_namespace"),
        (elsewhere(&identity, TIME, "1"), "unknown unknown other_namespace"),
        (rebooted.clone(), "no dead rebooted"),
        (started_otherwise(&rebooted), "no dead rebooted"),
        (elsewhere(&elsewhere(&rebooted, PID, "4026531836"), TIME, "4026531834"), "no dead rebooted"),
        (elsewhere(&rebooted, MACHINE, OTHER_MACHINE), "unknown unknown other_host"),
        (elsewhere(&rebooted, MACHINE, ""), "unknown unknown other_boot"),
        (elsewhere(&rebooted, PID, "1"), "unknown unknown other_boot"),
        (elsewhere(&rebooted, TIME, "1"), "unknown unknown other_boot"),
        (elsewhere(&rebooted, PID, "0"), "unknown unknown other_boot"),
    ] {
        let found = seen(&home, &who);
        assert_found(&found, finding);
        assert_eq!(identity_of(&found), who);
    }
}

#[test]
fn without_a_machine_id_no_reboot_is_proved() {
    let home = Home::new();
    let sleeper = Sleeper::start(&home);
    let identity = identity_of(&seen(&home, &sleeper.text()));
    let rebooted = elsewhere(&identity, BOOT, OTHER_BOOT);
    for content in ["", "uninitialized\n"] {
        let file = home.path("machine-id");
        std::fs::write(&file, content).unwrap();
        let script = format!("mount --bind {} /etc/machine-id && exec \"$@\"", file.display());
        let through = ["unshare", "--mount", "sh", "-c", &script, "sh"];
        let Some(found) = seen_through(&home, &through, &rebooted) else { return };
        assert_found(&found, "unknown unknown other_boot");
        assert!(found["host"].is_null(), "{found}");
        let known = seen_through(&home, &through, &identity).unwrap();
        assert_found(&known, "yes alive running");
        assert_found(
            &seen_through(&home, &through, &elsewhere(&identity, MACHINE, OTHER_MACHINE)).unwrap(),
            "yes alive running",
        );
        let told = super::through_to(&home, &through, &["host"]).unwrap().silent(0).record("evidence");
        assert_found(&told, "unknown unknown no_machine_id");
    }
}

/// It may not be signalled, which says nothing of its life.
#[test]
fn another_users_process_lives_and_its_identity_is_told() {
    let home = Home::new();
    if !is_root() {
        return println!("skipped: not root, nobody else's process to look at");
    }
    let sleeper = Sleeper::start(&home);
    let identity = identity_of(&seen(&home, &sleeper.text()));
    let found = seen_through(&home, &NOBODY, &identity).unwrap();
    assert_found(&found, "yes alive running");
    assert_eq!(found["detail"]["identity_unproven"], false);
    assert_found(&seen_through(&home, &NOBODY, &started_otherwise(&identity)).unwrap(), "no dead pid_reused");
}

#[test]
fn what_proc_hides_is_unknown_and_what_is_not_there_is_not() {
    let home = Home::new();
    if !is_root() {
        return println!("skipped: not root, no hidden process to look at");
    }
    let mut sleeper = Sleeper::start(&home);
    let names = [sleeper.text(), started(sleeper.pid()), identity_of(&seen(&home, &sleeper.text()))];
    let script = format!("mount -t proc -o hidepid=2 proc /proc && exec {} \"$@\"", NOBODY.join(" "));
    let through = ["unshare", "--mount", "sh", "-c", &script, "sh"];
    for name in &names {
        let Some(found) = seen_through(&home, &through, name) else { return };
        assert_found(&found, "unknown unknown hidden");
        assert_eq!((&found["detail"]["errno"], &found["detail"]["name"]), (&"ENOENT".into(), &().into()));
    }
    sleeper.kill();
    assert_found(&seen_through(&home, &through, &names[2]).unwrap(), "no dead no_such_process");
    sleeper.0.wait().unwrap();
    assert_found(&seen_through(&home, &through, &names[2]).unwrap(), "no dead no_such_process");
}

/// One descriptor is free: for the pidfd.
#[test]
fn without_descriptors_nothing_is_known() {
    let home = Home::new();
    let mut sleeper = Sleeper::start(&home);
    let limited = ["sh", "-c", "ulimit -n 4 && exec \"$@\"", "sh"];
    for name in [sleeper.text(), started(sleeper.pid())] {
        let found = seen_through(&home, &limited, &name).unwrap();
        assert_found(&found, "unknown unknown no_descriptors");
        assert_eq!(found["detail"]["errno"], "EMFILE");
    }
    let name = started(sleeper.pid());
    sleeper.kill();
    sleeper.0.wait().unwrap();
    assert_found(&seen_through(&home, &limited, &name).unwrap(), "no dead no_such_process");
}
