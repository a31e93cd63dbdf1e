//! What the end of a turn leaves in the ledgers: the next try, the dead letter, the crash.
//! Called in the finishing transaction and nowhere else, so that they are as true as the outcome.

use super::evidence::Evidence;
use super::notice::reason;
use crate::clock::Stamp;
use crate::error::Result;
use crate::judge::sequel::{Retrying, Sequel, crash_of};
use crate::model::{CrashEnding, CrashEntry, CrashKind, CrashWho, Outcome, Run, Turn};
use crate::record::TurnEnded;
use crate::state::{Tx, crash, dead_letter, retry};

/// So much of a line of stderr.
const LINE: usize = 400;

/// Writes what follows from this end.
pub(super) fn keep(
    tx: &Tx<'_>,
    turn: &Turn,
    run: &Run,
    ended: &TurnEnded,
    sequel: &Sequel,
    evidence: &Evidence<'_>,
    now: Stamp,
) -> Result<()> {
    match &sequel.retry {
        Retrying::Open(next) => retry::open(tx, turn, next, now)?,
        Retrying::PutBack => retry::put_back(tx, turn.id)?,
        Retrying::None => {}
    }
    if let Some(cause) = sequel.dead {
        dead_letter::give_up(tx, turn, cause, sequel.attempts, &last_error(ended, evidence), now)?;
    }
    if ended.outcome == Outcome::Completed {
        dead_letter::resolve(tx, run, turn.id, now)?;
    }
    match crash_of(ended.outcome) {
        Some(kind) => crash::record(tx, &entry(kind, turn, ended, evidence, now)),
        None => Ok(()),
    }
}

/// The end in a line; what said nothing of itself, with its last line on stderr.
fn last_error(ended: &TurnEnded, evidence: &Evidence<'_>) -> String {
    let tail = if ended.message.is_none() { evidence.stderr.last_lines() } else { None };
    match tail.as_deref().and_then(|tail| tail.lines().last()) {
        Some(line) => format!("{}; stderr ends: {}", reason(ended), line.chars().take(LINE).collect::<String>()),
        None => reason(ended),
    }
}

/// The agent's crash, by the evidence of its end.
fn entry(kind: CrashKind, turn: &Turn, ended: &TurnEnded, evidence: &Evidence<'_>, now: Stamp) -> CrashEntry {
    CrashEntry {
        who: CrashWho::Agent,
        kind,
        message: reason(ended),
        ending: evidence.exit.as_ref().filter(|exit| exit.started).map(|exit| CrashEnding {
            exit_code: exit.code,
            signal: exit.signal,
            ended_by: Some(exit.ended_by),
            duration_ms: ended.duration_ms,
        }),
        tail: evidence.stderr.last_lines(),
        backtrace: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        process: turn.child.clone(),
        agent: Some(turn.agent.clone()),
        run: Some(turn.run),
        turn: Some(turn.id),
        attempt: Some(turn.attempt),
        at: evidence.exit.as_ref().map_or(now, |exit| exit.ended_at),
        source: None,
    }
}
