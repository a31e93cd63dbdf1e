//! Holds: whom they keep from a turn, where, until when, and what everybody says of it who starts, plans or looks.

use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::stage::{Call, RECONCILE, Running, Stage, TURN, until};

const NONE: [Value; 0] = [];

impl Stage {
    /// A hold of `a`, as it was printed.
    pub(super) fn hold(&self, args: &[&str]) -> Value {
        let call = self.mark(&[&["set", "hold"], args].concat());
        assert_eq!(call.code, 0, "{call:?}");
        call.last("mark").clone()
    }

    /// A turn of `a` in this folder, which does nothing.
    fn goes(&self, folder: &str, more: &[&str]) -> Call {
        self.turn(&[&["run", "--agent", "a", "--cwd", folder], more, &["--", "true"]].concat())
    }

    /// The owner of every mark is on another host.
    pub(super) fn move_owners_away(&self) {
        self.sql("UPDATE mark SET owner = json_set(owner, '$.machine', '0123456789abcdef0123456789abcdef')");
    }
}

/// A process to own marks; it ends with the test.
pub(super) struct Owner(Child);

impl Owner {
    pub(super) fn new() -> Self {
        Self(std::process::Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap())
    }

    pub(super) fn pid(&self) -> String {
        self.0.id().to_string()
    }

    pub(super) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Nobody writes to its standard input or closes it: whoever reads it does not return.
#[test]
fn a_held_agent_is_refused_before_its_prompt_is_read_and_before_anything_is_started() {
    let stage = Stage::new();
    stage.goes("/", &[]);
    let hold = stage.hold(&["a", "--until", "2h"]);
    let before = stage.tables();
    for prompted in [true, false] {
        let mut command = stage.command(TURN);
        let prompt: &[&str] = if prompted { &["--prompt-file", "-"] } else { &["--prompt", "go"] };
        command.args(["run", "--agent", "a", "--runtime", "claude"]).args(prompt);
        command.arg("--program").arg(stage.path("none")).stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take();
        until("its refusal", || child.try_wait().unwrap().is_some());
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(75), 0), "{said}");
        let until = hold["until"].as_str().unwrap();
        let cause = format!("turn: agent a is held back by k1 (hold a): operator set it, until {until}\n");
        assert!(said.starts_with(&cause), "{said}");
        assert!(said.contains("--now") && said.contains("mark clear k1"), "{said}");
    }
    assert_eq!(stage.tables(), before);
    assert_eq!(stage.goes("/", &["--now"]).assert_end("completed", 0).word("turn"), "t2");
    stage.goes("/", &[]).assert_refused(75, "k1");
    stage.mark(&["clear", "k1"]);
    stage.goes("/", &[]).assert_end("completed", 0);
}

#[test]
fn a_hold_is_for_its_agent_or_for_all_and_for_its_folder() {
    let stage = Stage::new();
    let folders = ["top", "top/repo", "top/repo/src", "top/other"];
    folders.iter().for_each(|folder| std::fs::create_dir(stage.path(folder)).unwrap());
    std::os::unix::fs::symlink(stage.path("top/repo"), stage.path("link")).unwrap();
    let name = |folder: &str| stage.name(folder);
    for (who, scope, folder, held) in [
        ("a", None, "top/repo", true),
        ("@all", None, "top/repo", true),
        ("b", None, "top/repo", false),
        ("a", Some("top/repo"), "top/repo", true),
        ("a", Some("top/repo"), "top/repo/src", true),
        ("a", Some("top/repo"), "top", true),
        ("a", Some("top/repo"), "link", true),
        ("a", Some("link"), "top/repo/src", true),
        ("a", Some("top/repo"), "top/other", false),
        ("@all", Some("top/repo/src"), "top/other", false),
        ("@all", Some("top/other"), "top", true),
    ] {
        let scope = scope.map(name);
        let scope: Vec<&str> = scope.iter().flat_map(|scope| ["--scope", scope]).collect();
        let mark = stage.hold(&[&[who], &scope[..]].concat());
        let call = stage.goes(&name(folder), &[]);
        if held {
            call.assert_refused(
                75,
                &format!("agent a is held back by {} (hold {who})", mark["mark"].as_str().unwrap()),
            );
        } else {
            call.assert_end("completed", 0);
        }
        assert_eq!(stage.mark(&["clear", mark["mark"].as_str().unwrap()]).code, 0);
    }
}

/// Who cannot be looked at is never taken for gone.
#[test]
fn a_hold_ends_with_its_owner_and_one_that_cannot_be_told_holds() {
    let stage = Stage::new();
    let mut owner = Owner::new();
    stage.hold(&["a", "--owner-pid", &owner.pid(), "--ttl", "9h"]);
    stage.goes("/", &[]).assert_refused(75, &format!("operator set it for process {}, until ", owner.pid()));
    stage.move_owners_away();
    stage.goes("/", &[]).assert_refused(75, "agent a may be held back (other_host) by k1");
    owner.kill();
    stage.goes("/", &[]).assert_refused(75, "other_host");
    stage.mark(&["clear", "k1"]);
    let mut owner = Owner::new();
    stage.hold(&["a", "--owner-pid", &owner.pid(), "--ttl", "none"]);
    let call = stage.goes("/", &[]);
    call.assert_refused(75, "operator set it for process");
    assert!(!call.stderr.contains("until"), "nobody knows: {call:?}");
    owner.kill();
    stage.goes("/", &[]).assert_end("completed", 0);
}

/// Of two the one that lasts longest is named, and the end of one does not let the agent go.
#[test]
fn of_several_holds_the_one_that_lasts_longest_is_named() {
    let stage = Stage::new();
    stage.hold(&["a", "--until", "1h"]);
    stage.hold(&["@all", "--until", "3h"]);
    stage.hold(&["a", "--until", "2h", "--scope", "/tmp"]);
    stage.goes("/", &[]).assert_refused(75, "k2 (hold @all)");
    let owner = Owner::new();
    stage.hold(&["@all", "--scope", "/tmp", "--owner-pid", &owner.pid(), "--ttl", "none"]);
    stage.goes("/", &[]).assert_refused(75, "k4");
    for mark in ["k4", "k2", "k3"] {
        stage.mark(&["clear", mark]);
    }
    stage.goes("/", &[]).assert_refused(75, "k1");
}

fn has_open(running: &Running, file: &str) -> bool {
    let open = std::fs::read_dir(format!("/proc/{}/fd", running.child.id())).unwrap();
    open.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok()).any(|path| path.ends_with(file))
}

/// Its shim has been started, and its first transaction waits for another program.
#[test]
fn a_hold_that_comes_before_the_first_transaction_of_a_turn_refuses_it_there() {
    let stage = Stage::new();
    stage.goes("/", &[]);
    stage.hold(&["a"]);
    stage.mark(&["clear", "k1"]);
    let file = stage.sqlite();
    file.execute_batch("BEGIN IMMEDIATE").unwrap();
    let turn = stage.play("a", "init; result done").begin();
    let lock = std::fs::File::options().write(true).open(stage.path("state/state.lock")).unwrap();
    until("its first transaction", || match lock.try_lock() {
        Ok(()) => lock.unlock().is_err(),
        Err(_) => true,
    });
    file.execute_batch("UPDATE mark SET ended_at = NULL, ended_how = NULL, ended_by = NULL; COMMIT").unwrap();
    turn.end().assert_refused(75, "held back by k1");
    assert_eq!((stage.family.alive(), stage.count("SELECT count(*) FROM turn")), (vec![], 1));
}

/// What refuses a turn refuses it from what the state file says when the turn has the lock.
#[test]
fn a_hold_that_comes_while_a_turn_waits_for_the_lock_refuses_it() {
    let stage = Stage::new();
    let first = stage.play("a", &format!("init; wait-file {}; result done", stage.name("go"))).start();
    let second = Running::begin(&stage, {
        let mut command = stage.command(TURN);
        command.args(["run", "--agent", "a", "--lock-wait", "60s", "--", "true"]);
        command
    });
    until("the second to come to the lock", || has_open(&second, "a.turn"));
    stage.hold(&["a"]);
    std::fs::write(stage.path("go"), "").unwrap();
    first.end().assert_end("completed", 0);
    second.end().assert_refused(75, "held back by k1");
    assert_eq!(stage.count("SELECT count(*) FROM turn"), 1);
}

#[test]
fn a_held_retry_is_not_due_and_says_by_what() {
    let stage = Stage::new();
    let folder = stage.name("work");
    std::fs::create_dir(&folder).unwrap();
    let fails = stage.play("a", "init; result-error no").with(&["--max-attempts", "3", "--cwd", &folder]).call();
    fails.assert_end("failed", 1);
    stage.sql("UPDATE retry SET due_at = 1; UPDATE run SET held_until = 1");
    let due = |args: &[&str]| stage.reconcile(&[&["retry", "due"], args].concat()).records;
    let command = |record: &Value| -> Vec<String> {
        record["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let verdict = || stage.reconcile(&["a"]).last("verdict").clone();
    let free = verdict();
    assert_eq!((due(&[]).len(), command(&free)[..2].join(" ")), (1, "turn run".to_owned()));
    let elsewhere = stage.hold(&["a", "--scope", &stage.name("state")]);
    assert_eq!(due(&[]).len(), 1, "{elsewhere}");
    stage.hold(&["@all", "--scope", &folder]);
    assert_eq!(due(&[]), NONE);
    assert_eq!(due(&["--all"])[0]["held_by"], "mark");

    // The verdict is as it was; what is to be typed says what keeps it.
    let held = verdict();
    let words = |verdict: &Value| ["verdict", "cause", "rule", "action"].map(|key| verdict[key].clone());
    assert_eq!(words(&held), words(&free));
    assert_eq!(command(&held), ["mark", "check", "hold", "a", "--scope", &folder]);
    let shown = stage.mark(&command(&held)[1..].iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((shown.code, &shown.last("mark")["mark"]), (0, &json!("k2")));
    let mut refused = stage.command(TURN);
    refused.args(&command(&free)[1..]);
    stage.call(refused).assert_refused(75, "held back by k2");
    stage.mark(&["clear", "k2"]);
    assert_eq!((due(&[]).len(), verdict()["command"].clone()), (1, free["command"].clone()));
}

/// After a repair the next command is the run's next turn, and a held agent's is not.
#[test]
fn a_repair_names_no_turn_that_a_hold_refuses() {
    let stage = Stage::new();
    let unwatched = stage.unwatched("a", "init; die KILL", &["--max-attempts", "3"]);
    until("the shim's end", || crate::scene::process_is_gone(stage.pid_of("a", "shim")));
    stage.hold(&["a"]);
    let call = stage.reconcile(&["--apply"]);
    let verdict = call.last("verdict");
    assert_eq!((&verdict["applied"], &verdict["state_after"]), (&json!(true), &json!("between_turns")), "{verdict}");
    assert_eq!(verdict["command"][1], "check", "{verdict}");
    let mut addressed = stage.command(RECONCILE);
    let state = stage.state();
    addressed.arg("--state").arg(&state).arg("a").env_remove("REFLOAT_STATE");
    stage.sql("UPDATE retry SET due_at = 1; UPDATE run SET held_until = 1");
    let verdict = stage.call(addressed).last("verdict").clone();
    assert_eq!(
        verdict["command"].as_array().unwrap()[..4],
        [json!("mark"), json!("--state"), json!(state), json!("check")]
    );
    drop(unwatched);
}

#[test]
fn a_run_shows_its_marks_and_the_holds_of_its_agent() {
    let stage = Stage::new();
    let script = format!(
        "init; run {0} set dispatch here >&2; run {0} set hold other >&2; touch {1}; hang",
        env!("CARGO_BIN_EXE_mark"),
        stage.name("reached")
    );
    let running = stage.play("a", &script).start();
    until("the marks", || stage.path("reached").exists());
    let mut owner = Owner::new();
    stage.hold(&["a", "--owner-pid", &owner.pid()]);
    stage.hold(&["@all", "--until", "1h"]);
    stage.hold(&["b"]);
    let told = || -> Vec<String> {
        let mut probe = stage.command(env!("CARGO_BIN_EXE_probe"));
        let output = probe.args(["run", "a"]).output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        lines.lines().for_each(|line| crate::contract::check(line).unwrap());
        let told = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        told.filter(|one| one["subject_kind"] == "mark")
            .map(|one| {
                assert_eq!((&one["instrument"], &one["run"]), (&json!("rows"), &json!("r1")), "{one}");
                let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
                [&one["subject"], &one["detail"]["mark_kind"], &one["detail"]["name"], &one["meaning"], &one["reason"]]
                    .map(word)
                    .join(" ")
            })
            .collect()
    };
    let judged = || stage.probe(&["a"]).last("judgement").clone();
    let before = judged();
    let mine = ["k1 dispatch here present running", "k2 hold other present within_clock"];
    assert_eq!(told(), [&mine[..], &["k3 hold a held running", "k4 hold @all held before_until"]].concat());
    owner.kill();
    assert_eq!(told()[2], "k3 hold a free no_such_process");
    stage.move_owners_away();
    assert_eq!(told()[2], "k3 hold a unknown other_host");
    assert_eq!((&before["verdict"], &before["action"]), (&json!("running"), &json!("none")));
    let stored = stage.probe(&["a", "--record"]);
    assert!(stored.all("evidence").iter().all(|one| one["evidence"].is_string()), "{stored:?}");
    stage.turn(&["stop", "a", "--wait", "60s"]);
    drop(running.end());
    assert_eq!(told()[0], "k2 hold other present within_clock", "what was bound has ended");
}
