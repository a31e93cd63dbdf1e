//! Which index answers what: with a million mails stored nothing that is asked often reads the table.

use rusqlite::params;

use super::claim::{self, Claim};
use super::list::question;
use super::*;
use crate::id::RunId;
use crate::state::{Place, State};

fn state(folder: &tempfile::TempDir) -> State {
    let place = Place { file: folder.path().join("state.db"), hints: vec![], by_option: false };
    State::open_for_writing(&place).unwrap()
}

fn at(wall: i64, boot: &str, tick: i64) -> Moment {
    Moment { at: Stamp::from_millis(wall), boot: boot.into(), time_ns: 1, boottime_ms: tick }
}

fn mail<'a>(recipient: &'a str, priority: Priority) -> NewMail<'a> {
    NewMail {
        sender: "x",
        recipient,
        recipient_run: None,
        kind: MailType::Status,
        priority,
        subject: "s",
        body: "",
        payload: None,
        reply_to: None,
        from: None,
        attributed_by: AttributedBy::Word,
        dead_reason: None,
    }
}

/// How SQLite would answer, a line for each step. `values` are not looked at.
fn plan(state: &State, sql: &str) -> Vec<String> {
    let mut asked = state.conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps = asked.raw_query().mapped(|row| row.get::<_, String>("detail")).collect::<rusqlite::Result<_>>();
    steps.unwrap()
}

/// Every statement that these functions run, as SQLite sees them.
fn traced(state: &mut State, act: impl FnOnce(&Tx<'_>)) -> Vec<String> {
    use rusqlite::trace::{TraceEvent, TraceEventCodes};
    use std::sync::{Arc, Mutex};
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&seen);
    let tracer = move |event: TraceEvent<'_>| {
        if let TraceEvent::Stmt(statement, _) = event {
            note.lock().unwrap().push(statement.sql().to_string());
        }
    };
    state.conn.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(tracer)).unwrap();
    let done = state.alone("look at plans", |tx| {
        act(tx);
        Ok(())
    });
    done.unwrap();
    state.conn.trace_v2(TraceEventCodes::empty(), None::<fn(TraceEvent<'_>)>).unwrap();
    let seen = seen.lock().unwrap().clone();
    seen.into_iter().filter(|sql| sql.contains(" mail")).collect()
}

/// The whole table, or all mail that somebody ever got.
fn reads_too_much(steps: &[String]) -> bool {
    let history = ["mail_of_recipient", "mail_in_state", "mail_of_kind", "mail_of_sender", "mail_sent", "TEMP B-TREE"];
    let bad = |step: &&String| !step.contains("rowid=?");
    steps
        .iter()
        .filter(bad)
        .any(|step| step.starts_with("SCAN mail") || history.iter().any(|index| step.contains(index)))
}

#[test]
fn nothing_that_a_claim_a_wait_or_a_turn_asks_reads_the_history() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = state(&folder);
    let now = at(1, "b", 1);
    let statements = traced(&mut state, |tx| {
        claim::sweep(tx, "a", 5, &now).unwrap();
        claim::fitting(tx, "a", Some(RunId(1)), 32, 1).unwrap();
        let wanted = Claim { agent: "a", run: None, token: "t", until: &now, max: 9 };
        claim::take(tx, &wanted, now.at).unwrap();
        claim::settle_prompt(tx, TurnId(1), crate::judge::lease::Fate::Acknowledge, now.at).unwrap();
        claim::ready(tx, "a", &now).unwrap();
        claim::next_due(tx, "a", &now).unwrap();
        claim::prompt_of(tx, TurnId(1)).unwrap();
        claim::acknowledge(tx, MailId(1), now.at).unwrap();
        claim::release(tx, MailId(1), None).unwrap();
        waiting_for(tx, "a", RunId(1), &now).unwrap();
        terminal_of(tx, TurnId(1), 0, "a", &[]).unwrap();
        bind(tx, "a", RunId(1)).unwrap();
        unbind(tx, RunId(1), now.at).unwrap();
    });
    assert!(statements.len() >= 16, "{statements:#?}");
    for sql in statements {
        let steps = plan(&state, &sql);
        assert!(!reads_too_much(&steps), "{sql}\n{steps:#?}");
    }
}

/// A million mails that stay are not read again for each ten thousand that go.
#[test]
fn a_purge_goes_on_where_its_last_step_ended() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = state(&folder);
    let all = purge::Purge { before: None, agent: None, force: true };
    let statements = traced(&mut state, |tx| {
        for _ in 0..3 {
            send(tx, &mail("a", Priority::Normal), Stamp::from_millis(1)).unwrap();
        }
        let (counts, last) = purge::remove(tx, &all, MailId(0), 2).unwrap();
        assert_eq!((counts.stored, last), (2, MailId(2)));
        assert_eq!(purge::remove(tx, &all, MailId(3), 2).unwrap(), (purge::Counts::default(), MailId(3)));
    });
    let deletes: Vec<&String> = statements.iter().filter(|sql| sql.starts_with("DELETE FROM mail")).collect();
    assert_eq!(deletes.len(), 2, "{statements:?}");
    for sql in deletes {
        let steps = plan(&state, sql);
        assert!(steps.iter().any(|step| step.contains("(rowid>?)")), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
    }
}

#[test]
fn the_claim_takes_its_order_from_the_index_of_what_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = state(&folder);
    let now = at(1, "b", 1);
    let statements = traced(&mut state, |tx| {
        let wanted = Claim { agent: "a", run: None, token: "t", until: &now, max: 9 };
        claim::take(tx, &wanted, now.at).unwrap();
    });
    assert_eq!(statements.len(), 1, "a claim is one statement");
    let steps = plan(&state, &statements[0]);
    assert!(steps.iter().any(|step| step.contains("mail_ready (recipient=?)")), "{steps:#?}");
}

#[test]
fn no_filter_of_a_list_reads_the_whole_table() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(&folder);
    let some = Filter {
        from: Some("a".into()),
        to: Some("b".into()),
        kind: Some(MailType::Status),
        state: Some(MailState::Dead),
        thread: Some(MailId(1)),
        since: Some(Stamp::from_millis(1)),
        limit: 200,
    };
    for chosen in 1_u8..64 {
        let on = |bit: u8| chosen >> bit & 1 == 1;
        let filter = Filter {
            from: some.from.clone().filter(|_| on(0)),
            to: some.to.clone().filter(|_| on(1)),
            kind: some.kind.filter(|_| on(2)),
            state: some.state.filter(|_| on(3)),
            thread: some.thread.filter(|_| on(4)),
            since: some.since.filter(|_| on(5)),
            limit: 200,
        };
        let steps = plan(&state, &question(&filter).0);
        // A thread is short, and its two halves are put in order.
        let bad = steps.iter().any(|step| step.starts_with("SCAN") || step.contains("TEMP B-TREE") && !on(4));
        assert!(!bad, "{filter:?}\n{steps:#?}");
    }
}

#[test]
fn leases_end_by_the_ticks_of_their_boot_and_by_the_wall_clock_in_another() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = state(&folder);
    let take = |state: &mut State, now: &Moment, lease: i64| {
        state
            .write("claim", |tx| {
                claim::sweep(tx, "a", 99, now)?;
                let until = now.plus(std::time::Duration::from_millis(lease.unsigned_abs()));
                let wanted = Claim { agent: "a", run: None, token: "t", until: &until, max: 9 };
                claim::take(tx, &wanted, now.at)
            })
            .unwrap()
            .len()
    };
    state.write("send", |tx| send(tx, &mail("a", Priority::Normal), Stamp::from_millis(0))).unwrap();
    assert_eq!(take(&mut state, &at(1_000, "b", 100), 50), 1);
    // The wall clock jumps a year ahead, or back: the lease holds until its tick.
    assert_eq!(take(&mut state, &at(99_999_999_999, "b", 149), 50), 0);
    assert_eq!(take(&mut state, &at(-99_999, "b", 150), 50), 1);
    // The host was booted anew: ticks say nothing, the wall clock has to do.
    for boot in ["a", "c", ""] {
        let now = at(1_000_000, "b", 10);
        state
            .write("set", |tx| {
                tx.run(
                    "UPDATE mail SET state = 'leased', due_at = ?1, due_boot = ?2, due_tick = 999999",
                    params![now.at.millis(), boot],
                )
            })
            .unwrap();
        assert_eq!(take(&mut state, &at(999_999, "b", 20), 50), 0, "{boot}");
        assert_eq!(take(&mut state, &at(1_000_000, "b", 20), 50), 1, "{boot}");
    }
}

/// The same for delays and expiry, and for the waiter's question.
#[test]
fn what_is_due_is_ready_and_what_has_expired_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = state(&folder);
    let mut add = |due: Option<&Moment>, expires: Option<Moment>| {
        state
            .write("send", |tx| {
                tx.run("DELETE FROM mail", [])?;
                let terms = Terms { sent_to: None, expires, thread: None };
                let id = send_on(tx, &mail("a", Priority::Normal), &terms, Stamp::from_millis(0))?;
                tx.run(
                    "UPDATE mail SET due_at = ?1, due_boot = ?2, due_tick = ?3",
                    params![due.map(|due| due.at.millis()), due.map(|due| due.clock()), due.map(|due| due.boottime_ms)],
                )?;
                let ask = |tick| claim::ready(tx, "a", &at(0, "b", tick)).map(|found| found == Some(id));
                let waits = |tick| Ok(waiting_for(tx, "a", RunId(1), &at(0, "b", tick))? == 1);
                let next = claim::next_due(tx, "a", &at(0, "b", 0))?.map(|end| end.boottime_ms);
                Ok((ask(9)?, ask(10)?, waits(9)?, waits(10)?, next))
            })
            .unwrap()
    };
    assert_eq!(add(None, None), (true, true, true, true, None));
    assert_eq!(add(Some(&at(5_000, "b", 10)), None), (false, true, true, true, Some(10)));
    assert_eq!(add(None, Some(at(5_000, "b", 10))), (true, false, true, false, None));
    assert_eq!(add(Some(&at(5_000, "z", 10)), None), (false, false, true, true, Some(10)));
}

#[test]
fn urgent_mail_comes_first_and_within_a_priority_the_oldest() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = state(&folder);
    let now = at(0, "b", 0);
    let order = state
        .write("claim", |tx| {
            for priority in [Priority::Low, Priority::Normal, Priority::Urgent, Priority::Normal, Priority::High] {
                send(tx, &mail("a", priority), now.at)?;
            }
            let wanted = Claim { agent: "a", run: None, token: "t", until: &now, max: 4 };
            Ok(claim::take(tx, &wanted, now.at)?.iter().map(|mail| mail.id.0).collect::<Vec<_>>())
        })
        .unwrap();
    assert_eq!(order, [3, 5, 2, 4]);
}

#[test]
fn what_failed_before_is_a_prompt_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = state(&folder);
    let mut fits = |deliveries: &[i64], bytes: i64| {
        state
            .write("send", |tx| {
                tx.run("DELETE FROM mail", [])?;
                for number in deliveries {
                    let id = send(tx, &NewMail { body: "123456789", ..mail("a", Priority::Normal) }, Stamp::now())?;
                    tx.run("UPDATE mail SET deliveries = ?2 WHERE id = ?1", params![id.0, number])?;
                }
                claim::fitting(tx, "a", None, 4, bytes)
            })
            .unwrap()
    };
    assert_eq!(fits(&[], 100), 0);
    assert_eq!(fits(&[0, 0, 0, 0, 0], 100), 4);
    assert_eq!(fits(&[0, 0, 0], 20), 2);
    assert_eq!(fits(&[0, 0, 0], 1), 1, "the first goes alone, whatever its size");
    assert_eq!(fits(&[1, 0, 0], 100), 1);
    assert_eq!(fits(&[0, 0, 2, 0], 100), 2);
}
