//! What a run owes: changed since the attempt began, or it proves nothing.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::stage::{Call, Play, Stage, TURN};

const DONE: &str = r#"{"status":"done"}"#;

/// A turn that does this, ends well, and owes this.
fn work(stage: &Stage, steps: &str, expect: &[&str]) -> Call {
    play(stage, &format!("init; {steps}; result done"), expect)
}

fn play(stage: &Stage, script: &str, expect: &[&str]) -> Call {
    owing(stage, script, expect).call()
}

/// A turn of the run that owes this, where paths are names in the stage's folder.
fn owing<'s>(stage: &'s Stage, script: &str, expect: &[&str]) -> Play<'s> {
    let mut play = stage.play("a", script);
    for one in expect {
        play.command.args(["--expect", one]);
    }
    play.command.arg("--cwd").arg(stage.path(""));
    play
}

#[track_caller]
fn assert_end(call: &Call, outcome: &str, cause: &str, state: &str) {
    let ended = call.ended();
    let found: Vec<&str> =
        ended["expected"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!((call.word("outcome"), call.word("cause"), found), (outcome, cause, vec![state]), "{call:#?}");
}

fn write(stage: &Stage, name: &str, text: &str) {
    std::fs::write(stage.path(name), text).unwrap();
}

/// bmad 44: what is older than the attempt is no evidence, by its content too.
#[test]
fn a_file_is_owed_new_content_and_neither_its_age_nor_a_touch_counts() {
    let stage = Stage::new();
    let rows = [
        ("say nothing", "failed", "expectation_missing", "not_reached"),
        ("write {f} new", "completed", "clean_result", "reached"),
        ("say nothing", "failed", "expectation_missing", "not_reached"),
        ("run touch -d 2030-01-01 {f}", "failed", "expectation_missing", "not_reached"),
        ("write {f} new", "failed", "expectation_missing", "not_reached"),
        ("append {f} more", "completed", "clean_result", "reached"),
        ("run rm {f}", "failed", "expectation_missing", "not_reached"),
        ("run mkdir {f}", "failed", "expectation_missing", "not_reached"),
    ];
    for (steps, outcome, cause, state) in rows {
        let call = work(&stage, &steps.replace("{f}", &stage.name("report")), &["file:report"]);
        assert_end(&call, outcome, cause, state);
        assert_eq!(call.code, i32::from(outcome == "failed"), "{call:#?}");
    }
}

#[test]
fn a_failure_for_what_is_missing_names_each_thing_and_costs_an_attempt() {
    let stage = Stage::new();
    let play = owing(&stage, "init; result done", &["file:./x", "file:y", "result:r"]);
    let call = play.with(&["--max-attempts", "2", "--parent", "lead", "--capability", "none"]).call();
    call.assert_end("failed", 1);
    let folder = stage.name("").trim_end_matches('/').to_owned();
    let message = call.word("message");
    for name in ["x", "y", "r"] {
        assert!(message.contains(&format!("{folder}/{name}: not there")), "{message}");
        assert!(call.stderr.contains(&format!("{folder}/{name}: not there")), "{}", call.stderr);
    }
    let ended = call.ended();
    assert_eq!((&ended["state_after"], &ended["outcome_source"]), (&json!("between_turns"), &json!("expectation")));
    assert_eq!((&ended["clean_result"], ended["retry_at"].is_string()), (&json!(true), true), "{ended}");
    let last = stage.play("a", "init; result done").call();
    assert_eq!(last.assert_end("failed", 1).word("state_after"), "failed");
    let [mail] = &stage.mails("lead", "worker_died")[..] else { panic!() };
    assert!(mail["body"].as_str().unwrap().contains("not there"), "{mail}");
}

/// field 49; bmad 42, 43: a result says how the work ended, if it is of this attempt and can be read.
#[test]
fn a_result_is_owed_a_good_status_of_this_attempt() {
    let rows = [
        ("", "say nothing", "failed", "expectation_missing", "not_reached"),
        ("", r#"write {f} {"status":"done"}"#, "completed", "clean_result", "reached"),
        ("", r#"write {f} {"n":1,"status":"Success"}"#, "completed", "clean_result", "reached"),
        (DONE, "say nothing", "failed", "expectation_missing", "not_reached"),
        (DONE, "run touch {f}", "failed", "expectation_missing", "not_reached"),
        (DONE, r#"write {f} {"status":"done","n":2}"#, "completed", "clean_result", "reached"),
        (DONE, r#"write {f} {"status":"failed"}"#, "failed", "result_says_failed", "contradicted"),
        (r#"{"status":"failed"}"#, r#"write {f} {"status":"done"}"#, "completed", "clean_result", "reached"),
        ("", r#"write {f} {"status":"blocked"}"#, "failed", "result_says_failed", "contradicted"),
        ("", r#"write {f} {"status":"do"#, "failed", "expectation_unknown", "unknown"),
        ("", r#"write {f} {"status":"in_progress"}"#, "failed", "expectation_unknown", "unknown"),
        ("", "run : > {f}", "failed", "expectation_unknown", "unknown"),
        ("", "run mkfifo {f}", "failed", "expectation_missing", "not_reached"),
        ("", "run mkdir {f}", "failed", "expectation_missing", "not_reached"),
        ("", "run ln -s /dev/zero {f}", "failed", "expectation_missing", "not_reached"),
        ("", "run ln -s {f} {f}", "failed", "expectation_unknown", "unknown"),
    ];
    for (before, steps, outcome, cause, state) in rows {
        let stage = Stage::new();
        if !before.is_empty() {
            write(&stage, "result.json", before);
        }
        // Braces in a script are blocks: what is to be written comes from a file.
        let steps = steps.replace("{f}", &stage.name("result.json"));
        let call = match steps.strip_prefix(&format!("write {} ", stage.name("result.json"))) {
            Some(text) => {
                write(&stage, "text", text);
                work(&stage, &copy(&stage, "text", "result.json"), &["result:result.json"])
            }
            None => work(&stage, &steps, &["result:result.json"]),
        };
        assert_end(&call, outcome, cause, state);
    }
}

fn copy(stage: &Stage, from: &str, to: &str) -> String {
    format!("run cp {} {}", stage.name(from), stage.name(to))
}

/// The same with the exit code as the agent's only word.
#[test]
fn plain_commands_owe_too_and_their_exit_code_is_never_overruled() {
    let stage = Stage::new();
    let folder = stage.name("");
    let plain = |script: &str, expect: &str| {
        stage.turn(&["run", "--agent", "a", "--cwd", &folder, "--expect", expect, "--", "sh", "-c", script])
    };
    assert_end(&plain("true", "file:out"), "failed", "expectation_missing", "not_reached");
    assert_end(&plain("echo 1 > out", "file:out"), "completed", "exit_code", "reached");
    let call = plain(r#"echo '{"status":"done"}' > r; exit 3"#, "result:r");
    assert_end(&call, "failed", "exit_code", "reached");
    let call = plain(r#"echo '{"status":"ok"}' > r; kill -KILL $$"#, "result:r");
    assert_end(&call, "completed", "expectation_met", "reached");
}

/// bmad 41; 34: finished work is not thrown away.
#[test]
fn an_agent_that_dies_after_its_result_has_finished_and_one_that_left_only_a_file_has_not() {
    let ends = [("die KILL", "killed", 137), ("exit 0", "no_result", 1), ("kill-parent; hang", "lost", 125)];
    for (end, outcome, code) in ends {
        let stage = Stage::new();
        write(&stage, "text", DONE);
        let script = format!("init; {}; {end}", copy(&stage, "text", "r"));
        let call = play(&stage, &script, &["file:r"]);
        call.assert_end(outcome, code);
        assert_end(&call, outcome, call.word("cause"), "reached");
        stage.turn(&["stop", "a"]);
        std::fs::remove_file(stage.path("r")).unwrap();

        let call = play(&stage, &script, &["result:r"]);
        assert_end(call.assert_end("completed", 0), "completed", "expectation_met", "reached");
        let ended = call.ended();
        assert_eq!((&ended["clean_result"], &ended["outcome_source"]), (&json!(false), &json!("expectation")));
        assert_eq!(stage.run_of("a")["state"], "completed");
        // Left over, it adopts nothing.
        play(&stage, &format!("init; {end}"), &["result:r"]).assert_end(outcome, code);
    }
}

#[test]
fn a_clock_or_a_stop_after_the_result_loses_no_work_and_an_error_result_is_never_overruled() {
    let stage = Stage::new();
    write(&stage, "text", DONE);
    let does = copy(&stage, "text", "r");
    let remove = || std::fs::remove_file(stage.path("r")).unwrap();
    let slow = owing(&stage, &format!("init; {does}; hang"), &["result:r"]);
    assert_end(&slow.with(&["--deadline", "1s"]).call(), "completed", "expectation_met", "reached");
    remove();
    let slow = owing(&stage, &format!("init; {does}; hang"), &["result:r"]).start();
    crate::stage::until("the result", || stage.path("r").exists());
    stage.turn(&["stop", "a"]);
    let stopped = slow.end();
    assert_end(&stopped, "completed", "expectation_met", "reached");
    assert_eq!(stopped.word("state_after"), "stopped");
    remove();
    let call = play(&stage, &format!("init; {does}; result-error no"), &["result:r"]);
    assert_end(&call, "failed", "error_result", "reached");
    remove();
    let limit = crate::support::capture("claude/401");
    let call = play(&stage, &format!("{does}; replay {}", limit.display()), &["result:r"]);
    assert_end(&call, "auth", "credentials", "reached");
}

#[test]
fn adopted_work_without_the_mail_that_is_owed_is_silent() {
    let stage = Stage::new();
    write(&stage, "text", DONE);
    let script = format!("init; {}; die KILL", copy(&stage, "text", "r"));
    let call = owing(&stage, &script, &["result:r"]).with(&["--parent", "lead"]).call();
    assert_end(call.assert_end("silent", 1), "silent", "terminal_mail_missing", "reached");
    assert_eq!((call.word("state_after"), stage.mails("lead", "worker_died").len()), ("completed", 1));
}

#[test]
fn a_failed_attempt_is_followed_by_a_new_baseline_and_a_wait_is_not() {
    let stage = Stage::new();
    let file = stage.name("f");
    // Written in an attempt that failed: it is there when the next begins, and proves nothing for it.
    let first = owing(&stage, &format!("init; write {file} 1; result-error no"), &["file:f"]);
    let first = first.with(&["--max-attempts", "9"]).call();
    assert_end(&first, "failed", "error_result", "reached");
    let second = stage.play("a", "init; result done").call();
    assert_end(&second, "failed", "expectation_missing", "not_reached");
    assert_eq!(owes(&second)[0]["since"], second.last("turn.started")["turn"]);
    // Written before a wait: it stays a part of the attempt.
    stage.play("b", "init; result-error no").with(&["--parent", "a", "--max-attempts", "2"]).call();
    let third = stage.play("a", &format!("init; write {file} 2; result done")).call();
    assert_end(third.assert_end("waiting", 0), "waiting", "open_children", "reached");
    stage.turn(&["stop", "b"]);
    stage.sqlite().execute("DELETE FROM mail", []).unwrap();
    let fourth = stage.play("a", "init; result done").call();
    assert_end(fourth.assert_end("completed", 0), "completed", "clean_result", "reached");
    assert_eq!(owes(&fourth)[0]["since"], third.last("turn.started")["turn"]);
}

fn owes(call: &Call) -> &Vec<Value> {
    call.last("turn.started")["owes"].as_array().unwrap()
}

#[test]
fn who_waits_owes_nothing_yet() {
    let stage = Stage::new();
    stage.play("b", "init; result-error no").with(&["--parent", "a", "--max-attempts", "2"]).call();
    let call = work(&stage, "say dispatched", &["file:f"]);
    assert_end(call.assert_end("waiting", 0), "waiting", "open_children", "not_reached");
}

#[test]
fn a_turn_that_was_limited_goes_on_with_its_baseline() {
    let stage = Stage::new();
    let limit = crate::support::capture("claude/429");
    let script = format!("write {} 1; replay {}", stage.name("f"), limit.display());
    play(&stage, &script, &["file:f"]).assert_end("limited", 75);
    let call = stage.play("a", "init; result done").with(&["--now"]).call();
    assert_end(call.assert_end("completed", 0), "completed", "clean_result", "reached");
}

#[test]
fn owed_mail_is_the_runs_own_of_this_type_and_of_this_attempt() {
    let stage = Stage::new();
    let expect = ["mail:merge_ready"];
    let sent = stage.sends("operator", "merge_ready");
    assert_end(work(&stage, &sent, &expect).assert_end("completed", 0), "completed", "clean_result", "reached");
    let silent = work(&stage, "say nothing", &expect);
    assert_end(silent.assert_end("silent", 1), "silent", "expectation_missing", "not_reached");
    assert!(silent.word("message").contains("mail:merge_ready: not sent"), "{silent:#?}");
    assert_eq!(silent.ended()["terminal_mail_missing"], false);
    // Another type; and the same from somebody else in its name, while it runs.
    work(&stage, &stage.sends("operator", "status"), &expect).assert_end("silent", 1);
    let forged = format!("run env -u REFLOAT_TOKEN -u REFLOAT_TURN -u REFLOAT_RUN {}", &sent["run ".len()..]);
    let forged = forged.replace(" send ", " send --from a ");
    work(&stage, &forged, &expect).assert_end("silent", 1);
    assert_eq!(stage.mails("operator", "merge_ready").len(), 2, "the forged one is there");
    // Sent in an attempt that failed.
    let failed = owing(&stage, &format!("init; {sent}; result-error no"), &expect);
    let failed = failed.with(&["--max-attempts", "3"]).call();
    assert_end(failed.assert_end("failed", 1), "failed", "error_result", "reached");
    stage.play("a", "init; result done").call().assert_end("silent", 1);
}

#[test]
fn mail_that_was_sent_before_a_wait_is_of_the_same_attempt() {
    let stage = Stage::new();
    stage.play("b", "init; result-error no").with(&["--parent", "a", "--max-attempts", "2"]).call();
    let first = work(&stage, &stage.sends("operator", "merge_ready"), &["mail:merge_ready"]);
    assert_end(first.assert_end("waiting", 0), "waiting", "open_children", "reached");
    stage.turn(&["stop", "b"]);
    stage.sqlite().execute("DELETE FROM mail WHERE recipient = 'a'", []).unwrap();
    stage.play("a", "init; result done").call().assert_end("completed", 0);
}

/// A repository of one commit in the stage's folder, and a step that makes another in it.
fn repository(stage: &Stage) -> String {
    let commit = "git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x";
    let made = std::process::Command::new("sh")
        .args(["-ec", &format!("git init -q -b main . && {commit}")])
        .current_dir(stage.path(""))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .status();
    assert!(made.unwrap().success());
    format!("run {commit}")
}

#[test]
fn a_ref_is_owed_a_move_or_its_making() {
    let stage = Stage::new();
    let commit = repository(&stage);
    let rows = [
        ("say nothing", "git:main", "failed", "not_reached"),
        (&commit, "git:main", "completed", "reached"),
        (&commit, "git:HEAD", "completed", "reached"),
        (&commit, "git:topic", "failed", "not_reached"),
        ("run git branch topic", "git:topic", "completed", "reached"),
        ("run git branch -f topic topic", "git:topic", "failed", "not_reached"),
        ("run git pack-refs --all", "git:refs/heads/topic", "failed", "not_reached"),
        ("run git branch -D topic", "git:topic", "failed", "not_reached"),
    ];
    for (steps, expect, outcome, state) in rows {
        let cause = if outcome == "failed" { "expectation_missing" } else { "clean_result" };
        assert_end(&work(&stage, steps, &[expect]), outcome, cause, state);
    }
    let call = work(&stage, "run rm -rf .git", &["git:main"]);
    assert_end(&call, "failed", "expectation_unknown", "unknown");
}

#[test]
fn without_a_repository_or_git_nothing_starts() {
    let stage = Stage::new();
    let expect = ["git:main"];
    work(&stage, "say no", &expect).assert_refused(66, "not a git repository");
    assert!(!stage.state().exists());
    owing(&stage, "init; result done", &expect)
        .env("PATH", "/nowhere")
        .call()
        .assert_refused(69, "the program git was not found");
    repository(&stage);
    // What a hook of another repository has set does not lead there.
    owing(&stage, "init; result done", &expect).env("GIT_DIR", "/nowhere").call().assert_end("failed", 1);
    std::fs::write(stage.path(".git/HEAD"), "").unwrap();
    owing(&stage, "init; result done", &expect).call().assert_refused(66, "git:main");
}

#[test]
fn a_run_keeps_what_it_was_given_and_later_turns_may_repeat_and_add() {
    let stage = Stage::new();
    write(&stage, "old", "old");
    let more = ["--max-attempts", "9"];
    let first = owing(&stage, "init; result-error no", &["file:f", "file:old", "file:f"]);
    let first = first.with(&more).call();
    let targets = |call: &Call| owes(call).iter().map(|one| one["target"].clone()).collect::<Vec<_>>();
    let folder = stage.path("");
    let named = |name: &str| json!(folder.join(name));
    assert_eq!(targets(&first), [named("f"), named("old")]);
    let again = stage.play("a", "init; result-error no").call();
    assert_eq!(targets(&again), targets(&first), "not repeated, not dropped");
    let added = owing(&stage, "init; result-error no", &["mail:status", "file:./f"]).call();
    assert_eq!(targets(&added), [named("f"), named("old"), json!("status")]);
    let old = &owes(&added)[1];
    assert_eq!((&old["found"], &old["size"], &old["kind"]), (&json!("file"), &json!(3), &json!("file")));
    assert_eq!(stage.run_of("a")["owes"], json!(owes(&added)));
    // Another run owes nothing of it.
    stage.turn(&["stop", "a"]);
    let fresh = stage.play("a", "init; result done").call();
    assert_eq!((fresh.ended()["expected"].clone(), owes(&fresh).len()), (json!([]), 0));
}

#[test]
fn what_is_added_while_a_run_waits_has_a_baseline_of_that_moment() {
    let stage = Stage::new();
    stage.play("b", "init; result-error no").with(&["--parent", "a", "--max-attempts", "2"]).call();
    let file = stage.name("f");
    work(&stage, &format!("write {file} 1"), &["file:f"]).assert_end("waiting", 0);
    write(&stage, "g", "1");
    stage.turn(&["stop", "b"]);
    stage.sqlite().execute("DELETE FROM mail", []).unwrap();
    let call = work(&stage, "say nothing", &["file:f", "file:g"]);
    call.assert_end("failed", 1);
    let states: Vec<_> = call.ended()["expected"].as_array().unwrap().iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, [json!("reached"), json!("not_reached")]);
}

#[test]
fn the_end_of_a_turn_that_nobody_watched_looks_too() {
    let stage = Stage::new();
    write(&stage, "text", DONE);
    let script = format!("init; wait-file {}; {}; die KILL", stage.name("go"), copy(&stage, "text", "r"));
    let running = owing(&stage, &script, &["result:r"]).start();
    running.signal(nix::sys::signal::Signal::SIGHUP);
    assert_eq!(running.end().code, 75);
    write(&stage, "go", "");
    let call = stage.turn(&["attach", "a"]);
    assert_end(call.assert_end("completed", 0), "completed", "expectation_met", "reached");
}

#[test]
fn a_name_that_is_not_utf8_is_looked_at_as_it_is_and_shown_as_text() {
    let stage = Stage::new();
    let name = std::ffi::OsStr::from_bytes(b"od\xffd");
    std::fs::write(stage.path("").join(name), "before").unwrap();
    let mut expect = std::ffi::OsString::from("file:");
    expect.push(name);
    let mut turn = stage.command(TURN);
    turn.args(["run", "--agent", "a", "--cwd", &stage.name(""), "--expect"]).arg(expect);
    turn.args(["--", "sh", "-c", r#"echo after > "$(printf 'od\377d')""#]);
    let call = stage.call(turn);
    assert_end(call.assert_end("completed", 0), "completed", "exit_code", "reached");
    assert_eq!((&owes(&call)[0]["found"], &owes(&call)[0]["target_lossy"]), (&json!("file"), &json!(true)));
    assert_eq!(call.ended()["expected"][0]["target_lossy"], true);
}

#[test]
fn a_file_of_somebody_else_is_unknown_and_not_taken_for_done() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let stage = Stage::new();
    let secret = stage.path("secret");
    std::fs::create_dir(&secret).unwrap();
    std::fs::set_permissions(stage.path(""), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::create_dir(stage.path("home")).unwrap();
    std::os::unix::fs::chown(stage.path("home"), Some(65534), Some(65534)).unwrap();
    let mut turn = stage.command("setpriv");
    turn.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        TURN,
        "run",
        "--agent",
        "a",
        "--contain",
        "subreaper",
    ]);
    turn.args(["--expect", &format!("file:{}", stage.name("secret/f")), "--", "true"]);
    turn.env("REFLOAT_STATE", stage.path("home/state.db")).current_dir("/");
    let call = stage.call(turn);
    assert_end(call.assert_end("failed", 1), "failed", "expectation_unknown", "unknown");
    assert!(call.word("message").contains("permission denied"), "{call:#?}");
}
