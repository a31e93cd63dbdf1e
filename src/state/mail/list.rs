//! What `mail list` asks: each filter has its index, and none reads the whole table.

use rusqlite::ToSql;

use super::{COLUMNS, read};
use crate::clock::Stamp;
use crate::error::Result;
use crate::id::MailId;
use crate::model::{Mail, MailState, MailType};
use crate::state::View;

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
    let (sql, values) = question(filter);
    let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
    let mut mails = view.all(&sql, values.as_slice(), read)?;
    mails.sort_by_key(|mail| mail.id);
    Ok(mails)
}

/// The question in SQL, with its values. Where another filter has an index that ends in the id, the time is only
/// checked (`+`): by an index of its own the whole span would have to be sorted for the order.
pub(super) fn question(filter: &Filter) -> (String, Vec<Box<dyn ToSql>>) {
    let mut where_ = Vec::new();
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    let mut ask = |text: &str, value: Box<dyn ToSql>| {
        values.push(value);
        where_.push(text.replace('?', &format!("?{}", values.len())));
    };
    if let Some(thread) = filter.thread {
        ask("(id = ? AND thread IS NULL OR thread = ?)", Box::new(thread.0));
    }
    if let Some(from) = &filter.from {
        ask("sender = ?", Box::new(from.clone()));
    }
    if let Some(to) = &filter.to {
        ask("recipient = ?", Box::new(to.clone()));
    }
    if let Some(kind) = filter.kind {
        ask("kind = ?", Box::new(kind.word()));
    }
    if let Some(state) = filter.state {
        ask("state = ?", Box::new(state.word()));
    }
    let only_since = filter.from.is_none() && filter.to.is_none() && filter.kind.is_none();
    let only_since = only_since && filter.state.is_none() && filter.thread.is_none();
    if let Some(since) = filter.since {
        ask(if only_since { "sent_at >= ?" } else { "+sent_at >= ?" }, Box::new(since.millis()));
    }
    let order = if only_since && filter.since.is_some() { "sent_at DESC, id DESC" } else { "id DESC" };
    let which = if where_.is_empty() { String::new() } else { format!("WHERE {}", where_.join(" AND ")) };
    values.push(Box::new(filter.limit));
    (format!("SELECT {COLUMNS} FROM mail {which} ORDER BY {order} LIMIT ?{}", values.len()), values)
}
