//! A mail to be sent: what is checked before the state file is touched, and what the transaction does.
//! `send`, `send -` and `reply` all send by this.

use std::time::Duration;

use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::id::MailId;
use refloat::judge::payload;
use refloat::model::{AttributedBy, MailType, NewMail, Priority, Terms};
use refloat::record::MailSent;
use refloat::seam::process;
use refloat::state::{Tx, mail};

use crate::address::{self, To};
use crate::caller::Sender;

/// A body, and a payload, may have so many bytes.
pub(crate) const LIMIT: usize = 1024 * 1024;
/// A subject may have so many.
pub(crate) const SUBJECT: usize = 1000;

/// A mail to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) to: To,
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) kind: MailType,
    pub(crate) priority: Priority,
    pub(crate) payload: Option<String>,
    pub(crate) reply_to: Option<MailId>,
    pub(crate) expires: Option<Duration>,
    pub(crate) queue: bool,
}

impl Draft {
    /// Refuses what is wrong with it in itself.
    pub(crate) fn check(&self) -> Result<()> {
        let malformed = |what: String| Err(Failure::new(Exit::Malformed, what));
        if self.subject.trim().is_empty() || self.subject.len() > SUBJECT || self.subject.contains(['\n', '\r']) {
            return Err(Failure::usage(format!("a subject is one line of 1 to {SUBJECT} bytes")));
        }
        if self.body.len() > LIMIT {
            return malformed(format!("the body is longer than {LIMIT} bytes; nothing was stored"));
        }
        let Some(text) = &self.payload else { return Ok(()) };
        if text.len() > LIMIT {
            return malformed(format!("the payload is longer than {LIMIT} bytes; nothing was stored"));
        }
        match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
            Ok(fields) => payload::check(self.kind, &fields).or_else(malformed),
            Err(error) => malformed(format!("the payload is not a JSON object: {error}")),
        }
    }

    /// Stores it, once for everybody who gets it.
    pub(crate) fn store(&self, tx: &Tx<'_>, sender: &Sender) -> Result<Vec<MailSent>> {
        if let Some(answered) = self.reply_to
            && mail::by_id(tx, answered)?.is_none()
        {
            return Err(Failure::not_found(format!("no mail {answered} to answer")));
        }
        let now = process::moment();
        let mut sent = Vec::new();
        for address in address::resolve(tx, &self.to, &sender.name, self.kind, self.queue)? {
            let new = NewMail {
                sender: &sender.name,
                recipient: &address.agent,
                recipient_run: address.run,
                kind: self.kind,
                priority: self.priority,
                subject: &self.subject,
                body: &self.body,
                payload: self.payload.as_deref(),
                reply_to: self.reply_to,
                from: sender.from,
                attributed_by: match sender.from {
                    Some((Some(_), _)) => AttributedBy::Turn,
                    Some((None, _)) => AttributedBy::Run,
                    None => AttributedBy::Word,
                },
                dead_reason: address.dead_reason,
            };
            let expires = self.expires.map(|while_| now.plus(while_));
            let terms = Terms { sent_to: address.group.as_deref(), expires, thread: None };
            let id = mail::send_on(tx, &new, &terms, now.at)?;
            let stored = mail::by_id(tx, id)?.ok_or_else(|| Failure::not_found(format!("mail {id} is gone")))?;
            sent.push(MailSent::from(&stored));
        }
        Ok(sent)
    }
}
