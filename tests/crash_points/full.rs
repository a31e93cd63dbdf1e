//! A disk that is really full: a small tmpfs in a mount namespace of its own, which goes with the process that holds it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::scene::{Stage, records};

/// A stage whose state folder is a disk of 1 MiB.
struct SmallDisk {
    stage: Stage,
    holder: Child,
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

impl SmallDisk {
    /// None where it cannot be made; says why.
    fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: mounting a small disk wants root");
            return None;
        }
        let stage = Stage::new();
        std::fs::create_dir(stage.path("state")).unwrap();
        let script = "mount -t tmpfs -o size=1m,mode=0700 tmpfs \"$1\" && echo mounted && exec cat";
        let mut holder = stage.command("unshare");
        holder.args(["--mount", "sh", "-c", script, "sh", &stage.word("state")]);
        let mut holder = holder.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line.is_empty() {
            println!("skipped: a small disk cannot be mounted here");
            holder.wait().unwrap();
            return None;
        }
        Some(Self { stage, holder })
    }

    /// A file of the disk, as it is seen from outside its namespace.
    fn path(&self, name: &str) -> PathBuf {
        let inside = self.stage.path("state").join(name);
        PathBuf::from(format!("/proc/{}/root{}", self.holder.id(), inside.display()))
    }

    /// The command in the disk's namespace.
    fn inside(&self, command: &Command) -> Output {
        let mut entered = self.stage.command("nsenter");
        entered.arg(format!("--mount=/proc/{}/ns/mnt", self.holder.id()));
        entered.arg(command.get_program()).args(command.get_args()).output().unwrap()
    }

    fn run(&self, steps: &[&str]) -> Output {
        self.inside(&self.stage.plain("a", &["--parent", "lead", "--capability", "none"], steps))
    }

    /// Fills the disk but for so many bytes.
    fn fill(&self, but: usize) {
        let ballast = self.path("ballast");
        std::fs::write(&ballast, vec![1; 4 << 20]).unwrap_err();
        let full = std::fs::metadata(&ballast).unwrap().len();
        let file = std::fs::File::options().write(true).open(&ballast).unwrap();
        file.set_len(full.saturating_sub(but as u64)).unwrap();
    }

    fn make_room(&self) {
        let mut remount = Command::new("mount");
        remount.args(["-o", "remount,size=16m"]).arg(self.stage.path("state"));
        assert!(self.inside(&remount).status.success());
        let _ = std::fs::remove_file(self.path("ballast"));
    }

    fn turns(&self) -> Vec<Value> {
        records(&self.inside(&self.stage.turn(&["list"])).stdout)
    }

    fn assert_whole(&self) {
        let connection = rusqlite::Connection::open_with_flags(self.path("state.db"), rusqlite::OpenFlags::default());
        let text: String = connection.unwrap().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(text, "ok");
        let turns = self.turns();
        assert!(turns.iter().all(|turn| !turn["outcome"].is_null()), "{turns:?}");
    }
}

#[test]
fn a_full_disk_at_the_start_refuses_the_turn_and_leaves_nothing_half_done() {
    let Some(disk) = SmallDisk::new() else { return };
    assert_eq!(disk.run(&["exit 0"]).status.code(), Some(0));
    let mut codes = Vec::new();
    for room in [0, 4, 8, 12, 16, 24, 32, 48, 64, 96] {
        disk.fill(room << 10);
        let ran = disk.stage.word(&format!("ran-{room}"));
        let full = disk.run(&[&format!("touch {ran}"), "exit 0"]);
        let (code, said) = (full.status.code(), String::from_utf8_lossy(&full.stderr).into_owned());
        assert!(matches!(code, Some(0 | 73 | 74 | 125)), "{room} KiB: {full:?}");
        assert!(code == Some(0) || !said.is_empty(), "{room} KiB: it says nothing");
        codes.push((room, code.unwrap()));
        std::fs::remove_file(disk.path("ballast")).unwrap();
        let next = disk.run(&["exit 0"]);
        assert_eq!(next.status.code(), Some(0), "{room} KiB: {next:?}");
        // A turn that ran is on record as one that did, and one that did not, as one that did not.
        let told = records(&next.stdout).iter().filter(|record| record["type"] == "turn.ended").count();
        let before = &disk.turns()[disk.turns().len() - 2];
        let began = told == 2 || code == Some(0);
        assert!(!PathBuf::from(&ran).exists() || began && before["outcome"] == "completed", "{room} KiB: {before}");
        disk.assert_whole();
    }
    println!("KiB left, exit code: {codes:?}");
    assert_eq!(codes[0].1, 74, "{codes:?}");
}

#[test]
fn a_disk_filled_in_mid_stream_loses_no_end() {
    for leaves_a_child in [false, true] {
        let Some(disk) = SmallDisk::new() else { return };
        let child = if leaves_a_child { "spawn setsid+ignore-term" } else { "line no child" };
        let full = disk.run(&["flood 4000000", child, "exit 3"]);
        assert!(matches!(full.status.code(), Some(1 | 74)), "{full:?}");
        let record: Value = serde_json::from_slice(&std::fs::read(disk.path("logs/t1/exit.json")).unwrap()).unwrap();
        assert_eq!(record["code"], 3, "{record}");
        assert!(leaves_a_child || record["tree"] == "gone", "{record}");
        disk.make_room();
        let next = disk.run(&["exit 0"]);
        assert_eq!(next.status.code(), Some(0), "{next:?}");
        let told: Vec<Value> = records(&full.stdout).into_iter().chain(records(&next.stdout)).collect();
        let ends: Vec<_> = told.iter().filter(|end| end["type"] == "turn.ended" && end["turn"] == "t1").collect();
        assert_eq!(ends.len(), 1, "{told:?}");
        assert_eq!((&ends[0]["outcome"], &ends[0]["exit_code"]), (&"failed".into(), &3.into()), "{}", ends[0]);
        disk.assert_whole();
    }
}

#[test]
fn a_prompt_that_the_disk_does_not_take_does_not_stay_to_fill_it() {
    let Some(disk) = SmallDisk::new() else { return };
    assert_eq!(disk.run(&["exit 0"]).status.code(), Some(0));
    let long = disk.stage.word("long");
    std::fs::write(&long, "x".repeat(4 << 20)).unwrap();
    let agent = ["run", "--agent", "a", "--runtime", "claude", "--program", "true", "--prompt-file", &long];
    let full = disk.inside(&disk.stage.turn(&agent));
    assert_eq!(full.status.code(), Some(74), "{full:?}");
    let ends = records(&full.stdout);
    assert!(ends.iter().any(|end| end["outcome"] == "never_started"), "{full:?}");
    let next = disk.run(&["exit 0"]);
    assert_eq!(next.status.code(), Some(76), "its run goes on without a parent: {next:?}");
    let next = disk.inside(&disk.stage.turn(&["run", "--agent", "a", "--", "true"]));
    assert_eq!(next.status.code(), Some(0), "{next:?}");
    disk.assert_whole();
}
