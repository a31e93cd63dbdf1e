//! Prompts: an empty one starts nothing, a big one blocks nothing, each reaches the agent byte for byte.

use serde_json::{Value, json};

use crate::stage::Stage;

/// T1
#[test]
fn an_empty_prompt_starts_nothing_and_stores_nothing() {
    let stage = Stage::new();
    let ran = stage.name("ran");
    for empty in ["", " \n\t\n"] {
        let call = stage.play("a", &format!("touch {ran}; result done")).prompt(Some(empty)).call();
        call.assert_end("empty", 0);
        let ended = call.ended();
        assert_eq!((&ended["turn"], &ended["run"], &ended["state_after"]), (&Value::Null, &Value::Null, &Value::Null));
        assert_eq!(call.records.len(), 1);
    }
    assert!(!stage.path("ran").exists() && !stage.state().exists());
}

/// T1
#[test]
fn an_empty_prompt_leaves_an_open_run_as_it_is() {
    let stage = Stage::new();
    stage.play("a", "init; result-error no").with(&["--max-attempts", "3"]).call().assert_end("failed", 1);
    let before = stage.run_of("a");
    stage.play("a", "result done").prompt(Some("")).call().assert_end("empty", 0);
    assert_eq!(stage.run_of("a"), before);
    assert_eq!(stage.turn(&["list"]).records.len(), 1);
}

#[test]
fn a_prompt_that_never_ends_is_refused_before_it_fills_the_memory() {
    let stage = Stage::new();
    for zero in ["/dev/zero", "-"] {
        let mut command = stage.command("sh");
        command.args(["-c", "ulimit -v 1000000; exec timeout -s KILL 60 \"$@\" </dev/zero", "sh", crate::stage::TURN]);
        command.args(["run", "--agent", "a", "--runtime", "claude", "--prompt-file", zero, "--", "true"]);
        stage.call(command).assert_refused(65, "the prompt is longer than 64 MiB");
    }
    assert!(!stage.state().exists());
}

/// T2
#[test]
fn an_unknown_runtime_is_a_usage_error_that_names_the_known_ones() {
    let stage = Stage::new();
    let call = stage.play_as("clod", "a", "result done").call();
    call.assert_refused(2, "unknown runtime 'clod'");
    for known in ["claude", "codex", "plain"] {
        assert!(call.stderr.contains(known), "{call:?}");
    }
    assert!(!stage.state().exists());
}

#[test]
fn a_runtime_that_needs_a_prompt_is_not_started_without() {
    let stage = Stage::new();
    stage.play("a", "result done").prompt(None).call().assert_refused(2, "needs a prompt");
}

/// B9
#[test]
fn a_prompt_of_8_mb_that_nobody_reads_blocks_nothing() {
    let stage = Stage::new();
    std::fs::write(stage.path("big"), vec![b'x'; 8 << 20]).unwrap();
    let call = stage.play("a", "zoo no-stdin").prompt(None).with(&["--prompt-file", &stage.name("big")]).call();
    call.assert_end("completed", 0);
}

/// T18
#[test]
fn an_agent_that_closes_its_stdin_at_once_is_no_error() {
    let stage = Stage::new();
    std::fs::write(stage.path("big"), vec![b'x'; 8 << 20]).unwrap();
    let play = stage.play("a", "close-stdin; init; result done").prompt(None);
    play.with(&["--prompt-file", &stage.name("big")]).call().assert_end("completed", 0);
}

#[test]
fn a_prompt_arrives_byte_for_byte_from_argument_file_and_stdin() {
    let stage = Stage::new();
    let text = "line one\n\u{2028}\u{0}\\ 'quoted'\n--looks-like-an-option\n";
    std::fs::write(stage.path("prompt"), text).unwrap();
    let script = format!("record-stdin {}; init; result done", stage.name("got"));
    let got = || std::fs::read_to_string(stage.path("got")).unwrap();
    let plain = text.replace('\0', "");
    stage.play("a", &script).prompt(Some(&plain)).call().assert_end("completed", 0);
    assert_eq!(got(), plain);
    stage.play("a", &script).prompt(None).with(&["--prompt-file", &stage.name("prompt")]).call();
    assert_eq!(got(), text);
    let mut piped = stage.play("a", &script).prompt(None).with(&["--prompt-file", "-"]);
    piped.command.stdin(std::fs::File::open(stage.path("prompt")).unwrap());
    piped.call().assert_end("completed", 0);
    assert_eq!(got(), text);
}

#[test]
fn arguments_after_the_dashes_reach_the_program_and_the_nested_guard_does_not() {
    let stage = Stage::new();
    let script = format!("record-args {}; record-env {}; init; result done", stage.name("args"), stage.name("env"));
    let play = stage.play("a", &script).env("CLAUDECODE", "1").env("KEPT", "yes").with(&["--parent", "lead"]);
    play.prompt(None).with(&["--prompt", "hi", "--", "--model", "a b"]).call();
    let args = std::fs::read_to_string(stage.path("args")).unwrap();
    assert!(args.lines().collect::<Vec<_>>().windows(2).any(|two| two == ["--model", "a b"]), "{args}");
    let env = std::fs::read_to_string(stage.path("env")).unwrap();
    let has = |line: &str| env.lines().any(|one| one == line);
    assert!(has("KEPT=yes") && has("REFLOAT_AGENT=a") && has("REFLOAT_PARENT=lead"), "{env}");
    assert!(!env.contains("CLAUDECODE="), "{env}");
    assert_eq!(stage.run_of("a")["capability"], json!("builder"));
}

/// What an open run is about is known under the lock: it may end while a turn of another task waits for it.
#[test]
fn a_prompt_on_stdin_does_not_refuse_a_task_whose_predecessor_still_runs() {
    let stage = Stage::new();
    let first = stage.play("a", &format!("init; wait-file {}; result done", stage.name("go")));
    let first = first.with(&["--task", "one"]).start();
    std::fs::write(stage.path("prompt"), "do it").unwrap();
    let mut second = stage.play("a", "init; result done").prompt(None).with(&["--task", "two", "--prompt-file", "-"]);
    second.command.stdin(std::fs::File::open(stage.path("prompt")).unwrap());
    let second = second.begin();
    super::sessions::until_waits_for_the_lock(&stage, &second);
    std::fs::write(stage.path("go"), "").unwrap();
    first.end().assert_end("completed", 0);
    second.end().assert_end("completed", 0);
}
