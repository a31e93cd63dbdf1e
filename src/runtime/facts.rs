//! What the stream of one turn has told so far: plain data for a pure judge to match on.
//! Filled by `Reading` alone.

use std::time::Duration;

use crate::clock::{Stamp, Tick};
use crate::words::words;

words! {
    /// Where an assertion of the provider stood.
    pub enum Source {
        /// In a typed field.
        TypedField = "typed_field",
        /// In the message of the terminal line.
        TerminalMessage = "terminal_message",
        /// In the exit code.
        ExitCode = "exit_code",
    }
}

/// What a failed line tells about a limit, whether or not it ended at one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The provider's or the description's word for it.
    pub kind: Option<String>,
    /// When it is lifted: not yet judged for sense.
    pub resets_at: Option<Stamp>,
    /// How long after the line it is lifted.
    pub retry_after: Option<Duration>,
}

/// A rate limit or a quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The provider's or the description's word for it: `five_hour`, `usage_limit`.
    pub kind: Option<String>,
    /// When it is lifted, as it is told: not yet judged for sense.
    pub resets_at: Option<Stamp>,
    /// How long after the line it is lifted, as it is told ("try again in 3s").
    pub retry_after: Option<Duration>,
    /// What it rests on.
    pub source: Source,
}

/// How a turn ended, by its own word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// When it was read.
    pub at: Tick,
    /// It ended well. Everything below but the session and `cut` is none or false then.
    pub clean: bool,
    /// The answer was cut at its length limit.
    pub cut: bool,
    /// The session that the line itself names.
    pub session: Option<String>,
    /// The HTTP status behind the failure.
    pub http_status: Option<u16>,
    /// It ended at a limit.
    pub limit: Option<Limit>,
    /// What is told of a limit, should there be one.
    pub told: Told,
    /// It ended because authentication or billing failed.
    pub auth: Option<Source>,
    /// The program did not know the session it was to resume.
    pub resume_refused: bool,
    /// The program's message, at most 500 characters.
    pub message: Option<String>,
}

/// Lines that were counted and left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ignored {
    /// Nothing but space and terminal control sequences.
    pub blank: u64,
    /// Not JSON.
    pub not_json: u64,
    /// Not UTF-8.
    pub not_utf8: u64,
    /// JSON, but of no known type.
    pub unknown: u64,
    /// Longer than the buffer.
    pub oversize: u64,
}

impl Ignored {
    /// All of them.
    #[must_use]
    pub fn total(self) -> u64 {
        self.blank + self.not_json + self.not_utf8 + self.unknown + self.oversize
    }
}

/// Tokens and money; none where nothing was said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Everything that went in, the cached part too.
    pub tokens_in: Option<u64>,
    /// What came out.
    pub tokens_out: Option<u64>,
    /// The part of the input that was read from a cache.
    pub tokens_cached: Option<u64>,
    /// Turns of the model.
    pub num_turns: Option<u64>,
    /// The cost in dollars.
    pub cost_usd: Option<f64>,
}

/// What the stream of one turn has told so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// JSON lines with a type, known or not; for opaque output, ends of lines.
    pub events: u64,
    /// Lines that were counted and left.
    pub ignored: Ignored,
    /// Lines of retry chatter.
    pub negatives: u64,
    /// A start line was seen.
    pub started: bool,
    /// A line was seen that is neither a start line nor a keep-alive: the model, a tool or a failure has spoken.
    pub spoke: bool,
    /// The session id that was seen last, on any line.
    pub session: Option<String>,
    /// Tool calls that began and have not ended.
    pub open_tools: usize,
    /// When the first event was read.
    pub first_event: Option<Tick>,
    /// When the last event was read.
    pub last_event: Option<Tick>,
    /// When the last line was read that is progress.
    pub last_progress: Option<Tick>,
    /// The last terminal line; it decides, whatever follows.
    pub terminal: Option<Terminal>,
    /// What stands said of the end by a line that was no terminal one.
    pub verdict: Option<Terminal>,
    /// Lines that said something of the end and were no terminal ones.
    pub verdicts: u64,
    /// Terminal lines.
    pub terminals: u64,
    /// Progress came after the last terminal line: the program works again, and is not to be ended for lingering.
    pub working_again: bool,
    /// Usage and cost, by the terminal lines.
    pub usage: Usage,
}
