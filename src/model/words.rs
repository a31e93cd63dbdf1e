//! The words of runs, turns and mail: outcomes, states, causes. `judge` decides between them,
//! `state` stores them, `record` prints them; each list stands here and nowhere else.

use crate::words::words;

words! {
    /// How a turn ended. Exactly one per turn.
    pub enum Outcome {
        /// A clean result, and nothing is owed.
        Completed = "completed",
        /// A clean result, and the run goes on by itself later.
        Waiting = "waiting",
        /// A clean result, but the terminal mail that is owed was not sent.
        Silent = "silent",
        /// An error result, or an exit code that is not 0.
        Failed = "failed",
        /// The agent ended without the terminal event its runtime has.
        NoResult = "no_result",
        /// The provider refused for now: a rate or usage limit.
        Limited = "limited",
        /// The provider refused the credentials, or the account cannot pay.
        Auth = "auth",
        /// A clock for silence ran out.
        Stalled = "stalled",
        /// The deadline of the whole turn passed.
        TimedOut = "timed_out",
        /// Somebody asked for the end.
        Aborted = "aborted",
        /// The agent died of a signal that was not ours.
        Killed = "killed",
        /// The tree is gone, and neither an exit record nor a terminal event tells how it ended.
        Lost = "lost",
        /// The runtime refused the session id; a fresh try follows at once.
        ResumeRefused = "resume_refused",
        /// Ended before the agent was let go.
        NeverStarted = "never_started",
        /// The program was not found or cannot be run.
        SpawnFailed = "spawn_failed",
        /// The run has moved on to another epoch.
        Fenced = "fenced",
        /// The prompt was empty: nothing was started.
        Empty = "empty",
    }
}

words! {
    /// Why a turn ended so.
    pub enum Cause {
        /// The terminal event says that the turn ended well.
        CleanResult = "clean_result",
        /// The terminal event says that the turn failed.
        ErrorResult = "error_result",
        /// The agent's exit code says it.
        ExitCode = "exit_code",
        /// The stream ended without a terminal event.
        NoTerminalEvent = "no_terminal_event",
        /// The terminal mail that is owed is missing.
        TerminalMailMissing = "terminal_mail_missing",
        /// Runs that have this agent as parent are open.
        OpenChildren = "open_children",
        /// The agent said that it ends on purpose and waits.
        Yielded = "yielded",
        /// Mail waits for this agent.
        UnreadMail = "unread_mail",
        /// A limit for requests or tokens in a span of time.
        RateLimit = "rate_limit",
        /// Credentials refused, or an account that cannot pay.
        Credentials = "credentials",
        /// Nothing came after the start.
        NoFirstEvent = "no_first_event",
        /// No progress while the model was awaited.
        NoProgress = "no_progress",
        /// No progress while a tool was running.
        NoProgressInTool = "no_progress_in_tool",
        /// The deadline of the whole turn.
        Deadline = "deadline",
        /// `turn stop`.
        Stop = "stop",
        /// A signal to the supervisor.
        Interrupt = "interrupt",
        /// A signal to the agent that was not ours.
        Signal = "signal",
        /// The shim died before it could write the exit record.
        ShimDied = "shim_died",
        /// The runtime does not know the session.
        UnknownSession = "unknown_session",
        /// The supervisor ended before "go".
        NotReleased = "not_released",
        /// The program was not found.
        ProgramNotFound = "program_not_found",
        /// The program, or its working folder, cannot be used.
        CannotRun = "cannot_run",
        /// Another epoch holds the run.
        Epoch = "epoch",
        /// There was nothing to say to the agent.
        EmptyPrompt = "empty_prompt",
        /// Without a terminal event, but all that was expected is there.
        ExpectationMet = "expectation_met",
        /// What was expected is not there, or has not changed.
        ExpectationMissing = "expectation_missing",
        /// Whether what was expected is there cannot be told.
        ExpectationUnknown = "expectation_unknown",
        /// The expected result says that the work failed.
        ResultSaysFailed = "result_says_failed",
        /// An adopted worker said it itself.
        OwnWord = "own_word",
        /// An adopted worker is gone without a word.
        Gone = "gone",
        /// An adopted session never came.
        NeverAppeared = "never_appeared",
    }
}

words! {
    /// What the outcome was read from.
    pub enum OutcomeSource {
        /// A typed field of the terminal event.
        TypedField = "typed_field",
        /// The kind of the terminal event.
        TerminalEvent = "terminal_event",
        /// The message inside the terminal event, by a dated pattern.
        TerminalMessage = "terminal_message",
        /// The exit code.
        ExitCode = "exit_code",
        /// The signal the agent died of.
        Signal = "signal",
        /// One of our clocks.
        Clock = "clock",
        /// What the run was expected to leave.
        Expectation = "expectation",
        /// A person, or a program in a person's place.
        Operator = "operator",
    }
}

words! {
    /// Where a run stands.
    pub enum RunState {
        /// Opened; its first turn has not begun.
        Booting = "booting",
        /// A turn runs.
        InTurn = "in_turn",
        /// The last turn failed and another is due.
        BetweenTurns = "between_turns",
        /// The agent ended its turn on purpose and goes on later.
        Waiting = "waiting",
        /// Held back until a time or a person.
        Blocked = "blocked",
        /// Ended well.
        Completed = "completed",
        /// Ended: the attempts are used up.
        Failed = "failed",
        /// Ended: gone without a word.
        Crashed = "crashed",
        /// Ended: a clock ran out.
        TimedOut = "timed_out",
        /// Ended: somebody asked for it.
        Stopped = "stopped",
    }
}

impl RunState {
    /// Whether the agent ended its turn on purpose and goes on later.
    #[must_use]
    pub const fn is_waiting(self) -> bool {
        matches!(self, Self::Waiting)
    }

    /// Whether nothing leaves this state but an explicit reopening.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Crashed | Self::TimedOut | Self::Stopped)
    }
}

words! {
    /// Why a run is blocked or waits.
    pub enum Hold {
        /// The provider's limit.
        Limited = "limited",
        /// A person has to act.
        NeedsHuman = "needs_human",
        /// A retry is due later.
        Backoff = "backoff",
        /// Children or mail are awaited.
        Awaiting = "awaiting",
    }
}

words! {
    /// What became of the session that was asked for.
    pub enum Resume {
        /// A new session.
        Fresh = "fresh",
        /// The session that was asked for.
        Same = "same",
        /// Another session than the one asked for.
        Mismatch = "mismatch",
        /// The runtime refused the session.
        Refused = "refused",
    }
}

words! {
    /// What holds the tree of a turn together.
    pub enum Containment {
        /// A cgroup, and the subreaper in addition.
        Cgroup = "cgroup",
        /// The subreaper alone.
        Subreaper = "subreaper",
    }
}

words! {
    /// A wish to end a turn, written before the signal is sent.
    pub enum Wish {
        /// `turn stop`.
        Operator = "operator",
        /// INT or TERM to the supervisor.
        Interrupt = "interrupt",
        /// No event since the start.
        FirstEvent = "first_event",
        /// No progress.
        Stall = "stall",
        /// No progress while a tool was open.
        StallTool = "stall_tool",
        /// The terminal event was seen and the process stayed.
        Grace = "grace",
    }
}

words! {
    /// What a running turn is doing; each phase has a clock of its own.
    pub enum Phase {
        /// Nothing has come from the agent yet.
        Starting = "starting",
        /// The model is awaited.
        Model = "model",
        /// A tool call is open.
        Tool = "tool",
        /// The terminal event was seen, and the process is still there.
        Ending = "ending",
    }
}

words! {
    /// What a supervisor does about an agent that has been silent for too long.
    pub enum OnStall {
        /// Ends the turn.
        Kill = "kill",
        /// Tells it, once for each silence; the turn goes on.
        Report = "report",
    }
}

words! {
    /// What the shim knows of how the agent came to its end.
    pub enum EndedBy {
        /// By itself, or by somebody else's signal.
        Agent = "agent",
        /// The shim was asked to end it.
        Asked = "asked",
        /// The shim's deadline.
        Deadline = "deadline",
    }
}

words! {
    /// What an agent is for, and so what mail it owes at its end.
    pub enum Capability {
        /// Owes nothing.
        None = "none",
        /// Writes code.
        Builder = "builder",
        /// Looks and reports.
        Scout = "scout",
        /// Judges others' work.
        Reviewer = "reviewer",
        /// Leads others.
        Lead = "lead",
        /// Merges others' work.
        Merger = "merger",
        /// Watches over the whole; owes nothing.
        Coordinator = "coordinator",
    }
}

words! {
    /// What a mail is about.
    pub enum MailType {
        /// News.
        Status = "status",
        /// A question.
        Question = "question",
        /// A result.
        Result = "result",
        /// Something went wrong.
        Error = "error",
        /// A worker has done its task.
        WorkerDone = "worker_done",
        /// A worker's run ended without success; written by refloat.
        WorkerDied = "worker_died",
        /// The last open child of a waiting parent ended; written by refloat.
        ChildrenDone = "children_done",
        /// A branch is ready to be merged.
        MergeReady = "merge_ready",
        /// A branch was merged.
        Merged = "merged",
        /// A branch could not be merged.
        MergeFailed = "merge_failed",
        /// Somebody with more rights has to act.
        Escalation = "escalation",
        /// Are you there?
        HealthCheck = "health_check",
        /// Work is handed out.
        Dispatch = "dispatch",
        /// Work is given to a named worker.
        Assign = "assign",
        /// A decision is wanted.
        DecisionGate = "decision_gate",
        /// A change of course for a running agent.
        Steer = "steer",
        /// A push.
        Nudge = "nudge",
    }
}

words! {
    /// How urgent a mail is.
    pub enum Priority {
        /// Whenever.
        Low = "low",
        /// In its turn.
        Normal = "normal",
        /// Before the others.
        High = "high",
        /// Before everything.
        Urgent = "urgent",
    }
}

words! {
    /// Who vouches for a mail's sender.
    pub enum AttributedBy {
        /// The token of the turn it was sent from.
        Turn = "turn",
        /// The token of the adopted run it was sent from.
        Run = "run",
        /// The sender's own word.
        Word = "word",
        /// refloat wrote it.
        Refloat = "refloat",
    }
}
