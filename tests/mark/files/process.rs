//! Files that name a process by its number alone: pid files, JSON locks, the marker of the story automator.

use std::process::{Child, Command};

use serde_json::json;

use super::{Desk, ended, now, told};

/// A process that lives until the test lets it go.
struct Sleeper(Child);

impl Sleeper {
    fn new() -> Self {
        Self(Command::new("sleep").arg("100").spawn().unwrap())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether dead numbers can be told for certain here.
fn sees_all() -> bool {
    let link = std::fs::read_link("/proc/self/ns/pid").unwrap();
    let sees = link.to_str() == Some("pid:[4026531836]");
    if !sees {
        println!("skipped: this is not the first pid namespace");
    }
    sees
}

fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(')').next().unwrap().split_whitespace().nth(19).unwrap().parse().unwrap()
}

#[test]
fn a_file_lives_as_long_as_the_process_that_it_names() {
    let (desk, mut one) = (Desk::new(), Sleeper::new());
    let pid = one.pid();
    desk.put("a.pid", pid.to_string(), 0);
    desk.put("engine.pid", format!("{pid} {}\n", ticks(pid)), 0);
    desk.put(
        "merge-main.lock",
        json!({ "pid": pid, "acquiredAt": "2026-11-20T07:31:02.123Z", "targetBranch": "main" }).to_string(),
        0,
    );
    let live = ["a.pid live running", "engine.pid live running", "merge-main.lock live running"];
    assert_eq!(desk.told(), live);
    desk.clean(&["--apply"]).silent(0);
    assert_eq!(desk.told(), live);
    one.end();
    if !sees_all() {
        return;
    }
    let said = desk.clean(&["--apply"]).silent(0);
    assert_eq!(told(&said.records()), live.map(|line| line.replace("live running", "stale no_such_process")));
    assert_eq!((desk.told().len(), &ended(&said)["removed"]), (0, &json!(3)));
    assert_eq!(desk.account(), ["a.pid", "engine.pid", "merge-main.lock"]);
}

#[test]
fn another_process_with_the_number_does_not_keep_a_file() {
    if !sees_all() {
        return;
    }
    let (desk, one) = (Desk::new(), Sleeper::new());
    let pid = one.pid();
    desk.put("other.pid", format!("{pid} {}", ticks(pid) + 1), 0);
    desk.put("young.pid", pid.to_string(), 3600);
    desk.put("same.pid", format!("{pid} {}", ticks(pid)), 3600);
    let now = now() as u64;
    desk.put("boot.pid", pid.to_string(), now - 1_000_000);
    assert_eq!(
        desk.told(),
        [
            "boot.pid stale rebooted",
            "other.pid stale pid_reused",
            "same.pid live running",
            "young.pid stale pid_reused"
        ]
    );
}

/// In a namespace of its own it has another number: the one that it would write itself.
#[test]
fn a_number_that_a_process_has_in_another_namespace_is_not_dead() {
    if !sees_all() || !rustix::process::geteuid().is_root() {
        return;
    }
    let desk = Desk::new();
    let is_free = |number: &i32| !std::path::Path::new(&format!("/proc/{number}")).exists();
    let number = (20_000..30_000).find(is_free).unwrap();
    let script = format!("echo {} > /proc/sys/kernel/ns_last_pid; sleep 100 & wait", number - 1);
    let mut inside = Command::new("unshare");
    let mut inside =
        inside.args(["--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", &script]).spawn().unwrap();
    let has_it = |status: String| {
        let line = status.lines().find_map(|line| line.strip_prefix("NSpid:")).map(str::to_owned);
        line.is_some_and(|line| line.split_whitespace().nth(1) == Some(&number.to_string()))
    };
    crate::support::until("the process inside", || {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        processes.filter_map(|entry| std::fs::read_to_string(entry.path().join("status")).ok()).any(has_it)
    });
    desk.put("inside.pid", number.to_string(), 0);
    desk.put("later.pid", number.to_string(), 3600);
    assert_eq!(desk.told(), ["inside.pid unknown other_namespace", "later.pid stale no_such_process"]);
    assert_eq!(ended(&desk.clean(&["--apply"]).silent(0))["removed"], 1);
    let _ = inside.kill();
    let _ = inside.wait();
}

/// From inside a namespace nobody can say that a number is nobody's.
#[test]
fn inside_a_namespace_an_absent_number_is_unknown() {
    if !sees_all() || !rustix::process::geteuid().is_root() {
        return;
    }
    let desk = Desk::new();
    desk.put("a.pid", "4194301", 0);
    let mut command =
        desk.home.bare("unshare", ["--pid", "--fork", "--mount-proc", env!("CARGO_BIN_EXE_mark-cleanup"), "--files"]);
    command.arg(desk.glob()).env("REFLOAT_STATE", desk.home.state());
    let said = crate::contract::Said::of(&mut command).silent(0);
    assert_eq!(told(&said.records()), ["a.pid unknown other_namespace"]);
}

#[test]
fn the_story_automators_marker_ends_with_its_process_or_its_heartbeat() {
    let (desk, one) = (Desk::new(), Sleeper::new());
    let of = |pid: u32, heartbeat: i64| {
        json!({ "epic": 1, "currentStory": "1.2", "storiesRemaining": 2, "projectSlug": "app", "pid": pid, "createdAt": now() - 9999,
                "heartbeat": now() - heartbeat })
        .to_string()
    };
    let name = ".story-automator-active";
    desk.put(name, of(one.pid(), 60), 0);
    assert_eq!(desk.told(), ["app live running"]);
    desk.put(name, of(one.pid(), 1800), 0);
    assert_eq!(desk.told(), ["app stale over_clock"]);
    let text = json!({ "storiesRemaining": 2, "startedAt": "2020-01-01T00:00:00Z" }).to_string();
    desk.put(name, text, 0);
    assert_eq!(desk.told(), [format!("{name} stale over_clock")]);
    if sees_all() {
        desk.put(name, of(4_194_302, 60), 0);
        assert_eq!(desk.told(), ["app stale no_such_process"]);
    }
    desk.clean(&["--apply"]).silent(0);
    assert_eq!(desk.names().is_empty(), sees_all());
}
