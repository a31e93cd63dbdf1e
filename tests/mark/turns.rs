//! Marks that are set inside a turn, or by an adopted worker: they end with it, in the transaction that ends it, whoever
//! writes that; and before it they are stale as soon as the agent is gone.

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::adopted::kill_and_wait;
use crate::scene::{kill, process_is_gone};
use crate::stage::{Call, Running, Stage, until};

const MARK: &str = env!("CARGO_BIN_EXE_mark");

impl Stage {
    /// `mark` with these arguments.
    pub(super) fn mark(&self, args: &[&str]) -> Call {
        let mut command = self.command(MARK);
        command.args(args);
        let call = self.call(command);
        assert!(!call.stderr.contains("panicked"), "{call:?}");
        call
    }

    /// Kind, state and end of every mark, standing and ended.
    fn marks(&self) -> Vec<String> {
        let all = [self.mark(&["list"]), self.mark(&["list", "--removed"])];
        let mut told: Vec<String> = all.iter().flat_map(|call| &call.records).map(brief).collect();
        told.sort();
        told
    }
}

fn brief(mark: &Value) -> String {
    let word = |key: &str| mark[key].as_str().unwrap_or("-");
    format!("{} {} {}", word("kind"), word("state"), word("removed_how"))
}

/// Steps that set one mark of each sort, and say so by a file.
fn setting(stage: &Stage) -> String {
    let reached = stage.name("reached");
    format!(
        "init; run {MARK} set dispatch here >&2; run {MARK} set busy there --ttl 9h >&2; run {MARK} set hold b >&2; \
         run {MARK} set breadcrumb go >&2; run {MARK} set own mine --owner-pid none >&2; touch {reached}"
    )
}

/// What an ended turn leaves: what was bound to it has ended with it.
const AFTER: [&str; 5] =
    ["breadcrumb live -", "busy removed turn_ended", "dispatch removed turn_ended", "hold live -", "own live -"];

/// A turn of `a` whose agent has set its marks, and goes on with `then`.
fn started(stage: &Stage, then: &str, args: &[&str]) -> Running {
    let running = stage.play("a", &format!("{}; {then}", setting(stage))).with(args).start();
    until("the marks", || stage.path("reached").exists());
    running
}

fn kill_supervisor(running: &Running) {
    let id = running.child.id().cast_signed();
    kill(id, Signal::SIGKILL);
    until("the end of the supervisor", || process_is_gone(id));
}

#[test]
fn what_was_set_in_a_turn_ends_with_it_however_that_ends() {
    type End = fn(&Stage, Running) -> Call;
    let by_itself: End = |_, running| running.end();
    let stopped: End = |stage, running| {
        stage.turn(&["stop", "a", "--wait", "60s"]);
        running.end()
    };
    let fenced: End = |stage, running| {
        stage.sql("UPDATE run SET epoch = epoch + 1");
        std::fs::write(stage.path("go"), "").unwrap();
        running.end()
    };
    let unwatched = |by: fn(&Stage) -> Call| {
        move |stage: &Stage, running: Running| {
            kill_supervisor(&running);
            std::fs::write(stage.path("go"), "").unwrap();
            until("the shim's end", || process_is_gone(stage.pid_of("a", "shim")));
            by(stage)
        }
    };
    let reconciled = unwatched(|stage| stage.reconcile(&["--apply"]));
    let attached = unwatched(|stage| stage.turn(&["attach", "a"]));
    let found = unwatched(|stage| stage.turn(&["run", "--agent", "a", "--", "true"]));
    let stopped_late = unwatched(|stage| stage.turn(&["stop", "a"]));
    type Way<'w> = (&'w str, &'w str, &'w [&'w str], &'w dyn Fn(&Stage, Running) -> Call);
    let ways: [Way<'_>; 10] = [
        ("completed", "result done", &[], &by_itself),
        ("failed", "result-error no", &[], &by_itself),
        ("killed", "die KILL", &[], &by_itself),
        ("timed_out", "hang", &["--deadline", "2s"], &by_itself),
        ("aborted", "hang", &[], &stopped),
        ("fenced", "wait-file GO; result done", &[], &fenced),
        ("completed", "wait-file GO; result done", &[], &reconciled),
        ("completed", "wait-file GO; result done", &[], &attached),
        ("completed", "wait-file GO; result done", &[], &found),
        ("no_result", "wait-file GO; exit 1", &[], &stopped_late),
    ];
    for (number, (outcome, then, args, end)) in ways.into_iter().enumerate() {
        let stage = Stage::new();
        let then = then.replace("GO", &stage.name("go"));
        let call = end(&stage, started(&stage, &then, args));
        let told = stage.turn(&["show", "t1"]);
        assert_eq!(told.word("outcome"), outcome, "{number}: {call:#?}");
        assert_eq!(stage.marks(), AFTER, "{outcome} {number}");
        let ended = stage.mark(&["list", "--removed"]).records[0].clone();
        assert_eq!(ended["removed_at"], told.ended()["at"], "in the same transaction: {ended}");
        assert_eq!((&ended["turn"], &ended["removed_by"]), (&json!("t1"), &json!("refloat")), "{ended}");
    }
}

/// The supervisor sleeps, and nobody else has seen the agent's end.
#[test]
fn the_marks_of_a_killed_agent_are_stale_before_anybody_has_finished_its_turn() {
    let stage = Stage::new();
    let running = started(&stage, "hang", &[]);
    assert_eq!(stage.mark(&["check", "dispatch", "--exit-code"]).code, 1);
    running.signal(Signal::SIGSTOP);
    stage.kill_recorded("a", "child");
    let marks = stage.mark(&["list", "--stale"]);
    let kinds: Vec<&Value> = marks.records.iter().map(|mark| &mark["kind"]).collect();
    assert_eq!(kinds, ["dispatch", "busy"], "whatever its ttl: {marks:?}");
    assert_eq!(stage.mark(&["check", "dispatch", "--exit-code"]).code, 0);
    assert_eq!(stage.count("SELECT count(*) FROM turn WHERE outcome IS NULL"), 1);
    running.signal(Signal::SIGCONT);
    running.end().assert_end("killed", 137);
    assert_eq!(stage.marks(), AFTER);
}

/// A mark of another turn, of another agent, and of nobody.
#[test]
fn the_end_of_a_turn_ends_no_mark_of_anybody_else() {
    let stage = Stage::new();
    let running = started(&stage, "hang", &[]);
    let (reached, go) = (stage.name("other"), stage.name("go"));
    let script = format!("init; run {MARK} set dispatch other >&2; touch {reached}; wait-file {go}; result done");
    let other = stage.play("o", &script).start();
    until("the other's mark", || stage.path("other").exists());
    assert_eq!(stage.mark(&["set", "dispatch", "nobodys"]).code, 0);
    stage.turn(&["stop", "a", "--wait", "60s"]);
    running.end();
    let live = stage.mark(&["list", "--kind", "dispatch", "--live"]);
    let names: Vec<&Value> = live.records.iter().map(|mark| &mark["name"]).collect();
    assert_eq!(names, ["other", "nobodys"]);
    std::fs::write(go, "").unwrap();
    other.end().assert_end("completed", 0);
    assert_eq!(stage.mark(&["list", "--kind", "dispatch", "--live"]).records.len(), 1);
}

#[test]
fn what_an_adopted_worker_has_set_ends_with_its_run_or_with_the_turn_that_takes_it_over() {
    type End = fn(&Stage, i64, &str) -> Call;
    let word: End = |stage, _, token| stage.turn(&["end", "a", "--outcome", "completed", "--token", token]);
    let stop: End = |stage, _, _| stage.turn(&["stop", "a"]);
    let found: End = |stage, pid, _| {
        kill_and_wait(pid);
        stage.reconcile(&["--apply"])
    };
    let taken: End = |stage, pid, _| {
        kill_and_wait(pid);
        stage.turn(&["run", "--agent", "a", "--", "true"])
    };
    for (what, end) in [("word", word), ("stop", stop), ("found", found), ("taken", taken)] {
        let stage = Stage::new();
        let pid = stage.background("worker", &["hang"]);
        let adopted = stage.adopt("a", pid, &[]);
        let token = adopted["token"].as_str().unwrap();
        for kind in ["dispatch", "hold"] {
            let mut set = stage.command(MARK);
            set.args(["set", kind, "b"]).env("REFLOAT_TOKEN", token);
            assert_eq!(stage.call(set).code, 0);
        }
        assert_eq!(stage.marks(), ["dispatch live -", "hold live -"], "{what}");
        let call = end(&stage, pid, token);
        assert_eq!(call.code, 0, "{what}: {call:?}");
        assert_eq!(stage.marks(), ["dispatch removed run_ended", "hold live -"], "{what}: {call:?}");
    }
}
