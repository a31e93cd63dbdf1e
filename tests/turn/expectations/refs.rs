//! Refs that are owed: moved or made, in the repository of the working folder.

use super::{assert_end, owing, work};
use crate::stage::Stage;

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

/// Whoever goes on with an attempt needs no new baseline; a new attempt does, and does not begin without.
#[test]
fn a_repository_that_goes_away_stops_no_attempt_and_begins_none() {
    let stage = Stage::new();
    repository(&stage);
    stage.play("b", "init; result-error no").with(&["--parent", "a", "--max-attempts", "2"]).call();
    let first = owing(&stage, "init; result done", &["git:main"]).with(&["--max-attempts", "9"]).call();
    first.assert_end("waiting", 0);
    stage.turn(&["stop", "b"]);
    stage.sqlite().execute("DELETE FROM mail", []).unwrap();
    std::fs::remove_dir_all(stage.path(".git")).unwrap();
    let on = stage.play("a", "init; result done").call();
    assert_end(on.assert_end("failed", 1), "failed", "expectation_unknown", "unknown");
    let again = stage.play("a", "init; result done").call();
    again.assert_refused(69, "cannot look at git:main");
    assert!(again.stderr.contains("turn stop"), "{}", again.stderr);
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
    let elsewhere = stage.play("a", "init; result done").with(&["--expect", "git:main", "--cwd", "/no/such/folder"]);
    elsewhere.call().assert_refused(66, "no folder /no/such/folder");
    repository(&stage);
    // What a hook of another repository has set does not lead there.
    owing(&stage, "init; result done", &expect).env("GIT_DIR", "/nowhere").call().assert_end("failed", 1);
    std::fs::write(stage.path(".git/HEAD"), "").unwrap();
    owing(&stage, "init; result done", &expect).call().assert_refused(66, "git:main");
}
