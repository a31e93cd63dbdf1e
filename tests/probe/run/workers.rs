//! Workers that somebody else started: seen alive, gone, never come, unseen; and that their own word protects nobody.

use super::{found, of_role};
use crate::adopted::{Server, has_tmux, kill_and_wait};
use crate::stage::{Stage, until};

#[test]
fn a_worker_is_judged_by_its_process_and_not_by_its_word() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("a", pid, &[]);
    let call = stage.assert_judged("a", "running alive identity none", 0);
    assert_eq!(
        (of_role(&call, "worker"), found(&call, "beat")),
        ("alive running".into(), vec!["absent no_beat".to_owned()])
    );
    stage.turn(&["beat", "a"]);
    assert_eq!(found(&stage.look(&["a"]), "beat"), ["present beaten"]);
    kill_and_wait(pid);
    let call = stage.look(&["a", "--exit-code"]);
    let judgement = call.last("judgement");
    assert_eq!(
        (&judgement["verdict"], &judgement["looks"], call.code),
        (&"vanished".into(), &1.into(), 1),
        "{judgement}"
    );
    assert_eq!(judgement["observed"], "gone");
}

#[test]
fn a_beat_from_the_future_is_a_finding_and_protects_nobody() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("a", pid, &[]);
    stage.turn(&["beat", "a", "--progress", "half"]);
    let ahead =
        |key: &str| format!("{key} = json_set({key}, '$.boottime_ms', json_extract({key}, '$.boottime_ms') + 9000000)");
    stage.sql(&format!("UPDATE worker SET {}, {}", ahead("beat"), ahead("progress")));
    let call = stage.assert_judged("a", "running alive identity none", 0);
    let all = call.all("evidence");
    let beat = all.iter().find(|one| one["instrument"] == "beat").unwrap();
    assert_eq!(
        (&beat["reason"], &beat["finding"], &beat["age_ms"]),
        (&"clock_skew".into(), &"unknown".into(), &().into())
    );
    kill_and_wait(pid);
    assert!(stage.judged("a").starts_with("vanished"));
}

#[test]
fn a_number_that_was_reused_is_somebody_else() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("a", pid, &[]);
    stage.sql("UPDATE worker SET process = json_set(process, '$.start_ticks', 1)");
    let call = stage.look(&["a", "--exit-code"]);
    assert_eq!((of_role(&call, "worker"), call.code), ("dead pid_reused".into(), 1));
    stage.sql("UPDATE worker SET process = json_set(process, '$.pid_ns', 1)");
    let call = stage.assert_judged("a", "unknown look_failed identity none", 69);
    assert_eq!(of_role(&call, "worker"), "unknown other_namespace");
}

#[test]
fn a_log_that_grows_is_progress_and_old_silence_is_told() {
    let stage = Stage::new();
    let log = stage.path("log");
    std::fs::write(&log, "x").unwrap();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("a", pid, &["--log", log.to_str().unwrap()]);
    assert_eq!(found(&stage.look(&["a"]), "file"), ["present present"]);
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    std::fs::File::options().write(true).open(&log).unwrap().set_modified(old).unwrap();
    assert_eq!(stage.judged("a"), "stalled no_progress silent none");
    stage.turn(&["beat", "a"]);
    assert_eq!(stage.judged("a"), "stalled no_progress silent none", "a beat is no progress");
    std::fs::write(&log, "xy").unwrap();
    assert_eq!(stage.judged("a"), "running alive identity none");
    std::fs::remove_file(&log).unwrap();
    assert_eq!(found(&stage.look(&["a"]), "file"), ["absent no_file"]);
}

#[test]
fn a_result_that_is_reached_ends_a_worker_that_lives_or_has_died() {
    let stage = Stage::new();
    let file = stage.path("result.json");
    let pid = stage.background("w", &["hang"]);
    stage.adopt("a", pid, &["--expect", &format!("result:{}", file.display())]);
    std::fs::write(&file, r#"{"status":"done"#).unwrap();
    let call = stage.assert_judged("a", "running alive identity none", 0);
    assert_eq!(found(&call, "baseline"), ["unknown undecided"]);
    std::fs::write(&file, r#"{"status":"done"}"#).unwrap();
    let call = stage.assert_judged("a", "finished expectation_met durable_result adopt", 0);
    assert_eq!(
        (found(&call, "baseline"), of_role(&call, "worker")),
        (vec!["done reached".to_owned()], "alive running".into())
    );
    assert_eq!(super::words(call.last("judgement"), "command"), "reconcile r1 --apply");
    kill_and_wait(pid);
    assert!(stage.judged("a").starts_with("finished"));
    std::fs::remove_file(&file).unwrap();
    assert!(stage.judged("a").starts_with("vanished"));
}

#[test]
fn a_session_is_asked_for_twice_before_it_is_gone_and_its_server_for_all_runs_once() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "probe");
    server.session("keep", "sleep 60");
    server.session("w1", "sleep 60");
    assert_eq!(server.adopt("a", "w1", &[]).code, 0);
    assert_eq!(server.adopt("b", "keep", &[]).code, 0);
    assert_eq!(server.adopt("c", "later", &["--launch-deadline", "1h"]).code, 0);
    let call = stage.assert_judged("a", "running alive identity none", 0);
    assert_eq!(
        (found(&call, "tmux"), of_role(&call, "server")),
        (vec!["alive listed".to_owned()], "alive running".into())
    );
    stage.assert_judged("c", "launching launch_pending launch_pending none", 0);
    // Its process hidden, tmux alone can tell.
    let hidden = "process = json_set(process, '$.pid_ns', 1)";
    stage.sql(&format!("UPDATE worker SET {hidden} WHERE process IS NOT NULL"));
    stage.assert_judged("a", "running alive identity none", 0);
    server.tmux(&["kill-session", "-t", "=w1"]);
    let call = stage.look(&["--all"]);
    let judgement = |agent: &str| call.all("judgement").into_iter().find(|one| one["agent"] == agent).unwrap().clone();
    assert_eq!((&judgement("a")["verdict"], &judgement("a")["looks"]), (&"vanished".into(), &2.into()), "{call:#?}");
    assert_eq!((&judgement("b")["verdict"], &judgement("b")["looks"]), (&"running".into(), &0.into()));
    // Past its deadline it never came.
    stage.sql("UPDATE worker SET launch_until = json_extract(adopted, '$.at') WHERE 0; UPDATE worker SET launch_until = 1 WHERE found_at IS NULL");
    let call = stage.look(&["c", "--exit-code"]);
    assert_eq!((call.last("judgement")["verdict"].as_str(), call.code), (Some("never_started"), 1), "{call:#?}");
    // The server gone, and its process seen gone.
    let pid = server.pid();
    server.tmux(&["kill-server"]);
    until("the end of the server", || !server.is_up() && !crate::adopted::lives(pid));
    let call = stage.look(&["b", "--exit-code"]);
    assert_eq!((found(&call, "tmux"), call.code), (vec!["dead no_server".to_owned()], 1), "{call:#?}");
    assert_eq!(call.last("judgement")["verdict"], "vanished");
}
