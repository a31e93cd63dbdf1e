//! Removing mail for good. Called by `mail purge`: counts first, removes only when told.

use rusqlite::params;

use crate::clock::Stamp;
use crate::error::Result;
use crate::id::MailId;
use crate::state::row::Row;
use crate::state::{Tx, View};

/// What is to be removed.
#[derive(Clone, Debug)]
pub struct Purge {
    /// Sent before this.
    pub before: Option<Stamp>,
    /// From or to this agent.
    pub agent: Option<String>,
    /// Also what nobody has acknowledged: stored and dead mail. What is leased is never removed.
    pub force: bool,
}

/// How many mails there are, by their state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Acknowledged.
    pub acked: i64,
    /// Stored.
    pub stored: i64,
    /// Dead.
    pub dead: i64,
}

/// Mail of a turn that is not over stays: it may be the one that the turn owes.
const FITS: &str = "(state = 'acked' OR (?3 AND (state = 'stored' OR state = 'dead')))
    AND (?1 IS NULL OR sent_at < ?1) AND (?2 IS NULL OR sender = ?2 OR recipient = ?2)
    AND NOT EXISTS (SELECT 1 FROM turn WHERE turn.id = mail.turn AND turn.outcome IS NULL)";

/// How many would go.
pub fn count(view: &View<'_>, purge: &Purge) -> Result<Counts> {
    let counted = view.one(
        &format!(
            "SELECT count(*) FILTER (WHERE state = 'acked') AS acked, count(*) FILTER (WHERE state = 'stored') AS stored,
                 count(*) FILTER (WHERE state = 'dead') AS dead
             FROM mail WHERE {FITS}"
        ),
        params![purge.before.map(Stamp::millis), purge.agent, purge.force],
        counts,
    )?;
    Ok(counted.unwrap_or_default())
}

fn counts(row: &Row<'_>) -> rusqlite::Result<Counts> {
    Ok(Counts { acked: row.get("acked")?, stored: row.get("stored")?, dead: row.get("dead")? })
}

/// Removes up to `limit` of those behind `after`, the oldest first: others are to get their turn in between. Also says
/// which was the last, where the next step begins: what stays is read once, not once for each step.
pub fn remove(tx: &Tx<'_>, purge: &Purge, after: MailId, limit: i64) -> Result<(Counts, MailId)> {
    // By an index all that fits would be sorted for its order, each time.
    let which = format!("SELECT id FROM mail NOT INDEXED WHERE {FITS} AND id > ?5 ORDER BY id LIMIT ?4");
    let values = params![purge.before.map(Stamp::millis), purge.agent, purge.force, limit, after.0];
    // The account of a dead mail goes with it.
    tx.run(&format!("DELETE FROM dead_letter WHERE mail IN ({which})"), values)?;
    let gone: Vec<(i64, String)> =
        tx.all(&format!("DELETE FROM mail WHERE id IN ({which}) RETURNING id, state"), values, |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let of = |state: &str| i64::try_from(gone.iter().filter(|one| one.1 == state).count()).unwrap_or(i64::MAX);
    let last = gone.iter().map(|one| one.0).max().unwrap_or(after.0);
    Ok((Counts { acked: of("acked"), stored: of("stored"), dead: of("dead") }, MailId(last)))
}
