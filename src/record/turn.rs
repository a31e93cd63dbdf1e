//! Records about turns.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ExpectedRecord, OwedRecord, cell, span};
use crate::clock::Stamp;
use crate::emit::Record;
use crate::id::{RunId, TurnId};
use crate::model::{Cause, Containment, Outcome, OutcomeSource, Phase, Resume, RunState, Turn, Wish};

/// A turn has begun: the agent was let go.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TurnStarted {
    /// The turn.
    pub turn: TurnId,
    /// The run it belongs to.
    pub run: RunId,
    /// Whose turn it is.
    pub agent: String,
    /// What the run is about.
    pub task: Option<String>,
    /// The runtime's name.
    pub runtime: String,
    /// The run's epoch that the turn holds.
    pub epoch: i64,
    /// Which attempt of the run it is, from 1.
    pub attempt: i64,
    /// Attempts allowed.
    pub max_attempts: i64,
    /// The session asked for.
    pub session_asked: Option<String>,
    /// Fresh, or the session to be resumed.
    pub resume: Resume,
    /// What the run owes beyond its capability's mail.
    pub owes: Vec<OwedRecord>,
    /// The agent's process id.
    pub pid: i32,
    /// The shim's process id.
    pub shim_pid: i32,
    /// The supervisor's process id.
    pub supervisor_pid: i32,
    /// What holds the tree together.
    pub contained_by: Containment,
    /// When the shim ends the turn at the latest.
    pub deadline_at: Stamp,
    /// The turn's files: prompt, stream.jsonl, stderr.log, exit.json.
    pub log_dir: String,
    /// The folder's name is not UTF-8 and the text stands for it.
    pub log_dir_lossy: bool,
}

impl Record for TurnStarted {
    const TYPE: &'static str = "turn.started";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("turn", self.turn.to_string()),
            ("run", self.run.to_string()),
            ("agent", self.agent.clone()),
            ("task", cell(self.task.as_ref())),
            ("runtime", self.runtime.clone()),
            ("attempt", format!("{}/{}", self.attempt, self.max_attempts)),
            ("session", cell(self.session_asked.as_ref())),
            ("pid", self.pid.to_string()),
            ("logs", self.log_dir.clone()),
        ]
    }
}

/// How a turn ended. Stored with the turn as it was printed first; whoever asks later reads the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TurnEnded {
    /// The turn; null where nothing was started (`empty`).
    pub turn: Option<TurnId>,
    /// The run it belongs to.
    pub run: Option<RunId>,
    /// Whose turn it was.
    pub agent: String,
    /// What the run is about.
    pub task: Option<String>,
    /// The runtime's name.
    pub runtime: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why.
    pub cause: Cause,
    /// What the outcome was read from.
    pub outcome_source: Option<OutcomeSource>,
    /// The provider's or the runtime's own words for it, shortened.
    pub message: Option<String>,
    /// The run's state before the turn.
    pub state_before: Option<RunState>,
    /// The run's state from now on.
    pub state_after: Option<RunState>,
    /// The agent's exit code.
    pub exit_code: Option<i32>,
    /// The signal the agent died of.
    pub signal: Option<i32>,
    /// The session asked for.
    pub session_asked: Option<String>,
    /// The session the stream names.
    pub session_seen: Option<String>,
    /// What became of the session asked for.
    pub resume: Resume,
    /// The terminal event says that the turn ended well.
    pub clean_result: bool,
    /// The answer was cut at its length limit, as far as the program says so.
    pub answer_cut: bool,
    /// The terminal mail that this turn sent.
    pub terminal_mail: Option<crate::id::MailId>,
    /// A terminal mail is owed and was not sent.
    pub terminal_mail_missing: bool,
    /// What became of what the run owes beyond its capability's mail.
    pub expected: Vec<ExpectedRecord>,
    /// Somebody asked for the end of the turn.
    pub stop_requested: bool,
    /// Which attempt of the run it was, from 1.
    pub attempt: i64,
    /// Attempts allowed.
    pub max_attempts: i64,
    /// Not again before then.
    pub retry_at: Option<Stamp>,
    /// The HTTP status in the terminal event.
    pub http_status: Option<i64>,
    /// The kind of limit, in the provider's word.
    pub limit_kind: Option<String>,
    /// When the limit ends, by the provider.
    pub limit_resets_at: Option<Stamp>,
    /// When the agent was let go.
    pub started_at: Option<Stamp>,
    /// From then to the agent's end.
    pub duration_ms: i64,
    /// From then to the first event.
    pub first_event_ms: Option<i64>,
    /// From then to the last event.
    pub last_event_ms: Option<i64>,
    /// The host was suspended so long.
    pub suspended_ms: i64,
    /// The supervisor did not run so long (stopped, paused).
    pub frozen_ms: i64,
    /// Nobody supervised so long.
    pub unsupervised_ms: i64,
    /// Events in the stream.
    pub events: i64,
    /// Lines that were no events.
    pub ignored_lines: i64,
    /// Input tokens, where the runtime tells.
    pub tokens_in: Option<i64>,
    /// Output tokens.
    pub tokens_out: Option<i64>,
    /// Input tokens that came from a cache.
    pub tokens_cached: Option<i64>,
    /// Cost in US dollars, where the runtime tells.
    pub cost_usd: Option<f64>,
    /// Processes of the turn that could not be ended; null where nobody could look.
    pub children_left: Option<i64>,
    /// What held the tree together.
    pub contained_by: Option<Containment>,
    /// The turn's files.
    pub log_dir: Option<String>,
    /// The folder's name is not UTF-8 and the text stands for it.
    pub log_dir_lossy: bool,
}

impl TurnEnded {
    /// The record of a turn that had nothing to say to its agent: nothing was started.
    #[must_use]
    pub fn empty(agent: &str, task: Option<&str>, runtime: &str) -> Self {
        Self {
            turn: None,
            run: None,
            agent: agent.to_owned(),
            task: task.map(str::to_owned),
            runtime: runtime.to_owned(),
            outcome: Outcome::Empty,
            cause: Cause::EmptyPrompt,
            outcome_source: None,
            message: None,
            state_before: None,
            state_after: None,
            exit_code: None,
            signal: None,
            session_asked: None,
            session_seen: None,
            resume: Resume::Fresh,
            clean_result: false,
            answer_cut: false,
            terminal_mail: None,
            terminal_mail_missing: false,
            expected: Vec::new(),
            stop_requested: false,
            attempt: 0,
            max_attempts: 0,
            retry_at: None,
            http_status: None,
            limit_kind: None,
            limit_resets_at: None,
            started_at: None,
            duration_ms: 0,
            first_event_ms: None,
            last_event_ms: None,
            suspended_ms: 0,
            frozen_ms: 0,
            unsupervised_ms: 0,
            events: 0,
            ignored_lines: 0,
            tokens_in: None,
            tokens_out: None,
            tokens_cached: None,
            cost_usd: None,
            children_left: None,
            contained_by: None,
            log_dir: None,
            log_dir_lossy: false,
        }
    }
}

impl Record for TurnEnded {
    const TYPE: &'static str = "turn.ended";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("turn", cell(self.turn.as_ref())),
            ("run", cell(self.run.as_ref())),
            ("agent", self.agent.clone()),
            ("task", cell(self.task.as_ref())),
            ("outcome", self.outcome.to_string()),
            ("cause", self.cause.to_string()),
            ("run state", cell(self.state_after.as_ref())),
            ("attempt", format!("{}/{}", self.attempt, self.max_attempts)),
            ("retry at", self.retry_at.map(Stamp::brief).unwrap_or_default()),
            ("took", span(self.duration_ms)),
            ("events", self.events.to_string()),
            ("cost", self.cost_usd.map(|cost| format!("${cost:.2}")).unwrap_or_default()),
            ("message", cell(self.message.as_ref())),
        ]
    }
}

/// A turn as `turn list` and `turn show` tell it: what is recorded, not what is observed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TurnRecord {
    /// The turn.
    pub turn: TurnId,
    /// The run it belongs to.
    pub run: RunId,
    /// Whose turn it is.
    pub agent: String,
    /// The runtime's name.
    pub runtime: String,
    /// The run's epoch that the turn holds.
    pub epoch: i64,
    /// Which attempt of the run it is, from 1.
    pub attempt: i64,
    /// Its outcome; null while it has none.
    pub outcome: Option<Outcome>,
    /// Why it ended so.
    pub cause: Option<Cause>,
    /// When its row was made.
    pub booted_at: Stamp,
    /// When the agent was let go.
    pub started_at: Option<Stamp>,
    /// When its outcome was recorded.
    pub ended_at: Option<Stamp>,
    /// From the start to the agent's end; null while it has no outcome.
    pub duration_ms: Option<i64>,
    /// Events, as far as they are recorded.
    pub events: i64,
    /// Cost in US dollars, where the runtime tells.
    pub cost_usd: Option<f64>,
    /// A recorded wish to end it.
    pub wish: Option<Wish>,
    /// When it was told that the agent is silent for too long (`--on-stall report`); null once there was progress again.
    pub stalled_at: Option<Stamp>,
    /// In which phase that was.
    pub stalled_phase: Option<Phase>,
    /// The session asked for.
    pub session_asked: Option<String>,
    /// The agent's process id.
    pub pid: Option<i32>,
    /// The shim's process id.
    pub shim_pid: Option<i32>,
    /// The process id of its last supervisor.
    pub supervisor_pid: i32,
    /// What holds the tree together.
    pub contained_by: Containment,
    /// The command line.
    pub command: Vec<String>,
    /// The command line is not UTF-8 and the text stands for it.
    pub command_lossy: bool,
    /// The working folder.
    pub cwd: String,
    /// The working folder's name is not UTF-8 and the text stands for it.
    pub cwd_lossy: bool,
    /// The turn's files.
    pub log_dir: String,
    /// The folder's name is not UTF-8 and the text stands for it.
    pub log_dir_lossy: bool,
}

impl TurnRecord {
    /// The record of a turn whose files are in `log_dir`.
    #[must_use]
    pub fn of(turn: &Turn, log_dir: &Path) -> Self {
        let ended: Option<TurnEnded> = turn.ended.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let ended = ended.as_ref();
        Self {
            turn: turn.id,
            run: turn.run,
            agent: turn.agent.clone(),
            runtime: turn.description.name.clone(),
            epoch: turn.epoch,
            attempt: turn.attempt,
            outcome: turn.outcome,
            cause: ended.map(|ended| ended.cause),
            booted_at: turn.booted_at,
            started_at: turn.started_at,
            ended_at: turn.ended_at,
            duration_ms: ended.map(|ended| ended.duration_ms),
            events: ended.map_or(turn.counters.events, |ended| ended.events),
            cost_usd: ended.and_then(|ended| ended.cost_usd),
            wish: turn.wish.as_ref().map(|note| note.wish),
            stalled_at: turn.stall.map(|note| note.at),
            stalled_phase: turn.stall.map(|note| note.phase),
            session_asked: turn.session_asked.clone(),
            pid: turn.child.as_ref().map(|child| child.pid),
            shim_pid: turn.shim.as_ref().map(|shim| shim.pid),
            supervisor_pid: turn.supervisor.pid,
            contained_by: turn.contained_by,
            command: turn.command.clone(),
            command_lossy: turn.command_lossy,
            cwd: turn.cwd.clone(),
            cwd_lossy: turn.cwd_lossy,
            log_dir: log_dir.to_string_lossy().into_owned(),
            log_dir_lossy: log_dir.to_str().is_none(),
        }
    }
}

impl TurnRecord {
    /// Its outcome; while it has none, whether the agent was let go.
    fn standing(&self) -> String {
        match (self.outcome, self.started_at) {
            (Some(outcome), _) => outcome.to_string(),
            (None, Some(_)) => "running".to_owned(),
            (None, None) => "starting".to_owned(),
        }
    }

    /// How long it took, or has taken so far.
    fn took(&self) -> String {
        match (self.duration_ms, self.started_at) {
            (Some(duration), _) => span(duration),
            (None, Some(started)) if self.outcome.is_none() => span(Stamp::now().since(started)),
            _ => String::new(),
        }
    }
}

impl Record for TurnRecord {
    const TYPE: &'static str = "turn";
    fn columns(&self) -> Vec<(&'static str, String)> {
        vec![
            ("turn", self.turn.to_string()),
            ("run", self.run.to_string()),
            ("agent", self.agent.clone()),
            ("runtime", self.runtime.clone()),
            ("outcome", self.standing()),
            ("took", self.took()),
            ("stalled", self.stalled_at.map(Stamp::brief).unwrap_or_default()),
            ("started", self.started_at.map(Stamp::brief).unwrap_or_default()),
            ("events", self.events.to_string()),
            ("cost", self.cost_usd.map(|cost| format!("${cost:.2}")).unwrap_or_default()),
            ("command", self.command.join(" ")),
        ]
    }
}
