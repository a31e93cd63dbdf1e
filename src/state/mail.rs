//! Table `mail`: stored for good; reading changes nothing.

use rusqlite::{Row, params};

use super::columns::{id, optional_id, stamp, word};
use super::{Tx, View, dead_letter};
use crate::clock::Stamp;
use crate::error::Result;
use crate::id::{MailId, RunId, TurnId};
use crate::model::{AttributedBy, DeadCause, Mail, MailState, MailType, NewMail, Priority};

const COLUMNS: &str = "id, sender, recipient, recipient_run, kind, priority, subject, body, payload,
    coalesce(thread, id) AS thread, reply_to, turn, run, attributed_by, state, dead_reason, sent_at";

fn read(row: &Row<'_>) -> rusqlite::Result<Mail> {
    Ok(Mail {
        id: id(row, "id")?,
        sender: row.get("sender")?,
        recipient: row.get("recipient")?,
        recipient_run: optional_id(row, "recipient_run")?,
        kind: word(row, "kind", MailType::from_word)?,
        priority: word(row, "priority", Priority::from_word)?,
        subject: row.get("subject")?,
        body: row.get("body")?,
        payload: row.get("payload")?,
        thread: id(row, "thread")?,
        reply_to: optional_id(row, "reply_to")?,
        turn: optional_id(row, "turn")?,
        run: optional_id(row, "run")?,
        attributed_by: word(row, "attributed_by", AttributedBy::from_word)?,
        state: word(row, "state", MailState::from_word)?,
        dead_reason: row.get("dead_reason")?,
        sent_at: stamp(row, "sent_at")?,
    })
}

/// The mail with this id.
pub fn by_id(view: &View<'_>, mail: MailId) -> Result<Option<Mail>> {
    view.one(&format!("SELECT {COLUMNS} FROM mail WHERE id = ?1"), [mail.0], read)
}

/// Stores a mail, and the dead letter of one that is dead at once. A reply keeps the thread of what it answers.
pub fn send(tx: &Tx<'_>, new: &NewMail<'_>, now: Stamp) -> Result<MailId> {
    let state = if new.dead_reason.is_some() { MailState::Dead } else { MailState::Stored };
    let row = tx.insert(
        "INSERT INTO mail (sender, recipient, recipient_run, kind, priority, subject, body, payload, thread, reply_to,
             turn, run, attributed_by, state, dead_reason, sent_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, (SELECT coalesce(thread, id) FROM mail WHERE id = ?9), ?9,
             ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            new.sender,
            new.recipient,
            new.recipient_run.map(|run| run.0),
            new.kind.word(),
            new.priority.word(),
            new.subject,
            new.body,
            new.payload,
            new.reply_to.map(|mail| mail.0),
            new.from.and_then(|(turn, _)| turn).map(|turn| turn.0),
            new.from.map(|(_, run)| run.0),
            new.attributed_by.word(),
            state.word(),
            new.dead_reason.map(DeadCause::word),
            now.millis(),
        ],
    )?;
    if let Some(cause) = new.dead_reason {
        dead_letter::undelivered(tx, MailId(row), cause, new.from.and_then(|(turn, _)| turn), now)?;
    }
    Ok(MailId(row))
}

/// The terminal mail of a turn: of one of these types, to the parent, from inside the turn, and no reply.
/// By row id, never by clock.
pub fn terminal_of(
    view: &View<'_>,
    turn: TurnId,
    after: i64,
    parent: &str,
    kinds: &[MailType],
) -> Result<Option<MailId>> {
    let sent: Vec<(i64, String)> = view.all(
        "SELECT id, kind FROM mail
         WHERE turn = ?1 AND id > ?2 AND recipient = ?3 AND reply_to IS NULL ORDER BY id",
        params![turn.0, after, parent],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(first_of(sent, kinds))
}

/// The terminal mail of an adopted worker: of one of these types, to the parent, sent with the worker's token, and no reply.
pub fn terminal_of_worker(view: &View<'_>, run: RunId, parent: &str, kinds: &[MailType]) -> Result<Option<MailId>> {
    let sent: Vec<(i64, String)> = view.all(
        "SELECT id, kind FROM mail
         WHERE run = ?1 AND attributed_by = 'run' AND recipient = ?2 AND reply_to IS NULL ORDER BY id",
        params![run.0, parent],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(first_of(sent, kinds))
}

fn first_of(sent: Vec<(i64, String)>, kinds: &[MailType]) -> Option<MailId> {
    let terminal = sent.into_iter().find(|(_, kind)| kinds.iter().any(|wanted| wanted.word() == kind));
    terminal.map(|(mail, _)| MailId(mail))
}

/// How many mails newer than this one wait for this run of an agent: mail to another run of it does not.
pub fn waiting_for(view: &View<'_>, agent: &str, run: RunId, after: i64) -> Result<i64> {
    let count = view.one(
        "SELECT count(*) FROM mail
         WHERE recipient = ?1 AND id > ?3 AND state = 'stored' AND (recipient_run IS NULL OR recipient_run = ?2)",
        params![agent, run.0, after],
        |row| row.get(0),
    )?;
    Ok(count.unwrap_or(0))
}

/// What `mail list` asks for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// From this sender.
    pub from: Option<String>,
    /// To this recipient.
    pub to: Option<String>,
    /// Of this type.
    pub kind: Option<MailType>,
    /// In this state.
    pub state: Option<MailState>,
    /// Of this thread.
    pub thread: Option<MailId>,
    /// Not older than this.
    pub since: Option<Stamp>,
    /// At most so many, the newest.
    pub limit: i64,
}

/// The newest mails that fit, oldest of them first.
pub fn list(view: &View<'_>, filter: &Filter) -> Result<Vec<Mail>> {
    let mut mails = view.all(
        &format!(
            "SELECT {COLUMNS} FROM mail
             WHERE (?1 IS NULL OR sender = ?1) AND (?2 IS NULL OR recipient = ?2) AND (?3 IS NULL OR kind = ?3)
               AND (?4 IS NULL OR state = ?4) AND (?5 IS NULL OR coalesce(thread, id) = ?5)
               AND (?6 IS NULL OR sent_at >= ?6)
             ORDER BY id DESC LIMIT ?7"
        ),
        params![
            filter.from,
            filter.to,
            filter.kind.map(MailType::word),
            filter.state.map(MailState::word),
            filter.thread.map(|mail| mail.0),
            filter.since.map(Stamp::millis),
            filter.limit,
        ],
        read,
    )?;
    mails.reverse();
    Ok(mails)
}
