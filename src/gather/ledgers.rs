//! What the ledgers and the mail tell of a run: recorded, not observed. Of a run that has ended it is history.

use super::rows::Rows;
use super::tell::Notes;
use crate::clock::Stamp;
use crate::judge::finding;
use crate::model::{Finding, Instrument, Meaning, Reason, SubjectKind};
use crate::record::evidence::{LedgerDetail, RunDetail};

pub(super) fn tell(rows: &Rows, now: Stamp, notes: &mut Notes<'_>) {
    let historical = rows.run.state.is_terminal();
    let plain = LedgerDetail { since: None, until: None, count: 1, what: None, historical };
    let mut add = |kind, subject: String, finding, detail| {
        notes.add(kind, subject, Instrument::Rows, finding, RunDetail::Ledger(detail));
    };
    let there = |reason| Finding::yes(Meaning::Present, reason);
    if let Some(retry) = &rows.retry {
        let what = Some(retry.class.map_or("reopened", |class| class.word()).to_owned());
        let detail = LedgerDetail { since: Some(retry.opened_at), until: Some(retry.due_at), what, ..plain.clone() };
        add(SubjectKind::Run, retry.id.to_string(), finding::of_retry(retry.due_at, now), detail);
    }
    for letter in &rows.dead_letters {
        let detail =
            LedgerDetail { since: Some(letter.opened_at), what: Some(letter.cause.to_string()), ..plain.clone() };
        add(SubjectKind::Run, letter.id.to_string(), finding::of_dead_letter(letter), detail);
    }
    for crash in &rows.crashes {
        let detail =
            LedgerDetail { since: Some(crash.entry.at), what: Some(crash.entry.kind.to_string()), ..plain.clone() };
        add(SubjectKind::Run, crash.id.to_string(), there(Reason::CrashRecorded), detail);
    }
    for question in &rows.questions {
        let detail = LedgerDetail { since: Some(question.sent_at), until: question.expires_at, ..plain.clone() };
        add(SubjectKind::Mail, question.id.to_string(), there(Reason::QuestionOpen), detail);
    }
    let agent = || rows.run.agent.clone();
    if rows.open.children > 0 {
        let detail = LedgerDetail { count: rows.open.children, ..plain.clone() };
        add(SubjectKind::Run, agent(), there(Reason::ChildrenOpen), detail);
    }
    if rows.open.unread > 0 {
        let detail = LedgerDetail { count: rows.open.unread, ..plain };
        add(SubjectKind::Mail, agent(), there(Reason::MailWaits), detail);
    }
}
