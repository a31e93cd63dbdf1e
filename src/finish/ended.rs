//! The account of one turn: what is open when it ends, and the record that closes it.

use super::evidence::Evidence;
use crate::clock::{Stamp, Tick, millis};
use crate::error::Result;
use crate::id::MailId;
use crate::judge::outcome::{Conclusion, Open, owed_mail};
use crate::judge::owed::Vouched;
use crate::judge::sequel::Sequel;
use crate::model::{Fulfilment, Look, Outcome, Owed, Resume, Run, Turn};
use crate::owed;
use crate::record::{ExpectedRecord, TurnEnded, count};
use crate::runtime::Facts;
use crate::seam::process;
use crate::state::{Tx, View, mail, run};

/// What the finishing transaction finds before it writes.
pub(super) struct Account<'l> {
    pub(super) open: Open,
    pub(super) findings: Vec<Fulfilment>,
    looked: &'l [(Owed, Look)],
    pub(super) stop_requested: bool,
    terminal_mail: Option<MailId>,
}

impl<'l> Account<'l> {
    /// Counts what a clean result would leave open, and what of the owed is there.
    pub(super) fn open(
        tx: &Tx<'_>,
        turn: &Turn,
        run: &Run,
        looked: &'l [(Owed, Look)],
        others: &Vouched,
    ) -> Result<Self> {
        let (open, terminal_mail) = open_of_turn(tx, run, turn)?;
        let findings = others.beside(owed::findings(tx, run.id, looked)?);
        Ok(Self { open, findings, looked, stop_requested: false, terminal_mail })
    }

    /// The record.
    pub(super) fn close(
        &self,
        turn: &Turn,
        run: &Run,
        evidence: &Evidence<'_>,
        conclusion: Conclusion,
        sequel: Option<&Sequel>,
    ) -> TurnEnded {
        let nothing = Facts::default();
        let facts = evidence.facts().unwrap_or(&nothing);
        let exit = evidence.exit.as_ref();
        let end = evidence.end();
        // Ticks are of one boot: after another the wall clock has to do.
        let same_boot = process::me().boot == turn.supervisor.boot;
        let started = turn.started_tick.filter(|_| same_boot);
        let since_start = |tick: Option<Tick>| Some(millis(tick?.since(started?)));
        let duration_ms = exit.map_or_else(
            || since_start(Some(Tick::now())).or(turn.started_at.map(|at| Stamp::now().since(at))).unwrap_or(0),
            |exit| i64::try_from(exit.duration_ms).unwrap_or(i64::MAX),
        );
        // An event has the time it was read at, and what a short turn wrote is read after its end.
        // What nobody read while it came has no time of its own.
        let within = |millis: Option<i64>| millis.filter(|_| evidence.live).map(|millis| millis.min(duration_ms));
        let frozen = evidence.watched.frozen.max(std::time::Duration::from_millis(exit.map_or(0, |e| e.frozen_ms)));
        TurnEnded {
            turn: Some(turn.id),
            run: Some(run.id),
            agent: turn.agent.clone(),
            task: run.task.clone(),
            runtime: turn.description.name.clone(),
            outcome: conclusion.outcome,
            cause: conclusion.cause,
            outcome_source: Some(conclusion.source),
            message: owed::message(conclusion.cause, self.looked, &self.findings).or_else(|| evidence.message(turn)),
            state_before: Some(turn.before.state),
            state_after: Some(sequel.map_or(run.state, |sequel| sequel.state)),
            exit_code: exit.and_then(|exit| exit.code),
            signal: exit.and_then(|exit| exit.signal),
            session_asked: turn.session_asked.clone(),
            session_seen: facts.session.clone(),
            resume: resume(turn, facts, conclusion.outcome),
            clean_result: end.is_some_and(|end| end.clean),
            answer_cut: end.is_some_and(|end| end.cut),
            terminal_mail: self.terminal_mail,
            terminal_mail_missing: mail_missing(conclusion.outcome, self.open),
            expected: expected(self.looked, &self.findings),
            stop_requested: self.stop_requested,
            attempt: turn.attempt,
            max_attempts: run.max_attempts,
            retry_at: sequel.filter(|sequel| !sequel.state.is_waiting()).and_then(|sequel| sequel.retry_at),
            http_status: end.and_then(|end| end.http_status).map(i64::from),
            limit_kind: end.and_then(|end| end.limit.as_ref()).and_then(|limit| limit.kind.clone()),
            limit_resets_at: evidence.limit_resets_at,
            started_at: turn.started_at,
            duration_ms,
            first_event_ms: within(since_start(facts.first_event)),
            last_event_ms: within(since_start(facts.last_event)),
            suspended_ms: millis(evidence.watched.suspended),
            frozen_ms: millis(frozen),
            unsupervised_ms: millis(evidence.watched.unsupervised),
            events: count(facts.events),
            ignored_lines: count(facts.ignored.total()),
            tokens_in: facts.usage.tokens_in.map(count),
            tokens_out: facts.usage.tokens_out.map(count),
            tokens_cached: facts.usage.tokens_cached.map(count),
            cost_usd: facts.usage.cost_usd,
            children_left: evidence.children_left(),
            contained_by: Some(turn.contained_by),
            log_dir: Some(evidence.log_dir.to_string_lossy().into_owned()),
            log_dir_lossy: evidence.log_dir.to_str().is_none(),
        }
    }
}

/// What a clean result of this turn would leave open, and its terminal mail.
///
/// # Errors
/// Those of the state file.
pub fn open_of_turn(view: &View<'_>, run: &Run, turn: &Turn) -> Result<(Open, Option<MailId>)> {
    let owed = owed_mail(run.capability);
    let terminal_mail = match &run.parent {
        Some(parent) if !owed.is_empty() => mail::terminal_of(view, turn.id, turn.last_mail, parent, owed)?,
        _ => None,
    };
    Ok((Open { yielded: turn.yielded.is_some(), ..open_of(view, run, terminal_mail)? }, terminal_mail))
}

/// What the end of an adopted worker would leave open, and its terminal mail.
///
/// # Errors
/// Those of the state file.
pub fn open_of_worker(view: &View<'_>, run: &Run) -> Result<(Open, Option<MailId>)> {
    let terminal_mail = match &run.parent {
        Some(parent) => mail::terminal_of_worker(view, run.id, parent, owed_mail(run.capability))?,
        None => None,
    };
    Ok((open_of(view, run, terminal_mail)?, terminal_mail))
}

/// Whether an end lacks the mail that the capability owes.
pub(super) fn mail_missing(outcome: Outcome, open: Open) -> bool {
    outcome == Outcome::Silent && open.owes_mail && !open.mail_sent
}

/// What became of each thing that is owed.
pub(super) fn expected(looked: &[(Owed, Look)], findings: &[Fulfilment]) -> Vec<ExpectedRecord> {
    looked.iter().zip(findings).map(|((owed, _), found)| ExpectedRecord::of(owed, found)).collect()
}

/// What is open of a run that ends well. Mail that was there when its turn began counts too: a prompt has 32 mails at
/// most, and with the end of the run what was for it alone would die.
fn open_of(view: &View<'_>, run: &Run, terminal_mail: Option<MailId>) -> Result<Open> {
    Ok(Open {
        owes_mail: run.parent.is_some() && !owed_mail(run.capability).is_empty(),
        mail_sent: terminal_mail.is_some(),
        yielded: false,
        children: run::open_children(view, &run.agent)?,
        unread: mail::waiting_for(view, &run.agent, run.id, &process::moment())?,
    })
}

/// What became of the session that was asked for. A resume that did not happen is never silent.
fn resume(turn: &Turn, facts: &Facts, outcome: Outcome) -> Resume {
    match (turn.resume, &facts.session, &turn.session_asked) {
        _ if outcome == Outcome::ResumeRefused => Resume::Refused,
        (Resume::Fresh, ..) => Resume::Fresh,
        (_, Some(seen), Some(asked)) if seen != asked => Resume::Mismatch,
        (resume, ..) => resume,
    }
}
