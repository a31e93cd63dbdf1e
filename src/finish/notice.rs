//! Mail from refloat: a parent hears of its child's end once, in the transaction that ends it.

use serde::Serialize;

use crate::clock::Stamp;
use crate::error::Result;
use crate::id::{RunId, TurnId};
use crate::model::{AttributedBy, MailType, NewMail, Outcome, Priority, Run, RunState, Turn};
use crate::record::TurnEnded;
use crate::scrub::scrub;
use crate::state::{Tx, mail, run};

/// The payload of `worker_died` and `escalation`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    agent_name: &'a str,
    capability: &'a str,
    task_id: Option<&'a str>,
    reason: &'a str,
    last_activity: Stamp,
    terminated_by: &'a str,
    severity: &'a str,
    context: &'a str,
    outcome: Outcome,
    run: RunId,
    turn: Option<TurnId>,
    log_dir: Option<&'a str>,
}

/// Tells the parent what became of its child.
pub(super) fn send(
    tx: &Tx<'_>,
    turn: &Turn,
    run: &Run,
    ended: &TurnEnded,
    kind: MailType,
    parent: &str,
    now: Stamp,
) -> Result<()> {
    let reason = reason(ended);
    let payload = Payload {
        last_activity: turn.started_at.unwrap_or(turn.booted_at),
        outcome: ended.outcome,
        turn: Some(turn.id),
        log_dir: ended.log_dir.as_deref(),
        ..payload(run, &reason, now)
    };
    let subject = match kind {
        MailType::Escalation => format!("{} needs a person: {}", run.agent, ended.cause),
        _ => format!("{} ended: {}", run.agent, ended.outcome),
    };
    let payload = tx.text_of(&payload)?;
    mail::send(tx, &note(Some(turn.id), run, kind, parent, &subject, &reason, Some(&payload)), now)?;
    Ok(())
}

/// Tells the parent of a run that ended while no turn of it ran.
pub(super) fn idle(
    tx: &Tx<'_>,
    run: &Run,
    kind: MailType,
    parent: &str,
    (outcome, state): (Outcome, RunState),
    reason: &str,
    now: Stamp,
) -> Result<()> {
    let reason = &scrub(reason);
    let payload = Payload { outcome, ..payload(run, reason, run.changed_at) };
    let payload = tx.text_of(&payload)?;
    let subject = match outcome {
        _ if kind == MailType::Escalation => format!("{} needs a person: {reason}", run.agent),
        Outcome::Silent => format!("{} ended: {outcome}", run.agent),
        _ => format!("{} ended: {state}", run.agent),
    };
    mail::send(tx, &note(None, run, kind, parent, &subject, reason, Some(&payload)), now)?;
    Ok(())
}

fn payload<'a>(run: &'a Run, reason: &'a str, last_activity: Stamp) -> Payload<'a> {
    Payload {
        agent_name: &run.agent,
        capability: run.capability.word(),
        task_id: run.task.as_deref(),
        reason,
        last_activity,
        terminated_by: "runner",
        severity: "error",
        context: reason,
        outcome: Outcome::Aborted,
        run: run.id,
        turn: None,
        log_dir: None,
    }
}

/// Tells a waiting parent that its last open child has ended, if this one has said nothing itself.
pub(super) fn children_done(tx: &Tx<'_>, turn: Option<TurnId>, run: &Run, kind: MailType, now: Stamp) -> Result<()> {
    let Some(parent) = &run.parent else { return Ok(()) };
    let waits = run::open_of(tx, parent)?.is_some_and(|parent| parent.state.is_waiting());
    if waits && run::open_children(tx, parent)? == 0 {
        let body = format!("the last open run with {parent} as parent has ended: {} of {}", run.id, run.agent);
        mail::send(tx, &note(turn, run, kind, parent, "all children have ended", &body, None), now)?;
    }
    Ok(())
}

fn note<'a>(
    turn: Option<TurnId>,
    run: &'a Run,
    kind: MailType,
    parent: &'a str,
    subject: &'a str,
    body: &'a str,
    payload: Option<&'a str>,
) -> NewMail<'a> {
    NewMail {
        sender: &run.agent,
        recipient: parent,
        recipient_run: None,
        kind,
        priority: Priority::High,
        subject,
        body,
        payload,
        reply_to: None,
        from: Some((turn, run.id)),
        attributed_by: AttributedBy::Refloat,
        dead_reason: None,
    }
}

/// One line for a person, without secrets: the message may be a program's own words.
pub(super) fn reason(ended: &TurnEnded) -> String {
    let mut text = format!("{} ({})", ended.outcome, ended.cause);
    match (ended.exit_code, ended.signal) {
        (Some(code), _) => text.push_str(&format!(", exit code {code}")),
        (None, Some(signal)) => text.push_str(&format!(", signal {signal}")),
        (None, None) => {}
    }
    if let Some(message) = &ended.message {
        text.push_str(": ");
        text.push_str(message);
    }
    scrub(&text)
}
