//! What an agent, or somebody else, can do to the files of a turn: none of it may hold the agent up or be believed.

use serde_json::json;

use crate::stage::Stage;

/// Runs a shell command as the whole agent; `$L` is the folder of its turn.
fn shell(stage: &Stage, agent: &str, script: &str) -> crate::stage::Call {
    let script = format!("L=$(dirname \"$(readlink /proc/$$/fd/1)\"); {script}");
    stage.turn(&["run", "--agent", agent, "--", "/bin/sh", "-c", &script])
}

#[test]
fn an_exit_record_that_is_none_counts_as_none_and_holds_nobody_up() {
    let shapes = [
        "echo garbage >$L/exit.json",
        ": >$L/exit.json",
        "echo '{\"v\":1,\"code\":\"x\"' >$L/exit.json",
        "mkdir $L/exit.json",
        "mkfifo $L/exit.json",
        "ln -s /dev/zero $L/exit.json",
    ];
    for shape in shapes {
        let stage = Stage::new();
        let call = shell(&stage, "a", &format!("{shape}; kill -9 $PPID; sleep 60"));
        call.assert_end("lost", 125);
        stage.turn(&["run", "--agent", "a", "--", "true"]).assert_end("completed", 0);
    }
}

#[test]
fn the_record_of_another_turn_is_not_believed() {
    let stage = Stage::new();
    shell(&stage, "a", "cp $L/../../copy $L/exit.json 2>/dev/null; exit 0").assert_end("completed", 0);
    std::fs::copy(stage.path("state/logs/t1/exit.json"), stage.path("state/copy")).unwrap();
    let call = shell(&stage, "a", "cp $L/../../copy $L/exit.json; kill -9 $PPID; sleep 60");
    call.assert_end("lost", 125);
}

#[test]
fn a_folder_that_is_removed_under_a_living_turn_costs_no_finished_work() {
    let stage = Stage::new();
    let call = shell(&stage, "a", "rm -rf \"$L\"; exit 0");
    call.assert_end("completed", 0);
    assert_eq!(call.ended()["exit_code"], json!(0));
    shell(&stage, "a", "rm -rf \"$L\"; exit 3").assert_end("failed", 1);
}

#[test]
fn a_stream_that_is_a_fifo_is_no_stream() {
    let stage = Stage::new();
    let call = shell(&stage, "a", "rm $L/stream.jsonl; mkfifo $L/stream.jsonl; kill -9 $PPID; sleep 60");
    call.assert_end("lost", 125);
    assert_eq!(stage.turn(&["log", "t1"]).code, 66);
}

#[test]
fn stderr_that_is_no_file_any_more_holds_no_end_up() {
    for shape in ["mkfifo $L/stderr.log", "mkdir $L/stderr.log", "ln -s /dev/zero $L/stderr.log"] {
        let stage = Stage::new();
        let mut command = stage.command("timeout");
        command.args(["-s", "KILL", "30", crate::stage::TURN, "run", "--agent", "a", "--", "/bin/sh", "-c"]);
        command.arg(format!("L=$(dirname \"$(readlink /proc/$$/fd/1)\"); rm $L/stderr.log; {shape}; exit 3"));
        stage.call(command).assert_end("failed", 1);
    }
}

#[test]
fn room_for_the_record_that_was_taken_away_keeps_no_shim() {
    for shape in ["rm $L/exit.json.reserve", "mkfifo $L/exit.json.reserve", "ln -s $L/../../other $L/exit.json.reserve"]
    {
        let stage = Stage::new();
        let call = shell(&stage, "a", &format!("rm $L/exit.json.reserve; echo kept >$L/../../other; {shape}; exit 0"));
        call.assert_end("completed", 0);
        stage.turn(&["run", "--agent", "a", "--lock-wait", "20s", "--", "true"]).assert_end("completed", 0);
        assert_eq!(std::fs::read_to_string(stage.path("state/other")).unwrap(), "kept\n", "{shape}");
        assert!(stage.path("state/logs/t1/exit.json").is_file(), "{shape}");
    }
}

#[test]
fn nobody_is_its_own_parent_directly_or_through_others() {
    let stage = Stage::new();
    stage.turn(&["run", "--agent", "a", "--parent", "a", "--", "true"]).assert_refused(2, "its own parent");
    let wait = ["--max-attempts", "9", "--", "false"];
    stage.turn(&[&["run", "--agent", "x", "--parent", "y"][..], &wait].concat()).assert_end("failed", 1);
    stage.turn(&[&["run", "--agent", "y", "--parent", "z"][..], &wait].concat()).assert_end("failed", 1);
    stage.turn(&["run", "--agent", "z", "--parent", "x", "--", "true"]).assert_refused(76, "parent of its parent");
}

#[test]
fn the_stall_clock_alone_ends_silence_from_the_start() {
    let stage = Stage::new();
    let call = stage.turn(&["run", "--agent", "a", "--stall", "200ms", "--", "sleep", "60"]);
    call.assert_end("stalled", 124);
    assert_eq!(call.word("cause"), "no_first_event");
}

#[test]
fn why_somebody_stopped_a_turn_stands_in_its_end_and_a_failure_says_where_to_look() {
    let stage = Stage::new();
    let running = stage.play("a", "init; hang").with(&["--kill-after", "100ms"]).start();
    running.until_written(1);
    stage.turn(&["stop", "a", "--why", "wrong branch"]);
    let call = running.end();
    call.assert_end("aborted", 143);
    assert_eq!(call.word("message"), "wrong branch");
    assert!(
        call.stderr.contains("ended aborted (stop): wrong branch") && call.stderr.contains("stderr.log"),
        "{call:?}"
    );
}
