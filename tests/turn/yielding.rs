//! `turn yield`: an agent that ends its turn on purpose waits, and is neither done nor silent.

use refloat::clock::Stamp;
use serde_json::{Value, json};

use crate::stage::{Call, Stage, TURN};

/// A turn of a child of `lead` that yields with these words and ends as `end` says.
fn yields(stage: &Stage, args: &str, end: &str) -> Call {
    let play = stage.play("a", &format!("init; {}; {end}", said(stage, args)));
    play.with(&["--parent", "lead"]).call()
}

/// A step that yields; what it prints is kept.
fn said(stage: &Stage, args: &str) -> String {
    format!("run {TURN} yield {args} >>{0} 2>>{0}.err", stage.name("said"))
}

fn record(stage: &Stage) -> Value {
    let said = std::fs::read_to_string(stage.path("said")).unwrap();
    serde_json::from_str(said.lines().last().unwrap()).unwrap()
}

fn stamp(value: &Value) -> Stamp {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn a_turn_that_yields_leaves_its_run_waiting_and_nobody_is_told() {
    let stage = Stage::new();
    let before = Stamp::now();
    let call = yields(&stage, "--for 'three builders'", "result later");
    call.assert_end("waiting", 0);
    assert_eq!((call.word("cause"), call.word("state_after")), ("yielded", "waiting"));
    assert_eq!(call.ended()["terminal_mail_missing"], false);
    let yielded = record(&stage);
    assert_eq!((&yielded["turn"], &yielded["agent"]), (&json!("t1"), &json!("a")));
    assert_eq!((&yielded["reason"], &yielded["on_mail"]), (&json!("three builders"), &json!(false)));
    let run = stage.run_of("a");
    assert_eq!(
        (&run["state"], &run["hold"], &run["held_until"]),
        (&json!("waiting"), &json!("awaiting"), &yielded["until"])
    );
    let day = stamp(&run["held_until"]).since(before);
    assert!((86_400_000..86_460_000).contains(&day), "{run}");
    assert_eq!(stage.mails("lead", "worker_died"), [] as [Value; 0]);
    let next = stage.play("a", &format!("init; {}; result done", stage.sends("lead", "worker_done"))).call();
    assert_eq!(next.assert_end("completed", 0).word("run"), "r1");
}

#[test]
fn it_waits_until_the_time_it_gave_and_its_last_word_counts() {
    let stage = Stage::new();
    let time = Stamp::now().plus(std::time::Duration::from_secs(3600));
    for (args, until) in [("--until 2h", None), (format!("--until {time}").as_str(), Some(time))] {
        let before = Stamp::now();
        yields(&stage, args, "result later").assert_end("waiting", 0);
        let held = stamp(&stage.run_of("a")["held_until"]);
        match until {
            Some(time) => assert_eq!(held, time),
            None => assert!((7_200_000..7_260_000).contains(&held.since(before)), "{held}"),
        }
    }
    let twice = format!("{}; {}", said(&stage, "--until 2h --for one"), said(&stage, "--on-mail --for two"));
    stage.play("a", &format!("init; {twice}; result later")).call().assert_end("waiting", 0);
    let last = record(&stage);
    assert_eq!((&last["reason"], &last["on_mail"]), (&json!("two"), &json!(true)));
    assert_eq!(stage.run_of("a")["held_until"], last["until"]);
}

/// The terminal mail is the last word.
#[test]
fn who_yields_and_says_that_it_is_done_is_done() {
    let stage = Stage::new();
    let call = yields(&stage, "--on-mail", &format!("{}; result done", stage.sends("lead", "worker_done")));
    assert_eq!(call.assert_end("completed", 0).word("state_after"), "completed");
}

#[test]
fn a_yield_does_not_make_a_failure_a_wait_and_does_not_outlive_its_turn() {
    let stage = Stage::new();
    for (end, outcome, code) in
        [("result-error no", "failed", 1), ("exit 0", "no_result", 1), ("result quiet", "silent", 1)]
    {
        let script =
            if end == "result quiet" { format!("init; {end}") } else { format!("init; {}; {end}", said(&stage, "")) };
        stage.play("a", &script).with(&["--parent", "lead"]).call().assert_end(outcome, code);
    }
}

#[test]
fn a_plain_program_yields_too() {
    let stage = Stage::new();
    let call = stage.turn(&["run", "--agent", "a", "--", TURN, "yield", "--for", "the night"]);
    assert_eq!(call.assert_end("waiting", 0).word("cause"), "yielded");
}

#[test]
fn only_inside_its_own_open_turn_does_an_agent_yield() {
    let stage = Stage::new();
    let outside = stage.turn(&["yield"]);
    outside.assert_refused(2, "this is no turn");
    assert!(outside.stderr.contains("hint: ") && !stage.state().exists(), "{outside:?}");
    let script = format!("init; record-env {}; result done", stage.name("env"));
    stage.play("a", &script).call().assert_end("completed", 0);
    let env = std::fs::read_to_string(stage.path("env")).unwrap();
    let token = env.lines().find_map(|line| line.strip_prefix("REFLOAT_TOKEN=")).unwrap();
    let with = |token: &str| {
        let mut command = stage.command(TURN);
        command.args(["yield"]).env("REFLOAT_TOKEN", token);
        stage.call(command)
    };
    with(token).assert_refused(76, "t1 has ended (completed)");
    with("0123").assert_refused(76, "unknown here");
    let pid = std::process::id().to_string();
    let adopted = stage.turn(&["adopt", "--agent", "b", "--pid", &pid]);
    let call = with(adopted.last("run.adopted")["token"].as_str().unwrap());
    call.assert_refused(76, "is adopted: it has no turn");
    assert!(call.stderr.contains("turn end b"), "{call:?}");
}
