//! Runtimes as the user names them: those compiled in, and the user's own files.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::stage::Stage;

#[test]
fn a_file_of_the_users_adds_a_runtime_and_another_takes_the_place_of_one() {
    let stage = Stage::new();
    let mine = stage.describe("amp", "like = \"claude\"\nprogram = \"amp\"\n");
    stage.describe("codex", "like = \"codex\"\nstop_signal = \"TERM\"\n");
    let listed = stage.turn(&["runtimes"]).records;
    let names: Vec<&str> = listed.iter().map(|one| one["runtime"].as_str().unwrap()).collect();
    assert_eq!(names, ["amp", "claude", "codex", "copilot", "cursor", "gemini", "opencode", "pi", "plain"]);
    let of = |name: &str| listed.iter().find(|one| one["runtime"] == name).unwrap();
    assert_eq!(
        (&of("amp")["from"], &of("amp")["file"], &of("amp")["like"]),
        (&json!("user"), &json!(mine), &json!("claude"))
    );
    assert_eq!((&of("codex")["overrides"], &of("codex")["stop_signal"]), (&json!(true), &json!("TERM")));
    assert_eq!((&of("pi")["from"], &of("pi")["overrides"]), (&json!("builtin"), &json!(false)));
    let call = stage.play_as("amp", "a", "init; say hi; result done; exit 0").call();
    call.assert_end("completed", 0);
    assert_eq!(call.word("runtime"), "amp");
}

#[test]
fn a_mistake_in_a_users_file_is_told_by_file_line_column_and_key() {
    let stage = Stage::new();
    let file = stage.describe("mine", "like = \"claude\"\n\n[clocks]\nstal_s = 5\n");
    let call = stage.play_as("mine", "a", "result done").call();
    call.assert_refused(78, &format!("cannot use runtime mine: {file}:4:1: clocks.stal_s: unknown field"));
    assert!(!stage.state().exists());
    let listed = stage.turn(&["runtimes"]);
    let mine = listed.records.iter().find(|one| one["runtime"] == "mine").unwrap();
    assert!(mine["mistake"].as_str().unwrap().contains(":4:1: clocks.stal_s"), "{mine}");
    assert_eq!(stage.turn(&["runtimes", "mine"]).code, 78);
    stage.describe("mine", "like = \"claude\"\nsession_by = \"none\"\n");
    stage.play_as("mine", "a", "result done").call().assert_refused(78, ":1:1: fresh: {id}");
    stage.describe("claude", "");
    stage.play("a", "result done").call().assert_refused(78, "args: the key is missing");
}

#[test]
fn what_is_no_file_of_a_sensible_size_is_no_description_and_is_not_waited_for() {
    let stage = Stage::new();
    let folder = stage.path("config/refloat/runtimes");
    std::fs::create_dir_all(&folder).unwrap();
    nix::unistd::mkfifo(&folder.join("fifo.toml"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.join("zero.toml")).unwrap();
    std::fs::create_dir(folder.join("folder.toml")).unwrap();
    std::fs::File::create(folder.join("big.toml")).unwrap().set_len(1 << 40).unwrap();
    std::os::unix::fs::symlink("/nowhere", folder.join("dangling.toml")).unwrap();
    let within = |args: &[&str]| {
        let mut command = stage.command("timeout");
        command.args(["-s", "KILL", "30", crate::stage::TURN]).args(args);
        stage.call(command)
    };
    for (name, words) in
        [("fifo", "a FIFO"), ("zero", "a device"), ("folder", "a folder"), ("big", "longer than 1 MiB")]
    {
        let call = within(&["runtimes", name]);
        assert_eq!(call.code, 78, "{call:?}");
        assert!(call.stderr.contains(&format!("{name}.toml: it is {words}")), "{call:?}");
    }
    let listed = within(&["runtimes"]);
    assert_eq!((listed.code, listed.records.len()), (0, 13), "{listed:?}");
    let dangling = within(&["runtimes", "dangling"]);
    assert_eq!(dangling.code, 78, "{dangling:?}");
    assert!(dangling.stderr.contains("dangling.toml: it leads nowhere"), "{dangling:?}");
}

/// cron and sudo leave a HOME that is another user's; and a file can stand where the folder would be.
#[test]
fn a_place_that_can_hold_no_file_of_the_users_holds_none() {
    let stage = Stage::new();
    std::fs::write(stage.path("config"), "").unwrap();
    stage.turn(&["run", "--agent", "a", "--", "true"]).assert_end("completed", 0);
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let mode = |name: &str, mode| std::fs::set_permissions(stage.path(name), PermissionsExt::from_mode(mode)).unwrap();
    std::fs::remove_file(stage.path("config")).unwrap();
    let file = stage.describe("plain", "a mistake");
    let lists = |name: &str| {
        let mut command = stage.command("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", crate::stage::TURN, "runtimes", name]);
        stage.call(command)
    };
    mode("", 0o755);
    mode("config", 0o700);
    let call = lists("plain");
    assert_eq!((call.code, call.last("runtime")["from"].as_str()), (0, Some("builtin")), "{call:?}");
    // A file of theirs that they may not read is told: it would have changed the runtime.
    mode("config", 0o755);
    std::fs::set_permissions(file, PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(lists("plain").code, 74);
}

#[test]
fn a_command_with_a_nul_in_it_is_refused() {
    let stage = Stage::new();
    stage.describe("nul", "like = \"claude\"\nargs = [\"a\\u0000b\", \"{session}\", \"{args}\"]\n");
    stage.play_as("nul", "a", "init; result done").call().assert_refused(78, "a word of the command has a NUL in it");
}

#[test]
fn an_unknown_runtime_is_answered_with_the_names_that_are_near() {
    let stage = Stage::new();
    stage.describe("qwen", "like = \"claude\"\nprogram = \"qwen\"\n");
    for (wrong, near) in
        [("qwenn", "did you mean qwen?"), ("gemni", "did you mean gemini?"), ("open", "did you mean opencode?")]
    {
        stage.play_as(wrong, "a", "result done").call().assert_refused(2, near);
    }
    for wrong in ["../qwen", "", "qwen/../qwen", "/etc/passwd"] {
        stage.play_as(wrong, "a", "result done").call().assert_refused(2, "unknown runtime");
    }
}

#[test]
fn a_prompt_through_a_pipe_arrives_whole_and_is_closed_behind() {
    let stage = Stage::new();
    stage.describe("piped", "like = \"claude\"\nprompt = \"stdin_pipe\"\n");
    let text = "long line \u{2028} of text\n".repeat(40_000);
    std::fs::write(stage.path("prompt"), &text).unwrap();
    let script = format!("record-stdin {}; record-fds {}; init; result done", stage.name("got"), stage.name("fds"));
    let play = stage.play_as("piped", "a", &script).prompt(None);
    play.with(&["--prompt-file", &stage.name("prompt")]).call().assert_end("completed", 0);
    assert!(std::fs::read_to_string(stage.path("got")).unwrap() == text, "it arrived as it was");
    let fds = std::fs::read_to_string(stage.path("fds")).unwrap();
    assert!(fds.lines().any(|line| line.starts_with("0 pipe:")), "{fds}");
}

#[test]
fn an_agent_that_never_reads_its_pipe_or_closes_it_blocks_nobody() {
    let stage = Stage::new();
    stage.describe("piped", "like = \"claude\"\nprompt = \"stdin_pipe\"\n");
    std::fs::write(stage.path("prompt"), "x".repeat(1 << 20)).unwrap();
    for (agent, script) in
        [("deaf", "init; result done; exit 0"), ("closed", "close-stdin; init; sleep 50; result done; exit 0")]
    {
        let play = stage.play_as("piped", agent, script).prompt(None);
        play.with(&["--prompt-file", &stage.name("prompt")]).call().assert_end("completed", 0);
    }
    let play = stage.play_as("piped", "hung", "init; hang").prompt(None);
    let play = play.with(&["--prompt-file", &stage.name("prompt"), "--deadline", "300ms"]);
    play.call().assert_end("timed_out", 124);
}

#[test]
fn a_prompt_that_is_no_argument_is_refused_before_anything_is_stored() {
    let stage = Stage::new();
    let script = format!("record-args {}; line {{\"type\":\"result\",\"is_error\":false}}", stage.name("args"));
    std::fs::write(stage.path("dash"), "-x is no option\n").unwrap();
    let play = stage.play_as("cursor", "a", &script).prompt(None).with(&["--prompt-file", &stage.name("dash")]);
    play.call().assert_end("completed", 0);
    assert!(std::fs::read_to_string(stage.path("args")).unwrap().contains("-x is no option"));
    std::fs::write(stage.path("long"), "x".repeat(140_000)).unwrap();
    let play = stage.play_as("cursor", "b", "init").prompt(None).with(&["--prompt-file", &stage.name("long")]);
    play.call().assert_refused(2, "it has 140000 bytes");
}

/// 4.3-cursor
#[test]
fn a_failure_without_a_line_is_one_and_has_the_end_of_stderr_as_its_message() {
    let stage = Stage::new();
    let script = "line {\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"S\"}; err Working; err Error: 429 rate limit exceeded; exit 1";
    let call = stage.play_as("cursor", "a", script).call();
    call.assert_end("failed", 1);
    assert_eq!(call.ended()["message"], "Working\nError: 429 rate limit exceeded");
    assert_eq!((&call.ended()["cause"], &call.ended()["limit_kind"]), (&json!("exit_code"), &json!(null)));
}

/// The message and the mail that tells of it are kept: what a program says of its key on its way out is not.
#[test]
fn a_message_from_stderr_and_the_mail_about_any_end_are_without_secrets() {
    let key = "sk-ant-0123456789abcdefghij";
    let line = r#"line {"type":"system","subtype":"init","session_id":"S"}"#;
    let stage = Stage::new();
    let by_stderr = format!("{line}; err no access with {key}; exit 1");
    let lead = ["--parent", "lead", "--max-attempts", "1"];
    let call = stage.play_as("cursor", "a", &by_stderr).with(&lead).call();
    assert_eq!(call.assert_end("failed", 1).ended()["message"], "no access with sk-[redacted]");
    let by_event = format!("init; result-error no access with {key}");
    stage.play("b", &by_event).with(&lead).call().assert_end("failed", 1);
    let mails = stage.mails("lead", "worker_died");
    assert_eq!(mails.len(), 2);
    for mail in &mails {
        assert!(mail.to_string().contains("no access with sk-[redacted]"), "{mail}");
        assert!(!mail.to_string().contains("0123456789"), "{mail}");
    }
}
