//! The description of one command-line tool: how to start it, how to read its stream, what ends it.
//! Read by `turn` before a start and, as stored with the turn, by whoever finishes the turn later.
//! Must never touch a file, a process or a clock: its text is handed in.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::matching::{Pointer, When};
use crate::words::words;

words! {
    /// How the prompt goes in.
    pub enum PromptBy {
        /// As an argument, where `{prompt}` stands.
        Argument = "argument",
        /// As a regular file on stdin.
        StdinFile = "stdin_file",
        /// Through a pipe on stdin, which is closed behind it.
        StdinPipe = "stdin_pipe",
        /// Not at all.
        None = "none",
    }
}

words! {
    /// Who chooses the session id.
    pub enum SessionBy {
        /// We do, before the start: a turn that dies at once can be resumed.
        Caller = "caller",
        /// The program does, and tells it in its stream.
        Program = "program",
        /// There are no sessions.
        None = "none",
    }
}

words! {
    /// The signal that lets the program clean up after itself.
    pub enum StopSignal {
        /// SIGINT.
        Int = "INT",
        /// SIGTERM.
        Term = "TERM",
        /// SIGHUP.
        Hup = "HUP",
    }
}

words! {
    /// What stands on stdout.
    pub enum Output {
        /// One JSON object with a `type` per line.
        JsonLines = "json_lines",
        /// Anything; nothing is read from it.
        Opaque = "opaque",
    }
}

words! {
    /// What a line is to the clocks and to the outcome.
    pub enum LineKind {
        /// The program, or a turn inside it, begins. Progress.
        Start = "start",
        /// The work goes on.
        Progress = "progress",
        /// The program lives; says nothing of the work.
        KeepAlive = "keep_alive",
        /// It tries again, or reports a failure: never progress.
        Negative = "negative",
        /// A tool call begins. Progress.
        ToolOpen = "tool_open",
        /// A tool call ends. Progress.
        ToolClose = "tool_close",
        /// The turn ended, well or badly. Progress.
        Terminal = "terminal",
        /// JSON, but no line of a type that the description knows. Ignored.
        Unknown = "unknown",
        /// Not JSON. Ignored.
        NotJson = "not_json",
        /// Not UTF-8. Ignored.
        NotUtf8 = "not_utf8",
        /// Nothing on it but space and terminal control sequences. Ignored.
        Blank = "blank",
        /// Longer than the buffer even without its long strings. Ignored.
        Oversize = "oversize",
    }
}

words! {
    /// What a line says of the turn's end.
    pub enum Verdict {
        /// As `[terminal]` reads it. Stands until the next verdict; what a terminal line does by itself.
        Own = "own",
        /// A failure. Stands until the next verdict: the program may still recover.
        Failed = "failed",
        /// A failure that no terminal line of its own turn makes good.
        Spoils = "spoils",
        /// Nothing of its own: the turn is over, and the standing verdict holds.
        Standing = "standing",
    }
}

words! {
    /// What a non-zero exit code proves without a terminal line.
    pub enum ExitCodes {
        /// A failure, if no event came before it; else only that there is no result.
        BeforeEvents = "before_events",
        /// A failure: the program has no other way to say it.
        Failure = "failure",
    }
}

words! {
    /// What a program refused before it began.
    pub enum Refused {
        /// The session it was to resume.
        Session = "session",
        /// Credentials: there are none, or they are no good.
        Credentials = "credentials",
    }
}

words! {
    /// What a provider's assertion is about.
    pub enum Says {
        /// A rate limit or a quota.
        Limit = "limit",
        /// Authentication or billing.
        Auth = "auth",
        /// Another failure.
        Other = "other",
    }
}

/// One agent command-line tool, as data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// The name after `--runtime`.
    pub name: String,
    /// The compiled-in runtime from which it has the keys that it does not have itself.
    pub like: Option<String>,
    /// The program; none: the caller's arguments are the whole command.
    pub program: Option<String>,
    /// The arguments. `{session}` stands for the list `fresh` or `resume`, `{args}` for the caller's, `{prompt}` for the prompt.
    pub args: Vec<String>,
    /// What `{session}` is for a new session; `{id}` is the id chosen by the caller, and without one the list is left out.
    #[serde(default)]
    pub fresh: Vec<String>,
    /// What `{session}` is for an old session; `{id}` is its id.
    #[serde(default)]
    pub resume: Vec<String>,
    /// How the prompt goes in.
    pub prompt: PromptBy,
    /// Whether a turn without a prompt is no turn (`empty`).
    pub prompt_required: bool,
    /// Environment variables that the program must not inherit.
    #[serde(default)]
    pub env_remove: Vec<String>,
    /// The started process is only the wrapper of the agent, which may live longer than it.
    #[serde(default)]
    pub wrapper: bool,
    /// Who chooses the session id.
    pub session_by: SessionBy,
    /// The first signal of the ladder.
    pub stop_signal: StopSignal,
    /// Seconds between the steps of the ladder.
    pub kill_after_s: u64,
    /// What stands on stdout.
    pub output: Output,
    /// What a non-zero exit code proves.
    #[serde(default = "before_events")]
    pub exit_codes: ExitCodes,
    /// The end of stderr is the message of a failure that has no other.
    #[serde(default)]
    pub stderr_message: bool,
    /// The top-level field that tells the lines apart.
    #[serde(default = "type_field")]
    pub type_field: String,
    /// The soft clocks; a missing one is off.
    #[serde(default)]
    pub clocks: Clocks,
    /// The top-level field that holds the session id, on any line that has it.
    pub session: Option<String>,
    /// The kinds of lines; the first that fits counts.
    #[serde(default, rename = "line")]
    pub lines: Vec<LineRule>,
    /// How a terminal line is read.
    pub terminal: Option<TerminalRules>,
    /// Where usage and cost stand on a terminal line.
    pub usage: Option<UsageRules>,
    /// How it shows that the program refused to begin, where it says so on stderr only.
    #[serde(default)]
    pub refused: Vec<RefusedRule>,
}

const fn before_events() -> ExitCodes {
    ExitCodes::BeforeEvents
}

fn type_field() -> String {
    "type".to_owned()
}

/// The soft clocks, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clocks {
    /// From the start to the first event.
    pub first_event_s: Option<u64>,
    /// Since the last progress, while the model is awaited.
    pub stall_s: Option<u64>,
    /// The same, while a tool call is open.
    pub stall_tool_s: Option<u64>,
}

/// One kind of line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineRule {
    /// Its `type`: one of these.
    #[serde(rename = "type")]
    pub types: Vec<String>,
    /// What else must hold.
    #[serde(default, skip_serializing_if = "When::is_empty")]
    pub when: When,
    /// What it is then.
    pub kind: LineKind,
    /// The tool calls it opens or closes.
    pub tool: Option<ToolRule>,
    /// What the provider asserts with it. Stands until progress overtakes it; counts only with a failed terminal line.
    pub says: Option<Says>,
    /// The kind of limit, for `says = "limit"`.
    pub limit_kind: Option<Pointer>,
    /// When it is lifted: seconds or milliseconds since 1970, RFC 3339, or an HTTP date.
    pub resets_at: Option<Pointer>,
    /// After what time it is lifted: seconds, "3 days 6 hours", or an HTTP date, as in `Retry-After`.
    pub retry_after: Option<Pointer>,
    /// What it says of the turn's end; a line of kind terminal without this: `own`.
    pub verdict: Option<Verdict>,
    /// The session id on lines of this rule, where it is in no top-level field of its own.
    pub session: Option<Pointer>,
    /// `[usage]` is read on it, as on a terminal line.
    #[serde(default)]
    pub usage: bool,
}

/// Where the ids of tool calls stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolRule {
    /// An array of items; none: the line is the item.
    pub each: Option<Pointer>,
    /// Which items count; the rule fits only a line that has one.
    #[serde(default, skip_serializing_if = "When::is_empty")]
    pub item: When,
    /// The id, in the item.
    pub id: Pointer,
}

/// How a terminal line is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminalRules {
    /// The turn ended well. Everything below is read only if this does not hold.
    pub clean: When,
    /// The answer was cut at its length limit: still clean, but told.
    pub cut: Option<When>,
    /// The program has no terminal line, or older builds have none: once it has ended by itself, the standing verdict holds.
    #[serde(default)]
    pub at_end: bool,
    /// The message of the failure: the first of these that is there.
    #[serde(default)]
    pub message: Vec<Pointer>,
    /// The HTTP status as a number: the first of these that is there.
    #[serde(default)]
    pub status: Vec<Pointer>,
    /// What stands before JSON text in the message; the empty text where all of it is.
    #[serde(default)]
    pub inner_after: Vec<String>,
    /// The same where the message is JSON text itself: pointers into that text.
    #[serde(default)]
    pub inner_status: Vec<Pointer>,
    /// The message in such a text.
    #[serde(default)]
    pub inner_message: Vec<Pointer>,
    /// What the program itself puts before a status at the very start of the message; the empty text: nothing.
    #[serde(default)]
    pub status_after: Vec<String>,
    /// The exit code is the HTTP status modulo 256 (144 to 255: 400 to 511), where a failed terminal line has none.
    #[serde(default)]
    pub exit_code_is_status: bool,
    /// Statuses that are a limit.
    #[serde(default)]
    pub limit_status: Vec<u16>,
    /// Statuses that are a failure of authentication or billing.
    #[serde(default)]
    pub auth_status: Vec<u16>,
    /// What a message tells, for programs without typed fields.
    #[serde(default, rename = "text")]
    pub texts: Vec<TextRule>,
    /// When a limit is lifted, as on a line rule: the first of these that is there.
    #[serde(default)]
    pub resets_at: Vec<Pointer>,
    /// After what time it is lifted, as on a line rule: the first of these that is there.
    #[serde(default)]
    pub retry_after: Vec<Pointer>,
    /// What stands before a time in the message of a limit.
    #[serde(default)]
    pub time_after: Vec<String>,
    /// The program refused the session id.
    pub resume_refused: Option<When>,
}

/// Words of a failed terminal line's message that tell what it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextRule {
    /// One of these is in the message, in any case of letters.
    pub contains: Vec<String>,
    /// Only in a message with this HTTP status; none given: only in one without any.
    pub status: Option<u16>,
    /// Then it is about this.
    pub says: Says,
    /// The kind of limit.
    pub limit_kind: Option<String>,
}

/// Where usage and cost stand on a terminal line. Several pointers are added up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageRules {
    /// Everything that went in, the cached part too.
    pub tokens_in: Vec<Pointer>,
    /// What came out.
    pub tokens_out: Vec<Pointer>,
    /// The part of the input that was read from a cache.
    pub tokens_cached: Vec<Pointer>,
    /// Turns of the model.
    pub num_turns: Option<Pointer>,
    /// The cost in dollars.
    pub cost_usd: Option<Pointer>,
    /// Whether a second line counts anew (its tokens are added) or counts on (they replace the first).
    pub add_up: bool,
    /// The same for the cost.
    #[serde(default)]
    pub add_up_cost: bool,
}

/// What the program refused before it began. Only where nothing came but its first lines: then neither the model nor
/// a tool can have written to stderr.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusedRule {
    /// What it did not accept.
    pub what: Refused,
    /// The exit code.
    pub exit_code: i32,
    /// One of these is on stderr, in any case of letters; none given: the exit code alone tells.
    #[serde(default)]
    pub stderr_contains: Vec<String>,
}

impl Clocks {
    /// From the start to the first event; none: off.
    #[must_use]
    pub fn first_event(&self) -> Option<Duration> {
        self.first_event_s.map(Duration::from_secs)
    }

    /// Since the last progress while the model is awaited; none: off.
    #[must_use]
    pub fn stall(&self) -> Option<Duration> {
        self.stall_s.map(Duration::from_secs)
    }

    /// Since the last progress while a tool call is open; none: off.
    #[must_use]
    pub fn stall_tool(&self) -> Option<Duration> {
        self.stall_tool_s.map(Duration::from_secs)
    }
}
