//! `probe host`: what it tells is what the kernel says, here and in other namespaces.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::pid::through_to;
use crate::contract::{Home, Said};

fn told(home: &Home) -> Value {
    home.probe(&["host"]).silent(0).record("evidence")
}

fn line(file: &str) -> String {
    std::fs::read_to_string(file).unwrap_or_default().trim().to_owned()
}

fn inode(kind: &str) -> Option<u64> {
    let link = std::fs::read_link(format!("/proc/self/ns/{kind}")).ok()?;
    link.to_str()?.split_once('[')?.1.trim_end_matches(']').parse().ok()
}

#[test]
fn it_tells_what_two_places_have_to_share() {
    let home = Home::new();
    let host = told(&home);
    let detail = &host["detail"];
    assert_eq!((&host["subject_kind"], &host["instrument"]), (&"host".into(), &"host".into()));
    assert_eq!(
        (&detail["boot_id"], &host["boot_id"]),
        (&line("/proc/sys/kernel/random/boot_id").into(), &detail["boot_id"])
    );
    assert_eq!((detail["pid_ns"].as_u64(), detail["time_ns"].as_u64()), (inode("pid"), inode("time")));
    assert_eq!(detail["pid_ns_initial"], inode("pid") == Some(4_026_531_836));
    assert_eq!(detail["time_ns_initial"], inode("time") == Some(4_026_531_834));
    assert_eq!(detail["hostname"], line("/proc/sys/kernel/hostname"));
    assert_eq!(detail["kernel"], line("/proc/sys/kernel/osrelease"));
    assert_eq!(detail["foreign_proc"], false);
    let seconds: f64 = line("/proc/uptime").split(' ').next().unwrap().parse().unwrap();
    let uptime = detail["uptime_ms"].as_i64().unwrap();
    assert!(uptime > 0 && uptime as f64 <= (seconds + 1.0) * 1000.0, "{uptime} {seconds}");
    assert!(
        detail["suspended_ms"].as_i64().unwrap() >= 0
            && detail["booted_at"].as_str().unwrap() < host["at"].as_str().unwrap()
    );
    match line("/etc/machine-id") {
        id if id.len() == 32 => {
            assert_eq!(
                (&host["finding"], &host["meaning"], &host["reason"]),
                (&"yes".into(), &"present".into(), &"identified".into())
            );
            assert_eq!((&detail["machine_id"], &host["subject"]), (&id.clone().into(), &id.into()));
        }
        _ => assert_eq!((&host["finding"], &host["reason"]), (&"unknown".into(), &"no_machine_id".into())),
    }
    assert_eq!(detail["cgroup"].is_null(), detail["no_cgroup"].is_string(), "{host}");
}

#[test]
fn a_place_that_is_another_says_so() {
    let home = Home::new();
    let here = told(&home)["detail"].clone();
    let apart = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
    if let Some(said) = through_to(&home, &apart, &["host"]) {
        let there = said.silent(0).record("evidence")["detail"].clone();
        assert_eq!((&there["machine_id"], &there["boot_id"]), (&here["machine_id"], &here["boot_id"]));
        assert_ne!(there["pid_ns"], here["pid_ns"]);
        assert_eq!((&there["pid_ns_initial"], &there["foreign_proc"]), (&false.into(), &false.into()));
    }
    if let Some(said) = through_to(&home, &["unshare", "--time", "--boottime", "100000", "--fork"], &["host"]) {
        let there = said.silent(0).record("evidence")["detail"].clone();
        assert_ne!(there["time_ns"], here["time_ns"]);
        let gained = there["uptime_ms"].as_i64().unwrap() - here["uptime_ms"].as_i64().unwrap();
        assert!(there["time_ns_initial"] == false && gained >= 100_000_000, "{there}");
        assert!(there["suspended_ms"].as_i64().unwrap() >= 100_000_000, "boot time without monotonic time: {there}");
    }
    if let Some(said) = through_to(&home, &["unshare", "--pid", "--fork", "--kill-child"], &["host", "--exit-code"]) {
        let there = said.silent(69).record("evidence");
        assert_eq!((&there["reason"], &there["detail"]["foreign_proc"]), (&"foreign_proc".into(), &true.into()));
    }
    let named = ["unshare", "--uts", "sh", "-c", "echo other-name >/proc/sys/kernel/hostname && exec \"$@\"", "sh"];
    if let Some(said) = through_to(&home, &named, &["host"]) {
        let there = said.silent(0).record("evidence");
        assert_eq!((&there["detail"]["hostname"], &there["finding"]), (&"other-name".into(), &told(&home)["finding"]));
        assert_eq!(there["subject"], told(&home)["subject"], "a name is no identity");
    }
}

#[test]
fn what_is_not_there_is_null_with_its_reason() {
    let home = Home::new();
    let with_path = |path: &std::path::Path| {
        Said::of(home.command("probe", ["host"]).env("PATH", path)).silent(0).record("evidence")["detail"].clone()
    };
    let folder = home.path("bin");
    std::fs::create_dir(&folder).unwrap();
    assert_eq!(with_path(&folder)["tmux"], Value::Null);
    let tmux = folder.join("tmux");
    std::fs::write(&tmux, "").unwrap();
    assert_eq!(with_path(&folder)["tmux"], Value::Null, "it may not be executed");
    std::fs::set_permissions(&tmux, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(with_path(&folder)["tmux"], tmux.to_str().unwrap());
    let hinted = Said::of(home.command("probe", ["host"]).env("container", "nspawn")).silent(0).record("evidence");
    assert_eq!(hinted["detail"]["container"], "nspawn");
    let blind = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /sys/fs/cgroup && exec \"$@\"", "sh"];
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    for through in [&blind[..], &nobody] {
        let Some(said) = through_to(&home, through, &["host"]) else { continue };
        let detail = said.silent(0).record("evidence")["detail"].clone();
        assert!(detail["cgroup"].is_null() && detail["no_cgroup"].as_str().unwrap().starts_with("cgroup_"), "{detail}");
    }
}
