//! What is known of a turn's end: the stream read to its end, the exit record, what is left, and how it was watched.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::stderr::Stderr;
use crate::clock::{Stamp, Tick, millis};
use crate::error::{IoContext, Result};
use crate::judge::limit::ends_at;
use crate::judge::outcome::{Ended, Ending, NotRun, Terminal};
use crate::judge::owed::Vouched;
use crate::model::{EndedBy, OutcomeSource, Resume, Turn, WishNote};
use crate::observe::{Observer, STDERR};
use crate::runtime::{Description, ExitCodes, Facts, Output, Refused, Source, Terminal as End};
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
    /// What others saw of what the run owes.
    pub vouched: Vouched,
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
    /// What decides of the stream, now that the process has ended.
    end: Option<End>,
    /// What it wrote to stderr.
    pub(super) stderr: Stderr,
    /// When the provider's limit ends, by its own word, if that makes sense. Told once: it rests on the time of telling.
    pub(super) limit_resets_at: Option<Stamp>,
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
        let by_itself = exit.as_ref().filter(|exit| exit.started && exit.ended_by == EndedBy::Agent);
        let facts = observer.as_ref().map(Observer::facts);
        let end = facts.and_then(|facts| turn.description.end(facts, by_itself.and_then(|exit| exit.code)));
        let written = exit.as_ref().filter(|exit| exit.started).map_or(u64::MAX, |exit| exit.stderr_bytes);
        // It decides of little: what cannot be read says nothing.
        let stderr = Stderr::read(&log_dir.join(STDERR), written).ok().flatten().unwrap_or_default();
        watched.observer = observer;
        let limit_resets_at = end.as_ref().and_then(limit_resets_at);
        let log_dir = log_dir.to_owned();
        Ok(Self { turn, log_dir, exit, left, watched, live, end, stderr, limit_resets_at })
    }

    /// What decides of the stream.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// When the provider's limit ends, by its own word, if that makes sense.
    #[must_use]
    pub const fn limit_resets_at(&self) -> Option<Stamp> {
        self.limit_resets_at
    }

    /// What the stream tells; none where there is no stream.
    #[must_use]
    pub fn facts(&self) -> Option<&Facts> {
        self.watched.observer.as_ref().map(Observer::facts)
    }

    /// The evidence as the judge takes it.
    #[must_use]
    pub fn ending(&self, turn: &Turn) -> Ending {
        let nothing = Facts::default();
        let facts = self.facts().unwrap_or(&nothing);
        let not_executed = self.exit.as_ref().and_then(|exit| exit.not_executed.as_ref());
        let exit = self.exit.as_ref().filter(|exit| exit.started);
        let resuming = turn.resume != Resume::Fresh;
        Ending {
            started: self.exit.as_ref().map_or(turn.started_at.is_some(), |exit| exit.started),
            not_run: not_executed.map(|not| if not.not_found { NotRun::NotFound } else { NotRun::Unusable }),
            wish: self.wish(turn).map(|note| note.wish),
            ..told(&turn.description, facts, self.end(), self.stderr.head(), exit.and_then(ended), resuming)
        }
    }

    /// Why somebody wanted the end, as it was recorded, or could not be.
    #[must_use]
    pub fn wish<'w>(&'w self, turn: &'w Turn) -> Option<&'w WishNote> {
        turn.wish.as_ref().or(self.watched.wish.as_ref())
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
        let terminal = || self.end()?.message.clone();
        let wished = || self.wish(turn)?.why.clone();
        not_executed.map(|not| not.why.clone()).or_else(terminal).or_else(wished).or_else(|| self.last_words(turn))
    }

    /// The end of stderr, of a program that failed by itself and says it nowhere else. It decides nothing.
    fn last_words(&self, turn: &Turn) -> Option<String> {
        let by_itself = self.exit.as_ref().is_some_and(|exit| exit.started && exit.ended_by == EndedBy::Agent);
        let failed = self.end().is_none_or(|end| !end.clean);
        let wanted = turn.description.stderr_message && by_itself && failed && self.wish(turn).is_none();
        wanted.then(|| self.stderr.last_words()).flatten()
    }
}

/// What the program itself says of its end: the part of the evidence that stream, exit code and stderr give alone.
#[must_use]
pub fn told(
    description: &Description,
    facts: &Facts,
    end: Option<&End>,
    stderr: &[u8],
    exit: Option<(Ended, EndedBy)>,
    resuming: bool,
) -> Ending {
    let code = exit.and_then(|(ended, _)| if let Ended::Code(code) = ended { Some(code) } else { None });
    let refused = description.refused_at_start(facts, code, stderr);
    Ending {
        started: true,
        not_run: None,
        exit,
        wish: None,
        expects_terminal: description.output == Output::JsonLines,
        terminal: end.map(|end| terminal(end, resuming)),
        any_event: facts.events > 0,
        refused_without_event: resuming && refused == Some(Refused::Session),
        no_credentials: refused == Some(Refused::Credentials),
        code_tells: description.exit_codes == ExitCodes::Failure,
    }
}

/// The evidence of a turn that nobody has heard of yet: what its row alone says.
#[must_use]
pub fn unheard(turn: &Turn) -> Ending {
    Ending {
        started: turn.started_at.is_some(),
        wish: turn.wish.as_ref().map(|note| note.wish),
        ..told(&turn.description, &Facts::default(), None, &[], None, turn.resume != Resume::Fresh)
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

fn terminal(end: &End, resuming: bool) -> Terminal {
    match (end.clean, end.auth, &end.limit) {
        (true, ..) => Terminal::Clean,
        _ if end.resume_refused && resuming => Terminal::ResumeRefused(OutcomeSource::TerminalMessage),
        (_, Some(source), _) => Terminal::Auth(outcome_source(source)),
        (_, _, Some(limit)) => Terminal::Limited(outcome_source(limit.source)),
        _ => Terminal::Error,
    }
}

const fn outcome_source(source: Source) -> OutcomeSource {
    match source {
        Source::TypedField => OutcomeSource::TypedField,
        Source::TerminalMessage => OutcomeSource::TerminalMessage,
        Source::ExitCode => OutcomeSource::ExitCode,
    }
}

fn limit_resets_at(end: &End) -> Option<Stamp> {
    let limit = end.limit.as_ref()?;
    let now = Stamp::now();
    let read_at = Stamp::from_millis(now.millis() - millis(Tick::now().since(end.at)));
    ends_at(&[limit.resets_at, limit.retry_after.map(|wait| read_at.plus(wait))], now)
}
