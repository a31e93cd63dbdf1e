//! A stage of runs that nobody watches any more, of many kinds, made by real turns and workers that were killed; copies of
//! it, so that two ways to repair the same can be compared; and all that is recorded of them but for times and new ids.

use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;

use super::{Running, Stage, kill, process_is_gone, until};

/// How a run comes to be broken.
struct Way {
    attempts: &'static str,
    /// What its agent does once its supervisor is dead; none: its shim is killed too.
    then: Option<&'static str>,
    /// What is changed in its rows; `{}` is the agent.
    plant: &'static [&'static str],
}

const fn way(attempts: &'static str, then: Option<&'static str>) -> Way {
    Way { attempts, then, plant: &[] }
}

const REFUSED: &str = r#"line {"type":"result","is_error":true,"api_error_status":401,"result":"no"}; exit 1"#;
const LIMITED: &str = r#"line {"type":"result","is_error":true,"api_error_status":429,"result":"no"}; exit 1"#;

const WAYS: &[Way] = &[
    way("1", None),
    way("3", None),
    way("1", Some("result-error no; exit 1")),
    way("3", Some("result-error no; exit 1")),
    way("2", Some("die KILL")),
    way("1", Some("die ABRT")),
    way("1", Some("exit 0")),
    way("1", Some("result done; exit 0")),
    way("1", Some(REFUSED)),
    way("1", Some(LIMITED)),
    // It never came to run: its shim was not on record yet.
    Way {
        attempts: "3",
        then: None,
        plant: &[
            "UPDATE turn SET shim = NULL, child = NULL, started_at = NULL, started_tick = NULL WHERE agent = '{}'",
        ],
    },
    // It waits, and that is over.
    Way {
        attempts: "1",
        then: Some("result done; exit 0"),
        plant: &[
            "UPDATE turn SET outcome = 'waiting', ended_at = 1, ended = '{\"outcome\":\"waiting\"}' WHERE agent = '{}'",
            "UPDATE run SET state = 'waiting', hold = 'awaiting', held_until = 1 WHERE agent = '{}'",
        ],
    },
];

/// Every so many of the runs is an adopted worker's.
const WORKERS: usize = 5;

/// How many are made at once.
const BATCH: usize = 16;

/// A stage with so many broken runs. Nobody of theirs lives.
pub(crate) fn broken(runs: usize) -> Stage {
    let stage = Stage::new();
    for some in (0..runs).collect::<Vec<_>>().chunks(BATCH) {
        let (workers, turns): (Vec<usize>, Vec<usize>) = some.iter().partition(|at| *at % WORKERS == 0);
        workers.into_iter().for_each(|at| adopted(&stage, at));
        let begun: Vec<_> = turns.into_iter().map(|at| (at, WAYS.get(at % WAYS.len()).unwrap())).collect();
        let begun: Vec<_> = begun.into_iter().map(|(at, way)| (at, way, begin(&stage, at, way))).collect();
        begun.into_iter().for_each(|(at, way, turn)| abandon(&stage, at, way, turn));
    }
    stage
}

fn name(at: usize) -> String {
    format!("b{at}")
}

/// A worker that is gone without a word.
fn adopted(stage: &Stage, at: usize) {
    let mut worker: Child = Command::new("sleep").arg("600").stdout(Stdio::null()).spawn().unwrap();
    let (name, pid) = (name(at), worker.id().to_string());
    let words = ["adopt", "--agent", &name, "--pid", &pid, "--parent", "lead", "--capability", "none"];
    let adopted = stage.turn(&words).output().unwrap();
    worker.kill().unwrap();
    worker.wait().unwrap();
    assert!(adopted.status.success(), "{adopted:?}");
}

fn begin(stage: &Stage, at: usize, way: &Way) -> Running {
    let gate = format!("wait-file {}", stage.word(&format!("gate-{at}")));
    let options = ["--parent", "lead", "--capability", "none", "--max-attempts", way.attempts];
    Running::start(&mut stage.claude(&name(at), &options, &["init", &gate, way.then.unwrap_or("hang")]))
}

/// Its supervisor dies, and its shim, or its agent goes on to its end.
fn abandon(stage: &Stage, at: usize, way: &Way, mut turn: Running) {
    let started = turn.record();
    assert_eq!(started["type"], "turn.started");
    let pid = |who: &str| i32::try_from(started[who].as_i64().unwrap()).unwrap();
    turn.kill(Signal::SIGKILL);
    until("the supervisor's end", || process_is_gone(turn.pid()));
    match way.then {
        None => kill(pid("shim_pid"), Signal::SIGKILL),
        Some(_) => stage.touch(&format!("gate-{at}")),
    }
    until("the shim's end", || process_is_gone(pid("shim_pid")) && process_is_gone(pid("pid")));
    until("the turn lock", || stage.lock_is_free(&name(at)));
    assert!(turn.end().was_killed());
    for sql in way.plant {
        stage.run_sql(&sql.replace("'{}'", &format!("'{}'", name(at))));
    }
}

/// The same state on a stage of its own.
pub(crate) fn copy(of: &Stage) -> Stage {
    let stage = Stage::new();
    let done = Command::new("cp").arg("-a").arg(of.path("state")).arg(stage.path("state")).status().unwrap();
    assert!(done.success());
    stage
}

/// What is recorded of the broken runs, but for times and for the ids that a repair gives.
const SEEN: &[&str] = &[
    "SELECT agent || ' ' || state || ' ' || coalesce(hold, '-') || ' ' || attempts || ' ' || epoch || ' '
         || (held_until IS NULL) || ' ' || coalesce(session, '-') FROM run WHERE agent GLOB 'b[0-9]*' ORDER BY id",
    "SELECT id || ' ' || attempt || ' ' || coalesce(outcome, '-') || ' ' || coalesce(json_extract(ended, '$.cause'), '-')
         || ' ' || coalesce(json_extract(ended, '$.state_after'), '-') || ' ' || coalesce(json_extract(ended, '$.message'), '-')
         FROM turn WHERE agent GLOB 'b[0-9]*' ORDER BY id",
    "SELECT run || ' ' || json_extract(ended, '$.outcome') FROM worker WHERE ended IS NOT NULL ORDER BY run",
    "SELECT sender || ' ' || recipient || ' ' || kind || ' ' || coalesce(turn, '-') || ' ' || subject FROM mail
         WHERE sender GLOB 'b[0-9]*' OR json_extract(payload, '$.agent') GLOB 'b[0-9]*' ORDER BY 1",
    "SELECT run || ' ' || coalesce(turn, '-') || ' ' || attempt || ' ' || class || ' ' || counted || ' ' || state || ' '
         || in_a_row FROM retry ORDER BY 1",
    "SELECT run || ' ' || attempt || ' ' || cause || ' ' || attempts || ' ' || last_error FROM dead_letter ORDER BY 1",
    "SELECT run || ' ' || coalesce(turn, '-') || ' ' || attempt || ' ' || who || ' ' || kind || ' ' || message FROM crash
         ORDER BY 1",
];

/// All of it, line by line.
pub(crate) fn seen(stage: &Stage) -> Vec<String> {
    SEEN.iter().flat_map(|sql| stage.texts(sql)).collect()
}

/// How often the parent was told of each run, at most.
fn told_most(stage: &Stage) -> i64 {
    stage.count(
        "SELECT coalesce(max(told), 0) FROM (SELECT count(*) AS told FROM mail
         WHERE recipient = 'lead' AND kind IN ('worker_died', 'escalation') GROUP BY json_extract(payload, '$.run'), subject)",
    )
}

impl Stage {
    /// As after every repair: whole, nobody told twice, no attempt counted twice.
    pub(crate) fn assert_repaired_once(&self) {
        self.assert_whole();
        assert!(told_most(self) <= 1, "somebody was told twice");
        assert_eq!(
            self.count("SELECT count(*) FROM run WHERE attempts > max(epoch, 1)"),
            0,
            "an attempt counted twice"
        );
    }
}
