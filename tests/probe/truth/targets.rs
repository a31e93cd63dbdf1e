//! Targets and baselines: what a step should reach, and where it began.

use serde_json::json;

use super::{NEW, ask, assert_found, sprint, story, write};
use crate::contract::Home;

const YES: &str = "yes done at_target";
const OTHER: &str = "no not_done other_status";
const UNCHANGED: &str = "no not_done unchanged";

/// bmad 89: a finished step leaves the status of its own, and only that is its target.
#[test]
fn each_step_has_a_target_of_its_own() {
    let home = Home::new();
    write(&home, &format!("{NEW}/1-2-tides.md"), story("review"));
    write(&home, &format!("{NEW}/sprint-status.yaml"), sprint("  1-2-tides: review\n"));
    for kind in ["story", "sprint"] {
        assert_found(&home, &[kind, "1-2"], OTHER);
        assert_found(&home, &[kind, "1-2", "--target", "review"], YES);
        assert_found(&home, &[kind, "1-2", "--target", "In Review"], YES);
        // What comes before it in the order is passed, and is not had.
        assert_found(&home, &[kind, "1-2", "--target", "in-progress"], OTHER);
        assert_found(&home, &[kind, "1-2", "--target", "parked"], OTHER);
    }
}

/// bmad 90; 6.4.8: a `done` from before the step proves nothing.
#[test]
fn what_was_there_when_the_step_began_proves_nothing() {
    let home = Home::new();
    let name = format!("{NEW}/1-2-tides.md");
    write(&home, &name, story("done"));
    write(&home, &format!("{NEW}/sprint-status.yaml"), sprint("  1-2-tides: done\n"));
    for kind in ["story", "sprint"] {
        let evidence = assert_found(&home, &[kind, "1-2", "--baseline", "Done"], UNCHANGED);
        assert_eq!(evidence["detail"]["baseline"], json!("done"));
        assert_found(&home, &[kind, "1-2", "--baseline", "review"], YES);
        assert_found(&home, &[kind, "1-2"], YES);
    }
    let hash = ask(&home, &["story", "1-2"])["detail"]["files"][0]["sha256"].as_str().unwrap().to_owned();
    assert_found(&home, &["story", "1-2", "--baseline", &hash], UNCHANGED);
    // Touched, with other times; then with other words.
    std::fs::File::options()
        .append(true)
        .open(home.path("home").join(&name))
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_800_000_000))
        .unwrap();
    assert_found(&home, &["story", "1-2", "--baseline", &hash.to_uppercase()], UNCHANGED);
    write(&home, &name, story("done") + "\nmore\n");
    assert_found(&home, &["story", "1-2", "--baseline", &hash], YES);
}

/// bmad 94; 21: who tells what stands in the record, and nobody is believed.
#[test]
fn places_that_do_not_agree_are_told_with_their_lines() {
    let home = Home::new();
    write(&home, "s/1-2.md", format!("---\nstatus: done\n---\n\n{}", story("review")));
    let evidence = assert_found(&home, &["story", "s/1-2.md"], "unknown unknown conflict");
    let detail = &evidence["detail"];
    assert_eq!(detail["message"], json!("line 2 'done', line 7 'review'"));
    let told = |index: usize| (&detail["sources"][index]["line"], &detail["sources"][index]["form"]);
    assert_eq!((told(0), told(1)), ((&json!(2), &json!("front_matter")), (&json!(7), &json!("line"))));
    assert_eq!((&detail["status"], &detail["target"]), (&json!(null), &json!("done")));
}

#[test]
fn several_subjects_end_with_their_count_and_the_worst_code() {
    let home = Home::new();
    write(&home, "docs/stories/1-1-a.md", story("done"));
    write(&home, "docs/stories/1-2-b.md", story("review"));
    let said = home.probe(&["story", "1-1", "1-2", "1-3", "--exit-code"]).silent(69);
    assert_eq!(said.records().len(), 4);
    let ended = said.record("probe.ended");
    assert_eq!(["evidence", "yes", "no", "unknown"].map(|key| ended[key].as_i64().unwrap()), [3, 1, 1, 1]);
    assert_eq!(home.probe(&["story", "1-1", "1-2", "--exit-code"]).silent(1).records().len(), 3);
    assert!(!home.state().exists());
}

/// bmad 51: it is no failure of the look and no step towards the target; what it says is told.
#[test]
fn a_story_that_is_blocked_is_not_done_and_says_so() {
    let home = Home::new();
    write(&home, &format!("{NEW}/1-2-tides.md"), story("Blocked"));
    let evidence = assert_found(&home, &["story", "1-2"], "no not_done other_status");
    let detail = &evidence["detail"];
    assert_eq!(
        (&detail["status"], &detail["raw"], &detail["known"]),
        (&"blocked".into(), &"Blocked".into(), &true.into())
    );
    assert_found(&home, &["story", "1-2", "--target", "blocked"], "yes done at_target");
}
