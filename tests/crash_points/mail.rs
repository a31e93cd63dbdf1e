//! The commands of `mail` are killed at their calls: nothing that was acknowledged was not printed, nothing is lost,
//! nothing is stored by half, and the next command works.

use std::process::{Output, Stdio};

use super::{CALLS, calls, campaign, can_trace, points, strace};
use crate::scene::{Stage, records, until};

fn said(stage: &Stage, words: &[&str]) -> Output {
    let output = stage.mail(words).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
    output
}

fn send(stage: &Stage) {
    said(stage, &["send", "--from", "x", "--to", "a", "--subject", "s", "--queue"]);
}

/// The newest mail's state.
fn state(stage: &Stage) -> String {
    stage.texts("SELECT state FROM mail ORDER BY id DESC LIMIT 1").remove(0)
}

/// What is left comes again, and can be acknowledged.
fn assert_comes_again(stage: &Stage, point: &str) {
    stage.run_sql("UPDATE mail SET due_tick = 0 WHERE due_at IS NOT NULL");
    let again = records(&said(stage, &["check", "--agent", "a"]).stdout);
    assert_eq!(again.len(), 1, "{point}: {again:?}");
    assert_eq!(state(stage), "acked", "{point}");
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

/// 51, B24
#[test]
fn mail_that_check_acknowledged_was_printed_and_what_it_did_not_print_comes_again() {
    if !can_trace() {
        return;
    }
    let stage = Stage::new();
    let prepare = || {
        send(&stage);
        words(&["check", "--agent", "a"])
    };
    campaign("check", &stage, &|words| stage.mail(words), prepare, None, |output, point| {
        if state(&stage) == "acked" {
            assert!(output.stdout.ends_with(b"\n") && records(&output.stdout).len() == 1, "{point}: {output:?}");
        } else {
            assert_comes_again(&stage, point);
        }
    });
}

/// 52
#[test]
fn a_claim_or_an_acknowledgement_that_is_killed_loses_nothing() {
    if !can_trace() {
        return;
    }
    let stage = Stage::new();
    let prepare = || {
        send(&stage);
        words(&["claim", "--agent", "a"])
    };
    campaign("claim", &stage, &|words| stage.mail(words), prepare, None, |_, point| {
        assert_ne!(state(&stage), "acked", "{point}");
        assert_comes_again(&stage, point);
    });
    let token = std::cell::RefCell::new(String::new());
    let prepare = || {
        send(&stage);
        let claimed = records(&said(&stage, &["claim", "--agent", "a"]).stdout).remove(0);
        let (mail, claim) = (claimed["mail"].as_str().unwrap(), claimed["claim"].as_str().unwrap());
        *token.borrow_mut() = format!("{mail} {claim}");
        words(&["ack", mail, "--claim", claim])
    };
    campaign("ack", &stage, &|words| stage.mail(words), prepare, None, |_, point| {
        assert!(["leased", "acked"].contains(&state(&stage).as_str()), "{point}");
        let token = token.borrow();
        let (mail, claim) = token.split_once(' ').unwrap();
        said(&stage, &["ack", mail, "--claim", claim]);
        assert_eq!(state(&stage), "acked", "{point}");
    });
}

#[test]
fn a_batch_that_is_killed_is_stored_whole_or_not_at_all() {
    if !can_trace() {
        return;
    }
    let stage = Stage::new();
    let line = |n: u32| format!("{{\"to\":\"a\",\"from\":\"x\",\"queue\":true,\"subject\":\"{n}\"}}\n");
    std::fs::write(stage.path("lines"), (0..3).map(line).collect::<String>()).unwrap();
    send(&stage);
    let before = std::cell::Cell::new(0);
    let count = || stage.count("SELECT count(*) FROM mail");
    let prepare = || {
        before.set(count());
        words(&["send", "-"])
    };
    campaign("send -", &stage, &|words| stage.mail(words), prepare, Some("lines"), |output, point| {
        let stored = count() - before.get();
        assert!(stored == 0 || stored == 3, "{point}: {stored} stored");
        assert!(output.stdout.is_empty() || stored == 3, "{point}: printed before it was stored");
    });
}

/// 33, 34
#[test]
fn a_turn_on_mail_that_is_killed_at_any_call_loses_no_mail() {
    if !can_trace() {
        return;
    }
    let stage = Stage::new();
    let turn = |log: &str, inject: &[&str]| {
        let turn = stage.plain("a", &["--mail", "--kill-after", "100ms"], &["read-stdin", "exit 0"]);
        let mut command = strace(&stage, &stage.path(log), inject);
        command.arg(turn.get_program()).args(turn.get_args()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    send(&stage);
    let trace = format!("trace={CALLS}");
    assert!(turn("log", &["-e", &trace]).status().unwrap().success());
    let points = points(&calls(&stage.path("log")), 40);
    let mut served = 0;
    for (name, number) in &points {
        let point = format!("turn --mail at {name} {number}");
        send(&stage);
        let inject = format!("inject={name}:signal=KILL:when={number}");
        let _ = turn("none", &["-e", &format!("trace={name}"), "-e", &inject]).status().unwrap();
        until("the shim's end", || stage.lock_is_free("a"));
        stage.settle("a");
        stage.assert_whole();
        let state = state(&stage);
        served += usize::from(state == "acked");
        if state != "acked" {
            assert_eq!(state, "stored", "{point}");
            assert_comes_again(&stage, &point);
        }
    }
    println!("turn --mail: {served} of {} were served in spite of it", points.len());
    assert!(served > 0, "a finished turn is adopted, and its mail acknowledged");
}
