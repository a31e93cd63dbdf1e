//! `mail purge`: says what it would remove; what nobody has acknowledged stays unless it is forced.

use serde_json::{Value, json};

use super::claims::claim;
use super::{Home, ids, inside, send, with};

/// m1 acknowledged, m2 leased, m3 dead, m4 and m5 stored; m5 is from b to c, the others from x to a.
fn some() -> Home {
    let home = with(&["a", "c"]);
    for _ in 0..4 {
        send(&home, "x", "a", &[]).silent(0);
    }
    send(&home, "b", "c", &[]).silent(0);
    let token = claim(&home, "a", &["--max", "2"])[0]["claim"].as_str().unwrap().to_owned();
    home.mail(&["ack", "m1", "--claim", &token]).silent(0);
    home.sql("UPDATE mail SET state = 'dead', dead_reason = 'expired' WHERE id = 3");
    home
}

fn purge(home: &Home, args: &[&str]) -> Value {
    home.mail(&[&["purge"], args].concat()).silent(0).record("mail.purged")
}

/// 39
#[test]
fn a_purge_shows_what_it_would_do_and_does_it_when_told() {
    let home = some();
    let before = home.dump();
    let count = |purged: &Value| [&purged["acked"], &purged["stored"], &purged["dead"]].map(|n| n.as_i64().unwrap());
    for (args, wanted) in [
        (&["--acked"][..], [1, 0, 0]),
        (&["--older", "0s"], [1, 0, 0]),
        (&["--older", "1h"], [0, 0, 0]),
        (&["--older", "0s", "--force"], [1, 2, 1]),
        (&["--agent", "a", "--force"], [1, 1, 1]),
        (&["--agent", "b", "--force"], [0, 1, 0]),
        (&["--agent", "b"], [0, 0, 0]),
        (&["--acked", "--agent", "c"], [0, 0, 0]),
    ] {
        let would = purge(&home, args);
        assert_eq!((count(&would), &would["applied"]), (wanted, &json!(false)), "{args:?}");
        assert_eq!(would["mails"], wanted.iter().sum::<i64>());
    }
    assert_eq!(home.dump(), before);
    assert_eq!(count(&purge(&home, &["--acked", "--apply"])), [1, 0, 0]);
    assert_eq!(ids(&home, &[]), ["m2", "m3", "m4", "m5"]);
    let forced = purge(&home, &["--older", "0s", "--force", "--apply"]);
    assert_eq!((count(&forced), &forced["applied"]), ([0, 2, 1], &json!(true)));
    assert_eq!(ids(&home, &[]), ["m2"], "what is leased is in somebody's hands");
}

#[test]
fn a_thread_keeps_its_name_when_its_first_mail_is_gone() {
    let home = some();
    send(&home, "a", "x", &["--queue", "--reply-to", "m1"]).silent(0);
    purge(&home, &["--acked", "--apply"]);
    assert_eq!(ids(&home, &["--thread", "m1"]), ["m6"]);
    let said = send(&home, "a", "x", &["--queue"]).silent(0);
    assert_eq!(said.record("mail.sent")["mail"], "m7", "a number is given out once");
}

#[test]
fn the_mail_that_a_turn_owes_stays_while_the_turn_runs() {
    let home = with(&["lead"]);
    let script = "$MAIL send --to lead --type worker_done --subject done >&2
        unset REFLOAT_TOKEN; $MAIL check --agent lead >&2; $MAIL purge --acked --apply >&2";
    let ended = inside(&home, script).silent(0);
    assert_eq!(ended.record("turn.ended")["outcome"], "completed");
    assert_eq!(ids(&home, &["--mail-state", "acked"]), ["m1"]);
    assert_eq!(purge(&home, &["--acked", "--apply"])["acked"], 1);
}
