//! What an adopted run owes: looked at when it is adopted, and held against its worker's word.

use serde_json::{Value, json};

use super::kill_and_wait;
use crate::stage::{Call, MAIL, Stage, TURN};

const DONE: &str = r#"{"status":"done"}"#;

/// A worker whose run owes this, as seen from the stage's folder; its pid and the record of its adoption.
fn worker(stage: &Stage, expect: &[&str], args: &[&str]) -> (i64, Value) {
    let pid = stage.background("w", &["hang"]);
    let folder = stage.name("");
    let mut all = vec!["--cwd", &folder];
    all.extend(expect.iter().flat_map(|one| ["--expect", one]));
    (pid, stage.adopt("b1", pid, &[&all[..], args].concat()))
}

fn write(stage: &Stage, name: &str, text: &str) {
    std::fs::write(stage.path(name), text).unwrap();
}

fn end(stage: &Stage, word: &str) -> Call {
    stage.turn(&["end", "b1", "--outcome", word])
}

/// How it ended: outcome, cause, what became of each thing, the code, and what the parent was told.
#[track_caller]
fn assert_end(stage: &Stage, call: &Call, end: (&str, &str), states: &[&str], code: i32, told: usize) {
    let ended = call.last("run.ended");
    let found: Vec<&Value> = ended["expected"].as_array().unwrap().iter().map(|one| &one["state"]).collect();
    assert_eq!(
        (&ended["outcome"], &ended["cause"], found),
        (&json!(end.0), &json!(end.1), states.iter().map(|state| json!(state)).collect::<Vec<_>>().iter().collect()),
        "{call:#?}"
    );
    assert_eq!((call.code, stage.mails("lead", "worker_died").len()), (code, told), "{call:#?}");
}

/// What is owed; what is written after the adoption; how the word ends the run, what becomes of each thing, the code.
type Row = (
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
    (&'static str, &'static str),
    &'static [&'static str],
    i32,
);

#[test]
fn a_good_word_is_held_to_what_the_run_owes() {
    let rows: &[Row] = &[
        (&["file:f"], &[("f", "x")], ("completed", "own_word"), &["reached"], 0),
        (&["file:f"], &[], ("failed", "expectation_missing"), &["not_reached"], 1),
        (&["result:r"], &[("r", DONE)], ("completed", "own_word"), &["reached"], 0),
        (&["result:r"], &[("r", r#"{"status":"failed"}"#)], ("failed", "result_says_failed"), &["contradicted"], 1),
        (&["result:r"], &[("r", "{\"status\":")], ("failed", "expectation_unknown"), &["unknown"], 1),
        (&["file:f", "result:r"], &[("r", DONE)], ("failed", "expectation_missing"), &["not_reached", "reached"], 1),
        (&["mail:worker_done"], &[], ("silent", "expectation_missing"), &["not_reached"], 1),
        (&["story:./1-2.md"], &[("1-2.md", "Status: done\n")], ("completed", "own_word"), &["reached"], 0),
        (
            &["story:./1-2.md"],
            &[("1-2.md", "Status: review\n")],
            ("failed", "expectation_missing"),
            &["not_reached"],
            1,
        ),
        (&["story:./1-2.md"], &[("1-2.md", "---\n")], ("failed", "expectation_unknown"), &["unknown"], 1),
    ];
    for (expect, written, how, states, code) in rows {
        let stage = Stage::new();
        worker(&stage, expect, &["--parent", "lead", "--capability", "none"]);
        for (name, text) in *written {
            write(&stage, name, text);
        }
        let call = end(&stage, "completed");
        assert_end(&stage, &call, *how, states, *code, usize::from(*code == 1));
        let ended = call.last("run.ended");
        let state = if how.0 == "failed" { "failed" } else { "completed" };
        assert_eq!((&stage.run_of("b1")["state"], &ended["state"]), (&json!(state), &json!(state)), "{ended}");
        assert_eq!(call.stderr.contains("expected and not reached"), *code == 1, "{call:?}");
        let reasons: Vec<Value> =
            stage.mails("lead", "worker_died").iter().map(|mail| mail["payload"]["reason"].clone()).collect();
        assert!(
            reasons.iter().all(|reason| reason.as_str().unwrap().contains("expected and not reached")),
            "{reasons:?}"
        );
        // The same word again is the same record and the same code; the other one is refused.
        let again = end(&stage, "completed");
        assert_eq!((again.code, again.last("run.ended")), (*code, ended));
        end(&stage, "failed").assert_refused(76, "has ended already");
        assert_eq!(stage.mails("lead", "worker_died").len(), usize::from(*code == 1));
    }
}

#[test]
fn what_was_there_when_it_was_adopted_proves_nothing() {
    let stage = Stage::new();
    write(&stage, "r", DONE);
    let (_, adopted) = worker(&stage, &["result:r", "mail:result"], &["--parent", "lead"]);
    let owes = adopted["owes"].as_array().unwrap();
    assert_eq!(
        (owes.len(), &owes[0]["target"], &owes[0]["status"], &owes[0]["since"]),
        (2, &json!(stage.name("r")), &json!("done"), &Value::Null)
    );
    assert_eq!(stage.run_of("b1")["owes"], adopted["owes"], "turn show has it too");
    write(&stage, "r", DONE);
    let call = end(&stage, "completed");
    assert_end(&stage, &call, ("failed", "expectation_missing"), &["not_reached", "not_reached"], 1, 1);
}

#[test]
fn paths_are_seen_from_the_callers_folder() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]).to_string();
    let mut command = stage.command(TURN);
    command.args(["adopt", "--agent", "b1", "--pid", &pid, "--expect", "file:./sub/f"]).current_dir(stage.path(""));
    let adopted = stage.call(command);
    assert_eq!(adopted.last("run.adopted")["owes"][0]["target"], json!(stage.name("sub/f")), "{adopted:?}");
}

#[test]
fn only_mail_with_the_workers_token_is_the_runs_own() {
    let stage = Stage::new();
    let (_, adopted) = worker(&stage, &["mail:result"], &["--parent", "lead", "--capability", "none"]);
    stage.mail(&["send", "--queue", "--from", "b1", "--to", "lead", "--type", "result", "--subject", "by name"]);
    let looked = |call: Call| call.last("run.ended")["expected"][0]["state"].clone();
    let send = ["send", "--queue", "--to", "lead", "--type", "result", "--subject", "done"];
    assert_eq!(stage.with_token(MAIL, adopted["token"].as_str().unwrap(), &send).code, 0);
    assert_eq!(looked(end(&stage, "completed")), "reached");
    let other = Stage::new();
    worker(&other, &["mail:result"], &[]);
    other.mail(&["send", "--queue", "--from", "b1", "--to", "lead", "--type", "result", "--subject", "by name"]);
    assert_eq!(looked(end(&other, "completed")), "not_reached");
}

#[test]
fn a_moved_ref_is_reached_and_no_repository_adopts_nothing() {
    let stage = Stage::new();
    let git = |script: &str| {
        let who = "export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a \
                   GIT_COMMITTER_EMAIL=a@b;";
        let mut shell = stage.command("sh");
        shell.args(["-ec", &format!("{who} {script}")]).current_dir(stage.path("."));
        assert!(shell.status().unwrap().success(), "{script}");
    };
    let pid = stage.background("w", &["hang"]).to_string();
    let folder = stage.name(".");
    let adopt = ["adopt", "--agent", "b1", "--pid", &pid, "--expect", "git:main", "--cwd", &folder];
    stage.turn(&adopt).assert_refused(66, "cannot expect git:main");
    assert!(!stage.state().exists(), "nothing is stored");
    git("git init -q -b main . && git commit -q --allow-empty -m one");
    assert_eq!(stage.turn(&adopt).code, 0);
    git("git commit -q --allow-empty -m two");
    // A caller that ignores CHLD leaves git's exit code with nobody.
    let mut command = stage.command("env");
    command.args(["--ignore-signal=CHLD", TURN, "end", "b1", "--outcome", "completed"]);
    assert_end(&stage, &stage.call(command), ("completed", "own_word"), &["reached"], 0, 0);
}

#[test]
fn a_bad_word_is_never_overruled() {
    let stage = Stage::new();
    worker(&stage, &["result:r"], &["--parent", "lead"]);
    write(&stage, "r", DONE);
    let call = end(&stage, "failed");
    assert_end(&stage, &call, ("failed", "own_word"), &["reached"], 0, 1);
    end(&stage, "completed").assert_refused(76, "has ended already");
}

#[test]
fn the_finished_work_of_a_worker_that_died_without_a_word_is_not_done_again() {
    for (capability, outcome, code) in [("none", "completed", 0), ("builder", "silent", 1)] {
        let stage = Stage::new();
        let (pid, _) = worker(&stage, &["result:r"], &["--parent", "lead", "--capability", capability]);
        write(&stage, "r", DONE);
        kill_and_wait(pid);
        let ran = stage.name("ran");
        let run = ["run", "--agent", "b1", "--", "touch", &ran];
        let call = stage.turn(&run);
        let cause = if code == 0 { "expectation_met" } else { "terminal_mail_missing" };
        assert_end(&stage, &call, (outcome, cause), &["reached"], code, usize::from(code == 1));
        assert!(call.stderr.contains("its worker is gone, and its work is done"), "{call:?}");
        assert!(call.all("turn.started").is_empty() && !stage.path("ran").exists(), "{call:?}");
        // Whoever says so afterwards is heard; the next turn is new work.
        assert_eq!(end(&stage, "completed").last("run.ended"), call.last("run.ended"));
        end(&stage, "failed").assert_refused(76, "has ended already");
        assert_eq!(stage.turn(&run).assert_end("completed", 0).ended()["run"], "r2");
    }
}

#[test]
fn what_is_not_finished_goes_on_from_the_same_baseline() {
    let write_r: &[(&str, &str)] = &[("r", DONE)];
    // A file alone proves nothing, half of the work is not all of it, and more may be asked for than was done.
    for (expect, written, more) in [
        (&["file:r"][..], write_r, None),
        (&["result:r", "file:f"], write_r, None),
        (&["result:r"], &[], None),
        (&["result:r"], write_r, Some("file:f")),
    ] {
        let stage = Stage::new();
        let (pid, _) = worker(&stage, expect, &[]);
        for (name, text) in written {
            write(&stage, name, text);
        }
        kill_and_wait(pid);
        let script = format!("echo x >f; test -e r || echo '{DONE}' >r");
        let folder = stage.name("");
        let mut args = vec!["run", "--agent", "b1", "--cwd", &folder];
        args.extend(more.iter().flat_map(|one| ["--expect", one]));
        args.extend(["--", "sh", "-c", &script]);
        let call = stage.turn(&args);
        assert_eq!(call.assert_end("completed", 0).ended()["run"], "r1", "{expect:?} {call:?}");
        let states = call.ended()["expected"].as_array().unwrap();
        assert!(states.iter().all(|one| one["state"] == "reached"), "{expect:?} {states:?}");
    }
}

#[test]
fn open_children_and_mail_are_work_that_is_left() {
    let stage = Stage::new();
    let (pid, _) = worker(&stage, &["result:r"], &[]);
    write(&stage, "r", DONE);
    stage.mail(&["send", "--queue", "--from", "lead", "--to", "b1", "--subject", "one more thing"]);
    kill_and_wait(pid);
    let call = stage.turn(&["run", "--agent", "b1", "--", "true"]);
    assert_eq!(call.all("turn.started").len(), 1, "{call:?}");
    assert_eq!(call.ended()["run"], "r1");
}
