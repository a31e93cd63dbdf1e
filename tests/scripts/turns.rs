//! A turn of ours whose supervisor is killed: the runbook finds what became of it, with or without a story.

use serde_json::json;

use super::fallbacks;
use crate::stage::{Stage, until};

#[test]
fn a_turn_whose_supervisor_was_killed_is_found_running_and_then_done() {
    for name in fallbacks() {
        let stage = Stage::new();
        stage.says("in-progress", "in-progress");
        let permit = stage.name("permit");
        let running = stage.unwatched("dev", &format!("init; wait-file {permit}; result done"), &[]);
        let alone = stage.script(name, &["dev"]);
        assert_eq!((alone.code, alone.verdict().as_str()), (10, "unsupervised no_supervisor attach"), "{alone:#?}");
        assert!(alone.err.contains("hint: 'turn' 'attach' 'dev'\n"), "{alone:#?}");
        let going = stage.script(name, &["dev", "--story", "1-2", "--apply"]);
        let incomplete = "unsupervised monitoring_failed_verified_incomplete attach";
        assert_eq!((going.code, going.verdict().as_str()), (10, incomplete), "{going:#?}");
        stage.says("done", "done");
        std::fs::write(&permit, "").unwrap();
        let shim = stage.pid_of("dev", "shim");
        until("the end of the turn", || crate::scene::process_is_gone(shim));
        let done = stage.script(name, &["dev", "--story", "1-2", "--apply"]);
        let success = "finished monitoring_failed_verified_success adopt";
        assert_eq!((done.code, done.verdict().as_str()), (0, success), "{done:#?}");
        let run = stage.run_of("dev");
        assert_eq!((&run["state"], &run["attempts"]), (&json!("completed"), &json!(0)), "{run:#}");
        drop(running);
    }
}

/// The agent died too, with nothing done: that is an attempt of the agent's, and a next one is planned.
#[test]
fn a_turn_that_died_without_a_watch_is_verified_incomplete_and_tried_again() {
    for name in fallbacks() {
        let stage = Stage::new();
        stage.says("in-progress", "in-progress");
        let permit = stage.name("permit");
        let script = format!("init; wait-file {permit}; exit 1");
        let running = stage.unwatched("dev", &script, &["--max-attempts", "3"]);
        let attempts = stage.run_of("dev")["attempts"].clone();
        std::fs::write(&permit, "").unwrap();
        let shim = stage.pid_of("dev", "shim");
        until("the end of the turn", || crate::scene::process_is_gone(shim));
        assert_eq!(stage.run_of("dev")["attempts"], attempts, "nobody has used one up for the supervisor");
        let ran = stage.script(name, &["dev", "--story", "1-2", "--apply"]);
        assert_eq!((ran.code, ran.verdict().as_str()), (20, "failed no_terminal_event retry_at"), "{ran:#?}");
        let again = stage.script(name, &["dev", "--story", "1-2", "--apply"]);
        assert_eq!((again.code, again.verdict().as_str()), (20, "waiting retry_pending none"), "{again:#?}");
        assert_eq!(stage.run_of("dev")["attempts"], 1, "one, for the agent");
        drop(running);
    }
}
