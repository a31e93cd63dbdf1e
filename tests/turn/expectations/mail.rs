//! Mail that is owed: the run's own, of its type, of this attempt.

use super::{assert_end, owing, work};
use crate::stage::Stage;

#[test]
fn owed_mail_is_the_runs_own_of_this_type_and_of_this_attempt() {
    let stage = Stage::new();
    let expect = ["mail:merge_ready"];
    let sent = stage.sends("operator", "merge_ready");
    assert_end(work(&stage, &sent, &expect).assert_end("completed", 0), "completed", "clean_result", "reached");
    let silent = work(&stage, "say nothing", &expect);
    assert_end(silent.assert_end("silent", 1), "silent", "expectation_missing", "not_reached");
    assert!(silent.word("message").contains("mail:merge_ready: not sent"), "{silent:#?}");
    assert_eq!(silent.ended()["terminal_mail_missing"], false);
    // Another type; and the same from somebody else in its name, while it runs.
    work(&stage, &stage.sends("operator", "status"), &expect).assert_end("silent", 1);
    let forged = format!("run env -u REFLOAT_TOKEN -u REFLOAT_TURN -u REFLOAT_RUN {}", &sent["run ".len()..]);
    let forged = forged.replace(" send ", " send --from a ");
    work(&stage, &forged, &expect).assert_end("silent", 1);
    assert_eq!(stage.mails("operator", "merge_ready").len(), 2, "the forged one is there");
    // Sent in an attempt that failed.
    let failed = owing(&stage, &format!("init; {sent}; result-error no"), &expect);
    let failed = failed.with(&["--max-attempts", "3"]).call();
    assert_end(failed.assert_end("failed", 1), "failed", "error_result", "reached");
    stage.play("a", "init; result done").call().assert_end("silent", 1);
}

#[test]
fn mail_that_was_sent_before_a_wait_is_of_the_same_attempt() {
    let stage = Stage::new();
    stage.play("b", "init; result-error no").with(&["--parent", "a", "--max-attempts", "2"]).call();
    let first = work(&stage, &stage.sends("operator", "merge_ready"), &["mail:merge_ready"]);
    assert_end(first.assert_end("waiting", 0), "waiting", "open_children", "reached");
    stage.turn(&["stop", "b"]);
    stage.sqlite().execute("DELETE FROM mail WHERE recipient = 'a'", []).unwrap();
    stage.play("a", "init; result done").call().assert_end("completed", 0);
}

/// A reply is an answer, and no mail of one's own. (The question is read: one that waits would keep the run waiting.)
#[test]
fn a_reply_is_not_the_mail_that_is_owed() {
    let stage = Stage::new();
    let asked = ["send", "--from", "x", "--to", "a", "--queue", "--type", "question", "--subject", "?"];
    let question = stage.mail(&asked).last("mail.sent")["mail"].as_str().unwrap().to_owned();
    let reply = stage.sends("operator", "merge_ready").replace(" >&2", &format!(" --reply-to {question} >&2"));
    let steps = format!("run {} check >&2; {reply}", crate::stage::MAIL);
    let call = work(&stage, &steps, &["mail:merge_ready"]);
    assert_end(call.assert_end("silent", 1), "silent", "expectation_missing", "not_reached");
    assert_eq!(stage.mails("operator", "merge_ready").len(), 1);
}
