//! The records, declared once more from the design: every key there, in its order, of its kind, and no other.
//! `Said::records` checks every line that any of these tests reads.

use serde::Deserialize;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// A wire type: what its lines begin with, and its keys in the order of the design.
trait Wire: for<'de> Deserialize<'de> {
    const TYPE: &'static str;
    const KEYS: &'static [&'static str];
}

macro_rules! wire {
    ($name:ident $kind:literal $($key:ident: $value:ty,)+) => {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "reading it is the test")]
        struct $name { r#type: String, v: One, at: Time, $($key: $value,)+ }
        impl Wire for $name {
            const TYPE: &'static str = $kind;
            const KEYS: &'static [&'static str] = &["type", "v", "at", $(stringify!($key),)+];
        }
    };
}

macro_rules! words {
    ($($name:ident: $($word:ident)+;)+) => {
        $(#[derive(Deserialize)]
        #[expect(non_camel_case_types, reason = "the words as they stand in records")]
        pub(super) enum $name { $($word,)+ })+
    };
}

/// A text that has to pass a test to be read.
macro_rules! texts {
    ($($name:ident: $test:expr;)+) => {
        $(struct $name;
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                let test: fn(&str) -> bool = $test;
                test(&text).then_some(Self).ok_or_else(|| D::Error::custom(format!("{}: {text}", stringify!($name))))
            }
        })+
    };
}

texts! {
    Time: is_time;
    RunId: |text| is_id(text, 'r');
    TurnId: |text| is_id(text, 't');
    MailId: |text| is_id(text, 'm');
    RetryId: |text| is_id(text, 'y');
    DeadLetterId: |text| is_id(text, 'd');
    CrashId: |text| is_id(text, 'c');
    EvidenceId: |text| is_id(text, 'e');
    MarkId: |text| is_id(text, 'k');
    StopSignal: |text| ["INT", "TERM", "HUP"].contains(&text);
    Cause: |text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
}

words! {
    Outcome: completed waiting silent failed no_result limited auth stalled timed_out aborted killed lost
        resume_refused never_started spawn_failed fenced empty;
    Source: typed_field terminal_event terminal_message exit_code signal clock expectation operator;
    ExpectKind: mail file result git story sprint;
    Found: mail absent file other r#ref truth unknown;
    Reach: reached not_reached contradicted unknown;
    State: booting in_turn between_turns waiting blocked completed failed crashed timed_out stopped;
    Hold: limited needs_human backoff awaiting;
    Resume: fresh same mismatch refused;
    ContainedBy: cgroup subreaper;
    Capability: none builder scout reviewer lead merger coordinator;
    Phase: starting model tool ending;
    Wish: operator interrupt first_event stall stall_tool grace;
    Kind: start progress keep_alive negative tool_open tool_close terminal unknown not_json not_utf8 blank oversize;
    MailType: status question result error worker_done worker_died children_done merge_ready merged merge_failed
        escalation health_check dispatch assign decision_gate steer nudge;
    Priority: low normal high urgent;
    AttributedBy: turn run word refloat;
    Observed: alive gone unknown;
    From: builtin user turn;
    PromptBy: argument stdin_file stdin_pipe none;
    SessionBy: caller program none;
    Output: json_lines opaque;
    ExitCodes: before_events failure;
    MailState: stored leased acked dead;
    Awaited: mail pid_exit run_ended run_changed turn_ended file_changed file_exists file_gone tmux_gone;
    WaitEnd: met timeout stopped unknown;
    WokenBy: notice bell backstop lease poll;
    EndedBy: agent asked deadline;
}

/// The version of every record so far.
struct One;

impl<'de> Deserialize<'de> for One {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        (u8::deserialize(from)? == 1).then_some(Self).ok_or_else(|| D::Error::custom("not version 1"))
    }
}

/// A duration, a count, a number of bytes: an integer, never a fraction, never below 0, exact in every reader.
struct Count;

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        (u64::deserialize(from)? < 1 << 53).then_some(Self).ok_or_else(|| D::Error::custom("2^53 or more"))
    }
}

/// What stands inside another record: its keys too have one order.
macro_rules! part {
    ($name:ident $($key:ident: $value:ty,)+) => {
        pub(super) struct $name;
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Reader;
                impl<'de> Visitor<'de> for Reader {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(stringify!($name))
                    }
                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        $(next_is(map.next_key()?, stringify!($key))?;
                        let _: $value = map.next_value()?;)+
                        map.next_key::<String>()?.map_or(Ok($name), |key| Err(A::Error::custom(key)))
                    }
                }
                from.deserialize_map(Reader)
            }
        }
    };
}

fn next_is<E: Error>(key: Option<String>, wanted: &str) -> Result<(), E> {
    if key.as_deref() == Some(wanted) { Ok(()) } else { Err(E::custom(format!("{key:?}, want {wanted}"))) }
}

mod evidence;
mod gathered;
mod ledgers;
mod marks;
mod verdicts;

part! { Owed
    kind: ExpectKind, target: String, target_lossy: bool, repository: Option<String>, repository_lossy: bool,
    root: Option<String>, root_lossy: bool,
    since: Option<TurnId>, taken_at: Time, found: Found, mail: Option<MailId>, size: Option<Count>,
    modified_at: Option<Time>, sha256: Option<String>, status: Option<String>, object: Option<String>,
    why: Option<String>,
}

part! { Expected
    kind: ExpectKind, target: String, target_lossy: bool, state: Reach, why: Option<String>,
}

wire! { TurnStarted "turn.started"
    turn: TurnId, run: RunId, agent: String, task: Option<String>, runtime: String, epoch: Count, attempt: Count,
    max_attempts: Count, session_asked: Option<String>, resume: Resume, owes: Vec<Owed>, pid: Count, shim_pid: Count,
    supervisor_pid: Count, contained_by: ContainedBy, deadline_at: Time, log_dir: String, log_dir_lossy: bool,
}

wire! { TurnEnded "turn.ended"
    turn: Option<TurnId>, run: Option<RunId>, agent: String, task: Option<String>, runtime: String, outcome: Outcome,
    cause: Cause, outcome_source: Option<Source>, message: Option<String>, state_before: Option<State>,
    state_after: Option<State>, exit_code: Option<Count>, signal: Option<Count>, session_asked: Option<String>,
    session_seen: Option<String>, resume: Resume, clean_result: bool, answer_cut: bool, terminal_mail: Option<MailId>,
    terminal_mail_missing: bool, expected: Vec<Expected>, stop_requested: bool, attempt: Count, max_attempts: Count, retry_at: Option<Time>,
    http_status: Option<Count>, limit_kind: Option<String>, limit_resets_at: Option<Time>, started_at: Option<Time>,
    duration_ms: Count, first_event_ms: Option<Count>, last_event_ms: Option<Count>, suspended_ms: Count,
    frozen_ms: Count, unsupervised_ms: Count, events: Count, ignored_lines: Count, tokens_in: Option<Count>,
    tokens_out: Option<Count>, tokens_cached: Option<Count>, cost_usd: Option<f64>, children_left: Option<Count>,
    contained_by: Option<ContainedBy>, log_dir: Option<String>, log_dir_lossy: bool,
}

wire! { Turn "turn"
    turn: TurnId, run: RunId, agent: String, runtime: String, epoch: Count, attempt: Count, outcome: Option<Outcome>,
    cause: Option<Cause>, booted_at: Time, started_at: Option<Time>, ended_at: Option<Time>,
    duration_ms: Option<Count>, events: Count, cost_usd: Option<f64>, wish: Option<Wish>,
    stalled_at: Option<Time>, stalled_phase: Option<Phase>, session_asked: Option<String>, pid: Option<Count>, shim_pid: Option<Count>, supervisor_pid: Count,
    contained_by: ContainedBy, command: Vec<String>, command_lossy: bool, cwd: String, cwd_lossy: bool,
    log_dir: String, log_dir_lossy: bool,
}

wire! { TurnEvent "turn.event"
    turn: TurnId, line: Count, kind: Kind, offset: Count, bytes: Count, event: Option<Value>, text: Option<String>,
    text_lossy: bool,
}

wire! { TurnStalled "turn.stalled"
    turn: TurnId, run: RunId, agent: String, phase: Phase, silent_ms: Count, limit_ms: Count, events: Count,
}

wire! { TurnStopped "turn.stopped"
    agent: String, run: Option<RunId>, turn: Option<TurnId>, outcome: Option<Outcome>, state: Option<State>,
    signalled_pid: Option<Count>,
}

wire! { Run "run"
    run: RunId, agent: String, task: Option<String>, parent: Option<String>, capability: Capability, state: State,
    hold: Option<Hold>, held_until: Option<Time>, held_by_provider: bool, epoch: Count, attempts: Count,
    max_attempts: Count, runtime: Option<String>, session: Option<String>, terminal_mail_missing: bool,
    owes: Vec<Owed>, opened_at: Time, changed_at: Time, ended_at: Option<Time>, adopted: bool, pid: Option<Count>,
    start_ticks: Option<Count>, tmux: Option<String>, tmux_session: Option<String>, tmux_socket: Option<String>,
    tmux_server_pid: Option<Count>, log: Option<String>, launch_until: Option<Time>, beats: Count,
    beat_at: Option<Time>, beat_age_ms: Option<Count>, progress_at: Option<Time>, progress_age_ms: Option<Count>,
    progress: Option<String>, clock_skew: bool, observed: Option<Observed>, observed_why: Option<Cause>,
}

wire! { RunAdopted "run.adopted"
    run: RunId, agent: String, task: Option<String>, parent: Option<String>, capability: Capability,
    max_attempts: Count, owes: Vec<Owed>, state: State, token: String, pid: Option<Count>, start_ticks: Option<Count>,
    tmux: Option<String>, tmux_session: Option<String>, tmux_socket: Option<String>, tmux_server_pid: Option<Count>,
    log: Option<String>, launch_until: Option<Time>,
}

wire! { RunBeat "run.beat"
    run: RunId, agent: String, state: State, beats: Count, beat_at: Option<Time>, progress_at: Option<Time>,
    progress: Option<String>,
}

wire! { RunEnded "run.ended"
    run: RunId, agent: String, task: Option<String>, parent: Option<String>, outcome: Outcome, cause: Cause,
    state: State, why: Option<String>, message: Option<String>, terminal_mail: Option<MailId>,
    terminal_mail_missing: bool, expected: Vec<Expected>, notice: Option<MailType>, ended_at: Time,
}

wire! { TurnYielded "turn.yielded"
    turn: TurnId, run: RunId, agent: String, reason: Option<String>, until: Time, on_mail: bool,
}

wire! { RuntimeRecord "runtime"
    runtime: String, from: From, file: Option<String>, file_lossy: bool, overrides: bool, like: Option<String>,
    mistake: Option<String>, program: Option<String>, args: Vec<String>, prompt: Option<PromptBy>,
    prompt_required: bool, session_by: Option<SessionBy>, wrapper: bool, output: Option<Output>,
    exit_codes: Option<ExitCodes>, stop_signal: Option<StopSignal>, first_event_ms: Option<Count>,
    stall_ms: Option<Count>, stall_tool_ms: Option<Count>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "reading it is the test")]
struct UnknownLine {
    line: Count,
    kind: Kind,
    line_type: Option<String>,
    text: String,
}

wire! { Conform "conform"
    file: String, file_lossy: bool, runtime: String, from: From, exit_code: Option<Count>, signal: Option<Count>,
    resumed: bool, outcome: Outcome, cause: Cause, outcome_source: Source, message: Option<String>,
    clean_result: bool, answer_cut: bool, terminal_line: Option<Count>, http_status: Option<Count>,
    limit_kind: Option<String>, limit_resets_at: Option<Time>, limit_retry_after_ms: Option<Count>,
    session: Option<String>, open_tools: Count, tokens_in: Option<Count>, tokens_out: Option<Count>,
    tokens_cached: Option<Count>, num_turns: Option<Count>, cost_usd: Option<f64>, bytes: Count, lines: Count,
    events: Count, ignored_lines: Count, start: Count, progress: Count, keep_alive: Count, negative: Count,
    tool_open: Count, tool_close: Count, terminal: Count, unknown: Count, not_json: Count, not_utf8: Count,
    blank: Count, oversize: Count, unknown_lines: Vec<UnknownLine>,
}

wire! { MailSent "mail.sent"
    mail: MailId, from: String, to: String, to_run: Option<RunId>, group: Option<String>, mail_type: MailType,
    state: MailState, dead_reason: Option<String>, turn: Option<TurnId>, run: Option<RunId>,
    attributed_by: AttributedBy, expires_at: Option<Time>,
}

wire! { Mail "mail"
    mail: MailId, from: String, to: String, to_run: Option<RunId>, group: Option<String>, mail_type: MailType,
    priority: Priority, subject: String, body: String, payload: Option<Value>, thread: MailId,
    reply_to: Option<MailId>, turn: Option<TurnId>, run: Option<RunId>, attributed_by: AttributedBy,
    state: MailState, dead_reason: Option<String>, sent_at: Time, deliveries: Count, claim: Option<String>,
    lease_until: Option<Time>, lease_turn: Option<TurnId>, delayed_until: Option<Time>, acked_at: Option<Time>,
    expires_at: Option<Time>,
}

wire! { MailAcked "mail.acked"
    mail: MailId, agent: String, deliveries: Count, acked_at: Time,
}

wire! { MailReleased "mail.released"
    mail: MailId, agent: String, deliveries: Count, delayed_until: Option<Time>,
}

wire! { MailPurged "mail.purged"
    applied: bool, mails: Count, acked: Count, stored: Count, dead: Count, before: Option<Time>,
    agent: Option<String>,
}

wire! { WaitEnded "wait.ended"
    condition: Awaited, subject: String, subject_lossy: bool, agent: Option<String>, run: Option<RunId>,
    turn: Option<TurnId>, mail: Option<MailId>, state: Option<State>, outcome: WaitEnd, reason: Cause,
    woken_by: Option<WokenBy>, polled: bool, waited_ms: Count, looks: Count,
}

fn is_time(text: &str) -> bool {
    let form = "0000-00-00T00:00:00.000Z";
    text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(|(b, f)| if f == b'0' { b.is_ascii_digit() } else { b == f })
}

fn is_id(text: &str, letter: char) -> bool {
    let digits = text.strip_prefix(letter).unwrap_or_default();
    !digits.is_empty() && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit())
}

/// The keys of a line, as they follow each other.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Keys;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, _)) = map.next_entry::<String, IgnoredAny>()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        from.deserialize_map(Reader)
    }
}

fn is<W: Wire>(line: &str, kind: &str) -> Option<Result<(), String>> {
    (kind == W::TYPE).then(|| {
        let keys = serde_json::from_str::<Keys>(line).map_err(|error| error.to_string())?.0;
        if keys != W::KEYS {
            return Err(format!("keys {keys:?}\nwant {:?}", W::KEYS));
        }
        serde_json::from_str::<W>(line).map(|_| ()).map_err(|error| error.to_string())
    })
}

/// What is wrong with a line, if anything is.
pub(crate) fn check(line: &str) -> Result<(), String> {
    let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    if line != line.trim()
        || line.contains("\": ") && serde_json::to_string(&value).unwrap_or_default().len() < line.len()
    {
        return Err("not compact".into());
    }
    let kind = value["type"].as_str().unwrap_or_default();
    is::<TurnStarted>(line, kind)
        .or_else(|| is::<TurnEnded>(line, kind))
        .or_else(|| is::<Turn>(line, kind))
        .or_else(|| is::<TurnEvent>(line, kind))
        .or_else(|| is::<TurnStopped>(line, kind))
        .or_else(|| is::<TurnStalled>(line, kind))
        .or_else(|| is::<RuntimeRecord>(line, kind))
        .or_else(|| is::<Conform>(line, kind))
        .or_else(|| is::<Run>(line, kind))
        .or_else(|| is::<RunAdopted>(line, kind))
        .or_else(|| is::<RunBeat>(line, kind))
        .or_else(|| is::<RunEnded>(line, kind))
        .or_else(|| is::<TurnYielded>(line, kind))
        .or_else(|| is::<MailSent>(line, kind))
        .or_else(|| is::<Mail>(line, kind))
        .or_else(|| is::<MailAcked>(line, kind))
        .or_else(|| is::<MailReleased>(line, kind))
        .or_else(|| is::<MailPurged>(line, kind))
        .or_else(|| is::<WaitEnded>(line, kind))
        .or_else(|| evidence::check(line, kind))
        .or_else(|| ledgers::check(line, kind))
        .or_else(|| marks::check(line, kind))
        .or_else(|| verdicts::check(line, kind))
        .unwrap_or_else(|| Err(format!("a record of no known type: {kind:?}")))
}
