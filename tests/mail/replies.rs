//! `mail reply`: to the other side, in the same thread, as a status.

use serde_json::{Value, json};

use super::{Home, ids, send, with};

fn reply(home: &Home, mail: &str, from: &str, more: &[&str]) -> Value {
    let sent = home.mail(&[&["reply", mail, "--from", from, "--body", "answer"], more].concat()).silent(0);
    let id = sent.record("mail.sent")["mail"].as_str().unwrap().to_owned();
    home.mail(&["show", &id]).silent(0).record("mail")
}

/// 41, B2
#[test]
fn a_reply_goes_to_the_other_side_in_the_thread_and_is_a_status() {
    let home = with(&["a", "b"]);
    send(&home, "a", "b", &["--type", "worker_done", "--priority", "urgent"]).silent(0);
    for (from, to) in [("b", "a"), ("a", "b"), ("third", "a")] {
        let mail = reply(&home, "m1", from, &[]);
        assert_eq!((&mail["from"], &mail["to"]), (&json!(from), &json!(to)));
        assert_eq!((&mail["mail_type"], &mail["priority"]), (&json!("status"), &json!("normal")));
        assert_eq!((&mail["thread"], &mail["reply_to"]), (&json!("m1"), &json!("m1")));
        assert_eq!((&mail["subject"], &mail["payload"]), (&json!("Re: s"), &Value::Null));
    }
    let answer = reply(&home, "m2", "a", &["--type", "question"]);
    assert_eq!((&answer["subject"], &answer["thread"]), (&json!("Re: s"), &json!("m1")), "one Re: is enough");
    assert_eq!(answer["mail_type"], "question");
    assert_eq!(ids(&home, &["--thread", "m1"]).len(), 5);
}

#[test]
fn whoever_wrote_can_be_answered_and_what_is_not_there_cannot() {
    let home = with(&["a"]);
    send(&home, "ci", "a", &[]).silent(0);
    assert_eq!(reply(&home, "m1", "a", &["--subject", "thanks"])["to"], "ci");
    let before = home.dump();
    home.mail(&["reply", "m9", "--from", "a"]).failed(66, "no mail m9 to answer");
    home.mail(&["reply", "m1", "--from", "a", "--subject", "a\nb"]).failed(2, "a subject is one line");
    assert_eq!(home.dump(), before);
}
