//! Records about runtimes: what there is, and what one of them makes of a captured stream.

use schemars::JsonSchema;
use serde::Serialize;

use super::cell;
use crate::clock::Stamp;
use crate::emit::Record;
use crate::model::{Cause, Outcome, OutcomeSource};
use crate::runtime::{ExitCodes, LineKind, Output, PromptBy, SessionBy, StopSignal};
use crate::runtimes::{Known, Origin};

/// A runtime that can be named.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RuntimeRecord {
    /// Its name after `--runtime`.
    pub runtime: String,
    /// Where its description comes from.
    pub from: Origin,
    /// The user's file.
    pub file: Option<String>,
    /// The file's name is not UTF-8 and the text stands for it.
    pub file_lossy: bool,
    /// It takes the place of a compiled-in one.
    pub overrides: bool,
    /// The compiled-in one whose keys it has where it has none itself.
    pub like: Option<String>,
    /// What is wrong with the user's file; null: nothing.
    pub mistake: Option<String>,
    /// The program; null: the caller's arguments are the whole command.
    pub program: Option<String>,
    /// Its arguments, with the places of what is put in.
    pub args: Vec<String>,
    /// How the prompt goes in.
    pub prompt: Option<PromptBy>,
    /// A turn without a prompt is none.
    pub prompt_required: bool,
    /// Who chooses the session id.
    pub session_by: Option<SessionBy>,
    /// The started process is only the wrapper of the agent.
    pub wrapper: bool,
    /// What stands on stdout.
    pub output: Option<Output>,
    /// What a non-zero exit code proves.
    pub exit_codes: Option<ExitCodes>,
    /// The first signal of the ladder.
    pub stop_signal: Option<StopSignal>,
    /// From the start to the first event; null: off.
    pub first_event_ms: Option<i64>,
    /// Since the last progress; null: off.
    pub stall_ms: Option<i64>,
    /// The same while a tool runs; null: off.
    pub stall_tool_ms: Option<i64>,
}

impl RuntimeRecord {
    /// The record of a runtime that can be used.
    #[must_use]
    pub fn of(known: &Known) -> Self {
        let of = &known.description;
        let millis = |seconds: Option<u64>| seconds.and_then(|s| i64::try_from(s.saturating_mul(1000)).ok());
        Self {
            runtime: of.name.clone(),
            from: known.origin(),
            file: known.file.as_ref().map(|file| file.to_string_lossy().into_owned()),
            file_lossy: known.file.as_ref().is_some_and(|file| file.to_str().is_none()),
            overrides: known.overrides,
            like: of.like.clone(),
            mistake: None,
            program: of.program.clone(),
            args: of.args.clone(),
            prompt: Some(of.prompt),
            prompt_required: of.prompt_required,
            session_by: Some(of.session_by),
            wrapper: of.wrapper,
            output: Some(of.output),
            exit_codes: Some(of.exit_codes),
            stop_signal: Some(of.stop_signal),
            first_event_ms: millis(of.clocks.first_event_s),
            stall_ms: millis(of.clocks.stall_s),
            stall_tool_ms: millis(of.clocks.stall_tool_s),
        }
    }

    /// The record of a user's file that is none.
    #[must_use]
    pub fn mistaken(name: &str, mistake: String) -> Self {
        Self {
            runtime: name.to_owned(),
            from: Origin::User,
            file: None,
            file_lossy: false,
            overrides: false,
            like: None,
            mistake: Some(mistake),
            program: None,
            args: Vec::new(),
            prompt: None,
            prompt_required: false,
            session_by: None,
            wrapper: false,
            output: None,
            exit_codes: None,
            stop_signal: None,
            first_event_ms: None,
            stall_ms: None,
            stall_tool_ms: None,
        }
    }
}

impl Record for RuntimeRecord {
    const TYPE: &'static str = "runtime";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("runtime", self.runtime.clone()),
            ("from", self.from.to_string()),
            ("program", cell(self.program.as_ref())),
            ("like", cell(self.like.as_ref())),
            ("prompt", cell(self.prompt.as_ref())),
            ("session", cell(self.session_by.as_ref())),
            ("file", cell(self.file.as_ref())),
            ("mistake", cell(self.mistake.as_ref())),
        ]
    }
}

/// A line that the description does not know.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct UnknownLine {
    /// Its number, from 1.
    pub line: i64,
    /// What it is taken for.
    pub kind: LineKind,
    /// Its type, if it has one.
    pub line_type: Option<String>,
    /// Its first characters.
    pub text: String,
}

/// What a description makes of a captured stream.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Conform {
    /// The file, the turn, or `-`.
    pub file: String,
    /// The file's name is not UTF-8 and the text stands for it.
    pub file_lossy: bool,
    /// The runtime.
    pub runtime: String,
    /// Where its description comes from.
    pub from: Origin,
    /// The exit code that was assumed.
    pub exit_code: Option<i32>,
    /// The signal that was assumed.
    pub signal: Option<i32>,
    /// The turn was taken for one that resumes a session.
    pub resumed: bool,
    /// What a turn with this stream would come to, if nobody had ended it and it owed nothing.
    pub outcome: Outcome,
    /// Why.
    pub cause: Cause,
    /// What it would be read from.
    pub outcome_source: OutcomeSource,
    /// The error's words.
    pub message: Option<String>,
    /// The stream says that the turn ended well.
    pub clean_result: bool,
    /// The answer was cut at its length limit.
    pub answer_cut: bool,
    /// The number of the last terminal line.
    pub terminal_line: Option<i64>,
    /// The HTTP status.
    pub http_status: Option<i64>,
    /// The kind of limit.
    pub limit_kind: Option<String>,
    /// When the limit is lifted, as it is told.
    pub limit_resets_at: Option<Stamp>,
    /// How long after the line it is lifted, as it is told.
    pub limit_retry_after_ms: Option<i64>,
    /// The session that the stream names.
    pub session: Option<String>,
    /// Tool calls that began and did not end.
    pub open_tools: i64,
    /// Tokens that went in, the cached ones too.
    pub tokens_in: Option<i64>,
    /// Tokens that came out.
    pub tokens_out: Option<i64>,
    /// Tokens that were read from a cache.
    pub tokens_cached: Option<i64>,
    /// Turns of the model.
    pub num_turns: Option<i64>,
    /// The cost in dollars.
    pub cost_usd: Option<f64>,
    /// Bytes of the stream.
    pub bytes: i64,
    /// Lines, of every kind.
    pub lines: i64,
    /// Lines that are events.
    pub events: i64,
    /// Lines that were counted and left.
    pub ignored_lines: i64,
    /// Lines of kind `start`, and so on.
    pub start: i64,
    /// Lines of this kind.
    pub progress: i64,
    /// Lines of this kind.
    pub keep_alive: i64,
    /// Lines of this kind.
    pub negative: i64,
    /// Lines of this kind.
    pub tool_open: i64,
    /// Lines of this kind.
    pub tool_close: i64,
    /// Lines of this kind.
    pub terminal: i64,
    /// Lines of this kind.
    pub unknown: i64,
    /// Lines of this kind.
    pub not_json: i64,
    /// Lines of this kind.
    pub not_utf8: i64,
    /// Lines of this kind.
    pub blank: i64,
    /// Lines of this kind.
    pub oversize: i64,
    /// The first of the lines that no rule knows, at most 20.
    pub unknown_lines: Vec<UnknownLine>,
}

impl Conform {
    /// Nothing read yet, and nothing concluded.
    #[must_use]
    pub fn blank(file: String, runtime: &str, from: Origin) -> Self {
        Self {
            file,
            file_lossy: false,
            runtime: runtime.to_owned(),
            from,
            exit_code: None,
            signal: None,
            resumed: false,
            outcome: Outcome::NoResult,
            cause: Cause::NoTerminalEvent,
            outcome_source: OutcomeSource::TerminalEvent,
            message: None,
            clean_result: false,
            answer_cut: false,
            terminal_line: None,
            http_status: None,
            limit_kind: None,
            limit_resets_at: None,
            limit_retry_after_ms: None,
            session: None,
            open_tools: 0,
            tokens_in: None,
            tokens_out: None,
            tokens_cached: None,
            num_turns: None,
            cost_usd: None,
            bytes: 0,
            lines: 0,
            events: 0,
            ignored_lines: 0,
            start: 0,
            progress: 0,
            keep_alive: 0,
            negative: 0,
            tool_open: 0,
            tool_close: 0,
            terminal: 0,
            unknown: 0,
            not_json: 0,
            not_utf8: 0,
            blank: 0,
            oversize: 0,
            unknown_lines: Vec::new(),
        }
    }

    /// The counter of a kind.
    pub const fn count(&mut self, kind: LineKind) -> &mut i64 {
        match kind {
            LineKind::Start => &mut self.start,
            LineKind::Progress => &mut self.progress,
            LineKind::KeepAlive => &mut self.keep_alive,
            LineKind::Negative => &mut self.negative,
            LineKind::ToolOpen => &mut self.tool_open,
            LineKind::ToolClose => &mut self.tool_close,
            LineKind::Terminal => &mut self.terminal,
            LineKind::Unknown => &mut self.unknown,
            LineKind::NotJson => &mut self.not_json,
            LineKind::NotUtf8 => &mut self.not_utf8,
            LineKind::Blank => &mut self.blank,
            LineKind::Oversize => &mut self.oversize,
        }
    }
}

impl Record for Conform {
    const TYPE: &'static str = "conform";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("file", self.file.clone()),
            ("runtime", self.runtime.clone()),
            ("outcome", self.outcome.to_string()),
            ("cause", self.cause.to_string()),
            ("terminal", cell(self.terminal_line.as_ref())),
            ("lines", self.lines.to_string()),
            ("unknown", self.unknown.to_string()),
            ("not json", self.not_json.to_string()),
            ("session", cell(self.session.as_ref())),
            ("message", cell(self.message.as_ref())),
        ]
    }
}
