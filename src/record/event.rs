//! Records about what happens in a turn, and to it: a line of its stream, a silence, its stop.

use schemars::JsonSchema;
use serde::Serialize;

use super::{cell, span};
use crate::emit::Record;
use crate::id::{RunId, TurnId};
use crate::model::{Outcome, Phase, RunState};
use crate::runtime::LineKind;

/// One line of a turn's stream.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TurnEvent {
    /// The turn.
    pub turn: TurnId,
    /// The line's number in the stream, from 1.
    pub line: i64,
    /// What kind of line it is to the clocks.
    pub kind: LineKind,
    /// Where the line begins in `stream.jsonl`.
    pub offset: i64,
    /// How long it is.
    pub bytes: i64,
    /// The line, if it is JSON and of at most 64 KiB.
    pub event: Option<serde_json::Value>,
    /// The line as text otherwise, at most 4,096 characters of it.
    pub text: Option<String>,
    /// The text is not the whole line, or not exactly it.
    pub text_lossy: bool,
}

impl Record for TurnEvent {
    const TYPE: &'static str = "turn.event";
    fn columns(&self) -> Vec<(&'static str, String)> {
        let text = self.event.as_ref().map(ToString::to_string).or_else(|| self.text.clone());
        vec![
            ("line", self.line.to_string()),
            ("kind", self.kind.to_string()),
            ("bytes", self.bytes.to_string()),
            ("text", text.unwrap_or_default().chars().take(400).collect()),
        ]
    }
}

/// The agent is silent for too long, and goes on (`--on-stall report`): told once for each silence.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TurnStalled {
    /// The turn.
    pub turn: TurnId,
    /// The run it belongs to.
    pub run: RunId,
    /// Whose turn it is.
    pub agent: String,
    /// What it was doing: starting, awaiting the model, in a tool.
    pub phase: Phase,
    /// Since when it is silent, in time of the clocks.
    pub silent_ms: i64,
    /// The limit of the clock that ran out.
    pub limit_ms: i64,
    /// Events so far.
    pub events: i64,
}

impl Record for TurnStalled {
    const TYPE: &'static str = "turn.stalled";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("turn", self.turn.to_string()),
            ("run", self.run.to_string()),
            ("agent", self.agent.clone()),
            ("phase", self.phase.to_string()),
            ("silent", span(self.silent_ms)),
            ("limit", span(self.limit_ms)),
            ("events", self.events.to_string()),
        ]
    }
}

/// What `turn stop` did.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TurnStopped {
    /// Whose work was stopped.
    pub agent: String,
    /// The run that was stopped; null where none was open.
    pub run: Option<RunId>,
    /// The turn that was running.
    pub turn: Option<TurnId>,
    /// Its outcome; null where none was running, or it has not ended in time.
    pub outcome: Option<Outcome>,
    /// The run's state now.
    pub state: Option<RunState>,
    /// The process of an adopted worker that was killed; null where none was, or it was gone.
    pub signalled_pid: Option<i32>,
}

impl Record for TurnStopped {
    const TYPE: &'static str = "turn.stopped";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("agent", self.agent.clone()),
            ("run", cell(self.run.as_ref())),
            ("turn", cell(self.turn.as_ref())),
            ("outcome", cell(self.outcome.as_ref())),
            ("run state", cell(self.state.as_ref())),
            ("signalled", cell(self.signalled_pid.as_ref())),
        ]
    }
}
