//! What is known of a turn's end: the stream read to its end, the exit record, what is left, and how it was watched.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::tail::tail;
use crate::clock::{Stamp, Tick};
use crate::error::{IoContext, Result};
use crate::judge::outcome::{Ended, Ending, NotRun, Terminal, conclude};
use crate::judge::retry::class;
use crate::model::{EndedBy, OutcomeSource, Resume, Turn, WishNote};
use crate::observe::{Observer, STDERR};
use crate::runtime::{Facts, Output, Source};
use crate::seam::exit_record::{ExitRecord, Tree};

/// What whoever watched a turn has of it, and how it was watched. Of a turn that nobody watched, nothing.
#[derive(Debug, Default)]
pub struct Watched {
    /// The stream, as far as it was read.
    pub observer: Option<Observer>,
    /// The final record as the shim told it: its folder may be gone, its disk full, its file somebody else's.
    pub told: Option<ExitRecord>,
    /// A wish that could not be written.
    pub wish: Option<WishNote>,
    /// The host was suspended so long.
    pub suspended: Duration,
    /// The supervisor did not run so long.
    pub frozen: Duration,
    /// Nobody supervised so long.
    pub unsupervised: Duration,
}

/// The evidence of one turn's end.
#[derive(Debug)]
pub struct Evidence<'t> {
    /// The turn, as it was when it was let go or taken up; the finish reads it again.
    pub turn: &'t Turn,
    /// Its files.
    pub log_dir: PathBuf,
    /// The shim's record.
    pub exit: Option<ExitRecord>,
    /// What could not be ended, where there is no record of it.
    pub left: Option<i64>,
    /// What was watched of it.
    pub watched: Watched,
    /// Its events were read while they came.
    pub live: bool,
    stderr_head: Vec<u8>,
    /// The last lines of stderr, where the agent may have failed.
    pub(super) stderr_tail: Option<String>,
}

impl<'t> Evidence<'t> {
    /// The last look: the exit record, and the stream to its end.
    ///
    /// # Errors
    /// 74 for files that cannot be read.
    pub fn gather(turn: &'t Turn, log_dir: &Path, mut watched: Watched, left: Option<i64>) -> Result<Self> {
        let reading = || format!("cannot read the files of {} in {}", turn.id, log_dir.display());
        let exit = match watched.told.take() {
            None => ExitRecord::read(log_dir, turn.id).or_fail(reading)?,
            told => told,
        };
        let limit = exit.as_ref().filter(|exit| exit.started).map_or(u64::MAX, |exit| exit.stream_bytes);
        // What a dying tree wrote after the agent's end does not count: then the stream is read once more, up to it.
        let read = watched.observer.take().filter(|observer| observer.offset() <= limit);
        let live = read.is_some();
        let mut observer = match read {
            None => Observer::open(log_dir, &turn.description).or_fail(reading)?,
            read => read,
        };
        if let Some(observer) = &mut observer {
            let now = Tick::now();
            observer.pump_to(limit, now).or_fail(reading)?;
            observer.finish(now);
        }
        watched.observer = observer;
        let stderr_head = head(&log_dir.join(STDERR)).unwrap_or_default();
        let (log_dir, stderr_tail) = (log_dir.to_owned(), None);
        let gathered = Self { turn, log_dir, exit, left, watched, live, stderr_head, stderr_tail };
        // A wish that is recorded meanwhile can only make less of it a failure.
        let failed = class(conclude(&gathered.ending(turn)).outcome).is_some();
        let stderr_tail = if failed { tail(&gathered.log_dir.join(STDERR)) } else { None };
        Ok(Self { stderr_tail, ..gathered })
    }

    /// What the stream tells; none where there is no stream.
    #[must_use]
    pub fn facts(&self) -> Option<&Facts> {
        self.watched.observer.as_ref().map(Observer::facts)
    }

    /// The evidence as the judge takes it.
    #[must_use]
    pub fn ending(&self, turn: &Turn) -> Ending {
        let facts = self.facts();
        let events = facts.map_or(0, |facts| facts.events);
        let not_executed = self.exit.as_ref().and_then(|exit| exit.not_executed.as_ref());
        let exit = self.exit.as_ref().filter(|exit| exit.started);
        let resuming = turn.resume != Resume::Fresh;
        let code = exit.and_then(|exit| exit.code);
        Ending {
            started: self.exit.as_ref().map_or(turn.started_at.is_some(), |exit| exit.started),
            not_run: not_executed.map(|not| if not.not_found { NotRun::NotFound } else { NotRun::Unusable }),
            exit: exit.and_then(ended),
            wish: self.wish(turn).map(|note| note.wish),
            expects_terminal: turn.description.output == Output::JsonLines,
            terminal: facts.and_then(|facts| terminal(facts, resuming)),
            any_event: events > 0,
            refused_without_event: resuming && turn.description.refused_at_start(events, code, &self.stderr_head),
        }
    }

    /// Why somebody wanted the end, as it was recorded, or could not be.
    #[must_use]
    pub fn wish<'w>(&'w self, turn: &'w Turn) -> Option<&'w WishNote> {
        turn.wish.as_ref().or(self.watched.wish.as_ref())
    }

    /// When the provider's limit ends, by its own word.
    #[must_use]
    pub fn limit_resets_at(&self) -> Option<Stamp> {
        let end = self.facts()?.terminal.as_ref()?;
        let limit = end.limit.as_ref()?;
        let read_at = || Stamp::from_millis(Stamp::now().millis() - millis(Tick::now().since(end.at)));
        limit.resets_at.or_else(|| limit.retry_after.map(|wait| read_at().plus(wait)))
    }

    /// What could not be ended. Whoever looked after the shim knows best; its own count holds once its tree was gone:
    /// the record it writes before has counted nobody.
    #[must_use]
    pub fn children_left(&self) -> Option<i64> {
        let told = self.exit.as_ref().filter(|exit| exit.tree == Tree::Gone);
        self.left.or_else(|| told.map(|exit| i64::from(exit.children_left)))
    }

    /// Words for what went wrong: why the program was not executed, the terminal event's, or who wanted the end and why.
    #[must_use]
    pub fn message(&self, turn: &Turn) -> Option<String> {
        let not_executed = self.exit.as_ref().and_then(|exit| exit.not_executed.as_ref());
        let terminal = || self.facts()?.terminal.as_ref()?.message.clone();
        let wished = || self.wish(turn)?.why.clone();
        not_executed.map(|not| not.why.clone()).or_else(terminal).or_else(wished)
    }
}

fn ended(exit: &ExitRecord) -> Option<(Ended, EndedBy)> {
    match (exit.code, exit.signal) {
        (Some(code), _) => Some((Ended::Code(code), exit.ended_by)),
        (None, Some(signal)) => Some((Ended::Signal(signal), exit.ended_by)),
        // It could not be reaped: the record says who ended it, and KILL was the last word.
        (None, None) => Some((Ended::Signal(9), exit.ended_by)),
    }
}

fn terminal(facts: &Facts, resuming: bool) -> Option<Terminal> {
    let end = facts.terminal.as_ref()?;
    Some(match (end.clean, end.auth, &end.limit) {
        (true, ..) => Terminal::Clean,
        _ if end.resume_refused && resuming => Terminal::ResumeRefused(OutcomeSource::TerminalMessage),
        (_, Some(source), _) => Terminal::Auth(outcome_source(source)),
        (_, _, Some(limit)) => Terminal::Limited(outcome_source(limit.source)),
        _ => Terminal::Error,
    })
}

const fn outcome_source(source: Source) -> OutcomeSource {
    match source {
        Source::TypedField => OutcomeSource::TypedField,
        Source::TerminalMessage => OutcomeSource::TerminalMessage,
    }
}

/// The first words on stderr: enough for a program's own refusal.
fn head(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut head = Vec::new();
    std::fs::File::open(path)?.take(16 * 1024).read_to_end(&mut head)?;
    Ok(head)
}

/// A span as records have it.
#[must_use]
pub fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
