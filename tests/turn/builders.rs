//! A lead and its three builders: two that refloat runs and one that was adopted. The lead waits, each end wakes it by
//! mail, it completes once, and nobody who works is declared dead.

use serde_json::{Value, json};

use crate::stage::{Call, MAIL, Running, Stage, TURN};

/// A builder's turn that runs until its file is there, and then does this.
fn builder(stage: &Stage, agent: &str, end: &str) -> Running {
    let script = format!("init; wait-file {}; {end}", stage.name(&format!("{agent}.go")));
    stage.play(agent, &script).with(&["--parent", "lead", "--max-attempts", "1"]).start()
}

fn go(stage: &Stage, agent: &str) {
    std::fs::write(stage.path(&format!("{agent}.go")), "").unwrap();
}

/// An adopted builder that says by itself that it is done, when its file is there.
fn adopted(stage: &Stage) -> String {
    let mut worker = stage.command("sh");
    // It is nobody's child: the shell that starts it ends at once.
    let script = format!(
        "(while [ ! -e {0} ]; do sleep 0.02; done; \
          export REFLOAT_TOKEN=$(cat {0}); {TURN} beat b3 --progress half >{1}; {TURN} end b3 --outcome completed >{1}.end) \
         >/dev/null 2>&1 & echo $!",
        stage.name("b3.go"),
        stage.name("b3.beat"),
    );
    let output = worker.arg("-c").arg(script).output().unwrap();
    let pid = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let args = ["adopt", "--agent", "b3", "--parent", "lead", "--capability", "none", "--pid", &pid];
    stage.turn(&args).last("run.adopted")["token"].as_str().unwrap().to_owned()
}

/// A turn of the lead, with a parent of its own.
fn lead(stage: &Stage, steps: &str) -> Call {
    let play = stage.play("lead", &format!("init; {steps}; result ok"));
    play.with(&["--parent", "coordinator", "--capability", "lead"]).call()
}

fn waits(stage: &Stage, call: &Call, cause: &str) {
    call.assert_end("waiting", 0);
    assert_eq!((call.word("cause"), call.word("run")), (cause, stage.run_of("lead")["run"].as_str().unwrap()));
}

/// B1, B4, field 31
#[test]
fn a_lead_of_three_builders_waits_is_woken_by_each_and_completes_once() {
    let stage = Stage::new();
    let dispatch = format!(
        "touch {0}; wait-file {1}; run {TURN} yield --for 'three builders' --on-mail >&2",
        stage.name("dispatched"),
        stage.name("started")
    );
    let first = stage.play("lead", &format!("init; {dispatch}; result dispatched"));
    let mut first = first.with(&["--parent", "coordinator", "--capability", "lead"]).start();
    let run = first.until("turn.started")["run"].clone();
    let (b1, b2) = (
        builder(&stage, "b1", &format!("{}; result done", stage.sends("lead", "worker_done"))),
        builder(&stage, "b2", "die KILL"),
    );
    let token = adopted(&stage);
    std::fs::write(stage.path("started"), "").unwrap();
    waits(&stage, &first.end(), "yielded");
    assert_eq!(stage.mails("lead", "worker_died").len(), 0);

    // The first says so itself; two are open still.
    go(&stage, "b1");
    b1.end().assert_end("completed", 0);
    assert_eq!(stage.mails("lead", "worker_done").len(), 1);
    waits(&stage, &lead(&stage, "say read"), "open_children");

    // The second dies, and refloat says so.
    go(&stage, "b2");
    b2.end().assert_end("killed", 137);
    assert_eq!(stage.mails("lead", "worker_died").len(), 1);
    assert_eq!(stage.mails("lead", "children_done").len(), 0, "one is open still");
    waits(&stage, &lead(&stage, "say read"), "open_children");

    // The third, which somebody else started, owes nothing: that it was the last is the notice.
    std::fs::write(stage.path("b3.go"), token).unwrap();
    crate::stage::until("its end", || stage.run_of("b3")["state"] == "completed");
    assert_eq!(stage.run_of("b3")["progress"], "half");
    let told: Vec<Value> =
        stage.mail(&["list", "--to", "lead"]).records.iter().map(|mail| mail["mail_type"].clone()).collect();
    assert_eq!(told, [json!("worker_done"), json!("worker_died"), json!("children_done")]);

    let last = lead(&stage, &stage.sends("coordinator", "worker_done"));
    assert_eq!(last.assert_end("completed", 0).ended()["run"], run);
    let told = stage.mail(&["list", "--to", "coordinator"]).records;
    assert_eq!(told.len(), 1, "one word of the lead, none about its death: {told:?}");
    assert_eq!((&told[0]["mail_type"], &told[0]["attributed_by"]), (&json!("worker_done"), &json!("turn")));
    assert_eq!(stage.turn(&["list", "--open"]).records.len(), 0);
}

/// Whoever owes nobody mail waits as others do: until it has read, or a person ends it.
#[test]
fn a_lead_without_a_parent_waits_until_its_mail_is_read() {
    let stage = Stage::new();
    let send = format!("run {MAIL} send --to lead --type status --subject news >&2");
    let first = stage.play("lead", &format!("init; {send}; result dispatched")).call();
    assert_eq!(first.assert_end("waiting", 0).word("cause"), "unread_mail", "it came while the turn ran");
    let deaf = stage.play("lead", "init; result ok").call();
    assert_eq!(deaf.assert_end("waiting", 0).word("cause"), "unread_mail", "it was there before the turn began");
    let reads = stage.play("lead", &format!("init; run {MAIL} check >&2; result read")).call();
    assert_eq!(reads.assert_end("completed", 0).word("run"), first.word("run"));
}
