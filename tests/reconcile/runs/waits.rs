//! Runs between their turns: what waits on purpose is kept, and past its deadline it is for a person.

use crate::stage::{MAIL, Stage};

/// A lead that has ended its turn to wait for a child.
fn lead(stage: &Stage) {
    let pid = stage.background("c", &["hang"]);
    let args = ["--parent", "boss", "--capability", "none"];
    stage.adopt("c", pid, &["--parent", "lead", "--capability", "none"]);
    assert_eq!(stage.play("lead", "init; result waiting").with(&args).call().word("outcome"), "waiting");
}

#[test]
fn who_waits_for_a_child_is_kept_and_asked_for_a_person_once_it_has_waited_too_long() {
    let stage = Stage::new();
    lead(&stage);
    stage.assert_planned(&["lead"], "waiting open_children intentional_wait none waiting waiting");
    stage.assert_settled(&["lead"]);
    stage.sql("UPDATE run SET held_until = 1 WHERE agent = 'lead'");
    stage.assert_repaired(&["lead"], "needs_human wait_over intentional_wait ask_human waiting blocked");
    assert_eq!((stage.heard("boss", "escalation"), stage.heard("boss", "worker_died")), (1, 0));
    assert_eq!(stage.run_of("lead")["hold"], "needs_human");
    stage.assert_planned(&["lead"], "needs_human person_asked intentional_wait none waiting blocked");
}

#[test]
fn mail_that_has_come_is_the_next_turn() {
    let stage = Stage::new();
    lead(&stage);
    assert_eq!(stage.mail(&["send", "--from", "boss", "--to", "lead", "--subject", "news"]).code, 0);
    let plan = stage.assert_planned(&["lead"], "waiting unread_mail intentional_wait resume waiting waiting");
    let command: Vec<&str> = plan["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert!(command.starts_with(&["turn", "run", "--agent", "lead", "--run", "r2", "--mail"]), "{command:?}");
    assert!(command.iter().any(|word| word.starts_with("--program=")), "{command:?}");
    stage.assert_settled(&["lead"]);
}

#[test]
fn a_limit_is_kept_until_the_providers_own_time() {
    let stage = Stage::new();
    let limited = "init; line {\"type\":\"result\",\"subtype\":\"error_during_execution\",\"is_error\":true,\"api_error_status\":429,\"result\":\"API Error: 429 rate limited\"}; exit 1";
    let call = stage.play("a", limited).call();
    assert_eq!(call.word("outcome"), "limited", "{call:#?}");
    stage.sql("UPDATE run SET held_until = 99999999999999; UPDATE retry SET due_at = 99999999999999");
    stage.assert_planned(&["a"], "limited limit_pending intentional_wait none limited blocked");
    stage.assert_settled(&["a"]);
    stage.sql("UPDATE run SET held_until = 1; UPDATE retry SET due_at = 1");
    let plan = stage.assert_planned(&["a"], "limited limit_over intentional_wait resume limited blocked");
    assert_eq!(plan["command"][0], "turn");
    stage.assert_settled(&["a"]);
}

/// B17: a question has its own deadline, and what else is seen of its asker changes nothing until then.
#[test]
fn a_question_keeps_its_run_until_it_is_answered_or_over() {
    const KEPT: &str = "waiting question_open intentional_wait none - in_turn";
    const LOST: &str = "vanished shim_died identity mark_crashed lost crashed";
    let args = ["--parent", "lead", "--capability", "none", "--max-attempts", "1"];
    for answered in [true, false] {
        let stage = Stage::new();
        let gate = stage.name("gate");
        let ask = format!("run {MAIL} send --to lead --type question --expires 1h --subject 'which one' >&2");
        let running = stage.unwatched("a", &format!("init; {ask}; touch {gate}; hang"), &args);
        crate::stage::until("the question", || std::path::Path::new(&gate).exists());
        stage.assert_planned(&["a"], KEPT);
        // Its shim is killed with it: an exit record would be the end of it.
        stage.kill_recorded("a", "shim");
        crate::stage::until("the agent's end", || crate::scene::process_is_gone(running.agent_pid().as_raw()));
        stage.assert_planned(&["a"], KEPT);
        stage.assert_settled(&["a"]);
        if answered {
            let reply = ["send", "--from", "lead", "--to", "a", "--subject", "that one", "--reply-to", "m1"];
            assert_eq!(stage.mail(&reply).code, 0);
        } else {
            stage.sql("UPDATE mail SET expires_at = 1 WHERE id = 1");
        }
        stage.assert_repaired(&["a"], LOST);
    }
}

/// The work was done after its last turn ended: nobody does it again.
#[test]
fn a_run_whose_result_came_after_its_last_turn_has_finished() {
    let stage = Stage::new();
    let file = stage.path("result.json");
    let expect = format!("result:{}", file.display());
    let args = ["--expect", &expect, "--max-attempts", "3"];
    let call = stage.play("a", "init; die KILL").with(&args).call();
    assert_eq!(call.word("outcome"), "killed", "{call:#?}");
    stage.assert_planned(&["a"], "waiting retry_pending intentional_wait none killed between_turns");
    std::fs::write(&file, r#"{"status":"done"}"#).unwrap();
    stage.assert_repaired(&["a"], "finished expectation_met durable_result adopt completed completed");
    assert_eq!(stage.count("SELECT count(*) FROM retry WHERE state = 'open'"), 0);
}

/// Nothing else is known of it than its age.
#[test]
fn a_run_that_nothing_stands_for_is_for_a_person_after_an_hour() {
    let stage = Stage::new();
    stage.adopt("a", stage.background("w", &["hang"]), &[]);
    stage.sql("DELETE FROM worker; UPDATE run SET state = 'booting'");
    stage.assert_planned(&["a"], "launching nothing_stands_for_it age none - booting");
    stage.sql("UPDATE run SET changed_at = changed_at - 3600000");
    stage.assert_planned(&["a"], "needs_human nothing_stands_for_it age ask_human - booting");
    stage.assert_planned(&["a", "--unknown-after", "2h"], "launching nothing_stands_for_it age none - booting");
    stage.assert_settled(&["a"]);
}

#[test]
fn what_has_ended_is_never_touched() {
    let stage = Stage::new();
    assert_eq!(stage.play("a", "init; result done").call().code, 0);
    stage.play("b", "init; result-error no; exit 1").call();
    stage.sql("UPDATE turn SET shim = json_set(shim, '$.start_ticks', 1)");
    stage.assert_planned(&["a"], "finished recorded terminal none completed completed");
    stage.assert_planned(&["b"], "failed recorded terminal none failed failed");
    stage.assert_settled(&["a", "b", "--kill-orphans", "--kill-stalled"]);
    assert_eq!(stage.reconcile(&[]).last("reconcile.ended")["runs"], 0, "only open runs are looked at by themselves");
}
