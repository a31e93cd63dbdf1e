//! Crash files of refloat become rows: once, whoever takes them in, and nothing that lies there stops a command.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{crashes, play};
use crate::stage::{Running, Stage, TURN};

/// A stage with a run of `a` that was stopped, and an empty folder for crashes.
fn stage() -> (Stage, PathBuf) {
    let stage = Stage::new();
    play(&stage, "a", "init; result-error no").assert_end("failed", 1);
    let folder = stage.path("state/crashes");
    std::fs::create_dir(&folder).unwrap();
    (stage, folder)
}

/// A crash file as another version of refloat may have written it.
fn file(agent: &str, turn: &str) -> String {
    let file = json!({
        "type": "crash", "v": 1, "at": "2099-01-01T00:00:00.000Z", "program": "turn", "version": "9.9.9", "pid": 7,
        "process": null, "agent": agent, "turn": turn, "message": "token=hunter2 is gone", "place": "src/x.rs:1:2",
        "backtrace": "0: main", "more": [1],
    });
    format!("{file}\n")
}

fn rows(stage: &Stage) -> i64 {
    stage.sqlite().query_row("SELECT count(*) FROM crash", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_crash_file_becomes_one_row_however_often_it_comes_back() {
    let (stage, folder) = stage();
    for round in 0..3 {
        std::fs::write(folder.join("1-turn-7.json"), file("a", "t1")).unwrap();
        // Each of the commands that write takes it in.
        match round {
            0 => stage.turn(&["stop", "a"]).code,
            1 => stage.turn(&["attach", "t1"]).code,
            _ => play(&stage, "b", "init; result done").code,
        };
        assert!(!folder.join("1-turn-7.json").exists(), "round {round}");
        assert_eq!(rows(&stage), 1, "round {round}");
    }
    let [crash] = &crashes(&stage, "t1")[..] else { panic!() };
    assert_eq!(crash["message"], "token=[redacted] is gone (src/x.rs:1:2)");
    assert_eq!((&crash["source"], &crash["version"]), (&json!("1-turn-7.json"), &json!("9.9.9")), "{crash}");
    assert_eq!((&crash["crashed_at"], &crash["run"]), (&json!("2099-01-01T00:00:00.000Z"), &json!("r1")));
    assert_eq!(stage.run_of("a")["state"], "stopped", "it changes no run");
}

/// A state file that was begun anew gives out its numbers again.
#[test]
fn a_crash_of_another_agents_turn_or_of_none_belongs_to_no_run() {
    let (stage, folder) = stage();
    let early = file("a", "t1").replace("2099", "1999");
    for (name, text) in [("1.json", file("x", "t1")), ("2.json", file("a", "t99")), ("3.json", early)] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    assert_eq!(stage.turn(&["stop", "a"]).code, 0);
    assert_eq!((rows(&stage), crashes(&stage, "a").len()), (3, 0));
}

#[test]
fn a_damaged_crash_file_is_moved_aside_and_named_and_stops_nobody() {
    let (stage, folder) = stage();
    let whole = file("a", "t1");
    std::fs::write(folder.join("1.json"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(folder.join("2.json"), b"\xff\xfe").unwrap();
    std::fs::write(folder.join("3.json"), whole.replace("\"crash\"", "\"mail\"")).unwrap();
    std::fs::write(folder.join("4.json"), &whole).unwrap();
    let stopped = stage.turn(&["stop", "a"]);
    assert_eq!((stopped.code, rows(&stage)), (0, 1), "{stopped:?}");
    for name in ["1.json", "2.json", "3.json"] {
        assert!(stopped.stderr.contains(name), "{name}: {stopped:?}");
        assert!(folder.join(format!("{name}.damaged")).exists() && !folder.join(name).exists(), "{name}");
    }
    assert!(!stopped.stderr.contains("4.json"), "{stopped:?}");
    let again = stage.turn(&["stop", "a"]);
    assert_eq!((again.code, again.stderr.as_str()), (0, ""), "it is said once");
}

/// A disk that does not answer now says nothing of what is on it.
#[test]
fn a_crash_file_that_cannot_be_read_now_stays_for_later() {
    if !super::can_trace() {
        return;
    }
    let (stage, folder) = stage();
    let path = folder.join("1.json");
    std::fs::write(&path, file("a", "t1")).unwrap();
    let mut command = stage.command("strace");
    command.args(["-qq", "-o", "/dev/null", "-P"]).arg(&path).args(["-e", "trace=read", "-e", "inject=read:error=EIO"]);
    command.arg(TURN).args(["stop", "a"]);
    let stopped = stage.call(command);
    assert_eq!((stopped.code, rows(&stage)), (0, 0), "{stopped:?}");
    assert!(stopped.stderr.contains("1.json: i/o error") && path.exists(), "{stopped:?}");
    stage.turn(&["stop", "a"]);
    assert_eq!((rows(&stage), path.exists()), (1, false));
}

#[test]
fn what_is_no_whole_crash_file_is_left_alone() {
    let (stage, folder) = stage();
    let newer = file("a", "t1").replace("\"v\":1", "\"v\":2");
    std::fs::write(folder.join("1.json"), newer).unwrap();
    std::fs::write(folder.join(".2.json"), "{").unwrap();
    std::fs::write(folder.join("notes.txt"), "x").unwrap();
    std::fs::create_dir(folder.join("3.json")).unwrap();
    nix::unistd::mkfifo(&folder.join("4.json"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::os::unix::fs::symlink("/nowhere", folder.join("5.json")).unwrap();
    let stopped = stage.turn(&["stop", "a"]);
    assert_eq!((stopped.code, stopped.stderr.as_str(), rows(&stage)), (0, "", 0));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 6);
}

#[test]
fn many_commands_at_once_make_one_row_of_each_file() {
    let (stage, folder) = stage();
    for round in 0..5 {
        for number in 0..20 {
            std::fs::write(folder.join(format!("{round}-{number}.json")), file("a", "t1")).unwrap();
        }
        let command = || {
            let mut command = stage.command(TURN);
            command.args(["stop", "a"]);
            Running::begin(&stage, command)
        };
        let crowd: Vec<Running> = (0..6).map(|_| command()).collect();
        for one in crowd {
            let call = one.end();
            assert_eq!((call.code, call.stderr.as_str()), (0, ""), "{call:?}");
        }
        assert_eq!(rows(&stage), (round + 1) * 20);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    }
}

/// A reader makes no rows: looking never writes.
#[test]
fn looking_takes_nothing_in() {
    let (stage, folder) = stage();
    std::fs::write(folder.join("1.json"), file("a", "t1")).unwrap();
    for args in [&["show", "a"][..], &["list"], &["log", "t1"]] {
        assert_eq!(stage.turn(args).code, 0);
    }
    assert_eq!((rows(&stage), folder.join("1.json").exists()), (0, true));
    let rows_of_mail: Vec<Value> = stage.mail(&["list"]).records;
    assert!(rows_of_mail.is_empty() && folder.join("1.json").exists());
}
