//! `reconcile --apply` is killed at its calls: a repair is whole or has not happened, and the next pass does what is left.

use std::process::{Command, Stdio};

use super::{campaign, can_trace};
use crate::scene::Stage;

const PARENT: [&str; 6] = ["--parent", "lead", "--capability", "none", "--max-attempts", "1"];

/// Nothing of an earlier point is open.
fn clear(stage: &Stage) {
    stage.run_sql("UPDATE run SET state = 'stopped', hold = NULL, ended_at = 1 WHERE ended_at IS NULL");
    stage.run_sql("DELETE FROM mail");
}

/// A turn that has ended and left its record, and that nobody has finished.
fn unfinished(stage: &Stage) {
    if stage.state().exists() {
        clear(stage);
    }
    assert_eq!(stage.plain("a", &PARENT, &["exit 3"]).output().unwrap().status.code(), Some(1));
    let newest = "(SELECT max(id) FROM run)";
    stage
        .run_sql("UPDATE turn SET outcome = NULL, ended = NULL, ended_at = NULL WHERE id = (SELECT max(id) FROM turn)");
    stage.run_sql(&format!("UPDATE run SET state = 'in_turn', ended_at = NULL, attempts = 0 WHERE id = {newest}"));
    stage.run_sql(&format!("DELETE FROM dead_letter WHERE run = {newest}"));
    stage.run_sql("DELETE FROM mail");
}

/// A worker that is gone without a word.
fn gone(stage: &Stage) {
    clear(stage);
    let mut worker = Command::new("sleep").arg("600").stdout(Stdio::null()).spawn().unwrap();
    let pid = worker.id().to_string();
    let adopted = stage.turn(&[&["adopt", "--agent", "w", "--pid", &pid], &PARENT[..]].concat()).output().unwrap();
    worker.kill().unwrap();
    worker.wait().unwrap();
    assert!(adopted.status.success(), "{adopted:?}");
}

/// State, open turns, dead letters, crashes and deaths told, of the newest run.
fn seen(stage: &Stage) -> String {
    let newest = "(SELECT max(id) FROM run)";
    let count = |what: &str| stage.count(&format!("SELECT count(*) FROM {what}"));
    let state = stage.texts(&format!("SELECT state FROM run WHERE id = {newest}")).remove(0);
    let open = count(&format!("turn WHERE run = {newest} AND outcome IS NULL"));
    let given_up = count(&format!("dead_letter WHERE run = {newest}"));
    let crashed = count(&format!("crash WHERE run = {newest}"));
    format!("{state} {open} {given_up} {crashed} {}", count("mail WHERE kind = 'worker_died'"))
}

#[test]
fn a_pass_that_is_killed_has_repaired_a_run_or_left_it_as_it_was() {
    if !can_trace() {
        return;
    }
    let stage = Stage::new();
    type Plant = fn(&Stage);
    let ways: [(&str, Plant, &str, &str); 2] = [
        ("reconcile a turn", unfinished, "in_turn 1 0 0 0", "failed 0 1 0 1"),
        ("reconcile a worker", gone, "in_turn 0 0 0 0", "crashed 0 0 1 1"),
    ];
    for (what, plant, nothing, all) in ways {
        let prepare = || {
            plant(&stage);
            assert_eq!(seen(&stage), nothing, "{what}");
            vec!["--apply".to_owned()]
        };
        campaign(what, &stage, &|words| stage.reconcile(words), prepare, None, |_, point| {
            let left = seen(&stage);
            assert!(left == nothing || left == all, "{point}: {left}");
            let again = stage.reconcile(&["--apply"]).output().unwrap();
            assert_eq!(again.status.code(), Some(0), "{point}: {again:?}");
            assert_eq!(seen(&stage), all, "{point}");
        });
    }
}
