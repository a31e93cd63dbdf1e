//! The units for systemd: read by systemd's own reader, and their commands run with what they name.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Ran, commands, script};
use crate::stage::Stage;

const SERVICES: [&str; 2] = ["refloat-mark-cleanup.service", "refloat-reconcile.service"];
const TIMERS: [&str; 2] = ["refloat-mark-cleanup.timer", "refloat-reconcile.timer"];

fn unit(name: &str) -> String {
    std::fs::read_to_string(script("systemd").join(name)).unwrap()
}

/// Every value of a setting, in its order.
fn settings<'u>(unit: &'u str, name: &str) -> Vec<&'u str> {
    unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect()
}

fn verify(stage: &Stage, manager: &str, folder: &Path) -> Option<Ran> {
    let mut command = Command::new("systemd-analyze");
    command.args([manager, "verify"]).args(SERVICES.iter().chain(&TIMERS).map(|name| folder.join(name)));
    // Only these, and systemd's own; the reader of a user's units wants a folder of its own.
    let mut path = folder.as_os_str().to_owned();
    path.push(":");
    command.env("SYSTEMD_UNIT_PATH", path).env("XDG_RUNTIME_DIR", stage.path("")).env("HOME", stage.path("home"));
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        println!("skipped: no systemd-analyze");
        return None;
    }
    Some(Ran::of(&mut command))
}

/// The units as they are, and under the system's manager with their drop-in.
fn installed(stage: &Stage) -> PathBuf {
    let folder = stage.path("units");
    let more = folder.join("refloat-.service.d");
    std::fs::create_dir_all(&more).unwrap();
    for name in SERVICES.iter().chain(&TIMERS) {
        std::fs::copy(script("systemd").join(name), folder.join(name)).unwrap();
    }
    std::fs::copy(script("systemd/system.conf"), more.join("system.conf")).unwrap();
    folder
}

#[test]
fn systemd_has_nothing_to_say_against_them() {
    let stage = Stage::new();
    let folder = installed(&stage);
    for (manager, folder) in [("--user", &script("systemd")), ("--system", &folder)] {
        let Some(ran) = verify(&stage, manager, folder) else { return };
        assert_eq!((ran.code, &*ran.out, &*ran.err), (0, "", ""), "{manager}: {ran:#?}");
    }
    // What it does not know it passes over, and says so: also in the drop-in, which is therefore read.
    std::fs::write(folder.join("refloat-.service.d/system.conf"), "[Service]\nStateDirectry=refloat\n").unwrap();
    let ran = verify(&stage, "--system", &folder).unwrap();
    assert!(ran.err.contains("StateDirectry"), "{ran:#?}");
}

#[test]
fn each_service_does_its_pass_with_what_it_names() {
    for name in SERVICES {
        let stage = Stage::new();
        let (home, text) = (stage.name("home"), unit(name));
        std::fs::create_dir_all(stage.path("home/.cargo")).unwrap();
        std::os::unix::fs::symlink(commands(), stage.path("home/.cargo/bin")).unwrap();
        let run = |line: &str, state: bool| {
            let mut words = line.split(' ');
            let mut command = Command::new(words.next().unwrap());
            command.args(words).env_clear().env("HOME", &home).current_dir(&home);
            for (name, value) in settings(&text, "Environment").into_iter().filter_map(|pair| pair.split_once('=')) {
                command.env(name, value.replace("%h", &home));
            }
            if state {
                // As with StateDirectory=.
                command.env("STATE_DIRECTORY", stage.path("var"));
            }
            Ran::of(&mut command)
        };
        let [start] = settings(&text, "ExecStart")[..] else { panic!("{text}") };
        for (folder, by_systemd) in [("home/.local/state/refloat", false), ("var", true)] {
            let none = run(start, by_systemd);
            let place = format!("no state at {}", stage.name(folder));
            assert!(none.code == 66 && none.err.contains(&place), "{name} {none:#?}");
            let set = run("/usr/bin/env mark set dispatch over --ttl 1ms", by_systemd);
            assert_eq!(set.code, 0, "{set:#?}");
            let ran = run(start, by_systemd);
            assert_eq!((ran.code, &*ran.err), (0, ""), "{name} {ran:#?}");
            let ended =
                format!("\"type\":\"{}.ended\"", name.trim_start_matches("refloat-").trim_end_matches(".service"));
            assert!(ran.out.contains(&ended), "{ran:#?}");
        }
    }
}

#[test]
fn nothing_hides_the_processes_and_what_is_busy_is_no_failure() {
    for name in SERVICES {
        let text = unit(name);
        assert_eq!(settings(&text, "Type"), ["oneshot"]);
        assert_eq!(settings(&text, "SuccessExitStatus"), ["75"]);
        for hides in ["PrivatePIDs", "ProtectProc", "PrivateUsers", "PrivateTmp", "ProtectHome", "ProtectControlGroups"]
        {
            assert_eq!(settings(&text, hides), Vec::<&str>::new(), "{name}: {hides}");
        }
    }
    assert_eq!(settings(&unit(SERVICES[1]), "KillMode"), ["process"]);
    for name in TIMERS {
        let text = unit(name);
        assert_eq!((settings(&text, "Persistent"), settings(&text, "WantedBy")), (vec!["true"], vec!["timers.target"]));
    }
}
